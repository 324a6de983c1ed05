//! Runs plans side by side.

use std::ops::ControlFlow;

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
