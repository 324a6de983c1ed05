//! JUnit's XML, for CI systems.

use pgdrill_core::Diagnostic;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::Result;
use crate::judge::Verdict;

/// The run as a JUnit report; a file that could not be read is an error in it. It carries no times, so
/// that the same run gives the same bytes.
///
/// # Errors
///
/// The XML could not be written, and why.
pub fn junit(
    results: &[Result],
    refused: &[(String, Diagnostic)],
) -> std::result::Result<String, String> {
    let mut report = Report::new("pgdrill");
    let mut suites: Vec<TestSuite> = Vec::new();
    for result in results {
        let folder = result.name.rsplit_once('/').map_or("pgdrill", |(folder, _)| folder);
        if suites.last().is_none_or(|suite| suite.name.as_str() != folder) {
            suites.push(TestSuite::new(folder));
        }
        if let Some(suite) = suites.last_mut() {
            suite.add_test_case(case(result, folder));
        }
    }
    if !refused.is_empty() {
        let mut suite = TestSuite::new("refused");
        for (name, diagnostic) in refused {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(diagnostic.what.as_str()).set_description(diagnostic.to_string());
            suite.add_test_case(TestCase::new(name.as_str(), status));
        }
        suites.push(suite);
    }
    report.add_test_suites(suites);
    report.to_string().map_err(|error| error.to_string())
}

fn case(result: &Result, folder: &str) -> TestCase {
    let status = match result.verdict() {
        Verdict::Passed => TestCaseStatus::success(),
        Verdict::Failed(reasons) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let first = reasons.first().map_or("failed", String::as_str);
            status.set_message(first.lines().next().unwrap_or(first));
            status.set_description(reasons.join("\n"));
            status
        }
        Verdict::Skipped(reason) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason.as_str());
            status
        }
    };
    let mut case = TestCase::new(result.name.as_str(), status);
    case.set_classname(folder);
    case
}
