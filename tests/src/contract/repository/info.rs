//! The inventory.

use pgdrill_core::{PortErrorKind as Kind, Ports, inventory::Inventory, ports::BackupKind};
use pgdrill_sim::{Change, PgbackrestFailureMode};

use super::{
    command::{backup, backups},
    failure_mode,
};
use crate::contract::{
    CANARY, PromiseFailure, PromiseResult, Subject, ensure, ensure_eq, fails,
    subject::{own_inventory, repository_settings},
};

/// The ports of a unit whose backup tool is configured by the relation as it is now.
async fn configured(subject: &dyn Subject, unit: u32) -> Result<Ports, PromiseFailure> {
    let ports = subject.ports(unit)?;
    ports.repository.configure(&repository_settings(&ports).await?).await?;
    Ok(ports)
}

async fn inventory(subject: &dyn Subject, unit: u32) -> Result<Inventory, PromiseFailure> {
    let ports = configured(subject, unit).await?;
    Ok(own_inventory(&ports).await?)
}

pub(super) async fn empty(subject: &dyn Subject) -> PromiseResult {
    let ports = configured(subject, 0).await?;
    ensure_eq!("the answer", ports.repository.info().await?.trim(), "[]");
    ensure_eq!("the inventory", own_inventory(&ports).await?, Inventory::default());
    Ok(())
}

pub(super) async fn knows_nothing(subject: &dyn Subject) -> PromiseResult {
    let inventory = own_inventory(&subject.ports(0)?).await?;
    ensure_eq!("the inventory", inventory, Inventory::default());
    Ok(())
}

/// One stanza, of this cluster, with backups of these kinds.
pub(super) async fn reads(subject: &dyn Subject, kinds: &[BackupKind]) -> PromiseResult {
    let inventory = inventory(subject, 0).await?;
    let ports = subject.ports(0)?;
    let [stanza] = inventory.stanzas.as_slice() else {
        return Err(PromiseFailure::Broken(format!("the inventory is {inventory:?}")));
    };
    ensure_eq!("the stanza", stanza.name, ports.unit.identity().stanza());
    let id = ports.cluster.system_identifier().await?;
    ensure_eq!("the system identifier", stanza.system_ids, [id]);
    let seen: Vec<BackupKind> = stanza.backups.iter().map(|backup| backup.kind).collect();
    ensure_eq!("the kinds", seen, kinds);
    let expected: Vec<String> = backups(subject).await?.iter().map(|b| b.label.clone()).collect();
    let labels: Vec<String> = stanza.backups.iter().map(|b| b.label.clone()).collect();
    ensure_eq!("the labels", labels, expected);
    Ok(())
}

pub(super) async fn failed_is_listed(subject: &dyn Subject) -> PromiseResult {
    let inventory = inventory(subject, 0).await?;
    let failed = inventory.stanzas.iter().flat_map(|s| s.backups.iter().map(|b| b.failed));
    ensure_eq!("which failed", failed.collect::<Vec<_>>(), [false, true]);
    Ok(())
}

pub(super) async fn another_stanza(subject: &dyn Subject) -> PromiseResult {
    let inventory = inventory(subject, 0).await?;
    let own = subject.ports(0)?.unit.identity().shared_stanza();
    let others = inventory.stanzas.iter().filter(|s| *s.name != *own && s.backups.len() == 1);
    ensure_eq!("the stanzas of others", others.count(), 1);
    Ok(())
}

pub(super) async fn on_every_unit(subject: &dyn Subject) -> PromiseResult {
    let (one, other) = (inventory(subject, 0).await?, inventory(subject, 1).await?);
    ensure_eq!("from the replica", other, one);
    ensure!(!one.stanzas.is_empty(), "it is empty");
    Ok(())
}

/// The call works; what it returns reports the failure in the tool's own words.
pub(super) async fn unreadable(
    subject: &dyn Subject,
    change: Change,
    words: &str,
) -> PromiseResult {
    subject.happen(&change).await?;
    let ports = configured(subject, 0).await?;
    let json = ports.repository.info().await?;
    let error = fails(own_inventory(&ports).await, "repository.info", &[Kind::Unreachable])?;
    ensure!(error.cause().contains(words), "`{error}` does not say `{words}`");
    ensure!(json.contains(r#""code":99"#), "no status 99 in {json}");
    Ok(())
}

pub(super) async fn not_understood(
    subject: &dyn Subject,
    how: PgbackrestFailureMode,
) -> PromiseResult {
    subject.happen(&failure_mode(how)).await?;
    let read = own_inventory(&subject.ports(0)?).await;
    fails(read, "repository.info", &[Kind::Malformed])?;
    Ok(())
}

pub(super) async fn shows_no_secret(subject: &dyn Subject) -> PromiseResult {
    let ports = configured(subject, 0).await?;
    let log = backup(0, true).run(&ports).await??;
    for (what, text) in [("log", log), ("inventory", ports.repository.info().await?)] {
        ensure!(!text.contains(CANARY), "the {what} shows a credential");
    }
    let settings = repository_settings(&ports).await?;
    ensure!(!format!("{settings:?}").contains(CANARY), "the settings show a credential");
    Ok(())
}
