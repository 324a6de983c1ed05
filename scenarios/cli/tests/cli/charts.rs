//! `pgdrill coverage`, of its own charts and of a document from elsewhere.

use pgdrill_flow::charts_in_markdown;
use pgdrill_scenarios::{Coverage, report};
use serde_json::Value;

use crate::session::{PUBLISHED, Session, ended};

fn changed(from: &str, to: &str) -> String {
    assert!(PUBLISHED.contains(from), "{from}");
    PUBLISHED.replace(from, to)
}

/// `missing_in_core` and `missing_in_chart` of a document, with the exit code.
fn missing(document: &str) -> (i32, Value, Value) {
    let session = Session::new().file("charts.md", document);
    let ended = session.ended("coverage --charts charts.md --format json", b"");
    let whole: Value =
        serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{}", ended.stderr));
    (ended.code, whole["missing_in_core"].clone(), whole["missing_in_chart"].clone())
}

#[test]
fn the_document_of_upstream_is_covered_whole_and_its_two_slips_are_located() {
    Session::new()
        .file("backups.md", PUBLISHED)
        .run("coverage --charts backups.md")
        .holds("coverage_of_the_published_document");
}

#[test]
fn its_own_charts_are_covered_whole() {
    Session::new().run("coverage").holds("coverage_of_its_own_charts");
}

#[test]
fn an_arrow_that_the_document_lacks_is_reported_by_its_name() {
    let less = changed("  fail_action2 --> is_replica2{Is current\\nunit a replica?}\n", "");
    assert_eq!(
        missing(&less),
        (
            1,
            Value::from(Vec::<Value>::new()),
            vec!["create-backup: fail_action2 --> is_replica2"].into()
        )
    );
    let session = Session::new().file("charts.md", less);
    session.run("coverage --charts charts.md").holds("coverage_one_arrow_less");
}

#[test]
fn a_shape_that_the_document_lacks_is_reported_by_its_arrows() {
    let lines = PUBLISHED.lines().filter(|line| !line.contains("upload_error_logs_s3"));
    let less = lines.collect::<Vec<_>>().join("\n");
    let expected = vec![
        "create-backup: has_backup_creation_succeeded -- no --> upload_error_logs_s3",
        "create-backup: upload_error_logs_s3 --> fail_action2",
    ];
    assert_eq!(missing(&less), (1, Value::Array(Vec::new()), expected.into()));
}

#[test]
fn an_arrow_or_a_shape_that_the_core_lacks_is_reported_by_its_name_and_place() {
    let more = changed(
        "  set_blocked --> rtn\n",
        "  set_blocked --> rtn\n  set_blocked -- later --> make_coffee[Make coffee]\n  is_leadr[Typo]\n  set_blocked --> defer\n",
    );
    let expected = vec![
        "s3-credentials-changed: is_leadr",
        "s3-credentials-changed: set_blocked -- later --> make_coffee",
        "s3-credentials-changed: set_blocked --> defer",
    ];
    assert_eq!(missing(&more), (1, expected.into(), Value::Array(Vec::new())));
    let session = Session::new().file("charts.md", more);
    session.run("coverage --charts charts.md").holds("coverage_one_arrow_more");
}

#[test]
fn a_document_whose_arrows_lead_nowhere_sensible_is_refused_at_its_place() {
    let typo = changed("  is_leader -- no --> rtn\n", "  is_leadr -- no --> rtn\n");
    let cycle = changed("  set_blocked --> rtn\n", "  set_blocked --> is_leader\n");
    Session::new()
        .file("typo.md", typo)
        .file("cycle.md", cycle)
        .run("coverage --charts typo.md")
        .run("coverage --charts cycle.md")
        .holds("coverage_of_charts_without_paths");
}

#[test]
fn a_chart_that_the_core_lacks_is_reported_with_every_one_that_the_document_lacks() {
    let other = "### On Creat Backup Hook\n\n```mermaid\nflowchart TD\n  hook_fired([go]) --> rtn([return])\n```\n";
    let session = Session::new().file("other.md", other);
    session.run("coverage --charts other.md").holds("coverage_of_an_unknown_chart");
    let (code, core, chart) = missing(&format!("{PUBLISHED}\n{other}"));
    assert_eq!((code, core), (1, vec!["chart creat-backup"].into()));
    assert_eq!(chart, Value::Array(Vec::new()));
}

#[test]
fn what_is_no_document_with_charts_is_refused_at_its_place() {
    Session::new()
        .file("syntax.md", changed("is_leader -- no --> rtn", "is_leader -- no -> rtn"))
        .file("bytes.md", b"# Charts\n\ncaf\xe9\n")
        .file("none.md", "# Nothing\n")
        .file("empty.md", "")
        .run("coverage --charts syntax.md")
        .run("coverage --charts bytes.md")
        .run("coverage --charts none.md")
        .run("coverage --charts empty.md")
        .run("coverage --charts nowhere.md")
        .holds("coverage_of_no_document");
}

#[test]
fn the_painted_charts_can_be_read_again_and_carry_their_visits() {
    let session = Session::new().file("backups.md", PUBLISHED);
    let painted = session.ended("coverage --charts backups.md --format mermaid", b"");
    assert_eq!(painted.code, 0);
    let (again, drawn) = (
        charts_in_markdown(&painted.stdout, "painted"),
        charts_in_markdown(PUBLISHED, "backups.md"),
    );
    assert_eq!((again.errors, again.warnings), (Vec::new(), Vec::new()));
    assert_eq!(again.charts.len(), drawn.charts.len());
    for (painted, drawn) in again.charts.iter().zip(&drawn.charts) {
        assert_eq!(painted.name, drawn.name);
        assert_eq!(painted.nodes.len(), drawn.nodes.len());
        let visits = painted.arrows.iter().map(|arrow| arrow.label.clone().unwrap_or_default());
        for visit in visits {
            let number: String = visit.chars().filter(char::is_ascii_digit).collect();
            assert!(
                number.parse::<u64>().is_ok_and(|visits| visits > 0),
                "{}: {visit}",
                painted.name
            );
        }
    }
}

#[test]
fn the_page_stands_alone() {
    let ended = ended("coverage --format html");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert!(ended.stdout.starts_with("<!DOCTYPE html>"));
    assert!(ended.stdout.contains("111 of 111"), "the arrows of all six charts");
    for outside in ["http://", "https://", "src=", "url(", "@import", "<link", "<iframe", "fetch("]
    {
        assert!(!ended.stdout.contains(outside), "the page reaches out with {outside}");
    }
}

#[test]
fn painted_charts_are_held_against_the_code_as_if_they_were_not_painted() {
    let mut coverage = Coverage::of_own_charts().expect("charts with paths");
    for cover in &mut coverage.charts {
        cover.arrows.iter_mut().enumerate().for_each(|(index, arrow)| arrow.visits = index as u64);
    }
    let painted = charts_in_markdown(&report::coverage::painted(&coverage), "painted.md");
    let read = Coverage::of_document(painted.charts).expect("charts with paths");
    assert_eq!((read.missing_in_core.len(), read.missing_in_chart.len()), (0, 0), "{read:?}");
    assert_eq!(read.paths().0, coverage.paths().0);
}
