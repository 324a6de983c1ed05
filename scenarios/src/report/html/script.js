"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const make = (name, text = "", attributes = {}) => {
    const element = document.createElement(name);
    element.textContent = text;
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    return element;
  };
  const inspector = document.getElementById("inspector");
  const light = (elements, on) => elements.forEach((element) => element?.classList.toggle("lit", on));

  // What the tables say of an arrow, or of the arrows of a shape.
  const rowOf = (arrow) => document.getElementById(arrow.id.replace("-arrow-", "-row-"));
  function rowsOf(element) {
    if (!element.id.includes("-node-")) return [rowOf(element)].filter(Boolean);
    const [chart, node] = element.id.split("-node-");
    return all(`#${chart} tr[data-ends]`).filter((row) => row.dataset.ends.split(" ").includes(node));
  }
  function told(element) {
    const rows = rowsOf(element);
    const names = new Map();
    rows.flatMap((row) => all(".walkers li", row)).forEach((name) => names.set(name.textContent, name));
    const [title, ...rest] = element.getAttribute("aria-label").split(", walked ");
    return { title, visits: rest.length ? `walked ${rest}` : "", names: [...names.values()] };
  }
  function list(names, most) {
    const items = make("ul", "", { class: "names" });
    names.slice(0, most).forEach((name) => items.append(name.cloneNode(true)));
    if (!names.length) items.append(make("li", "No case walks it.", { class: "none" }));
    if (names.length > most) items.append(make("li", `and ${names.length - most} more`));
    return items;
  }
  function heading(element, names) {
    const { title, visits } = told(element);
    const line = make("p");
    const cases = `${names.length} ${names.length === 1 ? "case" : "cases"}`;
    line.append(make("strong", title), ` · ${visits ? `${visits} · ` : ""}${cases}`);
    return line;
  }

  // Under the pointer: the gist, in a corner. Selected: every case, below the chart.
  let selected = null;
  function peek(element) {
    const { names } = told(element);
    const hint = make("p", "Select it to list the cases below the chart.", { class: "hint" });
    inspector.replaceChildren(heading(element, names), list(names, 6), hint);
    inspector.hidden = element === selected;
    light([element, rowOf(element)], true);
  }
  function leave(element) {
    inspector.hidden = true;
    if (element !== selected) light([element, rowOf(element)], false);
  }
  const panelOf = (element) => element.closest("figure").querySelector(".picked");
  function select(element) {
    release();
    selected = element;
    inspector.hidden = true;
    light([element, rowOf(element)], true);
    const { names } = told(element);
    const hint = make("p", "Escape lets go.", { class: "hint" });
    panelOf(element).replaceChildren(heading(element, names), list(names, Infinity), hint);
  }
  function release() {
    if (!selected) return;
    light([selected, rowOf(selected)], false);
    rest(panelOf(selected));
    selected = null;
  }
  function rest(panel) {
    panel.replaceChildren(make("p", "Select a shape or an arrow to list the cases that walk it here.", { class: "hint" }));
  }

  // A picture of one walk has no cases to choose from.
  for (const node of all("figure:not(.still) .node")) {
    node.setAttribute("tabindex", "0");
    node.setAttribute("role", "button");
  }
  for (const element of all("figure:not(.still) :is(.node, .arrow)")) {
    const starts = () => peek(element);
    const ends = () => leave(element);
    element.addEventListener("mouseenter", starts);
    element.addEventListener("mouseleave", ends);
    element.addEventListener("focus", starts);
    element.addEventListener("blur", ends);
    const turn = (event) => {
      event.preventDefault();
      if (selected === element) release();
      else select(element);
    };
    element.addEventListener("click", turn);
    element.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") turn(event);
    });
  }

  // A case's name below a chart lights up every arrow of that chart that the case walks.
  function walked(link, on) {
    const part = link.closest(".part");
    const canvas = part?.querySelector(".canvas svg");
    const rows = all("tr[data-ends]", part ?? document);
    const walks = rows.filter((row) => all(`.walkers a[href="${link.getAttribute("href")}"]`, row).length);
    const arrows = walks.map((row) => document.getElementById(row.id.replace("-row-", "-arrow-")));
    light(arrows.filter((arrow) => on || arrow !== selected), on);
    canvas?.classList.toggle("dim", on && arrows.length > 0);
  }
  for (const [kind, on] of [["mouseover", true], ["mouseout", false], ["focusin", true], ["focusout", false]]) {
    document.addEventListener(kind, (event) => {
      const link = event.target.closest?.(".names a");
      if (link) walked(link, on);
    });
  }

  // Zoom. A chart is as large as it was drawn until its reader asks for something else.
  const LEAST = 0.1, MOST = 4, STEP = 1.25;
  const views = new Map();
  function view(canvas) {
    const svg = canvas.querySelector("svg");
    const [width, height] = ["width", "height"].map((name) => Number(svg.getAttribute(name)));
    const figure = canvas.closest("figure");
    const shown = make("output", "100 %", { "aria-live": "polite" });
    const it = { scale: 1 };
    it.zoom = (wanted, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) => {
      const scale = Math.min(MOST, Math.max(LEAST, wanted));
      const ratio = scale / it.scale;
      const [left, top] = [(canvas.scrollLeft + x) * ratio - x, (canvas.scrollTop + y) * ratio - y];
      it.scale = scale;
      svg.style.width = `${width * scale}px`;
      svg.style.height = `${height * scale}px`;
      canvas.scrollTo({ left, top, behavior: "instant" });
      shown.textContent = `${Math.round(scale * 100)} %`;
    };
    // Without the frame, so that nothing is left to scroll.
    it.fit = () => it.zoom(Math.min((canvas.clientWidth - 2) / width, (window.innerHeight * 0.6) / height));
    it.begin = () => {
      if (it.begun || !canvas.clientWidth) return;
      it.begun = true;
      const last = svg.querySelector(".last");
      if (last) it.reach(last);
      else canvas.scrollLeft = Number(canvas.dataset.start) - canvas.clientWidth / 2;
    };
    it.reach = (element) => {
      if (it.scale < 1) it.zoom(1);
      const [box, at] = [canvas.getBoundingClientRect(), element.getBoundingClientRect()];
      const left = canvas.scrollLeft + at.left + at.width / 2 - box.left - box.width / 2;
      const top = canvas.scrollTop + at.top + at.height / 2 - box.top - box.height / 2;
      canvas.scrollTo({ left, top, behavior: "instant" });
    };
    const tools = make("div", "", { class: "tools", role: "group", "aria-label": "Zoom" });
    const button = (text, name, act) => {
      const made = make("button", text, { type: "button", "aria-label": name, title: name });
      made.addEventListener("click", act);
      return made;
    };
    tools.append(
      button("−", "Zoom out", () => it.zoom(it.scale / STEP)),
      shown,
      button("+", "Zoom in", () => it.zoom(it.scale * STEP)),
      button("100 %", "Full size", () => it.zoom(1)),
      button("Fit", "Fit the whole chart", it.fit),
      make("span", "On the chart: + − 0 F, arrow keys, Ctrl and the wheel", { class: "hint" }),
    );
    figure.prepend(tools);
    const keys = { "+": () => it.zoom(it.scale * STEP), "-": () => it.zoom(it.scale / STEP), 0: () => it.zoom(1), f: it.fit };
    keys["="] = keys["+"];
    canvas.addEventListener("keydown", (event) => {
      const act = keys[event.key.toLowerCase()];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
    });
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const box = canvas.getBoundingClientRect();
      it.zoom(it.scale * Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top);
    }, { passive: false });
    if (!figure.matches(".still")) {
      const panel = make("div", "", { class: "picked", "aria-live": "polite" });
      rest(panel);
      figure.append(panel);
    }
    views.set(canvas, it);
    it.begin();
  }
  all(".canvas").forEach(view);
  document.addEventListener("toggle", (event) => {
    all(".canvas", event.target).forEach((canvas) => views.get(canvas)?.begin());
  }, true);

  // Find: the shapes first, then arrows, then cases; the first is gone to at once.
  const finder = document.getElementById("finder");
  const [find, found] = ["find", "found"].map((id) => document.getElementById(id));
  const places = [...all(".canvas .node"), ...all(".canvas .arrow"), ...all("tr.case, .part.failing")];
  const textOf = (place) => {
    const named = place.getAttribute("aria-label") ?? "";
    const text = place.matches(".part") ? place.querySelector("summary").textContent : place.textContent;
    return `${named} ${all("text", place).map((line) => line.textContent).join(" ")} ${text}`.toLowerCase();
  };
  const texts = places.map(textOf);
  let matches = [], at = 0;
  function reach(place) {
    for (let fold = place.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    const canvas = place.closest(".canvas");
    if (canvas) {
      views.get(canvas).begin();
      views.get(canvas).reach(place);
      canvas.closest("figure").scrollIntoView({ block: "start", behavior: "instant" });
      if (!place.closest(".still")) select(place);
    } else {
      place.scrollIntoView({ block: "center", behavior: "instant" });
    }
    place.classList.add("found");
  }
  function go(to) {
    all(".found").forEach((place) => place.classList.remove("found"));
    release();
    at = matches.length ? (to + matches.length) % matches.length : 0;
    if (matches.length) reach(matches[at]);
    const none = find.value.trim() ? "nothing found" : "";
    found.textContent = matches.length ? `${at + 1} of ${matches.length}` : none;
    all("button", finder).forEach((button) => (button.disabled = matches.length < 2));
  }
  finder.hidden = false;
  find.addEventListener("input", () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const has = (text) => words.length > 0 && words.every((word) => text.includes(word));
    matches = places.filter((_, index) => has(texts[index]));
    go(0);
  });
  find.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    go(event.shiftKey ? at - 1 : at + 1);
  });
  document.getElementById("find-back").addEventListener("click", () => go(at - 1));
  document.getElementById("find-on").addEventListener("click", () => go(at + 1));

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") release();
  });
})();
