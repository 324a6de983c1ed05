//! The command line as a person meets it: what is typed, what is shown, how it ends.
//!
//! `transcripts/` holds what was shown, one file a test, in the form of a shell session; write them anew
//! with `INSTA_UPDATE=always`, and read what changed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod charts;
mod commands;
mod engines;
mod json;
mod laptop;
mod refusals;
mod repeat;
mod session;
mod snapshots;
mod verdicts;
