//! Plans side by side, each worker with a cluster that it uses again.

use std::{
    cmp::Reverse,
    collections::BTreeSet,
    num::NonZero,
    ops::ControlFlow,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt as _, future::join_all};
use pgdrill_containers::Topology;
use pgdrill_sim::{Change, PgbackrestFailureMode, S3ServerState};

use super::{Containers, ContainersTestbed};
use pgdrill_scenarios::{Cause, Plan, PlanStep, Prevented, Run, TimedRun, run_in};

/// How many clusters side by side suit this machine. Each waits for most of its time: ten keep two processors busy. More
/// than twelve take more memory than many a machine has to spare.
#[must_use]
pub fn default_workers() -> usize {
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
pub struct RunEnded<'a> {
    /// Its place among the plans.
    pub index: usize,
    /// The run.
    pub run: &'a Run,
    /// The seconds that it took, with what was done to reset the cluster for it.
    pub seconds: f64,
    /// Why the cluster that served before could not be reset for it, so that a new one was made.
    pub replaced: Option<&'a str>,
}

/// Called with every run as it ends. Where it breaks, no other begins; those that are under way come to their end.
pub type OnRunEnd<'a> = dyn Fn(&RunEnded<'_>) -> ControlFlow<()> + Sync + 'a;

/// A run, and what became of its cluster.
pub struct RunOnCluster {
    /// The run.
    pub run: Run,
    /// The cluster, if it can be used again.
    pub topology: Option<Arc<Topology>>,
    /// Why the cluster that served before could not be reset to what the plan gives.
    pub replaced: Option<String>,
}

/// What is left to do.
struct Queue<'a> {
    waiting: Mutex<Vec<(usize, &'a Plan)>>,
    ended: Mutex<Vec<Option<TimedRun>>>,
    /// The places of the plans that nobody is to begin any more.
    stopped: Mutex<BTreeSet<usize>>,
}

impl<'a> Queue<'a> {
    /// The plan that suits a cluster of this many units and this primary best, if its primary is known. Of several the
    /// one with the most to do, so that the workers end about together.
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

    /// The units of the cluster with which a worker begins: the first worker with as many as any plan has, as few plans
    /// have so many and each of them takes long; half of the others with one, half with a pair.
    fn first_units(&self, worker: usize) -> u32 {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let most = waiting.iter().map(|(_, plan)| plan.given.units.max(1)).max();
        match worker {
            0 => most.unwrap_or(1),
            worker if worker % 2 == 1 => 1,
            _ => 2,
        }
    }

    /// No plan begins any more.
    fn stop(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        stopped.extend(waiting.drain(..).map(|(index, _)| index));
    }

    /// The runs in the order of the plans; `None` for each that was not to begin.
    fn into_runs(self) -> Vec<Option<TimedRun>> {
        let ended = self.ended.into_inner().unwrap_or_else(PoisonError::into_inner);
        let stopped = self.stopped.into_inner().unwrap_or_else(PoisonError::into_inner);
        let lost = || {
            let why = Prevented::Broken("no worker ran it".into());
            TimedRun { run: Run::unstarted().prevented(why), took: Duration::ZERO }
        };
        let numbered = ended.into_iter().enumerate();
        numbered
            .map(|(index, run)| run.or_else(|| (!stopped.contains(&index)).then(lost)))
            .collect()
    }

    fn end(&self, index: usize, run: TimedRun) {
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
        PlanStep::Fire { .. } | PlanStep::Together { .. } => {
            1 + step.injections().map(|it| it.change().map_or(1, event)).sum::<usize>()
        }
        PlanStep::Change(change) => event(change),
        PlanStep::Settle => 6,
    };
    let at_end = if plan.is_examined { step(&PlanStep::Settle) } else { 0 };
    (plan.steps.iter().map(step).sum::<usize>() + at_end) * plan.given.units.max(1) as usize
}

impl Containers {
    /// Runs plans on this many clusters side by side. The runs come back in the order of the plans, `None` for each that
    /// did not begin as `done` broke; it is called as each ends.
    pub async fn run_all(
        &self,
        plans: &[Plan],
        workers: usize,
        reuse: Reuse,
        done: &OnRunEnd<'_>,
    ) -> Vec<Option<TimedRun>> {
        let queue = Queue {
            waiting: Mutex::new(plans.iter().enumerate().collect()),
            ended: Mutex::new(vec![None; plans.len()]),
            stopped: Mutex::default(),
        };
        let workers = workers.clamp(1, plans.len().max(1));
        join_all((0..workers).map(|worker| self.run_worker(worker, &queue, reuse, done))).await;
        queue.into_runs()
    }

    async fn run_worker(
        &self,
        worker: usize,
        queue: &Queue<'_>,
        reuse: Reuse,
        done: &OnRunEnd<'_>,
    ) {
        let mut topology: Option<Arc<Topology>> = None;
        let preferred = queue.first_units(worker);
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
                RunOnCluster {
                    run: Run::unstarted().prevented(why),
                    topology: None,
                    replaced: None,
                }
            });
            topology = ran.topology;
            if reuse == Reuse::No {
                take_down(topology.take()).await;
            }
            let (run, took) = (ran.run, began.elapsed());
            let (seconds, replaced) = (took.as_secs_f64(), ran.replaced.as_deref());
            if done(&RunEnded { index, run: &run, seconds, replaced }).is_break() {
                queue.stop();
            }
            queue.end(index, TimedRun { run, took });
        }
        take_down(topology).await;
    }

    /// Runs a plan on a cluster that was used before, if there is one and it can be reset to what the plan
    /// gives; otherwise on a new one. The cluster comes back if it can be used again.
    pub async fn run_plan(&self, plan: &Plan, used: Option<Arc<Topology>>) -> RunOnCluster {
        let mut replaced = None;
        if let Some(topology) = used {
            match self.try_on(topology, plan).await {
                Ok((run, topology)) => return RunOnCluster { run, topology, replaced },
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
        RunOnCluster { run, topology, replaced }
    }

    /// Runs a plan on this cluster, which comes back if it can be used again. Why it could not be reset to what the
    /// plan gives, if so: it is gone then.
    async fn try_on(
        &self,
        topology: Arc<Topology>,
        plan: &Plan,
    ) -> Result<(Run, Option<Arc<Topology>>), Cause> {
        match ContainersTestbed::make(Arc::clone(&topology), &self.server, &plan.given).await {
            Ok(testbed) => Ok(in_place(plan, &testbed, topology).await),
            Err(why @ Prevented::Unable(_)) => {
                Ok((Run::unstarted().prevented(why), Some(topology)))
            }
            Err(Prevented::Broken(why)) => {
                take_down(Some(topology)).await;
                Err(why)
            }
        }
    }
}

/// For what people are shown of a run, never for what is decided in it.
#[expect(clippy::disallowed_methods, reason = "people are shown how long a run took")]
#[expect(clippy::disallowed_types, reason = "people are shown how long a run took")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

async fn in_place(
    plan: &Plan,
    testbed: &ContainersTestbed,
    topology: Arc<Topology>,
) -> (Run, Option<Arc<Topology>>) {
    let run = run_in(testbed, plan).await;
    // A bucket that stays takes room on a server that goes with the run: no verdict hangs on it.
    let _ = testbed.bucket.remove().await;
    if run.broken.is_some() {
        take_down(Some(topology)).await;
        return (run, None);
    }
    (run, Some(topology))
}

/// Takes a cluster down. What is not removed now is by the end of the run, by its label.
async fn take_down(topology: Option<Arc<Topology>>) {
    if let Some(topology) = topology {
        let _ = topology.take_down().await;
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
    fn a_worker_takes_what_suits_its_cluster_and_of_that_what_has_the_most_to_do() {
        let mut hangs = busy(1, 0, 1);
        hangs.steps = vec![PlanStep::Change(Change::Pgbackrest(PgbackrestFailureMode::Hangs))];
        let plans =
            [busy(1, 0, 1), busy(2, 0, 9), busy(1, 0, 3), hangs, busy(3, 0, 1), busy(2, 1, 1)];
        let waiting = Mutex::new(plans.iter().enumerate().collect());
        let queue = Queue { waiting, ended: Mutex::default(), stopped: Mutex::default() };
        let begin: Vec<u32> = (0..5).map(|worker| queue.first_units(worker)).collect();
        assert_eq!(begin, [3, 1, 2, 1, 2]);
        assert_eq!(queue.next(3, None).map(|(index, _)| index), Some(4));
        assert_eq!(queue.next(2, Some(1)).map(|(index, _)| index), Some(5));
        let rest = std::iter::from_fn(|| queue.next(1, Some(0)));
        assert_eq!(rest.map(|(index, _)| index).collect::<Vec<_>>(), [3, 2, 0, 1]);
    }

    #[test]
    fn no_plan_begins_after_a_stop_and_none_that_began_is_lost() {
        let plans = [busy(1, 0, 1), busy(1, 0, 9), busy(1, 0, 2)];
        let waiting = Mutex::new(plans.iter().enumerate().collect());
        let ended = Mutex::new(vec![None; plans.len()]);
        let queue = Queue { waiting, ended, stopped: Mutex::default() };
        assert_eq!(queue.next(1, None).map(|(index, _)| index), Some(1));
        queue.stop();
        assert!(queue.next(1, None).is_none());
        let run = TimedRun { run: Run::unstarted(), took: Duration::ZERO };
        queue.end(1, run);
        let is_there: Vec<bool> = queue.into_runs().iter().map(Option::is_some).collect();
        assert_eq!(is_there, [false, true, false]);
    }
}
