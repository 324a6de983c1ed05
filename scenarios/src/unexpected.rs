//! What a scenario expects under `then` and a run does not show: data, of which every report's text is a view.

use std::fmt;

use pgdrill_core::{Hook, Status};
use pgdrill_sim::{BackupGiven, ServiceName, ServiceRuns};

use crate::{
    location::Location,
    names::{ChartShape, OutcomeName},
    plan::PlanStep,
    reason::FiringRef,
    snapshot_file::by_lines,
    target::Target,
    then::{Connections, ExpectedPrimary, ExpectedStatus, Presence},
};

/// Something that is not as a `then` expects it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unexpected {
    /// The step with which it is expected; `None` at the end.
    pub step: Option<StepRef>,
    /// What is expected, and what is there instead.
    pub difference: Difference,
}

/// A step of a plan, as a reason names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepRef {
    /// Its index in `fire`.
    pub index: usize,
    /// What it does.
    pub kind: StepKind,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// It delivers an event.
    Fire {
        /// The hook that the event fires.
        hook: Hook,
        /// To which units it goes.
        unit: Target,
    },
    /// It has hooks run at the same time.
    Together,
    /// It has hooks run at the same time, and this is one of them.
    Overlapping {
        /// Its index in `together`.
        event: usize,
        /// The hook.
        hook: Hook,
        /// The unit.
        unit: u32,
    },
    /// It makes the change of this name.
    Change(&'static str),
    /// It delivers everything that Juju owes.
    Settle,
}

impl StepRef {
    /// The step at this index of a plan.
    #[must_use]
    pub const fn new(index: usize, step: &PlanStep) -> Self {
        let kind = match step {
            PlanStep::Fire { hook, unit, .. } => StepKind::Fire { hook: *hook, unit: *unit },
            PlanStep::Together { .. } => StepKind::Together,
            PlanStep::Change(change) => StepKind::Change(change.name()),
            PlanStep::Settle => StepKind::Settle,
        };
        Self { index, kind }
    }
}

impl fmt::Display for StepRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fire[{}] (", self.index)?;
        match self.kind {
            StepKind::Fire { hook, unit } => write!(f, "{hook} on {unit}")?,
            StepKind::Together => f.write_str("together")?,
            StepKind::Overlapping { hook, unit, .. } => write!(f, "{hook} on unit {unit}")?,
            StepKind::Change(name) => f.write_str(name)?,
            StepKind::Settle => f.write_str("settle")?,
        }
        f.write_str(")")
    }
}

/// What is expected, and what is there instead. Texts have the tokens of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The way in which a firing ended is expected, and there was no firing.
    NothingFired {
        /// The unit on which there was none; `None`: on any.
        unit: Option<u32>,
    },
    /// A firing ended in another way.
    Outcome {
        /// The firing.
        firing: FiringRef,
        /// What the scenario expects.
        expected: OutcomeName,
        /// How the firing ended, in one word.
        found: &'static str,
        /// The message with which it ended; empty when there is none.
        message: String,
    },
    /// A firing ended with another message.
    Message {
        /// The firing.
        firing: FiringRef,
        /// What the scenario expects.
        expected: String,
        /// The message; empty when there is none.
        found: String,
    },
    /// An action has another result.
    Result {
        /// The firing.
        firing: FiringRef,
        /// The key of the result.
        key: String,
        /// What the scenario expects.
        expected: String,
        /// The result; `None` when there is none with this key.
        found: Option<String>,
        /// The keys of all results.
        keys: Vec<&'static str>,
    },
    /// A unit shows another status.
    Status {
        /// The unit.
        unit: u32,
        /// What the scenario expects.
        expected: ExpectedStatus,
        /// What the unit shows; `None` when there is no such unit.
        found: Option<Status>,
    },
    /// A unit accepts new connections, or refuses them.
    Connections {
        /// The unit.
        unit: u32,
        /// What the scenario expects.
        expected: Connections,
        /// What the unit does; `None` when there is no such unit.
        found: Option<Connections>,
    },
    /// A service of a unit runs, or does not.
    Service {
        /// The unit.
        unit: u32,
        /// The service.
        service: ServiceName,
        /// What the scenario expects.
        expected: ServiceRuns,
        /// What the service does; `None` when there is no such unit.
        found: Option<ServiceRuns>,
    },
    /// Another unit is the primary.
    Primary {
        /// What the scenario expects.
        expected: ExpectedPrimary,
        /// The primary there is.
        found: ExpectedPrimary,
    },
    /// Other backups are there.
    Backups {
        /// What the scenario expects.
        expected: Vec<BackupGiven>,
        /// What is there.
        found: Vec<BackupGiven>,
    },
    /// An object is not there, or one is that must not be.
    Objects {
        /// The key, or the pattern of keys.
        pattern: String,
        /// What the scenario expects.
        expected: Presence,
        /// The keys of all objects, or of those that must not be there.
        found: Vec<String>,
    },
    /// A shape was visited that must not be.
    Visit {
        /// The shape.
        shape: ChartShape,
        /// The first firing that visited it.
        firing: FiringRef,
        /// Its index in `not-visited`.
        index: usize,
    },
}

impl Unexpected {
    /// The name of this kind of reason, for programs.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.difference {
            Difference::NothingFired { .. } => "nothing-fired",
            Difference::Outcome { .. } => "unexpected-outcome",
            Difference::Message { .. } => "unexpected-message",
            Difference::Result { .. } => "unexpected-result",
            Difference::Status { .. } => "unexpected-status",
            Difference::Connections { .. } => "unexpected-connections",
            Difference::Service { .. } => "unexpected-service",
            Difference::Primary { .. } => "unexpected-primary",
            Difference::Backups { .. } => "unexpected-backups",
            Difference::Objects { .. } => "unexpected-objects",
            Difference::Visit { .. } => "unexpected-visit",
        }
    }

    /// Where it is.
    #[must_use]
    pub fn location(&self) -> Location {
        let then = match self.step {
            Some(StepRef { index, kind: StepKind::Overlapping { event, .. } }) => {
                format!("fire/{index}/together/{event}/then")
            }
            Some(step) => format!("fire/{}/then", step.index),
            None => "then".to_owned(),
        };
        let written = |key: &str| Some(format!("{then}/{key}"));
        let on_unit = |key: &str, unit| Location { path: written(key), ..Location::on_unit(unit) };
        let at = |key: &str, firing| Location { path: written(key), ..Location::at_firing(firing) };
        match &self.difference {
            Difference::NothingFired { unit } => {
                Location { unit: *unit, ..Location::written(then) }
            }
            Difference::Outcome { firing, .. } => at("outcome", *firing),
            Difference::Message { firing, .. } => at("message", *firing),
            Difference::Result { firing, key, .. } => {
                at(&format!("results/{}", escaped(key)), *firing)
            }
            Difference::Status { unit, .. } => on_unit(&format!("statuses/{unit}"), *unit),
            Difference::Connections { unit, .. } => on_unit(&format!("connections/{unit}"), *unit),
            Difference::Service { unit, service, .. } => {
                on_unit(&format!("services/{unit}/{}", service.name()), *unit)
            }
            Difference::Primary { .. } => {
                Location { path: written("primary"), ..Location::default() }
            }
            Difference::Backups { .. } => {
                Location { path: written("backups"), ..Location::default() }
            }
            Difference::Objects { pattern, .. } => {
                let path = written(&format!("objects/{}", escaped(pattern)));
                Location { path, ..Location::default() }
            }
            Difference::Visit { shape, firing, index } => {
                let shape = Some(shape.shape);
                Location { shape, ..at(&format!("not-visited/{index}"), *firing) }
            }
        }
    }

    /// Whose outcome, message or result it is, as far as the step does not say so.
    fn whose(&self, firing: FiringRef) -> String {
        let Some(StepRef { kind: StepKind::Fire { hook, unit }, .. }) = self.step else {
            return String::new();
        };
        let mut whose = String::new();
        if hook != firing.hook {
            // A deferred event that failed kept the step's own from being fired.
            whose.push_str(&format!(" of {}", firing.hook));
        }
        if unit == Target::All {
            whose.push_str(&format!(" on unit {}", firing.unit));
        }
        whose
    }

    fn write_text(&self, f: &mut fmt::Formatter<'_>, what: &str, texts: [&str; 2]) -> fmt::Result {
        let [expected, found] = texts;
        if !expected.contains('\n') && !found.contains('\n') {
            return write!(f, "{what} is `{found}`, expected `{expected}`");
        }
        let whole = |text: &str| text.trim_end_matches('\n').to_owned() + "\n";
        let (expected, found) = (whole(expected), whole(found));
        let diff = by_lines(&expected, &found);
        let diff = diff.unified_diff().header("expected", "this run").to_string();
        write!(f, "{what} is another than expected\n{diff}")
    }
}

/// What of a unit is another than expected; that there is no such unit where nothing was found.
fn write_of_unit(
    f: &mut fmt::Formatter<'_>,
    unit: u32,
    is: &str,
    expected: &str,
    found: Option<&str>,
    wanted: &str,
) -> fmt::Result {
    match found {
        Some(found) => write!(f, "{is} {found}, expected {expected}"),
        None => write!(f, "there is no unit {unit}, expected {wanted}"),
    }
}

/// A key as a path within a document has it.
pub(crate) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn listed<T>(items: &[T], name: impl Fn(&T) -> &str) -> String {
    let names: Vec<&str> = items.iter().map(name).collect();
    format!("[{}]", names.join(", "))
}

impl fmt::Display for Unexpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(step) = self.step {
            write!(f, "after {step}: ")?;
        }
        match &self.difference {
            Difference::NothingFired { unit: Some(unit) } => {
                write!(f, "nothing fired on unit {unit}")
            }
            Difference::NothingFired { unit: None } => f.write_str("nothing fired"),
            Difference::Outcome { firing, expected, found, message } => {
                let (whose, expected) = (self.whose(*firing), expected.name());
                write!(f, "the outcome{whose} is {found}, expected {expected}")?;
                if message.is_empty() { Ok(()) } else { write!(f, ": {message}") }
            }
            Difference::Message { firing, expected, found } if found.is_empty() => {
                write!(f, "there is no message{}, expected `{expected}`", self.whose(*firing))
            }
            Difference::Message { firing, expected, found } => {
                let what = format!("the message{}", self.whose(*firing));
                self.write_text(f, &what, [expected, found])
            }
            Difference::Result { firing, key, expected, found: Some(found), .. } => {
                let what = format!("the result `{key}`{}", self.whose(*firing));
                self.write_text(f, &what, [expected, found])
            }
            Difference::Result { firing, key, found: None, keys, .. } => {
                write!(f, "there is no result `{key}`{}", self.whose(*firing))?;
                if keys.is_empty() { Ok(()) } else { write!(f, ", but {}", keys.join(", ")) }
            }
            Difference::Status { unit, expected, found: Some(found) } => {
                write!(f, "unit {unit} shows {found}, expected {expected}")
            }
            Difference::Status { unit, expected, found: None } => {
                write!(f, "unit {unit} shows nothing, expected {expected}")
            }
            Difference::Connections { unit, expected, found } => {
                let (expected, found) = (expected.name(), found.map(Connections::name));
                let wanted = format!("connections {expected}");
                let are = format!("new connections to unit {unit} are");
                write_of_unit(f, *unit, &are, expected, found, &wanted)
            }
            Difference::Service { unit, service, expected, found } => {
                let (expected, found) = (expected.name(), found.map(ServiceRuns::name));
                let wanted = format!("`{}` to be {expected}", service.name());
                let is = format!("`{}` of unit {unit} is", service.name());
                write_of_unit(f, *unit, &is, expected, found, &wanted)
            }
            Difference::Primary { expected, found } => {
                write!(f, "the primary is {found}, expected {expected}")
            }
            Difference::Backups { expected, found } => {
                let (found, expected) =
                    (listed(found, |it| it.name()), listed(expected, |it| it.name()));
                write!(f, "the backups are {found}, expected {expected}")
            }
            Difference::Objects { pattern, expected: Presence::Present, found } => {
                let found = listed(found, String::as_str);
                write!(f, "no object is `{pattern}`; there are {found}")
            }
            Difference::Objects { pattern, expected: Presence::Absent, found } => {
                let found = found.join(", ");
                write!(f, "no object was to be `{pattern}`, and there is {found}")
            }
            Difference::Visit { shape, firing, .. } => {
                let FiringRef { number, hook, unit, .. } = firing;
                write!(
                    f,
                    "{shape} was not to be visited, and firing {number} ({hook} on unit {unit}) visited it"
                )
            }
        }
    }
}
