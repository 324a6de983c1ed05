//! The tables of the page: what the pictures show, in words.

use std::collections::BTreeMap;

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
            "<tr id=\"chart-{chart}-row-{index}\" class=\"row{}\"><td><a href=\"#chart-{chart}-arrow-{index}\">\
             <code>{}</code> → <code>{}</code></a></td><td>{label}{note}</td><td class=\"visits\">{visits}×</td>\
             <td class=\"walkers\">{}</td></tr>\n",
            state(visits, arrow.dotted, amendment),
            escape(painted.node_id(arrow.from)),
            escape(painted.node_id(arrow.to)),
            walkers(painted.cases_of(index), known)
        ));
    }
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "<h3>Arrows</h3>\n<div class=\"scroll\"><table class=\"arrows\"><thead><tr><th scope=\"col\">from → to</th>\
         <th scope=\"col\">label</th><th scope=\"col\">visits</th><th scope=\"col\">cases</th></tr></thead>\
         <tbody>\n{rows}</tbody></table></div>\n"
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
        "<h3>Paths</h3>\n<div class=\"scroll\"><table class=\"paths\"><thead><tr><th scope=\"col\">path</th>\
         <th scope=\"col\">visits</th></tr></thead><tbody>\n{}</tbody></table></div>\n",
        rows.concat()
    )
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
                "<tr id=\"case-{number}\" class=\"row {class}\"><td>{}</td><td class=\"verdict\">{verdict}</td>\
                 <td>{}</td></tr>\n",
                escape(case.name),
                escape(case.note)
            )
        })
        .collect();
    format!(
        "<section id=\"cases\">\n<h2>Cases</h2>\n<div class=\"scroll\"><table class=\"cases\"><thead><tr>\
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
    let item = |name: &&str| match known.get(name) {
        Some(number) => format!("<li><a href=\"#case-{number}\">{}</a></li>", escape(name)),
        None => format!("<li>{}</li>", escape(name)),
    };
    let list: String = names.iter().take(SHOWN).map(item).collect();
    let rest: String = names.iter().skip(SHOWN).map(item).collect();
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
