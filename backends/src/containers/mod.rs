//! The real parts in containers: started, spoken to, broken, mended and cleared away.

mod leftovers;
mod stage;

pub use leftovers::{Cleared, Leftovers, clear};
pub use stage::{Part, PartFile, PartSpec, Purpose, Setup, Stage};
