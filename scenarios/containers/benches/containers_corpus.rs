//! The wall time of the corpus on real containers, its clusters used again, against a cluster for every case.
//!
//! `cargo bench -p pgdrill-container-backend --features engine-tests --bench containers_corpus`. All in one run, on the same S3
//! server: the whole corpus with its clusters used again, as `pgdrill run` has it, and a sample of it with a cluster
//! for every case, as many at a time as there are workers, as a test runner has (one a processor), and one after
//! another. The sample is every eighth case, or every `PGDRILL_BENCH_EVERY`th; half of it runs before the whole corpus
//! and half after it, so that what else the machine does meets all alike.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a benchmark, not an interface; what it can't set up ends it, and measuring is what it is for"
)]

use std::{
    num::NonZero,
    sync::Mutex,
    time::{Duration, Instant},
};

use pgdrill_container_backend::{Containers, Reuse, default_workers};
use pgdrill_containers::{Pace, Profile, Purpose, ReapScope, clear_own, images::Quiet};
use pgdrill_scenarios::{Plan, plan, read_corpus};

/// A way to run cases, and what it took.
struct Way {
    name: String,
    workers: usize,
    reuse: Reuse,
    wall: Duration,
    /// Of every case: its place in the corpus, and the seconds that its worker spent on it.
    cases: Vec<(usize, f64)>,
}

impl Way {
    fn new(name: String, workers: usize, reuse: Reuse) -> Self {
        Self { name, workers, reuse, wall: Duration::ZERO, cases: Vec::new() }
    }

    /// Takes these cases of the corpus, each with its place in it.
    async fn take(&mut self, containers: &Containers, cases: &[(usize, Plan)]) {
        let plans: Vec<Plan> = cases.iter().map(|(_, plan)| plan.clone()).collect();
        let taken = Mutex::new(Vec::new());
        let began = Instant::now();
        let runs = containers
            .run_all(&plans, self.workers, self.reuse, &|ended| {
                let testbed = cases.get(ended.index).map_or(0, |(testbed, _)| *testbed);
                taken.lock().expect("nobody panicked").push((testbed, ended.seconds));
                std::ops::ControlFlow::Continue(())
            })
            .await;
        self.wall += began.elapsed();
        self.cases.extend(taken.into_inner().expect("nobody panicked"));
        for timed in runs.into_iter().flatten() {
            assert_eq!(timed.run.broken, None);
        }
    }

    /// Seconds of the clock a case.
    fn pace(&self) -> f64 {
        self.wall.as_secs_f64() / as_number(self.cases.len())
    }

    /// Seconds a case if its workers had something to do all the time, which with few cases they have not.
    fn busy_pace(&self) -> f64 {
        self.mean(|_| true) / as_number(self.workers)
    }

    /// The mean seconds of its cases whose places these are.
    fn mean(&self, is_meant: impl Fn(usize) -> bool) -> f64 {
        let meant = self.cases.iter().filter(|(testbed, _)| is_meant(*testbed));
        let seconds: Vec<f64> = meant.map(|(_, seconds)| *seconds).collect();
        seconds.iter().sum::<f64>() / as_number(seconds.len())
    }

    fn median(&self) -> f64 {
        let mut seconds: Vec<f64> = self.cases.iter().map(|(_, seconds)| *seconds).collect();
        seconds.sort_by(f64::total_cmp);
        seconds.get(seconds.len() / 2).copied().unwrap_or_default()
    }

    fn show(&self) {
        let (wall, pace, median) = (self.wall.as_secs_f64(), self.pace(), self.median());
        let (name, count) = (&self.name, self.cases.len());
        println!(
            "{name}: {count} cases in {wall:.0} s, {pace:.2} s a case; a case itself takes {median:.1} s (median)"
        );
    }
}

fn as_number(count: usize) -> f64 {
    u32::try_from(count.max(1)).map_or(f64::MAX, f64::from)
}

/// A cluster for every case, in each of the usual ways.
fn naive_ways() -> Vec<Way> {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    let mut at_a_time = vec![default_workers(), processors, 1];
    at_a_time.dedup();
    let name = |count: usize| match count {
        1 => "a cluster for every case, one after another".to_owned(),
        count => format!("a cluster for every case, {count} at a time"),
    };
    at_a_time.into_iter().map(|count| Way::new(name(count), count, Reuse::No)).collect()
}

fn main() {
    let every = std::env::var("PGDRILL_BENCH_EVERY").ok().and_then(|every| every.parse().ok());
    let every = every.unwrap_or(8_usize).max(1);
    let corpus: Vec<(usize, Plan)> = read_corpus()
        .into_iter()
        .map(|input| plan(input.scenario.expect("a case of the corpus can be read"), &[]))
        .enumerate()
        .collect();
    let sample: Vec<(usize, Plan)> = corpus.iter().step_by(every).cloned().collect();
    let (before, after) = sample.split_at(sample.len() / 2);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let workers = default_workers();
    let mut again =
        Way::new(format!("clusters used again, {workers} at a time"), workers, Reuse::Yes);
    let mut naive = naive_ways();
    runtime.block_on(async {
        let set_up =
            Containers::set_up(Some(Profile::Radosgw), Purpose::Run, Pace::REHEARSAL, &Quiet);
        let containers = set_up.await.expect("an engine, and images");
        for way in &mut naive {
            way.take(&containers, before).await;
        }
        again.take(&containers, &corpus).await;
        for way in &mut naive {
            way.take(&containers, after).await;
        }
        clear_own(ReapScope::OfThisProcess).await.expect("cleared");
    });
    again.show();
    let sampled = |testbed: usize| sample.iter().any(|(other, _)| *other == testbed);
    let heavier = again.mean(sampled) / again.mean(|_| true);
    println!(
        "  its cases that are in the sample took {heavier:.2} times as long as all of them (mean)"
    );
    for way in &naive {
        way.show();
        let (times, busy) = (way.pace() / again.pace(), way.busy_pace() / again.pace());
        let least = busy / heavier.max(1.0);
        println!(
            "  {times:.1} times the seconds a case, {busy:.1} without workers that wait for the last case, and at least \
             {least:.1} if the sample's cases are as much longer here"
        );
    }
}
