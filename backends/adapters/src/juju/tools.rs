//! Running hook tools.

use std::time::Duration;

use pgdrill_core::{PortError, PortErrorKind, ports::CommandExit, ports::PortResult};
use serde::de::DeserializeOwned;

use crate::command::{CommandOutput, CommandRunner, Invocation, RunFailure};

pub(super) const PORT: &str = "unit";

/// The hook tools, as processes of a runner whose environment is a hook's.
#[derive(Debug)]
pub struct HookTools<R> {
    runner: R,
    limit: Duration,
}

impl<R: CommandRunner> HookTools<R> {
    /// Tools that may take `limit` each: one that hangs must not hang the unit.
    pub const fn new(runner: R, limit: Duration) -> Self {
        Self { runner, limit }
    }

    /// Runs a tool; what it wrote to standard output.
    pub(super) async fn run(
        &self,
        operation: &'static str,
        argv: &[&str],
        stdin: Option<String>,
    ) -> PortResult<String> {
        let tool = argv.first().copied().unwrap_or_default();
        let invocation = Invocation {
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            user: None,
            stdin: stdin.map(String::into_bytes),
            timeout: self.limit,
        };
        let error = |kind, cause| PortError::new(kind, PORT, operation, cause);
        match self.runner.run(&invocation).await {
            Ok(CommandOutput { code: Some(0), stdout, .. }) => Ok(stdout),
            Ok(CommandOutput { code, stderr, stdout: _ }) => {
                let cause = cause(&stderr).map_or_else(
                    || format!("{tool} ended without a word"),
                    |cause| format!("{tool}: {cause}"),
                );
                let exit = CommandExit { code, stdout: String::new(), stderr };
                Err(error(kind(&exit), cause).with_exit(exit))
            }
            Err(failure) => {
                let kind = match failure {
                    RunFailure::Missing { .. } => PortErrorKind::NotFound,
                    RunFailure::NotStarted { .. } => PortErrorKind::Refused,
                    RunFailure::TimedOut { .. } => PortErrorKind::TimedOut,
                    RunFailure::Lost { .. } => PortErrorKind::Unreachable,
                };
                Err(error(kind, format!("{tool}: {failure}")))
            }
        }
    }

    /// Runs a tool that answers in JSON.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        argv: &[&str],
    ) -> PortResult<T> {
        let text = self.run(operation, argv, None).await?;
        // What the tool said is not shown: it may hold a credential.
        serde_json::from_str(&text).map_err(|error| {
            let tool = argv.first().copied().unwrap_or_default();
            let (line, column) = (error.line(), error.column());
            let cause = format!("{tool}: its answer can't be read: line {line} column {column}");
            PortError::new(PortErrorKind::Malformed, PORT, operation, cause)
        })
    }
}

/// The line in which a tool says why. Juju begins it with `ERROR`.
fn cause(stderr: &str) -> Option<&str> {
    let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines().find(|line| line.starts_with("ERROR ")).or_else(|| lines().next_back())?;
    Some(line.strip_prefix("ERROR ").unwrap_or(line))
}

/// The kind of a failure, from the words of the tool: Juju has no other way to distinguish them.
fn kind(exit: &CommandExit) -> PortErrorKind {
    let says = |words: &[&str]| words.iter().any(|word| exit.stderr.contains(word));
    if exit.code.is_none() {
        PortErrorKind::Unreachable
    } else if says(&["permission denied", "cannot write relation settings", "not the leader"]) {
        PortErrorKind::Denied
    } else if says(&["not found"]) {
        PortErrorKind::NotFound
    } else if says(&["connection refused", "is shut down"]) {
        PortErrorKind::Unreachable
    } else {
        PortErrorKind::Refused
    }
}
