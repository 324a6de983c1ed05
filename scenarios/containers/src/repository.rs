//! A backup repository as the bucket itself holds it: what the backup tool's own list says.

use pgdrill_core::{inventory::backup_id, ports::BackupKind};
use pgdrill_sim::{BackupFacts, BackupSeen, RepositoryPlace};
use serde::Deserialize;

use pgdrill_scenarios::Prevented;

/// What a repository holds of one stanza.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StanzaHeld {
    pub(super) place: RepositoryPlace,
    pub(super) name: String,
    /// The system identifier of the cluster that made it.
    pub(super) system_id: u64,
    pub(super) backups: Vec<BackupHeld>,
}

/// A backup that a repository holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BackupHeld {
    pub(super) seen: BackupSeen,
    pub(super) begins: Option<WalPosition>,
}

/// Where in its WAL a cluster was when a backup began. It tells the backups of a cluster apart, and data that was
/// restored keeps it: `backup_label.old` says from where the server recovered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WalPosition {
    /// The timeline, eight hexadecimal digits, with which the name of every segment begins.
    timeline: String,
    /// The position, as `0/4000028`.
    lsn: String,
}

impl WalPosition {
    /// The position in a segment of this name.
    pub(super) fn new(lsn: &str, segment: &str) -> Option<Self> {
        let timeline = segment.get(..8)?.to_owned();
        (!lsn.is_empty()).then(|| Self { timeline, lsn: lsn.to_owned() })
    }
}

impl StanzaHeld {
    /// What laws must know of its backups.
    pub(super) fn facts(&self) -> impl Iterator<Item = BackupFacts> + '_ {
        self.backups.iter().map(|backup| BackupFacts {
            place: self.place.clone(),
            stanza: self.name.clone(),
            label: backup.seen.label.clone(),
            system_id: self.system_id,
            failed: backup.seen.failed,
        })
    }

    /// Reads the list that the tool keeps at this key of a bucket, `PATH/backup/STANZA/backup.info`: sections of lines
    /// `NAME=JSON`, one of them with a line for each backup.
    pub(super) fn read(bucket: &str, key: &str, text: &str) -> Result<Self, Prevented> {
        let mut parts = key.rsplitn(4, '/').skip(1);
        let name = parts.next().unwrap_or_default().to_owned();
        let path = parts.nth(1).unwrap_or_default();
        let unread = |line: &str| {
            let what = format!("the list of backups of {name} can't be read at `{line}`");
            Prevented::Broken(what.into())
        };
        let system_id = section(text, "[db]").find_map(|line| line.strip_prefix("db-system-id="));
        let system_id = system_id.and_then(|id| id.parse().ok());
        let backups = section(text, "[backup:current]")
            .map(|line| read_backup(&name, line).ok_or_else(|| unread(line)));
        Ok(Self {
            place: RepositoryPlace { bucket: bucket.to_owned(), path: format!("/{path}") },
            backups: backups.collect::<Result<_, _>>()?,
            system_id: system_id.ok_or_else(|| unread("[db]"))?,
            name,
        })
    }
}

fn section<'a>(text: &'a str, head: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = text.lines().skip_while(move |line| *line != head).skip(1);
    lines.take_while(|line| !line.starts_with('[')).filter(|line| !line.is_empty())
}

/// What the tool writes of a backup, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ListedBackup {
    backup_type: String,
    #[serde(default)]
    backup_error: bool,
    #[serde(default)]
    backup_lsn_start: String,
    #[serde(default)]
    backup_archive_start: String,
}

fn read_backup(stanza: &str, line: &str) -> Option<BackupHeld> {
    let (label, json) = line.split_once('=')?;
    let listed: ListedBackup = serde_json::from_str(json).ok()?;
    let kind = BackupKind::ALL.iter().find(|kind| kind.tool_name() == listed.backup_type);
    let seen = BackupSeen {
        stanza: stanza.to_owned(),
        label: label.to_owned(),
        id: backup_id(label)?,
        kind: *kind?,
        failed: listed.backup_error,
    };
    let begins = WalPosition::new(&listed.backup_lsn_start, &listed.backup_archive_start);
    Some(BackupHeld { seen, begins })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "drill/backup/s/backup.info";
    const LIST: &str = "[backup:current]\n20261123-024306F={\"backup-archive-start\":\"000000020000000000000004\",\
        \"backup-error\":true,\"backup-lsn-start\":\"0/4000028\",\"backup-type\":\"full\"}\n\n\
        [db]\ndb-id=1\ndb-system-id=7000000000000000001\n";

    #[test]
    fn the_list_of_backups_is_read_as_the_tool_writes_it() {
        let held = StanzaHeld::read("b", KEY, LIST).expect("it is one");
        assert_eq!((&*held.name, held.system_id), ("s", 7_000_000_000_000_000_001));
        assert_eq!((&*held.place.bucket, &*held.place.path), ("b", "/drill"));
        let [backup] = &held.backups[..] else { panic!("one backup") };
        assert_eq!((&*backup.seen.label, backup.seen.failed), ("20261123-024306F", true));
        assert_eq!(backup.begins, WalPosition::new("0/4000028", "000000020000000000000009"));
        assert_ne!(backup.begins, WalPosition::new("0/4000028", "000000010000000000000004"));
        assert_eq!(held.facts().count(), 1);
    }

    #[test]
    fn a_list_without_backups_is_one_and_a_damaged_one_is_none() {
        let (_, rest) = LIST.split_once("\n\n").expect("two sections");
        assert!(StanzaHeld::read("b", KEY, rest).expect("no backups").backups.is_empty());
        for damaged in [LIST.replace("full", "half"), LIST.replace("db-system-id", "x")] {
            assert!(StanzaHeld::read("b", KEY, &damaged).is_err(), "{damaged}");
        }
        let deep = StanzaHeld::read("b", "a/b/backup/s/backup.info", LIST).expect("it is one");
        assert_eq!(deep.place.path, "/a/b");
        assert_eq!(
            StanzaHeld::read("b", "backup/s/backup.info", LIST).expect("one").place.path,
            "/"
        );
    }
}
