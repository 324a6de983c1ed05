//! `pgdrill coverage`.

use std::{path::Path, string::FromUtf8Error};

use pgdrill_core::Diagnostic;
use pgdrill_flow::charts_in_markdown;
use pgdrill_scenarios::{
    ChartFault, Coverage, Input, read_corpus, read_file,
    report::{self, CaseEnd},
};

use crate::{
    args::{CoverageArgs, CoverageFormat},
    commands::Exit,
    output::{complain, print, print_fitted},
    run::{Where, count, run_inputs},
};

/// The longest file of charts that is read, in bytes.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Runs all cases and reports what they walk.
pub(crate) fn coverage(args: &CoverageArgs) -> Exit {
    let coverage =
        args.charts.as_ref().map_or_else(|| Ok(Coverage::of_own_charts()), |file| of_file(file));
    let mut coverage = match coverage {
        Ok(coverage) => coverage,
        Err(diagnostic) => {
            complain(&diagnostic);
            return Exit::Wrong;
        }
    };
    let inputs = read_corpus();
    let mut ends = Vec::new();
    let mut take = |_: &Input, case| ends.push(CaseEnd::Judged(Box::new(case)));
    if run_inputs(&inputs, &[], None, Where::Memory, &mut take).is_none() {
        return Exit::NoBackend;
    }
    count(&mut coverage, &ends);
    let printed = match args.format {
        CoverageFormat::Text => print_fitted(&report::coverage::text(&coverage)),
        CoverageFormat::Json => print(&report::coverage::json(&coverage)),
        CoverageFormat::Mermaid => print(&report::coverage::painted(&coverage)),
        CoverageFormat::Html => print(&report::coverage::html(&coverage, &ends)),
    };
    let (_, failed, _) = report::counts(&ends);
    if failed > 0 {
        let what = format!("{failed} cases failed, so what they walked proves nothing");
        complain(&Diagnostic::error("the cases", what).hint("see `pgdrill run`"));
    }
    if failed == 0 && coverage.is_complete() { printed } else { Exit::Failed }
}

/// The charts of a Markdown or Mermaid file; what is wrong with them is said in full. Refused is a file of which
/// no chart can be read.
fn of_file(file: &Path) -> Result<Coverage, Diagnostic> {
    let name = file.display().to_string();
    let bytes = read_file(file, MAX_BYTES).map_err(|why| {
        let hint = "give a Markdown file with Mermaid flowcharts in it, or one Mermaid file";
        Diagnostic::error(&name, format!("can't be read: {why}")).hint(hint)
    })?;
    let text = String::from_utf8(bytes).map_err(|error| not_utf8(&name, &error))?;
    let document = charts_in_markdown(&text, &name);
    document.warnings.iter().for_each(complain);
    if document.charts.is_empty() {
        let mut errors = document.errors.into_iter();
        let hint = "charts stand between ```mermaid and ```, and begin with `flowchart`";
        let none = || Diagnostic::error(&name, "the file holds no flowchart").hint(hint);
        let first = errors.next().unwrap_or_else(none);
        errors.for_each(|other| complain(&other));
        return Err(first);
    }
    document.errors.iter().for_each(complain);
    let lines: Vec<&str> = text.lines().collect();
    let located = |fault: ChartFault| {
        let line = lines.get(fault.line.saturating_sub(1)).copied().unwrap_or_default();
        let error = Diagnostic::error(&name, fault.what).at(fault.line, 0, 0, line);
        Diagnostic { hint: fault.hint, ..error }
    };
    let coverage = Coverage::of_document(document);
    coverage.foreign().into_iter().map(located).for_each(|error| complain(&error));
    Ok(coverage)
}

fn not_utf8(file: &str, error: &FromUtf8Error) -> Diagnostic {
    let (good, bad) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
    let byte = bad.first().copied().unwrap_or_default();
    let (good, bad) = (String::from_utf8_lossy(good), String::from_utf8_lossy(bad));
    let before = good.rsplit('\n').next().unwrap_or_default();
    let line = format!("{before}{}", bad.lines().next().unwrap_or_default());
    let (number, column) = (good.matches('\n').count() + 1, before.chars().count() + 1);
    Diagnostic::error(file, format!("byte 0x{byte:02x} is not UTF-8"))
        .at(number, column, 1, &line)
        .hint("save the file as UTF-8")
}
