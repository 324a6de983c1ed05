//! What cases on real containers take: each on a cluster that served before, against a cluster for each.
//!
//! `cargo bench -p pgdrill-container-backend --features engine-tests --bench containers`; the first figure against the
//! second is what using clusters again is worth, whatever else this machine does.
#![allow(
    missing_docs,
    clippy::expect_used,
    reason = "a benchmark, not an interface; what it can't set up ends it"
)]

use std::time::Duration;

use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use pgdrill_container_backend::Containers;
use pgdrill_containers::{Pace, Profile, Purpose, ReapScope, clear_own, images::Quiet};
use pgdrill_scenarios::{Plan, plan, read_corpus};

/// A backup on one unit, and one on the replica of a pair with TLS.
const CASES: [&str; 2] = ["create-backup/primary-succeeds", "create-backup/replica-succeeds"];

fn chosen(name: &str) -> Plan {
    let input = read_corpus().into_iter().find(|input| input.name == name);
    let scenario = input.expect("a case of the corpus").scenario;
    plan(scenario.expect("it can be read"), &[])
}

fn real_containers(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let set_up = Containers::set_up(Some(Profile::Radosgw), Purpose::Run, Pace::REHEARSAL, &Quiet);
    let containers = runtime.block_on(set_up).expect("an engine, and images");
    let mut group = criterion.benchmark_group("real containers");
    group.sample_size(10).sampling_mode(SamplingMode::Flat).warm_up_time(Duration::from_secs(1));
    for name in CASES {
        let plan = chosen(name);
        let mut reused = None;
        group.bench_function(format!("{name}, on a cluster that served before"), |bencher| {
            bencher.iter(|| {
                let ran = runtime.block_on(containers.run_plan(&plan, reused.take()));
                assert_eq!(ran.run.broken, None);
                reused = ran.topology;
            });
        });
        if let Some(topology) = reused.take() {
            runtime.block_on(topology.take_down()).expect("it goes");
        }
        group.bench_function(format!("{name}, on a cluster of its own"), |bencher| {
            bencher.iter(|| {
                let ran = runtime.block_on(containers.run_plan(&plan, None));
                assert_eq!(ran.run.broken, None);
                let topology = ran.topology.expect("it is there");
                runtime.block_on(topology.take_down()).expect("it goes");
            });
        });
    }
    group.finish();
    runtime.block_on(clear_own(ReapScope::OfThisProcess)).expect("cleared");
}

criterion_group!(benches, real_containers);
criterion_main!(benches);
