//! One firing of each hook, each in a fresh world.
//!
//! `cargo bench -p pgdrill-sim --bench fire`; the ids are `fire/<hook>`. An iteration makes the world
//! from what is given, delivers one event to a unit as Juju would, and drops the world.

use std::{collections::BTreeMap, hint::black_box, sync::Arc};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::FutureExt as _;
use pgdrill_core::{Amendments, Hook};
use pgdrill_sim::{BackupGiven, Event, Fired, Given, S3Given, StanzaGiven, View, World, dispatch};

fn given(hook: Hook) -> Given {
    let backups = match hook {
        Hook::ListBackups | Hook::Restore => vec![BackupGiven::Full],
        Hook::S3CredentialsChanged
        | Hook::CreateBackup
        | Hook::UpdateStatus
        | Hook::CertificatesChanged => Vec::new(),
    };
    let stanza = match hook {
        Hook::S3CredentialsChanged => StanzaGiven::None,
        Hook::CreateBackup
        | Hook::ListBackups
        | Hook::Restore
        | Hook::UpdateStatus
        | Hook::CertificatesChanged => StanzaGiven::Initialised,
    };
    Given { s3: Some(S3Given::default()), stanza, backups, ..Given::default() }
}

fn fire_fresh(given: &Given, event: &Event) -> Option<Vec<Fired>> {
    let world = World::new(given).shared();
    let ports = View::new(&world, event.unit).ok()?.ports();
    // Every fake answers at once, so one poll is the whole of it.
    dispatch(&world, &ports, event, Amendments::all(), None).now_or_never()?.ok()
}

fn fire(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fire");
    group.throughput(Throughput::Elements(1));
    for &hook in Hook::ALL {
        let given = given(hook);
        let mut parameters: BTreeMap<String, Arc<str>> = BTreeMap::new();
        if hook == Hook::Restore {
            let backup = World::new(&given).backups().last().cloned();
            let id = backup.map(|backup| backup.id).unwrap_or_default();
            parameters.insert("backup-id".to_owned(), id.into());
        }
        let event = Event { hook, unit: 0, parameters };
        let outcome = fire_fresh(&given, &event).and_then(|mut fired| fired.pop());
        let outcome = outcome.map(|fired| fired.firing.outcome.name());
        assert!(
            matches!(outcome, Some("returned" | "finished")),
            "{hook} must walk its main path, and ended as {outcome:?}"
        );
        group.bench_function(hook.name(), |bencher| {
            bencher.iter(|| fire_fresh(black_box(&given), black_box(&event)));
        });
    }
    group.finish();
}

criterion_group!(benches, fire);
criterion_main!(benches);
