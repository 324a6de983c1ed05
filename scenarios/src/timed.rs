//! The time that runs take: people are shown it, and a run can have a limit. Nothing else hangs on it.
#![expect(
    clippy::disallowed_methods,
    reason = "people ask how long a run took, and for an end of what takes too long"
)]
#![expect(
    clippy::disallowed_types,
    reason = "people ask how long a run took, and for an end of what takes too long"
)]

use std::time::{Duration, Instant};

use crate::run::Run;

/// A run, and how long it took.
#[derive(Debug, Clone)]
pub struct TimedRun {
    /// The run.
    pub run: Run,
    /// How long it took.
    pub took: Duration,
}

impl TimedRun {
    /// Waits for a run to end, and takes the time.
    pub async fn measure(run: impl Future<Output = Run>) -> Self {
        let began = Instant::now();
        let run = run.await;
        Self { run, took: began.elapsed() }
    }
}

/// How long it is since this was called.
pub fn stopwatch() -> impl Fn() -> Duration + Sync {
    let began = Instant::now();
    move || began.elapsed()
}

/// When the time of a run is up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    began: Instant,
    limit: Duration,
}

impl Deadline {
    /// So long from now on.
    pub(crate) fn after(limit: Duration) -> Self {
        Self { began: Instant::now(), limit }
    }

    /// Whether it is past.
    pub(crate) fn is_over(self) -> bool {
        self.began.elapsed() > self.limit
    }
}
