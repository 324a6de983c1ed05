//! Real servers in containers: started, spoken to, broken, mended and cleared away.
//!
//! - [`images`]: the recipes of their images, built where an engine lacks them;
//! - [`postgres`]: the database as its clients see it.
//!
//! This crate knows `pgdrill-core` and the adapters, and never `pgdrill-sim`.

pub mod authority;
mod container;
mod exec;
mod exec_agent;
mod files;
pub mod images;
mod order;
mod persisted;
pub mod postgres;
mod proxy;
mod reaper;
mod relay;
mod runit;
pub mod s3;
mod stage;
#[cfg(test)]
#[path = "../../adapters/src/stub.rs"]
#[expect(dead_code, reason = "the adapters' tests need more of it")]
mod stub;
mod topology;

pub use authority::Authority;
pub use container::{Container, ContainerState};
pub use exec::ContainerExec;
pub use files::ContainerFiles;
pub use persisted::{
    Claim, PersistentStore, claim, new_persistent_stage, persisted_names, persistent_stage,
};
pub use proxy::{Proxy, ProxySpec, ProxyTarget, Renames};
pub use reaper::{Cleared, ReapScope, clear, clear_for_good, clear_own, clear_own_for_good};
pub use runit::{Runit, RunitLimits, Supervised};
pub use s3::{Choice, Profile, S3Server, Unmet};
pub use stage::{ContainerFile, ContainerSpec, EngineResult, Purpose, Stage};
pub use topology::{
    Agreed, DATA, Images, Manager, Misbehaviour, PGBACKREST, Pace, SERVER_AWAY, Tool, Topology,
    UnitContainer, host,
};
