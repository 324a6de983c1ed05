//! The line in Juju's log that reports one firing, written and read.

use pgdrill_flow::shown_json;
use serde::{Deserialize, Serialize};

use crate::{
    amendment::Amendment,
    cause::{self, Cause},
    hook::{Firing, Hook, HookError, Outcome},
    interned::interned,
    ports::{ARGUMENT_LIMIT, PortError, PortErrorKind},
    shape::{Action, Shape},
    trace::{Mark, Step, Trace},
};

/// What every such line begins with.
pub const MARK: &str = "pgdrill: ";

/// One firing, as a log reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiringLine {
    /// The firing.
    pub firing: Firing,
    /// Whether an earlier event was fired again.
    pub is_refired: bool,
}

/// The line's content as JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    hook: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    again: bool,
    outcome: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<ErrorLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cleanup: Option<ErrorLine>,
    trace: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    causes: Vec<CauseLine>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CauseLine {
    at: String,
    place: String,
    kind: String,
    cause: String,
}

#[derive(Serialize, Deserialize)]
struct ErrorLine {
    place: String,
    kind: String,
    cause: String,
}

impl FiringLine {
    /// The line, which is never longer than [`ARGUMENT_LIMIT`]: causes are cut, and the last of many left out. Nothing in it
    /// is obeyed by the terminal of whoever looks at the log.
    #[must_use]
    pub fn line(&self) -> String {
        let outcome = &self.firing.outcome;
        let (at, error, cleanup) = match outcome {
            Outcome::Error(HookError { shape, cause, cleanup }) => {
                (Some(shape.id()), Some(ErrorLine::of(cause)), cleanup.as_ref().map(ErrorLine::of))
            }
            Outcome::Died(shape) => (Some(shape.id()), None, None),
            Outcome::Returned | Outcome::Deferred | Outcome::Failed(_) | Outcome::Finished => {
                (None, None, None)
            }
        };
        let message = match outcome {
            Outcome::Failed(message) => Some(message.clone()),
            Outcome::Returned
            | Outcome::Deferred
            | Outcome::Finished
            | Outcome::Error(_)
            | Outcome::Died(_) => None,
        };
        let mut line = Line {
            hook: self.firing.hook.name().to_owned(),
            again: self.is_refired,
            outcome: outcome.name().to_owned(),
            message,
            at: at.map(str::to_owned),
            error,
            cleanup,
            trace: self.firing.trace.to_string(),
            causes: self.firing.causes.iter().map(CauseLine::of).collect(),
        };
        loop {
            // A map of texts always has a form in JSON.
            let json = serde_json::to_string(&line).unwrap_or_default();
            let text = [MARK, &*shown_json(&json)].concat();
            // A control code is six bytes in JSON.
            if text.len() <= ARGUMENT_LIMIT || line.causes.pop().is_none() {
                return text;
            }
        }
    }

    /// The level at which Juju keeps the line.
    #[must_use]
    pub fn level(&self) -> &'static str {
        match self.firing.outcome {
            Outcome::Error(_) | Outcome::Died(_) => "ERROR",
            Outcome::Failed(_) => "WARNING",
            Outcome::Returned | Outcome::Deferred | Outcome::Finished
                if !self.firing.causes.is_empty() =>
            {
                "WARNING"
            }
            Outcome::Returned if self.is_as_ever() => "DEBUG",
            Outcome::Returned | Outcome::Deferred | Outcome::Finished => "INFO",
        }
    }

    /// Whether it is an update-status that found nothing to do: it said once more that all is well, at most.
    fn is_as_ever(&self) -> bool {
        let mut steps = self.firing.trace.steps().iter();
        self.firing.hook == Hook::UpdateStatus
            && steps.all(|step| match step.shape {
                Shape::Action(action) => {
                    matches!(action, Action::SetActive | Action::SetActivePrimary)
                }
                Shape::Start | Shape::Question(_) | Shape::Attempt(_) | Shape::Ending(_) => true,
            })
    }

    /// Reads such a line, with whatever a log puts before it. `None`: it reports no firing.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (_, json) = text.split_once(MARK)?;
        let line: Line = serde_json::from_str(json.trim()).ok()?;
        let hook: Hook = line.hook.parse().ok()?;
        let at = line.at.as_deref().and_then(Shape::from_id);
        let outcome = match (line.outcome.as_str(), line.error, at) {
            ("returned", ..) => Outcome::Returned,
            ("deferred", ..) => Outcome::Deferred,
            ("finished", ..) => Outcome::Finished,
            ("failed", ..) => Outcome::Failed(line.message.unwrap_or_default()),
            ("error", Some(error), Some(shape)) => Outcome::Error(HookError {
                shape,
                cause: error.into_error()?,
                cleanup: match line.cleanup {
                    Some(error) => Some(error.into_error()?),
                    None => None,
                },
            }),
            ("error", None, Some(shape)) => Outcome::Died(shape),
            _ => return None,
        };
        let trace = trace(&line.trace)?;
        let causes = line.causes.into_iter().map(CauseLine::into_cause).collect::<Option<_>>()?;
        Some(Self { firing: Firing { hook, outcome, trace, causes }, is_refired: line.again })
    }
}

impl ErrorLine {
    fn of(error: &PortError) -> Self {
        Self {
            place: error.place(),
            kind: error.kind().name().to_owned(),
            cause: cause::bounded(error.cause()),
        }
    }

    fn into_error(self) -> Option<PortError> {
        let kind = kind(&self.kind)?;
        let (port, operation) = self.place.split_once('.')?;
        Some(PortError::new(kind, interned(port), interned(operation), self.cause))
    }
}

impl CauseLine {
    fn of(cause: &Cause) -> Self {
        Self {
            at: cause.shape.id().to_owned(),
            place: cause.place.clone(),
            kind: cause.kind.name().to_owned(),
            cause: cause.text.clone(),
        }
    }

    fn into_cause(self) -> Option<Cause> {
        let (shape, kind) = (Shape::from_id(&self.at)?, kind(&self.kind)?);
        Some(Cause { shape, place: self.place, kind, text: self.cause })
    }
}

fn kind(name: &str) -> Option<PortErrorKind> {
    let kinds = [
        PortErrorKind::Unreachable,
        PortErrorKind::Denied,
        PortErrorKind::NotFound,
        PortErrorKind::Refused,
        PortErrorKind::TimedOut,
        PortErrorKind::Malformed,
    ];
    kinds.into_iter().find(|kind| kind.name() == name)
}

/// Reads a trace in the form in which it is shown.
fn trace(text: &str) -> Option<Trace> {
    text.split(" > ").map(step).collect()
}

fn step(text: &str) -> Option<Step> {
    let named = |name: &str| name.parse::<Amendment>().ok();
    let (mark, text) = match text.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((name, rest)) => (Some(Mark::Inserted(named(name)?)), rest),
        None => match text.strip_suffix(']').and_then(|rest| rest.split_once(" [")) {
            Some((rest, name)) => (Some(Mark::Refined(named(name)?)), rest),
            None => (None, text),
        },
    };
    let (id, answer) = match text.split_once(':') {
        Some((id, "yes")) => (id, Some(true)),
        Some((id, "no")) => (id, Some(false)),
        Some(_) => return None,
        None => (text, None),
    };
    Some(Step { shape: Shape::from_id(id)?, answer, mark })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::{Attempt, Question};

    fn line(outcome: Outcome) -> FiringLine {
        use Mark::{Inserted, Refined};
        let amendment = Amendment::ALL[0];
        let steps = [
            (Shape::Start, None, None),
            (Shape::Question(Question::IsBlocked), Some(false), Some(Refined(amendment))),
            (Shape::Attempt(Attempt::HasBackupCreationSucceeded), Some(true), None),
            (Shape::Action(Action::SetActive), None, Some(Inserted(amendment))),
        ];
        let steps = steps.map(|(shape, answer, mark)| Step { shape, answer, mark });
        let trace = steps.into_iter().collect();
        let shape = Shape::Attempt(Attempt::WereBackupLogsUploadedS3);
        let error = PortError::new(PortErrorKind::Denied, "object store", "put", "403\n\"x\"");
        let causes = vec![Cause::new(shape, &error)];
        let firing = Firing { hook: Hook::CreateBackup, outcome, trace, causes };
        FiringLine { firing, is_refired: true }
    }

    #[test]
    fn what_is_reported_is_read_again_whatever_a_log_puts_before_it() {
        let cause = || PortError::new(PortErrorKind::TimedOut, "object store", "put", "a \"b\"\nc");
        let shape = Shape::Action(Action::SetActive);
        for outcome in [
            Outcome::Returned,
            Outcome::Deferred,
            Outcome::Finished,
            Outcome::Failed("pgdrill: why > \"x\"".into()),
            Outcome::Failed("\0\u{1b}[2J\u{9b}\u{202e}\u{7f}".into()),
            Outcome::Died(shape),
            Outcome::Error(HookError { shape, cause: cause(), cleanup: None }),
            Outcome::Error(HookError { shape, cause: cause(), cleanup: Some(cause()) }),
        ] {
            let reported = line(outcome);
            let line =
                format!("unit-postgresql-0: 03:12:01 INFO unit.x/0.juju-log {}", reported.line());
            assert!(!line.contains(pgdrill_flow::is_unseen), "{line:?}");
            assert_eq!(FiringLine::read(&line), Some(reported));
        }
        for other in ["", "pgdrill: {}", "INFO something else", "pgdrill: {\"hook\":\"x\"}"] {
            assert_eq!(FiringLine::read(other), None, "{other}");
        }
    }

    #[test]
    fn a_line_is_an_argument_whatever_a_tool_said() {
        let shape = Shape::Action(Action::SetActive);
        let words = "\u{1}".repeat(130_000);
        let error = || PortError::new(PortErrorKind::Refused, "unit", "status", words.as_str());
        let mut reported =
            line(Outcome::Error(HookError { shape, cause: error(), cleanup: Some(error()) }));
        reported.firing.causes = (0..8).map(|_| Cause::new(shape, &error())).collect();
        let text = reported.line();
        assert!(text.len() <= ARGUMENT_LIMIT, "{}", text.len());
        let read = FiringLine::read(&text).expect("it is read again");
        let Outcome::Error(HookError { cause, .. }) = read.firing.outcome else {
            panic!("the outcome is lost")
        };
        assert!(cause.cause().ends_with('…'));
        assert!(!read.firing.causes.is_empty());
    }

    #[test]
    fn only_an_update_status_that_did_nothing_is_for_debugging() {
        let level = |hook, last| {
            let shapes = [Shape::Start, Shape::Question(Question::IsBlocked), Shape::Action(last)];
            let steps = shapes.map(|shape| Step { shape, answer: None, mark: None });
            let trace = steps.into_iter().collect();
            let firing = Firing { hook, outcome: Outcome::Returned, trace, causes: Vec::new() };
            FiringLine { firing, is_refired: false }.level()
        };
        assert_eq!(level(Hook::UpdateStatus, Action::SetActivePrimary), "DEBUG");
        assert_eq!(level(Hook::UpdateStatus, Action::ClearRestoreFlags), "INFO");
        assert_eq!(level(Hook::CreateBackup, Action::SetActivePrimary), "INFO");
        assert_eq!(line(Outcome::Returned).level(), "WARNING", "it has a cause");
    }
}
