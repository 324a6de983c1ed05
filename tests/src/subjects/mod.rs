//! The backends that are held to the contracts.

#[cfg(feature = "engine-tests")]
mod containers;
mod memory;

#[cfg(feature = "engine-tests")]
pub use containers::{RealContainers, Worker};
pub use memory::MemorySubjects;
