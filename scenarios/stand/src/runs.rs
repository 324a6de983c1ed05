//! Plans, rehearsed side by side.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use pgdrill_core::Diagnostic;

use super::{place::Rehearsal, programs::Programs};
use pgdrill_scenarios::{Cause, Plan, Prevented, Run, run_in};

/// Runs one plan through dispatches, in a place of its own.
///
/// # Errors
///
/// The stand could not be set up, or this machine ran short of what it needs: nothing can be said of the plan then.
pub async fn run(programs: &Programs, plan: &Plan) -> Result<Run, Box<Diagnostic>> {
    let run = match Rehearsal::new(programs, &plan.given).await {
        Ok(place) => {
            let run = run_in(&place, plan).await;
            place.shortage().map_or(Ok(run), |why| Err(no_stand(&why)))?
        }
        Err(Prevented::Broken(Cause::Complaint(complaint))) => return Err(complaint),
        Err(Prevented::Broken(Cause::Text(why))) => return Err(no_stand(&why)),
        Err(why @ Prevented::Unable(_)) => Run::unstarted().prevented(why),
    };
    Ok(run)
}

fn no_stand(why: &str) -> Box<Diagnostic> {
    let hint = "let fewer run side by side with `--jobs 1`, or raise what this machine allows, as by `ulimit -n`";
    Box::new(
        Diagnostic::error("the stand", format!("this machine can't hold it: {why}")).hint(hint),
    )
}

/// Runs plans with at most `jobs` side by side; the runs come back in the order of the plans. `done` is
/// called as each becomes known.
///
/// # Errors
///
/// As [`run`]; the first that comes ends all.
pub async fn run_all(
    programs: &Programs,
    plans: &[Plan],
    jobs: usize,
    done: impl Fn(&Run),
) -> Result<Vec<Run>, Box<Diagnostic>> {
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
                Ok(Run::unstarted().prevented(Prevented::Broken(why.into())))
            })
        }
    });
    stream::iter(tasks).buffered(jobs.max(1)).inspect_ok(|run| done(run)).try_collect().await
}
