//! A restored database comes up in its own time. What a case shows must not depend on how long that takes: a database on its
//! way up is waited for or held where it is, or it makes no difference.

#![allow(clippy::expect_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use pgdrill_core::ports::MemberState;
use pgdrill_scenarios::{Plan, PlanStep, corpus, plan, read_text, run, transcript};
use pgdrill_sim::{Awaited, Change, DcsState, S3ServerState};

/// Whether what was true or happened up to a step holds a database on its way up: it is restored from S3, and started by what
/// the DCS says.
fn is_held(taken: &[PlanStep]) -> bool {
    let (mut s3, mut dcs) = (S3ServerState::Up, DcsState::Up);
    let changes = taken.iter().flat_map(|step| match step {
        PlanStep::Fire { injections, .. } => {
            injections.iter().filter_map(|it| it.change()).collect()
        }
        PlanStep::Change(change) => vec![change],
        PlanStep::Settle => vec![],
    });
    for change in changes {
        match change {
            Change::S3Server(state) => s3 = *state,
            Change::Dcs(state) => dcs = *state,
            _ => (),
        }
    }
    s3 != S3ServerState::Up || dcs != DcsState::Up
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
