//! Deterministic in-memory fakes of everything that a backup hook touches.
//!
//! A [`World`] is one plain value: Juju, the cluster, the bucket and every unit. The fakes are thin views
//! of it that serve the ports of `pgdrill-core`; they answer as the real parts were seen to. Nothing
//! here reads a clock, draws a random number or depends on the order of a hash.

mod apply;
mod build;
mod change;
mod dispatch;
mod fakes;
mod given;
mod juju;
mod observation;
mod pgbackrest;
mod storage;
mod strikes;
mod unit;
mod world;

pub use change::{
    ArchiveCommand, Awaited, Change, DataDirectory, DcsState, MemberFate, PgbackrestMood,
    RelationState, S3ServerState, ServiceName, ServiceRuns, SetDataDirectory, SetMember,
    SetService, SetWorkload, TlsState, WorkloadState,
};
pub use dispatch::{ActionSeen, Event, Fired, dispatch};
pub use fakes::View;
pub use given::{
    BackupGiven, BucketGiven, CaGiven, CredentialsGiven, EndpointGiven, Given, RepositoryGiven,
    S3Given, S3Parameter, StanzaGiven, StatusGiven, StatusKind, TlsServersGiven,
};
pub use juju::Juju;
pub use observation::{BackupSeen, Observation, UnitSeen};
pub use strikes::{Moment, Strike, Strikes};
pub use world::{Shared, World};
