//! The system's clock.

use std::{
    sync::Mutex,
    time::{Duration, UNIX_EPOCH},
};

use async_trait::async_trait;
use pgdrill_core::ports::{Clock, PortResult, Timestamp};
use tokio::time::Instant;

/// The system's time, which never goes back and never stands still: where the system's time is set back
/// meanwhile (a virtual machine does that after a pause), this clock goes on from where it was, by the
/// time that has passed. So whoever waits for a minute reads at least a minute more.
///
/// For rehearsals it can go faster: a hook that waits for a minute then waits for a part of one.
#[derive(Debug)]
pub struct SystemClock {
    faster: u32,
    began: Duration,
    last: Mutex<Reading>,
}

/// What this clock showed, and when by a clock that nobody sets.
#[derive(Clone, Copy, Debug)]
struct Reading {
    at: Instant,
    shown: Duration,
}

impl Reading {
    /// What is shown `at` a moment for which the system's time gives `by_system`: that, but not less than
    /// what has passed since this reading.
    fn then(self, at: Instant, by_system: Duration, faster: u32) -> Self {
        let passed = at.saturating_duration_since(self.at).saturating_mul(faster);
        Self { at, shown: by_system.max(self.shown.saturating_add(passed)) }
    }
}

impl SystemClock {
    /// Time as it is.
    #[must_use]
    pub fn new() -> Self {
        Self::faster(1)
    }

    /// Time that begins now and from then on goes this many times as fast.
    #[must_use]
    pub fn faster(times: u32) -> Self {
        let (at, began) = system();
        Self { faster: times.max(1), began, last: Mutex::new(Reading { at, shown: began }) }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

/// This moment, by a clock that nobody sets and as the time since 1970; 0 before.
#[expect(clippy::disallowed_methods, reason = "this is the system's clock, behind its port")]
#[expect(clippy::disallowed_types, reason = "this is the system's clock, behind its port")]
fn system() -> (Instant, Duration) {
    (Instant::now(), std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

#[async_trait]
impl Clock for SystemClock {
    async fn now(&self) -> Timestamp {
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (at, system) = system();
        let by_system = self.began + system.saturating_sub(self.began).saturating_mul(self.faster);
        *last = last.then(at, by_system, self.faster);
        Timestamp(i64::try_from(last.shown.as_millis()).unwrap_or(i64::MAX))
    }

    #[expect(clippy::disallowed_methods, reason = "to wait is what this port is for")]
    async fn wait(&self, pause: Duration) -> PortResult<()> {
        // One nanosecond more than the division leaves, so that the whole pause passes on this clock.
        tokio::time::sleep(pause / self.faster + Duration::from_nanos(1)).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_passes_on_the_clock_and_is_shorter_where_time_goes_faster() {
        let clock = SystemClock::faster(100);
        let (before, (real, _)) = (clock.now().await, system());
        clock.wait(Duration::from_secs(5)).await.expect("nothing cuts it short");
        assert!(clock.now().await.0 - before.0 >= 5_000);
        assert!(system().0 - real >= Duration::from_millis(50), "it did wait");
    }

    #[tokio::test]
    async fn it_never_goes_back() {
        let clock = SystemClock::new();
        let mut last = clock.now().await;
        for _ in 0..1000 {
            let now = clock.now().await;
            assert!(now >= last);
            last = now;
        }
    }

    #[test]
    fn it_goes_on_where_the_system_s_time_is_set_back_and_follows_where_it_is_set_forward() {
        let (at, shown) = system();
        let start = Reading { at, shown };
        let second = Duration::from_secs(1);
        let set_back = start.then(at + second, shown - 3600 * second, 1);
        assert_eq!(set_back.shown, shown + second);
        let faster = start.then(at + second, shown - 3600 * second, 60);
        assert_eq!(faster.shown, shown + 60 * second);
        let caught_up = set_back.then(at + 2 * second, shown + 2 * second, 1);
        assert_eq!(caught_up.shown, shown + 2 * second);
        let set_forward = set_back.then(at + 2 * second, shown + 3600 * second, 1);
        assert_eq!(set_forward.shown, shown + 3600 * second);
    }
}
