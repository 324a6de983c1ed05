//! Runs on real containers: set up, cleared away whatever happens.

use std::{io::Write as _, ops::ControlFlow};

use pgdrill_container_backend::{Containers, OnRunEnd, Reuse, RunEnded};
use pgdrill_containers::{
    Pace, Profile, Purpose, ReapScope, clear_own, clear_own_for_good,
    images::{Image, Progress},
};
use pgdrill_core::Diagnostic;
use pgdrill_flow::shown;
use pgdrill_scenarios::{Plan, TimedRun};

use crate::{
    args::S3Arg,
    output::complain,
    places::progress,
    signals::asked_to_end,
    threads::{processors, runtime},
};

/// Progress of builds and pulls, on standard error.
pub(crate) struct StderrProgress;

impl Progress for StderrProgress {
    fn line(&self, image: Image, line: &str) {
        // Nobody is left to be informed when standard error is gone.
        let _ = writeln!(std::io::stderr(), "{}: {}", image.name(), shown(line));
    }
}

/// Runs plans on real containers, on this many clusters side by side; the runs and the name of the S3 server.
/// `None`: they could not be set up, and why was said. `ended` words what is said of each run as it ends, where no bar can
/// show how far it is; where it breaks, no other run begins.
pub(crate) fn run_plans(
    plans: &[Plan],
    workers: usize,
    s3: Option<S3Arg>,
    ended: &(dyn Fn(&RunEnded<'_>) -> (String, ControlFlow<()>) + Sync),
) -> Option<(Vec<Option<TimedRun>>, &'static str)> {
    let runtime = runtime(processors())?;
    let mut own = ClearsOwn { ended_early: true };
    let bar = progress(plans.len());
    let done = |run: &RunEnded<'_>| {
        bar.inc(1);
        let (said, flow) = ended(run);
        if bar.is_hidden() {
            // Nobody is left to be informed when standard error is gone.
            let _ = write!(std::io::stderr(), "{said}");
        }
        flow
    };
    let ran = runtime.block_on(async {
        tokio::select! {
            ran = run_on(plans, workers, s3, &done) => ran,
            signal = asked_to_end() => {
                let what = format!("ended by {signal}; what ran in containers is cleared away");
                Err(Box::new(Diagnostic::error("the run", what)))
            }
        }
    });
    own.ended_early = ran.is_err();
    bar.finish_and_clear();
    match ran {
        Ok(ran) => Some(ran),
        Err(complaint) => {
            complain(&complaint);
            None
        }
    }
}

async fn run_on(
    plans: &[Plan],
    workers: usize,
    s3: Option<S3Arg>,
    done: &OnRunEnd<'_>,
) -> Result<(Vec<Option<TimedRun>>, &'static str), Box<Diagnostic>> {
    let asked = s3.map(profile);
    let containers =
        Containers::set_up(asked, Purpose::Run, Pace::REHEARSAL, &StderrProgress).await?;
    if asked.is_none() {
        // Nobody is left to be informed when standard error is gone.
        let _ = writeln!(std::io::stderr(), "S3: {}", shown(containers.chosen()));
    }
    let runs = containers.run_all(plans, workers, Reuse::Yes, done).await;
    Ok((runs, containers.server().s3.profile().name()))
}

/// The S3 server that was asked for.
pub(crate) const fn profile(s3: S3Arg) -> Profile {
    match s3 {
        S3Arg::Minio => Profile::Minio,
        S3Arg::Radosgw => Profile::Radosgw,
        S3Arg::Seaweedfs => Profile::Seaweedfs,
        S3Arg::External => Profile::External,
    }
}

/// Everything that this process started in containers goes when this does: after success, failure, a panic
/// or a signal.
struct ClearsOwn {
    /// Whether the run did not come to its own end: what it asked the engine for may still be on its way.
    ended_early: bool,
}

impl Drop for ClearsOwn {
    fn drop(&mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        let own = ReapScope::OfThisProcess;
        let cleared = if self.ended_early {
            runtime.block_on(clear_own_for_good(own)).map(drop)
        } else {
            runtime.block_on(clear_own(own)).map(drop)
        };
        if let Err(complaint) = cleared {
            complain(&complaint);
        }
    }
}
