//! No credential is ever shown. Every credential of the fakes says "canary"; nothing that a person or a
//! program can read may say it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::process::Command;

use pgdrill_core::{Amendment, ports::Databag};
use pgdrill_scenarios::{
    Backend, Coverage, Plan, Positions, Run, Source, charts, judge, plan, read_corpus,
    report::{self, CaseEnd, JudgedCase},
    run_all, transcript,
};
use pgdrill_sim::{CredentialsGiven, Given, S3Given, View, World};

const CANARY: &str = "canary";

#[track_caller]
fn hides(what: &str, shown: &str) {
    if let Some(at) = shown.to_lowercase().find(CANARY) {
        let around: String = shown.chars().skip(at.saturating_sub(200)).take(400).collect();
        panic!("{what} shows a credential: …{around}…");
    }
}

/// The plans of the corpus with some amendments off, and their runs.
async fn runs(off: &[Amendment]) -> (Vec<Plan>, Vec<Run>) {
    let scenarios = read_corpus().into_iter().map(|input| input.scenario.unwrap());
    let plans: Vec<Plan> = scenarios.map(|scenario| plan(scenario, off)).collect();
    let runs = run_all(plans.clone(), 2, |_| {}).await;
    (plans, runs)
}

fn ends(plans: &[Plan], runs: &[Run]) -> Vec<CaseEnd> {
    let cases = plans.iter().zip(runs).map(|(plan, run)| JudgedCase {
        source: Source::Embedded,
        switched_off: Vec::new(),
        without: Vec::new(),
        name: plan.title.clone(),
        file: "case.yaml".to_owned(),
        backend: Backend::Memory,
        s3: None,
        plan: plan.clone(),
        run: run.clone(),
        judged: judge(plan, run),
        positions: Positions::default(),
        lacks_snapshot: false,
        took: None,
        ignores_config: false,
    });
    cases.map(|case| CaseEnd::Judged(Box::new(case))).collect()
}

fn reports_hide(what: &str, ends: &[CaseEnd]) {
    let mut coverage = Coverage::of_own_charts();
    for result in report::judged(ends) {
        for step in &result.run.firings {
            let firing = &step.fired.firing;
            coverage.count(&result.name, firing.hook, &firing.trace);
        }
        hides(&format!("{what}: the transcript of {}", result.name), &transcript(&result.run));
        for (part, shown) in [
            ("Debug of the plan", format!("{:?}{:#?}", result.plan, result.plan)),
            ("Debug of the run", format!("{:?}{:#?}", result.run, result.run)),
            ("Debug of the judgement", format!("{:?}", result.judged)),
        ] {
            hides(&format!("{what}: {part} of {}", result.name), &shown);
        }
    }
    for (report, shown) in [
        ("text", report::run_text(ends, Some(&coverage))),
        ("json", report::json_lines(ends)),
        ("junit", report::junit(ends).unwrap()),
        ("run html", report::html::run(ends)),
        ("coverage", report::coverage::text(&coverage)),
        ("coverage json", report::coverage::json(&coverage)),
        ("coverage mermaid", report::coverage::painted(&coverage)),
        ("coverage html", report::coverage::html(&coverage, ends)),
    ] {
        assert!(!shown.is_empty(), "{what}: {report}");
        hides(&format!("{what}: {report}"), &shown);
    }
}

#[tokio::test]
async fn every_credential_of_the_fakes_says_canary() {
    for credentials in [CredentialsGiven::Right, CredentialsGiven::Wrong] {
        let s3 = Some(S3Given { credentials, ..S3Given::default() });
        let world = World::new(&Given { s3, tls: true, ..Given::default() }).shared();
        let unit = View::new(&world, 0).unwrap().ports().unit;
        let relation = unit.s3_relation().await.unwrap().unwrap();
        for secret in [&relation.access_key, &relation.secret_key] {
            let secret = secret.as_ref().unwrap();
            assert!(secret.expose().contains(CANARY), "a credential without its canary");
        }
        hides("Debug of the relation", &format!("{relation:?}{relation:#?}"));
        hides("Debug of the world", &format!("{:?}", world.lock().unwrap()));
        let databag = unit.data(Databag::Application, "stanza").await.unwrap();
        hides("the databag", &format!("{databag:?}"));
    }
}

#[tokio::test]
async fn no_report_and_no_debug_of_the_corpus_shows_a_credential() {
    let (plans, runs) = runs(&[]).await;
    reports_hide("as it is", &ends(&plans, &runs));
}

#[tokio::test]
async fn no_amendment_that_is_switched_off_brings_a_credential_to_light() {
    let (_, as_it_is) = runs(&[]).await;
    let mut changed = 0;
    let mut hidden = async |what: &str, off: &[Amendment]| {
        // A run that is as it was shows what it showed.
        let (plans, runs) = runs(off).await;
        let other = plans.into_iter().zip(runs).zip(&as_it_is);
        let other = other.filter(|((_, run), before)| run != *before).map(|(other, _)| other);
        let (plans, runs): (Vec<Plan>, Vec<Run>) = other.unzip();
        reports_hide(what, &ends(&plans, &runs));
        changed += plans.len();
    };
    for &amendment in Amendment::ALL {
        hidden(amendment.name(), &[amendment]).await;
    }
    hidden("without any amendment", Amendment::ALL).await;
    assert!(changed > 300, "only {changed} runs were others than with every amendment");
}

#[tokio::test]
async fn the_corpus_uses_its_credentials_or_the_silence_would_prove_nothing() {
    let (plans, runs) = runs(&[]).await;
    let related = plans.iter().filter(|plan| plan.given.s3.is_some()).count();
    assert!(related * 2 > plans.len(), "{related} of {} cases have an S3 relation", plans.len());
    let stored = runs.iter().filter(|run| !run.observation.objects.is_empty()).count();
    assert!(stored > 10, "{stored} runs wrote into the bucket");
    assert_eq!(charts().len(), pgdrill_core::Hook::ALL.len());
}

/// Standard output and standard error of the binary.
fn shown(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pgdrill")).args(words).output().unwrap();
    let (stdout, stderr) = (output.stdout, output.stderr);
    String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap()
}

#[test]
fn nothing_that_the_command_prints_or_writes_shows_a_credential() {
    let folder = tempfile::tempdir().unwrap();
    let junit = folder.path().join("junit.xml");
    let mut off: Vec<&str> = Vec::new();
    for amendment in Amendment::ALL {
        off.extend(["--no-amendment", amendment.name()]);
    }
    for amendments in [&[][..], &off] {
        for format in ["text", "json"] {
            let words = ["run", "--format", format, "--junit", junit.to_str().unwrap()];
            hides(format, &shown(&[&words[..], amendments].concat()));
            hides("junit", &std::fs::read_to_string(&junit).unwrap());
        }
    }
    for format in ["text", "json", "mermaid", "html"] {
        hides(format, &shown(&["coverage", "--format", format]));
    }
}
