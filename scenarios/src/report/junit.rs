//! JUnit's XML, for CI systems.

use pgdrill_flow::{shown, shown_lines};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{CaseEnd, JudgedCase, judged, refused};
use crate::judge::Verdict;

/// The run as a JUnit report; a file that could not be read is an error in it. It carries no times, so
/// that the same run gives the same bytes.
///
/// # Errors
///
/// The XML could not be written, and why.
pub fn junit(ends: &[CaseEnd]) -> Result<String, String> {
    let mut report = Report::new("pgdrill");
    let mut suites: Vec<TestSuite> = Vec::new();
    for result in judged(ends) {
        let folder = result.name.rsplit_once('/').map_or("pgdrill", |(folder, _)| folder);
        if suites.last().is_none_or(|suite| suite.name.as_str() != &*shown(folder)) {
            suites.push(TestSuite::new(&*shown(folder)));
        }
        if let Some(suite) = suites.last_mut() {
            suite.add_test_case(case(result, folder));
        }
    }
    let mut refused = refused(ends).peekable();
    if refused.peek().is_some() {
        let mut suite = TestSuite::new("refused");
        for (name, refusal) in refused {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(&*shown(&refusal.first().what)).set_description(refusal.to_string());
            suite.add_test_case(TestCase::new(&*shown(name), status));
        }
        suites.push(suite);
    }
    report.add_test_suites(suites);
    report.to_string().map_err(|error| error.to_string())
}

fn case(result: &JudgedCase, folder: &str) -> TestCase {
    let texts = result.verdict().reasons();
    let first = texts.first().map_or("failed", String::as_str);
    let status = match result.verdict() {
        Verdict::Passed => TestCaseStatus::success(),
        Verdict::Failed(_) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(&*shown(first.lines().next().unwrap_or(first)));
            status.set_description(&*shown_lines(&texts.join("\n"), ""));
            status
        }
        Verdict::Skipped(_) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(&*shown(first));
            status
        }
    };
    let mut case = TestCase::new(&*shown(&result.name), status);
    case.set_classname(&*shown(folder));
    case
}
