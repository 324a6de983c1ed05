//! The system's clock.

use std::{
    sync::Mutex,
    time::{Duration, UNIX_EPOCH},
};

use async_trait::async_trait;
use pgdrill_core::ports::{Clock, PortResult, Timestamp};

/// The system's time, which never goes back between two calls. For rehearsals it can go faster: a hook
/// that waits for a minute then waits for a part of one.
#[derive(Debug)]
pub struct SystemClock {
    faster: u32,
    began: i64,
    last: Mutex<i64>,
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
        let began = system();
        Self { faster: times.max(1), began, last: Mutex::new(began) }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

/// Milliseconds since 1970; 0 before.
#[expect(clippy::disallowed_methods, reason = "this is the system's clock, behind its port")]
#[expect(clippy::disallowed_types, reason = "this is the system's clock, behind its port")]
fn system() -> i64 {
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[async_trait]
impl Clock for SystemClock {
    async fn now(&self) -> Timestamp {
        let now = self.began + (system() - self.began) * i64::from(self.faster);
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *last = now.max(*last);
        Timestamp(*last)
    }

    #[expect(clippy::disallowed_methods, reason = "to wait is what this port is for")]
    async fn wait(&self, pause: Duration) -> PortResult<()> {
        tokio::time::sleep(pause / self.faster).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_passes_on_the_clock_and_is_shorter_where_time_goes_faster() {
        let clock = SystemClock::faster(100);
        let (before, real) = (clock.now().await, system());
        clock.wait(Duration::from_secs(5)).await.expect("nothing cuts it short");
        assert!(clock.now().await.0 - before.0 >= 5_000);
        assert!(system() - real >= 50, "it did wait");
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
}
