//! The backup tool, run by command on one unit.

use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use async_trait::async_trait;
use pgdrill_core::{
    PortError, PortErrorKind,
    ports::{BackupRequest, CommandExit, PortResult, Repository, RepositorySettings, UnitId},
};

use super::{View, unreachable};
use crate::{
    change::{MemberFate, PgbackrestFailureMode},
    pgbackrest::{self, CommandEnd},
    world::World,
};

#[async_trait]
impl Repository for View {
    async fn configure(&self, settings: &RepositorySettings) -> PortResult<()> {
        let mut world = self.world();
        let tls = world.juju.tls.is_complete();
        let unit = world.unit_mut(self.unit);
        match unit {
            Some(unit)
                if unit.is_workload_reachable
                    && !matches!(unit.fate, MemberFate::Frozen | MemberFate::Killed) =>
            {
                unit.repository = Some(Arc::new(settings.clone()));
                unit.has_certificates = tls;
                Ok(())
            }
            Some(_) | None => {
                Err(unreachable("repository", "configure", "the workload does not answer"))
            }
        }
    }

    async fn create_stanza(&self, stanza: &str) -> PortResult<()> {
        let mut world = self.world();
        let answer = pgbackrest::create_stanza(&mut world, self.unit, stanza);
        exit(&mut world, "create_stanza", "stanza-create", answer).map(drop)
    }

    async fn check(&self, stanza: &str) -> PortResult<()> {
        let mut world = self.world();
        let answer = pgbackrest::check(&mut world, self.unit, stanza);
        exit(&mut world, "check", "check", answer).map(drop)
    }

    async fn back_up(&self, request: &BackupRequest) -> PortResult<String> {
        let begun = {
            let mut world = self.world();
            world.advance(BACKUP_STARTS);
            pgbackrest::begin_backup(&mut world, self.unit, request)
        };
        // Whoever holds it there polls again once it goes on.
        poll_fn(|_| match self.world().is_held_midway(self.unit) {
            true => Poll::Pending,
            false => Poll::Ready(()),
        })
        .await;
        let mut world = self.world();
        let answer = match begun {
            Ok(begun) => pgbackrest::end_backup(&mut world, &begun, request),
            Err(answer) => answer,
        };
        exit(&mut world, "back_up", "backup", answer)
    }

    async fn info(&self) -> PortResult<String> {
        let mut world = self.world();
        let answer = pgbackrest::info(&mut world, self.unit);
        exit(&mut world, "info", "info", answer)
    }

    async fn ping(&self, unit: UnitId) -> PortResult<()> {
        let mut world = self.world();
        let answer = pgbackrest::ping(&mut world, self.unit, unit.0);
        exit(&mut world, "ping", "server-ping", answer).map(drop)
    }
}

/// How long `backup` takes at least, also where it fails at once: 0.1 to 0.4 s (records 29 and 102k), and its dispatch as long
/// again. Whole seconds keep worlds alike that differ in nothing else.
const BACKUP_STARTS: Duration = Duration::from_secs(1);

/// How long a command that does not end is waited for.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(60);

/// The exit code of a command that was asked to end.
const TERMINATED: i32 = 63;

/// What is kept of a command that failed.
fn kept(world: &World, code: Option<i32>, stdout: String) -> CommandExit {
    let is_silent = world.failure_mode == PgbackrestFailureMode::Silent;
    let stdout = if is_silent { String::new() } else { stdout };
    CommandExit { code, stdout, stderr: String::new() }
}

/// What a port makes of how a command ended.
fn exit(
    world: &mut World,
    operation: &'static str,
    command: &str,
    answer: CommandEnd,
) -> PortResult<String> {
    let error = |kind, cause: String| PortError::new(kind, "repository", operation, cause);
    match answer {
        CommandEnd::Done(stdout) => Ok(stdout),
        CommandEnd::Failed(code, text) => {
            let cause = format!("{command} ended with exit code {code}");
            let stdout = pgbackrest::error_lines(world.now, command, code, &text);
            Err(error(PortErrorKind::Refused, cause).with_exit(kept(world, Some(code), stdout)))
        }
        CommandEnd::Terminated => {
            let cause = format!("{command} was terminated, with exit code {TERMINATED}");
            let stdout = pgbackrest::terminated_lines(world.now, command);
            Err(error(PortErrorKind::Refused, cause).with_exit(kept(
                world,
                Some(TERMINATED),
                stdout,
            )))
        }
        CommandEnd::Killed => {
            let cause = format!("{command} was killed");
            let stdout = pgbackrest::killed_lines(world.now, command);
            Err(error(PortErrorKind::Unreachable, cause).with_exit(kept(world, None, stdout)))
        }
        CommandEnd::Hung => {
            world.advance(GIVEN_UP_AFTER);
            let cause = format!("{command} did not end in time; whether it still runs is unknown");
            Err(error(PortErrorKind::TimedOut, cause))
        }
        CommandEnd::Lost => Err(error(
            PortErrorKind::Unreachable,
            format!("the container in which {command} runs does not answer"),
        )),
    }
}
