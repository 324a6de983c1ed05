//! `pgdrill coverage`.

use std::{path::Path, string::FromUtf8Error};

use pgdrill_core::Diagnostic;
use pgdrill_flow::{Tolerance, charts_in_markdown, counted, did_you_mean, place_after, shown};
use pgdrill_scenarios::{
    ChartCover, ChartFault, Coverage, Input, read_file,
    report::{self, CaseEnd, JudgedCase},
};

use crate::{
    args::{CoverageArgs, CoverageFormat},
    commands::{Exit, wrong},
    output::{complain, print, print_fitted},
    places::{How, run_inputs},
    results::count,
    run::{Selected, selected},
};

/// The longest file of charts that is read, in bytes.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Runs scenarios and reports what they walk.
pub(crate) fn coverage(args: &CoverageArgs) -> Exit {
    let coverage =
        args.charts.as_ref().map_or_else(|| Ok(Coverage::of_own_charts()), |file| of_file(file));
    let mut coverage = match coverage.and_then(|coverage| chosen(coverage, args)) {
        Ok(coverage) => coverage,
        Err(diagnostic) => return wrong(&diagnostic),
    };
    let Selected { inputs, has_refused, is_whole } = match selected(&args.selection) {
        Ok(selected) => selected,
        Err(exit) => return exit,
    };
    let mut ends = Vec::new();
    let mut take = |_: &Input, case: Option<JudgedCase>| {
        ends.extend(case.map(|case| CaseEnd::Judged(Box::new(case))));
    };
    if run_inputs(&inputs, &How::in_memory(), &mut take).is_none() {
        return Exit::NoBackend;
    }
    count(&mut coverage, &ends);
    if let Some(chart) = &args.chart {
        coverage = coverage.of_chart(chart);
    }
    let Some(shown) = shown_as(&coverage, &ends, args.format) else {
        let what = "the chart is empty or too large to draw";
        let hint = "`--format mermaid` writes charts of any size";
        return wrong(&Diagnostic::error("the chart", what).hint(hint));
    };
    let printed = match args.format {
        CoverageFormat::Text => {
            let whose = if is_whole {
                "the cases that come with pgdrill".to_owned()
            } else {
                counted(ends.len(), "case")
            };
            print_fitted(&format!("{shown}walked by {whose}\n"))
        }
        CoverageFormat::Json
        | CoverageFormat::Mermaid
        | CoverageFormat::Html
        | CoverageFormat::Svg => print(&shown),
    };
    let (_, failed, _) = report::counts(&ends);
    if failed > 0 {
        complain_of_failed(failed);
    }
    // Scenarios of one's own need not walk everything.
    let needs_all = is_whole || args.require_complete;
    let is_good = if needs_all { coverage.is_complete() } else { coverage.agrees() };
    if has_refused {
        Exit::Wrong
    } else if failed == 0 && is_good {
        printed
    } else {
        Exit::Failed
    }
}

fn complain_of_failed(failed: usize) {
    let what = if failed == 1 {
        "1 case failed, so what it walked proves nothing".to_owned()
    } else {
        format!("{failed} cases failed, so what they walked proves nothing")
    };
    complain(&Diagnostic::error("the cases", what).hint("see `pgdrill run`"));
}

/// The coverage with the chart that the user named. Refused is a name that no chart has, and an SVG picture of several.
fn chosen(coverage: Coverage, args: &CoverageArgs) -> Result<Coverage, Diagnostic> {
    let names = || coverage.names().into_iter();
    let all = format!("there are: {}", shown(&names().collect::<Vec<_>>().join(", ")));
    if let Some(name) = args.chart.as_deref() {
        if !names().any(|known| known == name) {
            let what = format!("no chart is called `{}`", shown(name));
            let hint = did_you_mean(name, names(), Tolerance::ThirdOfName, &all);
            return Err(Diagnostic::error("the command line", what).hint(hint));
        }
    } else if args.format == CoverageFormat::Svg && names().count() != 1 {
        let what = "an SVG picture has room for one chart";
        return Err(Diagnostic::error("the command line", what)
            .hint(format!("name it with `--chart`; {all}")));
    }
    Ok(coverage)
}

/// The coverage in this format. `None`: it can't be drawn.
fn shown_as(coverage: &Coverage, ends: &[CaseEnd], format: CoverageFormat) -> Option<String> {
    Some(match format {
        CoverageFormat::Text => report::coverage::text(coverage),
        CoverageFormat::Json => report::coverage::json(coverage),
        CoverageFormat::Mermaid => report::coverage::painted(coverage),
        CoverageFormat::Html => report::coverage::html(coverage, ends),
        CoverageFormat::Svg => {
            let cover: &ChartCover = coverage.charts.first()?;
            return report::coverage::svg(cover);
        }
    })
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
    let (number, column) = place_after(&good);
    Diagnostic::error(file, format!("byte 0x{byte:02x} is not UTF-8"))
        .at(number, column, 1, &line)
        .hint("save the file as UTF-8")
}
