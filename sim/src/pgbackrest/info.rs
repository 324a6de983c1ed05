//! `info --output=json`, to the shape of the real one.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use super::{
    answers::{CommandEnd, error_class, no_access},
    commands::read_path,
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
            inventory(stanzas, world.failure_mode == PgbackrestFailureMode::StrangeLabel)
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

fn inventory(stanzas: &[StanzaStore], strange: bool) -> String {
    let mut out = String::from("[");
    for (index, stanza) in stanzas.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_stanza(&mut out, stanza, strange);
    }
    out.push(']');
    out
}

fn write_stanza(out: &mut String, stanza: &StanzaStore, strange: bool) {
    let (code, message) =
        if stanza.backups.is_empty() { (2, "no valid backups") } else { (0, "ok") };
    out.push_str(r#"{"archive":[{"database":{"id":1,"repo-key":1},"id":"17-1","max":null,"min":null}],"backup":["#);
    let known: BTreeMap<&str, &BackupStore> =
        stanza.backups.iter().map(|backup| (&*backup.label, backup)).collect();
    for (index, backup) in stanza.backups.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_backup(out, backup, &known, strange);
    }
    // Writing to a String does not fail.
    let _ = write!(
        out,
        r#"],"cipher":"none","db":[{{"id":1,"repo-key":1,"system-id":{},"version":"17"}}],"name":"{}","repo":[{{"cipher":"none","key":1,"status":{{"code":{code},"message":"{message}"}}}}],"status":{{"code":{code},"lock":{{"backup":{{"held":false}}}},"message":"{message}"}}}}"#,
        stanza.system_id, stanza.name
    );
}

fn write_backup(
    out: &mut String,
    backup: &BackupStore,
    known: &BTreeMap<&str, &BackupStore>,
    strange: bool,
) {
    let label = if strange { "backup-of-last-week" } else { &backup.label };
    let quoted = |label: &str| format!("\"{label}\"");
    let prior = backup.prior.as_deref().map_or_else(|| "null".to_owned(), quoted);
    let mut chain: Vec<String> = Vec::new();
    let mut next = backup.prior.as_deref();
    while let Some(label) = next {
        chain.push(quoted(label));
        next = known.get(label).and_then(|backup| backup.prior.as_deref());
    }
    chain.reverse();
    let reference =
        if chain.is_empty() { "null".to_owned() } else { format!("[{}]", chain.join(",")) };
    // Writing to a String does not fail.
    let _ = write!(
        out,
        r#"{{"backrest":{{"format":5,"version":"2.55.1"}},"database":{{"id":1,"repo-key":1}},"error":{},"label":"{label}","prior":{prior},"reference":{reference},"timestamp":{{"start":{},"stop":{}}},"type":"{}"}}"#,
        backup.failed,
        backup.started / 1000,
        backup.stopped / 1000,
        backup.kind.tool_name()
    );
}

#[cfg(test)]
mod tests {
    use pgdrill_core::{PortErrorKind, inventory::Inventory};

    use super::*;

    #[test]
    fn what_the_fake_prints_is_what_the_reader_of_the_real_one_reads() {
        let mut stanza = StanzaStore { name: "s".into(), system_id: u64::MAX, backups: Vec::new() };
        let mut now = 1_767_225_600_000;
        for (kind, failed) in [
            (pgdrill_core::ports::BackupKind::Full, false),
            (pgdrill_core::ports::BackupKind::Differential, true),
        ] {
            super::super::store_backup(&mut stanza, &mut now, kind, failed);
        }
        let read = Inventory::parse(&inventory(&[stanza], false), "s").expect("readable");
        assert_eq!(read.stanzas[0].system_ids, [u64::MAX]);
        let failed: Vec<bool> = read.stanzas[0].backups.iter().map(|b| b.failed).collect();
        assert_eq!(failed, [false, true]);
        assert_eq!(Inventory::parse(&inventory(&[], false), "s"), Ok(Inventory::default()));
    }

    /// As records 123 and 154 have it: of the full backup, on which a differential one builds, and so on.
    #[test]
    fn a_backup_names_all_that_it_builds_on_oldest_first() {
        use pgdrill_core::ports::BackupKind::{Differential, Full, Incremental};
        let mut stanza = StanzaStore { name: "s".into(), system_id: 1, backups: Vec::new() };
        let mut now = 1_767_225_600_000;
        for kind in [Full, Incremental, Differential, Incremental, Incremental] {
            super::super::store_backup(&mut stanza, &mut now, kind, false);
        }
        let own: Vec<String> =
            stanza.backups.iter().map(|backup| format!("\"{}\"", backup.label)).collect();
        let json = inventory(&[stanza], false);
        let chains = [vec![], vec![0], vec![0], vec![0, 2], vec![0, 2, 3]];
        for (label, chain) in own.iter().zip(chains) {
            let names: Vec<&str> = chain.iter().map(|index: &usize| own[*index].as_str()).collect();
            let (prior, reference) = match names.last() {
                None => ("null".to_owned(), "null".to_owned()),
                Some(last) => ((*last).to_owned(), format!("[{}]", names.join(","))),
            };
            let told = format!(r#""label":{label},"prior":{prior},"reference":{reference},"#);
            assert!(json.contains(&told), "{told} in {json}");
        }
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
