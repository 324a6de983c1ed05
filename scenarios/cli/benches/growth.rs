//! How the time of a run grows with what is asked of it.
//!
//! `cargo bench -p pgdrill-cli --bench growth`; the ids are `<what grows>/<how many>`: the firings of one scenario, the backups
//! that it gives, and the documents on standard input. Each is read, planned, run and judged, within the process. The
//! throughput is per firing, backup or document: where it stays the same from one size to the next, time grows as the
//! size does.

use std::{fmt::Write as _, hint::black_box};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pgdrill_scenarios::{Verdict, judge, plan, read_stdin, run_all};
use tokio::runtime::Runtime;

/// What every scenario gives.
const GIVEN: &str = "s3: { related: true }, stanza: initialised";

/// One scenario with as many firings of a hook.
fn firings(hook: &str, count: usize) -> String {
    let fire = vec![format!("{{ hook: {hook} }}"); count].join(", ");
    format!("scenario: x\ngiven: {{ {GIVEN} }}\nfire: [{fire}]\n")
}

/// One scenario with one firing, before which there are as many backups.
fn backups(hook: &str, count: usize) -> String {
    let backups = vec!["full"; count].join(", ");
    format!("scenario: x\ngiven: {{ {GIVEN}, backups: [{backups}] }}\nfire: [{{ hook: {hook} }}]\n")
}

/// As many scenarios with one firing.
fn documents(hook: &str, count: usize) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        // Writing to a String does not fail.
        let _ = write!(
            text,
            "---\nscenario: x{number}\ngiven: {{ {GIVEN} }}\nfire: [{{ hook: {hook} }}]\n"
        );
        text
    })
}

/// Reads, runs and judges all that is written; how many passed.
fn passed(runtime: &Runtime, text: &str) -> usize {
    let scenarios = read_stdin(text.as_bytes()).into_iter().filter_map(|it| it.scenario.ok());
    let plans: Vec<_> = scenarios.map(|scenario| plan(scenario, &[])).collect();
    let runs = runtime.block_on(run_all(plans.clone(), 1, |_| {}));
    let verdicts = plans.iter().zip(&runs).map(|(plan, run)| judge(plan, run).verdict);
    verdicts.filter(|verdict| *verdict == Verdict::Passed).count()
}

/// What grows, what it is written as, and how many of it.
type Growth = (&'static str, &'static str, fn(&str, usize) -> String, &'static [usize]);

const GROWTHS: &[Growth] = &[
    ("firings", "update-status", firings, &[500, 1_000, 2_000]),
    ("firings", "create-backup", firings, &[500, 1_000, 2_000]),
    ("backups", "list-backups", backups, &[1_000, 2_000, 4_000, 8_000]),
    ("documents", "update-status", documents, &[1_000, 5_000, 10_000]),
];

fn growth(criterion: &mut Criterion) {
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().build() else { return };
    for &(what, hook, written, sizes) in GROWTHS {
        let mut group = criterion.benchmark_group(format!("{what}-{hook}"));
        group.sample_size(10);
        for &size in sizes {
            let text = written(hook, size);
            let expected = if what == "documents" { size } else { 1 };
            assert_eq!(passed(&runtime, &text), expected, "{what} {hook} {size}");
            group.throughput(Throughput::Elements(size as u64));
            group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
                bencher.iter(|| passed(&runtime, black_box(&text)));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, growth);
criterion_main!(benches);
