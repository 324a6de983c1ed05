//! The real parts in containers: started, spoken to, broken, mended and cleared away.

pub mod authority;
mod gate;
mod leftovers;
mod order;
mod relay;
pub mod s3;
mod stage;

pub use gate::{Gate, GateSpec, GateTo, Renames};
pub use leftovers::{Cleared, Leftovers, clear};
pub use stage::{Part, PartFile, PartSpec, Purpose, Setup, Stage};
