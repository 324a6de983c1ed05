//! Dispatches rehearsed: separate processes of this very program, against stand-ins for everything that a unit
//! has around it, and one simulated world behind all of them.
//!
//! The stand-ins speak the real protocols: hook tools are programs on the path, Pebble listens at a socket,
//! Patroni, S3 and Kubernetes are HTTP servers. A dispatch that is rehearsed differs from a real one in that
//! it takes the time from the world and injects changes at named shapes.

mod answer;
mod authority;
mod by_hand;
mod called;
mod container;
mod folder;
mod joined;
mod listeners;
mod patroni;
pub mod pebble;
mod place;
mod programs;
mod runs;
mod s3;
mod shared;
mod texts;
mod tools;
mod web;
mod wire;

pub use called::{Called, called, tool};
pub use joined::dispatch;
pub use place::{DispatchOutput, Rehearsal, Treatment};
pub use programs::{DispatchProgram, Programs};
pub use runs::{run, run_all};

/// The variable that names the socket at which a dispatch joins its rehearsal.
pub const SOCKET: &str = "PGDRILL_REHEARSAL";
