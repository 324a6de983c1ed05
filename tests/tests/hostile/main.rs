//! A thousand hostile inputs for each door, from printed seeds, and three faults that the search finds first.
//!
//! `PGDRILL_HOSTILE_SEED` is the seed of the first input and `PGDRILL_HOSTILE_COUNT` how many there are: a longer search,
//! or the one input that a finding names. An overflow of the stack ends the process: the seed of the input is then in
//! `target/tmp/hostile-DOOR`.

#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod charm;
mod files;
mod info;
mod pebble;
mod planted;
mod tools;

use std::{path::Path, time::Duration};

use pgdrill_tests::hostile::{Door, Search, Searched, search};

/// How long one input may take, on a machine that has much else to do.
const LIMIT: Duration = Duration::from_secs(30);

/// The search that is made of a door.
fn asked_for(door: &str) -> Search {
    #[expect(clippy::disallowed_methods, reason = "whoever searches longer says so here")]
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    Search {
        seed: number("PGDRILL_HOSTILE_SEED").unwrap_or(13_000_000),
        count: number("PGDRILL_HOSTILE_COUNT").unwrap_or(1000),
        limit: LIMIT,
        mark: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hostile-{door}"))),
    }
}

/// The door withstands what is asked for, and the inputs are such that some are taken and some refused.
#[track_caller]
fn withstands(door: Door) {
    let asked = asked_for(door.name);
    let name = door.name;
    let seen = search(door, &asked);
    #[expect(clippy::print_stdout, reason = "the seeds are shown to whoever looks")]
    {
        println!("{name}: from seed {}: {seen}", asked.seed);
    }
    assert!(seen.findings.is_empty(), "{name}: from seed {}: {seen}", asked.seed);
    if asked.count >= 1000 {
        let Searched { refused, taken, .. } = seen;
        let least = asked.count / 50;
        assert!(refused >= least && taken >= least, "{name}: {taken} taken, {refused} refused");
    }
}
