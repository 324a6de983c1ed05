//! Files that a run writes: snapshots beside scenarios, and JUnit reports.

use std::{fs, os::unix::fs::symlink};

use crate::session::{GOOD, Session};

/// The names of what stands in the session's folder.
fn names(session: &Session) -> Vec<String> {
    let entries = fs::read_dir(session.folder()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

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

#[test]
fn a_snapshot_is_replaced_as_a_whole_or_not_at_all_and_only_where_it_differs() {
    let session = Session::new().file("good.yaml", GOOD).file("elsewhere", "mine");
    symlink("elsewhere", session.folder().join("good.snap")).unwrap();
    let ended = session.ended("run good.yaml --update", b"");
    assert_eq!((ended.code, &*ended.stderr), (0, "1 snapshot written\n"), "{}", ended.stdout);
    assert_eq!(session.read("elsewhere"), "mine", "no link is followed");
    assert!(fs::symlink_metadata(session.folder().join("good.snap")).unwrap().is_file());
    assert_eq!(names(&session), ["elsewhere", "good.snap", "good.yaml"]);
    let told = |words: &str| session.ended(words, b"").stderr;
    assert_eq!(told("run good.yaml --update"), "0 snapshots written\n");
    // What differs in its head or its line breaks alone is right as it is.
    let crlf = session.read("good.snap").replace('\n', "\r\n");
    fs::write(session.folder().join("good.snap"), format!("\u{feff}{crlf}")).unwrap();
    assert_eq!(session.ended("run good.yaml", b"").code, 0);
    assert_eq!(told("run good.yaml --update"), "0 snapshots written\n");
}

#[test]
fn a_snapshot_that_cannot_be_written_is_told_and_stops_no_other() {
    let session = Session::new().file("cases/a.yaml", GOOD).file("cases/b.yaml", GOOD);
    fs::create_dir(session.folder().join("cases/a.snap")).unwrap();
    session
        .run("run cases --update")
        .run("run cases/b.yaml --require-snapshots")
        .holds("snapshot_not_writable");
}

#[test]
fn files_that_would_share_a_snapshot_are_refused() {
    Session::new()
        .file("a.yaml", GOOD)
        .file("a.yml", GOOD)
        .file("b.yaml", GOOD)
        .run("run . --update")
        .run("run a.yml")
        .holds("shared_snapshot");
}

#[test]
fn a_scenario_that_is_called_like_a_snapshot_is_never_overwritten() {
    let session = Session::new().file("x.snap", GOOD).run("run x.snap --update").show("x.snap");
    session.holds("scenario_called_snap");
}
