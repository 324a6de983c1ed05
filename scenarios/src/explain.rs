//! What the firings that a log reports did, for people.

use std::fmt::Write as _;

use pgdrill_core::{FiringLine, firing_log::MARK};
use pgdrill_flow::{shown, shown_lines};

use crate::snapshot::write_steps;

/// Explains a log, line by line: it keeps none, so that a log of any length can be explained as it grows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Explainer {
    lines: usize,
    firings: usize,
    unread: usize,
    first_unread: Option<(usize, String)>,
}

impl Explainer {
    /// What the next line of the log reports, for people: a firing with its path and its answers. `None`: it reports none.
    pub fn line(&mut self, line: &str) -> Option<String> {
        self.lines += 1;
        let Some(reported) = FiringLine::read(line) else {
            self.count_unread(line);
            return None;
        };
        let gap = if self.firings > 0 { "\n" } else { "" };
        self.firings += 1;
        Some(format!("{gap}{}", explained(line, &reported)))
    }

    /// How many firings were reported so far.
    #[must_use]
    pub const fn firings(&self) -> usize {
        self.firings
    }

    /// How many lines so far pgdrill wrote to report a firing, and can't be read.
    #[must_use]
    pub const fn unread(&self) -> usize {
        self.unread
    }

    /// The first line that could not be read, with its number.
    #[must_use]
    pub fn first_unread(&self) -> Option<(usize, &str)> {
        self.first_unread.as_ref().map(|(number, line)| (*number, line.as_str()))
    }

    /// Counts a line that was to report a firing. What else is said under our name is no object.
    fn count_unread(&mut self, line: &str) {
        if line.split_once(MARK).is_some_and(|(_, rest)| rest.trim_start().starts_with('{')) {
            self.unread += 1;
            self.first_unread.get_or_insert_with(|| (self.lines, line.to_owned()));
        }
    }
}

/// What the firings in a log did, for people: each with its path and its answers.
#[must_use]
pub fn explain(log: &str) -> String {
    let mut explainer = Explainer::default();
    log.lines().filter_map(|line| explainer.line(line)).collect()
}

/// One firing, with what the log puts before it. No text of the log begins a line of this form.
fn explained(line: &str, reported: &FiringLine) -> String {
    let mut out = String::new();
    let FiringLine { firing, is_refired } = reported;
    let before = line.split_once(MARK).map_or("", |(before, _)| before).trim();
    let again = if *is_refired { " (again)" } else { "" };
    // Writing to a String does not fail.
    if !before.is_empty() {
        let _ = writeln!(out, "{}", shown(before));
    }
    let _ = writeln!(out, "{}{again}: {}", firing.hook, firing.outcome.name());
    write_steps(&mut out, firing);
    for cause in &firing.causes {
        let text = cause.text.strip_suffix('\n').unwrap_or(&cause.text);
        let (place, text) = (shown(&cause.place), shown_lines(text, "        "));
        let _ = writeln!(out, "   why: {}: {place} {}: {text}", cause.shape, cause.kind);
    }
    out
}

#[cfg(test)]
mod tests {
    use pgdrill_core::{
        Action, Amendment, Attempt, Cause, Firing, Hook, Mark, Outcome, PortErrorKind, Question,
        Shape, Step,
    };

    use super::*;

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
        let causes = vec![Cause {
            shape: Shape::Attempt(Attempt::HasBackupCreationSucceeded),
            place: "repository.back_up".into(),
            kind: PortErrorKind::Refused,
            text: "ERROR: [056]: no primary\nHINT: look".into(),
        }];
        let firing = Firing { hook: Hook::CreateBackup, outcome, trace, causes };
        FiringLine { firing, is_refired: true }
    }

    #[test]
    fn people_are_shown_the_path_with_its_answers() {
        let log =
            format!("noise\n03:12 WARNING {}\nnoise\n", line(Outcome::Failed("no".into())).line());
        let shown = explain(&log);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(
            lines,
            [
                "03:12 WARNING",
                "create-backup (again): failed",
                "   hook_fired",
                "   is_blocked: no  (refined by replica-ends-active)",
                "   has_backup_creation_succeeded: yes",
                "   set_active  (added by replica-ends-active)",
                "   => no",
                "   why: has_backup_creation_succeeded: repository.back_up refused: ERROR: [056]: no primary",
                "        HINT: look",
            ]
        );
    }

    #[test]
    fn no_text_of_a_log_begins_a_line_of_its_own() {
        let evil = "no\u{1b}[2J\n   set_active\nrestore: finished\u{202e}";
        let mut line = line(Outcome::Failed(evil.into()));
        for cause in &mut line.firing.causes {
            (cause.place, cause.text) = (evil.into(), evil.into());
        }
        let shown = explain(&format!("\u{1b}[1m {}\n", line.line()));
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0], r"\u{1b}[1m");
        assert_eq!(lines[6], r"   => no\u{1b}[2J");
        assert_eq!(lines[7..9], ["         set_active", r"      restore: finished\u{202e}"]);
        assert!(lines[9].ends_with(r"finished\u{202e} refused: no\u{1b}[2J"), "{}", lines[9]);
        assert_eq!(lines.len(), 12, "{shown}");
    }

    #[test]
    fn a_line_of_ours_that_cannot_be_read_is_counted() {
        let mut explainer = Explainer::default();
        let whole = line(Outcome::Finished).line();
        let cut = &whole[..whole.len() - 9];
        for text in ["noise", "pgdrill: another firing runs on unit 0", &whole, cut, "pgdrill: {}"]
        {
            assert_eq!(explainer.line(text).is_some(), text == whole, "{text}");
        }
        assert_eq!((explainer.firings(), explainer.unread()), (1, 2));
        assert_eq!(explainer.first_unread(), Some((4, cut)));
    }
}
