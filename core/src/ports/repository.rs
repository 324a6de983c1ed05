//! The backup repository.

use std::sync::Arc;

use async_trait::async_trait;

use super::{PortResult, UnitId};
use crate::s3::S3Settings;

/// How much a backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BackupKind {
    /// Everything.
    Full,
    /// What changed since the last full backup.
    Differential,
    /// What changed since the last backup of any kind.
    Incremental,
}

impl BackupKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[Self::Full, Self::Differential, Self::Incremental];

    /// The name that users give and see.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Differential => "differential",
            Self::Incremental => "incremental",
        }
    }

    /// The name that the backup tool takes and gives.
    #[must_use]
    pub const fn tool_name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Differential => "diff",
            Self::Incremental => "incr",
        }
    }
}

/// What the backup tool must know of its surroundings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositorySettings {
    /// Where backups go; `None` when there is no S3 relation: then only the TLS server is configured.
    pub s3: Option<S3Settings>,
    /// The stanza.
    pub stanza: Arc<str>,
    /// The other units, reached through their TLS servers; empty without TLS.
    pub tls_peers: Vec<UnitId>,
}

/// One backup, asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupRequest {
    /// The stanza.
    pub stanza: Arc<str>,
    /// How much to keep.
    pub kind: BackupKind,
    /// Whether this unit is the primary and must copy its own files.
    pub from_primary: bool,
}

/// The backup tool on this unit.
///
/// A command that ran and failed is `Refused` and carries its exit; one of which no end is known is
/// `TimedOut` or `Unreachable`, carries no code, and may still be running.
#[async_trait]
pub trait Repository: Send + Sync {
    /// The settings are in the tool's configuration, readable by its user alone. After an error either
    /// the old ones are there whole or the new ones.
    async fn configure(&self, settings: &RepositorySettings) -> PortResult<()>;

    /// The stanza exists and is of this cluster; an existing one is left as it is.
    async fn create_stanza(&self, stanza: &str) -> PortResult<()>;

    /// A WAL segment was archived into the stanza just now.
    async fn check(&self, stanza: &str) -> PortResult<()>;

    /// A backup was taken; what the tool logged on standard output. After `TimedOut` the backup may
    /// still be running, and may yet succeed.
    async fn back_up(&self, request: &BackupRequest) -> PortResult<String>;

    /// The inventory of all stanzas, as the JSON that the tool prints. It may report a failure within:
    /// [`Inventory`](crate::inventory::Inventory) reads it.
    async fn info(&self) -> PortResult<String>;

    /// The TLS server of `unit` answered.
    async fn ping(&self, unit: UnitId) -> PortResult<()>;
}
