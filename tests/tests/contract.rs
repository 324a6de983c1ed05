//! Every port's contract, over every backend that is here.

use pgdrill_sim::Given;
use pgdrill_tests::{
    contract::{
        CLOCK, CLUSTER, CLUSTER_RECORD, OBJECT_STORE, Promise, PromiseFailure, REPOSITORY,
        Subjects, UNIT, WORKLOAD, run,
    },
    subjects::MemorySubjects,
};
use rstest::rstest;

/// Holds a backend to a port's promises; `expected` says how many it keeps and how many it can't show, so
/// that none is lost or skipped unseen.
#[expect(clippy::print_stdout, reason = "the counts are for whoever runs the tests")]
async fn hold(stands: &dyn Subjects, promises: &[Promise], expected: &str) {
    let report = run(promises, stands).await;
    println!("{report}");
    let counts = report.to_string();
    let counts = counts.lines().next().unwrap_or_default();
    assert_eq!(counts, expected, "\n{report}\n");
}

#[rstest]
#[case::memory(MemorySubjects, "memory: 43 promises kept, 0 skipped")]
#[tokio::test]
async fn unit(#[case] stands: impl Subjects, #[case] expected: &str) {
    hold(&stands, UNIT, expected).await;
}

#[rstest]
#[case::memory(MemorySubjects, "memory: 21 promises kept, 1 skipped")]
#[tokio::test]
async fn cluster(#[case] stands: impl Subjects, #[case] expected: &str) {
    hold(&stands, CLUSTER, expected).await;
}

#[rstest]
#[case::memory(MemorySubjects, "memory: 87 promises kept, 1 skipped")]
#[tokio::test]
async fn repository(#[case] stands: impl Subjects, #[case] expected: &str) {
    hold(&stands, REPOSITORY, expected).await;
}

#[rstest]
#[case::memory(MemorySubjects, "memory: 18 promises kept, 0 skipped")]
#[tokio::test]
async fn object_store(#[case] stands: impl Subjects, #[case] expected: &str) {
    hold(&stands, OBJECT_STORE, expected).await;
}

#[rstest]
#[case::memory(MemorySubjects, "memory: 18 promises kept, 0 skipped")]
#[tokio::test]
async fn workload(#[case] stands: impl Subjects, #[case] expected: &str) {
    hold(&stands, WORKLOAD, expected).await;
}

#[rstest]
#[case::memory(MemorySubjects, "memory: 4 promises kept, 0 skipped")]
#[tokio::test]
async fn cluster_record(#[case] stands: impl Subjects, #[case] expected: &str) {
    hold(&stands, CLUSTER_RECORD, expected).await;
}

#[rstest]
#[case::memory(MemorySubjects, "memory: 4 promises kept, 0 skipped")]
#[tokio::test]
async fn clock(#[case] stands: impl Subjects, #[case] expected: &str) {
    hold(&stands, CLOCK, expected).await;
}

/// A name that stands twice could hide which of the two is broken.
#[test]
fn no_two_promises_have_the_same_name() {
    let contracts = [UNIT, CLUSTER, REPOSITORY, OBJECT_STORE, WORKLOAD, CLUSTER_RECORD, CLOCK];
    for promises in contracts {
        let mut names: Vec<&str> = promises.iter().map(|promise| promise.name).collect();
        names.sort_unstable();
        let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
        assert!(twice.is_empty(), "{twice:?}");
    }
}

/// What a report must not hide: a broken promise does not end the run, and a skip does not count as held.
#[tokio::test]
async fn each_promise_that_does_not_hold_is_named() {
    let promises = [
        Promise {
            name: "this one is broken",
            given: Given::default,
            check: |_| Box::pin(async { Err(PromiseFailure::Broken("1 instead of 2".into())) }),
        },
        Promise {
            name: "this one can't be shown",
            given: Given::default,
            check: |subject| Box::pin(async { subject.connect_client(0).await }),
        },
        Promise {
            name: "this one holds",
            given: Given::default,
            check: |_| Box::pin(async { Ok(()) }),
        },
    ];
    assert_eq!(
        run(&promises, &MemorySubjects).await.to_string(),
        "memory: 1 promises kept, 1 skipped, 1 broken\n  \
         broken: this one is broken\n      1 instead of 2\n  \
         skipped: this one can't be shown\n      memory has no clients"
    );
}
