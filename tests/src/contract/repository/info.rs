//! The inventory.

use pgdrill_core::{PortErrorKind as Kind, Ports, inventory::Inventory, ports::BackupKind};
use pgdrill_sim::{Change, PgbackrestFailureMode};

use super::{
    command::{backup, backups},
    failure_mode,
};
use crate::contract::{
    CANARY, Kept, Stand, Unkept, ensure, ensure_eq, fails, stand::repository_settings,
};

/// The ports of a unit whose backup tool is configured by the relation as it is now.
async fn configured(stand: &dyn Stand, unit: u32) -> Result<Ports, Unkept> {
    let ports = stand.ports(unit)?;
    ports.repository.configure(&repository_settings(&ports).await?).await?;
    Ok(ports)
}

async fn inventory(stand: &dyn Stand, unit: u32) -> Result<Inventory, Unkept> {
    let ports = configured(stand, unit).await?;
    Ok(Inventory::parse(&ports.repository.info().await?)?)
}

pub(super) async fn empty(stand: &dyn Stand) -> Kept {
    let json = configured(stand, 0).await?.repository.info().await?;
    ensure_eq!("the answer", json.trim(), "[]");
    ensure_eq!("the inventory", Inventory::parse(&json)?, Inventory::default());
    Ok(())
}

pub(super) async fn knows_nothing(stand: &dyn Stand) -> Kept {
    let json = stand.ports(0)?.repository.info().await?;
    ensure_eq!("the inventory", Inventory::parse(&json)?, Inventory::default());
    Ok(())
}

/// One stanza, of this cluster, with backups of these kinds.
pub(super) async fn reads(stand: &dyn Stand, kinds: &[BackupKind]) -> Kept {
    let inventory = inventory(stand, 0).await?;
    let ports = stand.ports(0)?;
    let [stanza] = inventory.stanzas.as_slice() else {
        return Err(Unkept::Broken(format!("the inventory is {inventory:?}")));
    };
    ensure_eq!("the stanza", stanza.name, ports.unit.identity().stanza());
    let id = ports.cluster.system_identifier().await?;
    ensure_eq!("the system identifier", stanza.system_ids, [id]);
    let seen: Vec<BackupKind> = stanza.backups.iter().map(|backup| backup.kind).collect();
    ensure_eq!("the kinds", seen, kinds);
    let expected: Vec<String> = backups(stand).await?.into_iter().map(|b| b.label).collect();
    let labels: Vec<String> = stanza.backups.iter().map(|b| b.label.clone()).collect();
    ensure_eq!("the labels", labels, expected);
    Ok(())
}

pub(super) async fn failed_is_listed(stand: &dyn Stand) -> Kept {
    let inventory = inventory(stand, 0).await?;
    let failed = inventory.stanzas.iter().flat_map(|s| s.backups.iter().map(|b| b.failed));
    ensure_eq!("which failed", failed.collect::<Vec<_>>(), [false, true]);
    Ok(())
}

pub(super) async fn another_stanza(stand: &dyn Stand) -> Kept {
    let inventory = inventory(stand, 0).await?;
    let own = stand.ports(0)?.unit.identity().shared_stanza();
    let others = inventory.stanzas.iter().filter(|s| *s.name != *own && s.backups.len() == 1);
    ensure_eq!("the stanzas of others", others.count(), 1);
    Ok(())
}

pub(super) async fn on_every_unit(stand: &dyn Stand) -> Kept {
    let (one, other) = (inventory(stand, 0).await?, inventory(stand, 1).await?);
    ensure_eq!("from the replica", other, one);
    ensure!(!one.stanzas.is_empty(), "it is empty");
    Ok(())
}

/// The call works; what it returns reports the failure in the tool's own words.
pub(super) async fn unreadable(stand: &dyn Stand, change: Change, words: &str) -> Kept {
    stand.happen(&change).await?;
    let json = configured(stand, 0).await?.repository.info().await?;
    let read = Inventory::parse(&json);
    let error = fails(read, "repository.info", &[Kind::Unreachable])?;
    ensure!(error.cause().contains(words), "`{error}` does not say `{words}`");
    ensure!(json.contains(r#""code":99"#), "no status 99 in {json}");
    Ok(())
}

pub(super) async fn not_understood(stand: &dyn Stand, how: PgbackrestFailureMode) -> Kept {
    stand.happen(&failure_mode(how)).await?;
    let json = stand.ports(0)?.repository.info().await?;
    fails(Inventory::parse(&json), "repository.info", &[Kind::Malformed])?;
    Ok(())
}

pub(super) async fn shows_no_secret(stand: &dyn Stand) -> Kept {
    let ports = configured(stand, 0).await?;
    let log = backup(0, true).run(&ports).await??;
    for (what, text) in [("log", log), ("inventory", ports.repository.info().await?)] {
        ensure!(!text.contains(CANARY), "the {what} shows a credential");
    }
    let settings = repository_settings(&ports).await?;
    ensure!(!format!("{settings:?}").contains(CANARY), "the settings show a credential");
    Ok(())
}
