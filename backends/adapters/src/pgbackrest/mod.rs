//! pgBackRest, by its command line.

mod config;
mod paths;

use std::time::Duration;

use async_trait::async_trait;
use pgdrill_core::{
    PortError, PortErrorKind,
    ports::{BackupRequest, PortResult, Repository, RepositorySettings, UnitId},
};

use crate::{
    command::{Bounded, CommandOutput, CommandRunner, Invocation, RunFailure},
    files::{Access, FileFailure, Files},
};

pub use paths::{Database, PgBackRestLimits, PgBackRestPaths, Tls};

const PORT: &str = "repository";
/// The exit code of a command that was asked to end by SIGTERM. It reports no error then (pgBackRest 2.55.1).
const TERMINATED: i32 = 63;

/// The backup tool of one unit, run as the database's user where the database runs.
#[derive(Debug)]
pub struct PgBackRest<R, F> {
    runner: R,
    files: F,
    paths: PgBackRestPaths,
    limits: PgBackRestLimits,
}

impl<R: CommandRunner, F: Files> PgBackRest<R, F> {
    /// The tool of the unit at `place`, whose commands are run by `runner` and whose configuration is
    /// written through `files`.
    pub const fn new(
        runner: R,
        files: F,
        paths: PgBackRestPaths,
        limits: PgBackRestLimits,
    ) -> Self {
        Self { runner, files, paths, limits }
    }

    /// Runs a command of the tool; what it wrote to standard output.
    async fn run(
        &self,
        operation: &'static str,
        name: &str,
        arguments: &[&str],
        limit: Duration,
    ) -> PortResult<String> {
        let mut argv = vec![self.paths.program.clone()];
        argv.extend(arguments.iter().map(|&argument| argument.to_owned()));
        let user = Some(self.paths.user.clone());
        let invocation = Invocation { argv, user, stdin: None, timeout: limit };
        ended(operation, name, self.runner.run(&invocation).await)
    }

    async fn push(&self, path: &str, content: &str) -> PortResult<()> {
        let access = Access { owner: Some(&self.paths.user), mode: 0o600 };
        let pushed = self.files.push(path, content.as_bytes(), access).await;
        pushed.map_err(|FileFailure { kind, cause }| PortError::new(kind, PORT, "configure", cause))
    }
}

#[async_trait]
impl<R: CommandRunner, F: Files> Repository for PgBackRest<R, F> {
    async fn configure(&self, settings: &RepositorySettings) -> PortResult<()> {
        let rendered = config::render(&self.paths, &self.limits, settings)
            .map_err(|cause| PortError::new(PortErrorKind::Refused, PORT, "configure", cause))?;
        // A chain has a name of its own, so that the old configuration keeps the old chain until the new
        // one is in place. Old chains stay: a backup that runs may still read one.
        if let Some((path, chain)) = &rendered.authority {
            self.push(path, chain).await?;
        }
        self.push(&self.paths.configuration, &rendered.text).await
    }

    async fn create_stanza(&self, stanza: &str) -> PortResult<()> {
        let stanza = format!("--stanza={stanza}");
        let arguments = [stanza.as_str(), "stanza-create"];
        self.run("create_stanza", "stanza-create", &arguments, self.limits.command).await.map(drop)
    }

    async fn check(&self, stanza: &str) -> PortResult<()> {
        let stanza = format!("--stanza={stanza}");
        let limit = self.limits.command + self.limits.archive;
        self.run("check", "check", &[&stanza, "check"], limit).await.map(drop)
    }

    async fn back_up(&self, request: &BackupRequest) -> PortResult<String> {
        let stanza = format!("--stanza={}", request.stanza);
        let kind = format!("--type={}", request.kind.tool_name());
        let mut arguments = vec![stanza.as_str(), "--log-level-console=debug", &kind];
        if request.from_primary {
            arguments.push("--no-backup-standby");
        }
        arguments.push("backup");
        self.run("back_up", "backup", &arguments, self.limits.backup).await
    }

    async fn info(&self) -> PortResult<String> {
        // A warning on the console would stand before the JSON. What it reports as an error is read where it fails.
        let arguments =
            ["info", "--log-level-console=off", "--log-level-stderr=error", "--output=json"];
        let inventory = self.run("info", "info", &arguments, self.limits.command).await?;
        if inventory.len() > Bounded::WHOLE {
            let cause = format!("info: the inventory is longer than {} MiB", Bounded::WHOLE >> 20);
            return Err(PortError::new(PortErrorKind::Refused, PORT, "info", cause));
        }
        Ok(inventory)
    }

    async fn ping(&self, unit: UnitId) -> PortResult<()> {
        let host = self.paths.host(unit);
        let arguments = ["server-ping", "--io-timeout=10", host.as_str()];
        self.run("ping", "server-ping", &arguments, self.limits.ping).await.map(drop)
    }
}

/// What a port makes of how a command ended.
fn ended(
    operation: &'static str,
    name: &str,
    ended: Result<CommandOutput, RunFailure>,
) -> PortResult<String> {
    let error = |kind, cause: String| PortError::new(kind, PORT, operation, cause);
    match ended {
        Ok(CommandOutput { code: Some(0), stdout, .. }) => Ok(stdout),
        Ok(output @ CommandOutput { code: Some(code), .. }) => {
            let cause = match code {
                TERMINATED => format!("{name} was terminated, with exit code {code}"),
                _ => format!("{name} ended with exit code {code}"),
            };
            Err(error(PortErrorKind::Refused, cause).with_exit(output.into()))
        }
        Ok(output @ CommandOutput { code: None, .. }) => {
            let cause = format!("{name} was killed");
            Err(error(PortErrorKind::Unreachable, cause).with_exit(output.into()))
        }
        Err(failure) => {
            let cause = format!("{name}: {failure}");
            Err(match failure {
                RunFailure::Missing { .. } | RunFailure::NotStarted { .. } => {
                    error(PortErrorKind::NotFound, cause)
                }
                RunFailure::TimedOut { so_far, .. } => {
                    error(PortErrorKind::TimedOut, cause).with_exit(so_far.into())
                }
                RunFailure::Lost { so_far, .. } => {
                    error(PortErrorKind::Unreachable, cause).with_exit(so_far.into())
                }
            })
        }
    }
}

#[cfg(test)]
mod tests;
