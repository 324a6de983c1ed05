//! Files that a run writes: snapshots beside scenarios, and JUnit reports.

use crate::session::{GOOD, Session};

#[test]
fn a_snapshot_is_written_held_against_the_next_run_and_its_edit_is_shown() {
    let session = Session::new().file("good.yaml", GOOD).run("run good.yaml --update");
    let session = session.show("good.snap").run("run good.yaml");
    let edited =
        session.read("good.snap").replace("has_missing_s3_parameters: no", "is_leader: yes");
    let session = session.file("good.snap", edited).run("run good.yaml");
    session.run("run good.yaml --update").run("run good.yaml").holds("snapshot_beside_a_file");
}

#[test]
fn each_document_of_a_file_has_its_own_snapshot() {
    let other = GOOD.replace("backups: [full]", "backups: []");
    let session = Session::new().file("two.yaml", format!("{GOOD}---\n{other}"));
    let ended = session.ended("run two.yaml --update", b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(session.read("two.1.snap").contains("| full "));
    assert!(!session.read("two.2.snap").contains("| full "));
    let swapped = session.read("two.1.snap");
    let ended = session.file("two.2.snap", swapped).ended("run two.yaml", b"");
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.contains("passed   two#1"), "{}", ended.stdout);
    assert!(ended.stdout.contains("failed   two#2"), "{}", ended.stdout);
}

#[test]
fn a_scenario_with_something_else_against_it_gets_no_snapshot() {
    let failing = format!("{GOOD}then: {{ outcome: failed }}\n");
    let session = Session::new().file("failing.yaml", failing);
    assert_eq!(session.ended("run failing.yaml --update", b"").code, 1);
    assert!(!session.folder().join("failing.snap").exists());
}

#[test]
fn update_needs_files_to_write_beside() {
    let session = Session::new().file("good.yaml", GOOD);
    session
        .run("run --update")
        .run_with("run --update good.yaml -", GOOD)
        .holds("update_without_a_file");
}

#[test]
fn a_junit_report_names_what_passed_what_failed_and_what_was_refused() {
    let failing =
        "scenario: a <restore> & more\nfire:\n  - hook: restore\nthen: { outcome: finished }\n";
    let session = Session::new()
        .file("cases/good.yaml", GOOD)
        .file("cases/sub/failing.yaml", failing)
        .file("cases/typo.yaml", "scenario: x\nfire:\n  - hook: restor\n");
    session.run("run cases --junit report.xml").show("report.xml").holds("junit");
}

#[test]
fn a_report_that_cannot_be_written_is_an_error_and_the_run_is_shown_all_the_same() {
    let session = Session::new().file("good.yaml", GOOD);
    session.run("run good.yaml --junit nowhere/report.xml").holds("junit_not_writable");
}

#[test]
fn a_report_never_overwrites_a_scenario() {
    let session = Session::new().file("good.yaml", GOOD);
    session.run("run good.yaml --junit good.yaml").show("good.yaml").holds("junit_over_a_scenario");
}
