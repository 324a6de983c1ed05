//! A run as one HTML page: what failed first, each with its reasons, its walk on the chart, and what was shown.

use pgdrill_core::{Walk, walk};
use pgdrill_flow::{Chart, PathCount};

use super::text::escape;
use super::{Painted, beginning, effort::Room, end, picture, tables};
use crate::{
    charts,
    judge::Verdict,
    reason::Reason,
    report::{
        CaseEnd, JudgedCase, counts,
        coverage::{case_row, note},
        judged, refused,
    },
    run::FiredStep,
    snapshot::transcript,
};

/// The run as one HTML page that stands alone: what failed or was refused, and then every case with its verdict.
#[must_use]
pub fn run(ends: &[CaseEnd]) -> String {
    let mut cases: Vec<&JudgedCase> = judged(ends).collect();
    // Within a verdict the order is that of the run.
    cases.sort_by_key(|case| match case.verdict() {
        Verdict::Failed(_) => 0,
        Verdict::Skipped(_) => 1,
        Verdict::Passed => 2,
    });
    let (passed, failed, skipped) = counts(ends);
    let mut summary = vec![
        ("failed".to_owned(), failed.to_string()),
        ("passed".to_owned(), passed.to_string()),
        ("skipped".to_owned(), skipped.to_string()),
    ];
    let refusals = refused(ends).count();
    if refusals > 0 {
        summary.push(("refused".to_owned(), refusals.to_string()));
    }
    if let Some(first) = cases.first() {
        summary.push(("backend".to_owned(), first.place()));
    }
    let mut html = beginning("pgdrill: a run", &summary, &contents(&cases));
    for (name, refusal) in refused(ends) {
        html.push_str(&format!(
            "<section class=\"part failing\"><h2>{}</h2> <span class=\"lead\">refused</span>\n<pre>{}</pre></section>\n",
            escape(name),
            escape(refusal.to_string().trim_end())
        ));
    }
    let mut pictures = Pictures::default();
    for (number, case) in cases.iter().enumerate() {
        if let Verdict::Failed(reasons) = case.verdict() {
            html.push_str(&failure(number, case, reasons, &mut pictures));
        }
    }
    let notes: Vec<String> = cases.iter().map(|case| note(case)).collect();
    let rows: Vec<_> = cases.iter().zip(&notes).map(|(case, note)| case_row(case, note)).collect();
    html.push_str(&tables::cases(&rows));
    html.push_str(&end());
    html
}

/// Links to what failed.
fn contents(cases: &[&JudgedCase]) -> String {
    let failed = cases.iter().enumerate();
    let failed = failed.filter(|(_, case)| matches!(case.verdict(), Verdict::Failed(_)));
    let link = |(number, case): (usize, &&JudgedCase)| {
        format!("<a class=\"bad\" href=\"#failed-{number}\">{}</a>", escape(&case.name))
    };
    let links: String = failed.map(link).collect();
    let all = if cases.is_empty() { "" } else { "<a href=\"#cases\">every case</a>" };
    format!("<nav aria-label=\"Contents\">{links}{all}</nav>\n")
}

/// A case that failed.
fn failure(
    number: usize,
    case: &JudgedCase,
    reasons: &[Reason],
    pictures: &mut Pictures,
) -> String {
    let mut html = format!(
        "<details id=\"failed-{number}\" class=\"part failing\" open>\n<summary><h2>{}</h2> <span class=\"lead\">failed: {}\
         </span></summary>\n<dl><dt>at</dt><dd><code>{}</code></dd>\n",
        escape(&case.name),
        escape(&case.plan.title),
        escape(&case.file)
    );
    for reason in reasons {
        html.push_str(&format!(
            "<dt>why</dt><dd><pre>{}</pre>{}</dd>\n",
            escape(reason.to_string().trim_end()),
            place(case, reason)
        ));
    }
    if let Some(rerun) = case.rerun() {
        html.push_str(&format!("<dt>run</dt><dd><code>{}</code></dd>\n", escape(&rerun)));
    }
    html.push_str("</dl>\n");
    let shown = to_show(case, reasons);
    for (index, step) in case.run.firings.iter().enumerate() {
        if shown.contains(&(index + 1)) {
            html.push_str(&pictures.walk(index + 1, step));
        }
    }
    html.push_str(&format!(
        "<details class=\"fold\"><summary>What the run showed</summary>\n<pre tabindex=\"0\">{}</pre></details>\n</details>\n",
        escape(transcript(&case.run).trim_end())
    ));
    html
}

/// Where a reason is, and which kind it is of.
fn place(case: &JudgedCase, reason: &Reason) -> String {
    let location = reason.location();
    let span = location.path.as_ref().and_then(|path| case.positions.find(path));
    let mut parts = vec![reason.kind().to_owned()];
    parts.extend(reason.law().map(|law| format!("law {law}")));
    parts.extend(span.map(|span| format!("line {} of the file", span.line)));
    parts.extend(location.firing.map(|firing| format!("firing {firing}")));
    parts.extend(location.unit.map(|unit| format!("unit {unit}")));
    parts.extend(location.shape.map(|shape| format!("at {shape}")));
    format!("<span class=\"none\">{}</span>", escape(&parts.join(" · ")))
}

/// The numbers of the firings that reasons name; the last one where they name none.
fn to_show(case: &JudgedCase, reasons: &[Reason]) -> Vec<usize> {
    let named: Vec<usize> = reasons.iter().filter_map(|reason| reason.location().firing).collect();
    if named.is_empty() { vec![case.run.firings.len()] } else { named }
}

/// The pictures of a page, numbered, as far as there is room for them.
#[derive(Debug, Default)]
struct Pictures {
    drawn: usize,
    room: Room,
}

impl Pictures {
    /// One firing on its chart.
    fn walk(&mut self, number: usize, step: &FiredStep) -> String {
        let fired = &step.fired;
        let firing = &fired.firing;
        let again = if fired.is_refired { " (again)" } else { "" };
        let heading = format!(
            "<h3>{number}. {}{again} on unit {}: {}</h3>",
            firing.hook,
            fired.unit,
            firing.outcome.name()
        );
        let picture = match charts::chart(firing.hook).map(|chart| (chart, walk(&firing.trace, chart))) {
            None => "<p class=\"empty\">There is no chart of this hook.</p>".to_owned(),
            Some((_, Err(error))) => {
                format!("<p class=\"empty\">Not drawn, as the walk leaves its chart: {}</p>", escape(&error.to_string()))
            }
            Some((chart, Ok(_))) if !self.room.takes(chart) => {
                "<p class=\"empty\">Not drawn: the page has pictures enough. What the run showed is below.</p>".to_owned()
            }
            Some((chart, Ok(walked))) => {
                let last = firing.trace.steps().last().map(|step| step.shape.id());
                let number = self.drawn;
                self.drawn += 1;
                picture::figure(number, &painted(chart, &walked, last))
                    + &format!("<span id=\"chart-{number}-cases\"></span>")
            }
        };
        format!("<div class=\"walk\">{heading}\n{picture}</div>\n")
    }
}

/// A chart with one walk on it, and the shape at which it ended.
fn painted<'a>(chart: &'a Chart, walk: &Walk, last: Option<&str>) -> Painted<'a> {
    let mut visits = vec![0; chart.arrows.len()];
    for arrow in &walk.arrows {
        if let Some(count) = visits.get_mut(*arrow) {
            *count += 1;
        }
    }
    let node = |id: &str| chart.nodes.iter().position(|node| node.id == id);
    let ended_at = last.and_then(node).or_else(|| walk.nodes.last().copied());
    Painted {
        chart,
        amendments: chart.arrows.iter().map(|arrow| arrow.dotted).collect(),
        visits,
        cases: Vec::new(),
        paths: Vec::new(),
        drawn_paths: PathCount::Exactly(0),
        remarks: Vec::new(),
        ended_at: Some(ended_at.unwrap_or_default()),
    }
}
