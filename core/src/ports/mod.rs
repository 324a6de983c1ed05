//! The doors through which a hook sees and changes the world.
//!
//! A port is a small object-safe trait. Each method says what is true after it returned `Ok`, and what
//! is unknown after an error; each such promise has a line in the port's contract (`pgdrill-tests`),
//! which runs over the fake and over every adapter. An answer can be lost although the call took effect:
//! after `TimedOut` all that a method promises of `Ok` may be true.

mod call;
mod clock;
mod cluster;
mod cluster_record;
mod error;
mod object_store;
mod observed;
mod repository;
mod unit;
mod workload;

use std::sync::Arc;

pub use call::Call;
pub use clock::{Clock, Timestamp};
pub use cluster::{Cluster, ClusterSettings, MemberState, RestoreSource};
pub use cluster_record::ClusterRecord;
pub use error::{CommandExit, PortError, PortErrorKind};
pub use object_store::ObjectStore;
pub use observed::{Answer, CallMade, Fate, Observer};
pub use repository::{BackupKind, BackupRequest, Repository, RepositorySettings};
pub use unit::{ARGUMENT_LIMIT, Databag, Identity, TlsMaterial, Unit, UnitId, key};
pub use workload::{Service, ServiceState, Workload};

/// What every port call returns.
pub type PortResult<T> = Result<T, PortError>;

/// One of each port, bound to one unit in one place. Cheap to clone.
#[derive(Clone)]
pub struct Ports {
    /// This unit as Juju sees it.
    pub unit: Arc<dyn Unit>,
    /// The cluster manager.
    pub cluster: Arc<dyn Cluster>,
    /// The backup repository.
    pub repository: Arc<dyn Repository>,
    /// The bucket.
    pub object_store: Arc<dyn ObjectStore>,
    /// The workload container.
    pub workload: Arc<dyn Workload>,
    /// What the DCS remembers of the previous cluster.
    pub cluster_record: Arc<dyn ClusterRecord>,
    /// The only time a hook may read.
    pub clock: Arc<dyn Clock>,
}

impl Ports {
    /// All ports served by one object.
    pub fn of<T>(whole: &Arc<T>) -> Self
    where
        T: Unit + Cluster + Repository + ObjectStore + Workload + ClusterRecord + Clock + 'static,
    {
        Self {
            unit: Arc::clone(whole) as _,
            cluster: Arc::clone(whole) as _,
            repository: Arc::clone(whole) as _,
            object_store: Arc::clone(whole) as _,
            workload: Arc::clone(whole) as _,
            cluster_record: Arc::clone(whole) as _,
            clock: Arc::clone(whole) as _,
        }
    }
}
