//! What was walked of the charts: as text, as JSON, as painted Mermaid, as one HTML page.

use pgdrill_flow::{PathCount, mermaid, shown, shown_json};
use serde_json::{Value, json};

use super::{
    CaseEnd, JudgedCase, counts,
    html::{self, CaseRow, CaseVerdict, Page, Painted, PathRow, page},
    judged,
};
use crate::{
    charts::PUBLISHED,
    coverage::{ChartCover, Coverage},
    judge::Verdict,
};

/// The coverage for a person: every chart, and what was not walked of those that the core has.
#[must_use]
pub fn text(coverage: &Coverage) -> String {
    let mut out = String::new();
    for cover in &coverage.charts {
        let ((drawn, walked), (paths, taken)) = (cover.arrow_counts(false), cover.path_counts());
        let (dotted, amended) = cover.arrow_counts(true);
        out.push_str(&format!(
            "{}: {walked} of {drawn} arrows, {taken} of {paths} paths",
            shown(&cover.chart.name)
        ));
        if dotted > 0 {
            out.push_str(&format!(", {amended} of {dotted} amended arrows"));
        }
        let remarks = cover.remarks();
        if !remarks.is_empty() {
            out.push_str(&format!(" ({})", remarks.join("; ")));
        }
        out.push('\n');
        if cover.hook.is_some() {
            out.push_str(&unwalked(cover));
        }
    }
    for (what, list) in [
        ("not read", &coverage.unread),
        ("missing in the core", &coverage.missing_in_core),
        ("missing in the chart", &coverage.missing_in_chart),
    ] {
        list.iter().for_each(|one| out.push_str(&format!("{what}: {}\n", shown(one))));
    }
    let published = coverage.only(PUBLISHED);
    for (name, part) in [("published charts", &published), ("all charts", coverage)] {
        let ((drawn, walked), (paths, taken)) = (part.arrows(), part.paths());
        out.push_str(&format!("{name}: {walked} of {drawn} arrows, {taken} of {paths} paths\n"));
    }
    out
}

fn unwalked(cover: &ChartCover) -> String {
    let arrows = cover.arrows.iter().zip(&cover.chart.arrows).enumerate();
    let arrows = arrows.filter(|(_, (walked, _))| walked.visits == 0).map(|(index, (_, arrow))| {
        let (from, to) = cover.ends(index);
        let label = arrow.label.as_ref().map(|label| format!(" {label} ")).unwrap_or_default();
        let (tail, head) = if arrow.dotted { ("-.", ".->") } else { ("--", "-->") };
        let tail = if label.is_empty() { "" } else { tail };
        let head = if arrow.dotted && label.is_empty() { "-.->" } else { head };
        format!("  not walked: {}\n", shown(&format!("{from} {tail}{label}{head} {to}")))
    });
    let paths = cover.paths.iter().filter(|path| path.visits == 0);
    let paths = paths.map(|path| {
        let path = path.path.display(&cover.chart).to_string();
        format!("  not walked: {}\n", shown(&path))
    });
    arrows.chain(paths).collect()
}

/// The coverage as one JSON object.
#[must_use]
pub fn json(coverage: &Coverage) -> String {
    let counts = |(drawn, walked): (usize, usize)| json!({ "drawn": drawn, "walked": walked });
    let value = json!({
        "charts": coverage.charts.iter().map(chart_json).collect::<Vec<_>>(),
        "arrows": counts(coverage.arrows()),
        "amended_arrows": counts(coverage.amended_arrows()),
        "paths": path_counts(coverage.paths()),
        "unread": coverage.unread,
        "missing_in_core": coverage.missing_in_core,
        "missing_in_chart": coverage.missing_in_chart,
    });
    shown_json(&format!("{value:#}\n")).into_owned()
}

/// Paths drawn and walked; `more` if those drawn were not all counted.
fn path_counts((drawn, walked): (PathCount, u64)) -> Value {
    let more = matches!(drawn, PathCount::MoreThan(_));
    json!({ "drawn": drawn.at_least(), "more": more, "walked": walked })
}

fn chart_json(cover: &ChartCover) -> Value {
    let arrows = cover.chart.arrows.iter().zip(&cover.arrows).enumerate();
    let arrows = arrows.map(|(index, (arrow, walked))| {
        let (from, to) = cover.ends(index);
        let label = arrow.label.as_ref();
        let (label, amendment) =
            if cover.is_amendment(index) { (None, label) } else { (label, None) };
        json!({ "from": from, "to": to, "label": label, "amendment": amendment, "visits": walked.visits, "cases": walked.cases })
    });
    let id = |node: &usize| cover.chart.nodes.get(*node).map_or("?", |node| node.id.as_str());
    let paths = cover.paths.iter().map(|path| {
        let nodes: Vec<&str> = path.path.nodes.iter().map(id).collect();
        json!({ "nodes": nodes, "visits": path.visits })
    });
    json!({
        "name": cover.chart.name,
        "hook": cover.hook.map(|hook| hook.name()),
        "starts": cover.starts,
        "loop": cover.cycle,
        "drawn_paths": path_counts(cover.path_counts()),
        "nodes": cover.chart.nodes.iter().map(|node| node.id.as_str()).collect::<Vec<_>>(),
        "arrows": arrows.collect::<Vec<_>>(),
        "paths": paths.collect::<Vec<_>>(),
    })
}

/// The charts as Markdown with Mermaid, visits on every arrow, what was not walked standing out.
#[must_use]
pub fn painted(coverage: &Coverage) -> String {
    let charts = coverage.charts.iter().map(|cover| {
        let visits: Vec<u64> = cover.arrows.iter().map(|arrow| arrow.visits).collect();
        let painted = mermaid(&cover.chart, &visits);
        format!("### {}\n\n```mermaid\n{}\n```\n", shown(&cover.chart.name), painted.trim_end())
    });
    charts.collect::<Vec<_>>().join("\n")
}

/// The charts as one HTML page, with the cases that walk each arrow.
#[must_use]
pub fn html(coverage: &Coverage, ends: &[CaseEnd]) -> String {
    let of = |(drawn, walked): (usize, usize)| format!("{walked} of {drawn}");
    let of_paths = |(drawn, walked): (PathCount, u64)| format!("{walked} of {drawn}");
    let (passed, failed, skipped) = counts(ends);
    let published = coverage.only(PUBLISHED);
    let mut summary = vec![
        ("published arrows".to_owned(), of(published.arrows())),
        ("published paths".to_owned(), of_paths(published.paths())),
        ("all arrows".to_owned(), of(coverage.arrows())),
        ("all paths".to_owned(), of_paths(coverage.paths())),
        ("amended arrows".to_owned(), of(coverage.amended_arrows())),
        ("cases".to_owned(), format!("{passed} passed, {failed} failed, {skipped} skipped")),
    ];
    let missing =
        coverage.missing_in_core.iter().map(|m| ("missing in the core".to_owned(), m.clone()));
    let lacking =
        coverage.missing_in_chart.iter().map(|m| ("missing in the chart".to_owned(), m.clone()));
    let unread = coverage.unread.iter().map(|unread| ("not read".to_owned(), unread.clone()));
    summary.extend(unread.chain(missing).chain(lacking));
    let charts = coverage.charts.iter().map(painted_cover);
    let notes: Vec<String> = judged(ends).map(note).collect();
    let cases = judged(ends).zip(&notes).map(|(case, note)| case_row(case, note));
    page(&Page {
        title: "pgdrill: what was walked of the charts",
        summary,
        charts: charts.collect(),
        cases: cases.collect(),
    })
}

/// One of the charts as an SVG document. `None`: it is empty, or takes too long to draw.
#[must_use]
pub fn svg(cover: &ChartCover) -> Option<String> {
    html::svg(&painted_cover(cover))
}

fn painted_cover(cover: &ChartCover) -> Painted<'_> {
    let arrows = cover.arrows.iter();
    let paths = cover.paths.iter().map(|path| PathRow {
        text: path.path.display(&cover.chart).to_string(),
        visits: path.visits,
    });
    Painted {
        chart: &cover.chart,
        amendments: (0..cover.arrows.len()).map(|arrow| cover.is_amendment(arrow)).collect(),
        drawn_paths: cover.drawn_paths,
        remarks: cover.remarks(),
        visits: arrows.clone().map(|arrow| arrow.visits).collect(),
        cases: arrows.map(|arrow| arrow.cases.iter().map(String::as_str).collect()).collect(),
        paths: paths.collect(),
        ended_at: None,
    }
}

/// The row of a case in the list of cases.
pub(super) fn case_row<'a>(case: &'a JudgedCase, note: &'a str) -> CaseRow<'a> {
    let verdict = match case.verdict() {
        Verdict::Passed => CaseVerdict::Passed,
        Verdict::Failed(_) => CaseVerdict::Failed,
        Verdict::Skipped(_) => CaseVerdict::Skipped,
    };
    CaseRow { name: &case.name, verdict, note }
}

/// What a case shows, or the gravest reason why it does not.
pub(super) fn note(case: &JudgedCase) -> String {
    match case.verdict() {
        Verdict::Passed => case.plan.title.clone(),
        Verdict::Failed(_) | Verdict::Skipped(_) => {
            case.verdict().reasons().into_iter().next().unwrap_or_default()
        }
    }
}
