//! What is known of a scenario once it was dealt with. Every report is a view of these values and composes nothing else.

use std::time::Duration;

use pgdrill_core::Amendment;
use pgdrill_flow::is_unseen;

use crate::{
    filter::Filter,
    input::{Input, Source},
    judge::{Judged, Verdict, judge},
    location::Positions,
    plan::Plan,
    reason::Reason,
    refusal::Refusal,
    run::{Backend, Run},
    snapshot::{causes, transcript},
};

/// How one scenario ended.
#[derive(Debug, Clone)]
pub enum CaseEnd {
    /// It ran and was judged.
    Judged(Box<JudgedCase>),
    /// It could not be read, or Juju could not produce it.
    Refused {
        /// The case's name.
        name: String,
        /// What is wrong.
        refusal: Refusal,
    },
    /// It was not to begin any more, as another one had failed.
    NotRun {
        /// The case's name.
        name: String,
        /// The file as the user named it.
        file: String,
        /// What the scenario shows.
        title: String,
    },
}

impl CaseEnd {
    /// The end of a scenario that did not begin. `None`: it can't be read.
    #[must_use]
    pub fn not_run(input: &Input) -> Option<Self> {
        let title = input.scenario.as_ref().ok()?.scenario.clone();
        Some(Self::NotRun { name: input.name.clone(), file: input.file.clone(), title })
    }
}

/// One scenario from its file to its verdict.
#[derive(Debug, Clone)]
pub struct JudgedCase {
    /// The case's name.
    pub name: String,
    /// The file as the user named it.
    pub file: String,
    /// Where the scenario was read.
    pub source: Source,
    /// Where it ran.
    pub backend: Backend,
    /// The S3 server that was used, where it was a real one.
    pub s3: Option<&'static str>,
    /// What was planned.
    pub plan: Plan,
    /// What happened.
    pub run: Run,
    /// The verdict.
    pub judged: Judged,
    /// Where each part of the scenario stands in its file.
    pub positions: Positions,
    /// The amendments that were switched off beside those that the scenario names.
    pub switched_off: Vec<Amendment>,
    /// The amendments that the scenario itself switches off.
    pub without: Vec<Amendment>,
    /// Whether the scenario is in a file with no snapshot beside it, and the user should be told.
    pub lacks_snapshot: bool,
    /// How long it took, where reports are to tell: then no two of them are alike.
    pub took: Option<Duration>,
    /// Whether it ran by something else than the defaults of the suite, so that they are not to count when it runs again.
    pub ignores_config: bool,
}

impl JudgedCase {
    /// Judges a run, the snapshot beside the scenario included.
    #[must_use]
    pub fn new(
        input: &Input,
        plan: Plan,
        run: Run,
        backend: Backend,
        s3: Option<&'static str>,
    ) -> Self {
        let mut judged = judge(&plan, &run);
        // What was not run, or not to its end, can't differ from its snapshot.
        if !matches!(judged.verdict, Verdict::Skipped(_))
            && !run.is_late()
            && let Some(reason) = compare(input, &run)
        {
            judged.verdict.fail(reason);
        }
        let is_none = matches!(input.snapshot, Ok(None));
        let lacks_snapshot = is_none && matches!(input.source, Source::File(_));
        let (name, file, positions) =
            (input.name.clone(), input.file.clone(), input.positions.clone());
        let source = input.source.clone();
        let without = input.scenario.as_ref().map(|scenario| scenario.without.as_slice());
        let without: Vec<_> = without.unwrap_or_default().iter().map(|name| name.0).collect();
        let is_off = |off: &&Amendment| !plan.amendments.has(**off) && !without.contains(*off);
        let switched_off = Amendment::ALL.iter().filter(is_off).copied().collect();
        Self {
            name,
            file,
            source,
            backend,
            s3,
            plan,
            run,
            judged,
            positions,
            switched_off,
            without,
            lacks_snapshot,
            took: None,
            ignores_config: false,
        }
    }

    /// The file that it was read from and the line in which it begins there. `None`: it is in no file of the user's.
    #[must_use]
    pub fn begins(&self) -> Option<(&str, usize)> {
        match &self.source {
            Source::File(_) => Some((&self.file, self.positions.first_line().unwrap_or(1))),
            Source::Embedded | Source::Stdin => None,
        }
    }

    /// Where it ran, with the S3 server where it was a real one.
    #[must_use]
    pub fn place(&self) -> String {
        let backend = self.backend.name();
        self.s3.map_or_else(|| backend.to_owned(), |s3| format!("{backend} (S3: {s3})"))
    }

    /// The verdict.
    #[must_use]
    pub const fn verdict(&self) -> &Verdict {
        &self.judged.verdict
    }

    /// The command that runs it again, and nothing else. `None`: it was read from standard input.
    #[must_use]
    pub fn rerun(&self) -> Option<String> {
        let mut words = vec!["pgdrill", "run"];
        // A file gives its name to what it holds; to several with a number. A title is unique in its file.
        let is = match &self.source {
            Source::Stdin => return None,
            Source::Embedded => Some(Filter::is(&self.name)),
            Source::File(_) if self.name.contains('#') => Some(Filter::is(&self.plan.title)),
            Source::File(_) => None,
        };
        let is_option = self.file.starts_with('-');
        let file = if is_option { format!("./{}", self.file) } else { self.file.clone() };
        if let Source::File(_) = self.source {
            words.push(&file);
        }
        if let Some(is) = &is {
            words.extend(["--filter", is]);
        }
        if self.ignores_config {
            words.push("--no-config");
        }
        if self.backend != Backend::Memory {
            words.extend(["--backend", self.backend.name()]);
        }
        if let Some(s3) = self.s3 {
            words.extend(["--s3", s3]);
        }
        self.switched_off.iter().for_each(|off| words.extend(["--no-amendment", off.name()]));
        Some(words.into_iter().map(quoted).collect::<Vec<_>>().join(" "))
    }

    /// What was skipped counts as failed.
    pub fn require(&mut self) {
        if let Verdict::Skipped(skip) = &self.judged.verdict {
            let reason = Reason::SkippedButRequired(skip.clone());
            self.judged.verdict = Verdict::Failed(vec![reason]);
        }
    }

    /// A scenario that was read from a file, ran, and has no snapshot counts as failed.
    pub fn require_snapshot(&mut self) {
        if self.lacks_snapshot && !matches!(self.judged.verdict, Verdict::Skipped(_)) {
            self.judged.verdict.fail(Reason::NoSnapshot);
        }
    }

    /// Takes this run as the right one: what its snapshot has against it is no reason any more. The transcript that the
    /// snapshot is to hold, unless something else is against the run, or it was skipped.
    pub fn accept(&mut self) -> Option<String> {
        self.lacks_snapshot = false;
        match &mut self.judged.verdict {
            Verdict::Passed => {}
            Verdict::Failed(reasons) => {
                reasons.retain(|reason| !reason.is_of_snapshot());
                if !reasons.is_empty() {
                    return None;
                }
            }
            Verdict::Skipped(_) => return None,
        }
        self.judged.verdict = Verdict::Passed;
        Some(transcript(&self.run))
    }
}

/// A word as a shell takes it for one, and as can be shown: bash, zsh and others read `$'…'`.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-=+:,@%".contains(c);
    // Some shells look for a program of the name behind a `=`.
    if word.chars().all(is_plain) && !word.is_empty() && !word.starts_with('=') {
        return word.to_owned();
    }
    if !word.contains(is_unseen) {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    let escaped = word.chars().map(|c| match c {
        '\'' | '\\' => format!("\\{c}"),
        c if is_unseen(c) => format!("\\U{:08x}", u32::from(c)),
        c => c.to_string(),
    });
    format!("$'{}'", escaped.collect::<String>())
}

/// The scenarios that ran, in order.
pub fn judged(ends: &[CaseEnd]) -> impl Iterator<Item = &JudgedCase> {
    ends.iter().filter_map(|end| match end {
        CaseEnd::Judged(case) => Some(&**case),
        CaseEnd::Refused { .. } | CaseEnd::NotRun { .. } => None,
    })
}

/// The scenarios that were refused, each with why, in order.
pub fn refused(ends: &[CaseEnd]) -> impl Iterator<Item = (&str, &Refusal)> {
    ends.iter().filter_map(|end| match end {
        CaseEnd::Judged(_) | CaseEnd::NotRun { .. } => None,
        CaseEnd::Refused { name, refusal } => Some((name.as_str(), refusal)),
    })
}

/// How many scenarios were not to begin any more.
#[must_use]
pub fn not_run(ends: &[CaseEnd]) -> usize {
    ends.iter().filter(|end| matches!(end, CaseEnd::NotRun { .. })).count()
}

/// How many scenarios had each verdict: passed, failed, skipped.
#[must_use]
pub fn counts(ends: &[CaseEnd]) -> (usize, usize, usize) {
    let count = |name: &str| judged(ends).filter(|case| case.verdict().name() == name).count();
    (count("passed"), count("failed"), count("skipped"))
}

/// What the snapshot has against a run.
fn compare(input: &Input, run: &Run) -> Option<Reason> {
    match (&input.snapshot, &input.source) {
        (Ok(Some(snapshot)), source) => {
            let difference = snapshot.difference(&transcript(run))?;
            let can_update = matches!(source, Source::File(_));
            let is_new = |line: &str| difference.lines().any(|l| l.strip_prefix('+') == Some(line));
            let in_full = causes(run).into_iter().filter(|(line, _)| is_new(line));
            let in_full = in_full.map(|(_, in_full)| in_full).collect();
            Some(Reason::SnapshotDiffers { difference, in_full, can_update })
        }
        (Err(complaint), _) => {
            let (file, why) = (complaint.file.clone(), complaint.what.clone());
            Some(Reason::SnapshotUnreadable { file, why })
        }
        (Ok(None), Source::Embedded) => Some(Reason::NoSnapshot),
        (Ok(None), Source::File(_) | Source::Stdin) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_word_that_was_quoted() {
        for word in [
            "a b",
            "it's",
            "=a",
            "-x",
            "a\nb",
            "\u{1b}[31m",
            "a\u{202e}b",
            r"a\b",
            "say \"hi\"",
            "$(x)`y`",
            "",
        ] {
            let program = format!("printf %s {}", quoted(word));
            assert!(!program.contains(is_unseen), "{program:?}");
            // bash reads `\U` by the locale.
            let said = std::process::Command::new("bash")
                .env("LC_ALL", "C.UTF-8")
                .args(["-c", &program])
                .output();
            let said = said.expect("a shell");
            assert_eq!(String::from_utf8_lossy(&said.stdout), word, "{program}");
        }
    }
}
