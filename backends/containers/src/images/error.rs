//! Why an image can't be had.

use std::fmt;

use pgdrill_core::Diagnostic;

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageErrorKind {
    /// No container engine answers.
    NoEngine,
    /// The engine answers, in a version of its API that is too old.
    EngineTooOld,
    /// The engine has no room left.
    NoDisk,
    /// The base image is neither here nor to be had.
    NoBase,
    /// A step of the recipe failed.
    BuildFailed,
    /// The engine refused something else, or stopped answering.
    Engine,
    /// Something on this host refused: a lock, a process.
    Host,
}

/// Why an image can't be had: what happened, where, the last lines of the log if there is one, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageError {
    kind: ImageErrorKind,
    what: String,
    place: String,
    log: Vec<String>,
    hint: String,
}

impl ImageError {
    pub(super) fn new(
        kind: ImageErrorKind,
        what: impl Into<String>,
        place: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { kind, what: what.into(), place: place.into(), log: Vec::new(), hint: hint.into() }
    }

    /// What a build that failed is: one for want of room, where its log or what went wrong says so.
    pub(super) fn of_build(what: String, place: &str, hint: &str, tail: Tail) -> Self {
        let (kind, hint) = if tail.no_disk() || tells_no_disk(&what) {
            (ImageErrorKind::NoDisk, NO_DISK_HINT)
        } else {
            (ImageErrorKind::BuildFailed, hint)
        };
        Self::new(kind, what, place, hint).after(tail.into_lines())
    }

    /// With the last lines of what was said before.
    pub(super) fn after(mut self, log: Vec<String>) -> Self {
        self.log = log;
        self
    }

    /// The complaint, as every command shows it.
    #[must_use]
    pub fn diagnostic(&self) -> Box<Diagnostic> {
        let log: String = self.log.iter().map(|line| format!("\nlog: {line}")).collect();
        let what = format!("{}{log}", self.what);
        Box::new(Diagnostic::error(&self.place, what).hint(&*self.hint))
    }

    /// What kind of thing went wrong.
    #[must_use]
    pub const fn kind(&self) -> ImageErrorKind {
        self.kind
    }

    /// The last lines of the log, oldest first.
    #[must_use]
    pub fn log(&self) -> &[String] {
        &self.log
    }
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n   at: {}", self.what, self.place)?;
        for line in &self.log {
            write!(f, "\n  log: {line}")?;
        }
        write!(f, "\n hint: {}", self.hint)
    }
}

impl std::error::Error for ImageError {}

/// The last lines of a log, and whether any of its lines said that there is no room.
#[derive(Debug, Default)]
pub(super) struct Tail {
    lines: std::collections::VecDeque<String>,
    no_disk: bool,
}

impl Tail {
    const MOST: usize = 20;

    /// One more line; blank ones are of no use to anybody.
    pub(super) fn push(&mut self, line: &str) {
        let line = line.trim_end();
        if line.is_empty() {
            return;
        }
        self.no_disk |= tells_no_disk(line);
        if self.lines.len() == Self::MOST {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_owned());
    }

    pub(super) fn no_disk(&self) -> bool {
        self.no_disk
    }

    /// The last line that begins so.
    pub(super) fn last(&self, start: &str) -> Option<&str> {
        self.lines.iter().rev().map(String::as_str).find(|line| line.starts_with(start))
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines.into()
    }
}

pub(crate) fn tells_no_disk(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("no space left on device") || text.contains("enough free space")
}

pub(super) const NO_DISK_HINT: &str = "make room where the engine keeps its data (`docker system df` shows what holds it); all images need 3 GB";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_where_and_what_to_do() {
        let error = ImageError::new(
            ImageErrorKind::BuildFailed,
            "a step failed",
            "pgdrill/unit",
            "look at the log",
        )
        .after(vec!["E: no".to_owned()]);
        assert_eq!(
            error.to_string(),
            "a step failed\n   at: pgdrill/unit\n  log: E: no\n hint: look at the log"
        );
        assert_eq!(
            error.diagnostic().to_string(),
            "error: a step failed\n       log: E: no\n   at: pgdrill/unit\n hint: look at the log"
        );
    }

    #[test]
    fn the_tail_keeps_the_last_lines_and_notices_a_full_disk() {
        let mut tail = Tail::default();
        tail.push("dpkg: cannot copy: No space left on device");
        for number in 0..40 {
            tail.push(&format!("line {number}\n"));
            tail.push("  ");
        }
        assert!(tail.no_disk());
        let lines = tail.into_lines();
        assert_eq!(lines.len(), 20);
        assert_eq!(lines.last().map(String::as_str), Some("line 39"));
    }
}
