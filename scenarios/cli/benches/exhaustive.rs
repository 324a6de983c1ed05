//! What a transition of an exhaustive search costs beside the bare firing.
//!
//! `cargo bench -p pgdrill-cli --bench exhaustive`; the ids are `transition/bare` and `transition/whole`. Both take every event
//! with at most one change in it, in the same worlds: `bare` copies the world and fires, `whole` also judges the laws, takes the
//! fingerprint, looks it up, and settles what is new. The throughput is per event with its change. The ratio of both is printed
//! before they are measured each.

#![allow(clippy::print_stdout, reason = "the ratio is what this is for")]

use std::{
    hint::black_box,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::FutureExt as _;
use pgdrill_core::{Amendments, Probe};
use pgdrill_scenarios::{
    explore::{
        Alphabet, Exhausted, Exhaustive, Search,
        alphabet::{changes_within, events, losses, moments, starts},
    },
    filled_in, stopwatch,
};
use pgdrill_sim::{At, Event, Fired, FiringUnit, Injection, Injector, View, World, dispatch};

fn search() -> Exhaustive {
    let search = Search { units: Some(1), changes: 1, ..Search::default() };
    let (events, worlds) = (1, 100_000);
    let alphabet = Alphabet { has_event: |_| true, has_change: |_| true };
    Exhaustive { search, events, all_changes: None, worlds, merges: true, jobs: 1, alphabet }
}

fn whole(search: &Exhaustive) -> Exhausted {
    search.run(&AtomicBool::new(false), &mut |_| {})
}

fn fired(world: &World, event: &Event, injections: &[Injection]) -> Option<(Vec<Fired>, bool)> {
    let world = world.clone().shared();
    let ports = View::new(&world, event.unit).ok()?.ports();
    let probe = Arc::new(Injector::new(FiringUnit::new(&world, event.unit), injections));
    let ports = probe.ports(ports);
    let armed = (!injections.is_empty()).then_some(&*probe as &dyn Probe);
    let fired = dispatch(&world, &ports, event, Amendments::all(), armed).now_or_never()?.ok()?;
    Some((fired, probe.missed().is_empty()))
}

/// Fires every event with at most one change in it, and how many of them there were.
fn bare(worlds: &[World]) -> u64 {
    let mut count = 0;
    let mut take = |fired: Option<(Vec<Fired>, bool)>| {
        count += u64::from(black_box(fired).is_some_and(|(_, is_reached)| is_reached));
    };
    for world in worlds {
        let changes = changes_within(world, 1);
        for event in events(1, world.backups().len()) {
            let Ok(parameters) = filled_in(&event.parameters, &world.backups()) else { continue };
            let event = Event { hook: event.hook, unit: event.unit, parameters };
            let Some((first, _)) = fired(world, &event, &[]) else { continue };
            for (at, moment) in moments(&first) {
                for change in changes.iter().cloned() {
                    let at = At::Shape(at);
                    take(fired(world, &event, &[Injection::Change { at, moment, change }]));
                }
            }
            losses().for_each(|lost| take(fired(world, &event, &[lost])));
            take(Some((first, true)));
        }
    }
    count
}

fn exhaustive(criterion: &mut Criterion) {
    let search = search();
    let worlds: Vec<World> = starts(&search.search).iter().map(World::new).collect();
    let (count, transitions) = (bare(&worlds), whole(&search).transitions);
    // The least of some, one after the other, so that what else the machine does meets both.
    let least = |work: &dyn Fn()| {
        let watch = stopwatch();
        work();
        watch()
    };
    let (mut of_bare, mut of_whole) = (Duration::MAX, Duration::MAX);
    for _ in 0..7 {
        of_bare = of_bare.min(least(&|| {
            black_box(bare(&worlds));
        }));
        of_whole = of_whole.min(least(&|| {
            black_box(whole(&search));
        }));
    }
    let each = |took: Duration, count: u64| took.as_secs_f64() * 1e6 / count as f64;
    let (of_bare, of_whole) = (each(of_bare, count), each(of_whole, transitions));
    println!(
        "bare {of_bare:.1} us ({count}), whole {of_whole:.1} us ({transitions}): ratio {:.2}",
        of_whole / of_bare
    );
    let mut group = criterion.benchmark_group("transition");
    group.sample_size(10);
    group.throughput(Throughput::Elements(count));
    group.bench_function("bare", |bencher| bencher.iter(|| bare(&worlds)));
    group.throughput(Throughput::Elements(transitions));
    group.bench_function("whole", |bencher| bencher.iter(|| whole(&search)));
    group.finish();
}

criterion_group!(benches, exhaustive);
criterion_main!(benches);
