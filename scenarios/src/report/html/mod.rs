//! The report as one HTML page: every chart as a picture, painted with what the run walked.
//!
//! The page stands alone: no network, no second file, nothing lost without JavaScript or on paper.
//! One input gives the same bytes each time.

mod effort;
#[expect(
    clippy::indexing_slicing,
    reason = "every index is that of a node, an arrow or a rank of the same plan"
)]
mod layout;
mod picture;
#[expect(
    clippy::indexing_slicing,
    reason = "every index is that of a node, an arrow or a rank of the same plan"
)]
mod ports;
#[expect(
    clippy::indexing_slicing,
    reason = "every index is that of a node, an arrow or a rank of the same plan"
)]
mod route;
mod run;
#[cfg(test)]
mod sample;
mod shape;
mod tables;
#[cfg(test)]
mod tests;
mod text;

use pgdrill_flow::{Chart, PathCount};
use text::escape;

pub use run::run;

/// Everything that the page shows.
#[derive(Debug, Clone)]
pub struct Page<'a> {
    /// The heading, and the title of the window.
    pub title: &'a str,
    /// Facts at the top, name first: `("arrows", "80 of 80")`.
    pub summary: Vec<(String, String)>,
    /// The charts, in the order in which they are shown.
    pub charts: Vec<Painted<'a>>,
    /// The cases of the run, in the order in which they are listed.
    pub cases: Vec<CaseRow<'a>>,
}

/// A chart and what was walked of it.
#[derive(Debug, Clone)]
pub struct Painted<'a> {
    /// The chart.
    pub chart: &'a Chart,
    /// Whether each arrow is an amendment; a missing entry counts as none.
    pub amendments: Vec<bool>,
    /// How often each arrow was walked; a missing entry counts as never.
    pub visits: Vec<u64>,
    /// The names of the cases that walk each arrow.
    pub cases: Vec<Vec<&'a str>>,
    /// The paths from start to end that are listed.
    pub paths: Vec<PathRow>,
    /// How many paths there are, listed or not.
    pub drawn_paths: PathCount,
    /// What to say of the counts.
    pub remarks: Vec<String>,
    /// The node at which the one walk ended that is shown, if it is one: then nothing lacks that it did not walk.
    pub ended_at: Option<usize>,
}

/// A path through a chart, and how often it was walked from start to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRow {
    /// The path in one line.
    pub text: String,
    /// How often it was walked.
    pub visits: u64,
}

/// A case of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaseRow<'a> {
    /// Its name, as in [`Painted::cases`].
    pub name: &'a str,
    /// How it ended.
    pub verdict: CaseVerdict,
    /// Why it failed or was skipped; empty when there is nothing to say.
    pub note: &'a str,
}

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseVerdict {
    /// Everything held.
    Passed,
    /// Something did not hold.
    Failed,
    /// It did not run; the note says why.
    Skipped,
}

/// Writes the page.
#[must_use]
pub fn page(page: &Page<'_>) -> String {
    let mut html = beginning(page.title, &page.summary, &contents(page));
    let known = tables::case_numbers(&page.cases);
    let mut room = effort::Room::default();
    for (number, painted) in page.charts.iter().enumerate() {
        let is_drawn = room.takes(painted.chart);
        html.push_str(&section(number, painted, &known, is_drawn));
    }
    html.push_str(&tables::cases(&page.cases));
    html.push_str(&end());
    html
}

/// One chart as an SVG document that stands alone, light or dark as its reader has it. `None`: it is empty, or takes too
/// long to draw.
#[must_use]
pub fn svg(painted: &Painted<'_>) -> Option<String> {
    effort::Room::default().takes(painted.chart).then(|| picture::alone(painted, PICTURE_STYLE))?
}

/// A page up to what it is about: these facts, and this list of what it holds.
fn beginning(title: &str, facts: &[(String, String)], contents: &str) -> String {
    let title = escape(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
         <style>\n{PICTURE_STYLE}{STYLE}</style>\n</head>\n<body>\n<header class=\"top\">\n<h1>{title}</h1>\n\
         {}{contents}</header>\n<main>\n{FINDER}",
        summary(facts)
    )
}

/// The end of a page.
fn end() -> String {
    format!(
        "</main>\n<aside id=\"inspector\" aria-live=\"polite\" hidden></aside>\n\
         <script>\n{SCRIPT}</script>\n</body>\n</html>\n"
    )
}

impl Painted<'_> {
    fn visited(&self, arrow: usize) -> u64 {
        self.visits.get(arrow).copied().unwrap_or(0)
    }

    fn is_amendment(&self, arrow: usize) -> bool {
        self.amendments.get(arrow) == Some(&true)
    }

    fn cases_of(&self, arrow: usize) -> &[&str] {
        self.cases.get(arrow).map_or(&[], Vec::as_slice)
    }

    /// How often a node was on a way: the visits of what enters it, or leaves it if that is more.
    fn node_visits(&self, node: usize) -> u64 {
        let (mut entering, mut leaving) = (0_u64, 0_u64);
        for (index, arrow) in self.chart.arrows.iter().enumerate() {
            if arrow.to == node {
                entering = entering.saturating_add(self.visited(index));
            }
            if arrow.from == node {
                leaving = leaving.saturating_add(self.visited(index));
            }
        }
        entering.max(leaving)
    }

    /// The identifier of a node; a question mark for an index that is none.
    fn node_id(&self, node: usize) -> &str {
        self.chart.nodes.get(node).map_or("?", |node| &node.id)
    }
}

fn summary(facts: &[(String, String)]) -> String {
    let tiles: Vec<String> = facts
        .iter()
        .map(|(name, value)| {
            format!("<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value))
        })
        .collect();
    if tiles.is_empty() {
        return String::new();
    }
    format!("<dl class=\"facts\">{}</dl>\n", tiles.concat())
}

fn contents(page: &Page<'_>) -> String {
    let mut links: Vec<String> = Vec::new();
    for (number, painted) in page.charts.iter().enumerate() {
        let missed = unwalked(painted).len();
        let mark = if missed == 0 {
            String::new()
        } else {
            format!(" <b class=\"bad\">{missed} never</b>")
        };
        links
            .push(format!("<a href=\"#chart-{number}\">{}{mark}</a>", escape(&painted.chart.name)));
    }
    if !page.cases.is_empty() {
        links.push("<a href=\"#cases\">cases</a>".to_owned());
    }
    format!("<nav aria-label=\"Contents\">{}</nav>\n", links.concat())
}

fn section(
    number: usize,
    painted: &Painted<'_>,
    known: &tables::CaseNumbers<'_>,
    is_drawn: bool,
) -> String {
    let missed = unwalked(painted);
    let arrows = painted.chart.arrows.len();
    // What a reader looks for is what was not walked; one chart is always open.
    let open = if number == 0 || !missed.is_empty() { " open" } else { "" };
    let mut html = format!(
        "<details id=\"chart-{number}\" class=\"part chart\"{open}>\n<summary><h2>{}</h2> <span class=\"lead\">\
         {} of {arrows} arrows walked",
        escape(&painted.chart.name),
        arrows - missed.len()
    );
    if painted.drawn_paths != PathCount::Exactly(0) {
        let walked = painted.paths.iter().filter(|path| path.visits > 0).count();
        html.push_str(&format!(", {walked} of {} paths", painted.drawn_paths));
    }
    painted.remarks.iter().for_each(|remark| html.push_str(&format!("; {}", escape(remark))));
    html.push_str("</span></summary>\n");
    html.push_str(&missing(number, painted, &missed));
    if is_drawn {
        html.push_str(&picture::figure(number, painted));
    } else {
        html.push_str(&undrawn(painted.chart));
    }
    html.push_str(&tables::walkers_of_chart(number, painted, known));
    html.push_str(&tables::arrows(number, painted, known));
    html.push_str(&tables::paths(painted));
    html.push_str("</details>\n");
    html
}

/// What stands in place of a picture of a whole chart that would take too long.
fn undrawn(chart: &Chart) -> String {
    format!(
        "<p class=\"empty\">Not drawn: {} shapes and {} arrows are more than this page draws, by itself or after the \
         charts above. The tables list them all, and <code>pgdrill coverage --format mermaid</code> writes \
         charts of any size.</p>\n",
        chart.nodes.len(),
        chart.arrows.len()
    )
}

/// The arrows never walked, by name, above the picture.
fn missing(number: usize, painted: &Painted<'_>, missed: &[usize]) -> String {
    if missed.is_empty() {
        return String::new();
    }
    let items: Vec<String> = missed
        .iter()
        .map(|&index| {
            let name = picture::arrow_name(painted, index);
            format!("<li><a href=\"#chart-{number}-row-{index}\">{}</a></li>", escape(&name))
        })
        .collect();
    format!("<div class=\"missing\"><p>Never walked</p><ul>{}</ul></div>\n", items.concat())
}

fn unwalked(painted: &Painted<'_>) -> Vec<usize> {
    (0..painted.chart.arrows.len()).filter(|&arrow| painted.visited(arrow) == 0).collect()
}

/// Where a reader looks something up; the script shows it, as nothing works there without it.
const FINDER: &str = "<div id=\"finder\" class=\"finder\" role=\"search\" hidden><label>Find <input type=\"search\" \
    id=\"find\" placeholder=\"shape, arrow, case\" autocomplete=\"off\"></label>\
    <button type=\"button\" id=\"find-back\" aria-label=\"The one before\" title=\"Shift+Enter\" disabled>↑</button>\
    <button type=\"button\" id=\"find-on\" aria-label=\"The next\" title=\"Enter\" disabled>↓</button>\
    <output id=\"found\" for=\"find\" aria-live=\"polite\"></output></div>\n";
const PICTURE_STYLE: &str = include_str!("picture.css");
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
