//! Plans, rehearsed side by side.

use futures_util::{StreamExt as _, stream};

use super::{place::Rehearsal, programs::Programs};
use pgdrill_scenarios::{Plan, Prevented, Run, run_in};

/// Runs one plan through dispatches, in a place of its own.
pub async fn run(programs: &Programs, plan: &Plan) -> Run {
    match Rehearsal::new(programs, &plan.given).await {
        Ok(place) => run_in(&place, plan).await,
        Err(why) => Run::unstarted().prevented(why),
    }
}

/// Runs plans with at most `jobs` side by side; the runs come back in the order of the plans. `done` is
/// called as each becomes known.
pub async fn run_all(
    programs: &Programs,
    plans: &[Plan],
    jobs: usize,
    done: impl Fn(&Run),
) -> Vec<Run> {
    let tasks = plans.iter().map(|plan| {
        let (programs, plan) = (programs.clone(), plan.clone());
        async move {
            #[expect(
                clippy::disallowed_methods,
                reason = "each rehearsal has a world of its own; the order of results is the plans'"
            )]
            let task = tokio::spawn(async move { run(&programs, &plan).await });
            task.await.unwrap_or_else(|error| {
                let why = format!("the run panicked: {error}");
                Run::unstarted().prevented(Prevented::Broken(why.into()))
            })
        }
    });
    stream::iter(tasks).buffered(jobs.max(1)).inspect(|run| done(run)).collect().await
}
