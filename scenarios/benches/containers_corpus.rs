//! The wall time of the corpus on real parts, its clusters used again, against a cluster for every case.
//!
//! `cargo bench -p pgdrill-scenarios --features engine-tests --bench containers_corpus`. Three ways take turns in one
//! run, on the same S3 server, by slices of the corpus: clusters used again side by side, a cluster for every case side
//! by side, and a cluster for every case one after another, as a naive run has it. Of the corpus every eighth case is
//! taken, or `PGDRILL_BENCH_EVERY`, as all of it takes an hour the naive way; the fewer cases there are, the less the
//! clusters are used again.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a benchmark, not an interface; what it can't set up ends it, and measuring is what it is for"
)]

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use pgdrill_backends::{
    containers::{Leftovers, Pace, Profile, Purpose, clear_own},
    images::Quiet,
};
use pgdrill_scenarios::{
    Plan,
    containers::{Containers, Reuse, usual_lanes},
    plan, read_corpus,
};

/// The ways go through this many slices, so that what else this machine does meets all alike.
const TURNS: usize = 2;

#[derive(Default)]
struct Measured {
    wall: Duration,
    seconds: Vec<f64>,
}

impl Measured {
    async fn run(&mut self, containers: &Containers, plans: &[Plan], lanes: usize, reuse: Reuse) {
        let seconds = Mutex::new(Vec::new());
        let began = Instant::now();
        let runs = containers
            .run_all(plans, lanes, reuse, &|ended| {
                seconds.lock().expect("nobody panicked").push(ended.seconds);
            })
            .await;
        self.wall += began.elapsed();
        self.seconds.extend(seconds.into_inner().expect("nobody panicked"));
        for run in runs {
            assert_eq!(run.broken, None);
        }
    }

    fn show(&mut self, name: &str) {
        self.seconds.sort_by(f64::total_cmp);
        let median = self.seconds.get(self.seconds.len() / 2).copied().unwrap_or_default();
        let wall = self.wall.as_secs_f64();
        println!(
            "{name}: {} cases in {wall:.0} s, median {median:.1} s a case",
            self.seconds.len()
        );
    }
}

fn main() {
    let every = std::env::var("PGDRILL_BENCH_EVERY").ok().and_then(|every| every.parse().ok());
    let every = every.unwrap_or(8_usize).max(1);
    let lanes = usual_lanes();
    let corpus = read_corpus().into_iter();
    let plans: Vec<Plan> = corpus
        .step_by(every)
        .map(|input| plan(input.scenario.expect("a case of the corpus can be read"), &[]))
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let [mut again, mut own, mut naive] = [(); 3].map(|()| Measured::default());
    runtime.block_on(async {
        let set_up = Containers::set_up(Profile::Radosgw, Purpose::Run, Pace::REHEARSAL, &Quiet);
        let containers = set_up.await.expect("an engine, and images");
        for turn in plans.chunks(plans.len().div_ceil(TURNS).max(1)) {
            again.run(&containers, turn, lanes, Reuse::Yes).await;
            own.run(&containers, turn, lanes, Reuse::No).await;
            naive.run(&containers, turn, 1, Reuse::No).await;
        }
        clear_own(Leftovers::OfThisProcess).await.expect("cleared");
    });
    again.show("clusters used again");
    own.show("a cluster for every case");
    naive.show("a cluster for every case, one after another");
    let times = |way: &Measured| way.wall.as_secs_f64() / again.wall.as_secs_f64();
    println!("{:.1} and {:.1} times the wall time, {lanes} lanes", times(&own), times(&naive));
}
