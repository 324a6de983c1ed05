//! What the firings that a log reports did, for people.

use std::fmt::Write as _;

use pgdrill_core::{FiringLine, firing_log::MARK};

use crate::snapshot::write_steps;

/// What the firings in a log did, for people: each with its path and its answers.
#[must_use]
pub fn explain(log: &str) -> String {
    let mut out = String::new();
    for line in log.lines() {
        let Some(reported) = FiringLine::read(line) else { continue };
        let before = line.split_once(MARK).map_or("", |(before, _)| before).trim();
        let FiringLine { firing, is_refired } = &reported;
        let again = if *is_refired { " (again)" } else { "" };
        if !out.is_empty() {
            out.push('\n');
        }
        // Writing to a String does not fail.
        if !before.is_empty() {
            let _ = writeln!(out, "{before}");
        }
        let _ = writeln!(out, "{}{again}: {}", firing.hook, firing.outcome.name());
        write_steps(&mut out, firing);
        for cause in &firing.causes {
            let mut lines = cause.text.lines();
            let first = lines.next().unwrap_or_default();
            let _ =
                writeln!(out, "   why: {}: {} {}: {first}", cause.shape, cause.place, cause.kind);
            lines.for_each(|line| out.push_str(&format!("        {line}\n")));
        }
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
}
