//! Output that is the same from run to run, plain where nobody sees colours, and whole or gone.

use std::{
    fs::OpenOptions,
    io::Read as _,
    process::{Command, Stdio},
};

use crate::session::{GOOD, Session, ended, feed, pgdrill};

const REPORTS: &[&str] = &[
    "run",
    "run --format json",
    "run --no-amendment cleanup-survives-errors",
    "coverage",
    "coverage --format json",
    "coverage --format mermaid",
    "coverage --format html",
    "coverage --chart restore --format svg",
    "list",
    "schema",
];

#[test]
fn the_same_call_twice_shows_the_same_bytes() {
    for words in REPORTS {
        let (once, again) = (ended(words), ended(words));
        assert_eq!(once.code, again.code, "{words}");
        assert!(once.stdout == again.stdout, "{words} shows something else the second time");
        assert_eq!(once.stderr, again.stderr, "{words}");
    }
}

#[test]
fn the_number_of_jobs_changes_nothing() {
    for words in ["run", "run --format json", "run --no-amendment replica-ends-active"] {
        let (one, eight) =
            (ended(&format!("{words} --jobs 1")), ended(&format!("{words} --jobs 8")));
        assert_eq!(one.code, eight.code, "{words}");
        assert!(one.stdout == eight.stdout, "{words} depends on the number of jobs");
        let session = Session::new();
        for jobs in [1, 8] {
            session.ended(&format!("{words} --jobs {jobs} --junit {jobs}.xml"), b"");
        }
        assert!(
            session.read("1.xml") == session.read("8.xml"),
            "{words}: the JUnit reports differ"
        );
    }
}

#[test]
fn what_is_piped_has_no_colour() {
    let failing =
        "scenario: x\nfire: [{ hook: restore }]\nthen: { outcome: finished }\n---\nfier: 1\n";
    for words in
        ["run -", "check -", "run - --format json", "--help", "coverage", "run --format xml"]
    {
        let mut no_color = pgdrill();
        no_color.args(words.split(' ')).env("NO_COLOR", "1").env("TERM", "xterm-256color");
        let mut piped = pgdrill();
        piped.args(words.split(' ')).env("TERM", "xterm-256color");
        for command in [no_color, piped] {
            let output = feed(command, failing.as_bytes());
            assert!(!output.stdout.contains(&0x1b), "{words}");
            assert!(!output.stderr.contains(&0x1b), "{words}");
        }
    }
}

#[test]
fn colour_can_be_forced_and_no_color_is_obeyed_even_then() {
    let colours = |set: &[(&str, &str)]| {
        let mut command = pgdrill();
        command.args(["run", "-"]).envs(set.iter().copied());
        feed(command, GOOD.as_bytes()).stdout.contains(&0x1b)
    };
    assert!(colours(&[("CLICOLOR_FORCE", "1")]), "else the test above proves nothing");
    assert!(!colours(&[]));
    assert!(!colours(&[("NO_COLOR", "1")]));
}

/// The exit code and standard error of a call whose reader goes away after the first bytes.
fn cut_off(words: &str) -> (Option<i32>, String) {
    let mut command = pgdrill();
    command.args(words.split(' ')).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut first = [0; 1];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    for words in ["run --format json", "coverage --format html", "coverage --format json", "schema"]
    {
        assert_eq!(cut_off(words), (Some(0), String::new()), "{words}");
    }
    let (code, stderr) = cut_off("run --format json --no-amendment reopen-what-was-blocked");
    assert_eq!((code, stderr.as_str()), (Some(1), ""), "the verdict stands");
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_is_said_and_is_no_success() {
    for words in ["run", "list", "schema", "coverage --format html"] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command: Command = pgdrill();
        command.args(words.split(' ')).stdin(Stdio::null()).stdout(full).stderr(Stdio::piped());
        let output = command.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words}: {stderr}");
        assert!(stderr.starts_with("error: can't be written: No space left"), "{words}: {stderr}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn help_that_cannot_be_written_is_said_and_is_no_success() {
    for words in ["--help", "--version", "run --help", "help check"] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command: Command = pgdrill();
        command.args(words.split(' ')).stdin(Stdio::null()).stdout(full).stderr(Stdio::piped());
        let output = command.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{words}: {stderr}");
        assert!(stderr.starts_with("error: can't be written: No space left"), "{words}: {stderr}");
    }
}
