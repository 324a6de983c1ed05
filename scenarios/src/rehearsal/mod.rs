//! Dispatches rehearsed: separate processes of this very program, against stand-ins for everything that a unit
//! has around it, and one simulated world behind all of them.
//!
//! The stand-ins speak the real protocols: hook tools are programs on the path, Pebble listens at a socket,
//! Patroni, S3 and Kubernetes are HTTP servers. A dispatch that is rehearsed differs from a real one in that
//! it takes the time from the world and lets changes strike at named shapes.

mod answer;
mod authority;
mod by_hand;
mod container;
mod desk;
mod joined;
mod listeners;
mod patroni;
mod place;
mod runs;
mod s3;
mod texts;
mod tools;
mod watched;
mod web;
mod wire;

pub use joined::Rehearsed;
pub use place::{Rehearsal, Shown, Treatment};
pub use runs::{run, run_all};
pub use tools::stand_in;

/// The variable that names the socket at which the world answers.
pub const SOCKET: &str = "PGDRILL_REHEARSAL";
