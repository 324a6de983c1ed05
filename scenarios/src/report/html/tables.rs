//! The tables of the page: what the pictures show, in words.

use std::collections::BTreeMap;

use pgdrill_flow::counted;

use super::picture::{label, state};
use super::text::escape;
use super::{CaseRow, CaseVerdict, Painted};

/// The place of each case in the list of cases, by name.
pub(super) type CaseNumbers<'a> = BTreeMap<&'a str, usize>;

/// Numbers the cases, so that other tables can link to them.
pub(super) fn case_numbers<'a>(cases: &[CaseRow<'a>]) -> CaseNumbers<'a> {
    cases.iter().enumerate().rev().map(|(number, case)| (case.name, number)).collect()
}

/// One row for each arrow of a chart.
pub(super) fn arrows(chart: usize, painted: &Painted<'_>, known: &CaseNumbers<'_>) -> String {
    let mut rows = String::new();
    for (index, arrow) in painted.chart.arrows.iter().enumerate() {
        let visits = painted.visited(index);
        let label = label(arrow).map_or_else(String::new, |label| escape(&label));
        let amendment = painted.is_amendment(index);
        let note = if amendment { " <small class=\"amendment\">amendment</small>" } else { "" };
        rows.push_str(&format!(
            "<tr id=\"chart-{chart}-row-{index}\" class=\"row{}\" data-ends=\"{} {}\"><td>\
             <a href=\"#chart-{chart}-arrow-{index}\">\
             <code>{}</code> → <code>{}</code></a></td><td>{label}{note}</td><td class=\"visits\">{visits}×</td>\
             <td class=\"walkers\">{}</td></tr>\n",
            state(visits, arrow.dotted, amendment),
            arrow.from,
            arrow.to,
            escape(painted.node_id(arrow.from)),
            escape(painted.node_id(arrow.to)),
            walkers(painted.cases_of(index), known)
        ));
    }
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "<details class=\"fold\"><summary>{}</summary>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" \
         aria-label=\"Arrows\"><table class=\"arrows\"><thead><tr><th scope=\"col\">from → to</th>\
         <th scope=\"col\">label</th><th scope=\"col\">visits</th><th scope=\"col\">cases</th></tr></thead>\
         <tbody>\n{rows}</tbody></table></div>\n</details>\n",
        counted(painted.chart.arrows.len(), "arrow")
    )
}

/// One row for each path of a chart.
pub(super) fn paths(painted: &Painted<'_>) -> String {
    if painted.paths.is_empty() {
        return String::new();
    }
    let rows: Vec<String> = painted
        .paths
        .iter()
        .map(|path| {
            let text = escape(&path.text);
            // A long path may break after each arrow in its text.
            format!(
                "<tr class=\"row{}\"><td class=\"path\">{}</td><td class=\"visits\">{}×</td></tr>\n",
                state(path.visits, false, false),
                text.replace("→ ", "→ <wbr>"),
                path.visits
            )
        })
        .collect();
    format!(
        "<details class=\"fold\"><summary>{}</summary>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" \
         aria-label=\"Paths\"><table class=\"paths\"><thead><tr><th scope=\"col\">path</th>\
         <th scope=\"col\">visits</th></tr></thead><tbody>\n{}</tbody></table></div>\n</details>\n",
        counted(painted.paths.len(), "path"),
        rows.concat()
    )
}

/// The cases that walk a chart, in the order in which they are listed.
pub(super) fn walkers_of_chart(
    chart: usize,
    painted: &Painted<'_>,
    known: &CaseNumbers<'_>,
) -> String {
    let arrows = 0..painted.chart.arrows.len();
    let mut names: Vec<&str> =
        arrows.flat_map(|arrow| painted.cases_of(arrow).iter().copied()).collect();
    names.sort_by_key(|name| (known.get(name).copied().unwrap_or(usize::MAX), *name));
    names.dedup();
    let items: String = names.iter().map(|name| item(name, known)).collect();
    let is = if names.len() == 1 { "walks" } else { "walk" };
    format!(
        "<details class=\"fold\" id=\"chart-{chart}-cases\"><summary>{} {is} this chart</summary>\n\
         <ul class=\"names\">{items}</ul>\n</details>\n",
        counted(names.len(), "case")
    )
}

/// A case in a list, with a link to where it is told of.
fn item(name: &str, known: &CaseNumbers<'_>) -> String {
    match known.get(name) {
        Some(number) => format!("<li><a href=\"#case-{number}\">{}</a></li>", escape(name)),
        None => format!("<li>{}</li>", escape(name)),
    }
}

/// The list of cases.
pub(super) fn cases(cases: &[CaseRow<'_>]) -> String {
    if cases.is_empty() {
        return String::new();
    }
    let rows: Vec<String> = cases
        .iter()
        .enumerate()
        .map(|(number, case)| {
            let (class, verdict) = verdict(case.verdict);
            format!(
                "<tr id=\"case-{number}\" class=\"row case {class}\"><td>{}</td><td class=\"verdict\">{verdict}</td>\
                 <td>{}</td></tr>\n",
                escape(case.name),
                escape(case.note)
            )
        })
        .collect();
    format!(
        "<section id=\"cases\" class=\"part\">\n<h2>Cases</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" \
         aria-label=\"Cases\"><table class=\"cases\"><thead><tr>\
         <th scope=\"col\">case</th><th scope=\"col\">verdict</th><th scope=\"col\">note</th></tr></thead>\
         <tbody>\n{}</tbody></table></div>\n</section>\n",
        rows.concat()
    )
}

/// More cases than this on one arrow are folded.
const SHOWN: usize = 3;

/// The cases that walk an arrow.
fn walkers(names: &[&str], known: &CaseNumbers<'_>) -> String {
    if names.is_empty() {
        return "<span class=\"none\">no case</span>".to_owned();
    }
    let list: String = names.iter().take(SHOWN).map(|name| item(name, known)).collect();
    let rest: String = names.iter().skip(SHOWN).map(|name| item(name, known)).collect();
    if rest.is_empty() {
        return format!("<ul>{list}</ul>");
    }
    let more = names.len() - SHOWN;
    format!("<ul>{list}</ul><details><summary>{more} more</summary><ul>{rest}</ul></details>")
}

fn verdict(verdict: CaseVerdict) -> (&'static str, &'static str) {
    match verdict {
        CaseVerdict::Passed => ("passed", "✓ passed"),
        CaseVerdict::Failed => ("failed", "✗ failed"),
        CaseVerdict::Skipped => ("skipped", "– skipped"),
    }
}
