//! What the repository says that it holds.
//!
//! The backup tool prints its inventory as JSON and exits with 0 even when it could not reach the
//! repository; the failure is then in the status of the repository. This reader serves the fakes and
//! the real tool alike.

use std::fmt::Write as _;

use serde::Deserialize;

use crate::{
    ports::{ARGUMENT_LIMIT, BackupKind, PortError, PortErrorKind},
    texts,
};

/// Every stanza and backup of the repository.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    /// The stanzas, in the tool's order.
    pub stanzas: Vec<Stanza>,
}

/// One stanza.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stanza {
    /// Its name.
    pub name: String,
    /// The system identifiers of the clusters that it has served, the current one last; empty when
    /// the stanza is not there.
    pub system_ids: Vec<u64>,
    /// Its backups, oldest first.
    pub backups: Vec<Backup>,
    /// Whether the tool could not read it: then it is there, and nothing more is known of it.
    pub is_unreadable: bool,
}

/// One backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// The time at which it began, as users name it: `2026-11-23T02:43:06Z`. Of one that was resumed, the time at which the one
    /// began that died: it is older than the command that took it.
    pub id: String,
    /// The tool's own name for it: `20261123-024306F`.
    pub label: String,
    /// How much it holds.
    pub kind: BackupKind,
    /// Whether the tool found errors in it. Such a backup is listed and never restored.
    pub failed: bool,
}

impl Inventory {
    /// Reads the tool's JSON for the cluster whose stanza is `own`. A stanza of another name that the tool could not read
    /// takes nothing away from the rest: the tool has a status for each stanza (pgBackRest 2.55.1).
    ///
    /// # Errors
    ///
    /// `Malformed` when it is not the JSON of an inventory, or names a backup in a way that is not
    /// understood; `Unreachable` with the tool's own words when the tool could not read the repository or `own`.
    pub fn parse(json: &str, own: &str) -> Result<Self, PortError> {
        let stanzas: Vec<StanzaJson> = serde_json::from_str(json).map_err(|error| {
            malformed(format!("the answer is not an inventory in JSON: {error}"))
        })?;
        let stanzas: Result<Vec<Stanza>, PortError> =
            stanzas.into_iter().map(|stanza| stanza.read(own)).collect();
        Ok(Self { stanzas: stanzas? })
    }

    /// The stanza and the backup with this id, failed ones included; `own` goes before other stanzas.
    #[must_use]
    pub fn find(&self, id: &str, own: &str) -> Option<(&Stanza, &Backup)> {
        let mut stanzas: Vec<&Stanza> = self.stanzas.iter().collect();
        stanzas.sort_by_key(|stanza| stanza.name != own);
        stanzas.into_iter().find_map(|stanza| {
            let backup = stanza.backups.iter().find(|backup| backup.id == id)?;
            Some((stanza, backup))
        })
    }

    /// The table that users of list-backups see, oldest backup first; without backups, its head alone. Of more backups than
    /// a result of an action carries it has the newest, and a last line that says how many older ones there are.
    #[must_use]
    pub fn table(&self) -> String {
        self.table_within(ARGUMENT_LIMIT - texts::BACKUPS.len() - 1)
    }

    fn table_within(&self, limit: usize) -> String {
        let mut backups: Vec<&Backup> =
            self.stanzas.iter().flat_map(|stanza| &stanza.backups).collect();
        backups.sort_by(|a, b| a.id.cmp(&b.id));
        let mut table = row("backup-id", "backup-type", "backup-status");
        let rule = "-".repeat(table.len());
        table.push('\n');
        table.push_str(&rule);
        let rows: Vec<String> = backups.into_iter().map(Backup::row).collect();
        let shown = newest_within(&rows, limit.saturating_sub(table.len()));
        table.extend(shown.iter().map(String::as_str));
        if shown.len() < rows.len() {
            table.push_str(&older(rows.len() - shown.len()));
        }
        table
    }
}

impl Stanza {
    /// The system identifiers that it has served, as a databag records them: `7589,7590`. `None` when there are none.
    pub(crate) fn served(&self) -> Option<String> {
        let systems: Vec<String> = self.system_ids.iter().map(u64::to_string).collect();
        (!systems.is_empty()).then(|| systems.join(","))
    }
}

/// Whether a record of the system identifiers that a stanza has served
/// ([`RESTORE_SYSTEMS`](crate::ports::key::RESTORE_SYSTEMS)) has this one.
#[must_use]
pub fn has_served(record: &str, system_id: u64) -> bool {
    let system_id = system_id.to_string();
    record.split(',').any(|served| served == system_id)
}

impl Backup {
    /// Its line of the table, with the break before it.
    fn row(&self) -> String {
        let status = if self.failed { "failed: the backup has invalid pages" } else { "finished" };
        ["\n", &row(&self.id, self.kind.name(), status)].concat()
    }
}

/// The last rows that there is room for, and for the line that says how many came before them.
fn newest_within(rows: &[String], room: usize) -> &[String] {
    if rows.iter().map(String::len).sum::<usize>() <= room {
        return rows;
    }
    let mut left = room.saturating_sub(older(rows.len()).len());
    let fits = |row: &&String| {
        let rest = left.checked_sub(row.len());
        left = rest.unwrap_or_default();
        rest.is_some()
    };
    let shown = rows.iter().rev().take_while(fits).count();
    rows.get(rows.len() - shown..).unwrap_or_default()
}

fn older(count: usize) -> String {
    ["\n", &texts::older_backups(count)].concat()
}

fn row(id: &str, kind: &str, status: &str) -> String {
    format!("{id:<21} | {kind:<12} | {status}")
}

fn malformed(cause: String) -> PortError {
    PortError::new(PortErrorKind::Malformed, "repository", "info", cause)
}

/// The id of the backup with this label: the time of its last part. `None` when it is no label.
#[must_use]
pub fn backup_id(label: &str) -> Option<String> {
    let (last, kinds): (&str, &[char]) = match label.split_once('_') {
        Some((full, last)) => {
            time_of(full.strip_suffix('F')?)?;
            (last, &['D', 'I'])
        }
        None => (label, &['F']),
    };
    time_of(last.strip_suffix(kinds)?)
}

/// `20261123-024306` as `2026-11-23T02:43:06Z`.
fn time_of(text: &str) -> Option<String> {
    let (date, time) = text.split_once('-')?;
    let digits = |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(date, 8) || !digits(time, 6) {
        return None;
    }
    let within = |text: &str, low: u32, high: u32| {
        text.parse::<u32>().is_ok_and(|number| (low..=high).contains(&number))
    };
    let sane = within(&date[4..6], 1, 12)
        && within(&date[6..8], 1, 31)
        && within(&time[..2], 0, 23)
        && within(&time[2..4], 0, 59)
        && within(&time[4..], 0, 60);
    sane.then(|| {
        let mut id = String::with_capacity(20);
        // Writing to a String does not fail.
        let _ = write!(
            id,
            "{}-{}-{}T{}:{}:{}Z",
            &date[..4],
            &date[4..6],
            &date[6..],
            &time[..2],
            &time[2..4],
            &time[4..]
        );
        id
    })
}

#[derive(Deserialize)]
struct StanzaJson {
    name: String,
    status: StatusJson,
    #[serde(default)]
    repo: Vec<RepoJson>,
    #[serde(default)]
    db: Vec<DbJson>,
    #[serde(default)]
    backup: Vec<BackupJson>,
}

#[derive(Deserialize)]
struct RepoJson {
    status: StatusJson,
}

#[derive(Deserialize)]
struct StatusJson {
    code: i64,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct DbJson {
    #[serde(rename = "system-id")]
    system_id: u64,
}

#[derive(Deserialize)]
struct BackupJson {
    label: String,
    #[serde(rename = "type")]
    kind: String,
    /// Absent in old versions of the tool, which recorded no errors.
    #[serde(default)]
    error: Option<bool>,
}

/// The status code under which the tool reports what is no state of a stanza but a failure to read.
const OTHER: i64 = 99;
/// The name under which the tool reports that it could not read the repository (pgBackRest 2.55.1).
const NO_STANZA: &str = "[invalid]";

impl StanzaJson {
    fn read(self, own: &str) -> Result<Stanza, PortError> {
        let is_unreadable = self.status.code == OTHER;
        if is_unreadable && (self.name == own || self.name == NO_STANZA) {
            let repo = self.repo.iter().map(|repo| &repo.status).find(|s| s.code == OTHER);
            let message = repo.map_or(self.status.message.as_str(), |s| s.message.as_str());
            let cause = message.lines().next().unwrap_or("no reason given");
            return Err(PortError::new(PortErrorKind::Unreachable, "repository", "info", cause));
        }
        let backups: Result<Vec<Backup>, PortError> =
            self.backup.into_iter().map(BackupJson::read).collect();
        let mut backups = backups?;
        backups.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Stanza {
            name: self.name,
            system_ids: self.db.iter().map(|db| db.system_id).collect(),
            backups,
            is_unreadable,
        })
    }
}

impl BackupJson {
    fn read(self) -> Result<Backup, PortError> {
        let id = backup_id(&self.label)
            .ok_or_else(|| malformed(format!("unknown form of backup label `{}`", self.label)))?;
        let kind = BackupKind::ALL.iter().copied().find(|kind| kind.tool_name() == self.kind);
        let kind =
            kind.ok_or_else(|| malformed(format!("unknown type of backup `{}`", self.kind)))?;
        Ok(Backup { id, label: self.label, kind, failed: self.error.unwrap_or(false) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // As pgBackRest 2.55.1 printed it, shortened to the fields read and one other.
    const REAL: &str = r#"[{"backup":[{"database":{"id":1,"repo-key":1},"error":false,"label":"20261123-024349F","type":"full"},{"error":true,"label":"20261123-024349F_20261123-024354D","type":"diff"}],"cipher":"none","db":[{"id":1,"repo-key":1,"system-id":18446744073709551615,"version":"17"}],"name":"demo","repo":[{"key":1,"status":{"code":0,"message":"ok"}}],"status":{"code":0,"lock":{"backup":{"held":false}},"message":"ok"}}]"#;

    #[test]
    fn a_stanza_records_the_systems_that_it_has_served() {
        let of = |system_ids| {
            let (name, backups, is_unreadable) = ("s".into(), Vec::new(), false);
            Stanza { name, system_ids, backups, is_unreadable }.served()
        };
        assert_eq!(of(Vec::new()), None);
        let record = of(vec![7589, 7590]).expect("it has served");
        assert_eq!(record, "7589,7590");
        assert!(has_served(&record, 7589) && has_served(&record, 7590));
        assert!(!has_served(&record, 758) && !has_served(&record, 590));
    }

    #[test]
    fn an_inventory_is_read_whole() {
        let inventory = Inventory::parse(REAL, "demo").expect("real JSON");
        let stanza = &inventory.stanzas[0];
        assert_eq!(stanza.system_ids, [u64::MAX]);
        let ids: Vec<(&str, bool)> =
            stanza.backups.iter().map(|b| (b.id.as_str(), b.failed)).collect();
        assert_eq!(ids, [("2026-11-23T02:43:49Z", false), ("2026-11-23T02:43:54Z", true)]);
        assert_eq!(
            inventory.table(),
            "backup-id             | backup-type  | backup-status\n\
             ----------------------------------------------------\n\
             2026-11-23T02:43:49Z  | full         | finished\n\
             2026-11-23T02:43:54Z  | differential | failed: the backup has invalid pages"
        );
    }

    #[test]
    fn a_table_that_a_result_cannot_carry_has_the_newest_backups_and_says_how_many_are_older() {
        let backup = |number: usize| Backup {
            id: format!("2026-01-01T00:00:00Z+{number:04}"),
            label: String::new(),
            kind: BackupKind::Full,
            failed: number.is_multiple_of(2),
        };
        let of = |count: usize| {
            let name = "demo".to_owned();
            let backups = (0..count).map(backup).collect();
            let stanza = Stanza { name, system_ids: vec![1], backups, is_unreadable: false };
            Inventory { stanzas: vec![stanza] }
        };
        let few = of(5).table();
        assert_eq!(few.lines().count(), 7);
        assert_eq!(of(5).table_within(few.len()), few);
        let cut = of(5).table_within(few.len() - 1);
        let lines: Vec<&str> = cut.lines().collect();
        assert_eq!(lines.len(), 7, "{cut}");
        assert!(lines[2].starts_with("2026-01-01T00:00:00Z+0001"), "{cut}");
        assert_eq!(lines[6], "1 older backup is not shown");
        for count in [2_000, 3_000, 10_000] {
            let table = of(count).table();
            assert!(table.len() + "backups=".len() <= ARGUMENT_LIMIT, "{count}: {}", table.len());
            let shown = table.lines().filter(|line| line.starts_with("2026")).count();
            let older = format!("\n{} older backups are not shown", count - shown);
            assert_eq!(shown == count, !table.ends_with(&older), "{count}: {shown} are shown");
            assert!(table.contains(&format!("+{:04}", count - 1)), "the newest is missing");
            assert!(shown == count || table.len() + 100 > ARGUMENT_LIMIT, "there is room left");
        }
    }

    #[test]
    fn an_empty_repository_is_an_empty_table() {
        let inventory = Inventory::parse("[]", "demo").expect("empty");
        assert_eq!(inventory.table().lines().count(), 2);
    }

    #[test]
    fn a_failure_within_the_answer_is_a_failure() {
        let json = r#"[{"name":"demo","repo":[{"status":{"code":99,"message":"[HostConnectError] unable to connect\n more"}}],"status":{"code":99,"message":"other"}}]"#;
        let error = Inventory::parse(json, "demo").expect_err("code 99");
        assert_eq!(error.kind(), PortErrorKind::Unreachable);
        assert_eq!(error.cause(), "[HostConnectError] unable to connect");
        let json = json.replace("demo", "[invalid]");
        let error = Inventory::parse(&json, "demo").expect_err("no stanza can be read");
        assert_eq!(error.kind(), PortErrorKind::Unreachable);
    }

    #[test]
    fn a_stanza_beside_the_own_one_that_cannot_be_read_takes_nothing_away() {
        let beside = r#"{"archive":[],"backup":[],"db":[],"name":"beside","repo":[{"status":{"code":99,"message":"[CryptoError] cipher header invalid"}}],"status":{"code":99,"message":"other"}}"#;
        let json = REAL.replacen('[', &["[", beside, ","].concat(), 1);
        let inventory = Inventory::parse(&json, "demo").expect("the own stanza is well");
        let seen: Vec<(&str, bool)> =
            inventory.stanzas.iter().map(|s| (s.name.as_str(), s.is_unreadable)).collect();
        assert_eq!(seen, [("beside", true), ("demo", false)]);
        assert!(inventory.find("2026-11-23T02:43:49Z", "demo").is_some());
        assert_eq!(inventory.table(), Inventory::parse(REAL, "demo").expect("real JSON").table());
        let error = Inventory::parse(&json, "beside").expect_err("it is the own one");
        assert_eq!(error.cause(), "[CryptoError] cipher header invalid");
    }

    #[test]
    fn an_answer_that_is_not_understood_is_refused() {
        let deep = "[".repeat(100_000);
        let label = REAL.replace("20261123-024349F\"", "latest\"");
        let kind = REAL.replace("\"full\"", "\"half\"");
        for json in ["", "not JSON", "{}", "[{}]", deep.as_str(), label.as_str(), kind.as_str()] {
            let error = Inventory::parse(json, "demo").expect_err("malformed");
            assert_eq!(error.kind(), PortErrorKind::Malformed);
        }
    }

    #[test]
    fn only_labels_have_ids() {
        assert_eq!(backup_id("20260102-030405F").as_deref(), Some("2026-01-02T03:04:05Z"));
        for label in [
            "",
            "F",
            "20260102-030405",
            "20260102-030405D",
            "20261302-030405F",
            "2026010é-030405F",
            "20260102-030405F_20260102-030406F",
            "20260102-030405F_",
            "x_20260102-030406D",
        ] {
            assert_eq!(backup_id(label), None, "{label}");
        }
    }

    #[test]
    fn the_own_stanza_goes_first() {
        let backup = |label: &str| Backup {
            id: "i".into(),
            label: label.into(),
            kind: BackupKind::Full,
            failed: false,
        };
        let stanza = |name: &str| Stanza {
            name: name.into(),
            system_ids: vec![1],
            backups: vec![backup(name)],
            is_unreadable: false,
        };
        let inventory = Inventory { stanzas: vec![stanza("a"), stanza("b")] };
        assert_eq!(inventory.find("i", "b").map(|(s, _)| s.name.as_str()), Some("b"));
        assert_eq!(inventory.find("i", "c").map(|(s, _)| s.name.as_str()), Some("a"));
        for other in ["j", "", "ii"] {
            assert_eq!(inventory.find(other, "a"), None, "`{other}` is no whole id");
        }
    }
}
