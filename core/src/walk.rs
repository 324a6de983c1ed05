//! The check that a trace is a path of its chart.

use std::fmt;

use pgdrill_flow::Chart;

use crate::{
    shape::{Ending, Shape},
    trace::{Mark, Step, Trace},
};

/// A trace, laid on its chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// Indices in [`Chart::nodes`] of the published steps, in order.
    pub nodes: Vec<usize>,
    /// Indices in [`Chart::arrows`] of every arrow walked, solid ones first, then dotted ones.
    pub arrows: Vec<usize>,
    /// Whether the published steps lead all the way to an end.
    pub is_complete: bool,
}

/// Where a trace leaves its chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WalkError {
    /// The trace visits a shape that the chart lacks.
    NoNode {
        /// The chart.
        chart: String,
        /// The shape.
        node: &'static str,
    },
    /// The trace goes from one shape to another, and the chart has no such arrow.
    NoArrow {
        /// The chart.
        chart: String,
        /// The shape that it left.
        from: &'static str,
        /// What would be written on the arrow: an answer or an amendment.
        label: Option<&'static str>,
        /// The shape that it entered.
        to: &'static str,
    },
    /// The trace does not begin where the chart does, or where one of its entries is.
    NoStart {
        /// The chart.
        chart: String,
    },
}

impl fmt::Display for WalkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNode { chart, node } => write!(f, "chart {chart} has no shape {node}"),
            Self::NoArrow { chart, from, label: Some(label), to } => {
                write!(f, "chart {chart} has no arrow {from} -- {label} --> {to}")
            }
            Self::NoArrow { chart, from, label: None, to } => {
                write!(f, "chart {chart} has no arrow {from} --> {to}")
            }
            Self::NoStart { chart } => {
                write!(f, "the trace does not begin where chart {chart} does")
            }
        }
    }
}

impl std::error::Error for WalkError {}

/// Lays a trace on a chart that draws the amendments: with amended steps erased the trace must be a path
/// of the solid arrows, and every amended step must be drawn dotted under its amendment's name.
///
/// # Errors
///
/// The first shape or arrow that the chart lacks.
pub fn walk(trace: &Trace, chart: &Chart) -> Result<Walk, WalkError> {
    let mut walk = walk_published(trace, chart)?;
    for pair in trace.steps().windows(2) {
        if let [from, to] = pair
            && let Some(arrow) = amended_arrow(chart, from, to)?
        {
            walk.arrows.push(arrow);
        }
    }
    Ok(walk)
}

/// Lays a trace on a chart as published: amended steps are erased first, and dotted arrows do not count.
///
/// # Errors
///
/// The first shape or arrow that the chart lacks.
pub fn walk_published(trace: &Trace, chart: &Chart) -> Result<Walk, WalkError> {
    let steps: Vec<&Step> = trace.published().collect();
    let nodes: Result<Vec<usize>, WalkError> =
        steps.iter().map(|step| node(chart, step.shape)).collect();
    let nodes = nodes?;
    if !nodes.first().is_some_and(|node| is_start(chart, *node)) {
        return Err(WalkError::NoStart { chart: chart.name.clone() });
    }
    let mut arrows = Vec::with_capacity(nodes.len());
    for pair in steps.windows(2) {
        if let [from, to] = pair {
            arrows.push(arrow(chart, from.shape, from.answer_label(), to.shape, false)?);
        }
    }
    let last = nodes.last().copied();
    let answered = steps.last().is_none_or(|step| !is_unanswered_diamond(step));
    let is_complete =
        answered && last.is_some_and(|node| chart.arrows_from(node).all(|(_, arrow)| arrow.dotted));
    Ok(Walk { nodes, arrows, is_complete })
}

/// Whether a chart begins at a node, too: nothing enters it, or nothing but the loop that it begins.
fn is_start(chart: &Chart, node: usize) -> bool {
    chart.arrows_to(node).next().is_none() || chart.starts().contains(&node)
}

fn is_unanswered_diamond(step: &Step) -> bool {
    matches!(step.shape, Shape::Question(_) | Shape::Attempt(_)) && step.answer.is_none()
}

/// The dotted arrow between two steps, where an amendment has a part in it.
fn amended_arrow(chart: &Chart, from: &Step, to: &Step) -> Result<Option<usize>, WalkError> {
    // A hook can fail at any shape, so the arrows that lead to `hook_error` are not drawn.
    if to.shape == Shape::Ending(Ending::HookError) {
        return node(chart, to.shape).map(|_| None);
    }
    let amendment = match (from.mark, to.mark) {
        (_, Some(Mark::Inserted(amendment)))
        | (Some(Mark::Inserted(amendment) | Mark::Refined(amendment)), _) => amendment,
        (None, Some(Mark::Refined(_)) | None) => return Ok(None),
    };
    arrow(chart, from.shape, Some(amendment.name()), to.shape, true).map(Some)
}

fn node(chart: &Chart, shape: Shape) -> Result<usize, WalkError> {
    let found = chart.node(shape.id());
    found.ok_or_else(|| WalkError::NoNode { chart: chart.name.clone(), node: shape.id() })
}

fn arrow(
    chart: &Chart,
    from: Shape,
    label: Option<&'static str>,
    to: Shape,
    dotted: bool,
) -> Result<usize, WalkError> {
    let (start, end) = (node(chart, from)?, node(chart, to)?);
    let found = chart.arrows_from(start).find(|(_, arrow)| {
        arrow.to == end
            && arrow.dotted == dotted
            && arrow.label.as_deref().map(str::to_ascii_lowercase).as_deref() == label
    });
    found.map(|(index, _)| index).ok_or_else(|| WalkError::NoArrow {
        chart: chart.name.clone(),
        from: from.id(),
        label,
        to: to.id(),
    })
}

#[cfg(test)]
mod tests {
    use pgdrill_flow::parse;

    use super::*;
    use crate::{
        amendment::Amendment,
        shape::{Action, Question},
    };

    const CHART: &str = "flowchart TD
        hook_fired([go]) --> is_replica2{replica?}
        is_replica2 -- no --> set_active[active]
        is_replica2 -- yes --> allow_new_connections[allow]
        is_replica2 -. reopen-what-was-blocked .-> allow_new_connections
        allow_new_connections -. reopen-what-was-blocked .-> set_active
        allow_new_connections -. replica-ends-active .-> set_active";

    fn step(shape: impl Into<Shape>, answer: Option<bool>, mark: Option<Mark>) -> Step {
        Step { shape: shape.into(), answer, mark }
    }

    fn laid(steps: &[Step]) -> Result<Walk, WalkError> {
        let chart = parse(CHART, "c", "c", 1).expect("a chart").chart;
        let mut trace = Trace::start();
        steps.iter().for_each(|step| trace.push(*step));
        walk(&trace, &chart)
    }

    #[test]
    fn amended_steps_are_erased_and_must_be_drawn() {
        let reopen = Some(Mark::Inserted(Amendment::ReopenWhatWasBlocked));
        let walked = laid(&[
            step(Question::IsReplica2, Some(false), None),
            step(Action::AllowNewConnections, None, reopen),
            step(Action::SetActive, None, None),
        ]);
        let walked = walked.expect("a path");
        assert!(walked.is_complete);
        assert_eq!((walked.nodes, walked.arrows), (vec![0, 1, 2], vec![0, 1, 3, 4]));
        let cleanup = Some(Mark::Inserted(Amendment::CleanupSurvivesErrors));
        let undrawn = laid(&[
            step(Question::IsReplica2, Some(false), None),
            step(Action::AllowNewConnections, None, cleanup),
        ]);
        assert!(matches!(
            undrawn,
            Err(WalkError::NoArrow { label: Some("cleanup-survives-errors"), .. })
        ));
    }

    #[test]
    fn a_step_aside_is_named() {
        let aside = laid(&[
            step(Question::IsReplica2, Some(true), None),
            step(Action::SetActive, None, None),
        ]);
        let error = aside.expect_err("no such arrow").to_string();
        assert_eq!(error, "chart c has no arrow is_replica2 -- yes --> set_active");
        let strange = laid(&[step(Action::SetBlocked, None, None)]);
        assert_eq!(strange.expect_err("no node").to_string(), "chart c has no shape set_blocked");
    }

    #[test]
    fn a_trace_begins_at_any_entry_and_nowhere_else() {
        let entered = |extra: &str, steps: &[Step]| {
            let chart = parse(&format!("{CHART}\n{extra}"), "c", "c", 1).expect("a chart").chart;
            let mut trace = Trace::start();
            steps.iter().for_each(|step| trace.push(*step));
            walk_published(&trace, &chart)
        };
        assert!(entered("other([go]) --> is_replica2", &[]).is_ok());
        assert!(entered("is_replica2 --> hook_fired", &[]).is_ok(), "it begins the loop");
        let elsewhere = entered("other([go]) --> hook_fired", &[]);
        assert_eq!(elsewhere, Err(WalkError::NoStart { chart: "c".to_owned() }));
    }

    #[test]
    fn a_firing_that_ended_early_is_not_complete() {
        let ended = laid(&[step(Question::IsReplica2, None, None)]).expect("a prefix");
        assert!(!ended.is_complete);
        let ended = laid(&[]).expect("a prefix");
        assert!(!ended.is_complete);
    }
}
