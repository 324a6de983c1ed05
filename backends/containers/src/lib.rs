//! Real servers in containers: started, spoken to, broken, mended and cleared away.
//!
//! - [`images`]: the recipes of their images, built where an engine lacks them;
//! - [`postgres`]: the database as its clients see it.
//!
//! This crate knows `pgdrill-core` and the adapters, and never `pgdrill-sim`.

mod attendant;
pub mod authority;
mod exec;
mod files;
mod gate;
pub mod images;
mod kept;
mod leftovers;
mod order;
mod part;
pub mod postgres;
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
pub use exec::ContainerExec;
pub use files::ContainerFiles;
pub use gate::{Gate, GateSpec, GateTo, Renames};
pub use kept::{Claim, Keeper, claim, keeping_stage, kept_names, new_keeping_stage};
pub use leftovers::{Cleared, Leftovers, clear, clear_for_good, clear_own, clear_own_for_good};
pub use part::{Part, PartState};
pub use runit::{Runit, RunitLimits, Supervised};
pub use s3::{Choice, Profile, S3Server, Unmet};
pub use stage::{PartFile, PartSpec, Purpose, Setup, Stage};
pub use topology::{
    Agreed, DATA, Images, Manager, Misbehaviour, PGBACKREST, Pace, SERVER_AWAY, Tool, Topology,
    Unit, host,
};
