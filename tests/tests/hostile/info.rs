//! What the backup tool prints of its repository.

use std::{collections::BTreeMap, fs, sync::Arc};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use pgdrill_core::{
    Amendments, FiringLine, Hook, Outcome, Ports,
    inventory::{Inventory, backup_id},
    ports::{ARGUMENT_LIMIT, BackupRequest, PortResult, Repository, RepositorySettings, UnitId},
};
use pgdrill_dispatch::Dispatched;
use pgdrill_sim::{Event, View, dispatch, lock};
use pgdrill_tests::hostile::{Door, Grammar, Opened};

use super::{tools::world, withstands};

/// A repository that says this of itself.
struct Saying {
    info: String,
    rest: Arc<dyn Repository>,
}

#[async_trait]
impl Repository for Saying {
    async fn configure(&self, settings: &RepositorySettings) -> PortResult<()> {
        self.rest.configure(settings).await
    }

    async fn create_stanza(&self, stanza: &str) -> PortResult<()> {
        self.rest.create_stanza(stanza).await
    }

    async fn check(&self, stanza: &str) -> PortResult<()> {
        self.rest.check(stanza).await
    }

    async fn back_up(&self, request: &BackupRequest) -> PortResult<String> {
        self.rest.back_up(request).await
    }

    async fn info(&self) -> PortResult<String> {
        Ok(self.info.clone())
    }

    async fn ping(&self, unit: UnitId) -> PortResult<()> {
        self.rest.ping(unit).await
    }
}

/// One event where the repository says this; how it ended.
fn fired(info: &str, hook: Hook, id: &str, opened: &mut Opened) -> String {
    let world = world().shared();
    let ports = View::new(&world, 0).expect("a unit").ports();
    let rest = Arc::clone(&ports.repository);
    let ports = Ports { repository: Arc::new(Saying { info: info.to_owned(), rest }), ..ports };
    let mut parameters = BTreeMap::new();
    if hook == Hook::Restore {
        parameters.insert("backup-id".to_owned(), id.into());
    }
    let event = Event { hook, unit: 0, parameters };
    let fired = dispatch(&world, &ports, &event, Amendments::all(), None).now_or_never();
    let fired = fired.expect("no fake waits").expect("a unit").remove(0);
    for (key, value) in &fired.results {
        let pair = format!("{key}={value}");
        if pair.len() > ARGUMENT_LIMIT {
            opened.faults.push(format!("a result has {} bytes", pair.len()));
        }
        opened.shown.push(pair);
    }
    match &fired.firing.outcome {
        Outcome::Failed(text) => opened.shown.push(text.clone()),
        Outcome::Error(error) => {
            opened.shown.extend(Dispatched::Failed(error.to_string()).conclude().err());
        }
        Outcome::Returned | Outcome::Deferred | Outcome::Finished | Outcome::Died(_) => {}
    }
    let name = fired.firing.outcome.name().to_owned();
    opened.shown.push(FiringLine { firing: fired.firing, is_refired: false }.line());
    let seen = lock(&world).observe();
    let statuses = seen.units.iter().flat_map(|unit| &unit.history);
    opened.shown.extend(statuses.map(|status| status.message.to_string()));
    name
}

fn info_door() -> Door {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/inventory");
    let mut paths: Vec<_> =
        fs::read_dir(folder).expect("seeds").map(|entry| entry.expect("listed").path()).collect();
    paths.sort_unstable();
    let mut seeds: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).expect("read")).collect();
    let own = world().stanza().to_string();
    let ports = View::new(&world().shared(), 0).expect("a unit").ports();
    let real = ports.repository.info().now_or_never().expect("at once").expect("an inventory");
    seeds.extend(std::iter::repeat_n(real.into_bytes(), 8));
    let open = move |bytes: &[u8]| {
        // As whatever runs the tool hands it on.
        let text = String::from_utf8_lossy(bytes);
        let (mut opened, _) = (Opened::default(), backup_id(&text));
        let mut id = "2026-11-23T02:43:06Z".to_owned();
        match Inventory::parse(&text, &own) {
            Err(error) => {
                opened.is_refused = true;
                opened.shown.extend(Dispatched::Failed(error.to_string()).conclude().err());
            }
            Ok(inventory) => {
                let backups = inventory.stanzas.iter().flat_map(|stanza| &stanza.backups);
                for backup in backups {
                    id.clone_from(&backup.id);
                    if inventory.find(&id, &own).is_none() {
                        opened.faults.push(format!("{id} is listed and not found"));
                    }
                }
            }
        }
        for hook in
            [Hook::ListBackups, Hook::Restore, Hook::S3CredentialsChanged, Hook::CreateBackup]
        {
            let ended = fired(&text, hook, &id, &mut opened);
            let needs_it = matches!(hook, Hook::ListBackups | Hook::Restore);
            if opened.is_refused && needs_it && ended == "finished" {
                opened.faults.push(format!("{hook} is done, and the inventory was refused"));
            }
        }
        opened
    };
    let words = &[
        "20261123-024306F",
        "20261123-024306F_20261123-024354D",
        "full",
        "diff",
        "incr",
        "label",
        "type",
        "error",
        "status",
        "code",
        "99",
        "system-id",
        "[invalid]",
        "message",
        "backup",
        "name",
        "db",
        "repo",
    ];
    Door { name: "info", grammar: Grammar::new(seeds, words), open: Box::new(open) }
}

#[test]
fn inventories() {
    withstands(info_door());
}
