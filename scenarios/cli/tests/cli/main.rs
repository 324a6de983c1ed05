//! The command line as a person meets it: what is typed, what is shown, how it ends.
//!
//! `transcripts/` holds what was shown, one file a test, in the form of a shell session; write them again
//! with `INSTA_UPDATE=always`, and read what changed.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

#[cfg(not(any(feature = "containers", feature = "charm")))]
mod absent;
mod bounds;
mod charts;
mod commands;
#[cfg(feature = "containers")]
mod engines;
mod guide;
mod hostile;
mod hostile_inputs;
mod install;
mod json;
#[cfg(feature = "containers")]
mod laptop;
mod parts;
mod refusals;
mod repeat;
mod running;
mod seeing;
mod selecting;
mod session;
mod shelf;
mod snapshots;
#[cfg(feature = "charm")]
mod stand;
mod suite;
mod terminal;
mod topology;
mod verdicts;
