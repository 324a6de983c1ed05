//! Arrows that the published charts lack and the core needs.

use std::{fmt, str::FromStr};

use pgdrill_flow::words;

words! {
    /// A named departure from the published charts. Read to the letter the charts leave real damage; each
    /// amendment mends one kind, is drawn dotted, and can be switched off so that the damage can be shown.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Amendment {
        /// After `allow_new_connections` a replica would stay in Maintenance for ever: it goes on to
        /// `set_active`.
        ReplicaEndsActive = "replica-ends-active",
        /// A unit promoted while its backup ran is no replica any more when `is_replica2` is asked, and
        /// would refuse connections for ever: whoever blocked them reopens them. So it is where nobody can say any
        /// more which unit is the primary, and a backup that was taken counts.
        ReopenWhatWasBlocked = "reopen-what-was-blocked",
        /// No exit from create-backup, an error included, leaves connections blocked or Maintenance
        /// behind; after a crash of the process the next firing on that unit repairs it.
        CleanupSurvivesErrors = "cleanup-survives-errors",
        /// A restore that fails its action after `set_maintenance` puts the unit's status back: the database was not
        /// stopped, or was started again with its data.
        FailedRestoreKeepsStatus = "failed-restore-keeps-status",
        /// A unit blocked by one of the S3 messages does not count as blocked when the S3 settings
        /// change, or a corrected setting could never take effect.
        S3BlockIsRetryable = "s3-block-is-retryable",
        /// When the S3 relation is gone, a unit that is blocked by one of the S3 messages becomes Active:
        /// there is nothing left to put right. So does one that tells of another cluster's repository, when the settings
        /// become incomplete: there is no repository left.
        S3GoneClearsS3Block = "s3-gone-clears-s3-block",
        /// When the primary can't be determined, create-backup fails the action with the text that users
        /// know instead of ending in a hook error. Where S3 was tried since, the primary that was found before counts.
        OfflineDatabaseFailsAction = "offline-database-fails-action",
        /// A member that is not running, or does not say, takes no backup: the action fails before anything is changed.
        StoppedMemberFailsAction = "stopped-member-fails-action",
        /// When the log of a failed backup can't be uploaded (S3 being down is why most backups fail), the
        /// action still fails with the backup's own error.
        ErrorLogIsBestEffort = "error-log-is-best-effort",
        /// While nobody can say which unit is the primary, update-status leaves the unit's status as it is instead of
        /// failing every five minutes, also where the own member answers: it may be the primary, and shown as it.
        OfflineDatabaseKeepsStatus = "offline-database-keeps-status",
        /// S3 settings that change while a restore comes up wait for it. Taken up at once they would block the unit in the
        /// middle of its restore, and update-status does not look at a blocked unit: the restore would never end, or only because
        /// another amendment has it look.
        S3WaitsForRestore = "s3-waits-for-restore",
        /// A unit that an S3 message blocked and that does not lead any more becomes Active: only the leader
        /// looks at the S3 settings again, so nothing else would ever unblock it.
        S3BlockEndsWithLeadership = "s3-block-ends-with-leadership",
        /// A process that dies half way through a restore, or a hook that fails there, leaves Maintenance that nothing
        /// ends. The next firing on the unit ends it: Active where the database runs, otherwise Blocked, for then a
        /// person must restore again.
        InterruptedRestoreIsTold = "interrupted-restore-is-told",
        /// A unit that a failed restore has blocked may restore again: nothing else could bring its data back.
        FailedRestoreIsRetryable = "failed-restore-is-retryable",
        /// Whether WAL arrives is checked with settings that name no TLS server but the primary's. A check goes
        /// to every unit that its settings name, a replica starts its server only once the primary's answers,
        /// and a leading primary starts its own only after the check.
        CheckNeedsOnlyThePrimary = "check-needs-only-the-primary",
        /// The primary makes the stanza, whoever leads: a leader elsewhere would need the primary's TLS server for it, and without
        /// TLS could not make it at all. A primary that does not lead writes into its own databag what came of it, and the leader
        /// takes that over and tells.
        PrimaryMakesTheStanza = "primary-makes-the-stanza",
        /// A unit whose TLS server should run and does not, or runs for other units than there are, has it start
        /// or reload at the next update-status, and one whose server should not run has it stop: no other event
        /// comes once the primary's server answers, once a unit has joined, or once a charm that hears of its
        /// certificates after us has cleared them.
        TlsServerCatchesUp = "tls-server-catches-up",
        /// A restore without usable S3 settings fails its action before anything is touched: it would stop the database
        /// and empty its data, and nothing could bring the data back.
        RestoreNeedsS3 = "restore-needs-s3",
        /// Who can't read the repository is told so instead of by a hook error: a restore fails its action with the cause, as
        /// list-backups does; update-status after a restore blocks the unit, and what blocks it is tried again.
        UnreadableRepositoryIsTold = "unreadable-repository-is-told",
        /// An action that needs the repository fails until this unit's backup tool goes by the S3 settings that the relation
        /// gives, and a recorded stanza counts for the repository in which it was made alone. Otherwise a backup would lie
        /// in one place and what belongs to it in another. Where a unit has recorded nothing, update-status configures its tool.
        SettingsMustBeInForce = "settings-must-be-in-force",
        /// What stops the database or empties its data and gave no answer is asked for once more: doing it twice does no more
        /// than doing it once. Taken for not done, it would leave a database down that nobody starts, or a new cluster in the
        /// place of the data. A database that gives no answer to its stop at all is started again; one of
        /// which nobody can say whether its data is gone is not, and its unit says that the restore failed.
        UnansweredStepIsAskedAgain = "unanswered-step-is-asked-again",
        /// While only S3 blocks the unit that would initialise the stanza, update-status tries again: S3 or the backup tool
        /// may work again, and no other event would come.
        S3BlockIsTriedAgain = "s3-block-is-tried-again",
        /// An action fails by the name of a parameter that it does not know, before anything is touched: whoever gave it asked for
        /// something else than would be done, as for a restore to a time.
        UnknownParameterFailsAction = "unknown-parameter-fails-action",
        /// S3 settings and certificates that change while the workload does not answer are deferred, instead of a hook error that
        /// Juju retries and in which the charm's own program has no turn.
        HooksWaitForTheWorkload = "hooks-wait-for-the-workload",
        /// A restore that update-status found failed, or whose unit S3 has blocked since, and whose database is up, ends as one
        /// that came up in time: the service may only have been between two starts, and nothing else would end the restore. One of
        /// which nothing is recorded ends once the database runs on what the repository's stanza is of.
        LateRestoreEndsBlock = "late-restore-ends-block",
        /// A restore that ends on the data of a cluster that the restored stanza has never served has failed, and blocks its
        /// unit as one that did not come up: a unit that joined before the restored database had started made a new
        /// cluster, and the restored one took over its data.
        NewClusterIsTold = "new-cluster-is-told",
        /// While another process of the backup tool holds its lock (a backup that runs, mostly) the stanza can't be made, and
        /// the S3 settings are not why: nobody is blocked for it, and settings that have changed are deferred.
        LockIsWaitedFor = "lock-is-waited-for",
    }
    /// The name that charts, traces and the command line use.
    name
}

impl Amendment {
    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl fmt::Display for Amendment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Amendment {
    type Err = UnknownAmendment;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.iter().copied().find(|amendment| amendment.name() == name);
        known.ok_or_else(|| UnknownAmendment(name.to_owned()))
    }
}

/// No amendment bears this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownAmendment(pub String);

impl fmt::Display for UnknownAmendment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown amendment `{}`", self.0)
    }
}

impl std::error::Error for UnknownAmendment {}

/// Which amendments are in force: all of them by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amendments(u32);

impl Amendments {
    /// Every amendment in force.
    #[must_use]
    pub fn all() -> Self {
        Self(Amendment::ALL.iter().fold(0, |bits, amendment| bits | amendment.bit()))
    }

    /// The published charts to the letter.
    #[must_use]
    pub const fn none() -> Self {
        Self(0)
    }

    /// This set with one amendment switched off.
    #[must_use]
    pub const fn without(self, amendment: Amendment) -> Self {
        Self(self.0 & !amendment.bit())
    }

    /// Whether an amendment is in force.
    #[must_use]
    pub const fn has(self, amendment: Amendment) -> bool {
        self.0 & amendment.bit() != 0
    }
}

impl Default for Amendments {
    fn default() -> Self {
        Self::all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_switch_turns_off_its_own_amendment_alone() {
        for &off in Amendment::ALL {
            let set = Amendments::all().without(off);
            for &amendment in Amendment::ALL {
                assert_eq!(set.has(amendment), amendment != off);
            }
        }
    }

    #[test]
    fn names_lead_back() {
        for &amendment in Amendment::ALL {
            assert_eq!(amendment.name().parse(), Ok(amendment));
        }
        assert!("reopen".parse::<Amendment>().is_err());
    }
}
