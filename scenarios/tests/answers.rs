//! An action's answer is held against what could be seen before it and after it.

#![allow(clippy::indexing_slicing, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod tampered;

use std::sync::Arc;

use pgdrill_core::{
    Hook, HookError, Outcome, PortError, PortErrorKind, Question, Shape, Status, StatusName,
    ports::{Call, MemberState, key},
    texts,
};
use pgdrill_scenarios::{Law, Run, judge_laws};
use pgdrill_sim::{Facts, Observation, PortFailure, Shelf};

use self::tampered::{BACKUP, RESTORE, around, facts};

const LIST: &str =
    "scenario: x\ngiven: { s3: {}, stanza: initialised }\nfire: [{ hook: list-backups }]\n";
fn ran(text: &str) -> Run {
    let (_, run) = tampered::ran(text);
    assert_eq!(judge_laws(&run).0, [], "the run itself breaks nothing: {text}");
    run
}

fn breaks(run: &Run, law: Law) -> bool {
    judge_laws(run).0.iter().any(|broken| broken.law == law)
}

/// Has it that something else was seen before the first firing and after it.
fn throughout(run: &mut Run, change: impl Fn(&mut Observation)) {
    around(run, |around| {
        change(Arc::make_mut(&mut around.before));
        change(&mut around.after);
    });
}

fn ended(run: &mut Run, outcome: Outcome) {
    run.firings[0].fired.firing.outcome = outcome;
}

/// A refusal, an action that is not to be refused so, and what makes it so.
type Refusal = (&'static str, &'static str, fn(&mut Observation));

/// Each cause that can be seen at one time. Its own status comes after what was there.
const REFUSALS: &[Refusal] = &[
    (texts::NOT_RUNNING, BACKUP, |seen| seen.units[0].member = Some(MemberState::Stopped)),
    (texts::NOT_RUNNING, BACKUP, |seen| seen.units[0].member = Some(MemberState::Starting)),
    (texts::DATABASE_OFFLINE, BACKUP, |seen| seen.primary = None),
    (texts::NO_S3_RELATION, BACKUP, |seen| facts(seen).is_s3_related = false),
    (texts::NO_S3_RELATION, LIST, |seen| facts(seen).is_s3_related = false),
    (texts::NO_S3_RELATION, RESTORE, |seen| facts(seen).is_s3_related = false),
    ("Missing S3 parameters: ['bucket']", BACKUP, |seen| facts(seen).s3 = None),
    ("S3 parameter 'path' is odd", LIST, |seen| facts(seen).s3 = None),
    ("Missing S3 parameters: ['bucket']", RESTORE, |seen| facts(seen).s3 = None),
    (texts::NO_STANZA, BACKUP, |seen| seen.stanza = None),
    (texts::BLOCKED, BACKUP, |seen| blocked(seen, "by hand")),
    (texts::RESTORE_BLOCKED, RESTORE, |seen| blocked(seen, "by hand")),
    (texts::IS_PRIMARY, BACKUP, |seen| {
        facts(seen).planned_units = 2;
        facts(seen).units[0].databag.push((key::TLS.to_owned(), "enabled".to_owned()));
    }),
    (texts::NO_TLS, BACKUP, |seen| seen.primary = Some(1)),
    (texts::SETTINGS_NOT_IN_FORCE, BACKUP, elsewhere),
    (texts::SETTINGS_NOT_IN_FORCE, LIST, elsewhere),
    (texts::SETTINGS_NOT_IN_FORCE, RESTORE, elsewhere),
    (texts::WORKLOAD_UNREACHABLE, RESTORE, |seen| {
        facts(seen).units[0].is_workload_reachable = false;
    }),
    (texts::SEVERAL_UNITS, RESTORE, |seen| facts(seen).planned_units = 2),
    (texts::NOT_LEADER, RESTORE, |seen| facts(seen).leader = 1),
    ("Invalid backup-id: x", RESTORE, |seen| facts(seen).backups.clear()),
    (texts::STANZA_FAILED, BACKUP, unserved),
    (texts::BUCKET_FAILED, BACKUP, unserved),
];

fn blocked(seen: &mut Observation, message: &'static str) {
    let mut history: Vec<Status> = seen.units[0].history.iter().cloned().collect();
    history.insert(1, Status::new(StatusName::Blocked, message));
    seen.units[0].history = Shelf::from(history);
}

fn elsewhere(seen: &mut Observation) {
    facts(seen).s3.as_mut().expect("related").address.push_str("/elsewhere");
}

fn unserved(seen: &mut Observation) {
    facts(seen).s3.as_mut().expect("related").works = false;
}

#[test]
fn what_a_refusal_says_must_be_so_before_it_or_after_it() {
    for (text, scenario, make_so) in REFUSALS {
        let mut refused = ran(scenario);
        ended(&mut refused, Outcome::Failed((*text).to_owned()));
        assert!(breaks(&refused, Law::RefusedWithoutCause), "{text}: {scenario}");
        let mut before = refused.clone();
        around(&mut before, |around| make_so(Arc::make_mut(&mut around.before)));
        assert!(!breaks(&before, Law::RefusedWithoutCause), "{text}, before: {scenario}");
        let mut after = refused.clone();
        around(&mut after, |around| make_so(&mut around.after));
        assert!(!breaks(&after, Law::RefusedWithoutCause), "{text}, after: {scenario}");
        // What the second undoes was there in between alone.
        around(&mut refused, |around| around.happened = 2);
        assert!(!breaks(&refused, Law::RefusedWithoutCause), "{text}, between: {scenario}");
    }
}

#[test]
fn an_action_is_not_done_despite_what_is_so_before_it_and_after_it() {
    for (text, scenario, make_so) in REFUSALS {
        let law = Law::DoneDespiteCause;
        let mut done = ran(scenario);
        around(&mut done, |around| make_so(Arc::make_mut(&mut around.before)));
        assert!(!breaks(&done, law), "{text}, before alone: {scenario}");
        around(&mut done, |around| make_so(&mut around.after));
        assert!(breaks(&done, law), "{text}: {scenario}");
        let mut between = done.clone();
        around(&mut between, |around| around.happened = 2);
        assert!(!breaks(&between, law), "{text}, between: {scenario}");
        // Who ends in an error or dies has changed its unit all the same, but for a list.
        ended(&mut done, Outcome::Died(Shape::Start));
        assert_eq!(breaks(&done, law), *scenario != LIST, "{text}, died: {scenario}");
    }
}

#[test]
fn where_there_is_no_relation_no_parameter_of_it_is_missing() {
    let mut refused = ran(LIST);
    ended(&mut refused, Outcome::Failed(texts::missing_s3_parameters(&["bucket"])));
    throughout(&mut refused, |seen| {
        facts(seen).s3 = None;
        facts(seen).is_s3_related = false;
    });
    assert!(breaks(&refused, Law::RefusedWithoutCause));
}

#[test]
fn parameters_are_what_the_event_was_given() {
    let parameter = |name: &str| (name.to_owned(), Arc::from("x"));
    for (text, scenario) in [("Unknown parameter: x", LIST), (texts::NO_BACKUP_ID, RESTORE)] {
        let mut refused = ran(scenario);
        ended(&mut refused, Outcome::Failed(text.to_owned()));
        assert!(breaks(&refused, Law::RefusedWithoutCause), "{text}");
        let mut done = ran(scenario);
        for run in [&mut refused, &mut done] {
            around(run, |around| match scenario {
                LIST => around.parameters.extend([parameter("x")]),
                _ => around.parameters.clear(),
            });
        }
        assert!(!breaks(&refused, Law::RefusedWithoutCause), "{text}");
        assert!(breaks(&done, Law::DoneDespiteCause), "{text}");
    }
}

/// What a call failed with, or had no answer, is no cause that could be seen; and neither is one about which a unit has
/// recorded something else than its backup tool runs on.
#[test]
fn what_can_not_be_seen_is_held_against_nobody() {
    for (text, scenario, call) in [
        (texts::NOT_RUNNING, BACKUP, Call::ClusterMemberState),
        (texts::DATABASE_OFFLINE, BACKUP, Call::ClusterPrimary),
        (texts::WORKLOAD_UNREACHABLE, RESTORE, Call::WorkloadIsReachable),
        (texts::METADATA_FAILED, BACKUP, Call::ObjectStorePut),
        (texts::LOGS_FAILED, BACKUP, Call::ObjectStorePut),
    ] {
        let mut refused = ran(scenario);
        ended(&mut refused, Outcome::Failed(text.to_owned()));
        assert!(breaks(&refused, Law::RefusedWithoutCause), "{text}");
        let mut failed = refused.clone();
        let failure = PortFailure { at: None, call, cause: "no".into() };
        failed.firings[0].fired.failures = Some(vec![failure]);
        assert!(!breaks(&failed, Law::RefusedWithoutCause), "{text}");
        around(&mut refused, |around| around.lost.push(call));
        assert!(!breaks(&refused, Law::RefusedWithoutCause), "{text}");
    }
    let mut refused = ran(LIST);
    ended(&mut refused, Outcome::Failed(texts::SETTINGS_NOT_IN_FORCE.to_owned()));
    throughout(&mut refused, |seen| {
        facts(seen).units[0].databag.retain(|(name, _)| name != key::REPOSITORY);
        let record = (key::REPOSITORY.to_owned(), "elsewhere".to_owned());
        facts(seen).units[0].databag.push(record);
    });
    assert!(!breaks(&refused, Law::RefusedWithoutCause));
}

#[test]
fn a_failed_restore_may_be_done_again_and_another_cluster_s_backup_restored() {
    for (message, is_broken) in
        [(texts::RESTORE_FAILED, false), (texts::ANOTHER_CLUSTER, false), ("by hand", true)]
    {
        let mut done = ran(RESTORE);
        throughout(&mut done, |seen| blocked(seen, message));
        assert_eq!(breaks(&done, Law::DoneDespiteCause), is_broken, "{message}");
    }
}

#[test]
fn a_backup_with_errors_is_no_good_one_and_of_two_with_one_id_nothing_is_said() {
    let changed = |change: fn(&mut Facts)| {
        let mut done = ran(RESTORE);
        throughout(&mut done, |seen| change(facts(seen)));
        done
    };
    let elsewhere = changed(|facts| facts.backups[0].place.path = "/elsewhere".into());
    assert!(breaks(&elsewhere, Law::DoneDespiteCause), "no other place counts");
    let mut twice = changed(|facts| {
        let backup = facts.backups[0].clone();
        facts.backups.push(backup);
    });
    assert!(!breaks(&twice, Law::DoneDespiteCause));
    ended(&mut twice, Outcome::Failed(texts::invalid_backup_id("x")));
    assert!(!breaks(&twice, Law::RefusedWithoutCause));
    let mut failed = changed(|facts| facts.backups[0].failed = true);
    assert!(breaks(&failed, Law::DoneDespiteCause));
    ended(&mut failed, Outcome::Failed(texts::invalid_backup_id("x")));
    assert!(!breaks(&failed, Law::RefusedWithoutCause));
}

#[test]
fn an_action_has_its_result_or_fails() {
    let error = || {
        let cause = PortError::new(PortErrorKind::Refused, "unit", "status", "no");
        let shape = Shape::Question(Question::IsBlocked);
        Outcome::Error(HookError { shape, cause, cleanup: None })
    };
    for (scenario, hook) in
        [(BACKUP, Hook::CreateBackup), (LIST, Hook::ListBackups), (RESTORE, Hook::Restore)]
    {
        let mut run = ran(scenario);
        for (outcome, is_broken) in [
            (Outcome::Returned, true),
            (Outcome::Deferred, true),
            (Outcome::Failed("by hand".into()), false),
            (error(), false),
            (Outcome::Died(Shape::Start), false),
            (Outcome::Finished, false),
        ] {
            ended(&mut run, outcome.clone());
            assert_eq!(breaks(&run, Law::Unanswered), is_broken, "{hook}, {outcome:?}");
        }
        let mut blank = run.clone();
        blank.firings[0].fired.results[0].1 = " ".into();
        assert!(breaks(&blank, Law::Unanswered), "{hook}");
        run.firings[0].fired.results.clear();
        assert!(breaks(&run, Law::Unanswered), "{hook}");
        // What a unit says that is removed meanwhile reaches nobody.
        around(&mut run, |around| around.after.units.clear());
        assert!(!breaks(&run, Law::Unanswered), "{hook}");
    }
}

/// Found by `pgdrill explore`, seed 85296: the stanza was there while the action ran, and Juju dropped it with the dispatch.
#[test]
fn what_a_deferred_event_has_done_before_an_action_is_gone_with_its_dispatch() {
    let run = ran("
scenario: x
given: { s3: { related: true } }
fire:
  - do: { pgbackrest: locked }
  - hook: s3-credentials-changed
  - do: { pgbackrest: well }
  - hook: create-backup
    meanwhile: [{ during: has_backup_creation_succeeded, do: process-dies }]
");
    let refired = run.firings.iter().filter(|step| step.fired.is_refired);
    assert_eq!(refired.count(), 1, "the settings are taken up before the action");
    let action = run.firings.last().and_then(|step| step.seen.as_deref()).expect("seen");
    assert_eq!((&action.before.stanza, &action.after.stanza), (&None, &None));
}
