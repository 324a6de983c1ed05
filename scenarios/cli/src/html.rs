//! `pgdrill run --html`, and what holds for every report that is written to a file.

use std::path::Path;

use pgdrill_core::Diagnostic;
use pgdrill_scenarios::{
    ScenarioFiles, is_same,
    report::{CaseEnd, html},
};

use crate::{
    args::RunArgs,
    run::overwritten,
    update::{cannot_be_written, write_report},
};

/// What is wrong with the files that reports are to be written to: one is read, is a snapshot, or is another report's.
pub(crate) fn misplaced(args: &RunArgs, files: &ScenarioFiles) -> Option<Diagnostic> {
    let reports = [("--junit", args.junit.as_deref()), ("--html", args.html.as_deref())];
    let overwriting = reports.iter().find_map(|(option, file)| {
        let file = overwritten((*file)?, args, files)?;
        let what = "the report would overwrite what is read, or a snapshot";
        Some(Diagnostic::error(&file, what).hint(format!("give `{option}` a file of its own")))
    });
    let same = || {
        let (junit, html) = (args.junit.as_deref()?, args.html.as_deref()?);
        let is_twice = junit == html || is_same(junit, html);
        let what = "two reports would be written to one file";
        let hint = "give `--junit` and `--html` a file each";
        is_twice.then(|| Diagnostic::error(&html.display().to_string(), what).hint(hint))
    };
    overwriting.or_else(same)
}

/// Writes the page of a run.
pub(crate) fn write(file: &Path, ends: &[CaseEnd]) -> Result<(), Diagnostic> {
    write_report(file, &html::run(ends)).map_err(|error| cannot_be_written(file, &error))
}
