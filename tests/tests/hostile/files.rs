//! The files that the command reads: scenarios, snapshots, charts and logs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use pgdrill_core::{FiringLine, Hook};
use pgdrill_flow::charts_in_markdown;
use pgdrill_scenarios::{
    Backend, Coverage, Explainer, Input, Outdated, Plan, Run, ScenarioFiles, Snapshot, corpus,
    judge, plan, read_stdin, read_text,
    report::{self, CaseEnd, JudgedCase},
    run, template,
};
use pgdrill_tests::hostile::{Door, Grammar, Opened};
use tokio::runtime::Runtime;

use super::withstands;

/// What is shown, without the colours that are ours.
fn shown(opened: &mut Opened, text: &str) {
    let ours = ["0m", "1m", "4m", "31m", "32m", "33m"];
    let plain =
        ours.iter().fold(text.to_owned(), |text, code| text.replace(&format!("\u{1b}[{code}"), ""));
    opened.shown.push(plain);
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

/// Every report of how scenarios ended.
fn reports(opened: &mut Opened, ends: &[CaseEnd]) {
    shown(opened, &report::run_text(ends, None));
    shown(opened, &report::json_lines(ends));
    match report::junit(ends) {
        Ok(xml) => shown(opened, &xml),
        Err(why) => opened.faults.push(format!("no JUnit: {why}")),
    }
}

const WORDS: &[&str] = &[
    "scenario",
    "given",
    "fire",
    "then",
    "meanwhile",
    "known",
    "without",
    "covers",
    "hook",
    "unit",
    "all",
    "units",
    "tls",
    "leader",
    "primary",
    "s3",
    "stanza",
    "backups",
    "statuses",
    "params",
    "settle",
    "true",
    "create-backup",
    "list-backups",
    "restore",
    "update-status",
    "s3-credentials-changed",
    "certificates-changed",
    "outcome",
    "message",
    "results",
    "objects",
    "before",
    "after",
    "seed",
    "lost",
    "damage",
    "repository",
    "full",
    "failed",
    "0",
    "9",
    "10",
    "${stanza}",
    "${backup-1}",
];

fn scenario_door() -> Door {
    let mut seeds: Vec<Vec<u8>> =
        corpus().files.into_iter().map(|(_, content, _)| content).collect();
    seeds.extend(Hook::ALL.iter().map(|hook| template(*hook).into_bytes()));
    let runtime = runtime();
    let open = move |input: &[u8]| {
        let mut opened = Opened::default();
        let mut ends = Vec::new();
        for input in read_stdin(input) {
            ends.push(match &input.scenario {
                Err(refusal) => {
                    opened.is_refused = true;
                    opened.shown.extend(refusal.faults().map(ToString::to_string));
                    CaseEnd::Refused { name: input.name.clone(), refusal: refusal.clone() }
                }
                Ok(scenario) => {
                    let plan = plan(scenario.clone(), &[]);
                    let run = runtime.block_on(run(&plan));
                    let case = JudgedCase::new(&input, plan, run, Backend::Memory, None);
                    CaseEnd::Judged(Box::new(case))
                }
            });
        }
        reports(&mut opened, &ends);
        opened
    };
    Door { name: "scenario", grammar: Grammar::new(seeds, WORDS), open: Box::new(open) }
}

#[test]
fn scenarios() {
    withstands(scenario_door());
}

const LISTED: &str = "scenario: backups are listed\n\
    given: { s3: { related: true }, stanza: initialised, backups: [full] }\n\
    fire: [{ hook: list-backups }]\n";

/// A scenario that passes, and its run.
fn listed() -> (Plan, Run) {
    let scenario = read_text(LISTED.as_bytes(), "a.yaml").remove(0).expect("right");
    let plan = plan(scenario, &[]);
    let run = runtime().block_on(run(&plan));
    assert_eq!(judge(&plan, &run).verdict.name(), "passed");
    (plan, run)
}

/// The one input of a file beside a snapshot.
fn beside(path: &Path, opened: &mut Opened) -> Input {
    let mut files = ScenarioFiles::default();
    let input = files.read(path).expect("readable").remove(0);
    opened.shown.extend(files.orphans().iter().map(ToString::to_string));
    input
}

fn snapshot_door() -> Door {
    let folder = tempfile::tempdir().expect("a folder");
    let (scenario, snapshot) = (folder.path().join("a.yaml"), folder.path().join("a.snap"));
    fs::write(&scenario, LISTED).expect("written");
    let (plan, run) = listed();
    let right = Snapshot::file(&plan.title, &pgdrill_scenarios::transcript(&run));
    let mut seeds = vec![right.into_bytes(); 40];
    seeds.extend(corpus().files.into_iter().filter_map(|(_, _, snapshot)| snapshot).take(40));
    let open = move |bytes: &[u8]| {
        let (mut opened, _) = (Opened::default(), &folder);
        fs::write(&snapshot, bytes).expect("written");
        let input = beside(&scenario, &mut opened);
        opened.is_refused = input.snapshot.is_err();
        let mut case = JudgedCase::new(&input, plan.clone(), run.clone(), Backend::Memory, None);
        let ends = [CaseEnd::Judged(Box::new(case.clone()))];
        shown(&mut opened, &report::run_text(&ends, None));
        if bytes.len().is_multiple_of(10) {
            reports(&mut opened, &ends);
        }
        // What `--update` would write is read as what was meant.
        let written = case.accept().map(|transcript| {
            let read = Snapshot::parse(Snapshot::file(&plan.title, &transcript).as_bytes());
            read.map(|read| read.outdated(&transcript))
        });
        if !matches!(written, Some(Ok(Outdated::No))) {
            opened.faults.push(format!("`--update` writes what is read otherwise: {written:?}"));
        }
        opened
    };
    let words = &["---", "source: pgdrill", "description", "format", "passed", "=>", "unit 0"];
    Door { name: "snapshot", grammar: Grammar::new(seeds, words), open: Box::new(open) }
}

#[test]
fn snapshots() {
    withstands(snapshot_door());
}

/// Drawings of small size in the forms that are in use, and those of this project.
fn drawings() -> Vec<Vec<u8>> {
    let core = concat!(env!("CARGO_MANIFEST_DIR"), "/../core");
    let fuzz = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/charts");
    let folders = [format!("{core}/charts"), format!("{core}/tests/fixtures"), fuzz.to_owned()];
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).expect("a folder"));
    let mut paths: Vec<PathBuf> = files.map(|entry| entry.expect("listed").path()).collect();
    paths.sort_unstable();
    paths.iter().map(|path| fs::read(path).expect("read")).collect()
}

const DRAWN: &[&str] = &[
    "flowchart TD\n",
    "graph LR;",
    "```mermaid\n",
    "```",
    "~~~",
    ":::{mermaid}\n",
    "## create-backup\n",
    "-->",
    "-.->",
    "==>",
    "---",
    "|yes|",
    "[x]",
    "{x}",
    "(x)",
    "((x))",
    "[[x]]",
    "@{ shape: hex }",
    "&",
    "%%",
    "%%{init}%%",
    "subgraph x\n",
    "end\n",
    "#27;",
    "#x1b;",
    "#8238;",
    "#quot;",
    "<br/>",
    "classDef x fill:#f00\n",
    ":::",
    "<!--",
    "-->",
    "click a href \"javascript:alert(1)\"\n",
    "> ",
    "    ",
    "1. ",
    "hook_fired",
    "is_blocked",
    "no",
    "yes",
];

fn chart_door() -> Door {
    let open = |bytes: &[u8]| {
        let mut opened = Opened::default();
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Opened { is_refused: true, ..opened };
        };
        let document = charts_in_markdown(text, "x.md");
        let complaints = document.warnings.iter().chain(&document.errors);
        opened.shown.extend(complaints.map(ToString::to_string));
        opened.is_refused = document.charts.is_empty();
        let coverage = Coverage::of_document(document);
        let _ = (coverage.foreign(), coverage.is_complete());
        shown(&mut opened, &report::coverage::text(&coverage));
        shown(&mut opened, &report::coverage::json(&coverage));
        shown(&mut opened, &report::coverage::painted(&coverage));
        // The page takes ten times as long as the rest.
        if bytes.len().is_multiple_of(20) {
            shown(&mut opened, &report::coverage::html(&coverage, &[]));
        }
        opened
    };
    Door { name: "chart", grammar: Grammar::new(drawings(), DRAWN), open: Box::new(open) }
}

#[test]
fn charts() {
    withstands(chart_door());
}

/// What Juju's log has of the runs of some cases, between other lines.
fn logs() -> Vec<Vec<u8>> {
    let runtime = runtime();
    let mut logs = Vec::new();
    for (name, content, _) in corpus().files.into_iter().step_by(9) {
        let mut log = String::from("unit-postgresql-k8s-0: 03:12:01 INFO juju.worker started\n");
        for scenario in read_text(&content, &name) {
            let plan = plan(scenario.expect("right"), &[]);
            for step in runtime.block_on(run(&plan)).firings {
                let line = FiringLine { firing: step.fired.firing, is_refired: false };
                log.push_str(&format!(
                    "unit-postgresql-k8s-0: 03:12:07 {} unit.postgresql-k8s/0.juju-log {}\n",
                    line.level(),
                    line.line()
                ));
            }
        }
        // The mutations of JSON take the first that they find to the last.
        logs.extend(log.lines().map(|line| line.as_bytes().to_vec()));
        logs.push(log.into_bytes());
    }
    logs
}

fn log_door() -> Door {
    let open = |bytes: &[u8]| {
        let (mut opened, mut explainer) = (Opened::default(), Explainer::default());
        for line in bytes.split(|byte| *byte == b'\n') {
            opened.shown.extend(explainer.line(&String::from_utf8_lossy(line)));
        }
        opened.is_refused = explainer.firings() == 0;
        opened
    };
    let words = &[
        "pgdrill: ",
        "\"hook\":",
        "\"trace\":",
        "\"outcome\":",
        "\"causes\":",
        " > ",
        "hook_fired",
        "[",
        "]",
    ];
    Door { name: "log", grammar: Grammar::new(logs(), words), open: Box::new(open) }
}

#[test]
fn logs_of_juju() {
    withstands(log_door());
}
