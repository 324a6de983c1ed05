//! The backup manager of the PostgreSQL Kubernetes charm, chart by chart, behind ports.
//!
//! [`fire`] fires one hook once on one unit: it walks the hook's chart, asks and acts through
//! [`Ports`], and returns how it ended with the [`Trace`] of shapes that it visited. The crate performs
//! no I/O, reads no clock, spawns nothing and sleeps nowhere.
//!
//! ```
//! use pgdrill_core::Hook;
//! use pgdrill_flow::parse;
//!
//! let chart = parse(Hook::CreateBackup.chart(), "create_backup.mmd", "create-backup", 1)?.chart;
//! assert_eq!(chart.paths(1_000).listed.len(), 19);
//! # Ok::<(), pgdrill_flow::Diagnostic>(())
//! ```

mod act;
mod alteration;
mod amendment;
mod ask;
mod attempt;
mod cause;
mod context;
mod fire;
pub mod firing_log;
mod hook;
pub mod hooks;
mod interned;
pub mod inventory;
pub mod ports;
mod role;
mod s3;
mod secret;
mod shape;
mod stanza;
mod status;
pub mod texts;
mod trace;
mod walk;
mod walker;

pub use alteration::{Alteration, Manner};
pub use amendment::{Amendment, Amendments, UnknownAmendment};
pub use cause::Cause;
pub use context::RefinedAnswer;
pub use fire::fire;
pub use firing_log::FiringLine;
pub use hook::{Firing, Hook, HookError, Outcome, UnknownHook};
pub use interned::interned;
pub use ports::{Fate, PortError, PortErrorKind, Ports};
pub use s3::{S3Problem, S3Relation, S3Settings, UriStyle};
pub use secret::Secret;
pub use shape::{Action, Attempt, Ending, Question, Shape};
pub use status::{STATUS_MESSAGE_LIMIT, Status, StatusName};
pub use trace::{Mark, Step, Trace};
pub use walk::{Walk, WalkError, walk, walk_published};
pub use walker::Probe;

pub use pgdrill_flow::{Diagnostic, Severity, counted, shown, shown_json, shown_lines};
