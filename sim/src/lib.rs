//! Deterministic in-memory fakes of everything that a backup hook touches.
//!
//! A [`World`] is one plain value: Juju, the cluster, the bucket and every unit. The fakes are thin views
//! of it that serve the ports of `pgdrill-core`; they answer as the real servers were seen to. Nothing
//! here reads a clock, draws a random number or depends on the order of a hash.
//!
//! ```
//! use futures_util::FutureExt as _;
//! use pgdrill_core::{Amendments, Hook};
//! use pgdrill_sim::{Event, Given, View, World, dispatch};
//!
//! let world = World::new(&Given::default()).shared();
//! let ports = View::new(&world, 0)?.ports();
//! let event = Event { hook: Hook::ListBackups, unit: 0, parameters: Default::default() };
//! // Every fake answers at once, so one poll is the whole of it.
//! let fired = dispatch(&world, &ports, &event, Amendments::all(), None).now_or_never();
//! let fired = fired.expect("no fake waits")?;
//! assert_eq!(fired[0].firing.outcome.name(), "failed", "there is no S3 relation");
//! # Ok::<(), pgdrill_core::PortError>(())
//! ```

mod apply;
mod build;
mod change;
mod dispatch;
mod facts;
mod failures;
mod fakes;
mod fingerprint;
mod given;
mod injection;
mod injector;
mod juju;
mod midway;
mod objects;
mod observation;
mod persisted;
mod pgbackrest;
mod server;
mod shelf;
mod stand_in;
mod storage;
mod turns;
mod undo;
mod unit;
mod units;
mod world;

pub use apply::Impossible;
pub use change::{
    ArchiveCommand, Awaited, Change, DataDirectory, DcsState, LockState, MemberFate,
    PgbackrestFailureMode, RelationState, S3ServerState, ServiceName, ServiceRuns,
    SetDataDirectory, SetLock, SetMember, SetService, SetWorkload, TlsState, WorkloadState,
};
pub use dispatch::{ActionSeen, Event, Fired, dispatch};
pub use facts::{
    BackupFacts, Facts, ManagerSettings, RepositoryPlace, S3Facts, ToolSettings, UnitFacts,
};
pub use failures::{CallMade, Noted, PortFailure, dispatch_noting};
pub use fakes::View;
pub use fingerprint::Fingerprinter;
pub use given::{
    BackupGiven, BucketGiven, CaGiven, CredentialsGiven, EndpointGiven, Given, RepositoryGiven,
    S3Given, S3Parameter, StanzaGiven, StatusGiven, StatusKind, TlsServersGiven,
};
pub use injection::{At, Inject, Injection, Moment};
pub use injector::Injector;
pub use juju::Juju;
pub use midway::FiringUnit;
pub use observation::{BackupSeen, Observation, UnitSeen};
pub use persisted::{PersistedJuju, UnknownPersistedName};
pub use server::S3Values;
pub use shelf::{Shelf, ShelfItems};
pub use stand_in::ManagerSeen;
pub use turns::{Part, Turn, Turns};
pub use units::{MOST_UNITS, UnitNumber, by_unit};
pub use world::{Shared, World, lock};
