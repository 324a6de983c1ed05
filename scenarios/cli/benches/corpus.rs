//! The whole case corpus, read, planned, run and judged.
//!
//! `cargo bench -p pgdrill-cli --bench corpus`: `corpus/library` within the process, and
//! `corpus/process` as a user has it, `pgdrill run` from its start to its exit.

use std::{
    hint::black_box,
    process::{Command, Stdio},
};

use criterion::{Criterion, criterion_group, criterion_main};
use pgdrill_scenarios::{Plan, judge, plan, read_corpus, run_all, transcript};

fn plans() -> Vec<Plan> {
    let inputs = read_corpus().into_iter();
    inputs.filter_map(|input| input.scenario.ok()).map(|scenario| plan(scenario, &[])).collect()
}

fn corpus(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("corpus");
    let runtime = tokio::runtime::Builder::new_multi_thread().build();
    let Ok(runtime) = runtime else { return };
    group.bench_function("library", |bencher| {
        bencher.iter(|| {
            let plans = plans();
            let runs = runtime.block_on(run_all(plans.clone(), 2, |_| {}));
            for (plan, run) in plans.iter().zip(&runs) {
                black_box((judge(plan, run), transcript(run)));
            }
        });
    });
    group.bench_function("process", |bencher| {
        bencher.iter(|| {
            let mut pgdrill = Command::new(env!("CARGO_BIN_EXE_pgdrill"));
            let ended = pgdrill.arg("run").stdout(Stdio::null()).stderr(Stdio::null()).status();
            assert!(ended.is_ok_and(|status| status.success()), "every case passes");
        });
    });
    group.finish();
}

criterion_group!(benches, corpus);
criterion_main!(benches);
