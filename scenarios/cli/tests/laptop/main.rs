//! Real containers on the machine of a person: what the guide shows, what is persisted, and what is left when a
//! command is killed or asked to end. They need a container engine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod ends;
mod engine;
mod persisted;
mod servers;
mod walk;
