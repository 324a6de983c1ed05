//! What a process does that a rehearsal or Juju started, and no person.

use pgdrill_dispatch::Environment;

use crate::{joined::dispatch, tools};

/// What such a process is to print, and its exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// For standard output.
    pub stdout: String,
    /// For standard error.
    pub stderr: String,
    /// The exit code.
    pub code: u8,
}

/// Does what the process is for if it was called under the name of a hook tool within a rehearsal, or as `dispatch`.
/// `None`: it was called as something else. Programs that a rehearsal starts call this before anything else.
#[must_use]
pub fn called(argv: &[String], environment: &Environment) -> Option<Called> {
    let (program, rest) = argv.split_first()?;
    let name = program.rsplit('/').next().unwrap_or_default();
    if name == "dispatch" || rest == ["dispatch"] {
        let (stderr, code) = match dispatch(environment).conclude() {
            Ok(()) => (String::new(), 0),
            // Juju keeps what a hook writes to standard error in its log.
            Err(why) => (format!("pgdrill: {why}\n"), 1),
        };
        return Some(Called { stdout: String::new(), stderr, code });
    }
    tool(argv, environment)
}

/// Stands in for a hook tool if the process was called under the name of one within a rehearsal; `None`: it was not.
#[must_use]
pub fn tool(argv: &[String], environment: &Environment) -> Option<Called> {
    let socket = environment.get(tools::SOCKET)?;
    let unit = environment.get("JUJU_UNIT_NAME").map(String::as_str).unwrap_or_default();
    tools::stand_in(socket, unit, argv)
}
