//! What the tool writes, and how it exits.

use pgdrill_core::ports::{BackupKind, Timestamp};

use crate::storage::{BackupStore, NoAccess, S3_HOST, StanzaStore};

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CommandEnd {
    /// With exit code 0, having written this to standard output.
    Done(String),
    /// With a failing exit code and this text after `ERROR: [code]: `.
    Failed(i32, String),
    /// By SIGTERM: with exit code 63, and without an error of its own.
    Terminated,
    /// By SIGKILL, in the middle of what it wrote. Whoever ran it tells it by 137, which is no exit code of its own.
    Killed,
    /// Not within the time allowed.
    Hung,
    /// Its container went away under it.
    Lost,
}

/// What begins each further line of an error.
const BENEATH: &str = "\n                                    ";

/// Errors go to standard output at the log level that the charm uses, the time and process before them, and more
/// lines of theirs beneath. What is wrong with the options is told before there is a log: that line stands alone, and has
/// no time.
pub(crate) fn error_lines(now: i64, command: &str, code: i32, text: &str) -> String {
    let stamp = stamp(now);
    let text = text.replace('\n', BENEATH);
    if matches!(code, 32 | 37) {
        return format!("P00  ERROR: [{code:03}]: {text}\n");
    }
    format!(
        "{stamp} P00   INFO: {command} command begin 2.55.1\n\
         {stamp} P00  ERROR: [{code:03}]: {text}\n\
         {stamp} P00   INFO: {command} command end: aborted with exception [{code:03}]\n"
    )
}

/// What a command writes that is ended by SIGTERM (record 103).
pub(crate) fn terminated_lines(now: i64, command: &str) -> String {
    let stamp = stamp(now);
    format!(
        "{stamp} P00   INFO: {command} command begin 2.55.1\n\
         {stamp} P00   INFO: {command} command end: terminated on signal [SIGTERM]\n"
    )
}

/// What a command has written that is ended by SIGKILL (record 104).
pub(crate) fn killed_lines(now: i64, command: &str) -> String {
    format!("{} P00   INFO: {command} command begin 2.55.1\n", stamp(now))
}

/// What a finished backup writes: the label is in the line that the charm looks for. One that died was `found`: a full backup
/// resumes it (record 104d), another removes it (record 118).
pub(crate) fn backup_lines(
    started: i64,
    stopped: i64,
    asked: BackupKind,
    backup: &BackupStore,
    found: Option<&str>,
) -> String {
    const INFO: &str = " P00   INFO: ";
    const WARN: &str = " P00   WARN: ";
    let (begin, end) = (&stamp(started), &stamp(stopped));
    let warning = match asked {
        BackupKind::Differential if backup.kind != asked => {
            Some("no prior backup exists, diff backup has been changed to full")
        }
        BackupKind::Incremental if backup.kind != asked => {
            Some("no prior backup exists, incr backup has been changed to full")
        }
        BackupKind::Full | BackupKind::Differential | BackupKind::Incremental => None,
    };
    let found = found.map(|label| match backup.kind {
        BackupKind::Full => (WARN, format!("resumable backup {label}{RESUMED}")),
        BackupKind::Differential | BackupKind::Incremental => {
            (INFO, format!("backup '{label}'{NOT_RESUMED}"))
        }
    });
    let lines = [
        Some((begin, INFO, "backup command begin 2.55.1", "")),
        warning.map(|warning| (begin, WARN, warning, "")),
        Some((
            begin,
            INFO,
            "execute non-exclusive backup start: backup begins after the requested immediate checkpoint completes",
            "",
        )),
        found.as_ref().map(|(level, words)| (begin, *level, words.as_str(), "")),
        Some((
            end,
            INFO,
            "execute non-exclusive backup stop and wait for all WAL segments to archive",
            "",
        )),
        Some((end, INFO, "new backup label = ", backup.label.as_str())),
        Some((end, INFO, "backup command end: completed successfully", "")),
    ];
    let mut out = String::with_capacity(512);
    for (stamp, level, text, label) in lines.into_iter().flatten() {
        for part in [stamp.as_str(), level, text, label, "\n"] {
            out.push_str(part);
        }
    }
    out
}

/// What a full backup says of one that died, behind its label.
const RESUMED: &str =
    " of same type exists -- invalid files will be removed then the backup will resume";
/// What another says of it.
const NOT_RESUMED: &str = " cannot be resumed: resume only valid for full backup";

/// `2026-11-23 02:43:06.000`.
fn stamp(now: i64) -> String {
    let mut stamp = Timestamp(now).spread(["-", "-", " ", ":", ":", "."]);
    let milli = now.rem_euclid(1000);
    for digit in [milli / 100, milli / 10 % 10, milli % 10] {
        stamp.push(char::from(b'0' + u8::try_from(digit).unwrap_or(0)));
    }
    stamp
}

/// What the tool says when the repository can't be reached, and the exit code that goes with it.
pub(crate) fn no_access(why: NoAccess) -> (i32, String) {
    match why {
        NoAccess::UnknownHost => (
            49,
            "unable to get address for 'nowhere.invalid': [-2] Name or service not known".into(),
        ),
        NoAccess::Refused => (
            49,
            format!("unable to connect to '{S3_HOST}:443 (10.1.0.2)': [111] Connection refused"),
        ),
        NoAccess::Hangs => {
            (42, format!("timeout after 2000ms waiting for read from '{S3_HOST}:443'"))
        }
        NoAccess::Certificate => (
            95,
            format!(
                "unable to verify certificate presented by '{S3_HOST}:443': [20] unable to get local issuer certificate"
            ),
        ),
        NoAccess::Forbidden => (39, "HTTP request failed with 403 (Forbidden):".into()),
        // The tool makes no bucket, and looks into any (records 150h to 150j).
        NoAccess::NoBucket | NoAccess::BucketName => {
            (39, "HTTP request failed with 404 (Not Found):".into())
        }
    }
}

/// The name under which `info` reports the same failure.
pub(crate) const fn error_class(code: i32) -> &'static str {
    match code {
        39 => "ProtocolError",
        42 => "FileReadError",
        49 => "HostConnectError",
        95 => "CryptoError",
        _ => "UnknownError",
    }
}

/// From when on a backup can begin: no two labels of a stanza are the same.
fn earliest(stanza: &StanzaStore, now: i64) -> i64 {
    let last = stanza.backups.last().map_or(i64::MIN, |backup| backup.started);
    if now.div_euclid(1000) > last.div_euclid(1000) {
        return now;
    }
    (last.div_euclid(1000) + 1) * 1000
}

/// A backup that began to copy then dies. A full one leaves its folder, under the label of the one that it has resumed; another
/// has removed what was there, and what it leaves itself nobody takes over (records 103 to 118c).
pub(crate) fn leave_behind(stanza: &mut StanzaStore, began: i64, kind: BackupKind) {
    let becomes_full = stanza.backups.iter().all(|backup| backup.kind != BackupKind::Full);
    stanza.resumable = match kind {
        BackupKind::Differential | BackupKind::Incremental if !becomes_full => None,
        BackupKind::Full | BackupKind::Differential | BackupKind::Incremental => {
            let own = || Timestamp(earliest(stanza, began)).label() + "F";
            Some(stanza.resumable.clone().unwrap_or_else(own))
        }
    };
}

/// Puts a backup into a stanza. It takes time; its label is the second at which it began, or that of the full backup that it
/// resumes.
pub(crate) fn store_backup(
    stanza: &mut StanzaStore,
    now: &mut i64,
    kind: BackupKind,
    failed: bool,
) -> usize {
    *now = earliest(stanza, *now);
    let started = *now;
    let resumed = stanza.resumable.take();
    // One with a bad page counts as any other (record 162).
    let full = stanza.backups.iter().rev().find(|backup| backup.kind == BackupKind::Full);
    let own = Timestamp(started).label();
    let (kind, label, prior) = match (kind, full, stanza.backups.last()) {
        // Without a full backup to refer to, the tool takes a full one instead (record 120).
        (BackupKind::Full, ..) | (_, None, _) | (_, _, None) => {
            (BackupKind::Full, resumed.unwrap_or(own + "F"), None)
        }
        (BackupKind::Differential, Some(full), _) => {
            (kind, format!("{}_{own}D", full.label), Some(full.label.clone()))
        }
        // It builds on the backup before it, whatever that one is, and bears the full one's label (record 123).
        (BackupKind::Incremental, Some(full), Some(last)) => {
            (kind, format!("{}_{own}I", full.label), Some(last.label.clone()))
        }
    };
    *now += match kind {
        BackupKind::Full => 5_000,
        BackupKind::Differential | BackupKind::Incremental => 2_000,
    };
    // As seen in a young cluster: it begins in a new segment, and what is checked first has one for itself.
    let segment = stanza.backups.last().map_or(4, |last| last.segment + 2);
    let stopped = *now;
    stanza.add(BackupStore { label, kind, prior, failed, segment, started, stopped });
    stanza.backups.len() - 1
}

#[cfg(test)]
mod tests {
    use pgdrill_core::inventory::backup_id;

    use super::*;

    /// As record 120 has it.
    #[test]
    fn a_backup_that_became_a_full_one_says_so() {
        let mut stanza = StanzaStore::nowhere(1);
        let mut now = 1_767_225_600_000;
        let asked = BackupKind::Incremental;
        let told = ["WARN: no prior backup exists, incr backup has been changed to full", "INFO: "];
        for (warns, words) in [true, false].into_iter().zip(told) {
            let index = store_backup(&mut stanza, &mut now, asked, false);
            let lines = backup_lines(now, now, asked, &stanza.backups[index], None);
            assert!(lines.contains(words), "{lines}");
            assert_eq!(lines.contains("WARN"), warns, "{lines}");
        }
    }

    /// As records 57, 150 and 39 have them.
    #[test]
    fn what_is_wrong_with_the_options_is_told_before_there_is_a_log() {
        let told = "'//drill2' cannot contain // for 'repo1-path' option";
        assert_eq!(
            error_lines(0, "stanza-create", 32, told),
            format!("P00  ERROR: [032]: {told}\n")
        );
        assert!(error_lines(0, "info", 39, "404").ends_with("aborted with exception [039]\n"));
    }

    #[test]
    fn labels_are_unique_and_have_ids() {
        let mut stanza = StanzaStore::nowhere(1);
        let mut now = 1_767_225_600_000;
        for kind in [BackupKind::Differential, BackupKind::Full, BackupKind::Incremental] {
            store_backup(&mut stanza, &mut now, kind, false);
            now -= 10_000;
        }
        let ids: Vec<Option<String>> =
            stanza.backups.iter().map(|backup| backup_id(&backup.label)).collect();
        let mut unique = ids.clone();
        unique.dedup();
        assert_eq!(ids.len(), unique.len());
        assert!(ids.iter().all(Option::is_some), "{ids:?}");
        assert_eq!(stanza.backups[0].kind, BackupKind::Full, "a differential one needs a full one");
    }
}
