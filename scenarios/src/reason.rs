//! Why a scenario failed or was skipped: data, of which every report's text is a view.

use std::fmt;

use pgdrill_core::{Hook, Shape, WalkError};

use crate::{
    law::{Law, Violation},
    location::Location,
    names::ChartShape,
    run::{FiredStep, Missed},
    scenario::Damage,
    testbed::Cause,
    unexpected::Unexpected,
};

/// One firing of a run, as a reason names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FiringRef {
    /// Its number in the run, from 1.
    pub number: usize,
    /// The hook.
    pub hook: Hook,
    /// The unit.
    pub unit: u32,
    /// The step of the plan that brought the event, from 0.
    pub step: usize,
}

impl FiringRef {
    /// The firing at this index of a run.
    #[must_use]
    pub const fn new(index: usize, step: &FiredStep) -> Self {
        let (hook, unit) = (step.fired.firing.hook, step.fired.unit);
        Self { number: index + 1, hook, unit, step: step.step }
    }
}

/// What a backend can't make true, so that the scenario was skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    /// What it can't do.
    pub why: String,
    /// The step of the plan that asks for it, from 0; `None` when the givens do.
    pub step: Option<usize>,
}

impl Skip {
    /// The name of this kind of reason.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        "unable"
    }

    /// Where it is.
    #[must_use]
    pub fn location(&self) -> Location {
        stopped(self.step)
    }
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// One reason why a scenario failed. Its `Display` is the text that people read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The run broke off, so nothing that the plan asks for was decided.
    Broken {
        /// What did not work.
        cause: Cause,
        /// The step of the plan, from 0; `None` when the run did not begin.
        step: Option<usize>,
    },
    /// The run broke a law, and the scenario does not say so.
    LawBroken(Violation),
    /// The scenario says that the run breaks a law, and it does not.
    LawKept {
        /// What the scenario says.
        damage: Damage,
        /// Whether it says so under `known`, and not under `then.damage`.
        is_known: bool,
        /// Its index there.
        index: usize,
    },
    /// A firing took an arrow that its chart lacks.
    OffChart {
        /// The firing.
        firing: FiringRef,
        /// Where it left the chart; `None` when the hook has no chart.
        error: Option<WalkError>,
    },
    /// A firing ended where its chart goes on.
    StopsEarly {
        /// The firing.
        firing: FiringRef,
        /// The last shape.
        at: Shape,
    },
    /// A fault was to be injected where no firing got.
    Missed(Missed),
    /// A shape was to be covered, and no firing visited it.
    NotCovered {
        /// The shape.
        shape: ChartShape,
        /// Its index in `covers`.
        index: usize,
    },
    /// Something is not as the scenario expects it, after a step or at the end.
    Unexpected(Box<Unexpected>),
    /// The run shows something else than its snapshot.
    SnapshotDiffers {
        /// The differing lines, as a unified diff.
        difference: String,
        /// The lines of this run among them that keep a cause to themselves, each with the cause.
        in_full: Vec<String>,
        /// Whether `--update` can write the snapshot.
        can_update: bool,
    },
    /// There is a snapshot, and it can't be read.
    SnapshotUnreadable {
        /// The snapshot's file.
        file: String,
        /// Why it can't be read.
        why: String,
    },
    /// The case has no snapshot and must have one: it is embedded, or the user requires it.
    NoSnapshot,
    /// The scenario was skipped, and the user requires that none is.
    SkippedButRequired(Skip),
}

impl Reason {
    /// The name of this kind of reason, for programs.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Broken { cause: Cause::TookLonger(_), .. } => "took-longer",
            Self::Broken { .. } => "broken",
            Self::LawBroken(_) => "law-broken",
            Self::LawKept { .. } => "law-kept",
            Self::OffChart { .. } => "off-chart",
            Self::StopsEarly { .. } => "stops-early",
            Self::Missed(_) => "missed-injection",
            Self::NotCovered { .. } => "not-covered",
            Self::Unexpected(unexpected) => unexpected.kind(),
            Self::SnapshotDiffers { .. } => "snapshot-differs",
            Self::SnapshotUnreadable { .. } => "snapshot-unreadable",
            Self::NoSnapshot => "no-snapshot",
            Self::SkippedButRequired(_) => "skipped-but-required",
        }
    }

    /// The law that it is about, if it is about one.
    #[must_use]
    pub const fn law(&self) -> Option<Law> {
        match self {
            Self::LawBroken(broken) => Some(broken.law),
            Self::LawKept { damage, .. } => Some(damage.law),
            Self::OffChart { .. } => Some(Law::OffChart),
            Self::Broken { .. }
            | Self::StopsEarly { .. }
            | Self::Missed(_)
            | Self::NotCovered { .. }
            | Self::Unexpected(_)
            | Self::SnapshotDiffers { .. }
            | Self::SnapshotUnreadable { .. }
            | Self::NoSnapshot
            | Self::SkippedButRequired(_) => None,
        }
    }

    /// Whether it is about the snapshot, and so about nothing that a run taken as right has against it.
    #[must_use]
    pub const fn is_of_snapshot(&self) -> bool {
        matches!(
            self,
            Self::SnapshotDiffers { .. } | Self::SnapshotUnreadable { .. } | Self::NoSnapshot
        )
    }

    /// Where it is.
    #[must_use]
    pub fn location(&self) -> Location {
        match self {
            Self::Broken { step, .. } => stopped(*step),
            Self::LawBroken(broken) => match broken.by {
                Some((firing, shape)) => Location { shape, ..Location::at_firing(firing) },
                None => Location { unit: broken.unit, ..Location::default() },
            },
            Self::StopsEarly { firing, at } => {
                Location { shape: Some(*at), ..Location::at_firing(*firing) }
            }
            Self::LawKept { damage, is_known, index } => {
                let list = if *is_known { "known" } else { "then/damage" };
                Location { unit: damage.unit, ..Location::written(format!("{list}/{index}")) }
            }
            Self::OffChart { firing, .. } => Location::at_firing(*firing),
            Self::Missed(missed) => missed.location(),
            Self::NotCovered { shape, index } => Location {
                hook: Some(shape.hook),
                shape: Some(shape.shape),
                ..Location::written(format!("covers/{index}"))
            },
            Self::Unexpected(unexpected) => unexpected.location(),
            Self::SnapshotDiffers { .. } | Self::SnapshotUnreadable { .. } | Self::NoSnapshot => {
                Location::default()
            }
            Self::SkippedButRequired(skip) => skip.location(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken { cause, .. } => cause.fmt(f),
            Self::LawBroken(broken) => broken.fmt(f),
            Self::LawKept { damage, is_known: false, .. } => {
                write!(f, "the scenario says that {damage} is broken, and it is not")
            }
            Self::LawKept { damage, is_known: true, .. } => {
                write!(
                    f,
                    "{damage} is known to be broken, and it is not any more: take it out of `known`"
                )
            }
            Self::OffChart { firing, error: Some(error) } => {
                write!(f, "firing {} leaves its chart: {error}", firing.number)
            }
            Self::OffChart { firing, error: None } => {
                let FiringRef { number, hook, .. } = firing;
                write!(f, "firing {number} leaves its chart: there is no chart {hook}")
            }
            Self::StopsEarly { firing, at } => {
                write!(f, "firing {} stops at {at}, where its chart goes on", firing.number)
            }
            Self::Missed(missed) => missed.fmt(f),
            Self::NotCovered { shape, .. } => {
                write!(f, "{shape} was to be covered and was not visited")
            }
            Self::Unexpected(unexpected) => unexpected.fmt(f),
            Self::SnapshotDiffers { difference, in_full, can_update } => {
                let update = "; if the run is right, `--update` writes it anew";
                let advice = if *can_update { update } else { "" };
                write!(f, "the run differs from its snapshot{advice}\n{difference}")?;
                let mut at_line_start = difference.ends_with('\n');
                in_full.iter().try_for_each(|line| {
                    let break_before = if std::mem::take(&mut at_line_start) { "" } else { "\n" };
                    write!(f, "{break_before}in full: {}", line.trim())
                })
            }
            Self::SnapshotUnreadable { file, why } => write!(f, "the snapshot {file} {why}"),
            Self::NoSnapshot => f.write_str("the case has no snapshot"),
            Self::SkippedButRequired(skip) => write!(f, "skipped, and required: {skip}"),
        }
    }
}

/// Where a run ended early: at a step, or at what is given.
fn stopped(step: Option<usize>) -> Location {
    Location::written(step.map_or_else(|| "given".to_owned(), |step| format!("fire/{step}")))
}
