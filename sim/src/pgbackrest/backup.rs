//! `backup`, in whose middle others can do something.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use pgdrill_core::{
    S3Settings,
    inventory::backup_id,
    ports::{BackupRequest, RepositorySettings},
};

use super::{
    answers::{CommandEnd, backup_lines, leave_behind, store_backup},
    commands::{
        Tried, access_failed, acquire_lock, alive, archive_command, archive_segment, failed,
        is_reached, missing_stanza, no_primary, repository, run, s3, served_id, stanza,
        unlocked_peers, unlocked_primary,
    },
};
use crate::{
    change::PgbackrestFailureMode,
    midway::Passage,
    objects::Objects,
    storage::{NoAccess, StanzaStore},
    unit::UnitState,
    world::World,
};

/// A backup that has begun to copy.
pub(crate) struct BackupBegun {
    unit: u32,
    settings: Arc<RepositorySettings>,
    primary: u32,
    began: i64,
}

/// `backup` on a unit, until it has begun to copy: where it is held then, it holds its lock on every host that it reaches
/// (records 102d to 102m).
pub(crate) fn begin_backup(
    world: &mut World,
    unit: u32,
    request: &BackupRequest,
) -> Tried<BackupBegun> {
    let began = world.now;
    let settings = run(world, unit, "backup")?;
    acquire_lock(world, unit, &request.stanza)?;
    let s3 = repository(world, &settings, "backup", &request.stanza)?;
    stanza(world, s3, &request.stanza, "backup")?;
    let primary = unlocked_primary(world, unit, &settings)?;
    if request.from_primary && primary != unit {
        return Err(no_primary());
    }
    let serves = world.unit(unit).is_some_and(UnitState::is_serving);
    if !request.from_primary && (primary == unit || !serves) {
        return Err(failed(56, "unable to find standby cluster - cannot proceed"));
    }
    let id = served_id(world)?;
    let known = stanza(world, s3, &request.stanza, "backup")?.system_id;
    if known != id {
        let text = format!(
            "PostgreSQL version 17, system-id {id} do not match stanza version 17, system-id {known}"
        );
        return Err(failed(51, text));
    }
    archive_command(world, &request.stanza)?;
    archive_segment(world)?;
    if let Err(lost) = unlocked_peers(world, unit, &settings) {
        die(world, &settings, request, began);
        return Err(lost);
    }
    if world.failure_mode == PgbackrestFailureMode::Terminated {
        die(world, &settings, request, began);
        return Err(CommandEnd::Terminated);
    }
    if world.reach_midway(unit) {
        let is_reached = |host: u32| is_reached(world, unit, &settings, host);
        let hosts = (0..world.unit_count()).filter(|host| *host == unit || is_reached(*host));
        for host in hosts.collect::<Vec<_>>() {
            if let Some(host) = world.unit_mut(host) {
                host.locked_by = Some(unit);
            }
        }
    }
    Ok(BackupBegun { unit, settings, primary, began })
}

/// The stanza into which a backup goes, of the repositories of its bucket.
fn stored<'a>(
    repositories: &'a mut BTreeMap<String, Vec<StanzaStore>>,
    s3: &S3Settings,
    request: &BackupRequest,
) -> Option<&'a mut StanzaStore> {
    let mut stanzas = repositories.get_mut(&*s3.path)?.iter_mut();
    stanzas.find(|stanza| stanza.name == request.stanza)
}

/// A backup that has begun to copy dies.
fn die(world: &mut World, settings: &RepositorySettings, request: &BackupRequest, began: i64) {
    let Some(s3) = &settings.s3 else { return };
    let Some(bucket) = world.storage.buckets.get_mut(&*s3.bucket) else { return };
    if let Some(stanza) = stored(&mut bucket.repositories, s3, request) {
        leave_behind(stanza, began, request.kind);
    }
}

/// How long a backup takes until it has begun to copy (records 104 and 109).
const BEGUN: Duration = Duration::from_secs(2);
/// How long the worker of a killed backup lives on (seen: 27 and 45 s, records 104 and 105a).
const ORPHANED: i64 = 30_000;
/// A backup is killed. What is left of it holds the lock on its own host alone: on the others the TLS server's process lets it
/// go as soon as the connection ends.
fn kill(world: &mut World, unit: u32) -> CommandEnd {
    if let Err(gone) = alive(world, unit) {
        return gone;
    }
    world.advance(BEGUN);
    let until = world.now + ORPHANED;
    if let Some(host) = world.unit_mut(unit) {
        host.orphan_until = Some(until);
    }
    CommandEnd::Killed
}

/// `backup` on a unit, from its middle on.
pub(crate) fn end_backup(
    world: &mut World,
    begun: &BackupBegun,
    request: &BackupRequest,
) -> CommandEnd {
    let BackupBegun { unit, settings, primary, began } = begun;
    let tried = (|| {
        let s3 = s3(settings)?;
        match world.pass_midway(*unit) {
            Passage::Quiet => {}
            Passage::Disturbed => outlives(world, *unit, settings, *primary)?,
            Passage::Killed => return Err(kill(world, *unit)),
        }
        let mut now = world.now;
        let missing = || missing_stanza(s3, &request.stanza, "backup");
        let bucket = world.storage.buckets.get_mut(&*s3.bucket).ok_or_else(missing)?;
        let stored = stored(&mut bucket.repositories, s3, request).ok_or_else(missing)?;
        let found = stored.resumable.clone();
        let index = store_backup(stored, &mut now, request.kind, false);
        let lines = stored
            .backups
            .get(index)
            .map(|backup| backup_lines(*began, now, request.kind, backup, found.as_deref()));
        clean_up(&mut bucket.objects, s3, stored);
        world.now = now;
        Ok(lines.unwrap_or_default())
    })();
    for host in &mut world.units {
        host.locked_by = host.locked_by.filter(|by| by != unit);
    }
    if tried.is_err() {
        die(world, settings, request, *began);
    }
    tried.map_or_else(|answer| answer, CommandEnd::Done)
}

/// How long a backup copies on before it is told of a role that has changed.
const COPYING: Duration = Duration::from_secs(5);
/// How long a backup tries to reach an S3 server that refuses connections from its middle on (record 108).
const UPLOAD_RETRIES: Duration = Duration::from_secs(147);
/// Whether a backup that has begun to copy comes to its end in what has happened in its middle (records 106 to 119). It took
/// its start from `primary`.
fn outlives(
    world: &mut World,
    unit: u32,
    settings: &RepositorySettings,
    primary: u32,
) -> Tried<()> {
    const CLOSED: &str = "TLS error [1:167772454] unexpected eof while reading";
    alive(world, unit)?;
    let is_remote = primary != unit;
    if is_remote && !is_reached(world, unit, settings, primary) {
        return Err(failed(101, CLOSED));
    }
    match world.storage.bucket(s3(settings)?).map(drop) {
        Ok(()) => {}
        // Says so after 150 s, and does not end (record 106).
        Err(NoAccess::Hangs) => return Err(CommandEnd::Hung),
        Err(NoAccess::Refused) => {
            world.advance(UPLOAD_RETRIES);
            let text = format!("raised from local-1 protocol: {CLOSED}");
            return Err(failed(101, text));
        }
        Err(why) => return Err(access_failed(why)),
    }
    if world.primary != Some(primary) {
        world.advance(COPYING);
        let text = "NULL result required to complete request";
        let text = match is_remote {
            true => format!("raised from remote-0 tls protocol on 'unit-{primary}': {text}"),
            false => text.to_owned(),
        };
        return Err(failed(101, text));
    }
    archive_segment(world)
}

/// What the tool removes after a backup: the object that bears the name of its own link to the latest one, and
/// every folder named like a backup that it has no record of, with whatever others put there.
fn clean_up(objects: &mut Objects, s3: &S3Settings, stanza: &StanzaStore) {
    objects.remove(&s3.object_key(&stanza.name, "latest"));
    let folder = s3.object_key(&stanza.name, "");
    // What has a record keeps it, so what was found well stays so.
    objects.retain_unseen(&folder, |key| {
        let label = key.strip_prefix(&folder).and_then(|rest| rest.split_once('/'));
        label.is_none_or(|(label, _)| {
            backup_id(label).is_none()
                || stanza.backups.iter().rev().any(|known| known.label == label)
        })
    });
}

#[cfg(test)]
mod tests;
