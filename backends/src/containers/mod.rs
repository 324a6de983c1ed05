//! The real parts in containers, reached through the engine.

mod exec;
mod files;
mod runit;

pub use exec::ContainerExec;
pub use files::ContainerFiles;
pub use runit::{Runit, RunitLimits, Supervised};
