//! The process that a charm ships: what it passes on, and how it ends.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may panic")]

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

/// The program that a charm ships.
const PROGRAM: &str = env!("CARGO_BIN_EXE_pgdrill-dispatch");

/// The environment of an event, with a charm's folder and no hook tools.
fn dispatch(folder: &Path, program: &Path, path: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("JUJU_DISPATCH_PATH", path)
        .env("JUJU_UNIT_NAME", "postgresql-k8s/0")
        .env("JUJU_MODEL_NAME", "drill")
        .env("JUJU_MODEL_UUID", "5e55104e")
        .env("JUJU_CHARM_DIR", folder);
    command
}

fn run(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command.output().expect("it runs");
    (status.code(), String::from_utf8_lossy(&stderr).into_owned())
}

/// A program that writes down its arguments and environment, and exits with 7.
fn next(folder: &TempDir) -> std::path::PathBuf {
    let path = folder.path().join("next");
    let seen = folder.path().join("seen").display().to_string();
    let script = format!("#!/bin/sh\n{{ echo \"$# arguments\"; env | sort; }} >{seen}\nexit 7\n");
    fs::write(&path, script).expect("written");
    fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("executable");
    path
}

#[test]
fn what_is_not_ours_goes_to_the_next_program_unchanged() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = dispatch(folder.path(), Path::new(PROGRAM), "hooks/config-changed");
    command.env("PGDRILL_NEXT", next(&folder)).env("ODD", "a b\n=c");
    assert_eq!(run(&mut command), (Some(7), String::new()));
    let seen = fs::read_to_string(folder.path().join("seen")).expect("it ran");
    assert!(seen.starts_with("0 arguments\n"), "{seen}");
    for line in ["JUJU_DISPATCH_PATH=hooks/config-changed", "ODD=a b", "=c", "PATH=/usr/bin:/bin"] {
        assert!(seen.lines().any(|seen| seen == line), "{line} is not in {seen}");
    }
}

#[test]
fn without_a_next_program_what_is_not_ours_is_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join("dispatch");
    symlink(PROGRAM, &link).expect("linked");
    // Called by the name that Juju gives it.
    assert_eq!(run(&mut dispatch(folder.path(), &link, "hooks/stop")), (Some(0), String::new()));
    let mut missing = dispatch(folder.path(), &link, "hooks/stop");
    let (code, words) = run(missing.env("PGDRILL_NEXT", "/no/such/program"));
    assert_eq!(code, Some(1));
    assert!(words.contains("/no/such/program"), "{words}");
}

#[test]
fn an_action_that_nobody_does_and_a_call_outside_of_juju_fail_with_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Path::new(PROGRAM);
    let (code, words) = run(&mut dispatch(folder.path(), program, "actions/get-password"));
    assert_eq!(code, Some(1));
    assert!(words.contains("nobody does actions/get-password"), "{words}");
    let mut outside = Command::new(program);
    let (code, words) = run(outside.env_clear());
    assert_eq!(code, Some(1));
    assert!(words.starts_with("pgdrill: JUJU_DISPATCH_PATH is not set"), "{words}");
    let mut passed_on = dispatch(folder.path(), program, "actions/get-password");
    assert_eq!(run(passed_on.env("PGDRILL_NEXT", next(&folder))), (Some(7), String::new()));
}

#[test]
fn a_firing_that_can_t_be_logged_is_told_on_standard_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let tools = folder.path().join("tools");
    fs::create_dir(&tools).expect("made");
    for (tool, script) in [
        ("state-get", "exit 0"),
        ("status-get", "echo ERROR no status >&2; exit 1"),
        ("juju-log", "echo ERROR no log >&2; exit 1"),
    ] {
        let path = tools.join(tool);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("executable");
    }
    let mut command = dispatch(folder.path(), Path::new(PROGRAM), "hooks/update-status");
    command.env("PATH", format!("{}:/usr/bin:/bin", tools.display()));
    let (code, words) = run(&mut command);
    assert_eq!(code, Some(1));
    assert!(words.contains("could not log a firing: ") && words.contains("no log"), "{words}");
    assert!(words.contains("pgdrill: {\"hook\":\"update-status\""), "{words}");
}

#[test]
fn a_hook_without_hook_tools_fails_so_that_juju_brings_it_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = dispatch(folder.path(), Path::new(PROGRAM), "hooks/update-status");
    let (code, words) = run(command.env("PGDRILL_NEXT", next(&folder)));
    assert_eq!(code, Some(1));
    assert!(words.contains("state-get"), "{words}");
    assert!(!folder.path().join("seen").exists(), "the next program had its turn");
    let (code, words) = run(command.env_remove("JUJU_UNIT_NAME"));
    assert_eq!((code, words.as_str()), (Some(1), "pgdrill: JUJU_UNIT_NAME is not set\n"));
}

#[test]
fn what_a_dispatch_says_is_obeyed_by_no_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let evil = "actions/x\u{1b}[2J\u{202e}\u{9b}";
    let (code, words) = run(&mut dispatch(folder.path(), Path::new(PROGRAM), evil));
    assert_eq!(code, Some(1));
    assert!(words.contains(r"nobody does actions/x\u{1b}[2J\u{202e}\u{9b}: "), "{words}");
    let mut missing = dispatch(folder.path(), Path::new(PROGRAM), "hooks/stop");
    let (code, words) = run(missing.env("PGDRILL_NEXT", "/no/such\u{1b}[2J"));
    assert_eq!(
        (code, words.contains(r"/no/such\u{1b}[2J: can't be run")),
        (Some(1), true),
        "{words}"
    );
}

#[test]
fn one_firing_at_a_time_runs_on_a_unit() {
    let folder = tempfile::tempdir().expect("a folder");
    let held = File::create(folder.path().join(".pgdrill-0.lock")).expect("made");
    held.lock().expect("taken");
    let mut command = dispatch(folder.path(), Path::new(PROGRAM), "hooks/update-status");
    let (code, words) = run(&mut command);
    assert_eq!((code, words.as_str()), (Some(1), "pgdrill: another firing runs on unit 0\n"));
}

#[test]
fn a_site_that_can_t_be_read_is_reported_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = folder.path().join("site.json");
    for (content, expected) in [
        (
            r#"{"patroni-template": "/no/such/file.j2"}"#,
            "patroni-template: /no/such/file.j2: No such",
        ),
        (r#"{"patroni-templates": "x"}"#, "unknown field `patroni-templates`, expected one of"),
    ] {
        fs::write(&site, content).expect("written");
        let mut command = dispatch(folder.path(), Path::new(PROGRAM), "hooks/update-status");
        let (code, words) = run(command.env("PGDRILL_SITE", &site));
        assert_eq!(code, Some(1));
        assert!(words.contains("site.json: ") && words.contains(expected), "{words}");
    }
}
