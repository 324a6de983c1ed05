//! Histories from seeds: whatever happens, the hooks stay on their charts, the same seed gives the same bytes, and what breaks a
//! law is known. A process that dies anywhere leaves nothing behind.

#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::collections::BTreeMap;

use futures_util::FutureExt as _;
use pgdrill_core::{Amendment, Hook, Outcome, Shape, ports::Call};
use pgdrill_scenarios::{
    Failure, FiredStep, Law, Plan, PlanStep, Reason, Run, Then, Verdict, Violation, charts,
    explore::{Explored, NOT_DRAWN, Search},
    judge, plan, read_corpus, read_text, run, run_all, transcript, words,
};
use pgdrill_sim::{
    ArchiveCommand, At, Change, DcsState, Injection, LockState, MemberFate, Moment,
    PgbackrestFailureMode, S3ServerState, SetLock, SetMember, SetWorkload, WorkloadState,
};
use rstest::rstest;

/// The history of a seed, of which everything may happen.
fn explored(seed: u64) -> Plan {
    Search::default().plan(seed)
}

/// Everything that can be mended is.
fn mended(units: u32) -> Vec<PlanStep> {
    let mut changes = vec![
        Change::S3Server(S3ServerState::Up),
        Change::RefuseKeysWith(String::new()),
        Change::Pgbackrest(PgbackrestFailureMode::Well),
        Change::Dcs(DcsState::Up),
        Change::ArchiveCommand(ArchiveCommand::Right),
        Change::ArchiveDelay(0),
    ];
    for unit in 0..units {
        changes.push(Change::Member(SetMember { unit, is: MemberFate::Running }));
        changes.push(Change::Lock(SetLock { unit, is: LockState::Free }));
        changes.push(Change::Workload(SetWorkload { unit, is: WorkloadState::Reachable }));
    }
    let mut steps: Vec<PlanStep> = changes.into_iter().map(PlanStep::Change).collect();
    steps.extend((0..units).map(|unit| PlanStep::Fire {
        hook: Hook::UpdateStatus,
        unit: unit.into(),
        parameters: BTreeMap::new(),
        injections: Vec::new(),
    }));
    steps
}

/// How many seeds are held to what is known of them.
const SEEDS: u64 = 20_000;

/// What histories are known to break, each with the least seed that does and what it comes from, until it is corrected.
const KNOWN: &[(&str, u64, &str)] = &[];

/// What is found is what is known, and what is no longer found is held to again.
#[test]
fn what_is_found_is_what_is_known() {
    let search = Search::default();
    let mut explored = Explored::default();
    for block in (0..SEEDS).step_by(1000) {
        explored.merge(search.explore(block..block + 1000));
    }
    let found = explored.findings();
    let found: Vec<(String, u64)> =
        found.iter().map(|it| (it.failure.to_string(), it.seed)).collect();
    let known: Vec<(String, u64)> =
        KNOWN.iter().map(|(failure, seed, _)| ((*failure).to_owned(), *seed)).collect();
    assert_eq!(found, known);
    assert!(explored.runs > SEEDS * 9 / 10, "{} of {SEEDS} came to their end", explored.runs);
}

/// Why a history is given up: what a cluster refuses, and what is not there when its turn comes.
const IMPOSSIBLE: [&str; 2] = ["can't become the primary", "there is no unit"];

/// What must hold of any run, however it went.
fn assert_sound(plan: &Plan, run: &Run, is_known: impl Fn(&Violation) -> bool) {
    if let Some(cause) = &run.broken {
        let cause = cause.to_string();
        let is_impossible = IMPOSSIBLE.iter().any(|why| cause.contains(why));
        assert!(is_impossible, "{}: {cause}", plan.title);
        return;
    }
    let judged = judge(plan, run);
    for (index, (hook, walk)) in judged.walks.iter().enumerate() {
        assert!(walk.is_some(), "{}: firing {index}, {hook}: {:?}", plan.title, judged.verdict);
    }
    if let Some(broken) = judged.broken.iter().find(|broken| !is_known(broken)) {
        panic!("{}: {broken}\n{}", plan.title, transcript(run));
    }
    let shown = format!("{} {run:?} {plan:?}", transcript(run));
    assert!(!shown.contains("canary"), "{}: a secret is shown", plan.title);
}

#[rstest]
#[tokio::test]
async fn whatever_happens_is_sound(#[values(0, 1, 2, 3)] part: u64) {
    let is_known = |broken: &Violation| {
        let failure = Failure::of(&Reason::LawBroken(broken.clone())).to_string();
        KNOWN.iter().any(|(known, ..)| *known == failure)
    };
    // The laws judge all of them above; what costs most here is to look through all that is shown.
    for seed in part * SEEDS / 8..(part + 1) * SEEDS / 8 {
        let plan = explored(seed);
        assert_sound(&plan, &run(&plan).await, is_known);
    }
}

/// A finding is a file that a person reads: it fails in the same way, and nothing of it can be taken away.
#[test]
fn each_finding_shrinks_to_a_file_that_fails_in_the_same_way() {
    let search = Search { off: vec![Amendment::ReplicaEndsActive], ..Search::default() };
    let explored = search.explore(0..3000);
    let findings = explored.findings();
    assert!(!findings.is_empty(), "without the amendment nothing is found");
    for finding in findings {
        let shrunk = search.shrink(&finding).expect("a file");
        assert!(shrunk.steps.1 <= shrunk.steps.0 && shrunk.size.1 < shrunk.size.0, "{shrunk:?}");
        let read = read_text(shrunk.text.as_bytes(), "it").pop().expect("one");
        let plan = plan(read.expect("it can be read"), &[]);
        let run = run(&plan).now_or_never().expect("nothing waits");
        let Verdict::Failed(reasons) = judge(&plan, &run).verdict else {
            panic!("it passes: {}", shrunk.text);
        };
        assert!(reasons.iter().any(|it| Failure::of(it) == finding.failure), "{}", shrunk.text);
        assert_eq!(transcript(&run), shrunk.transcript);
    }
}

/// A search misses what its generator never makes.
#[test]
fn every_change_call_and_hook_is_drawn() {
    let mut drawn = String::new();
    let plans = (0..10_000).map(explored);
    for step in plans.flat_map(|plan| plan.steps) {
        match step {
            PlanStep::Settle => drawn.push_str("settle "),
            PlanStep::Change(change) => drawn.push_str(&said(&change)),
            PlanStep::Together { events, order } => {
                let units: Vec<u32> = events.iter().map(|event| event.unit).collect();
                assert!(matches!(units.as_slice(), [one, other] if one != other), "{units:?}");
                for (turn, event) in order.iter().zip(&events) {
                    let until = turn.until.map_or("end", |(_, moment)| match moment {
                        Moment::Before => "before",
                        Moment::During => "during",
                        Moment::After => "after",
                    });
                    drawn.push_str(&format!("together:{}-until-{until} ", event.hook));
                }
            }
            PlanStep::Fire { hook, injections, .. } => {
                drawn.push_str(&format!("hook:{hook} "));
                for injection in injections {
                    match injection {
                        Injection::Lost(call) => drawn.push_str(&format!("lost:{call} ")),
                        Injection::Change { at, moment, change } => {
                            drawn.push_str(&format!(
                                "{moment:?}:{} ",
                                at.to_string().replace(' ', "-")
                            ));
                            assert!(moment != Moment::During || change.has_midway());
                            drawn.push_str(&said(&change));
                        }
                    }
                }
            }
        }
    }
    let words = words();
    let changes = words.iter().filter(|word| word.kind.starts_with("change"));
    let mut missing = Vec::new();
    for word in changes {
        let of_word: Vec<&str> =
            drawn.split(' ').filter(|it| it.starts_with(&format!("do:{}", word.name))).collect();
        if of_word.is_empty() {
            missing.push(word.name.clone());
        }
        let is_drawn = |value: &str| {
            // A value of a key is listed with it, as `is: killed`.
            let value = value.rsplit(": ").next().unwrap_or(value);
            of_word.iter().any(|it| it.contains(value))
        };
        let values = word.values.iter().filter(|(value, _)| !is_drawn(value));
        missing.extend(values.map(|(value, _)| format!("{}: {value}", word.name)));
    }
    let calls = Call::ALL.iter().filter(|call| call.has_effect());
    missing.extend(calls.map(|call| format!("lost:{call} ")).filter(|it| !drawn.contains(it)));
    let calls = Call::ALL.iter().map(|call| format!(":call-{call} "));
    missing.extend(calls.filter(|it| !drawn.contains(it)));
    let moments = ["Before:", "After:", "During:"].into_iter().map(str::to_owned);
    missing.extend(moments.filter(|it| !drawn.contains(it)));
    let turns = Hook::ALL.iter().flat_map(|hook| {
        ["before", "after", "end"].map(|until| format!("together:{hook}-until-{until} "))
    });
    missing.extend(turns.filter(|it| !drawn.contains(it)));
    missing.extend(Some("create-backup-until-during".to_owned()).filter(|it| !drawn.contains(it)));
    let hooks = Hook::ALL.iter().map(|hook| format!("hook:{hook} "));
    missing.extend(hooks.filter(|it| !drawn.contains(it)));
    assert_eq!(missing, NOT_DRAWN, "never drawn");
}

fn said(change: &Change) -> String {
    let said = serde_json::to_string(change).expect("a change can be written");
    let said = said.trim_start_matches(['{', '"']).replace(['"', ' '], "");
    format!("do:{said} ")
}

/// The plan with its process dying at one moment of one step, everything mended afterwards.
fn dying(plan: &Plan, index: usize, at: Shape, moment: Moment, units: u32) -> Plan {
    let mut steps = plan.steps[..=index].to_vec();
    if let PlanStep::Fire { injections, .. } = &mut steps[index] {
        injections.push(Injection::Change {
            at: At::Shape(at),
            moment,
            change: Change::ProcessDies,
        });
    }
    steps.extend(mended(units));
    let title = format!("{} that dies {moment:?} {at}, step {index}", plan.title);
    let (covers, after_steps, then) = (Vec::new(), BTreeMap::new(), Then::default());
    Plan { title, steps, covers, after_steps, then, ..plan.clone() }
}

fn has_a_unit_join(injection: &Injection) -> bool {
    matches!(injection, Injection::Change { change: Change::ScaleTo(2..), .. })
}

/// What a process that dies anywhere may leave, until it is corrected.
const LEFT_BY_DEATHS: [Law; 2] = [Law::LeftBlocked, Law::LogLost];

/// As [`LEFT_BY_DEATHS`], of a restore in which another unit makes a cluster: what was recorded of the restore died with the
/// process, so its unit can only say that the backups are of another cluster. It may be restored again.
const LEFT_BY_A_RESTORE_THAT_A_UNIT_JOINS: [Law; 2] = [Law::DataLost, Law::ReportedWithoutRestore];

/// Every case of the corpus, its process killed before and after every shape of its charts that each of its
/// firings comes to: the next events leave no unit closed and no Maintenance without an owner.
#[rstest]
#[tokio::test]
async fn a_process_that_dies_anywhere_is_cleaned_up_after(#[values(0, 1, 2, 3)] part: usize) {
    let inputs = read_corpus();
    let whole = inputs.into_iter().filter_map(|input| input.scenario.ok());
    let whole = whole.filter(|scenario| scenario.without.is_empty());
    let mut deaths = 0;
    for plan in whole.map(|scenario| plan(scenario, &[])).skip(part).step_by(4) {
        for (index, step) in plan.steps.iter().enumerate() {
            let PlanStep::Fire { hook, injections, .. } = step else { continue };
            let is_joined = *hook == Hook::Restore && injections.iter().any(has_a_unit_join);
            let so_far = Plan { steps: plan.steps[..=index].to_vec(), ..plan.clone() };
            let so_far = run(&so_far).await;
            let units = u32::try_from(so_far.observation.units.len()).unwrap();
            let is_reached = |shape: &Shape| {
                let mut of_step = so_far.firings.iter().filter(|fired| fired.step == index);
                of_step.any(|fired| fired.fired.firing.trace.visited(*shape))
            };
            let (_, chart) = charts().iter().find(|(of, _)| of == hook).unwrap();
            let shapes = chart.nodes.iter().filter_map(|node| Shape::from_id(&node.id));
            for at in shapes.filter(is_reached) {
                for moment in [Moment::Before, Moment::After] {
                    let dying = dying(&plan, index, at, moment, units);
                    let run = run(&dying).await;
                    assert_sound(&dying, &run, |broken| {
                        is_joined && LEFT_BY_A_RESTORE_THAT_A_UNIT_JOINS.contains(&broken.law)
                            || LEFT_BY_DEATHS.contains(&broken.law)
                            || dying.known.iter().any(|known| known.law.law == broken.law)
                    });
                    let died =
                        |step: &FiredStep| matches!(step.fired.firing.outcome, Outcome::Died(_));
                    deaths += usize::from(run.firings.iter().any(died));
                }
            }
        }
    }
    assert!(deaths > 2_000, "only {deaths} deaths were died");
    println!("{deaths} deaths, none of which left anything behind");
}

#[tokio::test]
async fn the_same_seed_gives_the_same_bytes() {
    for seed in 0..500 {
        let (one, other) = (run(&explored(seed)).await, run(&explored(seed)).await);
        assert_eq!(format!("{one:?}"), format!("{other:?}"), "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_jobs_changes_nothing() {
    let plans: Vec<Plan> = (0..300).map(explored).collect();
    let alone = run_all(plans.clone(), 1, |_| {}).await;
    let together = run_all(plans, 8, |_| {}).await;
    assert_eq!(alone, together);
}
