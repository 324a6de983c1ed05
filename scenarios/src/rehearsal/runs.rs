//! Plans, rehearsed side by side.

use std::path::Path;

use futures_util::{StreamExt as _, stream};

use super::place::Rehearsal;
use crate::{
    place::Prevented,
    plan::Plan,
    run::{Run, run_in},
};

/// Runs one plan through dispatches of this program, in a place of its own.
pub async fn run(program: &Path, plan: &Plan) -> Run {
    match Rehearsal::new(program, &plan.given).await {
        Ok(place) => run_in(&place, plan).await,
        Err(why) => Run::new().prevented(why),
    }
}

/// Runs plans with at most `jobs` side by side; the runs come back in the order of the plans. `done` is
/// called as each becomes known.
pub async fn run_all(program: &Path, plans: &[Plan], jobs: usize, done: impl Fn(&Run)) -> Vec<Run> {
    let tasks = plans.iter().map(|plan| {
        let (program, plan) = (program.to_owned(), plan.clone());
        async move {
            #[expect(
                clippy::disallowed_methods,
                reason = "each rehearsal has a world of its own; the order of results is the plans'"
            )]
            let task = tokio::spawn(async move { run(&program, &plan).await });
            task.await.unwrap_or_else(|error| {
                Run::new().prevented(Prevented::Broken(format!("the run panicked: {error}")))
            })
        }
    });
    stream::iter(tasks).buffered(jobs.max(1)).inspect(|run| done(run)).collect().await
}
