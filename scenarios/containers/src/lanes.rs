//! Plans side by side, each lane with a cluster that it uses again.

use std::{
    cmp::Reverse,
    num::NonZero,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{FutureExt as _, future::join_all};
use pgdrill_containers::Topology;
use pgdrill_sim::{Change, PgbackrestFailureMode, S3ServerState};

use super::{Containers, ContainersPlace};
use pgdrill_scenarios::{Cause, Plan, PlanStep, Prevented, Run, run_in};

/// How many clusters side by side suit this machine. Each waits for most of its time: ten keep two processors busy. More
/// than twelve take more memory than many a machine has to spare.
#[must_use]
pub fn usual_lanes() -> usize {
    (5 * std::thread::available_parallelism().map_or(1, NonZero::get)).min(12)
}

/// Whether a cluster serves more than one plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// It does, until something can't be undone on it.
    Yes,
    /// Every plan has a cluster of its own: what a naive run does, to be compared with.
    No,
}

/// A run that has just ended.
#[derive(Debug)]
pub struct Ended<'a> {
    /// Its place among the plans.
    pub index: usize,
    /// The run.
    pub run: &'a Run,
    /// The seconds that it took, with what was done to bring the cluster there.
    pub seconds: f64,
    /// Why the cluster that served before could not be brought there, so that a new one was made.
    pub replaced: Option<&'a str>,
}

/// Told of every run as it ends.
pub type Done<'a> = dyn Fn(&Ended<'_>) + Sync + 'a;

/// A run, and what became of its cluster.
pub struct Ran {
    /// The run.
    pub run: Run,
    /// The cluster, if it can be used again.
    pub topology: Option<Arc<Topology>>,
    /// Why the cluster that served before could not be brought to what the plan gives.
    pub replaced: Option<String>,
}

/// What is left to do.
struct Queue<'a> {
    waiting: Mutex<Vec<(usize, &'a Plan)>>,
    ended: Mutex<Vec<Option<Run>>>,
}

impl<'a> Queue<'a> {
    /// The plan that suits a cluster of this many units and this primary best, if its primary is known. Of several the
    /// one with the most to do, so that the lanes end about together.
    fn next(&self, units: u32, primary: Option<u32>) -> Option<(usize, &'a Plan)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let unlike = |plan: &Plan| {
            let given = &plan.given;
            let size = units.abs_diff(given.units.max(1));
            let is_led_by_another = primary.is_some_and(|primary| primary != given.primary);
            (size, is_led_by_another, Reverse(work(plan)))
        };
        let best =
            (0..waiting.len()).min_by_key(|&index| waiting.get(index).map(|(_, p)| unlike(p)));
        best.map(|index| waiting.remove(index))
    }

    /// The units of the cluster with which a lane begins: the first lane with as many as any plan has, as few plans have
    /// so many and each of them takes long; half of the others with one, half with a pair.
    fn first_units(&self, lane: usize) -> u32 {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let most = waiting.iter().map(|(_, plan)| plan.given.units.max(1)).max();
        match lane {
            0 => most.unwrap_or(1),
            lane if lane % 2 == 1 => 1,
            _ => 2,
        }
    }

    fn end(&self, index: usize, run: Run) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = ended.get_mut(index) {
            *slot = Some(run);
        }
    }
}

/// How much a plan has to do, to be compared with others: what happens in it, on how many units.
fn work(plan: &Plan) -> usize {
    let event = |change: &Change| {
        let hangs = matches!(
            change,
            Change::Pgbackrest(PgbackrestFailureMode::Hangs)
                | Change::S3Server(S3ServerState::Hangs)
        );
        // The end of what hangs is waited for until the time that it has is up.
        if hangs { 10 } else { 1 }
    };
    let step = |step: &PlanStep| match step {
        PlanStep::Fire { injections, .. } => {
            1 + injections.iter().map(|injection| event(&injection.change)).sum::<usize>()
        }
        PlanStep::Change(change) => event(change),
    };
    plan.steps.iter().map(step).sum::<usize>() * plan.given.units.max(1) as usize
}

impl Containers {
    /// Runs plans on this many clusters side by side. The runs come back in the order of the plans; `done`
    /// is called as each ends.
    pub async fn run_all(
        &self,
        plans: &[Plan],
        lanes: usize,
        reuse: Reuse,
        done: &Done<'_>,
    ) -> Vec<Run> {
        let queue = Queue {
            waiting: Mutex::new(plans.iter().enumerate().collect()),
            ended: Mutex::new(vec![None; plans.len()]),
        };
        let lanes = lanes.clamp(1, plans.len().max(1));
        join_all((0..lanes).map(|lane| self.run_lane(lane, &queue, reuse, done))).await;
        let ended = queue.ended.into_inner().unwrap_or_else(PoisonError::into_inner);
        let lost = || Run::unstarted().prevented(Prevented::Broken("no lane ran it".into()));
        ended.into_iter().map(|run| run.unwrap_or_else(lost)).collect()
    }

    async fn run_lane(&self, lane: usize, queue: &Queue<'_>, reuse: Reuse, done: &Done<'_>) {
        let mut topology: Option<Arc<Topology>> = None;
        let preferred = queue.first_units(lane);
        loop {
            let (units, primary) = match &topology {
                Some(topology) => (topology.size(), topology.primary().await),
                None => (preferred, None),
            };
            let Some((index, plan)) = queue.next(units, primary) else { break };
            let began = now();
            let ran = AssertUnwindSafe(self.run_plan(plan, topology.take())).catch_unwind().await;
            let ran = ran.unwrap_or_else(|_| {
                let why = Prevented::Broken("the run panicked".into());
                Ran { run: Run::unstarted().prevented(why), topology: None, replaced: None }
            });
            topology = ran.topology;
            if reuse == Reuse::No {
                strike(topology.take()).await;
            }
            let (run, seconds) = (ran.run, began.elapsed().as_secs_f64());
            done(&Ended { index, run: &run, seconds, replaced: ran.replaced.as_deref() });
            queue.end(index, run);
        }
        strike(topology).await;
    }

    /// Runs a plan on a cluster that was used before, if there is one and it can be brought to what the plan
    /// gives; otherwise on a new one. The cluster comes back if it can be used again.
    pub async fn run_plan(&self, plan: &Plan, used: Option<Arc<Topology>>) -> Ran {
        let mut replaced = None;
        if let Some(topology) = used {
            match self.try_on(topology, plan).await {
                Ok((run, topology)) => return Ran { run, topology, replaced },
                // What was done to it can't be undone: it has served its time.
                Err(why) => replaced = Some(why.to_string()),
            }
        }
        let tried = match self.raise(plan.given.units).await {
            Ok(topology) => self.try_on(Arc::new(topology), plan).await,
            Err(complaint) => Err(complaint.into()),
        };
        let (run, topology) =
            tried.unwrap_or_else(|why| (Run::unstarted().prevented(Prevented::Broken(why)), None));
        Ran { run, topology, replaced }
    }

    /// Runs a plan on this cluster, which comes back if it can be used again. Why it could not be brought to what the
    /// plan gives, if so: it is gone then.
    async fn try_on(
        &self,
        topology: Arc<Topology>,
        plan: &Plan,
    ) -> Result<(Run, Option<Arc<Topology>>), Cause> {
        match ContainersPlace::make(Arc::clone(&topology), &self.server, &plan.given).await {
            Ok(place) => Ok(in_place(plan, &place, topology).await),
            Err(why @ Prevented::Unable(_)) => {
                Ok((Run::unstarted().prevented(why), Some(topology)))
            }
            Err(Prevented::Broken(why)) => {
                strike(Some(topology)).await;
                Err(why)
            }
        }
    }
}

/// For what people are told of a run, never for what is decided in it.
#[expect(clippy::disallowed_methods, reason = "people are told how long a run took")]
#[expect(clippy::disallowed_types, reason = "people are told how long a run took")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

async fn in_place(
    plan: &Plan,
    place: &ContainersPlace,
    topology: Arc<Topology>,
) -> (Run, Option<Arc<Topology>>) {
    let run = run_in(place, plan).await;
    // A bucket that stays takes room on a server that goes with the run: no verdict hangs on it.
    let _ = place.bucket.remove().await;
    if run.broken.is_some() {
        strike(Some(topology)).await;
        return (run, None);
    }
    (run, Some(topology))
}

/// Takes a cluster down. What is not removed now is by the end of the run, by its label.
async fn strike(topology: Option<Arc<Topology>>) {
    if let Some(topology) = topology {
        let _ = topology.strike().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pgdrill_scenarios::plan;
    use pgdrill_scenarios::read_corpus;

    /// A plan in which something happens this many times.
    fn busy(units: u32, primary: u32, events: usize) -> Plan {
        let scenario = read_corpus().swap_remove(0).scenario.expect("a case can be read");
        let mut plan = plan(scenario, &[]);
        (plan.given.units, plan.given.primary) = (units, primary);
        plan.steps = vec![PlanStep::Change(Change::PrimaryIsLost); events];
        plan
    }

    #[test]
    fn a_lane_takes_what_suits_its_cluster_and_of_that_what_has_the_most_to_do() {
        let mut hangs = busy(1, 0, 1);
        hangs.steps = vec![PlanStep::Change(Change::Pgbackrest(PgbackrestFailureMode::Hangs))];
        let plans =
            [busy(1, 0, 1), busy(2, 0, 9), busy(1, 0, 3), hangs, busy(3, 0, 1), busy(2, 1, 1)];
        let waiting = Mutex::new(plans.iter().enumerate().collect());
        let queue = Queue { waiting, ended: Mutex::default() };
        let begin: Vec<u32> = (0..5).map(|lane| queue.first_units(lane)).collect();
        assert_eq!(begin, [3, 1, 2, 1, 2]);
        assert_eq!(queue.next(3, None).map(|(index, _)| index), Some(4));
        assert_eq!(queue.next(2, Some(1)).map(|(index, _)| index), Some(5));
        let rest = std::iter::from_fn(|| queue.next(1, Some(0)));
        assert_eq!(rest.map(|(index, _)| index).collect::<Vec<_>>(), [3, 2, 0, 1]);
    }
}
