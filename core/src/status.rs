//! What a unit shows its users.

use std::{borrow::Cow, fmt};

use pgdrill_flow::{is_unseen, shown_lines, words};

use crate::texts;

/// The longest message of a status, in characters.
pub const STATUS_MESSAGE_LIMIT: usize = 120;

words! {
    /// The kinds of status that Juju knows and the hooks use.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum StatusName {
        /// All is well.
        Active = "active",
        /// A person must do something.
        Blocked = "blocked",
        /// Something is being done, and will end by itself.
        Maintenance = "maintenance",
        /// Something else must happen first.
        Waiting = "waiting",
        /// No status was set yet. Only Juju shows it.
        Unknown = "unknown",
        /// A hook of the unit failed, and Juju is about to retry it, or retries update-status. Only Juju shows it.
        Error = "error",
    }
    /// The name as Juju writes it.
    name
}

impl StatusName {
    /// Whether a unit may set it; Juju refuses the others, which it shows by itself.
    #[must_use]
    pub const fn can_be_set(self) -> bool {
        match self {
            Self::Active | Self::Blocked | Self::Maintenance | Self::Waiting => true,
            Self::Unknown | Self::Error => false,
        }
    }
}

impl fmt::Display for StatusName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A unit's status: its kind and the message beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The kind.
    pub name: StatusName,
    /// The message; empty when all that matters is the kind.
    pub message: Cow<'static, str>,
}

impl Status {
    /// A status; what a terminal would obey is escaped, as whoever looks at a status does it on one, and a tool can carry
    /// no NUL. A message over [`STATUS_MESSAGE_LIMIT`] characters is cut at a word, and ends in `…` then.
    #[must_use]
    pub fn new(name: StatusName, message: impl Into<Cow<'static, str>>) -> Self {
        let mut message = message.into();
        if message.contains(is_unseen) {
            message = Cow::Owned(shown_lines(&message, "").into_owned());
        }
        let message = cut(&message, STATUS_MESSAGE_LIMIT).map_or(message, Cow::Owned);
        Self { name, message }
    }

    /// Active without a message.
    #[must_use]
    pub const fn active() -> Self {
        Self { name: StatusName::Active, message: Cow::Borrowed("") }
    }

    /// Whether one of the S3 messages blocks the unit that shows this.
    pub(crate) fn is_s3_block(&self) -> bool {
        self.name == StatusName::Blocked && texts::is_s3_block(&self.message)
    }
}

/// A text of at most `limit` characters: as many whole words as there is room for, and `…`. `None`: it is no longer than
/// that. A word that takes up more than half of the room is cut itself.
pub(crate) fn cut(text: &str, limit: usize) -> Option<String> {
    text.char_indices().nth(limit)?;
    let room = text.char_indices().nth(limit.saturating_sub(1)).map_or(text.len(), |(end, _)| end);
    let (shown, rest) = text.split_at(room);
    let is_whole = rest.starts_with(char::is_whitespace);
    let last = shown.rfind(char::is_whitespace).filter(|at| 2 * at > room && !is_whole);
    let shown = last.map_or(shown, |at| shown.get(..at).unwrap_or(shown)).trim_end();
    Some(shown.to_owned() + "…")
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name.name())?;
        if !self.message.is_empty() {
            write!(f, " \"{}\"", self.message)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        let evil = Status::new(StatusName::Blocked, "a\0\u{1b}[2J\u{202e}\u{9b}\nb");
        assert_eq!(evil.message, "a\\u{0}\\u{1b}[2J\\u{202e}\\u{9b}\nb");
        assert_eq!(
            Status::new(StatusName::Blocked, "\u{1b}".repeat(99)).message.chars().count(),
            120
        );
    }

    #[test]
    fn a_message_is_cut_at_120_characters_not_bytes() {
        let status = Status::new(StatusName::Blocked, "é".repeat(121));
        assert_eq!(status.message.chars().count(), STATUS_MESSAGE_LIMIT);
        assert!(status.message.ends_with('…'));
        let whole = Status::new(StatusName::Blocked, "é".repeat(120));
        assert_eq!(whole.message.chars().count(), 120);
        assert!(!whole.message.ends_with('…'));
    }

    #[test]
    fn a_text_is_cut_at_a_word() {
        for (text, expected) in [
            ("one two three", None),
            ("one two threes", Some("one two…")),
            ("one two thr four", Some("one two thr…")),
            ("one two four five", Some("one two four…")),
            ("onetwothreefour", Some("onetwothreef…")),
            ("a twothreefourfive", Some("a twothreefo…")),
        ] {
            assert_eq!(cut(text, 13).as_deref(), expected, "{text}");
        }
    }
}
