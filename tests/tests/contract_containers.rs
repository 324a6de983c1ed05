//! Every port's contract over the real servers. Needs a container engine:
//! `cargo test -p pgdrill-tests --features engine-tests --test contract_containers`.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a test may panic, and shows what it does and how long that took"
)]

use std::{
    collections::{BTreeMap, VecDeque},
    io::Write as _,
    sync::Mutex,
    time::Instant,
};

use futures_util::future::join_all;
use pgdrill_tests::{
    contract::{
        CLOCK, CLUSTER, CLUSTER_RECORD, OBJECT_STORE, Promise, REPOSITORY, Report, Subjects, UNIT,
        WORKLOAD, run,
    },
    subjects::{MemorySubjects, RealContainers},
};

/// How many clusters serve side by side.
const WORKERS: usize = 6;

/// The contracts.
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

/// The contracts' promises that are asked for, each with its contract. A cluster grows less often when those with fewer
/// units come first.
fn promises() -> VecDeque<(&'static str, &'static Promise)> {
    let of = |&(contract, promises): &(&'static str, &'static [Promise])| {
        let asked = promises.iter().filter(move |promise| is_asked_for(contract, promise));
        asked.map(move |promise| (contract, promise))
    };
    let mut all: Vec<_> = CONTRACTS.iter().flat_map(of).collect();
    all.sort_by_key(|(_, promise)| (promise.given)().units);
    all.into()
}

/// What became of the promises of each contract on one backend.
type Outcomes = BTreeMap<&'static str, Report>;

/// Holds a worker to promises for as long as there are any: from the front, or from the back.
async fn hold(
    promises: &Mutex<VecDeque<(&'static str, &'static Promise)>>,
    from_front: bool,
    stands: &dyn Subjects,
    held: &Mutex<Outcomes>,
) {
    loop {
        let next = {
            let mut promises = promises.lock().expect("nobody panicked");
            if from_front { promises.pop_front() } else { promises.pop_back() }
        };
        let Some((contract, promise)) = next else { return };
        let began = Instant::now();
        let report = run(std::slice::from_ref(promise), stands).await;
        if stands.backend() != "memory" {
            println!("{:6.1} s  {report}  {}", began.elapsed().as_secs_f64(), promise.name);
        }
        let mut held = held.lock().expect("nobody panicked");
        held.entry(contract).or_insert_with(|| Report::new(stands.backend())).add(report);
    }
}

#[tokio::test]
async fn the_real_servers_keep_every_promise() {
    let began = Instant::now();
    let memory = Mutex::new(Outcomes::new());
    hold(&Mutex::new(promises()), true, &MemorySubjects, &memory).await;
    let real = Mutex::new(Outcomes::new());
    let done = RealContainers::with(async |real_containers| {
        let workers: Vec<_> = (0..WORKERS).map(|_| real_containers.worker()).collect();
        let promises = Mutex::new(promises());
        let holding = workers.iter().enumerate();
        let holding = holding.map(|(n, worker)| hold(&promises, n % 2 == 0, worker, &real));
        join_all(holding).await;
    });
    done.await.unwrap_or_else(|complaint| panic!("{complaint}"));
    let (memory, real) = (memory.into_inner().expect("whole"), real.into_inner().expect("whole"));
    let mut reported = String::from("\n");
    for (contract, _) in CONTRACTS {
        for held in [&memory, &real] {
            if let Some(report) = held.get(contract) {
                reported += &format!("{contract}: {report}\n");
            }
        }
    }
    reported += &format!("in {:.0} s\n", began.elapsed().as_secs_f64());
    // Also seen when the test passes: what it prints by the macro is not.
    std::io::stdout().write_all(reported.as_bytes()).expect("written");
    // Said once more at the very end, where an excerpt of a log still shows it.
    let reports = [&memory, &real].into_iter().flat_map(Outcomes::values);
    let broken: Vec<_> = reports
        .flat_map(|report| report.broken.iter().map(move |broken| (report.backend, broken)))
        .map(|(backend, (promise, seen))| format!("{backend}: {promise}\n    {seen}"))
        .collect();
    assert!(broken.is_empty(), "promises are broken:\n{}", broken.join("\n"));
}
