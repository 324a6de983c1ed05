//! The results of `pgdrill run`: each is shown as soon as it is known, what stands below them at the end.

use std::path::Path;

use pgdrill_core::Diagnostic;
use pgdrill_scenarios::{
    Coverage, Input, Law, Verdict,
    report::{self, CaseEnd, JudgedCase, PartOfRun, Paths, judged, junit},
};

use crate::{
    args::{RunArgs, RunFormat},
    commands::{Exit, wrong},
    html,
    output::{columns, complain, print_lines},
    update::{Updated, cannot_be_written, update, write_report},
};

/// The results of a run, each shown as soon as it is known.
pub(crate) struct Results<'a> {
    args: &'a RunArgs,
    /// What the user is told of every run.
    rules: Rules,
    /// How wide the column of names is.
    width: usize,
    /// How each scenario ended, in order.
    pub(crate) ends: Vec<CaseEnd>,
    /// What `--update` wrote.
    pub(crate) updated: Updated,
    /// A warning for each failed action of which its scenario says nothing.
    pub(crate) unspoken: Vec<Diagnostic>,
    /// Whether everything could be shown so far.
    printed: Exit,
}

/// What counts as failed beside what a run shows by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Whether nothing may be skipped.
    is_none_skipped: bool,
    /// Whether snapshots are written anew.
    updates: bool,
    /// Whether every scenario of a file must have a snapshot.
    pub(crate) requires_snapshots: bool,
}

impl Rules {
    /// The rules that the user asked for.
    pub(crate) fn of(args: &RunArgs) -> Self {
        let is_none_skipped = args.require.is_some();
        Self { is_none_skipped, updates: args.update, requires_snapshots: requires_snapshots(args) }
    }

    /// Whether this counts as failed in the end. Nothing is written.
    pub(crate) fn fail(self, case: &JudgedCase) -> bool {
        let mut case = case.clone();
        if self.is_none_skipped {
            case.require();
        }
        if self.updates {
            case.accept();
        }
        if self.requires_snapshots {
            case.require_snapshot();
        }
        matches!(case.verdict(), Verdict::Failed(_))
    }
}

impl<'a> Results<'a> {
    /// No result yet of what is to run.
    pub(crate) fn new(args: &'a RunArgs, rules: Rules, selected: &[Input]) -> Self {
        Self {
            args,
            rules,
            width: report::name_width(selected.iter().map(|it| it.name.as_str()), columns()),
            ends: Vec::with_capacity(selected.len()),
            updated: Updated::default(),
            unspoken: Vec::new(),
            printed: Exit::Expected,
        }
    }

    /// One more scenario was judged, or was not to begin any more.
    pub(crate) fn take(&mut self, input: &Input, case: Option<JudgedCase>) {
        let Some(mut case) = case else { return self.not_run(input) };
        if self.rules.is_none_skipped {
            case.require();
        }
        if self.rules.updates {
            update(input, &mut case, &mut self.updated);
        }
        if self.rules.requires_snapshots {
            case.require_snapshot();
        }
        self.unspoken.extend(case.unspoken());
        let is_quiet = self.args.quiet && *case.verdict() == Verdict::Passed;
        let shown = match self.args.format {
            RunFormat::Json => report::json_line(&case),
            RunFormat::Text if is_quiet => String::new(),
            RunFormat::Text => {
                let is_shown = self.args.verbose;
                let path = if is_shown { report::path_text(&case, 9, None) } else { String::new() };
                report::case_text(&case, self.width) + &path
            }
        };
        self.show(&shown);
        self.ends.push(CaseEnd::Judged(Box::new(case)));
    }

    fn not_run(&mut self, input: &Input) {
        let Some(end) = CaseEnd::not_run(input) else { return };
        if self.args.format == RunFormat::Json {
            self.show(&report::json_lines(std::slice::from_ref(&end)));
        }
        self.ends.push(end);
    }

    /// What can't be written is said once.
    fn show(&mut self, text: &str) {
        if self.printed == Exit::Expected {
            self.printed = print_lines(self.args.format, text);
        }
    }

    /// Prints what stands below the results, and writes the reports. `warnings` were said before.
    pub(crate) fn end(
        self,
        is_wrong: bool,
        warnings: &[Diagnostic],
        part: Option<&PartOfRun>,
    ) -> (Exit, Vec<CaseEnd>) {
        let is_whole = is_whole(self.args) && part.is_none();
        let exit = self.finish(is_whole, is_wrong, warnings, part);
        (exit, self.ends)
    }

    /// Shows what stands below the results, and writes the reports; how the command ends.
    fn finish(
        &self,
        is_whole: bool,
        is_wrong: bool,
        warnings: &[Diagnostic],
        part: Option<&PartOfRun>,
    ) -> Exit {
        let Self { args, ends, printed, .. } = self;
        let is_whole = is_whole && report::not_run(ends) == 0;
        // Over the whole corpus no law may go without being judged, wherever it runs.
        let unjudged = if is_whole { report::unjudged_laws(ends) } else { Vec::new() };
        unjudged.iter().copied().for_each(complain_of_unjudged);
        let rest = match args.format {
            RunFormat::Json => {
                let last = part.map(|part| report::part_line(part, ends));
                report::refused_lines(ends) + &last.unwrap_or_default()
            }
            RunFormat::Text => {
                let coverage = is_whole.then(|| cover(ends));
                let github =
                    if args.github { report::github(ends, warnings) } else { String::new() };
                let paths = if args.verbose { Paths::InTable } else { Paths::Below };
                let part = part.map(report::part_text).unwrap_or_default();
                part + &report::end_text(ends, coverage.as_ref(), paths) + &github
            }
        };
        let printed =
            if *printed == Exit::Expected { print_lines(args.format, &rest) } else { *printed };
        if let Some(file) = &args.junit
            && let Err(diagnostic) = write_junit(file, ends)
        {
            return wrong(&diagnostic);
        }
        if let Some(Err(diagnostic)) = args.html.as_deref().map(|file| html::write(file, ends)) {
            return wrong(&diagnostic);
        }
        let has_failed = judged(ends).any(|case| matches!(case.verdict(), Verdict::Failed(_)));
        if is_wrong {
            Exit::Wrong
        } else if !unjudged.is_empty() || has_failed {
            Exit::Failed
        } else {
            printed
        }
    }
}

/// Whether all cases that come with pgdrill are selected.
pub(crate) fn is_whole(args: &RunArgs) -> bool {
    args.paths.is_empty() && args.filter.is_empty() && !args.failed
}

/// Complains that a run of the whole corpus judged a law in none of its runs.
pub(crate) fn complain_of_unjudged(law: Law) {
    let what = format!("the law `{law}` was judged in none of the runs");
    complain(&Diagnostic::error("the corpus", what).hint("its cases did not come to their end"));
}

/// Whether every scenario of a file must have a snapshot: as the user says, and else as the environment of a CI system.
fn requires_snapshots(args: &RunArgs) -> bool {
    args.require_snapshots.unwrap_or_else(is_in_ci)
}

/// Whether this is a CI system, as far as it says so.
pub(crate) fn is_in_ci() -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "every CI system says by this variable that nobody is there to read a warning"
    )]
    let ci = std::env::var_os("CI");
    ci.is_some_and(|ci| !(ci.is_empty() || ci == "false" || ci == "0"))
}

/// The coverage of the project's own charts by these scenarios.
fn cover(ends: &[CaseEnd]) -> Coverage {
    let mut coverage = Coverage::of_own_charts();
    count(&mut coverage, ends);
    coverage
}

/// Counts every trace of these scenarios.
pub(crate) fn count(coverage: &mut Coverage, ends: &[CaseEnd]) {
    for result in judged(ends) {
        for step in &result.run.firings {
            let firing = &step.fired.firing;
            coverage.count(&result.name, firing.hook, &firing.trace);
        }
    }
}

fn write_junit(file: &Path, ends: &[CaseEnd]) -> Result<(), Diagnostic> {
    let xml = junit(ends);
    let xml = xml.map_err(|error| Diagnostic::error(&file.display().to_string(), error))?;
    write_report(file, &xml).map_err(|error| cannot_be_written(file, &error))
}
