//! Taking backups.

use std::{pin::pin, time::Duration};

use futures_util::future::select;
use pgdrill_core::{
    PortErrorKind,
    inventory::Inventory,
    ports::{BackupKind, BackupRequest},
};
use pgdrill_sim::{Change, LockState, PgbackrestFailureMode, SetLock};

use super::{
    LATE, LOCKED, broken_archive,
    command::{RepositoryCommand, backup, backups, check},
    failure_mode,
};
use crate::contract::{
    PromiseFailure, PromiseResult, Subject, ensure, ensure_eq, fails, never_ended,
    subject::{own_inventory, ready},
};

/// When a backup has begun, and has not ended, by the time of hooks.
const BEGUN: Duration = Duration::from_secs(6);
/// The pause between two looks for it.
const PAUSE: Duration = Duration::from_secs(3);

/// Asks for a backup on a unit; its label as logged, when the inventory gained just that one.
async fn back_up(
    subject: &dyn Subject,
    unit: u32,
    kind: BackupKind,
    from_primary: bool,
) -> Result<String, PromiseFailure> {
    let ports = subject.ports(unit)?;
    let before = own_inventory(&ports).await?;
    let stanza = ports.unit.identity().shared_stanza();
    let request = BackupRequest { stanza: stanza.clone(), kind, from_primary };
    let log = ports.repository.back_up(&request).await?;
    let label = log.lines().find_map(|line| line.split_once("new backup label = "));
    let (_, label) = label
        .ok_or_else(|| PromiseFailure::Broken(format!("no label of the new backup in `{log}`")))?;
    let after = own_inventory(&ports).await?;
    let own = |inventory: &Inventory| {
        let stanzas = inventory.stanzas.iter().filter(|own| *own.name == *stanza);
        stanzas.flat_map(|own| own.backups.clone()).collect::<Vec<_>>()
    };
    let (before, after) = (own(&before), own(&after));
    let Some((last, older)) = after.split_last() else {
        return Err(PromiseFailure::Broken("the inventory holds no backup".into()));
    };
    ensure_eq!("the older backups", older, before.as_slice());
    ensure_eq!("the label of the newest", last.label, label.trim());
    ensure_eq!("its kind", last.kind, kind);
    ensure_eq!("whether it failed", last.failed, false);
    Ok(last.label.clone())
}

pub(super) async fn backs_up(
    subject: &dyn Subject,
    unit: u32,
    from_primary: bool,
) -> PromiseResult {
    back_up(subject, unit, BackupKind::Full, from_primary).await?;
    Ok(())
}

pub(super) async fn every_kind(subject: &dyn Subject) -> PromiseResult {
    for &kind in BackupKind::ALL {
        let label = back_up(subject, 0, kind, true).await?;
        ensure_eq!("whether it refers to another", label.contains('_'), kind != BackupKind::Full);
    }
    Ok(())
}

pub(super) async fn locked_out(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    subject.happen(&LOCKED).await?;
    check(0).run(&ports).await??;
    own_inventory(&ports).await?;
    Ok(())
}

/// As in records 102 and 102b.
pub(super) async fn tells_of_its_lock(subject: &dyn Subject) -> PromiseResult {
    for (is, on_replica) in [(LockState::Held, true), (LockState::Free, false)] {
        subject.happen(&Change::Lock(SetLock { unit: 1, is })).await?;
        for (unit, held) in [(0, false), (1, on_replica)] {
            let inventory = subject.ports(unit)?.repository.info().await?;
            let told = format!(r#""lock":{{"backup":{{"held":{held}"#);
            ensure!(inventory.contains(&told), "unit {unit} does not tell `{told}`: {inventory}");
        }
    }
    Ok(())
}

/// As in records 103 and 103b: nothing of it is listed, and the next one works.
pub(super) async fn terminated(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    let before = backups(subject).await?;
    subject.happen(&failure_mode(PgbackrestFailureMode::Terminated)).await?;
    let ended = backup(0, true).run(&ports).await?;
    let error = fails(ended, "repository.back_up", &[PortErrorKind::Refused])?;
    ensure_eq!("its cause", error.cause(), "backup was terminated, with exit code 63");
    let exit = error.exit().cloned().unwrap_or_default();
    ensure_eq!("its exit code", exit.code, Some(63));
    ensure!(exit.stdout.contains("terminated on signal [SIGTERM]"), "it wrote `{}`", exit.stdout);
    ensure_eq!("the backups", backups(subject).await?, before);
    subject.happen(&failure_mode(PgbackrestFailureMode::Well)).await?;
    backup(0, true).run(&ports).await??;
    ensure_eq!("the backups", backups(subject).await?.len(), before.len() + 1);
    Ok(())
}

/// As in records 103 and 104d: under the label of the one that died, which only then is listed. The next one begins anew.
pub(super) async fn resumes(subject: &dyn Subject) -> PromiseResult {
    const WORDS: &str =
        " of same type exists -- invalid files will be removed then the backup will resume";
    let ports = subject.ports(0)?;
    subject.happen(&failure_mode(PgbackrestFailureMode::Terminated)).await?;
    ensure!(backup(0, true).run(&ports).await?.is_err(), "a backup that is terminated succeeds");
    subject.happen(&failure_mode(PgbackrestFailureMode::Well)).await?;
    let stanza = ports.unit.identity().shared_stanza();
    let request = BackupRequest { stanza, kind: BackupKind::Full, from_primary: true };
    let log = ports.repository.back_up(&request).await?;
    let found = log.lines().find_map(|line| line.split_once("WARN: resumable backup "));
    let found = found.and_then(|(_, found)| found.strip_suffix(WORDS));
    let label = log.lines().find_map(|line| line.split_once("new backup label = "));
    let label = label.map(|(_, label)| label.trim());
    ensure!(label.is_some() && label == found, "{found:?} was resumed as {label:?}: {log}");
    let log = ports.repository.back_up(&request).await?;
    ensure!(!log.contains("resumable backup"), "it is resumed again: {log}");
    Ok(())
}

/// As in record 115: nobody waits for it any more once it has begun.
pub(super) async fn outlives_its_caller(subject: &dyn Subject) -> PromiseResult {
    subject.takes_time()?;
    let ports = subject.ports(0)?;
    let before = backups(subject).await?.len();
    let call = backup(0, true);
    // Where it is done by then, the caller has its answer and is none the worse.
    drop(select(pin!(call.run(&ports)), ports.clock.wait(BEGUN)).await);
    for _ in 0..120 {
        if backups(subject).await?.len() == before + 1 {
            return Ok(());
        }
        ports.clock.wait(PAUSE).await?;
    }
    Err(PromiseFailure::Broken("the backup is not there after some minutes".into()))
}

/// Nobody knows whether it goes on: there is one backup more, or none.
pub(super) async fn hung_backup(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    let before = backups(subject).await?.len();
    subject.happen(&failure_mode(PgbackrestFailureMode::Hangs)).await?;
    never_ended(backup(0, true).run(&ports).await?, "repository.back_up")?;
    subject.happen(&failure_mode(PgbackrestFailureMode::Well)).await?;
    let gained = backups(subject).await?.len().saturating_sub(before);
    ensure!(gained <= 1, "{gained} backups were gained");
    Ok(())
}

pub(super) async fn late_wal_arrives(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    subject.happen(&LATE).await?;
    ensure!(check(0).run(&ports).await?.is_err(), "check works while WAL is late");
    subject.happen(&Change::ArchiveDelay(0)).await?;
    check(0).run(&ports).await??;
    Ok(())
}

pub(super) async fn retry_after(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    let held = ready().backups.len();
    for cause in [LOCKED, broken_archive()] {
        subject.happen(&cause).await?;
        for command in [backup(0, true), backup(0, true)] {
            ensure!(command.run(&ports).await?.is_err(), "it works in spite of {cause:?}");
        }
    }
    ensure_eq!("the backups", backups(subject).await?.len(), held);
    subject.happen(&failure_mode(PgbackrestFailureMode::Well)).await?;
    subject.happen(&Change::ArchiveCommand(pgdrill_sim::ArchiveCommand::Right)).await?;
    for command in RepositoryCommand::in_repository() {
        command.run(&ports).await??;
    }
    ensure_eq!("the backups", backups(subject).await?.len(), held + 1);
    Ok(())
}
