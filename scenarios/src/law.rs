//! The laws by name, and how one is found broken. [`crate::laws`] judges them.

use std::fmt;

use pgdrill_core::Shape;

use crate::reason::FiringRef;

macro_rules! laws {
    ($($variant:ident $name:literal $at:ident $sentence:literal $breaks:literal $nearly:literal,)+) => {
        /// What must hold of every run unasked.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Law {
            $(#[doc = concat!("Broken when ", $sentence, ".")] $variant,)+
        }

        impl Law {
            /// Every law: those of any moment first, then those that hold once everything that Juju owes has come.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// When it is broken, in one sentence without a full stop.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)+ }
            }

            /// When it is broken, as a sentence of its own.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => concat!("Broken when ", $sentence, "."),)+ }
            }

            /// When it is judged.
            #[must_use]
            pub const fn judged_at(self) -> JudgedAt {
                match self { $(Self::$variant => JudgedAt::$at,)+ }
            }

            /// Whether a case is one of those that show a law which is not judged at every firing as it is.
            #[must_use]
            pub fn is_shown_by(case: &str) -> bool {
                let mut laws = Self::ALL.iter().filter(|law| law.judged_at() != JudgedAt::Firing);
                laws.any(|law| law.is_shown_in(case))
            }

            /// Whether a case breaks it, or nearly does, to show it.
            #[must_use]
            pub fn is_shown_in(self, case: &str) -> bool {
                let (breaks, nearly) = self.cases();
                [breaks, nearly].contains(&case)
            }

            /// The cases that show it: one that breaks it, and one that nearly does.
            #[must_use]
            pub const fn cases(self) -> (&'static str, &'static str) {
                match self { $(Self::$variant => ($breaks, $nearly),)+ }
            }
        }
    };
}

/// When a law is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JudgedAt {
    /// Of what the firings did, on every backend.
    Firing,
    /// Of what could be seen before and after each firing.
    Moment,
    /// Once every fault is undone and everything that Juju owes has come.
    Settled,
}

impl JudgedAt {
    /// The words for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Firing => "at every firing",
            Self::Moment => "at any moment",
            Self::Settled => "once all has settled",
        }
    }

    /// Why a backend may not judge it.
    #[must_use]
    pub const fn why_not(self) -> &'static str {
        match self {
            Self::Firing => "every backend judges it",
            Self::Moment => {
                "on real servers a look around every event takes long, so the cases that show laws and those that settle are looked at"
            }
            Self::Settled => {
                "what is real can't be copied, so the cases that show laws and those that settle are settled in place"
            }
        }
    }
}

laws! {
    OffChart "off-chart" Firing
        "a firing takes a way that its chart does not have"
        "" "amendments/replica-ends-active",
    UnitInError "unit-in-error" Firing
        "an action or update-status ends in a hook error although its own container answers, an event because its container does not, or a hook errs once every fault is undone"
        "amendments/offline-database-fails-action-off" "restore/configuration-not-written",
    Silent "silent" Firing
        "an action fails or a unit is Blocked without a text, or a cause that a port gave is neither in a text nor in the log"
        "" "create-backup/credentials-wrong",
    WordsOfTheProgram "words-of-the-program" Firing
        "a text for users is over 120 characters, is cut within a word or without a mark of it, or holds the name of a shape, a port's call or an amendment"
        "" "lessons/v784-wal-minutes-late",
    Unanswered "unanswered" Firing
        "an action ends, and neither fails nor has its result"
        "" "list-backups/inventory-garbled",
    SecretShown "secret-shown" Moment
        "a credential is in a status, a message, a result or an object"
        "" "create-backup/credentials-wrong",
    MaintenanceOutlivesAction "maintenance-outlives-action" Moment
        "an action has ended, nothing that it began is under way, and its unit shows the Maintenance that it set"
        "amendments/replica-ends-active-off" "restore/not-up-yet",
    ActiveWhileClosed "active-while-closed" Moment
        "a unit is Active and refuses connections, and no firing is under way on it"
        "amendments/reopen-what-was-blocked-off" "crashes/after-blocking-then-update-status",
    ReportedWithoutBackup "reported-without-backup" Firing
        "a firing reported a backup that the repository of the S3 settings does not hold"
        "amendments/settings-must-be-in-force-off" "lessons/timed-out-is-no-success",
    DataLost "data-lost" Moment
        "a firing removed data or a backup, and no restore of a backup that is there had got as far, or nothing brings back what a restore removed and no status says so"
        "amendments/unanswered-step-is-asked-again-off" "restore/fails-to-come-up",
    HarmedForNothing "harmed-for-nothing" Moment
        "an action failed for a cause that could be read before, and had changed a status, connections or a service"
        "amendments/stopped-member-fails-action-off" "create-backup/replica-fails",
    RefusedWithoutCause "refused-without-cause" Moment
        "an action fails with a text of ours, and what that says was so neither before it nor after it"
        "" "lost/is-reachable",
    DoneDespiteCause "done-despite-cause" Moment
        "an action is done, or changes its unit, and does not fail, although a cause to refuse it was there before and after"
        "amendments/unknown-parameter-fails-action-off" "restore/another-cluster-s-backup",
    LogLost "log-lost" Moment
        "the log of a backup that ended, well or not, is not where it belongs, or is not there any more, though S3 worked"
        "" "create-backup/primary-log-refused",
    BlamedOnS3 "blamed-on-s3" Moment
        "a unit is Blocked with a text that asks to check the S3 settings, for a lock or a cluster that the backup tool did not get, while S3 and the primary served"
        "amendments/lock-is-waited-for-off" "amendments/lock-is-waited-for",
    UntrueAnswer "untrue-answer" Moment
        "a question was answered with what was so neither before nor after, or an attempt is said to have failed although nothing did"
        "" "lost/is-reachable",
    StepUndone "step-undone" Firing
        "a firing did not do what its trace says that it did, or did it more often, or had nothing to do it for"
        "" "create-backup/replica-fails",
    NeverSettles "never-settles" Settled
        "Juju brings everything that it owes again and again, and something still changes"
        "" "lessons/k496-deferral-without-a-change",
    LeftClosed "left-closed" Settled
        "a unit refuses connections"
        "amendments/cleanup-survives-errors-off" "crashes/container-dies-during-the-backup",
    LeftInMaintenance "left-in-maintenance" Settled
        "a unit shows Maintenance, and what it says is not so"
        "amendments/interrupted-restore-is-told-off" "restore/not-up-yet",
    LeftBlocked "left-blocked" Settled
        "a unit is Blocked or Waiting with a text of ours, and what it says is not so"
        "amendments/s3-block-is-retryable-off" "s3-credentials-changed/credentials-wrong",
    DeferredForEver "deferred-for-ever" Settled
        "an event is deferred, and what it waits for will not come"
        "" "s3-credentials-changed/deferred-until-the-cluster-is-initialised",
    FlagLeft "flag-left" Settled
        "a databag says that a backup or a restore is under way, and it has ended"
        "amendments/s3-waits-for-restore-off" "restore/fails-to-come-up",
    ActiveWithoutDatabase "active-without-database" Settled
        "a unit with data is Active, and its database does not run"
        "" "update-status/replica-down",
    ReportedWithoutRestore "reported-without-restore" Settled
        "the backup of the last restore that was reported is not the base of the data, and no status says that it failed or is under way"
        "amendments/new-cluster-is-told-off" "amendments/new-cluster-is-told",
    StanzaUntold "stanza-untold" Settled
        "the cluster is initialised and the S3 settings are complete, no status says what is wrong, and no stanza of the repository is recorded"
        "amendments/s3-block-is-tried-again-off" "s3-credentials-changed/deferred-until-the-cluster-is-initialised",
    ForeignUntold "foreign-untold" Settled
        "the repository is another cluster's, and the leader does not say so"
        "amendments/unanswered-step-is-asked-again-off" "s3-credentials-changed/another-cluster",
    TlsServerAstray "tls-server-astray" Settled
        "certificates, another unit and complete S3 settings are there and a TLS server does not run, or certificates or the other unit are not and it runs"
        "amendments/tls-server-catches-up-off" "certificates-changed/without-s3",
    NoWayOut "no-way-out" Settled
        "the remedy that a status of ours names is refused or changes nothing"
        "amendments/failed-restore-is-retryable-off" "amendments/failed-restore-is-retryable",
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A law that a run broke, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The law.
    pub law: Law,
    /// The unit that suffers it; `None`: the whole application does.
    pub unit: Option<u32>,
    /// What was found, in one sentence without a full stop.
    pub found: String,
    /// The firing that did it, where one can be named, and the shape at which it did.
    pub by: Option<(FiringRef, Option<Shape>)>,
}

impl Violation {
    pub(crate) fn of(law: Law, unit: u32, found: impl Into<String>) -> Self {
        Self { law, unit: Some(unit), found: found.into(), by: None }
    }

    pub(crate) fn by(mut self, firing: FiringRef, shape: Option<Shape>) -> Self {
        self.by = Some((firing, shape));
        self
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.law, self.found)?;
        match &self.by {
            Some((FiringRef { number, hook, unit, .. }, Some(shape))) => {
                write!(f, " (firing {number}, {hook} on unit {unit}, at {shape})")
            }
            Some((FiringRef { number, hook, unit, .. }, None)) => {
                write!(f, " (firing {number}, {hook} on unit {unit})")
            }
            None => Ok(()),
        }
    }
}
