"use strict";
(() => {
  const inspector = document.getElementById("inspector");
  const find = document.getElementById("find");
  let pinned = null;

  const rowOf = (arrow) => document.querySelector(arrow.getAttribute("href"));
  const light = (elements, on) => elements.forEach((element) => element?.classList.toggle("lit", on));

  function show(arrow) {
    const row = rowOf(arrow);
    if (!row) return;
    const [way, label, visits, cases] = row.cells;
    const heading = document.createElement("p");
    heading.append(way.cloneNode(true).textContent, " · ", visits.textContent);
    heading.style.fontWeight = "600";
    const answer = document.createElement("p");
    answer.textContent = label.textContent;
    const list = document.createElement("ul");
    const names = cases.querySelectorAll("li");
    names.forEach((name) => list.append(name.cloneNode(true)));
    if (!names.length) list.append("No case walks this arrow.");
    const hint = document.createElement("p");
    hint.className = "hint";
    hint.textContent = pinned === arrow ? "Pinned. Escape or a second click lets go." : "Click to pin.";
    inspector.replaceChildren(heading, answer, list, hint);
    inspector.hidden = false;
    light([arrow, row], true);
  }

  function hide(arrow) {
    light([arrow, rowOf(arrow)], false);
    if (pinned && pinned !== arrow) show(pinned);
    else if (!pinned) inspector.hidden = true;
    else light([pinned, rowOf(pinned)], true);
  }

  function release() {
    const arrow = pinned;
    pinned = null;
    if (arrow) hide(arrow);
  }

  for (const arrow of document.querySelectorAll("a.arrow")) {
    const start = () => show(arrow);
    const stop = () => hide(arrow);
    arrow.addEventListener("mouseenter", start);
    arrow.addEventListener("mouseleave", stop);
    arrow.addEventListener("focus", start);
    arrow.addEventListener("blur", stop);
    arrow.addEventListener("click", (event) => {
      event.preventDefault();
      const again = pinned === arrow;
      release();
      pinned = again ? null : arrow;
      show(arrow);
    });
  }

  // A case's name, wherever it stands, lights up every arrow that the case walks.
  function walked(href, on) {
    for (const link of document.querySelectorAll(`.walkers a[href="${href}"]`)) {
      const id = link.closest("tr").id.replace("-row-", "-arrow-");
      const arrow = document.getElementById(id);
      light([arrow], on);
      arrow?.ownerSVGElement.classList.toggle("dim", on);
    }
  }
  for (const kind of ["mouseover", "mouseout"]) {
    inspector.addEventListener(kind, (event) => {
      const href = event.target.closest("a")?.getAttribute("href");
      if (href) walked(href, kind === "mouseover");
    });
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") release();
  });

  find.parentElement.hidden = false;
  find.addEventListener("input", () => {
    const words = find.value.toLowerCase().split(/\s+/);
    for (const row of document.querySelectorAll("tr.row")) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
})();
