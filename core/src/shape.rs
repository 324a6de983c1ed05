//! The shapes of the charts, by their published identifiers.

use std::fmt;

use pgdrill_flow::words;

macro_rules! shapes {
    ($(#[$doc:meta])* $name:ident { $($members:tt)+ }) => {
        words! {
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub enum $name { $($members)+ }
            /// The identifier that the charts give this shape.
            id
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.id())
            }
        }
    };
}

shapes! {
    /// A diamond that only reads. A port's failure leaves the firing as a [`HookError`](crate::HookError).
    Question {
        /// Has the cluster's first initialisation been recorded?
        HasClusterInitialised = "has_cluster_initialised",
        /// Are bucket, access key and secret key all given by the S3 relation?
        AreAllRequiredSettingsProvided = "are_all_required_settings_provided",
        /// Does Juju say, now, that this unit leads?
        IsLeader = "is_leader",
        /// Is this unit's status Blocked?
        IsBlocked = "is_blocked",
        /// Is there no TLS material, or no other member?
        IsTlsDisabledOrSingleUnitCluster = "is_tls_disabled_or_single_unit_cluster",
        /// Is this unit not the primary while the primary's TLS server does not answer?
        IsReplicaAndTlsServerNotRunningOnPrimary = "is_replica_and_tls_server_not_running_on_primary",
        /// Is this unit the primary of several units with TLS on?
        IsPrimaryTlsEnabledMultipleUnitCluster = "is_primary_tls_enabled_multiple_unit_cluster",
        /// Is this unit a replica with TLS off?
        IsReplicaTlsDisabled = "is_replica_tls_disabled",
        /// Is the stanza's name recorded?
        HasStanzaBeenInitialises = "has_stanza_been_initialises",
        /// Does the S3 relation exist?
        IsS3RelationEstablished = "is_s3_relation_established",
        /// Is one of bucket, access key and secret key missing?
        HasMissingS3Parameters = "has_missing_s3_parameters",
        /// Is another unit the primary, before the backup?
        IsReplica = "is_replica",
        /// Is another unit the primary, after the backup?
        IsReplica2 = "is_replica2",
        /// Was the parameter `backup-id` given?
        HasUserProvidedBackupId = "has_user_provided_backup_id",
        /// Does the workload's supervisor answer?
        IsWorkloadContainerAccessible = "is_workload_container_accessible",
        /// Is one unit planned?
        IsSingleUnitCluster = "is_single_unit_cluster",
        /// Is there a finished, successful backup with the id given?
        IsBackupIdValid = "is_backup_id_valid",
        /// Is this unit's status Blocked or Waiting?
        IsBlockedOrWaiting = "is_blocked_or_waiting",
        /// Does the supervisor know the database service?
        IsDatabaseServiceKnown = "is_database_service_known",
        /// Are the restore flags in the application databag?
        IsRestoreInProgress = "is_restore_in_progress",
        /// Is the database service running?
        IsDatabaseServiceRunning = "is_database_service_running",
        /// Is the restored member up?
        IsMemberUp = "is_member_up",
        /// Does the repository hold another cluster's backups?
        IsRepositoryOfAnotherCluster = "is_repository_of_another_cluster",
        /// Is this unit the primary?
        IsPrimary = "is_primary",
        /// Is this unit's member running?
        IsMemberRunning = "is_member_running",
    }
}

shapes! {
    /// A diamond that tries something. A port's failure is the answer "no".
    Attempt {
        /// Reach the bucket, look whose it is, and create the stanza.
        CouldInitialiseStanza = "could_initialise_stanza",
        /// Record the stanza, have Patroni archive into it, and check that WAL arrives.
        IsWalArchivingToS3Working = "is_wal_archiving_to_s3_working",
        /// Put the metadata object.
        WasPossibleUploadMetadataFileTestConnectivityS3 = "was_possible_upload_metadata_file_test_connectivity_s3",
        /// Take the backup. No answer is a no.
        HasBackupCreationSucceeded = "has_backup_creation_succeeded",
        /// Put the backup's log.
        WereBackupLogsUploadedS3 = "were_backup_logs_uploaded_s3",
        /// Ask the repository what it holds.
        DoesPgbackrestReturnedBackupsList = "does_pgbackrest_returned_backups_list",
        /// Stop the database service.
        HasDatabaseStopped = "has_database_stopped",
        /// Remove what the DCS remembers of the previous cluster.
        WasPreviousClusterInfoRemoved = "was_previous_cluster_info_removed",
        /// Empty the data directory.
        WasDataDirectoryEmptied = "was_data_directory_emptied",
    }
}

shapes! {
    /// A rectangle. A port's failure leaves the firing as a [`HookError`](crate::HookError).
    Action {
        /// Write the backup settings where the backup tool reads them.
        RenderPgbackrestConfig = "render_pgbackrest_config",
        /// Set Blocked with the reason that the last attempt gave; a unit that does not lead tells it to the leader by its databag.
        SetBlocked = "set_blocked",
        /// Stop the TLS server of this unit.
        StopPgbackrestTlsServer = "stop_pgbackrest_tls_server",
        /// Start the TLS server of this unit, or have a running one take the new settings.
        StartPgbackrestTlsServer = "start_pgbackrest_tls_server",
        /// Refuse new client connections to this unit.
        BlockNewConnections = "block_new_connections",
        /// Set Maintenance with the text of the hook.
        SetMaintenance = "set_maintenance",
        /// Put the log of the failed backup into the bucket.
        UploadErrorLogsS3 = "upload_error_logs_s3",
        /// Set Active.
        SetActive = "set_active",
        /// Accept new client connections to this unit again.
        AllowNewConnections = "allow_new_connections",
        /// Give the action its result.
        FinishAction = "finish_action",
        /// Give the action the table of backups.
        ReturnFormattedBackupList = "return_formatted_backup_list",
        /// Start the database after a failed step of a restore.
        StartDatabaseAgain = "start_database_again",
        /// Record the restore and have Patroni bootstrap from the backup.
        ConfigureRestore = "configure_restore",
        /// Start the database service.
        StartDatabase = "start_database",
        /// Forget the restore that has come up.
        ClearRestoreFlags = "clear_restore_flags",
        /// Set Active with the message `Primary`.
        SetActivePrimary = "set_active_primary",
        /// Amended: undo what a crashed backup left behind on this unit.
        RepairInterruptedBackup = "repair_interrupted_backup",
        /// Amended: end the Maintenance of a restore whose process died or whose hook failed.
        EndInterruptedRestore = "end_interrupted_restore",
        /// Amended: take over what the primary recorded of the stanza, or forget what this unit did as one.
        SettleStanzaRecords = "settle_stanza_records",
        /// Amended: put back the status that a failed restore replaced.
        PutStatusBack = "put_status_back",
    }
}

shapes! {
    /// A terminal other than the start.
    Ending {
        /// Nothing more to do.
        Rtn = "rtn",
        /// The event is kept, and fired again before the next one on this unit.
        Defer = "defer",
        /// The action fails; in create-backup, before anything was changed.
        FailAction = "fail_action",
        /// The action fails after a backup was tried; the chart goes on to its cleanup.
        FailAction2 = "fail_action2",
        /// Amended: where a firing that failed with an error goes on to its cleanup.
        HookError = "hook_error",
    }
}

/// Any shape of any chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// Where every chart begins: `hook_fired`.
    Start,
    /// A diamond that only reads.
    Question(Question),
    /// A diamond that tries something.
    Attempt(Attempt),
    /// A rectangle.
    Action(Action),
    /// A terminal.
    Ending(Ending),
}

impl Shape {
    /// The identifier that the charts give this shape.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Start => "hook_fired",
            Self::Question(shape) => shape.id(),
            Self::Attempt(shape) => shape.id(),
            Self::Action(shape) => shape.id(),
            Self::Ending(shape) => shape.id(),
        }
    }

    /// What it asks, tries or does, in one sentence.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Start => "Where every chart begins.",
            Self::Question(shape) => shape.about(),
            Self::Attempt(shape) => shape.about(),
            Self::Action(shape) => shape.about(),
            Self::Ending(shape) => shape.about(),
        }
    }

    /// Every shape, the start first.
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Start)
            .chain(Question::ALL.iter().copied().map(Self::Question))
            .chain(Attempt::ALL.iter().copied().map(Self::Attempt))
            .chain(Action::ALL.iter().copied().map(Self::Action))
            .chain(Ending::ALL.iter().copied().map(Self::Ending))
    }

    /// The shape with this identifier.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::all().find(|shape| shape.id() == id)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

macro_rules! into_shape {
    ($($kind:ident),+) => { $(
        impl From<$kind> for Shape {
            fn from(shape: $kind) -> Self { Self::$kind(shape) }
        }
    )+ };
}

into_shape!(Question, Attempt, Action, Ending);

#[cfg(test)]
mod tests {
    use super::*;

    fn snake(variant: &str) -> String {
        let mut out = String::new();
        for c in variant.chars() {
            if c.is_ascii_uppercase() && !out.is_empty() {
                out.push('_');
            }
            out.push(c.to_ascii_lowercase());
        }
        out
    }

    #[test]
    fn every_variant_bears_the_identifier_of_its_shape() {
        for shape in Shape::all().skip(1) {
            let debug = format!("{shape:?}");
            let variant = debug.split(['(', ')']).nth(1).unwrap_or_default();
            assert_eq!(snake(variant), shape.id());
        }
    }

    #[test]
    fn every_shape_has_its_sentence() {
        for shape in Shape::all() {
            let about = shape.about();
            assert!(about.ends_with(['.', '?']) && !about.contains("  "), "{shape}: {about}");
        }
        assert_eq!(
            Shape::from(Question::IsLeader).about(),
            "Does Juju say, now, that this unit leads?"
        );
    }

    #[test]
    fn identifiers_are_unique_and_lead_back() {
        for shape in Shape::all() {
            assert_eq!(Shape::from_id(shape.id()), Some(shape));
        }
        assert_eq!(Shape::from_id("no_such_shape"), None);
    }
}
