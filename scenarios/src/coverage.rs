//! Which arrows and paths of the charts a run has walked.

use std::collections::BTreeSet;

use pgdrill_core::{Amendment, Hook, Trace, Walk, WalkError, walk, walk_published};
use pgdrill_flow::{
    Arrow, Chart, ChartPath, MarkdownDocument, Node, PathCount, Tolerance, nearest_name,
};

use crate::{charts, yaml::name_hint};

/// The nodes that the listed paths of one chart have in all, at most.
const MOST_OF_A_CHART: usize = 20_000;

/// The nodes that the listed paths of all charts have in all, at most.
const MOST_OF_A_DOCUMENT: usize = 100_000;

/// The bytes that the listed paths of all charts have in all as text, at most.
const MOST_TEXT: usize = 4_000_000;

/// What was walked of a set of charts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// Each chart, in the order of its document.
    pub charts: Vec<ChartCover>,
    /// What the document draws and the core lacks.
    pub missing_in_core: Vec<String>,
    /// What the core has and the document does not draw.
    pub missing_in_chart: Vec<String>,
    /// Each chart of the document that could not be read, as its place and the reason.
    pub unread: Vec<String>,
}

/// What was walked of one chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartCover {
    /// The chart, as it is drawn.
    pub chart: Chart,
    /// The hook that walks it, if the core has one of this name.
    pub hook: Option<Hook>,
    /// Each arrow, in chart order.
    pub arrows: Vec<ArrowCover>,
    /// The paths over all arrows but amendments, in chart order: the first ones, as many as the bounds allow.
    /// One beyond them stands at the end once it was walked.
    pub paths: Vec<PathCover>,
    /// How many paths there are, listed or not.
    pub drawn_paths: PathCount,
    /// The identifiers of the shapes where paths begin.
    pub starts: Vec<String>,
    /// The identifiers of the shapes of a loop, which paths take at most once; empty if there is none.
    pub cycle: Vec<String>,
    /// The chart as it is walked: dotted are the amendments, and nothing else.
    walked: Chart,
}

/// How often an arrow was walked, and by which cases.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ArrowCover {
    /// How often.
    pub visits: u64,
    /// The cases, each once, in the order of the run.
    pub cases: Vec<String>,
}

/// How often a path was walked from start to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathCover {
    /// The path.
    pub path: ChartPath,
    /// How often.
    pub visits: u64,
}

/// What is wrong with a chart, and the line of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartFault {
    /// One-based line.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Coverage {
    /// Nothing walked yet, of the project's own charts.
    #[must_use]
    pub fn of_own_charts() -> Self {
        Self::new(charts::all().iter().map(|(_, chart)| chart.clone()).collect())
    }

    /// Nothing walked yet, of charts from elsewhere. Those that the core has charts for are compared with
    /// these.
    #[must_use]
    pub fn of_document(document: MarkdownDocument) -> Self {
        let mut charts = document.charts;
        for arrow in charts.iter_mut().flat_map(|chart| &mut chart.arrows) {
            arrow.label = arrow.label.take().and_then(without_visits);
        }
        let mut coverage = Self::new(charts);
        let errors = document.errors.iter();
        coverage.unread = errors
            .map(|why| format!("{}:{}:{}: {}", why.file, why.line, why.column, why.what))
            .collect();
        coverage.compare();
        coverage
    }

    fn new(charts: Vec<Chart>) -> Self {
        let mut room = Room { nodes: MOST_OF_A_DOCUMENT, text: MOST_TEXT };
        Self {
            charts: charts.into_iter().map(|chart| uncovered(chart, &mut room)).collect(),
            missing_in_core: Vec::new(),
            missing_in_chart: Vec::new(),
            unread: Vec::new(),
        }
    }

    /// Counts the walk of one trace by one case.
    pub fn count(&mut self, case: &str, hook: Hook, trace: &Trace) {
        let Some(cover) = self.charts.iter_mut().find(|cover| cover.hook == Some(hook)) else {
            return;
        };
        let chart = &cover.walked;
        let amended = chart.arrows.iter().any(|arrow| arrow.dotted);
        let laid = if amended { walk(trace, chart) } else { walk_published(trace, chart) };
        match laid {
            Ok(laid) => cover.count(case, &laid),
            Err(error) => self.note_missing(&error),
        }
    }

    /// Arrows that the document draws, but for amendments, and how many of them were walked.
    #[must_use]
    pub fn arrows(&self) -> (usize, usize) {
        total(&self.charts, |cover| cover.arrow_counts(false))
    }

    /// Amendments that the document draws, and how many of their arrows were walked.
    #[must_use]
    pub fn amended_arrows(&self) -> (usize, usize) {
        total(&self.charts, |cover| cover.arrow_counts(true))
    }

    /// Paths over all arrows but amendments, and how many of them were walked.
    #[must_use]
    pub fn paths(&self) -> (PathCount, u64) {
        let counts = self.charts.iter().map(ChartCover::path_counts);
        counts.fold((PathCount::Exactly(0), 0), |sum, one| (sum.0.plus(one.0), sum.1 + one.1))
    }

    /// The coverage of some of the charts.
    #[must_use]
    pub fn only(&self, hooks: &[Hook]) -> Self {
        let chosen =
            self.charts.iter().filter(|c| c.hook.is_some_and(|hook| hooks.contains(&hook)));
        Self { charts: chosen.cloned().collect(), ..self.clone() }
    }

    /// What the document draws and the core lacks of the charts that it has, each with its line and the
    /// nearest name; and a chart whose name is nearly that of one of these.
    #[must_use]
    pub fn foreign(&self) -> Vec<ChartFault> {
        self.charts.iter().flat_map(foreign).collect()
    }

    /// Whether everything was walked of the charts that the core has, too, nothing of them is missing on
    /// either side, and every chart could be read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let ours = self.charts.iter().filter(|cover| cover.hook.is_some());
        ours.into_iter().all(ChartCover::is_complete)
            && self.missing_in_core.is_empty()
            && self.missing_in_chart.is_empty()
            && self.unread.is_empty()
    }

    /// Notes what a trace did not find on its chart, unless comparing the charts has said so already.
    fn note_missing(&mut self, error: &WalkError) {
        let (missing, said) = match error {
            WalkError::NoArrow { chart, from, label, to } => {
                let missing = arrow_text(chart, from, *label, to);
                let said = self.missing_in_chart.contains(&missing);
                (missing, said)
            }
            WalkError::NoNode { chart, node } => {
                let of_chart = format!("{chart}: ");
                let names = |text: &String| {
                    text.starts_with(&of_chart) && text.split(' ').any(|word| word == *node)
                };
                (format!("{of_chart}{node}"), self.missing_in_chart.iter().any(names))
            }
            WalkError::NoStart { .. } => {
                let missing = error.to_string();
                let said = self.missing_in_chart.contains(&missing);
                (missing, said)
            }
        };
        if !said {
            self.missing_in_chart.push(missing);
        }
    }

    /// Holds the arrows of the document against those of the core. A published chart that the document lacks is
    /// missing, if it has any of them; the two that were never published need not be there.
    fn compare(&mut self) {
        for cover in &self.charts {
            let name = &cover.chart.name;
            match cover.hook.and_then(charts::chart) {
                None if near_hook(name).is_none() => {}
                None => self.missing_in_core.push(format!("chart {name}")),
                Some(own) => {
                    let (theirs, ours) = (parts(&cover.walked), parts(own));
                    self.missing_in_core.extend(theirs.difference(&ours).cloned());
                    self.missing_in_chart.extend(ours.difference(&theirs).cloned());
                }
            }
        }
        let drawn = |hook: &Hook| self.charts.iter().any(|cover| cover.hook == Some(*hook));
        // One chart alone stands for itself, not for a document that lacks the others.
        if self.charts.len() + self.unread.len() == 1 || !charts::PUBLISHED.iter().any(drawn) {
            return;
        }
        let lacking = charts::PUBLISHED.iter().filter(|hook| !drawn(hook));
        let lacking: Vec<String> = lacking.map(|hook| format!("chart {hook}")).collect();
        self.missing_in_chart.extend(lacking);
    }
}

impl ChartCover {
    /// Amendments or all other arrows, and how many of them were walked.
    #[must_use]
    pub fn arrow_counts(&self, amended: bool) -> (usize, usize) {
        let covers = self.arrows.iter().enumerate();
        let of_kind = covers.filter(|(index, _)| self.is_amendment(*index) == amended);
        let drawn: Vec<&ArrowCover> = of_kind.map(|(_, cover)| cover).collect();
        (drawn.len(), drawn.iter().filter(|cover| cover.visits > 0).count())
    }

    /// Paths, and how many of them were walked.
    #[must_use]
    pub fn path_counts(&self) -> (PathCount, u64) {
        let walked = self.paths.iter().filter(|path| path.visits > 0);
        (self.drawn_paths, walked.count() as u64)
    }

    /// Whether an arrow is an amendment of the core's: drawn dotted, with the name of one for a label, in a chart
    /// that the core has.
    #[must_use]
    pub fn is_amendment(&self, arrow: usize) -> bool {
        self.walked.arrows.get(arrow).is_some_and(|arrow| arrow.dotted)
    }

    /// What a reader of the counts should know: that the core lacks the chart, that there are loops or several
    /// starts, and how many of the paths are listed.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.hook.is_none() {
            remarks.push("the core has no such chart".to_owned());
        }
        if !self.cycle.is_empty() {
            remarks.push("a path takes each loop at most once".to_owned());
        }
        if self.starts.len() != 1 {
            remarks.push(format!("paths begin at {} shapes", self.starts.len()));
        }
        let listed = self.paths.len() as u64;
        if self.drawn_paths != PathCount::Exactly(listed) {
            let plural = if listed == 1 { "path is" } else { "paths are" };
            remarks.push(format!("no more than {listed} {plural} listed"));
        }
        remarks
    }

    fn is_complete(&self) -> bool {
        let full = |(drawn, walked): (usize, usize)| drawn == walked;
        let (drawn, walked) = self.path_counts();
        full(self.arrow_counts(false))
            && full(self.arrow_counts(true))
            && drawn == PathCount::Exactly(walked)
    }

    /// The identifiers of an arrow's ends.
    #[must_use]
    pub fn ends(&self, arrow: usize) -> (&str, &str) {
        let id = |node: usize| self.chart.nodes.get(node).map_or("?", |node| node.id.as_str());
        self.chart.arrows.get(arrow).map_or(("?", "?"), |arrow| (id(arrow.from), id(arrow.to)))
    }

    fn count(&mut self, case: &str, laid: &Walk) {
        for &arrow in &laid.arrows {
            let Some(cover) = self.arrows.get_mut(arrow) else { continue };
            cover.visits += 1;
            if cover.cases.last().is_none_or(|last| last != case) {
                cover.cases.push(case.to_owned());
            }
        }
        if !laid.is_complete {
            return;
        }
        // What follows the arrows between the nodes are amendments.
        let length = laid.nodes.len().saturating_sub(1);
        let arrows = laid.arrows.get(..length).unwrap_or_default();
        match self.paths.iter_mut().find(|path| path.path.arrows == arrows) {
            Some(path) => path.visits += 1,
            None => {
                let path = ChartPath { nodes: laid.nodes.clone(), arrows: arrows.to_vec() };
                self.paths.push(PathCover { path, visits: 1 });
            }
        }
    }
}

/// The label without the visits that this tool paints on it, so that it can read its own pictures.
fn without_visits(label: String) -> Option<String> {
    let (rest, visits) = label.rsplit_once(" · ").map_or(("", label.as_str()), |parts| parts);
    let count = visits.strip_suffix('×').filter(|count| !count.is_empty());
    if !count.is_some_and(|count| count.bytes().all(|byte| byte.is_ascii_digit())) {
        return Some(label);
    }
    (!rest.is_empty()).then(|| rest.to_owned())
}

/// How much may still be listed.
struct Room {
    nodes: usize,
    text: usize,
}

fn uncovered(chart: Chart, room: &mut Room) -> ChartCover {
    let hook: Option<Hook> = chart.name.parse().ok();
    let mut walked = chart.clone();
    for arrow in &mut walked.arrows {
        let named = || arrow.label.as_ref().is_some_and(|label| label.parse::<Amendment>().is_ok());
        arrow.dotted = arrow.dotted && hook.is_some() && named();
    }
    let found = walked.paths(MOST_OF_A_CHART.min(room.nodes));
    let mut paths = Vec::new();
    for path in found.listed {
        let Some(left) = room.text.checked_sub(length(&path, &chart)) else { break };
        room.text = left;
        room.nodes = room.nodes.saturating_sub(path.nodes.len());
        paths.push(PathCover { path, visits: 0 });
    }
    let ids = |nodes: &[usize]| -> Vec<String> {
        let nodes = nodes.iter().filter_map(|node| chart.nodes.get(*node));
        nodes.map(|node| node.id.clone()).collect()
    };
    ChartCover {
        hook,
        arrows: vec![ArrowCover::default(); chart.arrows.len()],
        paths,
        drawn_paths: found.count,
        starts: ids(&found.starts),
        cycle: ids(&found.cycle),
        walked,
        chart,
    }
}

/// About how many bytes a path has as text.
fn length(path: &ChartPath, chart: &Chart) -> usize {
    let id = |node: &usize| chart.nodes.get(*node).map_or(0, |node| node.id.len() + 3);
    let label = |arrow: &usize| {
        let arrow = chart.arrows.get(*arrow);
        arrow.and_then(|arrow| arrow.label.as_ref()).map_or(0, |label| label.len() + 1)
    };
    path.nodes.iter().map(id).sum::<usize>() + path.arrows.iter().map(label).sum::<usize>()
}

/// The hook whose name somebody probably meant.
fn near_hook(name: &str) -> Option<&'static str> {
    nearest_name(name, Hook::ALL.iter().map(|hook| hook.name()), Tolerance::OneToThree)
}

/// What the core lacks of one chart, each thing once: the chart, a shape of it, or an arrow between shapes
/// that the core has.
fn foreign(cover: &ChartCover) -> Vec<ChartFault> {
    let chart = &cover.chart;
    let Some(own) = cover.hook.and_then(charts::chart) else {
        if near_hook(&chart.name).is_none() {
            return Vec::new();
        }
        let line = chart.nodes.first().map_or(0, |node| node.line);
        let names: Vec<&str> = Hook::ALL.iter().map(|hook| hook.name()).collect();
        let what = format!("the core has no chart `{}`", chart.name);
        return vec![ChartFault { line, what, hint: name_hint(&chart.name, &names) }];
    };
    let hint = |id: &str| {
        let own_ids = own.nodes.iter().map(|node| node.id.as_str());
        let near = nearest_name(id, own_ids, Tolerance::ThirdOfName);
        near.map(|near| format!("did you mean `{near}`?"))
    };
    let own_ids: BTreeSet<&str> = own.nodes.iter().map(|node| node.id.as_str()).collect();
    let is_own = |node: &Node| own_ids.contains(node.id.as_str());
    let known = |node: usize| chart.nodes.get(node).is_some_and(is_own);
    let strange = chart.nodes.iter().filter(|node| !is_own(node));
    let shapes = strange.map(|node| ChartFault {
        line: node.line,
        what: format!("the core has no shape `{}` in chart {}", node.id, chart.name),
        hint: hint(&node.id),
    });
    let ours = parts(own);
    let solid = cover.walked.arrows.iter().filter(|arrow| !arrow.dotted);
    let between = solid.filter(|arrow| known(arrow.from) && known(arrow.to));
    let arrows = between.filter_map(|arrow| {
        let text = solid_text(chart, arrow);
        let what = format!("the core has no arrow `{}`", text.split_once(": ")?.1);
        let hint = format!("`pgdrill coverage --format mermaid` shows its chart {}", chart.name);
        (!ours.contains(&text)).then_some(ChartFault { line: arrow.line, what, hint: Some(hint) })
    });
    shapes.chain(arrows).collect()
}

fn total(charts: &[ChartCover], counts: impl Fn(&ChartCover) -> (usize, usize)) -> (usize, usize) {
    charts.iter().map(counts).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

fn solid_text(chart: &Chart, arrow: &Arrow) -> String {
    let id = |node: usize| chart.nodes.get(node).map_or("?", |node| node.id.as_str());
    let label = arrow.label.as_ref().map(|label| label.to_lowercase());
    arrow_text(&chart.name, id(arrow.from), label.as_deref(), id(arrow.to))
}

/// An arrow as its chart writes it, after the chart's name; a label that is an amendment's is drawn dotted.
fn arrow_text(chart: &str, from: &str, label: Option<&str>, to: &str) -> String {
    match label {
        None => format!("{chart}: {from} --> {to}"),
        Some(label) if label.parse::<Amendment>().is_ok() => {
            format!("{chart}: {from} -. {label} .-> {to}")
        }
        Some(label) => format!("{chart}: {from} -- {label} --> {to}"),
    }
}

/// What a chart draws but for amendments: its arrows, and the identifiers that no arrow mentions.
fn parts(chart: &Chart) -> BTreeSet<String> {
    let touched: BTreeSet<usize> =
        chart.arrows.iter().flat_map(|arrow| [arrow.from, arrow.to]).collect();
    let solid = chart.arrows.iter().filter(|arrow| !arrow.dotted);
    let nodes = chart.nodes.iter().enumerate().filter(|(node, _)| !touched.contains(node));
    let lone = nodes.map(|(_, node)| format!("{}: {}", chart.name, node.id));
    solid.map(|arrow| solid_text(chart, arrow)).chain(lone).collect()
}
