//! Why Pebble did not do what it was asked.

use std::time::Duration;

use pgdrill_core::{PortError, PortErrorKind};

/// Why Pebble did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PebbleFailure {
    pub(crate) kind: PortErrorKind,
    pub(crate) cause: String,
    /// Whether Pebble itself answered with an error: then nothing was begun.
    pub(super) is_reply: bool,
}

impl PebbleFailure {
    pub(super) fn silent(cause: impl Into<String>) -> Self {
        let cause = format!("Pebble does not answer: {}", cause.into());
        Self { kind: PortErrorKind::Unreachable, cause, is_reply: false }
    }

    pub(super) fn late(limit: Duration) -> Self {
        let cause = format!("Pebble did not answer within {limit:?}");
        Self { kind: PortErrorKind::TimedOut, cause, is_reply: false }
    }

    /// Pebble did what it was asked, and it did not work out.
    pub(super) fn refused(cause: impl Into<String>) -> Self {
        Self { kind: PortErrorKind::Refused, cause: cause.into(), is_reply: false }
    }

    /// The change was begun, and may yet come about.
    pub(super) fn unready(limit: Duration) -> Self {
        let cause = format!("Pebble has not done it within {limit:?}");
        Self { kind: PortErrorKind::TimedOut, cause, is_reply: false }
    }

    /// What it sends is more than this many bytes.
    pub(super) fn large(limit: usize) -> Self {
        let cause = format!("it has more than {limit} bytes, and no more are read");
        Self { kind: PortErrorKind::Refused, cause, is_reply: false }
    }

    pub(super) fn garbled(cause: impl Into<String>) -> Self {
        let cause = format!("Pebble's answer can't be understood: {}", cause.into());
        Self { kind: PortErrorKind::Malformed, cause, is_reply: false }
    }

    pub(super) fn at(self, port: &'static str, operation: &'static str) -> PortError {
        PortError::new(self.kind, port, operation, self.cause)
    }
}

/// The words of a change's error. Pebble puts its tasks before them: `cannot perform the following
/// tasks:`, then a line `- Start service "x" (why)` for each.
pub(super) fn change_words(error: &str) -> String {
    let tasks: Vec<&str> = error.lines().filter_map(|line| line.strip_prefix("- ")).collect();
    let [task] = tasks.as_slice() else { return error.trim().to_owned() };
    let inner = task.split_once(" (").and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(task).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_change_are_found() {
        for (error, words) in [
            (
                "cannot perform the following tasks:\n- Start service \"x\" (exited quickly with code 1)",
                "exited quickly with code 1",
            ),
            (
                "cannot perform the following tasks:\n- a (b)\n- c (d)",
                "cannot perform the following tasks:\n- a (b)\n- c (d)",
            ),
            ("something else", "something else"),
            ("- task without words", "task without words"),
        ] {
            assert_eq!(change_words(error), words);
        }
    }
}
