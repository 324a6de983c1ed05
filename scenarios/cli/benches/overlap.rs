//! What two hooks that run at the same time cost beside the same two in a row.
//!
//! `cargo bench -p pgdrill-cli --bench overlap`; the ids are `<pair>/in-a-row` and `<pair>/together`. Both run one scenario with
//! as many pairs of firings, within the process, looks and laws' settling included; `together` hands the turn over in the middle
//! of the first. The throughput is per pair. The ratio of both is printed before they are measured each.

#![allow(clippy::print_stdout, reason = "the ratio is what this is for")]

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::FutureExt as _;
use pgdrill_scenarios::{Plan, plan, read_stdin, run, stopwatch};

/// How many pairs of firings a scenario has: so many that what it gives costs little beside them.
const PAIRS: usize = 20;

/// Pairs of hooks of two units, and the shape of the first at which the second has its turn.
const OVERLAPS: &[(&str, &str, &str, &str)] = &[
    ("update-status", "update-status", "update-status", "is_primary"),
    ("settings-and-status", "s3-credentials-changed", "update-status", "could_initialise_stanza"),
    ("status-and-list", "update-status", "list-backups", "is_database_service_known"),
];

/// One scenario with as many times this step.
fn planned(step: &str) -> Option<Plan> {
    let fire = vec![step; PAIRS].join(", ");
    let text = format!(
        "scenario: x\ngiven: {{ units: 2, tls: true, s3: {{ related: true }}, stanza: initialised }}\nfire: [{fire}]\n"
    );
    let input = read_stdin(text.as_bytes()).into_iter().next()?;
    Some(plan(input.scenario.ok()?, &[]))
}

fn overlap(criterion: &mut Criterion) {
    for (name, first, second, at) in OVERLAPS {
        let (first, second) =
            (format!("{{ hook: {first}, unit: 0 }}"), format!("{{ hook: {second}, unit: 1 }}"));
        let in_a_row = planned(&format!("{first}, {second}"));
        let together = planned(&format!(
            "{{ together: [{first}, {second}], order: [{{ unit: 0, until: {at} }}, {{ unit: 1 }}] }}"
        ));
        let both = in_a_row.zip(together);
        assert!(both.is_some(), "{name}: the scenarios can be read");
        let Some((in_a_row, together)) = both else { continue };
        let fire = |plan: &Plan| {
            let run = black_box(run(plan).now_or_never());
            assert!(run.is_some_and(|run| run.missed.is_empty()), "{name}: each has its turn");
        };
        // The least of some, one after the other, so that what else the machine does meets both.
        let least = |plan: &Plan| {
            let watch = stopwatch();
            fire(plan);
            watch()
        };
        let (mut row, mut overlapped) = (Duration::MAX, Duration::MAX);
        for _ in 0..50 {
            row = row.min(least(&in_a_row));
            overlapped = overlapped.min(least(&together));
        }
        let each = |took: Duration| took.as_secs_f64() * 1e6 / PAIRS as f64;
        let (row, overlapped) = (each(row), each(overlapped));
        let ratio = overlapped / row;
        println!("{name}: in a row {row:.1} us, together {overlapped:.1} us: ratio {ratio:.2}");
        let mut group = criterion.benchmark_group(*name);
        group.throughput(Throughput::Elements(PAIRS as u64));
        group.bench_function("in-a-row", |bencher| bencher.iter(|| fire(&in_a_row)));
        group.bench_function("together", |bencher| bencher.iter(|| fire(&together)));
        group.finish();
    }
}

criterion_group!(benches, overlap);
criterion_main!(benches);
