//! The commands that change the repository or prove that it works.

use std::{sync::Arc, time::Duration};

use pgdrill_core::{S3Settings, ports::RepositorySettings};

use super::answers::{CommandEnd, error_class, no_access};
use crate::{
    change::{ArchiveCommand, MemberFate, PgbackrestFailureMode},
    facts::RepositoryPlace,
    storage::{NoAccess, StanzaStore},
    unit::{Data, UnitState},
    world::World,
};

/// How long the tool waits for a WAL segment to arrive.
const ARCHIVE_TIMEOUT_MS: i64 = 60_000;
/// How long it tries to reach a peer's TLS server (seen: 30 s).
const PEER_RETRIES: Duration = Duration::from_secs(30);

pub(super) type Tried<T> = Result<T, CommandEnd>;

pub(super) fn failed(code: i32, text: impl Into<String>) -> CommandEnd {
    CommandEnd::Failed(code, text.into())
}

/// `stanza-create` on a unit.
pub(crate) fn create_stanza(world: &mut World, unit: u32, name: &str) -> CommandEnd {
    world.advance(Duration::from_millis(400));
    let tried = (|| {
        let settings = run(world, unit, "stanza-create")?;
        acquire_lock(world, unit, name)?;
        unlocked_primary(world, unit, &settings)?;
        let s3 = s3(&settings)?;
        for area in ["backup", "archive"] {
            reach(world, s3, area, name).map_err(access_failed)?;
        }
        let id = served_id(world)?;
        let bucket = world.storage.buckets.get_mut(&*s3.bucket);
        let bucket = bucket.ok_or_else(|| access_failed(NoAccess::NoBucket))?;
        let is_known = bucket.stanza(&s3.path, name).is_some();
        let folder = s3.object_key(name, "");
        if !is_known && bucket.objects.keys().iter().any(|key| key.starts_with(&folder)) {
            // Whatever lies there without the tool's own list: 2.55.1 makes no stanza around it.
            return Err(failed(40, "backup directory not empty"));
        }
        let stanzas = bucket.repositories.entry(s3.path.to_string()).or_default();
        match stanzas.iter().find(|stanza| &*stanza.name == name) {
            Some(stanza) if stanza.system_id != id => Err(mismatch()),
            Some(_) => Ok(()),
            None => {
                stanzas.push(StanzaStore::new(RepositoryPlace::of(s3), name.into(), id));
                Ok(())
            }
        }
    })();
    tried.map_or_else(|answer| answer, |()| CommandEnd::Done(String::new()))
}

/// Whether a process of the tool holds its lock on this unit's host.
pub(super) fn is_lock_held(world: &World, unit: u32) -> bool {
    world.failure_mode == PgbackrestFailureMode::Locked
        || world.unit(unit).is_some_and(|state| {
            let is_orphaned = state.orphan_until.is_some_and(|until| world.now < until);
            state.is_lock_held || state.locked_by.is_some() || is_orphaned
        })
}

/// The lock that backup and stanza-create take on their own host, and that neither check nor the inventory takes (records
/// 102f to 102m).
pub(super) fn acquire_lock(world: &World, unit: u32, stanza: &str) -> Tried<()> {
    if !is_lock_held(world, unit) {
        return Ok(());
    }
    let file = format!("/tmp/pgbackrest/{stanza}-backup-1.lock");
    let text = format!("unable to acquire lock on file '{file}': Resource temporarily unavailable");
    Err(failed(50, text))
}

/// The primary, if it is in reach and its lock free: they take that, too, and another unit whose lock is held is warned of
/// and not looked at. Seen with the lock held on one host alone; a backup holds it on every host that it reaches.
pub(super) fn unlocked_primary(
    world: &World,
    unit: u32,
    settings: &RepositorySettings,
) -> Tried<u32> {
    let primary = primary_in_reach(world, unit, settings).ok_or_else(no_primary)?;
    if primary != unit && is_lock_held(world, primary) { Err(no_primary()) } else { Ok(primary) }
}

/// A backup was seen to warn of a peer whose lock is held, to begin to copy, and then to fail at the connection to it, which
/// the peer has closed.
pub(super) fn unlocked_peers(world: &World, unit: u32, settings: &RepositorySettings) -> Tried<()> {
    let is_locked =
        |peer: u32| is_reached(world, unit, settings, peer) && is_lock_held(world, peer);
    if settings.tls_peers.iter().any(|peer| is_locked(peer.0)) {
        return Err(failed(101, "TLS error [1:167772454] unexpected eof while reading"));
    }
    Ok(())
}

/// `check` on a unit.
pub(crate) fn check(world: &mut World, unit: u32, name: &str) -> CommandEnd {
    world.advance(Duration::from_millis(1_500));
    let tried = (|| {
        // As seen: the peers, the primary and the archive command come before the repository.
        let settings = run(world, unit, "check")?;
        // stanza-create only warns of a peer that it can't reach; check looks into every data directory that
        // its settings name, on whichever unit it runs, and gives up.
        for peer in &settings.tls_peers {
            look_into_peer(world, unit, peer.0)?;
        }
        let primary = primary_in_reach(world, unit, &settings);
        primary.ok_or_else(|| failed(27, "primary database not found"))?;
        archive_command(world, name)?;
        let s3 = repository(world, &settings, "archive", name)?;
        if stanza(world, s3, name, "archive")?.system_id != served_id(world)? {
            return Err(mismatch());
        }
        archive_segment(world)
    })();
    tried.map_or_else(|answer| answer, |()| CommandEnd::Done(String::new()))
}

/// `server-ping` of another unit from this one.
pub(crate) fn ping(world: &mut World, unit: u32, host: u32) -> CommandEnd {
    world.advance(Duration::from_millis(200));
    match alive(world, unit) {
        Err(answer) => answer,
        Ok(_) if world.failure_mode == PgbackrestFailureMode::Hangs => CommandEnd::Hung,
        Ok(_) if is_cut_off(world, unit) || !is_tls_server_up(world, host) => {
            world.advance(Duration::from_secs(10));
            refused(host)
        }
        Ok(_) => CommandEnd::Done(String::new()),
    }
}

/// The unit in which a command runs, if one can.
pub(super) fn alive(world: &World, unit: u32) -> Tried<&UnitState> {
    let state = world.unit(unit).ok_or(CommandEnd::Lost)?;
    match state.fate {
        MemberFate::Killed => Err(CommandEnd::Lost),
        MemberFate::Frozen => Err(CommandEnd::Hung),
        MemberFate::Running | MemberFate::CutOff | MemberFate::ServerDown => {
            if state.is_workload_reachable { Ok(state) } else { Err(CommandEnd::Lost) }
        }
    }
}

/// The configuration of a command that could be started. Without one the tool goes by its own defaults, and these
/// name no data directory.
pub(super) fn run(world: &World, unit: u32, command: &str) -> Tried<Arc<RepositorySettings>> {
    let state = alive(world, unit)?;
    if world.failure_mode == PgbackrestFailureMode::Hangs {
        return Err(CommandEnd::Hung);
    }
    let unset = || failed(37, format!("{command} command requires option: pg1-path"));
    let settings = state.repository.clone().ok_or_else(unset)?;
    settings.s3.as_ref().map_or(Ok(()), read_path)?;
    Ok(settings)
}

/// Each command that knows of a repository reads its path before it does anything (records 150 to 150e).
pub(super) fn read_path(s3: &S3Settings) -> Tried<()> {
    let why = if !s3.path.starts_with('/') {
        "must begin with /"
    } else if s3.path.contains("//") {
        "cannot contain //"
    } else {
        return Ok(());
    };
    Err(failed(32, format!("'{}' {why} for 'repo1-path' option", s3.path)))
}

/// The S3 settings of a repository whose file on the stanza this command reads. If it can't, as was seen, its error
/// line is about the file and the cause stands beneath; and a bucket that is missing looks like a file that is.
pub(super) fn repository<'a>(
    world: &mut World,
    settings: &'a RepositorySettings,
    area: &str,
    name: &str,
) -> Tried<&'a S3Settings> {
    let s3 = s3(settings)?;
    match reach(world, s3, area, name) {
        Ok(()) => Ok(s3),
        Err(NoAccess::NoBucket) => Err(missing_stanza(s3, name, area)),
        Err(why) => {
            let (code, cause) = no_access(why);
            let class = error_class(code);
            Err(failed(code, format!("{}\n{class}: {cause}", unloaded(s3, name, area))))
        }
    }
}

pub(super) fn s3(settings: &RepositorySettings) -> Tried<&S3Settings> {
    let unset = || failed(37, "command requires option: repo1-s3-bucket");
    settings.s3.as_ref().ok_or_else(unset)
}

/// Whether a command can read and write this part of the repository.
fn reach(world: &mut World, s3: &S3Settings, area: &str, name: &str) -> Result<(), NoAccess> {
    let access = match world.storage.bucket(s3) {
        Ok(_) if world.storage.refuses_some() => {
            let key = [&*s3.path, "/", area, "/", name, "/"].concat();
            if world.storage.is_refused(&key) { Err(NoAccess::Forbidden) } else { Ok(()) }
        }
        access => access.map(|_| ()),
    };
    if matches!(access, Err(NoAccess::Refused | NoAccess::Hangs)) {
        world.advance(Duration::from_secs(10));
    }
    access
}

pub(super) fn access_failed(why: NoAccess) -> CommandEnd {
    let (code, text) = no_access(why);
    failed(code, text)
}

pub(super) fn stanza<'a>(
    world: &'a World,
    s3: &S3Settings,
    name: &str,
    area: &str,
) -> Tried<&'a StanzaStore> {
    let bucket = world.storage.bucket(s3).map_err(access_failed)?;
    bucket.stanza(&s3.path, name).ok_or_else(|| missing_stanza(s3, name, area))
}

pub(super) fn missing_stanza(s3: &S3Settings, name: &str, area: &str) -> CommandEnd {
    let file = info_file(s3, name, area);
    let cause = format!("FileMissingError: unable to open missing file '{file}' for read");
    failed(55, format!("{}\n{cause}", unloaded(s3, name, area)))
}

fn unloaded(s3: &S3Settings, name: &str, area: &str) -> String {
    let file = info_file(s3, name, area);
    format!("unable to load info file '{file}' or '{file}.copy':")
}

fn info_file(s3: &S3Settings, name: &str, area: &str) -> String {
    format!("{}/{area}/{name}/{area}.info", s3.path.trim_end_matches('/'))
}

fn mismatch() -> CommandEnd {
    failed(28, "backup and archive info files exist but do not match the database")
}

pub(super) fn no_primary() -> CommandEnd {
    failed(56, "unable to find primary cluster - cannot proceed")
}

/// The primary, if this unit is it or reaches it through its TLS server.
fn primary_in_reach(world: &World, unit: u32, settings: &RepositorySettings) -> Option<u32> {
    let primary = world.primary?;
    let serves = world.unit(primary).is_some_and(UnitState::is_serving);
    let reached = primary == unit || is_reached(world, unit, settings, primary);
    (serves && reached).then_some(primary)
}

/// Whether a unit reaches another, which its settings name, through that one's TLS server.
pub(super) fn is_reached(
    world: &World,
    unit: u32,
    settings: &RepositorySettings,
    other: u32,
) -> bool {
    settings.tls_peers.iter().any(|peer| peer.0 == other)
        && is_tls_server_up(world, other)
        && lets_in(world, other, unit)
        && !is_cut_off(world, unit)
}

fn is_cut_off(world: &World, unit: u32) -> bool {
    world.unit(unit).is_some_and(|state| state.fate == MemberFate::CutOff)
}

fn is_tls_server_up(world: &World, unit: u32) -> bool {
    world.unit(unit).is_some_and(UnitState::is_tls_server_up)
}

/// Whether the TLS server of `host` knows the certificate of `unit` as one that may use the stanza.
fn lets_in(world: &World, host: u32, unit: u32) -> bool {
    world.unit(host).is_some_and(|state| state.lets_in(unit))
}

fn refused(host: u32) -> CommandEnd {
    let address = format!("10.1.0.{}", 10 + host);
    let text =
        format!("unable to connect to 'unit-{host}:8432 ({address})': [111] Connection refused");
    failed(49, text)
}

/// Reads from `host` through its TLS server.
fn look_into_peer(world: &mut World, unit: u32, host: u32) -> Tried<()> {
    if !is_tls_server_up(world, host) {
        world.advance(PEER_RETRIES);
        return Err(refused(host));
    }
    if lets_in(world, host, unit) {
        Ok(())
    } else {
        let text = format!("raised from remote-0 tls protocol on 'unit-{host}': access denied");
        Err(failed(105, text))
    }
}

pub(super) fn served_id(world: &World) -> Tried<u64> {
    let primary = world.primary.and_then(|primary| world.unit(primary));
    match primary.map(|state| state.data) {
        Some(Data::Of(id)) => Ok(id),
        Some(Data::Empty) | None => Err(no_primary()),
    }
}

/// The archive command that is in force must be the tool's own.
pub(super) fn archive_command(world: &World, stanza: &str) -> Tried<()> {
    let configured = world.archive_stanza.as_deref() == Some(stanza);
    if world.archive_command == ArchiveCommand::Right && configured {
        return Ok(());
    }
    let command = if configured { "false" } else { "" };
    Err(failed(68, format!("archive_command '{command}' must contain pgbackrest")))
}

/// Has the primary archive a segment, and waits for it.
pub(super) fn archive_segment(world: &mut World) -> Tried<()> {
    let waited = world.archive_delay.min(ARCHIVE_TIMEOUT_MS);
    // The segment is on its way while the tool waits, and need not be waited for again.
    world.archive_delay -= waited;
    world.advance(Duration::from_millis(waited.unsigned_abs()));
    if world.archive_delay > 0 {
        let text =
            "WAL segment 000000010000000000000013 was not archived before the 60000ms timeout";
        return Err(failed(82, text));
    }
    Ok(())
}
