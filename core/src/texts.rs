//! The texts that users of the charm see, preserved to the letter: dashboards and runbooks match on them.

use crate::status::{STATUS_MESSAGE_LIMIT, cut};

/// Blocked: the stanza could not be created or checked. A hint may follow; see [`stanza_failed`].
pub const STANZA_FAILED: &str = "failed to initialize stanza, check your S3 settings";
/// Blocked: the bucket can't be reached or made.
pub const BUCKET_FAILED: &str = "failed to access/create the bucket, check your S3 settings";
/// What [`stanza_failed`] says where the stanza of a failed check is still recorded.
pub const STANZA_NOT_TAKEN_BACK: &str =
    "the recorded stanza could not be taken back, see juju debug-log";
/// Blocked: the repository belongs to another cluster.
pub const ANOTHER_CLUSTER: &str = "the S3 repository has backups from another cluster";
/// Blocked: the database service is not running after a restore.
pub const RESTORE_FAILED: &str = "Failed to restore backup";

/// Maintenance: the stanza is being created.
pub const INITIALISING_STANZA: &str = "initialising stanza";
/// Maintenance: the stanza is being checked.
pub const CHECKING_STANZA: &str = "checking stanza";
/// Maintenance: a backup is running.
pub const CREATING_BACKUP: &str = "creating backup";
/// Maintenance: a restore was requested.
pub const RESTORING_BACKUP: &str = "restoring backup";
/// Active: this unit is the primary.
pub const PRIMARY: &str = "Primary";

/// create-backup on a blocked unit.
pub const BLOCKED: &str = "Unit is in a blocking state";
/// create-backup on the primary of several units with TLS.
pub const IS_PRIMARY: &str = "Unit cannot perform backups as it is the cluster primary";
/// create-backup on a replica without TLS.
pub const NO_TLS: &str = "Unit cannot perform backups as TLS is not enabled";
/// create-backup on a unit whose member is not running.
pub const NOT_RUNNING: &str = "Unit cannot perform backups as it's not in running state";
/// create-backup while the primary can't be determined.
pub const DATABASE_OFFLINE: &str =
    "Unit cannot perform backups as the database seems to be offline";
/// create-backup without a stanza.
pub const NO_STANZA: &str = "Stanza was not initialised";
/// Any action that needs S3, between a change of the S3 settings and the event that takes it up.
pub const SETTINGS_NOT_IN_FORCE: &str =
    "The S3 settings have changed and are not in force yet, try again later";
/// Any action that needs S3, without an S3 relation.
pub const NO_S3_RELATION: &str =
    "Relation with s3-integrator charm missing, cannot create/restore backup.";
/// create-backup when the metadata can't be uploaded.
pub const METADATA_FAILED: &str = "Failed to upload metadata to provided S3";
/// create-backup when the log of a good backup can't be uploaded.
pub const LOGS_FAILED: &str = "Error uploading logs to S3";
/// restore without an id.
pub const NO_BACKUP_ID: &str = "Missing backup-id to restore";
/// restore while the workload does not answer.
pub const WORKLOAD_UNREACHABLE: &str = "Workload container not ready yet!";
/// restore on a blocked unit.
pub const RESTORE_BLOCKED: &str = "Cluster or unit is in a blocking state";
/// restore in a cluster of several units.
pub const SEVERAL_UNITS: &str =
    "Unit cannot restore backup as there are more than one unit in the cluster";
/// restore on a unit that does not lead.
pub const NOT_LEADER: &str = "Unit cannot restore backup as it was not elected the leader unit yet";

/// The result of a backup that was taken.
pub const BACKUP_CREATED: (&str, &str) = ("backup-status", "backup created");
/// The result of a restore that was started.
pub const RESTORE_STARTED: (&str, &str) = ("restore-status", "restore started");
/// The key of the result of list-backups.
pub const BACKUPS: &str = "backups";

/// [`STANZA_FAILED`], followed by as much of `hint` as a status has room for.
#[must_use]
pub fn stanza_failed(hint: Option<&str>) -> String {
    let mut message = STANZA_FAILED.to_owned();
    if let Some(hint) = hint.map(str::trim).filter(|hint| !hint.is_empty()) {
        message.push_str(": ");
        message.push_str(hint);
    }
    cut(&message, STATUS_MESSAGE_LIMIT).unwrap_or(message)
}

/// Whether a Blocked status with this message says that the stanza could not be created or checked.
#[must_use]
pub fn is_stanza_block(message: &str) -> bool {
    message.starts_with(STANZA_FAILED)
}

/// Whether a Blocked status with this message was caused by the S3 settings.
#[must_use]
pub fn is_s3_block(message: &str) -> bool {
    is_stanza_block(message) || message == BUCKET_FAILED || message == ANOTHER_CLUSTER
}

/// How [`missing_s3_parameters`] begins.
const MISSING_S3_PARAMETERS: &str = "Missing S3 parameters: ";
/// How [`unusable_s3_parameter`] begins.
const UNUSABLE_S3_PARAMETER: &str = "S3 parameter '";
/// How [`unknown_parameter`] begins.
const UNKNOWN_PARAMETER: &str = "Unknown parameter: ";
/// How [`invalid_backup_id`] begins.
const INVALID_BACKUP_ID: &str = "Invalid backup-id: ";

/// `Missing S3 parameters: ['bucket', 'access-key']`.
#[must_use]
pub fn missing_s3_parameters(missing: &[&str]) -> String {
    format!("{MISSING_S3_PARAMETERS}['{}']", missing.join("', '"))
}

/// `S3 parameter 'path' holds a control character`.
#[must_use]
pub fn unusable_s3_parameter(parameter: &str, why: &str) -> String {
    format!("{UNUSABLE_S3_PARAMETER}{parameter}' {why}")
}

/// Whether a refusal is one of S3 parameters, which are missing or can't be used.
#[must_use]
pub fn refuses_s3_parameters(message: &str) -> bool {
    message.starts_with(MISSING_S3_PARAMETERS) || message.starts_with(UNUSABLE_S3_PARAMETER)
}

/// The failure of a backup, with its cause.
#[must_use]
pub fn backup_failed(cause: &str) -> String {
    format!("Failed to backup PostgreSQL with error: {cause}")
}

/// The failure of list-backups, with its cause.
#[must_use]
pub fn list_failed(cause: &str) -> String {
    format!("Failed to list PostgreSQL backups with error: {cause}")
}

/// The last line of a table that has no room for all backups.
#[must_use]
pub fn older_backups(count: usize) -> String {
    match count {
        1 => "1 older backup is not shown".to_owned(),
        count => format!("{count} older backups are not shown"),
    }
}

/// The refusal of a parameter that an action does not know.
#[must_use]
pub fn unknown_parameter(name: &str) -> String {
    format!("{UNKNOWN_PARAMETER}{name}")
}

/// Whether a refusal is one of a parameter that the action does not know.
#[must_use]
pub fn refuses_parameter(message: &str) -> bool {
    message.starts_with(UNKNOWN_PARAMETER)
}

/// The refusal of a backup id.
#[must_use]
pub fn invalid_backup_id(id: &str) -> String {
    format!("{INVALID_BACKUP_ID}{id}")
}

/// Whether a refusal is one of a backup id.
#[must_use]
pub fn refuses_backup_id(message: &str) -> bool {
    message.starts_with(INVALID_BACKUP_ID)
}

/// The failure of the first destructive step of a restore.
#[must_use]
pub fn stop_failed(cause: &str) -> String {
    format!("Failed to stop database service with error: {cause}")
}

/// The failure of the second.
#[must_use]
pub fn record_failed(cause: &str) -> String {
    format!("Failed to remove previous cluster information with error: {cause}")
}

/// The failure of the third.
#[must_use]
pub fn empty_failed(cause: &str) -> String {
    format!("Failed to remove contents of the data directory with error: {cause}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_fills_what_room_a_status_has() {
        let hint = "ERROR: [056]: unable to find primary cluster - cannot proceed";
        assert_eq!(stanza_failed(Some(hint)), format!("{STANZA_FAILED}: {hint}"));
        let long = stanza_failed(Some(&"é".repeat(300)));
        assert_eq!(long.chars().count(), STATUS_MESSAGE_LIMIT);
        assert_eq!(stanza_failed(Some("  ")), STANZA_FAILED);
        assert!(is_s3_block(&long) && is_stanza_block(&long));
    }

    #[test]
    fn only_the_s3_messages_are_about_s3() {
        assert!(is_s3_block(BUCKET_FAILED) && is_s3_block(ANOTHER_CLUSTER));
        assert!(!is_stanza_block(BUCKET_FAILED) && !is_stanza_block(ANOTHER_CLUSTER));
        assert!(!is_s3_block(RESTORE_FAILED) && !is_s3_block(""));
    }

    #[test]
    fn missing_parameters_are_listed_as_today() {
        assert_eq!(
            missing_s3_parameters(&["bucket", "access-key"]),
            "Missing S3 parameters: ['bucket', 'access-key']"
        );
    }

    #[test]
    fn a_refusal_is_known_by_how_it_begins() {
        for s3 in [missing_s3_parameters(&["bucket"]), unusable_s3_parameter("path", "is odd")] {
            assert!(refuses_s3_parameters(&s3) && !refuses_parameter(&s3), "{s3}");
        }
        assert!(refuses_parameter(&unknown_parameter("x")) && !refuses_backup_id(NO_BACKUP_ID));
        assert!(refuses_backup_id(&invalid_backup_id("x")) && !refuses_s3_parameters(NO_STANZA));
    }
}
