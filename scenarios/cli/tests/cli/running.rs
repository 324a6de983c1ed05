//! How scenarios run: until the first that fails, for so long, with times; and what CI systems and terminals are told.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::session::{Ended, GOOD, Session, ended, feed, pgdrill};

const FAILING: &str = "\
scenario: a backup that is said to fail, 100 %
given: { s3: { related: true }, stanza: initialised }
fire:
  - hook: create-backup
then: { outcome: failed }
";

/// Calls `pgdrill` in the folder of a session, with these variables.
fn ended_with(session: &Session, words: &str, variables: &[(&str, &str)]) -> Ended {
    let mut command = pgdrill();
    command.args(words.split_whitespace()).current_dir(session.folder());
    command.envs(variables.iter().copied());
    Ended::of(feed(command, b""))
}

fn three() -> Session {
    Session::new().file("a.yaml", GOOD).file("b.yaml", FAILING).file("c.yaml", GOOD)
}

#[test]
fn how_long_each_took_is_told_where_it_is_asked_for_and_nowhere_else() {
    let session = Session::new().file("good.yaml", GOOD);
    let timed = session.ended("run good.yaml --times --junit report.xml", b"");
    let row = timed.stdout.lines().next().unwrap();
    let took = row.strip_prefix("passed   good  finished  (").unwrap().strip_suffix(" s)").unwrap();
    assert!(took.parse::<f64>().is_ok_and(|took| took > 0.0), "{row}");
    assert_eq!(session.read("report.xml").matches(" time=\"").count(), 2);
    let seconds = |words: &str| {
        let line: Value = serde_json::from_str(session.ended(words, b"").stdout.trim()).unwrap();
        line["seconds"].as_f64()
    };
    assert!(seconds("run good.yaml --times --format json").is_some_and(|took| took > 0.0));
    assert_eq!(seconds("run good.yaml --format json"), None);
    let untimed = session.ended("run good.yaml --junit report.xml", b"");
    assert!(untimed.stdout.starts_with("passed   good  finished\n"), "{}", untimed.stdout);
    assert!(!session.read("report.xml").contains("time="));
}

#[test]
fn nothing_begins_after_the_first_that_failed_where_that_is_asked_for() {
    three().run("run . --fail-fast --junit report.xml").show("report.xml").holds("fail_fast");
}

#[test]
fn what_was_not_run_is_told_to_programs_and_depends_on_no_number_of_jobs() {
    let session = three();
    let shown: BTreeSet<String> = ["1", "2", "8"]
        .map(|jobs| session.ended(&format!("run . --fail-fast --jobs {jobs} --format json"), b""))
        .map(|ended| ended.stdout)
        .into();
    assert_eq!(shown.len(), 1, "{shown:?}");
    let lines = shown.first().unwrap().lines();
    let verdicts = lines.map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        format!("{} {}", line["name"].as_str().unwrap(), line["verdict"].as_str().unwrap())
    });
    assert_eq!(verdicts.collect::<Vec<_>>(), ["a passed", "b failed", "c not-run"]);
}

#[test]
fn what_the_user_counts_as_failed_stops_the_others_and_what_is_mended_does_not() {
    let session = Session::new().file("a.yaml", GOOD).file("b.yaml", GOOD);
    let required = session.ended("run . --fail-fast --require-snapshots", b"");
    assert_eq!(required.code, 1);
    assert!(required.stdout.ends_with("0 passed, 1 failed, 0 skipped, 1 not run\n"));
    let updated = session.ended("run . --fail-fast --require-snapshots --update", b"");
    assert_eq!(updated.code, 0, "{}", updated.stdout);
    let right = session.read("a.snap");
    let session = session.file("a.snap", right.replace("finished", "failed"));
    assert_eq!(session.ended("run . --fail-fast", b"").code, 1);
    let mended = session.ended("run . --fail-fast --update", b"");
    assert!(mended.stdout.ends_with("2 passed, 0 failed, 0 skipped\n"), "{}", mended.stdout);
}

/// No law is missed of cases that were not run.
#[test]
fn of_the_cases_that_come_with_pgdrill_the_rest_is_only_counted() {
    let ended = ended("run --fail-fast -q --no-amendment restore-needs-s3");
    assert_eq!((ended.code, ended.stderr.as_str()), (1, ""));
    let last = ended.stdout.lines().last().unwrap();
    assert!(last.contains(" 1 failed, ") && last.ends_with(" not run"), "{last}");
}

#[test]
fn what_takes_too_long_fails_for_one_reason_and_the_others_run() {
    Session::new()
        .file("a.yaml", GOOD)
        .file("b.yaml", FAILING)
        .run("run . --timeout 1ns")
        .run("run a.yaml --timeout 1h")
        .run("run a.yaml --timeout 90")
        .run("run a.yaml --timeout 0s")
        .holds("timeout");
    let session = Session::new().file("a.yaml", GOOD);
    assert_eq!(session.ended("run a.yaml --update", b"").code, 0);
    // Its snapshot is no second reason.
    let late = session.ended("run a.yaml --timeout 1ns --format json", b"");
    let line: Value = serde_json::from_str(late.stdout.trim()).unwrap();
    assert_eq!(line["reason"], "took longer than 1ns");
    assert_eq!(line["reasons"][0]["kind"], "took-longer");
    assert_eq!(line["reasons"][0]["at"]["path"], "fire/0");
}

#[test]
fn github_is_told_where_what_is_wrong_stands() {
    let beside = "---\nsource: pgdrill\ndescription: somebody else\n---\nnothing\n";
    three()
        .file("d.yaml", GOOD.replace("list-backups", "list-backup"))
        .file("stray.snap", beside)
        .run("run . -q --github")
        .run_with("run - -q --github", FAILING)
        .run("run . --github --format json")
        .holds("github");
    // Where it is not asked for, it is not done.
    let session = Session::new().file("b.yaml", FAILING);
    let actions = [("GITHUB_ACTIONS", "true"), ("CI", "true")];
    let ended = ended_with(&session, "run b.yaml", &actions);
    assert!(!ended.stdout.contains("::error"), "{}", ended.stdout);
}

#[test]
fn whoever_writes_snapshots_where_nobody_reads_them_is_warned() {
    let session = Session::new().file("a.yaml", GOOD);
    let warned = ended_with(&session, "run a.yaml --update --github", &[("CI", "true")]);
    assert_eq!(warned.code, 0);
    let what =
        "`--update` writes snapshots that nobody has read: the environment variable CI is set";
    assert!(warned.stderr.starts_with(&format!("warning: {what}\n")), "{}", warned.stderr);
    assert!(
        warned.stdout.contains(&format!("::warning title=pgdrill::{what}")),
        "{}",
        warned.stdout
    );
    for variables in [&[][..], &[("CI", "false")]] {
        let silent = ended_with(&session, "run a.yaml --update", variables);
        assert_eq!(silent.stderr, "0 snapshots written\n");
    }
}

#[test]
fn colours_are_as_the_user_wants_them_and_else_as_the_environment() {
    let session = Session::new().file("a.yaml", GOOD);
    let is_coloured = |words: &str, variables: &[(&str, &str)]| {
        let ended = ended_with(&session, words, variables);
        (ended.stdout + &ended.stderr).contains('\u{1b}')
    };
    let (none, forced) = ([("NO_COLOR", "1")], [("CLICOLOR_FORCE", "1")]);
    assert!(!is_coloured("run a.yaml", &[]));
    assert!(!is_coloured("run a.yaml --color auto", &[]));
    assert!(is_coloured("run a.yaml --color auto", &forced));
    assert!(is_coloured("run a.yaml --color always", &none));
    assert!(is_coloured("a.yaml --color always", &[]));
    assert!(!is_coloured("run a.yaml --color never", &forced));
    // What the command line's reader says, too.
    assert!(is_coloured("help run --color always", &[]));
    assert!(!is_coloured("help run --color=never", &forced));
    assert!(is_coloured("run --no-such-option --color always", &[]));
    assert!(!is_coloured("run --no-such-option --color never", &forced));
    assert_eq!(session.ended("run a.yaml --color sometimes", b"").code, 2);
}
