//! Plans, rehearsed side by side.

use std::{ops::ControlFlow, time::Duration};

use futures_util::{StreamExt as _, stream};
use pgdrill_core::Diagnostic;

use super::{place::Rehearsal, programs::Programs};
use pgdrill_scenarios::{Cause, Plan, Prevented, Run, TimedRun, run_in};

/// Runs one plan through dispatches, in a place of its own.
///
/// # Errors
///
/// The stand could not be set up, or this machine ran short of what it needs: nothing can be said of the plan then.
pub async fn run(programs: &Programs, plan: &Plan) -> Result<Run, Box<Diagnostic>> {
    timed(programs, plan).await.map(|timed| timed.run)
}

async fn timed(programs: &Programs, plan: &Plan) -> Result<TimedRun, Box<Diagnostic>> {
    let run = match Rehearsal::new(programs, &plan.given).await {
        Ok(place) => {
            let run = TimedRun::measure(run_in(&place, plan)).await;
            place.shortage().map_or(Ok(run), |why| Err(no_stand(&why)))?
        }
        Err(Prevented::Broken(Cause::Complaint(complaint))) => return Err(complaint),
        Err(Prevented::Broken(cause @ (Cause::Text(_) | Cause::TookLonger(_)))) => {
            return Err(no_stand(&cause.to_string()));
        }
        Err(why @ Prevented::Unable(_)) => unstarted(why),
    };
    Ok(run)
}

fn unstarted(why: Prevented) -> TimedRun {
    TimedRun { run: Run::unstarted().prevented(why), took: Duration::ZERO }
}

fn no_stand(why: &str) -> Box<Diagnostic> {
    let hint = "let fewer run side by side with `--jobs 1`, or raise what this machine allows, as by `ulimit -n`";
    Box::new(
        Diagnostic::error("the stand", format!("this machine can't hold it: {why}")).hint(hint),
    )
}

/// Runs plans with at most `jobs` side by side; the runs come back in the order of the plans. `done` is
/// called with the place of each among the plans as it and those before it become known. Where it breaks, those that are
/// under way end with the runtime, and the runs so far come back.
///
/// # Errors
///
/// As [`run`]; the first that comes ends all.
pub async fn run_all(
    programs: &Programs,
    plans: &[Plan],
    jobs: usize,
    done: impl Fn(usize, &Run) -> ControlFlow<()>,
) -> Result<Vec<TimedRun>, Box<Diagnostic>> {
    let tasks = plans.iter().map(|plan| {
        let (programs, plan) = (programs.clone(), plan.clone());
        async move {
            #[expect(
                clippy::disallowed_methods,
                reason = "each rehearsal has a world of its own; the order of results is the plans'"
            )]
            let task = tokio::spawn(async move { timed(&programs, &plan).await });
            task.await.unwrap_or_else(|error| {
                let why = format!("the run panicked: {error}");
                Ok(unstarted(Prevented::Broken(why.into())))
            })
        }
    });
    let mut ended = stream::iter(tasks).buffered(jobs.max(1)).enumerate();
    let mut runs = Vec::with_capacity(plans.len());
    while let Some((index, ran)) = ended.next().await {
        let ran = ran?;
        let flow = done(index, &ran.run);
        runs.push(ran);
        if flow.is_break() {
            break;
        }
    }
    Ok(runs)
}
