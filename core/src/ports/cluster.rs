//! The cluster manager.

use std::sync::Arc;

use async_trait::async_trait;

use super::{PortResult, UnitId};

/// What the cluster manager says of this unit's member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberState {
    /// The server accepts connections or streams from its primary.
    Running,
    /// The server is coming up, or a restore is under way.
    Starting,
    /// The server is down.
    Stopped,
}

/// The backup from which the next bootstrap restores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreSource {
    /// The backup's label.
    pub label: String,
    /// The stanza that holds it.
    pub stanza: String,
}

/// Everything that the hooks decide about the cluster manager's configuration of this unit. It is
/// always given whole, so that an adapter keeps nothing between calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterSettings {
    /// The stanza into which WAL is archived; `None`: WAL is not archived.
    pub archive_stanza: Option<Arc<str>>,
    /// Whether new client connections to this unit are accepted. Open ones and replication are not
    /// touched.
    pub accepts_connections: bool,
    /// The restore that replaces the bootstrap of a new cluster.
    pub restore: Option<RestoreSource>,
}

/// The cluster manager of this unit.
#[async_trait]
pub trait Cluster: Send + Sync {
    /// The unit that holds the leader's lock of the cluster; `None` while nobody does. Asked again at
    /// every call.
    async fn primary(&self) -> PortResult<Option<UnitId>>;

    /// What this unit's own member does. One whose manager was started a moment ago and does not listen yet is stopped.
    async fn member_state(&self) -> PortResult<MemberState>;

    /// The system identifier of the data that this unit serves. It exceeds 2^53.
    async fn system_identifier(&self) -> PortResult<u64>;

    /// Whether this unit accepts new client connections by the configuration now in force.
    async fn accepts_connections(&self) -> PortResult<bool>;

    /// The settings are written and the running member has loaded them. After an error the member may
    /// run on the old settings or on the new ones.
    async fn apply(&self, settings: &ClusterSettings) -> PortResult<()>;
}
