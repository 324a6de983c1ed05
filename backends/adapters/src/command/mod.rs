//! Running commands where the database runs.

mod accounts;
mod bounded;
mod local;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use pgdrill_core::ports::CommandExit;

pub use accounts::{Account, Accounts};
pub use bounded::Bounded;
pub use local::LocalRunner;

/// One command, to be run once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The program and its arguments. They are visible to every user of the machine: no credential is
    /// among them.
    pub argv: Vec<String>,
    /// The user as whom it runs; `None`: whoever the runner is by itself.
    pub user: Option<String>,
    /// What it reads from standard input.
    pub stdin: Option<Vec<u8>>,
    /// After this time it is ended.
    pub timeout: Duration,
}

/// What is known of a command that came to an end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommandOutput {
    /// The exit code; `None` when someone killed it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

/// The exit code of a command, unless it says that someone killed it: 128 and a signal's number, as shells, container
/// engines and Pebble tell it. So a kill is the same wherever a command runs.
#[must_use]
pub const fn unless_killed(code: i32) -> Option<i32> {
    match code {
        129..=159 => None,
        code => Some(code),
    }
}

impl From<CommandOutput> for CommandExit {
    fn from(output: CommandOutput) -> Self {
        let CommandOutput { code, stdout, stderr } = output;
        Self { code, stdout, stderr }
    }
}

/// A command of which no end is known, or that never began. They must not be confused: taking one
/// for "no output, no error" makes a backup out of nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunFailure {
    /// It never ran: there is no such program.
    Missing {
        /// The program.
        program: String,
    },
    /// It never ran for another reason: there is no such user, it may not be run, or its arguments are too long.
    NotStarted {
        /// Why.
        cause: String,
    },
    /// It did not end in time.
    TimedOut {
        /// The time that it had.
        after: Duration,
        /// What it wrote until then; never a code.
        so_far: CommandOutput,
        /// Whether it was ended. If not, it may still run.
        is_ended: bool,
    },
    /// The place where it runs can't be reached, or the connection to it was lost; it may still run.
    Lost {
        /// Why, as far as is known.
        cause: String,
        /// What it wrote until then; never a code.
        so_far: CommandOutput,
    },
}

impl fmt::Display for RunFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { program } => write!(f, "there is no `{program}`"),
            Self::NotStarted { cause } => write!(f, "it was not started: {cause}"),
            Self::TimedOut { after, is_ended, so_far } => {
                let then = if *is_ended { "was stopped" } else { "may still run" };
                write!(f, "it did not end within {after:?} and {then}")?;
                // The last complaint often says what it waits for.
                match so_far.stderr.lines().rfind(|line| !line.trim().is_empty()) {
                    Some(last) => write!(f, ": {}", last.trim()),
                    None => Ok(()),
                }
            }
            Self::Lost { cause, .. } => write!(f, "it may still run: {cause}"),
        }
    }
}

impl std::error::Error for RunFailure {}

/// A way to run commands in one place: a local process, an exec in a container or through Pebble.
///
/// Nothing but the command's own environment reaches it: not the runner's. Output is bounded.
#[async_trait]
pub trait CommandRunner: Send + Sync {
    /// The command ended by itself, well or not, or was killed by someone else.
    ///
    /// # Errors
    ///
    /// When it never began or its end is not known.
    async fn run(&self, invocation: &Invocation) -> Result<CommandOutput, RunFailure>;
}

#[async_trait]
impl<T: CommandRunner + ?Sized> CommandRunner for Arc<T> {
    async fn run(&self, invocation: &Invocation) -> Result<CommandOutput, RunFailure> {
        (**self).run(invocation).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_end_is_told_with_the_last_that_it_said() {
        let so_far = |stderr: &str| CommandOutput {
            code: None,
            stdout: "progress".to_owned(),
            stderr: stderr.to_owned(),
        };
        let after = Duration::from_secs(60);
        let told = |stderr, is_ended| {
            RunFailure::TimedOut { after, so_far: so_far(stderr), is_ended }.to_string()
        };
        assert_eq!(told("", true), "it did not end within 60s and was stopped");
        assert_eq!(told(" \n", false), "it did not end within 60s and may still run");
        let said = told("one\nit waits for the lock\n\n", true);
        assert_eq!(said, "it did not end within 60s and was stopped: it waits for the lock");
    }
}
