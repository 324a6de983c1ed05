//! What one step of a history breaks by itself.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::FutureExt as _;
use pgdrill_sim::{Fired, Observation, World};

use crate::{
    explore::Search,
    judge::{Verdict, judge},
    laws::Remembered,
    plan::Plan,
    run::{FiredStep, Run, SeenAround, run},
    settle::settle_copy,
    shrink::Failure,
};

/// Whether a whole history breaks this.
pub(super) fn breaks(plan: &Plan, failure: &Failure) -> bool {
    let Some(run) = run(plan).now_or_never() else { return false };
    match judge(plan, &run).verdict {
        Verdict::Failed(reasons) => reasons.iter().any(|reason| Failure::of(reason) == *failure),
        Verdict::Passed | Verdict::Skipped(_) => false,
    }
}

/// A run that begins in a world of which laws remember this.
fn begun(remembered: &Remembered, observation: Observation) -> Run {
    Run {
        firings: Vec::new(),
        after_steps: BTreeMap::new(),
        observation,
        missed: Vec::new(),
        broken: None,
        skipped: None,
        settled: None,
        stopped_at: None,
        remembered: remembered.clone(),
    }
}

/// The run of one event.
pub(super) fn of_event(fired: Vec<Fired>, around: SeenAround, remembered: &Remembered) -> Run {
    let mut run = begun(remembered, around.after.clone());
    let seen = Arc::new(around);
    let step =
        |fired| FiredStep { fired, backups_gained: 0, step: 0, seen: Some(Arc::clone(&seen)) };
    run.firings = fired.into_iter().map(step).collect();
    run
}

/// What a run breaks that is searched for.
pub(super) fn failures(search: &Search, plan: &Plan, run: &Run) -> Vec<Failure> {
    let Verdict::Failed(reasons) = judge(plan, run).verdict else { return Vec::new() };
    reasons.iter().filter(|reason| search.wants(reason)).map(Failure::of).collect()
}

/// What a world breaks once every fault is undone and everything that Juju owes has come.
pub(super) fn of_settled(
    search: &Search,
    plan: &Plan,
    world: &World,
    seen: &Observation,
    remembered: &Remembered,
) -> Vec<Failure> {
    let settled = settle_copy(world.clone(), plan.amendments, None).now_or_never();
    let Some(Ok(settled)) = settled else { return Vec::new() };
    let mut run = begun(remembered, seen.clone());
    run.settled = Some(settled);
    failures(search, plan, &run)
}
