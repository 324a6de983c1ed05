//! Every port's contract over the real parts. Needs a container engine:
//! `cargo test -p pgdrill-tests --features engine-tests --test contract_containers`.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a test shows what it does and how long that took"
)]

use std::time::Instant;

use pgdrill_tests::{
    contract::{
        CLOCK, CLUSTER, CLUSTER_RECORD, OBJECT_STORE, Promise, REPOSITORY, Report, Stands, UNIT,
        WORKLOAD, run,
    },
    stands::{Memory, RealParts},
};

/// The contracts, those first that harm a cluster least.
const CONTRACTS: [(&str, &[Promise]); 7] = [
    ("clock", CLOCK),
    ("object store", OBJECT_STORE),
    ("repository", REPOSITORY),
    ("cluster", CLUSTER),
    ("cluster record", CLUSTER_RECORD),
    ("workload", WORKLOAD),
    ("unit", UNIT),
];

/// With `PGDRILL_PROMISES` set to contracts or to texts, by commas, only the promises are checked that are in one of
/// these contracts or contain one of these texts.
fn is_asked_for(contract: &str, promise: &Promise) -> bool {
    let asked = std::env::var("PGDRILL_PROMISES").unwrap_or_default();
    let is_contract = |asked: &str| CONTRACTS.iter().any(|(name, _)| *name == asked);
    asked.split(',').any(|asked| {
        if is_contract(asked) { contract == asked } else { promise.name.contains(asked) }
    })
}

/// A contract's promises, one after another, each told of as it ends. A cluster grows less often when those
/// with fewer units come first.
async fn hold(contract: &str, promises: &[Promise], stands: &dyn Stands) -> Report {
    let mut promises: Vec<&Promise> =
        promises.iter().filter(|promise| is_asked_for(contract, promise)).collect();
    promises.sort_by_key(|promise| (promise.given)().units);
    let backend = stands.backend();
    let mut whole = Report { backend, kept: vec![], skipped: vec![], broken: vec![] };
    for promise in promises {
        let began = Instant::now();
        let report = run(std::slice::from_ref(promise), stands).await;
        if backend != "memory" {
            println!("{:6.1} s  {report}  {}", began.elapsed().as_secs_f64(), promise.name);
        }
        whole.kept.extend(report.kept);
        whole.skipped.extend(report.skipped);
        whole.broken.extend(report.broken);
    }
    whole
}

#[tokio::test]
async fn the_real_parts_keep_every_promise() {
    let began = Instant::now();
    let reports = RealParts::with(async |parts| {
        let mut reports = Vec::new();
        for (contract, promises) in CONTRACTS {
            reports.push((contract, hold(contract, promises, &Memory).await));
            reports.push((contract, hold(contract, promises, parts).await));
        }
        reports
    });
    let reports = reports.await.unwrap_or_else(|complaint| panic!("{complaint}"));
    for (contract, report) in &reports {
        println!("{contract}: {report}");
    }
    println!("in {:.0} s", began.elapsed().as_secs_f64());
    let broken: Vec<_> = reports.iter().filter(|(_, report)| !report.broken.is_empty()).collect();
    assert!(broken.is_empty(), "{} contracts are broken, see above", broken.len());
}
