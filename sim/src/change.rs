//! What can happen to a world while nobody asks it: faults, role changes, and their mending.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    given::{S3Given, words},
    units,
};

/// One thing that happens, between two firings or at a named shape. Every backend makes it true in its
/// own way: in memory it is state, in containers the real thing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// The cluster switches over to this unit. For a failover, have the primary's `member` stop serving.
    PrimaryMovesTo(#[serde(deserialize_with = "units::unit")] u32),
    /// No member holds the leader's lock.
    PrimaryIsLost,
    /// Juju elects this unit.
    LeaderMovesTo(#[serde(deserialize_with = "units::unit")] u32),
    /// What the S3 server does with requests.
    S3Server(S3ServerState),
    /// The S3 server refuses every key that contains this text; an empty text refuses none.
    RefuseKeysWith(String),
    /// The S3 relation's data is replaced; what is left out of it is right. Data that stays the same brings no event: `present`
    /// and `forbidden` are one bucket's name.
    S3Settings(S3Given),
    /// The S3 relation goes or comes back.
    S3Relation(RelationState),
    /// What becomes of a unit's container. Where the primary's no longer serves, there is a failover.
    Member(SetMember),
    /// Whether the cluster's DCS answers.
    Dcs(DcsState),
    /// This unit's database service does not stop when told to.
    ServiceWillNotStop(#[serde(deserialize_with = "units::unit")] u32),
    /// A service is started or stopped behind the charm's back.
    Service(SetService),
    /// Whether a unit's data directory can be emptied.
    DataDirectory(SetDataDirectory),
    /// What the database's archive command does.
    ArchiveCommand(ArchiveCommand),
    /// WAL arrives in the repository this many seconds late.
    ArchiveDelay(u32),
    /// How the backup tool behaves.
    Pgbackrest(PgbackrestFailureMode),
    /// Whether a process of the backup tool holds its lock on a unit's host.
    Lock(SetLock),
    /// Whether the units hold TLS material.
    Tls(TlsState),
    /// The cluster's first initialisation is recorded.
    ClusterInitialises,
    /// The application is scaled up or down to this many units; the last units go first. A new unit
    /// follows the leader; while none leads, it waits.
    ScaleTo(#[serde(deserialize_with = "units::count")] u32),
    /// Whether the supervisor in a unit's workload container answers.
    Workload(SetWorkload),
    /// The process that runs the hook dies here.
    ProcessDies,
    /// The backup that runs is killed in its middle. A worker of it is left, and holds the lock for a while. Exploration does
    /// not draw it, so that its seeds stay what they are.
    BackupIsKilled,
    /// Nothing is done until this has come about.
    Await(Awaited),
}

words! {
    /// What the S3 server does with requests.
    S3ServerState {
        /// It serves them.
        #[default]
        Up,
        /// It refuses connections.
        Down,
        /// It takes connections and never answers.
        Hangs,
        /// It answers that access is denied.
        Denies,
    }
}

words! {
    /// Whether a relation exists.
    RelationState {
        /// It exists.
        #[default]
        Made,
        /// It does not.
        Gone,
    }
}

words! {
    /// What becomes of a unit's container.
    MemberFate {
        /// It runs.
        #[default]
        Running,
        /// It is paused: nothing in it answers.
        Frozen,
        /// It is dead.
        Killed,
        /// It runs and reaches nobody over the network.
        CutOff,
        /// The cluster manager runs, the database server under it does not.
        ServerDown,
    }
}

words! {
    /// Whether the DCS answers.
    DcsState {
        /// It answers.
        #[default]
        Up,
        /// It does not.
        Down,
    }
}

words! {
    /// A service of the workload.
    ServiceName {
        /// The database under its cluster manager.
        #[default]
        Database,
        /// The backup tool's TLS server.
        TlsServer,
    }
}

impl ServiceName {
    /// Its name in a scenario file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::TlsServer => "tls-server",
        }
    }
}

words! {
    /// Whether a service runs.
    ServiceRuns {
        /// It runs.
        #[default]
        Running,
        /// It does not.
        Stopped,
        /// The supervisor does not know it.
        Unknown,
    }
}

impl ServiceRuns {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Unknown => "unknown",
        }
    }
}

words! {
    /// Whether a data directory can be emptied.
    DataDirectory {
        /// It can.
        #[default]
        Free,
        /// Something holds it.
        Busy,
    }
}

words! {
    /// What the database's archive command does.
    ArchiveCommand {
        /// It pushes WAL to the repository.
        #[default]
        Right,
        /// It is not the backup tool's.
        Broken,
    }
}

words! {
    /// How the backup tool behaves.
    // The name that the published schema gives it.
    #[serde(rename = "PgbackrestMood")]
    PgbackrestFailureMode {
        /// As it should.
        #[default]
        Well,
        /// Its inventory is not JSON.
        Garbled,
        /// Its commands never end.
        Hangs,
        /// Another of its processes holds the lock.
        Locked,
        /// Nothing that its failing commands wrote is kept.
        Silent,
        /// Its inventory names a backup in a form that nobody knows.
        StrangeLabel,
        /// A backup is terminated while it copies.
        Terminated,
    }
}

words! {
    /// Whether the backup tool's lock is held.
    LockState {
        /// It is not.
        #[default]
        Free,
        /// It is, as by a backup of which nothing else is seen.
        Held,
    }
}

words! {
    /// Whether the units hold TLS material.
    TlsState {
        /// They do.
        #[default]
        On,
        /// They do not.
        Off,
    }
}

words! {
    /// Whether a supervisor answers.
    WorkloadState {
        /// It does.
        #[default]
        Reachable,
        /// It does not.
        Unreachable,
    }
}

words! {
    /// What a scenario can wait for.
    Awaited {
        /// Every database that was started is up, or has given up.
        #[default]
        DatabaseSettled,
        /// A database that was started to be restored has begun: its member is on its way up.
        RestoreBegun,
        /// What killed backups have left has ended, and holds no lock. Exploration does not draw it, either.
        LockFree,
    }
}

macro_rules! settings {
    ($(#[$doc:meta])* $name:ident, $is:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        pub struct $name {
            /// Which unit.
            #[serde(deserialize_with = "units::unit")]
            pub unit: u32,
            /// What it is from now on.
            pub is: $is,
        }
    };
}

settings! {
    /// What becomes of a unit's container.
    SetMember, MemberFate
}
settings! {
    /// Whether a unit's data directory can be emptied.
    SetDataDirectory, DataDirectory
}
settings! {
    /// Whether a process of the backup tool holds its lock on a unit's host.
    SetLock, LockState
}
settings! {
    /// Whether the supervisor in a unit's workload container answers.
    SetWorkload, WorkloadState
}

/// A service, started or stopped behind the charm's back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SetService {
    /// Which unit.
    #[serde(deserialize_with = "units::unit")]
    pub unit: u32,
    /// Which service.
    pub name: ServiceName,
    /// What it is from now on.
    pub is: ServiceRuns,
}

impl Change {
    /// The name by which a scenario calls it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::PrimaryMovesTo(_) => "primary-moves-to",
            Self::PrimaryIsLost => "primary-is-lost",
            Self::LeaderMovesTo(_) => "leader-moves-to",
            Self::S3Server(_) => "s3-server",
            Self::RefuseKeysWith(_) => "refuse-keys-with",
            Self::S3Settings(_) => "s3-settings",
            Self::S3Relation(_) => "s3-relation",
            Self::Member(_) => "member",
            Self::Dcs(_) => "dcs",
            Self::ServiceWillNotStop(_) => "service-will-not-stop",
            Self::Service(_) => "service",
            Self::DataDirectory(_) => "data-directory",
            Self::ArchiveCommand(_) => "archive-command",
            Self::ArchiveDelay(_) => "archive-delay",
            Self::Pgbackrest(_) => "pgbackrest",
            Self::Lock(_) => "lock",
            Self::Tls(_) => "tls",
            Self::ClusterInitialises => "cluster-initialises",
            Self::ScaleTo(_) => "scale-to",
            Self::Workload(_) => "workload",
            Self::ProcessDies => "process-dies",
            Self::BackupIsKilled => "backup-is-killed",
            Self::Await(_) => "await",
        }
    }

    /// Whether the change breaks something that [`World::undo_faults`](crate::World::undo_faults) mends. Settings,
    /// roles, scale and data are nobody's fault.
    #[must_use]
    pub fn is_fault(&self) -> bool {
        match self {
            Self::PrimaryIsLost | Self::ServiceWillNotStop(_) => true,
            Self::S3Server(state) => *state != S3ServerState::Up,
            Self::RefuseKeysWith(text) => !text.is_empty(),
            Self::Member(SetMember { is, .. }) => *is != MemberFate::Running,
            Self::Dcs(state) => *state != DcsState::Up,
            Self::Service(SetService { is, .. }) => *is != ServiceRuns::Running,
            Self::DataDirectory(SetDataDirectory { is, .. }) => *is != DataDirectory::Free,
            Self::ArchiveCommand(command) => *command != ArchiveCommand::Right,
            Self::ArchiveDelay(seconds) => *seconds > 0,
            Self::Pgbackrest(mode) => *mode != PgbackrestFailureMode::Well,
            Self::Lock(SetLock { is, .. }) => *is != LockState::Free,
            Self::Workload(SetWorkload { is, .. }) => *is != WorkloadState::Reachable,
            Self::PrimaryMovesTo(_)
            | Self::LeaderMovesTo(_)
            | Self::S3Settings(_)
            | Self::S3Relation(_)
            | Self::Tls(_)
            | Self::ClusterInitialises
            | Self::ScaleTo(_)
            | Self::ProcessDies
            | Self::BackupIsKilled
            | Self::Await(_) => false,
        }
    }

    /// The names of those that can happen in the middle of a command.
    pub const MIDWAY: &'static str = "`primary-moves-to`, `leader-moves-to`, `s3-server`, a member that is killed, the TLS server's `service`, `backup-is-killed` and `process-dies`";

    /// Whether it is known how a command goes on in whose middle this happens.
    #[must_use]
    pub const fn has_midway(&self) -> bool {
        match self {
            Self::PrimaryMovesTo(_)
            | Self::LeaderMovesTo(_)
            | Self::S3Server(_)
            | Self::Member(SetMember { is: MemberFate::Killed, .. })
            | Self::Service(SetService { name: ServiceName::TlsServer, .. })
            | Self::BackupIsKilled
            | Self::ProcessDies => true,
            Self::PrimaryIsLost
            | Self::Member(_)
            | Self::Service(_)
            | Self::RefuseKeysWith(_)
            | Self::S3Settings(_)
            | Self::S3Relation(_)
            | Self::Dcs(_)
            | Self::ServiceWillNotStop(_)
            | Self::DataDirectory(_)
            | Self::ArchiveCommand(_)
            | Self::ArchiveDelay(_)
            | Self::Pgbackrest(_)
            | Self::Lock(_)
            | Self::Tls(_)
            | Self::ClusterInitialises
            | Self::ScaleTo(_)
            | Self::Workload(_)
            | Self::Await(_) => false,
        }
    }

    /// The unit that the change is about, if it is about one: it must exist.
    #[must_use]
    pub const fn unit(&self) -> Option<u32> {
        match self {
            Self::PrimaryMovesTo(unit)
            | Self::LeaderMovesTo(unit)
            | Self::ServiceWillNotStop(unit)
            | Self::Member(SetMember { unit, .. })
            | Self::Service(SetService { unit, .. })
            | Self::DataDirectory(SetDataDirectory { unit, .. })
            | Self::Lock(SetLock { unit, .. })
            | Self::Workload(SetWorkload { unit, .. }) => Some(*unit),
            Self::PrimaryIsLost
            | Self::S3Server(_)
            | Self::RefuseKeysWith(_)
            | Self::S3Settings(_)
            | Self::S3Relation(_)
            | Self::Dcs(_)
            | Self::ArchiveCommand(_)
            | Self::ArchiveDelay(_)
            | Self::Pgbackrest(_)
            | Self::Tls(_)
            | Self::ClusterInitialises
            | Self::ScaleTo(_)
            | Self::ProcessDies
            | Self::BackupIsKilled
            | Self::Await(_) => None,
        }
    }
}
