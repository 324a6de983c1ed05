//! What ports gave as the causes of what did not work, for the log.

use crate::{
    ports::{PortError, PortErrorKind},
    shape::Shape,
};

/// The longest text of a cause, in characters: it becomes part of an argument of a hook tool, which holds 128 KiB.
const CAUSE_LIMIT: usize = 2_000;
/// The most causes of a firing: a check is tried many times.
const MOST_CAUSES: usize = 8;

/// Why a call of a port failed at a shape whose answer or action came of it. Users see as much of it as a status has
/// room for; the log has it whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Where.
    pub shape: Shape,
    /// The port and the operation, as `repository.check`.
    pub place: String,
    /// The kind of failure.
    pub kind: PortErrorKind,
    /// Why; where a command failed, with everything that it reported as an error.
    pub text: String,
}

impl Cause {
    pub(crate) fn new(shape: Shape, error: &PortError) -> Self {
        let mut text = error.cause().to_owned();
        for line in error.exit().map(|exit| exit.error_lines()).unwrap_or_default() {
            if !text.contains(line) {
                text.push('\n');
                text.push_str(line);
            }
        }
        Self { shape, place: error.place(), kind: error.kind(), text: bounded(&text) }
    }

    /// Adds the cause to others: each once, and no more than a log line has room for.
    pub(crate) fn add_to(self, causes: &mut Vec<Self>) {
        if causes.len() < MOST_CAUSES && !causes.contains(&self) {
            causes.push(self);
        }
    }
}

/// A text with a cause in it, short enough to become part of an argument of a hook tool. One that was cut ends in `…`.
pub(crate) fn bounded(text: &str) -> String {
    match text.char_indices().nth(CAUSE_LIMIT) {
        Some((end, _)) => [text.get(..end).unwrap_or(text), "…"].concat(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ports::CommandExit, shape::Attempt};

    const SHAPE: Shape = Shape::Attempt(Attempt::CouldInitialiseStanza);

    fn error(stdout: &str) -> PortError {
        let exit = CommandExit { code: Some(39), stdout: stdout.into(), ..CommandExit::default() };
        PortError::new(PortErrorKind::Refused, "repository", "check", "exit code 39")
            .with_exit(exit)
    }

    #[test]
    fn a_cause_holds_every_line_that_the_command_reported_as_an_error() {
        let words = "INFO: begin\nP00  ERROR: [039]: HTTP request failed\n       HINT: is it there?\n\
                     INFO: end\nP00  ERROR: [032]: another";
        let cause = Cause::new(SHAPE, &error(words));
        let expected =
            "ERROR: [039]: HTTP request failed\nHINT: is it there?\nERROR: [032]: another";
        assert_eq!((&*cause.place, &*cause.text), ("repository.check", expected));
    }

    #[test]
    fn causes_are_bounded_and_each_is_there_once() {
        let long = Cause::new(SHAPE, &error(&format!("ERROR: {}", "é".repeat(130_000))));
        assert_eq!(long.text.chars().count(), CAUSE_LIMIT + 1);
        let mut causes = Vec::new();
        for number in 0..2 * MOST_CAUSES {
            for _ in 0..2 {
                Cause::new(SHAPE, &error(&format!("ERROR: {number}"))).add_to(&mut causes);
            }
        }
        assert_eq!(causes.len(), MOST_CAUSES);
        assert_ne!(causes.first(), causes.get(1));
    }
}
