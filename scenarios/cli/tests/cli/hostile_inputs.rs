//! Hostile inputs from printed seeds, each in a process of its own: how it ends, and what it leaves on the disk.
//!
//! `pgdrill-tests` hands each door a thousand within one process. `PGDRILL_HOSTILE_SEED` and `PGDRILL_HOSTILE_COUNT` are as
//! there.

use std::{collections::BTreeSet, fs, time::Duration};

use pgdrill_flow::charts_in_markdown;
use pgdrill_scenarios::{Snapshot, corpus, explain, read_stdin};
use pgdrill_tests::hostile::{Door, Grammar, Opened, Search, search};

use crate::{
    hostile::{in_colour, without_colours},
    session::{Ended, GOOD, PUBLISHED, Session},
};

/// The door withstands its inputs.
#[track_caller]
fn withstands(
    name: &'static str,
    count: u64,
    seeds: Vec<Vec<u8>>,
    open: impl FnMut(&[u8]) -> Opened + Send + 'static,
) {
    #[expect(clippy::disallowed_methods, reason = "whoever searches longer says so here")]
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let asked = Search {
        seed: number("PGDRILL_HOSTILE_SEED").unwrap_or(26_000_000),
        count: number("PGDRILL_HOSTILE_COUNT").unwrap_or(count),
        limit: Duration::from_secs(60),
        mark: None,
    };
    let words = &[
        "scenario",
        "fire",
        "hook",
        "then",
        "description",
        "format",
        "flowchart TD\n",
        "pgdrill: ",
    ];
    let grammar = Grammar::new(seeds, words);
    let seen = search(Door { name, grammar, open: Box::new(open) }, &asked);
    assert!(seen.findings.is_empty(), "{name}: from seed {}: {seen}", asked.seed);
}

/// How a call ended and what it showed.
fn opened(ended: Ended, is_refused: bool) -> Opened {
    let Ended { code, stdout, stderr } = ended;
    let mut opened = Opened { is_refused, code: Some(code), ..Opened::default() };
    opened.shown = vec![without_colours(&stdout), without_colours(&stderr)];
    // 101 is a panic, and a signal has no code.
    if !(0..=4).contains(&code) {
        opened.faults.push(format!("it ends with {code}: {stderr}"));
    }
    if is_refused && stderr.is_empty() && stdout.is_empty() {
        opened.faults.push("nothing is said of a refusal".to_owned());
    }
    opened
}

/// The names of what lies in the folder of a session.
fn names(session: &Session) -> BTreeSet<String> {
    let entries = fs::read_dir(session.folder()).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn what_is_refused_of_a_scenario_is_no_success_and_a_snapshot_is_whole() {
    let seeds = corpus().files.into_iter().map(|(_, content, _)| content).collect();
    withstands("scenario", 50, seeds, |input| {
        let session = Session::new().file("x.yaml", input);
        let is_refused = read_stdin(input).iter().any(|read| read.scenario.is_err());
        let ended = in_colour(&session, &["run", "x.yaml", "--update"], b"");
        let mut opened = opened(ended, is_refused);
        if fs::read(session.folder().join("x.yaml")).unwrap() != input {
            opened.faults.push("the scenario was written to".to_owned());
        }
        for name in names(&session).iter().filter(|name| *name != "x.yaml") {
            let is_snapshot = name.starts_with("x.") && name.ends_with(".snap");
            let read = Snapshot::parse(&fs::read(session.folder().join(name)).unwrap());
            if !is_snapshot || !read.is_ok_and(|read| read.title.is_some()) {
                opened.faults.push(format!("{name} is left, and is no whole snapshot"));
            }
        }
        opened
    });
}

#[test]
fn a_snapshot_stays_as_it_is_or_is_replaced_by_a_whole_one() {
    let right = Session::new().file("a.yaml", GOOD);
    assert_eq!(right.ended("run a.yaml --update", b"").code, 0);
    let right = right.read("a.snap").into_bytes();
    withstands("snapshot", 50, vec![right.clone()], move |input| {
        let session = Session::new().file("a.yaml", GOOD).file("a.snap", input);
        let snapshot = session.folder().join("a.snap");
        let is_refused = Snapshot::parse(input).is_err();
        let mut seen = opened(in_colour(&session, &["run", "a.yaml"], b""), is_refused);
        if fs::read(&snapshot).unwrap() != input {
            seen.faults.push("a run without `--update` wrote".to_owned());
        }
        let updated = opened(in_colour(&session, &["run", "a.yaml", "--update"], b""), false);
        let now = fs::read(&snapshot).unwrap();
        if now != input && now != right {
            seen.faults.push("the snapshot is neither what it was nor the right one".to_owned());
        }
        let left: Vec<String> =
            names(&session).into_iter().filter(|name| name.contains(".tmp")).collect();
        seen.faults.extend(left);
        seen.shown.extend(updated.shown);
        seen.faults.extend(updated.faults);
        seen
    });
}

#[test]
fn a_file_without_a_chart_is_no_success() {
    let small = "# create-backup\n```mermaid\nflowchart TD\n a[a] -- yes --> b{b}\n```\n";
    let seeds = vec![PUBLISHED.as_bytes().to_vec(), small.as_bytes().to_vec()];
    // Each call runs the whole corpus.
    withstands("chart", 12, seeds, |input| {
        let session = Session::new().file("x.md", input);
        let text = std::str::from_utf8(input);
        let is_refused = text.map_or(true, |text| charts_in_markdown(text, "x").charts.is_empty());
        opened(in_colour(&session, &["coverage", "--charts", "x.md"], b""), is_refused)
    });
}

#[test]
fn a_log_that_tells_of_nothing_is_no_success() {
    let line = r#"x pgdrill: {"hook":"list-backups","outcome":"failed","message":"no","trace":"hook_fired"}"#;
    withstands("log", 50, vec![format!("noise\n{line}\n").into_bytes()], |input| {
        let session = Session::new().file("x.log", input);
        let is_refused = explain(&String::from_utf8_lossy(input)).is_empty();
        opened(in_colour(&session, &["explain", "x.log"], b""), is_refused)
    });
}
