//! Reasons are data: each has a kind, a text for people, and a place in the file, the run and the chart.

#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use pgdrill_core::{Diagnostic, Hook, Shape, WalkError};
use pgdrill_scenarios::{
    Backend, Cause, FiringRef, Input, Law, Location, Prevented, Reason, Skip, Snapshot, Source,
    Verdict, plan, read_stdin,
    report::{CaseEnd, JudgedCase, json_lines},
    run, run_in, transcript,
};
use serde_json::Value;

fn input(text: &str) -> Input {
    read_stdin(text.as_bytes()).remove(0)
}

fn run_now<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn judged(input: &Input) -> JudgedCase {
    let plan = plan(input.scenario.clone().expect("readable"), &[]);
    let run = run_now(run(&plan));
    JudgedCase::new(input, plan, run, Backend::Memory, None)
}

/// What the JSON report says of the reasons of a case.
fn reported(case: JudgedCase) -> Vec<Value> {
    let line = json_lines(&[CaseEnd::Judged(Box::new(case))]);
    let mut object: Value = serde_json::from_str(&line).expect("one object");
    serde_json::from_value(object["reasons"].take()).expect("a list")
}

/// Each reason of a case as `kind path line:column firing hook unit shape`.
fn places(case: JudgedCase) -> Vec<String> {
    let word = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            other.to_string()
        }
    };
    let row = |reason: &Value| {
        let at = |key: &str| word(&reason["at"][key]);
        let (kind, line, column) = (word(&reason["kind"]), at("line"), at("column"));
        let (path, firing, hook) = (at("path"), at("firing"), at("hook"));
        format!("{kind} {path} {line}:{column} {firing} {hook} {} {}", at("unit"), at("shape"))
    };
    reported(case).iter().map(row).collect()
}

const FAILING: &str = "\
# A comment moves everything down by a line.
scenario: a restore without an id succeeds
covers: [create-backup/fail_action, restore/fail_action]
fire:
  - do: { leader-moves-to: 0 }
  - hook: restore
    meanwhile:
      - { at: fail_action, do: { primary-moves-to: 0 } }
      - { at: set_maintenance, do: { primary-moves-to: 0 } }
then:
  outcome: finished
  message: restore started
  statuses: { 0: maintenance }
  damage: [{ left-closed: 0 }]
";

#[test]
fn every_reason_is_reported_with_its_kind_and_its_place() {
    let expected = [
        "law-kept then/damage/0 14:12 - - 0 -",
        "missed-injection fire/1/meanwhile/1 9:9 1 restore 0 set_maintenance",
        "not-covered covers/0 3:10 - create-backup - fail_action",
        "unexpected-outcome then/outcome 11:12 1 restore 0 -",
        "unexpected-message then/message 12:12 1 restore 0 -",
        "unexpected-status then/statuses/0 13:18 - - 0 -",
    ];
    assert_eq!(places(judged(&input(FAILING))), expected);
}

const FAILING_STEP: &str = "\
scenario: a restore without an id succeeds
fire:
  - hook: restore
    unit: all
    then:
      outcome: finished
      message: restore started
      results: { restore-status: restore started }
      statuses: { 0: { name: maintenance, message: x } }
      connections: { 0: refused }
      services: { 0: { database: stopped, tls-server: running } }
      primary: none
      backups: [full]
      objects:
        a/b~c: present
      not-visited:
        - restore/fail_action
";

#[test]
fn every_reason_of_a_step_is_reported_with_its_place_in_the_step() {
    let expected = [
        "unexpected-outcome fire/0/then/outcome 6:16 1 restore 0 -",
        "unexpected-message fire/0/then/message 7:16 1 restore 0 -",
        "unexpected-result fire/0/then/results/restore-status 8:34 1 restore 0 -",
        "unexpected-status fire/0/then/statuses/0 9:19 - - 0 -",
        "unexpected-connections fire/0/then/connections/0 10:25 - - 0 -",
        "unexpected-service fire/0/then/services/0/database 11:34 - - 0 -",
        "unexpected-service fire/0/then/services/0/tls-server 11:55 - - 0 -",
        "unexpected-primary fire/0/then/primary 12:16 - - - -",
        "unexpected-backups fire/0/then/backups 13:7 - - - -",
        "unexpected-objects fire/0/then/objects/a~1b~0c 15:16 - - - -",
        "unexpected-visit fire/0/then/not-visited/0 17:11 1 restore 0 fail_action",
    ];
    assert_eq!(places(judged(&input(FAILING_STEP))), expected);
}

#[test]
fn a_case_that_passed_has_no_reason() {
    let text = "scenario: x\nfire: [{ hook: list-backups }]\nthen: { outcome: failed }";
    assert_eq!(reported(judged(&input(text))), Vec::<Value>::new());
}

#[test]
fn damage_is_reported_at_the_firing_that_did_it() {
    let mut input = input("scenario: x\nfire: [{ hook: list-backups }]\n");
    let name = "amendments/offline-database-fails-action-off";
    let case = pgdrill_scenarios::read_corpus().into_iter().find(|case| case.name == name);
    input.scenario = case.expect("the case").scenario;
    let mut plan = plan(input.scenario.clone().expect("readable"), &[]);
    assert!(!plan.then.damage.is_empty());
    plan.then.damage.clear();
    let ran = run_now(run(&plan));
    let case = JudgedCase::new(&input, plan, ran, Backend::Memory, None);
    let Verdict::Failed(reasons) = case.verdict() else { panic!("{:?}", case.verdict()) };
    let Some(Reason::LawBroken(broken)) = reasons.first() else { panic!("{reasons:?}") };
    let Some((firing, Some(shape))) = broken.by else { panic!("{broken:?}") };
    assert_eq!((firing.hook, Some(firing.unit)), (Hook::CreateBackup, broken.unit));
    let first = "is_primary_tls_enabled_multiple_unit_cluster";
    assert_eq!((broken.law, shape.id()), (Law::UnitInError, first));
    let location = reasons[0].location();
    let path = format!("fire/{}", firing.step);
    assert_eq!((location.path, location.shape), (Some(path), Some(shape)));
}

/// A place that can't do anything.
struct Nowhere(Prevented);

#[async_trait::async_trait]
impl pgdrill_scenarios::Testbed for Nowhere {
    async fn happen(&self, _: &pgdrill_sim::Change) -> Result<(), Prevented> {
        Ok(())
    }

    async fn deliver(
        &self,
        _: &pgdrill_sim::Event,
        _: pgdrill_core::Amendments,
        _: &[pgdrill_sim::Injection],
        _: Option<pgdrill_sim::Part>,
    ) -> Result<pgdrill_scenarios::Delivered, Prevented> {
        Err(self.0.clone())
    }

    async fn backups(&self) -> Result<pgdrill_sim::Shelf<pgdrill_sim::BackupSeen>, Prevented> {
        Ok(pgdrill_sim::Shelf::default())
    }

    async fn observe(&self) -> Result<pgdrill_sim::Observation, Prevented> {
        Err(self.0.clone())
    }

    fn is_watched(&self) -> bool {
        false
    }

    async fn undo_faults(&self) -> Result<(), Prevented> {
        Ok(())
    }

    async fn owed(&self, _: u32) -> Result<Vec<Hook>, Prevented> {
        Err(self.0.clone())
    }

    async fn pass_time(&self) -> Result<(), Prevented> {
        Err(self.0.clone())
    }

    async fn copy(&self) -> Option<pgdrill_sim::World> {
        None
    }
}

#[test]
fn a_run_that_ended_early_is_reported_at_its_step() {
    // What is expected after it was not decided.
    let text = "scenario: x\nfire:\n  - do: { leader-moves-to: 0 }\n  - hook: list-backups\n    \
                then: { outcome: finished }\nthen: { statuses: { 0: blocked } }\n";
    let input = input(text);
    let plan = plan(input.scenario.clone().expect("readable"), &[]);
    let complaint = Box::new(Diagnostic::error("unit-0", "it is dead").hint("revive it"));
    let broken = Prevented::Broken(Cause::from(complaint.clone()));
    for (why, kind, shown) in [
        (Prevented::Unable("no policy".into()), "unable", "no policy".to_owned()),
        (broken, "broken", complaint.to_string()),
    ] {
        let run = run_now(run_in(&Nowhere(why), &plan));
        let mut case = JudgedCase::new(&input, plan.clone(), run, Backend::Memory, None);
        let reasons = reported(case.clone());
        assert_eq!((&reasons[0]["kind"], reasons.len()), (&kind.into(), 1));
        assert_eq!(reasons[0]["text"], shown);
        assert_eq!(places(case.clone())[0], format!("{kind} fire/1 4:5 - - - -"));
        case.require();
        let required = if kind == "unable" { "skipped-but-required" } else { "broken" };
        assert_eq!(reported(case)[0]["kind"], required);
    }
}

/// A snapshot has `<cause>` in its place.
#[test]
fn a_cause_that_a_snapshot_does_not_hold_is_told_where_the_run_differs() {
    let text = include_str!("../cases/restore/database-does-not-stop.yaml");
    let mut input = input(text);
    input.snapshot = Ok(Some(Snapshot::parse(b"another run").expect("readable")));
    let reasons = judged(&input).verdict().reasons();
    let told: Vec<&str> = reasons[0].lines().filter(|line| line.starts_with("in full: ")).collect();
    let [told] = told.as_slice() else { panic!("{reasons:?}") };
    let cause = told.strip_prefix("in full: => Failed to stop database service with error: ");
    assert!(cause.is_some_and(|cause| cause == "the service did not stop in time"), "{told}");
    // What the snapshot holds, too, is no news.
    let otherwise = transcript(&judged(&input).run) + "one line more\n";
    input.snapshot = Ok(Some(Snapshot::parse(otherwise.as_bytes()).expect("readable")));
    let reasons = judged(&input).verdict().reasons();
    assert!(
        reasons[0].contains("-one line more") && !reasons[0].contains("in full"),
        "{reasons:?}"
    );
}

#[test]
fn accepting_a_run_drops_the_difference_from_its_snapshot_and_nothing_that_reads_like_it() {
    let mut input = input("scenario: x\nfire: [{ hook: list-backups }]\n");
    input.source = Source::File("x.snap".into());
    input.snapshot = Ok(Some(Snapshot::parse(b"another run").expect("readable")));
    let mut case = judged(&input);
    let Verdict::Failed(reasons) = case.verdict() else { panic!("{:?}", case.verdict()) };
    let text = reasons[0].to_string();
    assert_eq!(reasons[0].kind(), "snapshot-differs");
    assert_eq!(case.accept(), Some(transcript(&case.run)));
    assert_eq!(*case.verdict(), Verdict::Passed);
    let alike = Reason::Broken { cause: Cause::Text(text), step: None };
    case.judged.verdict.fail(alike.clone());
    assert_eq!(case.accept(), None);
    assert_eq!(*case.verdict(), Verdict::Failed(vec![alike]));
}

#[test]
fn the_texts_that_a_scenario_can_hardly_bring_about_are_these() {
    let firing = FiringRef { number: 2, hook: Hook::Restore, unit: 1, step: 3 };
    let error = WalkError::NoStart { chart: "restore".into() };
    let differs = |can_update| Reason::SnapshotDiffers {
        difference: "-a\n+b".into(),
        in_full: Vec::new(),
        can_update,
    };
    let with_causes = |difference: &str| Reason::SnapshotDiffers {
        difference: difference.into(),
        in_full: vec!["  => failed with error: it did not stop".into(), "b: c".into()],
        can_update: false,
    };
    for (reason, text) in [
        (
            Reason::OffChart { firing, error: Some(error) },
            "firing 2 leaves its chart: the trace does not begin where chart restore does",
        ),
        (
            Reason::OffChart { firing, error: None },
            "firing 2 leaves its chart: there is no chart restore",
        ),
        (
            Reason::StopsEarly { firing, at: Shape::Start },
            "firing 2 stops at hook_fired, where its chart goes on",
        ),
        (
            differs(true),
            "the run differs from its snapshot; if the run is right, `--update` writes it anew\n-a\n+b",
        ),
        (differs(false), "the run differs from its snapshot\n-a\n+b"),
        (
            with_causes("-a\n+b"),
            "the run differs from its snapshot\n-a\n+b\nin full: => failed with error: it did not stop\nin full: b: c",
        ),
        (
            with_causes("-a\n+b\n"),
            "the run differs from its snapshot\n-a\n+b\nin full: => failed with error: it did not stop\nin full: b: c",
        ),
        (
            Reason::SnapshotUnreadable { file: "a.snap".into(), why: "can't be read: x".into() },
            "the snapshot a.snap can't be read: x",
        ),
        (Reason::NoSnapshot, "the case has no snapshot"),
        (
            Reason::SkippedButRequired(Skip { why: "no policy".into(), step: None }),
            "skipped, and required: no policy",
        ),
    ] {
        assert_eq!(reason.to_string(), text);
    }
    let off = Reason::OffChart { firing, error: None };
    assert_eq!(off.location(), Location::at_firing(firing));
}
