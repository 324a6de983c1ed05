//! What the clock promises.

use std::time::Duration;

use pgdrill_sim::Given;

use super::{PromiseResult, Subject, ensure, promises};

promises! {
    /// The promises of `Clock`.
    CLOCK {
        "the time is in milliseconds of this century": Given::default => this_century(),
        "the time never goes back between two calls": Given::default => never_back(),
        "a wait ends once it has passed on this clock, or says that it was cut short":
            Given::default => waits(),
        "a wait for nothing ends": Given::default => waits_for_nothing(),
    }
}

async fn this_century(subject: &dyn Subject) -> PromiseResult {
    let now = subject.ports(0)?.clock.now().await;
    let (year, ..) = now.civil();
    ensure!((2020..2100).contains(&year), "it is {now}");
    Ok(())
}

async fn never_back(subject: &dyn Subject) -> PromiseResult {
    let clock = subject.ports(0)?.clock;
    let mut last = clock.now().await;
    for _ in 0..100 {
        let now = clock.now().await;
        ensure!(now >= last, "{} ms after {} ms", now.0, last.0);
        last = now;
    }
    Ok(())
}

async fn waits(subject: &dyn Subject) -> PromiseResult {
    let clock = subject.ports(0)?.clock;
    for millis in [1_u16, 20, 300] {
        let before = clock.now().await;
        let waited = clock.wait(Duration::from_millis(millis.into())).await;
        let passed = clock.now().await.0 - before.0;
        ensure!(
            waited.is_err() || passed >= i64::from(millis),
            "a wait of {millis} ms ended well after {passed} ms"
        );
    }
    Ok(())
}

async fn waits_for_nothing(subject: &dyn Subject) -> PromiseResult {
    subject.ports(0)?.clock.wait(Duration::ZERO).await?;
    Ok(())
}
