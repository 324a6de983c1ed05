//! JUnit's XML, for CI systems.

use std::time::Duration;

use pgdrill_flow::shown;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{CaseEnd, JudgedCase, failure_text, refused};
use crate::judge::Verdict;

/// The run as a JUnit report; a file that could not be read is an error in it. Each case has the file and the line in
/// which it begins. It has a time where [`JudgedCase::took`] is known; without times, equal runs give equal bytes.
///
/// # Errors
///
/// The XML could not be written, and why.
pub fn junit(ends: &[CaseEnd]) -> Result<String, String> {
    let mut report = Report::new("pgdrill");
    let mut suites: Vec<TestSuite> = Vec::new();
    for end in ends {
        let (name, took) = match end {
            CaseEnd::Judged(result) => (&result.name, result.took),
            CaseEnd::NotRun { name, .. } => (name, None),
            CaseEnd::Refused { .. } => continue,
        };
        let folder = name.rsplit_once('/').map_or("pgdrill", |(folder, _)| folder);
        if suites.last().is_none_or(|suite| suite.name.as_str() != &*shown(folder)) {
            suites.push(TestSuite::new(&*shown(folder)));
        }
        if let Some(suite) = suites.last_mut() {
            suite.add_test_case(case(end, name, folder));
            if let Some(took) = took {
                suite.set_time(suite.time.unwrap_or(Duration::ZERO) + took);
            }
        }
    }
    let mut refused = refused(ends).peekable();
    if refused.peek().is_some() {
        let mut suite = TestSuite::new("refused");
        for (name, refusal) in refused {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            let first = refusal.first();
            status.set_message(&*shown(&first.what)).set_description(refusal.to_string());
            let mut case = TestCase::new(&*shown(name), status);
            if first.file != "<stdin>" {
                place(&mut case, &first.file, first.line.max(1));
            }
            suite.add_test_case(case);
        }
        suites.push(suite);
    }
    report.add_test_suites(suites);
    report.to_string().map_err(|error| error.to_string())
}

fn case(end: &CaseEnd, name: &str, folder: &str) -> TestCase {
    let mut case = match end {
        CaseEnd::Judged(result) => judged_case(result),
        CaseEnd::NotRun { .. } | CaseEnd::Refused { .. } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message("not run, as another one failed");
            TestCase::new(&*shown(name), status)
        }
    };
    case.set_classname(&*shown(folder));
    case
}

fn judged_case(result: &JudgedCase) -> TestCase {
    let texts = result.verdict().reasons();
    let first = texts.first().map_or("failed", String::as_str);
    let status = match result.verdict() {
        Verdict::Passed => TestCaseStatus::success(),
        Verdict::Failed(_) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(&*shown(first.lines().next().unwrap_or(first)));
            status.set_description(failure_text(result));
            status
        }
        Verdict::Skipped(_) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(&*shown(first));
            status
        }
    };
    let mut case = TestCase::new(&*shown(&result.name), status);
    if let Some((file, line)) = result.begins() {
        place(&mut case, file, line);
    }
    if let Some(took) = result.took {
        case.set_time(took);
    }
    case
}

/// Says where a case stands, as pytest does.
fn place(case: &mut TestCase, file: &str, line: usize) {
    case.extra.insert("file".into(), (&*shown(file)).into());
    case.extra.insert("line".into(), line.to_string().into());
}
