//! `info --output=json`, to the shape of the real one.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use pgdrill_core::ports::BackupKind;

use super::{
    answers::{CommandEnd, error_class, no_access},
    commands::{is_lock_held, read_path},
};
use crate::{
    change::{MemberFate, PgbackrestFailureMode},
    storage::{BackupStore, NoAccess, StanzaStore},
    world::World,
};

/// `info --output=json` on a unit. It exits with 0 even when the repository can't be reached: the failure
/// is then in the status, under code 99.
pub(crate) fn info(world: &mut World, unit: u32) -> CommandEnd {
    world.advance(Duration::from_millis(400));
    let Some(state) = world.unit(unit) else { return CommandEnd::Lost };
    match state.fate {
        MemberFate::Killed => return CommandEnd::Lost,
        MemberFate::Frozen => return CommandEnd::Hung,
        MemberFate::Running | MemberFate::CutOff | MemberFate::ServerDown => {}
    }
    if !state.is_workload_reachable {
        return CommandEnd::Lost;
    }
    match world.failure_mode {
        PgbackrestFailureMode::Hangs => return CommandEnd::Hung,
        PgbackrestFailureMode::Garbled => {
            return CommandEnd::Done("WARN: this is not JSON".to_owned());
        }
        PgbackrestFailureMode::Well
        | PgbackrestFailureMode::Locked
        | PgbackrestFailureMode::Silent
        | PgbackrestFailureMode::Terminated
        | PgbackrestFailureMode::StrangeLabel => {}
    }
    let Some(s3) = state.repository.as_ref().and_then(|settings| settings.s3.as_ref()) else {
        // By default the repository is a folder of the unit itself, in which nothing is.
        return CommandEnd::Done("[]".to_owned());
    };
    if let Err(answer) = read_path(s3) {
        return answer;
    }
    let refused = world.storage.is_refused(&[&*s3.path, "/backup/"].concat());
    let bucket = if refused { Err(NoAccess::Forbidden) } else { world.storage.bucket(s3) };
    let json = match bucket {
        Ok(bucket) => {
            let stanzas = bucket.repositories.get(&*s3.path).map_or(&[][..], Vec::as_slice);
            let strange = world.failure_mode == PgbackrestFailureMode::StrangeLabel;
            inventory(stanzas, is_lock_held(world, unit), strange)
        }
        Err(why) => {
            let (code, text) = no_access(why);
            unreadable(&format!("[{}] {text}", error_class(code)))
        }
    };
    CommandEnd::Done(json)
}

fn unreadable(message: &str) -> String {
    format!(
        r#"[{{"archive":[],"backup":[],"cipher":"none","db":[],"name":"[invalid]","repo":[{{"cipher":"none","key":1,"status":{{"code":99,"message":"{message}"}}}}],"status":{{"code":99,"lock":{{"backup":{{"held":false}}}},"message":"other"}}}}]"#
    )
}

fn inventory(stanzas: &[StanzaStore], held: bool, strange: bool) -> String {
    let mut out = String::from("[");
    for (index, stanza) in stanzas.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_stanza(&mut out, stanza, held, strange);
    }
    out.push(']');
    out
}

fn write_stanza(out: &mut String, stanza: &StanzaStore, held: bool, strange: bool) {
    let (code, message) =
        if stanza.backups.is_empty() { (2, "no valid backups") } else { (0, "ok") };
    let archived = stanza.backups.first().zip(stanza.backups.last());
    let (max, min) = archived.map_or_else(
        || ("null".to_owned(), "null".to_owned()),
        // Before the first backup and after the last one a segment is archived, too (record 123).
        |(first, last)| (quoted(&segment(last.segment + 1)), quoted(&segment(first.segment - 1))),
    );
    // Writing to a String does not fail.
    let _ = write!(
        out,
        r#"{{"archive":[{{"database":{{"id":1,"repo-key":1}},"id":"17-1","max":{max},"min":{min}}}],"backup":["#
    );
    let mut known: BTreeMap<&str, &BackupStore> = BTreeMap::new();
    let mut chain = Vec::new();
    for (index, backup) in stanza.backups.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        builds_on(backup, &known, &mut chain);
        write_backup(out, backup, &chain, strange);
        known.insert(&backup.label, backup);
    }
    let _ = write!(
        out,
        r#"],"cipher":"none","db":[{{"id":1,"repo-key":1,"system-id":{},"version":"17"}}],"name":"{}","repo":[{{"cipher":"none","key":1,"status":{{"code":{code},"message":"{message}"}}}}],"status":{{"code":{code},"lock":{{"backup":{{"held":{held}}}}},"message":"{message}"}}}}"#,
        stanza.system_id, stanza.name
    );
}

/// Makes of the backups on which the one before it builds, oldest first, those of this one.
fn builds_on<'a>(
    backup: &'a BackupStore,
    known: &BTreeMap<&str, &'a BackupStore>,
    chain: &mut Vec<&'a str>,
) {
    let before = backup.prior.as_deref().and_then(|prior| known.get(prior));
    let is_next = chain.last().copied() == before.and_then(|before| before.prior.as_deref());
    if let (Some(before), true) = (before, is_next) {
        chain.push(&before.label);
        return;
    }
    chain.clear();
    let mut next = before;
    while let Some(before) = next {
        chain.push(&before.label);
        next = before.prior.as_deref().and_then(|prior| known.get(prior));
    }
    chain.reverse();
}

fn write_backup(out: &mut String, backup: &BackupStore, chain: &[&str], strange: bool) {
    let label = if strange { "backup-of-last-week" } else { &backup.label };
    let segment = quoted(&segment(backup.segment));
    let Sizes { size, delta, stored, stored_delta } = Sizes::of(backup);
    // Writing to a String does not fail.
    let _ = write!(
        out,
        r#"{{"archive":{{"start":{segment},"stop":{segment}}},"backrest":{{"format":5,"version":"2.55.1"}},"database":{{"id":1,"repo-key":1}},"error":{},"info":{{"delta":{delta},"repository":{{"delta":{stored_delta},"size":{stored}}},"size":{size}}},"label":"{label}","lsn":{{"start":"{}","stop":"{}"}},"prior":"#,
        backup.failed,
        position(backup.segment, 0x28),
        position(backup.segment, 0x120),
    );
    match chain.split_last() {
        None => out.push_str(r#"null,"reference":null"#),
        Some((last, older)) => {
            let _ = write!(out, r#""{last}","reference":["#);
            for label in older {
                let _ = write!(out, r#""{label}","#);
            }
            let _ = write!(out, r#""{last}"]"#);
        }
    }
    let _ = write!(
        out,
        r#","timestamp":{{"start":{},"stop":{}}},"type":"{}"}}"#,
        backup.started / 1000,
        backup.stopped / 1000,
        backup.kind.tool_name()
    );
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

/// The name of a segment of 16 MiB on the first timeline.
fn segment(number: u64) -> String {
    format!("00000001{:08X}{:08X}", number >> 8, number & 0xFF)
}

/// The position this far into a segment.
fn position(segment: u64, offset: u64) -> String {
    format!("{:X}/{:X}", segment >> 8, ((segment & 0xFF) << 24) + offset)
}

/// How many bytes a backup comes to: all of the cluster, and what was copied of it; in the cluster and, compressed, in
/// the repository.
struct Sizes {
    size: u64,
    delta: u64,
    stored: u64,
    stored_delta: u64,
}

impl Sizes {
    /// A cluster that grows a little, about as record 123 has it.
    fn of(backup: &BackupStore) -> Self {
        let size = 23_502_848 + 4_096 * (backup.segment & 0xFFFF_FFFF);
        let stored = size / 8;
        let (delta, stored_delta) = match backup.kind {
            BackupKind::Full => (size, stored),
            BackupKind::Differential | BackupKind::Incremental => (24_834, 480),
        };
        Self { size, delta, stored, stored_delta }
    }
}

#[cfg(test)]
mod tests {
    use pgdrill_core::{PortErrorKind, inventory::Inventory};

    use super::*;

    #[test]
    fn what_the_fake_prints_is_what_the_reader_of_the_real_one_reads() {
        let mut stanza = StanzaStore::nowhere(u64::MAX);
        let mut now = 1_767_225_600_000;
        for (kind, failed) in [(BackupKind::Full, false), (BackupKind::Differential, true)] {
            super::super::store_backup(&mut stanza, &mut now, kind, failed);
        }
        let read = Inventory::parse(&inventory(&[stanza], false, false), "s").expect("readable");
        assert_eq!(read.stanzas[0].system_ids, [u64::MAX]);
        let failed: Vec<bool> = read.stanzas[0].backups.iter().map(|b| b.failed).collect();
        assert_eq!(failed, [false, true]);
        assert_eq!(Inventory::parse(&inventory(&[], false, false), "s"), Ok(Inventory::default()));
    }

    /// As records 123 and 154 have it: of the full backup, on which a differential one builds, and so on.
    #[test]
    fn a_backup_names_all_that_it_builds_on_oldest_first() {
        use pgdrill_core::ports::BackupKind::{Differential, Full, Incremental};
        let mut stanza = StanzaStore::nowhere(1);
        let mut now = 1_767_225_600_000;
        for kind in [Full, Incremental, Differential, Incremental, Incremental] {
            super::super::store_backup(&mut stanza, &mut now, kind, false);
        }
        let own: Vec<String> =
            stanza.backups.iter().map(|backup| format!("\"{}\"", backup.label)).collect();
        let json = inventory(&[stanza], false, false);
        let chains = [vec![], vec![0], vec![0], vec![0, 2], vec![0, 2, 3]];
        for (label, chain) in own.iter().zip(chains) {
            let names: Vec<&str> = chain.iter().map(|index: &usize| own[*index].as_str()).collect();
            let (prior, reference) = match names.last() {
                None => ("null".to_owned(), "null".to_owned()),
                Some(last) => ((*last).to_owned(), format!("[{}]", names.join(","))),
            };
            let named = format!(r#""label":{label},"lsn":"#);
            let built = format!(r#","prior":{prior},"reference":{reference},"#);
            let (_, rest) = json.split_once(&named).expect(&named);
            let (lsn, _) = rest.split_once(&built).expect(&built);
            assert!(lsn.len() < 50, "{lsn}");
        }
    }

    /// As record 123 has it, with sizes of its own.
    #[test]
    fn a_backup_has_the_fields_of_the_real_one() {
        let mut stanza = StanzaStore::nowhere(1);
        let mut now = 1_767_225_600_000;
        for kind in [BackupKind::Full, BackupKind::Differential] {
            super::super::store_backup(&mut stanza, &mut now, kind, false);
        }
        let json = inventory(&[stanza], false, false);
        for part in [
            r#""id":"17-1","max":"000000010000000000000007","min":"000000010000000000000003"}"#,
            r#"{"archive":{"start":"000000010000000000000004","stop":"000000010000000000000004"},"backrest""#,
            r#""error":false,"info":{"delta":23519232,"repository":{"delta":2939904,"size":2939904},"size":23519232},"label""#,
            r#""lsn":{"start":"0/4000028","stop":"0/4000120"},"prior":null,"reference":null,"timestamp""#,
            r#""info":{"delta":24834,"repository":{"delta":480,"size":2940928},"size":23527424},"label""#,
            r#""lsn":{"start":"0/6000028","stop":"0/6000120"},"prior":"20260101-000000F","reference":["20260101-000000F"],"#,
        ] {
            assert!(json.contains(part), "{part} in {json}");
        }
    }

    #[test]
    fn a_cluster_has_many_segments() {
        assert_eq!(segment(0x1FF), "0000000100000001000000FF");
        assert_eq!(segment(0x100), "000000010000000100000000");
        assert_eq!(
            (position(0x1FF, 0x28), position(0x100, 0x120)),
            ("1/FF000028".into(), "1/120".into())
        );
    }

    #[test]
    fn a_repository_that_cannot_be_read_is_reported_within_the_answer() {
        let (code, text) = no_access(NoAccess::Forbidden);
        let json = unreadable(&format!("[{}] {text}", error_class(code)));
        let error = Inventory::parse(&json, "s").expect_err("code 99");
        assert_eq!(error.kind(), PortErrorKind::Unreachable);
        assert_eq!(error.cause(), "[ProtocolError] HTTP request failed with 403 (Forbidden):");
    }
}
