//! Databases come up, and are demoted, in their own time. What a case shows must not depend on how long that takes: a
//! database on its way up is waited for or held where it is, or it makes no difference.

#![allow(clippy::expect_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use pgdrill_core::ports::MemberState;
use pgdrill_scenarios::{Plan, PlanStep, corpus, plan, read_text, run, transcript};
use pgdrill_sim::{Awaited, Change, DcsState, S3ServerState};

/// The states of the S3 server and of the DCS after these steps.
fn left_by(taken: &[PlanStep]) -> (S3ServerState, DcsState) {
    let changes = taken.iter().flat_map(|step| match step {
        PlanStep::Fire { .. } | PlanStep::Together { .. } => {
            step.injections().filter_map(|it| it.change()).collect()
        }
        PlanStep::Change(change) => vec![change],
        PlanStep::Settle => vec![],
    });
    let (mut s3, mut dcs) = (S3ServerState::Up, DcsState::Up);
    for change in changes {
        if let Change::S3Server(state) = change {
            s3 = *state;
        } else if let Change::Dcs(state) = change {
            dcs = *state;
        }
    }
    (s3, dcs)
}

/// Whether steps leave a database held on its way up: it is restored from S3, and started by what the DCS says.
fn is_held(taken: &[PlanStep]) -> bool {
    left_by(taken) != (S3ServerState::Up, DcsState::Up)
}

/// After which of its steps a plan leaves a database on its way up that is neither waited for nor held, where it makes a
/// difference whether it is up before the next step.
async fn races(whole: &Plan) -> Vec<usize> {
    let mut found = Vec::new();
    for (index, step) in whole.steps.iter().enumerate() {
        let (taken, left) = whole.steps.split_at(index + 1);
        let is_waited_for =
            matches!(left.first(), Some(PlanStep::Change(Change::Await(_)) | PlanStep::Settle));
        if is_waited_for || matches!(step, PlanStep::Settle) || is_held(taken) {
            continue;
        }
        let seen = run(&with_steps(whole, taken.to_vec())).await.observation;
        if seen.units.iter().all(|unit| unit.member != Some(MemberState::Starting)) {
            continue;
        }
        let settled = PlanStep::Change(Change::Await(Awaited::DatabaseSettled));
        let slower = taken.iter().cloned().chain([settled]).chain(left.iter().cloned()).collect();
        let (fast, slow) = (with_steps(whole, whole.steps.clone()), with_steps(whole, slower));
        if transcript(&run(&fast).await) != transcript(&run(&slow).await) {
            found.push(index);
        }
    }
    found
}

/// Other steps from the same beginning, of which nothing is expected.
fn with_steps(plan: &Plan, steps: Vec<PlanStep>) -> Plan {
    Plan { steps, after_steps: BTreeMap::new(), is_examined: false, ..plan.clone() }
}

#[tokio::test]
async fn no_case_races_with_a_database_on_its_way_up() {
    let mut found = Vec::new();
    for (at, text, _) in corpus().files {
        let scenario = read_text(&text, &at).remove(0).expect("readable");
        let races = races(&plan(scenario, &[])).await;
        found.extend(races.into_iter().map(|index| format!("{at}: after fire[{index}]")));
    }
    assert_eq!(found, Vec::<String>::new());
}

/// A primary without a DCS is demoted some seconds later, so a role seen while the DCS is down depends on the machine.
#[tokio::test]
async fn no_case_ends_while_a_primary_waits_to_be_demoted() {
    let mut found = Vec::new();
    for (at, text, _) in corpus().files {
        let plan = plan(read_text(&text, &at).remove(0).expect("readable"), &[]);
        if left_by(&plan.steps).1 == DcsState::Up {
            continue;
        }
        let seen = run(&plan).await.observation;
        if seen.units.iter().any(|unit| unit.member == Some(MemberState::Running)) {
            found.push(at);
        }
    }
    assert_eq!(found, Vec::<String>::new());
}
