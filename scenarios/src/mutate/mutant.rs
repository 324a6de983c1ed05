//! One way in which the walker can do otherwise than a hook has it.

use std::fmt;

use pgdrill_core::{Amendment, Hook, Shape};
use pgdrill_flow::Chart;

use crate::charts::{all, chart};

/// What is done otherwise, always and in every firing of one hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutation {
    /// This answer of a question or an attempt is taken for the other one.
    Flipped {
        /// The question or the attempt.
        at: Shape,
        /// The answer that it gave.
        given: bool,
    },
    /// An action or an ending is not done.
    Skipped(Shape),
    /// An action or an ending is done twice.
    Doubled(Shape),
    /// An action or an ending is done after the next one, where that one follows directly.
    Swapped {
        /// The one that comes first in the chart.
        first: Shape,
        /// The one after it.
        second: Shape,
    },
    /// The condition of an amendment holds never: it is not in force, in no hook.
    Never(Amendment),
    /// The condition of an amendment holds always: a question or an attempt has the answer that it refines.
    Refined {
        /// The amendment.
        amendment: Amendment,
        /// The question or the attempt.
        at: Shape,
        /// The answer.
        yes: bool,
        /// Where that leads.
        to: Shape,
    },
    /// The condition of an amendment holds always: what it inserts is done wherever the chart has room for it.
    Inserted {
        /// The amendment.
        amendment: Amendment,
        /// The shape after which it is.
        after: Shape,
        /// The action or the ending.
        shape: Shape,
    },
}

/// A mutation of one hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mutant {
    /// The hook; of an amendment that is never in force the first whose chart draws it.
    pub hook: Hook,
    /// What is done otherwise.
    pub mutation: Mutation,
}

/// A dotted arrow for which there is no mutant that takes its condition for always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unmutated {
    /// The hook whose chart has it.
    pub hook: Hook,
    /// Its index in the chart's arrows.
    pub arrow: usize,
    /// Why there is none.
    pub why: &'static str,
}

/// The arrow decides nothing.
const WAY_ON: &str = "it is the way on from what the amendment inserts, where nothing is decided";
/// Nobody knows how to go on.
const ATTEMPT: &str = "the amendment inserts an attempt, and the hook has a way on from it only where it makes it itself";
/// The cleanup has no condition.
const CLEANUP: &str = "what is to be cleaned up follows from what was done, and is done always";
/// The amendment is within the action.
const WITHIN: &str = "the amendment decides within the action, which the walker can't see";

impl Mutant {
    /// Every mutant, chart by chart, those of an amendment that is never in force last.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut mutants = Vec::new();
        for (hook, chart) in all() {
            let of_shapes = chart.nodes.iter().enumerate();
            let of_shapes = of_shapes.flat_map(|(node, _)| of_shape(chart, node));
            let mut mutations: Vec<Mutation> = of_shapes.collect();
            for index in 0..chart.arrows.len() {
                mutations.extend(swapped(chart, index));
            }
            for index in 0..chart.arrows.len() {
                mutations.extend(always(chart, index).into_iter().flatten().flatten());
            }
            let mut seen = Vec::with_capacity(mutations.len());
            mutations.retain(|mutation| {
                !seen.contains(mutation) && {
                    seen.push(*mutation);
                    true
                }
            });
            mutants.extend(mutations.into_iter().map(|mutation| Self { hook: *hook, mutation }));
        }
        for &amendment in Amendment::ALL {
            let drawn = all().iter().find(|(_, chart)| draws(chart, amendment));
            let mutation = Mutation::Never(amendment);
            mutants.extend(drawn.map(|(hook, _)| Self { hook: *hook, mutation }));
        }
        mutants
    }

    /// The dotted arrows for which there is no mutant.
    #[must_use]
    pub fn none() -> Vec<Unmutated> {
        let mut none = Vec::new();
        for (hook, chart) in all() {
            for arrow in 0..chart.arrows.len() {
                if let Some(Err(why)) = always(chart, arrow) {
                    none.push(Unmutated { hook: *hook, arrow, why });
                }
            }
        }
        none
    }

    /// Whether it concerns the chart of this hook.
    #[must_use]
    pub fn is_of(&self, hook: Hook) -> bool {
        match self.mutation {
            Mutation::Never(amendment) => chart(hook).is_some_and(|chart| draws(chart, amendment)),
            Mutation::Flipped { .. }
            | Mutation::Skipped(_)
            | Mutation::Doubled(_)
            | Mutation::Swapped { .. }
            | Mutation::Refined { .. }
            | Mutation::Inserted { .. } => self.hook == hook,
        }
    }

    /// The name of its kind, for programs.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.mutation {
            Mutation::Flipped { at: Shape::Attempt(_), given: true } => "success-told-as-failure",
            Mutation::Flipped { at: Shape::Attempt(_), given: false } => "failure-told-as-success",
            Mutation::Flipped { .. } => "answer-flipped",
            Mutation::Skipped(_) => "skipped",
            Mutation::Doubled(_) => "doubled",
            Mutation::Swapped { .. } => "swapped",
            Mutation::Never(_) => "amendment-never",
            Mutation::Refined { .. } | Mutation::Inserted { .. } => "amendment-always",
        }
    }

    /// What it does, in words that go on after its place.
    #[must_use]
    pub const fn about(&self) -> &'static str {
        match self.mutation {
            Mutation::Flipped { at: Shape::Attempt(_), given: true } => {
                "the attempt's success is told as a failure"
            }
            Mutation::Flipped { at: Shape::Attempt(_), given: false } => {
                "the attempt's failure is told as a success"
            }
            Mutation::Flipped { given: true, .. } => "the answer yes is taken for no",
            Mutation::Flipped { given: false, .. } => "the answer no is taken for yes",
            Mutation::Skipped(_) => "it is skipped",
            Mutation::Doubled(_) => "it is done twice",
            Mutation::Swapped { .. } => "the two are swapped",
            Mutation::Never(_) => "the amendment is never in force",
            Mutation::Refined { .. } => "the answer is always the one that the amendment gives",
            Mutation::Inserted { .. } => "what the amendment inserts is always done",
        }
    }

    /// The arrow of the chart at which it is; `None`: it is at a shape, or the chart draws no arrow there.
    #[must_use]
    pub fn arrow(&self) -> Option<usize> {
        let chart = chart(self.hook)?;
        let labelled = |from: Shape, to: Option<Shape>, label: Option<&str>, dotted: bool| {
            chart.arrows.iter().position(|arrow| {
                chart.nodes.get(arrow.from).is_some_and(|node| node.id == from.id())
                    && to.is_none_or(|to| {
                        chart.nodes.get(arrow.to).is_some_and(|node| node.id == to.id())
                    })
                    && arrow.dotted == dotted
                    && label.is_none_or(|label| arrow.label.as_deref() == Some(label))
            })
        };
        match self.mutation {
            Mutation::Flipped { at, given } => labelled(at, None, Some(word(given)), false),
            Mutation::Swapped { first, second } => labelled(first, Some(second), None, false)
                .or_else(|| labelled(first, Some(second), None, true)),
            Mutation::Refined { amendment, at, to, .. } => {
                labelled(at, Some(to), Some(amendment.name()), true)
            }
            Mutation::Inserted { amendment, after, shape } => {
                labelled(after, Some(shape), Some(amendment.name()), true)
            }
            Mutation::Never(amendment) => {
                let drawn = |arrow: &pgdrill_flow::Arrow| {
                    arrow.dotted && arrow.label.as_deref() == Some(amendment.name())
                };
                chart.arrows.iter().position(drawn)
            }
            Mutation::Skipped(_) | Mutation::Doubled(_) => None,
        }
    }

    /// The shape at which it is, or from which its arrow goes.
    #[must_use]
    pub const fn shape(&self) -> Option<Shape> {
        match self.mutation {
            Mutation::Flipped { at, .. } | Mutation::Refined { at, .. } => Some(at),
            Mutation::Skipped(shape) | Mutation::Doubled(shape) => Some(shape),
            Mutation::Swapped { first, .. } => Some(first),
            Mutation::Inserted { after, .. } => Some(after),
            Mutation::Never(_) => None,
        }
    }

    /// Its place: an arrow or a shape with its chart, or an amendment.
    #[must_use]
    pub fn place(&self) -> String {
        if let Some(amendment) = self.never() {
            return amendment.to_string();
        }
        match (self.arrow(), self.shape()) {
            (Some(arrow), _) => arrow_text(self.hook, arrow),
            (None, Some(shape)) => format!("{}/{shape}", self.hook),
            (None, None) => self.hook.to_string(),
        }
    }

    /// The amendment that it is about, if it is about one.
    pub(crate) const fn amendment(&self) -> Option<Amendment> {
        match self.mutation {
            Mutation::Never(amendment)
            | Mutation::Refined { amendment, .. }
            | Mutation::Inserted { amendment, .. } => Some(amendment),
            Mutation::Flipped { .. }
            | Mutation::Skipped(_)
            | Mutation::Doubled(_)
            | Mutation::Swapped { .. } => None,
        }
    }

    /// The amendment that is never in force, if that is what is done otherwise.
    pub(crate) const fn never(&self) -> Option<Amendment> {
        match self.mutation {
            Mutation::Never(amendment) => Some(amendment),
            Mutation::Refined { .. }
            | Mutation::Inserted { .. }
            | Mutation::Flipped { .. }
            | Mutation::Skipped(_)
            | Mutation::Doubled(_)
            | Mutation::Swapped { .. } => None,
        }
    }

    /// The shapes that may follow what an amendment inserts by its own arrows; none: the firing ends there.
    pub(super) fn ways_on(&self, amendment: Amendment, shape: Shape) -> Vec<Shape> {
        let Some(chart) = chart(self.hook) else { return Vec::new() };
        let from = chart.node(shape.id());
        let arrows = chart.arrows.iter().filter(|arrow| Some(arrow.from) == from);
        let own = arrows.filter(|arrow| is_by(arrow, amendment));
        own.filter_map(|arrow| shape_at(chart, arrow.to)).collect()
    }
}

impl fmt::Display for Mutant {
    /// Its place and what it does: `create-backup/is_replica -- yes --> block_new_connections: …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place(), self.about())
    }
}

/// An arrow with its chart, as the chart draws it.
#[must_use]
pub fn arrow_text(hook: Hook, arrow: usize) -> String {
    let drawn = chart(hook).and_then(|chart| Some((chart, chart.arrows.get(arrow)?)));
    let Some((chart, arrow)) = drawn else { return hook.to_string() };
    let id = |node: usize| chart.nodes.get(node).map_or("", |node| node.id.as_str());
    let (from, to) = (id(arrow.from), id(arrow.to));
    match (&arrow.label, arrow.dotted) {
        (None, _) => format!("{hook}/{from} --> {to}"),
        (Some(label), false) => format!("{hook}/{from} -- {label} --> {to}"),
        (Some(label), true) => format!("{hook}/{from} -. {label} .-> {to}"),
    }
}

/// An answer as the charts write it.
const fn word(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

fn shape_at(chart: &Chart, node: usize) -> Option<Shape> {
    Shape::from_id(&chart.nodes.get(node)?.id)
}

fn is_by(arrow: &pgdrill_flow::Arrow, amendment: Amendment) -> bool {
    arrow.dotted && arrow.label.as_deref() == Some(amendment.name())
}

fn draws(chart: &Chart, amendment: Amendment) -> bool {
    chart.arrows.iter().any(|arrow| is_by(arrow, amendment))
}

/// What can be done otherwise at a shape.
fn of_shape(chart: &Chart, node: usize) -> Vec<Mutation> {
    match shape_at(chart, node) {
        Some(at @ (Shape::Question(_) | Shape::Attempt(_))) => {
            vec![Mutation::Flipped { at, given: true }, Mutation::Flipped { at, given: false }]
        }
        Some(shape @ (Shape::Action(_) | Shape::Ending(_))) if is_deed(shape) => {
            vec![Mutation::Skipped(shape), Mutation::Doubled(shape)]
        }
        Some(Shape::Start | Shape::Action(_) | Shape::Ending(_)) | None => Vec::new(),
    }
}

/// Whether anything is done there: nothing is where a hook returns, or goes on to its cleanup.
fn is_deed(shape: Shape) -> bool {
    use pgdrill_core::Ending;
    match shape {
        Shape::Action(_) => true,
        Shape::Ending(Ending::HookError | Ending::Rtn) => false,
        Shape::Ending(Ending::Defer | Ending::FailAction | Ending::FailAction2) => true,
        Shape::Start | Shape::Question(_) | Shape::Attempt(_) => false,
    }
}

fn swapped(chart: &Chart, index: usize) -> Option<Mutation> {
    let arrow = chart.arrows.get(index)?;
    let (first, second) = (shape_at(chart, arrow.from)?, shape_at(chart, arrow.to)?);
    (is_deed(first) && is_deed(second)).then_some(Mutation::Swapped { first, second })
}

/// How the condition of a dotted arrow can be taken for always, or why it can't; `None` for an arrow that is published.
fn always(chart: &Chart, index: usize) -> Option<Result<Vec<Mutation>, &'static str>> {
    let arrow = chart.arrows.get(index).filter(|arrow| arrow.dotted)?;
    let amendment: Amendment = arrow.label.as_deref()?.parse().ok()?;
    let (from, to) = (shape_at(chart, arrow.from)?, shape_at(chart, arrow.to)?);
    let solid = |from: usize, to: usize| {
        chart.arrows.iter().find(|it| it.from == from && it.to == to && !it.dotted)
    };
    // Who comes back from what the amendment inserts is where the published arrow leads.
    let comes_back = |from: usize, to: usize| {
        let before = chart.arrows.iter().filter(|it| it.to == from && is_by(it, amendment));
        before.into_iter().any(|it| solid(it.from, to).is_some())
    };
    let is_inserted = chart
        .arrows
        .iter()
        .filter(|it| it.to == arrow.from && is_by(it, amendment))
        .filter(|it| shape_at(chart, it.from) != Some(HOOK_ERROR))
        .any(|it| solid(it.from, it.to).is_none() && !comes_back(it.from, it.to));
    if is_inserted {
        return Some(Err(WAY_ON));
    }
    let published = solid(arrow.from, arrow.to);
    let answer = published.and_then(|it| it.label.as_deref()).map(|label| label == "yes");
    let is_diamond = matches!(from, Shape::Question(_) | Shape::Attempt(_));
    let goes_on = chart.arrows.iter().any(|it| it.from == arrow.to && is_by(it, amendment));
    let mut found = Vec::new();
    if let Some(yes) = answer.filter(|_| is_diamond) {
        found.push(Mutation::Refined { amendment, at: from, yes, to });
    }
    if from == HOOK_ERROR && !goes_on {
        return Some(Err(CLEANUP));
    }
    if is_deed(to) && (published.is_none() || (is_diamond && goes_on)) {
        found.push(Mutation::Inserted { amendment, after: from, shape: to });
    }
    Some(match (found.is_empty(), to) {
        (false, _) => Ok(found),
        (true, Shape::Attempt(_)) => Err(ATTEMPT),
        (true, Shape::Start | Shape::Question(_) | Shape::Action(_) | Shape::Ending(_)) => {
            Err(WITHIN)
        }
    })
}

/// Where a failed hook goes on to its cleanup.
const HOOK_ERROR: Shape = Shape::Ending(pgdrill_core::Ending::HookError);
