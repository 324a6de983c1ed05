//! Work side by side, its results in the order of the work.

use std::{
    ops::ControlFlow,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use futures_util::{StreamExt as _, stream};

use crate::{
    plan::Plan,
    run::{Run, run},
    testbed::Prevented,
    timed::TimedRun,
};

/// Runs plans with at most `jobs` side by side. The runs come back in the order of the plans, whatever
/// the order in which they ended; `done` is called as each becomes known.
pub async fn run_all(plans: Vec<Plan>, jobs: usize, mut done: impl FnMut(&Run)) -> Vec<Run> {
    let mut runs = Vec::with_capacity(plans.len());
    let keep = |TimedRun { run, .. }| {
        done(&run);
        runs.push(run);
        ControlFlow::Continue(())
    };
    run_each(plans, jobs, keep).await;
    runs
}

/// As [`run_all`], without keeping the runs: `take` gets each as soon as it and those of all plans before it are known,
/// in the order of the plans. Where it breaks, no other run is taken; those that are under way end with the runtime.
pub async fn run_each(
    plans: Vec<Plan>,
    jobs: usize,
    mut take: impl FnMut(TimedRun) -> ControlFlow<()>,
) {
    let tasks = plans.into_iter().map(|plan| async move {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place where plans run side by side; the order of results is the plans'"
        )]
        let task = tokio::spawn(async move { TimedRun::measure(run(&plan)).await });
        task.await.unwrap_or_else(|error| broken(&error.to_string()))
    });
    let mut runs = stream::iter(tasks).buffered(jobs.max(1));
    while let Some(run) = runs.next().await {
        if take(run).is_break() {
            break;
        }
    }
}

fn broken(why: &str) -> TimedRun {
    let why = Prevented::Broken(format!("the run panicked: {why}").into());
    TimedRun { run: Run::unstarted().prevented(why), took: std::time::Duration::ZERO }
}

/// What comes of each item, in order, on so many threads. None of them waits for anything; a panic of one is the caller's.
pub fn each<T: Sync, R: Send>(items: &[T], jobs: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if jobs <= 1 || items.len() <= 1 {
        return items.iter().map(work).collect();
    }
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(items.len())));
    let work = || {
        while let Some((index, item)) = taken(items, &next) {
            let result = work(item);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
        }
    };
    thread::scope(|scope| {
        let helpers = (1..jobs.min(items.len()))
            .map_while(|_| thread::Builder::new().spawn_scoped(scope, work).ok());
        let helpers: Vec<_> = helpers.collect();
        work();
        drop(helpers);
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

fn taken<'i, T>(items: &'i [T], next: &AtomicUsize) -> Option<(usize, &'i T)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    Some((index, items.get(index)?))
}
