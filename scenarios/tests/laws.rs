//! Each law has a case that breaks it, or a run that was tampered with where no core that works breaks it, and one that
//! nearly does.

#![allow(clippy::indexing_slicing, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod tampered;

use std::{collections::BTreeSet, sync::Arc};

use pgdrill_core::{
    Action, Amendment, Attempt, Hook, HookError, Mark, Outcome, PortError, PortErrorKind, Question,
    Shape, Status, StatusName, Step,
    ports::{Call, MemberState},
    texts,
};
use pgdrill_scenarios::{
    Law, Plan, Run, Verdict, Violation, judge, judge_laws, plan, read_corpus, run, run_all,
};
use pgdrill_sim::{CallMade, Observation, PortFailure};

use self::tampered::{BACKUP, RESTORE, around, facts, now, ran};

fn broken(run: &Run) -> Vec<Violation> {
    judge_laws(run).0
}

fn laws(run: &Run) -> Vec<Law> {
    broken(run).iter().map(|broken| broken.law).collect()
}

#[test]
fn each_law_has_a_name_and_a_sentence_of_its_own() {
    let names: BTreeSet<&str> = Law::ALL.iter().map(|law| law.name()).collect();
    let sentences: BTreeSet<&str> = Law::ALL.iter().map(|law| law.sentence()).collect();
    assert_eq!((names.len(), sentences.len()), (Law::ALL.len(), Law::ALL.len()));
    assert!(sentences.iter().all(|sentence| !sentence.ends_with('.')));
}

#[test]
fn the_cases_of_a_law_break_it_and_nearly_do() {
    let corpus = read_corpus();
    let plans = |law: Law| {
        [law.cases().0, law.cases().1].map(|name| {
            (!name.is_empty()).then(|| {
                let case = corpus.iter().find(|case| case.name == name);
                let case = case.unwrap_or_else(|| panic!("{law}: no case is called {name}"));
                plan(case.scenario.clone().expect("readable"), &[])
            })
        })
    };
    for law in Law::ALL {
        let [breaks, nearly] = plans(*law);
        if let Some(plan) = breaks {
            assert!(laws(&now(run(&plan))).contains(law), "{law} holds in {}", plan.title);
        }
        if let Some(plan) = nearly {
            assert!(!laws(&now(run(&plan))).contains(law), "{law} is broken in {}", plan.title);
        }
    }
}

/// A backup that fails with a cause, which its message tells and its log.
const FAILED: &str = "scenario: x\ngiven: { s3: {}, stanza: initialised }\n\
     fire: [{ do: { archive-command: broken } }, { hook: create-backup }]\n";
const CAUSE: &str = "ERROR: [068]: archive_command 'false' must contain pgbackrest";

fn shows(run: &mut Run, message: impl Into<std::borrow::Cow<'static, str>>) {
    let status = Status { name: StatusName::Blocked, message: message.into() };
    run.observation.units[0].history.push(status);
}

fn settled(run: &mut Run) -> &mut Observation {
    &mut run.settled.as_mut().expect("memory settles").observation
}

fn calls(run: &mut Run) -> &mut Vec<CallMade> {
    run.firings[0].fired.calls.as_mut().expect("memory notes calls")
}

/// Has it that an amendment had this done first, and that it was.
fn insert(run: &mut Run, action: Action) {
    let firing = &mut run.firings[0].fired.firing;
    let mark = Some(Mark::Inserted(Amendment::CleanupSurvivesErrors));
    let inserted = Step { shape: action.into(), answer: None, mark };
    let mut steps = firing.trace.steps().to_vec();
    steps.insert(1, inserted);
    firing.trace = steps.into_iter().collect();
    let at = Some(action.into());
    calls(run).push(CallMade { at, call: Call::ClusterApply, has_failed: false });
}

/// Something done to a run, and the law that it breaks.
type Tampering = (Law, &'static str, fn(&mut Run));

/// What a core that works does not do.
const TAMPERINGS: &[Tampering] = &[
    (Law::Silent, BACKUP, |run| run.firings[0].fired.firing.outcome = Outcome::Failed(" ".into())),
    (Law::Silent, BACKUP, |run| {
        run.observation.units[0].history.push(Status::new(StatusName::Blocked, ""));
    }),
    (Law::Silent, FAILED, |run| {
        run.firings[0].fired.firing.causes.clear();
        run.firings[0].fired.firing.outcome = Outcome::Failed("no".into());
    }),
    (Law::WordsOfTheProgram, BACKUP, |run| shows(run, "x".repeat(121))),
    (Law::WordsOfTheProgram, FAILED, |run| shows(run, format!("why: {}\u{2026}", &CAUSE[..48]))),
    (Law::WordsOfTheProgram, FAILED, |run| {
        shows(run, format!("{}: {}", "x".repeat(68), &CAUSE[..50]));
    }),
    (Law::WordsOfTheProgram, BACKUP, |run| {
        let outcome = Outcome::Failed("it failed at set_maintenance".into());
        run.firings[0].fired.firing.outcome = outcome;
    }),
    (Law::WordsOfTheProgram, BACKUP, |run| {
        run.firings[0].fired.results.push(("why", "by replica-ends-active, it is".into()));
    }),
    (Law::Unanswered, BACKUP, |run| run.firings[0].fired.results.clear()),
    (Law::RefusedWithoutCause, BACKUP, |run| {
        run.firings[0].fired.firing.outcome = Outcome::Failed(texts::NO_STANZA.into());
    }),
    (Law::StepUndone, BACKUP, |run| calls(run).retain(|made| made.call != Call::UnitSetResult)),
    (Law::StepUndone, BACKUP, |run| {
        let twice = calls(run).clone();
        calls(run).extend(twice);
    }),
    (Law::StepUndone, BACKUP, |run| {
        let back_up = |made: &&mut CallMade| made.call == Call::RepositoryBackUp;
        calls(run).iter_mut().find(back_up).expect("made").has_failed = true;
    }),
    (Law::StepUndone, BACKUP, |run| insert(run, Action::RepairInterruptedBackup)),
    (Law::StepUndone, BACKUP, |run| insert(run, Action::AllowNewConnections)),
    (Law::UntrueAnswer, BACKUP, |run| {
        around(run, |around| {
            Arc::make_mut(&mut around.before).primary = Some(1);
            around.after.primary = Some(1);
        });
    }),
    (Law::UntrueAnswer, FAILED, |run| {
        run.firings[0].fired.failures = Some(Vec::new());
        run.firings[0].fired.firing.causes.clear();
    }),
    (Law::SecretShown, BACKUP, |run| {
        let secret = facts(&mut run.observation).secrets[0].expose().to_owned();
        run.firings[0].fired.results.push(("why", format!("the key is {secret}")));
    }),
    (Law::SecretShown, BACKUP, |run| {
        let secret = facts(&mut run.observation).secrets[1].expose().to_owned();
        run.observation.units[0].history.push(Status::new(StatusName::Blocked, secret));
    }),
    (Law::SecretShown, BACKUP, |run| {
        let facts = facts(&mut run.observation);
        facts.objects[0].1.push_str(facts.secrets[1].expose());
    }),
    (Law::ReportedWithoutBackup, BACKUP, |run| {
        around(run, |around| facts(&mut around.after).backups.clear());
    }),
    (Law::ReportedWithoutBackup, BACKUP, |run| {
        around(run, |around| facts(&mut around.after).backups[0].failed = true);
    }),
    (Law::ReportedWithoutBackup, BACKUP, |run| {
        around(run, |around| facts(&mut around.after).backups[0].system_id += 1);
    }),
    (Law::LogLost, BACKUP, |run| around(run, |around| facts(&mut around.after).objects.clear())),
    (Law::LogLost, BACKUP, |run| {
        around(run, |around| facts(&mut around.after).objects[0].1.clear());
    }),
    (Law::LogLost, FAILED, |run| around(run, |around| facts(&mut around.after).objects.clear())),
    (Law::LogLost, BACKUP, |run| {
        let log = ("b/20260101-000000F/backup.log".to_owned(), "why it failed".to_owned());
        around(run, |around| facts(Arc::make_mut(&mut around.before)).objects.push(log));
    }),
    (Law::DataLost, RESTORE, |run| settled(run).units[0].is_data_empty = true),
    (Law::DataLost, RESTORE, |run| {
        facts(settled(run)).system_id = Some(1);
        facts(settled(run)).units[0].restored_from = None;
    }),
    (Law::DataLost, BACKUP, |run| around(run, |around| around.after.units[0].is_data_empty = true)),
    (Law::DataLost, RESTORE, |run| {
        around(run, |around| {
            let backups = facts(Arc::make_mut(&mut around.before)).backups.clone();
            let after = facts(&mut around.after);
            after.backups = backups;
            after.backups[0].failed = true;
        });
    }),
    (Law::ActiveWhileClosed, BACKUP, |run| {
        around(run, |around| around.after.units[0].accepts_connections = false);
    }),
    (Law::MaintenanceOutlivesAction, BACKUP, |run| {
        let status = Status::new(StatusName::Maintenance, texts::CREATING_BACKUP);
        around(run, |around| around.after.units[0].history.push(status));
    }),
    (Law::NeverSettles, BACKUP, |run| {
        run.settled.as_mut().expect("memory settles").is_settled = false;
    }),
    (Law::LeftClosed, BACKUP, |run| settled(run).units[0].accepts_connections = false),
    (Law::LeftInMaintenance, BACKUP, |run| {
        let status = Status::new(StatusName::Maintenance, texts::CHECKING_STANZA);
        settled(run).units[0].history.push(status);
    }),
    (Law::LeftBlocked, BACKUP, |run| {
        let status = Status::new(StatusName::Blocked, texts::BUCKET_FAILED);
        settled(run).units[0].history.push(status);
    }),
    (Law::DeferredForEver, BACKUP, |run| {
        settled(run).units[0].deferred.push(Hook::S3CredentialsChanged);
    }),
    (Law::FlagLeft, BACKUP, |run| {
        let flag = ("restoring-backup".to_owned(), "x".to_owned());
        facts(settled(run)).application.push(flag);
    }),
    (Law::FlagLeft, BACKUP, |run| {
        let flag = ("connectivity".to_owned(), "off".to_owned());
        facts(settled(run)).units[0].databag.push(flag);
    }),
    (Law::ActiveWithoutDatabase, BACKUP, |run| {
        settled(run).units[0].member = Some(MemberState::Stopped);
    }),
    (Law::ReportedWithoutRestore, RESTORE, |run| facts(settled(run)).units[0].restored_from = None),
    (Law::StanzaUntold, BACKUP, |run| settled(run).stanza = None),
    (Law::ForeignUntold, BACKUP, |run| {
        facts(settled(run)).s3.as_mut().expect("related").is_foreign = true;
    }),
];

#[test]
fn what_a_core_that_works_does_not_do_breaks_its_law() {
    for (number, (law, text, tamper)) in TAMPERINGS.iter().enumerate() {
        let (_, mut run) = ran(text);
        assert_eq!(broken(&run), [], "{law}, {number}: the run itself breaks nothing");
        tamper(&mut run);
        assert!(laws(&run).contains(law), "{law}, {number}: {:?}", broken(&run));
    }
}

#[test]
fn each_law_is_broken_by_a_case_or_by_tampering() {
    for law in Law::ALL.iter().filter(|law| **law != Law::OffChart) {
        let is_tampered = TAMPERINGS.iter().any(|(of, _, _)| of == law);
        assert!(is_tampered || !law.cases().0.is_empty(), "nothing breaks {law}");
    }
}

/// Every case that shows the damage without an amendment is found without being told what to look for.
#[test]
fn every_amendment_switched_off_breaks_a_law_that_nobody_asked_for() {
    let is_off = |name: &str| name.starts_with("amendments/") && name.ends_with("-off");
    let cases = read_corpus().into_iter().filter(|case| is_off(&case.name));
    let mut count = 0;
    for case in cases {
        let mut scenario = case.scenario.expect("readable");
        scenario.then = pgdrill_scenarios::Then::default();
        let plan = plan(scenario, &[]);
        let verdict = judge(&plan, &now(run(&plan))).verdict;
        assert!(matches!(verdict, Verdict::Failed(_)), "{}: no law sees it", case.name);
        count += 1;
    }
    assert_eq!(count, Amendment::ALL.len());
}

/// On real servers nobody looks around an event, and nothing is settled on a copy.
#[test]
fn what_was_not_looked_at_is_neither_broken_nor_missed() {
    for case in read_corpus() {
        let plan = plan(case.scenario.expect("readable"), &[]);
        let mut run = now(run(&plan));
        run.settled = None;
        run.observation.facts = None;
        run.firings.iter_mut().for_each(|step| step.seen = None);
        // Nor does a dispatch as a charm ships it tell what its ports gave.
        for hears in [true, false] {
            if !hears {
                run.firings.iter_mut().for_each(|step| step.fired.failures = None);
            }
            let (broken, judged) = judge_laws(&run);
            assert!(broken.iter().all(|it| judged.contains(&it.law)), "{}: {broken:?}", case.name);
            assert_eq!(judge(&plan, &run).verdict, Verdict::Passed, "{}", case.name);
        }
    }
}

#[test]
fn a_cause_may_be_told_anywhere_and_only_what_decided_something_must_be() {
    let cause = |run: &mut Run| run.firings[0].fired.failures.as_mut().expect("heard").remove(0);
    type Change = fn(&mut Run, PortFailure);
    let silenced: [(bool, Change); 7] = [
        (true, |run, failure| run.firings[0].fired.failures = Some(vec![failure])),
        (false, |run, failure| {
            run.firings[0].fired.failures = Some(vec![failure]);
            shows(run, CAUSE);
        }),
        (false, |run, failure| {
            let error = PortError::new(PortErrorKind::Refused, "repository", "back_up", CAUSE);
            let shape = Shape::Attempt(Attempt::HasBackupCreationSucceeded);
            let error = HookError { shape, cause: error.clone(), cleanup: Some(error) };
            run.firings[0].fired.firing.outcome = Outcome::Error(error);
            run.firings[0].fired.failures = Some(vec![failure]);
        }),
        (false, |run, failure| {
            // What was tried again is told by how it ended.
            let last = PortFailure { cause: "no".into(), ..failure };
            run.firings[0].fired.failures = Some(vec![failure, last]);
        }),
        (true, |run, failure| {
            let last = PortFailure { cause: "no".into(), call: Call::UnitSetData, ..failure };
            run.firings[0].fired.failures = Some(vec![failure, last]);
        }),
        (false, |run, failure| {
            // What could not be read is told by what failed without it.
            let last = PortFailure { cause: "no".into(), ..failure };
            let first = PortFailure { call: Call::ClusterPrimary, ..failure };
            run.firings[0].fired.failures = Some(vec![first, last]);
        }),
        (false, |run, failure| {
            // A question that a failure answers is answered by it.
            let at = Some(Shape::Question(Question::IsReplica));
            run.firings[0].fired.failures = Some(vec![PortFailure { at, ..failure }]);
        }),
    ];
    for (number, (is_broken, change)) in silenced.into_iter().enumerate() {
        let (_, mut run) = ran(FAILED);
        let failure = cause(&mut run);
        assert_eq!(failure.cause, CAUSE);
        run.firings[0].fired.firing.outcome = Outcome::Failed("no".into());
        run.firings[0].fired.firing.causes.clear();
        change(&mut run, failure);
        assert_eq!(laws(&run).contains(&Law::Silent), is_broken, "{number}: {:?}", broken(&run));
    }
}

#[test]
fn a_text_may_be_cut_after_a_word_with_a_mark_of_it() {
    for text in [
        format!("why: {}\u{2026}", &CAUSE[..50]),
        format!("why: {} \u{2026}", &CAUSE[..50]),
        format!("why: {}...", &CAUSE[..50]),
        format!("why: {CAUSE}"),
        format!("{}: {CAUSE}", "x".repeat(118 - CAUSE.len())),
        "cut of what no port ever sa\u{2026}".to_owned(),
    ] {
        let (_, mut run) = ran(FAILED);
        shows(&mut run, text.clone());
        assert!(!laws(&run).contains(&Law::WordsOfTheProgram), "{text}: {:?}", broken(&run));
    }
}

#[test]
fn data_that_a_restore_removed_is_not_lost_while_its_unit_says_that_it_failed() {
    let (_, mut run) = ran(RESTORE);
    let unit = &mut settled(&mut run).units[0];
    unit.is_data_empty = true;
    unit.member = Some(MemberState::Stopped);
    unit.history.push(Status::new(StatusName::Blocked, texts::RESTORE_FAILED));
    assert!(!laws(&run).contains(&Law::DataLost), "{:?}", broken(&run));
}

#[test]
fn every_law_is_judged_of_every_case_in_memory() {
    let scenarios = read_corpus().into_iter().filter_map(|case| case.scenario.ok());
    let plans: Vec<Plan> = scenarios.map(|scenario| plan(scenario, &[])).collect();
    for run in now(run_all(plans, 1, |_| {})) {
        assert_eq!(judge_laws(&run).1, Law::ALL);
    }
}

/// A step may bring several events, each of which is looked at.
#[test]
fn a_backup_is_held_by_the_place_that_settings_name_once_they_are_complete() {
    let (_, run) = ran("scenario: x
given: { s3: { related: true }, stanza: initialised }
fire:
  - do: { s3-settings: { missing: [bucket] } }
  - { hook: create-backup, meanwhile: [{ at: hook_fired, do: { s3-settings: {} } }] }");
    assert_eq!(run.firings[0].fired.firing.outcome, Outcome::Finished, "it is reported");
    assert_eq!(laws(&run), []);
}

#[test]
fn every_event_of_a_step_is_judged() {
    let (_, mut run) = ran("scenario: x\ngiven: { units: 2, s3: {}, stanza: initialised }\n\
         fire: [{ hook: create-backup, unit: all }]\n");
    assert_eq!(broken(&run), []);
    around(&mut run, |around| facts(&mut around.after).backups.clear());
    let found = broken(&run);
    assert!(found.iter().any(|it| it.law == Law::ReportedWithoutBackup), "{found:?}");
    assert_eq!(found[0].by.map(|(firing, _)| (firing.number, firing.unit)), Some((1, 0)));
}

#[test]
fn what_is_expected_must_be_there_by_law_and_by_unit() {
    for (then, fails) in [
        ("then: { damage: [active-while-closed] }", false),
        ("then: { damage: [{ active-while-closed: 1 }] }", false),
        ("known: [{ law: active-while-closed, because: x }]", false),
        ("", true),
        ("then: { damage: [left-closed] }", true),
        ("then: { damage: [{ active-while-closed: 0 }] }", true),
        ("then: { damage: [active-while-closed, left-closed] }", true),
        ("known: [{ law: { active-while-closed: 0 }, because: x }]", true),
    ] {
        let text = format!(
            "scenario: x\nwithout: [reopen-what-was-blocked]\n\
             given: {{ units: 2, tls: true, s3: {{}}, stanza: initialised }}\n\
             fire:\n  - hook: create-backup\n    unit: 1\n    meanwhile:\n      \
             - {{ at: has_backup_creation_succeeded, do: {{ primary-moves-to: 1 }} }}\n{then}\n"
        );
        let (plan, run) = ran(&text);
        let verdict = judge(&plan, &run).verdict;
        assert_eq!(verdict != Verdict::Passed, fails, "{then}: {verdict:?}");
    }
}

#[test]
fn settling_is_a_step_that_brings_what_is_owed() {
    let (_, run) = ran(
        "scenario: x\ngiven: { s3: { credentials: wrong } }\nfire:\n  - hook: s3-credentials-changed\n  \
         - do: { s3-settings: {} }\n  - settle: true\n",
    );
    let unit = &run.observation.units[0];
    assert_eq!(unit.status(), Status::new(StatusName::Active, texts::PRIMARY));
    assert!(run.observation.stanza.is_some());
    let hooks: Vec<Hook> = run.firings.iter().map(|step| step.fired.firing.hook).collect();
    assert_eq!(
        hooks[..3],
        [Hook::S3CredentialsChanged, Hook::S3CredentialsChanged, Hook::UpdateStatus]
    );
    assert_eq!(run.firings[1].step, 2);
    assert_eq!(judge_laws(&run).1, Law::ALL, "what the step brings is looked at, too");
}
