//! The backup tool, faked: it answers with the exit codes, streams and texts that the real one was seen
//! to give (pgBackRest 2.55.1).

mod answers;
mod backup;
mod commands;
mod info;

pub(crate) use answers::{CommandEnd, error_lines, killed_lines, store_backup, terminated_lines};
pub(crate) use backup::{begin_backup, end_backup};
pub(crate) use commands::{check, create_stanza, ping};
pub(crate) use info::info;
