//! Plans side by side, each lane with a cluster that it uses again.

use std::{
    num::NonZero,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{FutureExt as _, future::join_all};
use pgdrill_backends::containers::Topology;

use super::{Containers, ContainersPlace};
use crate::{
    place::Prevented,
    plan::Plan,
    run::{Run, run_in},
};

/// How many clusters side by side suit this machine: they wait for most of their time. No run is shorter for more than
/// twelve: it takes as long as its longest cases do.
#[must_use]
pub fn usual_lanes() -> usize {
    (3 * std::thread::available_parallelism().map_or(1, NonZero::get)).min(12)
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
    /// The plan that suits a cluster of this many units and this primary best; any if there is none yet.
    fn next(&self, units: Option<u32>, primary: Option<u32>) -> Option<(usize, &'a Plan)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let unlike = |plan: &Plan| {
            let given = &plan.given;
            let size = units.map_or(0, |units| units.abs_diff(given.units.max(1)));
            (size, primary.is_some_and(|primary| primary != given.primary))
        };
        let best =
            (0..waiting.len()).min_by_key(|&index| waiting.get(index).map(|(_, p)| unlike(p)));
        best.map(|index| waiting.remove(index))
    }

    fn end(&self, index: usize, run: Run) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = ended.get_mut(index) {
            *slot = Some(run);
        }
    }
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
        let lost = || Run::new().prevented(Prevented::Broken("no lane ran it".into()));
        ended.into_iter().map(|run| run.unwrap_or_else(lost)).collect()
    }

    async fn run_lane(&self, lane: usize, queue: &Queue<'_>, reuse: Reuse, done: &Done<'_>) {
        let mut topology: Option<Arc<Topology>> = None;
        // Half of the lanes begin with clusters of one unit, the other half with pairs.
        let preferred = u32::try_from(lane % 2).unwrap_or(0) + 1;
        loop {
            let (units, primary) = match &topology {
                Some(topology) => (topology.size(), topology.primary().await),
                None => (preferred, None),
            };
            let Some((index, plan)) = queue.next(Some(units), primary) else { break };
            let began = now();
            let ran = AssertUnwindSafe(self.run_plan(plan, topology.take())).catch_unwind().await;
            let ran = ran.unwrap_or_else(|_| {
                let why = Prevented::Broken("the run panicked".into());
                Ran { run: Run::new().prevented(why), topology: None, replaced: None }
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
                Err(why) => replaced = Some(why),
            }
        }
        let tried = match self.raise(plan.given.units).await {
            Ok(topology) => self.try_on(Arc::new(topology), plan).await,
            Err(complaint) => Err(complaint.to_string()),
        };
        let (run, topology) =
            tried.unwrap_or_else(|why| (Run::new().prevented(Prevented::Broken(why)), None));
        Ran { run, topology, replaced }
    }

    /// Runs a plan on this cluster, which comes back if it can be used again. Why it could not be brought to what the
    /// plan gives, if so: it is gone then.
    async fn try_on(
        &self,
        topology: Arc<Topology>,
        plan: &Plan,
    ) -> Result<(Run, Option<Arc<Topology>>), String> {
        match ContainersPlace::make(Arc::clone(&topology), &self.server, &plan.given).await {
            Ok(place) => Ok(in_place(plan, &place, topology).await),
            Err(why @ Prevented::Unable(_)) => Ok((Run::new().prevented(why), Some(topology))),
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
