//! Which arrows and paths of the charts a run has walked.

use std::collections::BTreeSet;

use pgdrill_core::{Amendment, Hook, Trace, Walk, WalkError, walk, walk_published};
use pgdrill_flow::{Arrow, Chart, ChartPath, PathsError, Tolerance, nearest_name};

use crate::{charts, yaml::name_hint};

/// More paths than any chart of a backup manager should have.
const PATH_LIMIT: usize = 100_000;

/// What was walked of a set of charts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// Each chart, in the order of its document.
    pub charts: Vec<ChartCover>,
    /// What the document draws and the core lacks.
    pub missing_in_core: Vec<String>,
    /// What the core has and the document does not draw.
    pub missing_in_chart: Vec<String>,
}

/// What was walked of one chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartCover {
    /// The chart.
    pub chart: Chart,
    /// The hook that walks it, if the core has one of this name.
    pub hook: Option<Hook>,
    /// Each arrow, in chart order.
    pub arrows: Vec<ArrowCover>,
    /// Each path over solid arrows, in chart order.
    pub paths: Vec<PathCover>,
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
    ///
    /// # Errors
    ///
    /// The chart whose paths can't be listed, and why.
    pub fn of_own_charts() -> Result<Self, ChartFault> {
        let own = charts::all().iter().map(|(_, chart)| chart.clone()).collect();
        Self::new(own)
    }

    /// Nothing walked yet, of charts from elsewhere, which are compared with the core's.
    ///
    /// # Errors
    ///
    /// The chart whose paths can't be listed, and why.
    pub fn of_document(mut document: Vec<Chart>) -> Result<Self, ChartFault> {
        for arrow in document.iter_mut().flat_map(|chart| &mut chart.arrows) {
            arrow.label = arrow.label.take().and_then(without_visits);
        }
        let mut coverage = Self::new(document)?;
        coverage.compare();
        Ok(coverage)
    }

    fn new(charts: Vec<Chart>) -> Result<Self, ChartFault> {
        let covers: Result<Vec<ChartCover>, ChartFault> =
            charts.into_iter().map(uncovered).collect();
        Ok(Self { charts: covers?, missing_in_core: Vec::new(), missing_in_chart: Vec::new() })
    }

    /// Counts the walk of one trace by one case.
    pub fn count(&mut self, case: &str, hook: Hook, trace: &Trace) {
        let Some(cover) = self.charts.iter_mut().find(|cover| cover.hook == Some(hook)) else {
            return;
        };
        let amended = cover.chart.arrows.iter().any(|arrow| arrow.dotted);
        let laid =
            if amended { walk(trace, &cover.chart) } else { walk_published(trace, &cover.chart) };
        match laid {
            Ok(laid) => cover.count(case, &laid),
            Err(error) => self.note_missing(&error),
        }
    }

    /// Arrows that the document draws solid, and how many of them were walked.
    #[must_use]
    pub fn arrows(&self) -> (usize, usize) {
        total(&self.charts, |cover| cover.arrow_counts(false))
    }

    /// Arrows that the document draws dotted, and how many of them were walked.
    #[must_use]
    pub fn amended_arrows(&self) -> (usize, usize) {
        total(&self.charts, |cover| cover.arrow_counts(true))
    }

    /// Paths over solid arrows, and how many of them were walked.
    #[must_use]
    pub fn paths(&self) -> (usize, usize) {
        total(&self.charts, ChartCover::path_counts)
    }

    /// The coverage of some of the charts.
    #[must_use]
    pub fn only(&self, hooks: &[Hook]) -> Self {
        let chosen =
            self.charts.iter().filter(|c| c.hook.is_some_and(|hook| hooks.contains(&hook)));
        Self { charts: chosen.cloned().collect(), ..self.clone() }
    }

    /// What the document draws and the core lacks, each with its line and the nearest name.
    #[must_use]
    pub fn foreign(&self) -> Vec<ChartFault> {
        self.charts.iter().flat_map(foreign).collect()
    }

    /// Whether everything drawn was walked, and nothing is missing on either side.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let full = |(drawn, walked): (usize, usize)| drawn == walked;
        full(self.arrows())
            && full(self.amended_arrows())
            && full(self.paths())
            && self.missing_in_core.is_empty()
            && self.missing_in_chart.is_empty()
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

    /// Holds the solid arrows of the document against those of the core. A published chart that the
    /// document lacks is missing; the two that were never published need not be there.
    fn compare(&mut self) {
        for cover in &self.charts {
            let name = &cover.chart.name;
            match cover.hook.and_then(charts::chart) {
                None => self.missing_in_core.push(format!("chart {name}")),
                Some(own) => {
                    let (theirs, ours) = (parts(&cover.chart), parts(own));
                    self.missing_in_core.extend(theirs.difference(&ours).cloned());
                    self.missing_in_chart.extend(ours.difference(&theirs).cloned());
                }
            }
        }
        // One chart alone stands for itself, not for a document that lacks the others.
        if self.charts.len() == 1 {
            return;
        }
        let drawn = |hook: &Hook| self.charts.iter().any(|cover| cover.hook == Some(*hook));
        let lacking = charts::PUBLISHED.iter().filter(|hook| !drawn(hook));
        let lacking: Vec<String> = lacking.map(|hook| format!("chart {hook}")).collect();
        self.missing_in_chart.extend(lacking);
    }
}

impl ChartCover {
    /// Arrows of one kind, and how many of them were walked.
    #[must_use]
    pub fn arrow_counts(&self, dotted: bool) -> (usize, usize) {
        let arrows = self.chart.arrows.iter().zip(&self.arrows);
        let drawn: Vec<&ArrowCover> =
            arrows.filter(|(arrow, _)| arrow.dotted == dotted).map(|(_, cover)| cover).collect();
        (drawn.len(), drawn.iter().filter(|cover| cover.visits > 0).count())
    }

    /// Paths, and how many of them were walked.
    #[must_use]
    pub fn path_counts(&self) -> (usize, usize) {
        (self.paths.len(), self.paths.iter().filter(|path| path.visits > 0).count())
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
        let taken = self.paths.iter_mut().find(|path| path.path.nodes == laid.nodes);
        if let Some(path) = taken.filter(|_| laid.is_complete) {
            path.visits += 1;
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

fn uncovered(chart: Chart) -> Result<ChartCover, ChartFault> {
    let paths = chart.paths(PATH_LIMIT).map_err(|error| {
        let at = match &error {
            PathsError::SeveralStarts(ids) => ids.last(),
            PathsError::Cycle(ids) => ids.first(),
            PathsError::NoStart | PathsError::TooMany(_) => None,
        };
        let node = at.and_then(|id| chart.nodes.get(chart.node(id)?)).or(chart.nodes.first());
        ChartFault {
            line: node.map_or(0, |node| node.line),
            what: format!("chart {}: {error}", chart.name),
            hint: None,
        }
    })?;
    Ok(ChartCover {
        hook: chart.name.parse().ok(),
        arrows: vec![ArrowCover::default(); chart.arrows.len()],
        paths: paths.into_iter().map(|path| PathCover { path, visits: 0 }).collect(),
        chart,
    })
}

/// What the core lacks of one chart, each thing once: the chart, a shape of it, or an arrow between shapes
/// that the core has.
fn foreign(cover: &ChartCover) -> Vec<ChartFault> {
    let chart = &cover.chart;
    let Some(own) = cover.hook.and_then(charts::chart) else {
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
    let known = |node: usize| chart.nodes.get(node).is_some_and(|n| own.node(&n.id).is_some());
    let strange = chart.nodes.iter().filter(|node| own.node(&node.id).is_none());
    let shapes = strange.map(|node| ChartFault {
        line: node.line,
        what: format!("the core has no shape `{}` in chart {}", node.id, chart.name),
        hint: hint(&node.id),
    });
    let ours = parts(own);
    let solid = cover.chart.arrows.iter().filter(|arrow| !arrow.dotted);
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

/// What a chart draws solid: its arrows, and the identifiers that no solid arrow mentions.
fn parts(chart: &Chart) -> BTreeSet<String> {
    let id = |node: usize| chart.nodes.get(node).map_or("?", |node| node.id.as_str());
    let solid: Vec<_> = chart.arrows.iter().filter(|arrow| !arrow.dotted).collect();
    let dotted: Vec<_> = chart.arrows.iter().filter(|arrow| arrow.dotted).collect();
    let named = solid.iter().map(|arrow| solid_text(chart, arrow));
    let touches = |node: usize, arrows: &[&Arrow]| {
        arrows.iter().any(|arrow| arrow.from == node || arrow.to == node)
    };
    let lone = (0..chart.nodes.len())
        .filter(|node| !touches(*node, &solid) && !touches(*node, &dotted))
        .map(|node| format!("{}: {}", chart.name, id(node)));
    named.chain(lone).collect()
}
