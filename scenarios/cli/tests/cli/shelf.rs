//! Snapshots are found by the titles of their scenarios; what can't be found, or read, is never taken for nothing.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    process::Command,
};

use crate::session::{Ended, GOOD, Session, feed, pgdrill};

/// A scenario of this title that shows something else than `GOOD`.
fn other(title: &str) -> String {
    format!("scenario: {title}\nfire: [{{ hook: list-backups }}]\n")
}

/// A file that is read as one scenario whose run has a snapshot.
fn kept() -> Session {
    let session = Session::new().file("cases/good.yaml", GOOD);
    assert_eq!(session.ended("run cases --update", b"").code, 0);
    session
}

#[test]
fn a_snapshot_that_cannot_be_read_is_an_error_of_its_scenario() {
    let session = kept();
    let snapshot = session.folder().join("cases/good.snap");
    let failed = |why: &str| {
        let ended = session.ended("run cases", b"");
        assert_eq!((ended.code, &*ended.stderr), (1, ""), "{}", ended.stdout);
        assert!(ended.stdout.contains(why), "{why}: {}", ended.stdout);
        assert!(!ended.stdout.contains("without a snapshot"), "{}", ended.stdout);
        let json = session.ended("run cases --format json", b"").stdout;
        assert!(json.contains(r#""kind":"snapshot-unreadable""#), "{json}");
    };
    fs::write(&snapshot, b"---\nsource: \xff\n---\n").unwrap();
    failed("why: the snapshot cases/good.snap can't be read: byte 0xff in line 2 is not UTF-8\n");
    fs::write(&snapshot, b"---\nsource: pgdrill\ndescri").unwrap();
    failed("can't be read: its head has no end, a line of `---`\n");
    fs::set_permissions(&snapshot, Permissions::from_mode(0o000)).unwrap();
    // Root reads it all the same.
    if fs::read(&snapshot).is_err() {
        failed("can't be read: Permission denied");
    }
    fs::remove_file(&snapshot).unwrap();
    symlink("nowhere", &snapshot).unwrap();
    failed("can't be read: No such file or directory");
    fs::remove_file(&snapshot).unwrap();
    fs::create_dir(&snapshot).unwrap();
    failed("can't be read: it is a folder\n");
    fs::remove_dir(&snapshot).unwrap();
    assert!(Command::new("mkfifo").arg(&snapshot).status().unwrap().success());
    failed("can't be read: it is no regular file\n");
}

#[test]
fn an_unreadable_snapshot_of_several_scenarios_fails_those_that_have_none() {
    let session = Session::new().file("two.yaml", format!("{GOOD}---\n{}", other("b")));
    assert_eq!(session.ended("run two.yaml --update", b"").code, 0);
    let session = session.file("two.2.snap", "no head, no title\n");
    let ended = session.ended("run two.yaml", b"");
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    assert!(ended.stdout.contains("passed   two#1"), "{}", ended.stdout);
    let why = "why: the snapshot two.2.snap names no title, so whose it is can't be told\n";
    assert!(ended.stdout.contains(why), "{}", ended.stdout);
}

#[test]
fn a_snapshot_stays_with_its_scenario_wherever_that_stands_in_the_file() {
    let session = kept();
    let in_order = |documents: &[&str]| {
        fs::write(session.folder().join("cases/good.yaml"), documents.join("---\n")).unwrap();
    };
    let counts = |words: &str| {
        let ended = session.ended(words, b"");
        assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
        let told = ended.stdout.lines().find(|line| line.contains("without a snapshot"));
        told.unwrap_or("all have one").to_owned()
    };
    let (first, last) = (other("first"), other("last"));
    in_order(&[GOOD, &last]);
    assert_eq!(counts("run cases"), "1 without a snapshot: `--update` writes one");
    assert_eq!(counts("run cases --update"), "all have one");
    in_order(&[&first, &last, GOOD]);
    assert_eq!(counts("run cases"), "1 without a snapshot: `--update` writes one");
    let before = session.read("cases/good.2.snap");
    assert_eq!(counts("run cases --update"), "all have one");
    assert_eq!(session.read("cases/good.2.snap"), before, "it is the last one's still");
    assert!(session.read("cases/good.1.snap").contains("\"first\""));
    // Each is held to its own: what another shows is none of it.
    let swapped = session.read("cases/good.snap").replace("backups are listed", "first");
    let session = session.file("cases/good.1.snap", swapped);
    let ended = session.ended("run cases", b"");
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    assert!(ended.stdout.contains("failed   good#1"), "{}", ended.stdout);
    assert!(ended.stdout.contains("2 passed, 1 failed"), "{}", ended.stdout);
}

#[test]
fn a_new_snapshot_takes_no_place_that_another_scenario_may_own() {
    let two = format!("{GOOD}---\n{}", other("b"));
    let session = Session::new().file("a.yaml", &two).file("a.1.yaml", other("of its own"));
    assert_eq!(session.ended("run . --update", b"").code, 0);
    assert!(session.read("a.1.snap").contains("\"of its own\""));
    assert_eq!(session.ended("run . --require-snapshots", b"").code, 0);
    // A scenario that can't be read now keeps its snapshot for when it can.
    let (before, broken) = (session.read("a.2.snap"), format!("fier: []\n---\n{}", other("c")));
    let session = session.file("a.yaml", broken);
    assert_eq!(session.ended("run a.yaml --update", b"").code, 2);
    assert_eq!(session.read("a.2.snap"), before);
    let session = session.file("a.yaml", two);
    let ended = session.ended("run . --require-snapshots", b"");
    assert_eq!(ended.code, 2, "the snapshot of `c` is nobody's now: {}", ended.stdout);
    assert!(ended.stdout.contains("3 passed, 0 failed, 0 skipped, 1 refused"), "{}", ended.stdout);
}

#[test]
fn two_scenarios_of_a_file_with_one_title_are_refused() {
    let twice = format!("{GOOD}---\n# Again.\n{GOOD}");
    Session::new()
        .file("twice.yaml", &twice)
        .run("check twice.yaml")
        .run("run twice.yaml")
        .holds("title_given_twice");
}

#[test]
fn a_snapshot_of_no_scenario_is_told() {
    let session = kept();
    let snapshot = session.read("cases/good.snap");
    let renamed = GOOD.replace("backups are listed", "the list of backups");
    session
        .file("cases/gone.snap", &snapshot)
        .file("cases/good.yaml", renamed)
        .run("run cases")
        .run("check cases/good.yaml")
        .run("run cases --require-snapshots")
        .run("run cases --update")
        .holds("snapshot_of_nobody");
}

#[test]
fn only_what_pgdrill_wrote_is_told_where_no_scenario_stands() {
    let session = kept();
    let ours = session.read("cases/good.snap");
    let session = session.file("cases/sub/ours.snap", ours).file("cases/sub/theirs.snap", "x\n");
    let told = session.ended("run cases", b"").stderr;
    assert!(told.contains("at: cases/sub/ours.snap"), "{told}");
    assert!(!told.contains("theirs"), "{told}");
}

/// A run of the scenarios of a session where a CI system says this of itself.
fn in_ci(session: &Session, ci: &str, words: &str) -> Ended {
    let mut command = pgdrill();
    command.args(words.split(' ')).current_dir(session.folder()).env("CI", ci);
    Ended::of(feed(command, GOOD.as_bytes()))
}

#[test]
fn where_a_ci_system_runs_every_scenario_of_a_file_needs_a_snapshot() {
    let session = Session::new().file("good.yaml", GOOD);
    for (ci, code) in [("true", 1), ("1", 1), ("woodpecker", 1), ("false", 0), ("0", 0), ("", 0)] {
        assert_eq!(in_ci(&session, ci, "run good.yaml").code, code, "CI={ci}");
    }
    let ended = in_ci(&session, "true", "run good.yaml --format json");
    assert!(ended.stdout.contains(r#""kind":"no-snapshot""#), "{}", ended.stdout);
    assert_eq!(in_ci(&session, "true", "run -").code, 0, "standard input has no place for one");
    assert_eq!(in_ci(&session, "true", "run").code, 0);
    assert_eq!(in_ci(&session, "true", "run good.yaml --require-snapshots=false").code, 0);
    assert_eq!(in_ci(&session, "false", "run good.yaml --require-snapshots").code, 1);
    assert_eq!(in_ci(&session, "true", "run good.yaml --update").code, 0);
    assert_eq!(in_ci(&session, "true", "run good.yaml").code, 0);
}

#[test]
fn a_bad_entry_of_a_folder_is_refused_and_hides_nothing() {
    let session = Session::new().file("cases/good.yaml", GOOD).file("cases/deep/a.yml", GOOD);
    let cases = session.folder().join("cases");
    symlink("nowhere", cases.join("dangling.yaml")).unwrap();
    symlink("deep", cases.join("folder.yaml")).unwrap();
    let pipe = cases.join("pipe.yaml");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    session.run("run cases").run("check cases").run("run cases/pipe.yaml").holds("bad_entries");
}

#[test]
fn a_folder_that_cannot_be_entered_hides_no_other() {
    let session = Session::new().file("cases/good.yaml", GOOD).file("cases/deep/a.yml", GOOD);
    let deep = session.folder().join("cases/deep");
    fs::set_permissions(&deep, Permissions::from_mode(0o000)).unwrap();
    // Root enters it all the same.
    if fs::read_dir(&deep).is_err() {
        let ended = session.ended("run cases", b"");
        assert_eq!(ended.code, 2, "{}", ended.stdout);
        assert!(ended.stdout.contains("1 passed, 0 failed, 0 skipped, 1 refused"));
        assert!(ended.stderr.contains("at: cases/deep\n"), "{}", ended.stderr);
    }
    fs::set_permissions(&deep, Permissions::from_mode(0o755)).unwrap();
}
