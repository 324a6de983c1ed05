//! The workload container.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use hyper::Method;
use pgdrill_core::{
    PortError, PortErrorKind,
    ports::{CommandExit, PortResult, Service, ServiceState, Workload},
};
use serde::Deserialize;
use serde_json::json;

use super::{Pebble, PebbleFailure, escaped, failure::change_words};
use crate::{
    command::{CommandOutput, CommandRunner as _, Invocation, RunFailure},
    data_directory::{self, RUNS, STILL_RUNS},
    notes::Notes,
};

const PORT: &str = "workload";
/// How long it may take to move a data directory aside, which is one entry of a folder.
const MOVE: Duration = Duration::from_secs(30);
/// How long the removal of a large database may take.
const REMOVE: Duration = Duration::from_secs(15 * 60);
/// How much longer than its own limit a program may take, until it is ended.
const SLACK: Duration = Duration::from_secs(10);
/// The pause before a service that is being stopped is asked for again.
const PAUSE: Duration = Duration::from_millis(200);
/// How Pebble says that it is stopping the service: to whoever starts it, in the error of the change; to whoever stops
/// it, in the log of a change that is done at once (`doStart` and `doStop` of its `servstate`).
const STOPPING: [&str; 2] = ["service while terminating", "service while killing"];
const ALREADY_STOPPING: &str = "already stopping";
const RUNNING: &str = "the database is running";
const RESTARTING: &str = "the database failed, and is about to be started again";

/// A workload container, by its supervisor.
///
/// The database does not run once its service has stopped and no server is left on its data: a manager that Pebble
/// kills leaves its server running, which is in a session of its own. Where one is left, the service is started again.
#[derive(Clone)]
pub struct PebbleWorkload {
    pebble: Pebble,
    data: String,
    user: String,
    notes: Option<Arc<dyn Notes>>,
}

/// A service, as far as it is used.
#[derive(Debug, Deserialize)]
struct ServiceInfo {
    name: String,
    current: String,
}

impl PebbleWorkload {
    /// The container whose database keeps its data in the folder `data`, as `user`.
    #[must_use]
    pub fn new(pebble: Pebble, data: impl Into<String>, user: impl Into<String>) -> Self {
        Self { pebble, data: data.into(), user: user.into(), notes: None }
    }

    /// This container, with a place for what is worth knowing and is no failure.
    #[must_use]
    pub fn noting(self, notes: Arc<dyn Notes>) -> Self {
        Self { notes: Some(notes), ..self }
    }

    /// Pebble's word for what a service does now; `None`: it knows no such service.
    async fn current(&self, service: Service) -> Result<Option<String>, PebbleFailure> {
        let target = format!("/v1/services?names={}", escaped(service.name()));
        let answer = self.pebble.ask(Method::GET, &target, None, self.pebble.limits.request).await;
        let found: Vec<ServiceInfo> = answer?.read()?;
        let found = found.into_iter().find(|info| info.name == service.name());
        Ok(found.map(|info| info.current))
    }

    async fn state(&self, service: Service) -> Result<ServiceState, PebbleFailure> {
        Ok(match self.current(service).await?.as_deref() {
            Some("active") => ServiceState::Running,
            // `backoff` is Pebble's word for one that ended and will be started again: until then it does not run.
            Some("inactive" | "backoff" | "error") => ServiceState::Stopped,
            Some(other) => return Err(PebbleFailure::garbled(format!("a service is `{other}`"))),
            None => ServiceState::Unknown,
        })
    }

    /// Has a service started or stopped. One that is being stopped is asked for again, until it has stopped.
    async fn act(&self, operation: &'static str, action: &str, service: Service) -> PortResult<()> {
        let limit = self.pebble.limits.service;
        let acted = tokio::time::timeout(limit + SLACK, self.settled(action, service)).await;
        let acted = acted.unwrap_or_else(|_| Err(PebbleFailure::unready(limit)));
        acted.map_err(|failure| failure.at(PORT, operation))
    }

    #[expect(clippy::disallowed_methods, reason = "Pebble tells nobody when a service has stopped")]
    async fn settled(&self, action: &str, service: Service) -> Result<(), PebbleFailure> {
        let limits = self.pebble.limits;
        let body = json!({ "action": action, "services": [service.name()] });
        loop {
            let asked = self.pebble.ask(Method::POST, "/v1/services", Some(&body), limits.request);
            let reply = asked.await.map_err(unknown)?;
            let Some(change) = reply.change else {
                return Err(PebbleFailure::garbled("it names no change"));
            };
            let change = self.pebble.ready(&change, limits.service).await?;
            let mut log = change.tasks.iter().flat_map(|task| &task.log);
            match change.err.filter(|error| !error.is_empty()) {
                Some(error) if STOPPING.iter().any(|words| error.contains(words)) => {}
                Some(error) => return Err(PebbleFailure::refused(change_words(&error))),
                None if log.any(|line| line.contains(ALREADY_STOPPING)) => {}
                None => return Ok(()),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits until no server runs on the data.
    async fn await_end(&self, operation: &'static str) -> PortResult<()> {
        let limit = self.pebble.limits.service;
        let seconds = limit.as_secs().to_string();
        let arguments = [self.data.as_str(), &seconds];
        let output = self.run(operation, data_directory::AWAIT_END, &arguments, limit).await?;
        match output.code {
            Some(0) => Ok(()),
            Some(STILL_RUNS) => {
                let process = said(&output);
                let cause = format!(
                    "the service was stopped, and its server still runs after {limit:?} ({process})"
                );
                Err(PortError::new(PortErrorKind::TimedOut, PORT, operation, cause))
            }
            Some(_) | None => Err(failed(operation, output)),
        }
    }

    /// Runs a program of the data directory as its user, who alone sees what runs in it.
    async fn run(
        &self,
        operation: &'static str,
        program: &str,
        arguments: &[&str],
        limit: Duration,
    ) -> PortResult<CommandOutput> {
        let argv = data_directory::argv(program, arguments);
        let user = Some(self.user.clone());
        let invocation = Invocation { argv, user, stdin: None, timeout: limit + SLACK };
        self.pebble.run(&invocation).await.map_err(|failure| {
            let kind = match failure {
                RunFailure::Missing { .. } | RunFailure::NotStarted { .. } => {
                    PortErrorKind::NotFound
                }
                RunFailure::TimedOut { .. } => PortErrorKind::TimedOut,
                RunFailure::Lost { .. } => PortErrorKind::Unreachable,
            };
            PortError::new(kind, PORT, operation, format!("the data directory: {failure}"))
        })
    }

    /// Deletes what was moved aside. The data directory is empty whether that works or not, so that it does not is noted;
    /// the next emptying tries it again.
    async fn remove_aside(&self, operation: &'static str) {
        let program = data_directory::REMOVE_ASIDE;
        let why = match self.run(operation, program, &[&self.data], REMOVE).await {
            Ok(output) if output.code == Some(0) => return,
            Ok(output) => said(&output),
            Err(error) => error.cause().to_owned(),
        };
        if let Some(notes) = &self.notes {
            let data = &self.data;
            notes.note(&format!("{data}: its old content stays beside it: {why}")).await;
        }
    }
}

/// Pebble says that a service is unknown in words only.
fn unknown(failure: PebbleFailure) -> PebbleFailure {
    let words = ["does not exist", "not found", "is not in the plan"];
    if failure.is_reply && words.iter().any(|words| failure.cause.contains(words)) {
        return PebbleFailure { kind: PortErrorKind::NotFound, ..failure };
    }
    failure
}

/// The first line that a program wrote.
fn said(output: &CommandOutput) -> String {
    let line = output.stdout.lines().chain(output.stderr.lines()).next();
    line.unwrap_or("it ended without a word").to_owned()
}

/// A program that did not do what it was for.
fn failed(operation: &'static str, output: CommandOutput) -> PortError {
    let kind = match output.code {
        Some(_) => PortErrorKind::Refused,
        None => PortErrorKind::Unreachable,
    };
    let cause = said(&output);
    PortError::new(kind, PORT, operation, cause).with_exit(CommandExit::from(output))
}

fn refused(operation: &'static str, cause: impl Into<String>) -> PortError {
    PortError::new(PortErrorKind::Refused, PORT, operation, cause)
}

#[async_trait]
impl Workload for PebbleWorkload {
    async fn is_reachable(&self) -> PortResult<bool> {
        let limit = self.pebble.limits.request;
        Ok(self.pebble.ask(Method::GET, "/v1/system-info", None, limit).await.is_ok())
    }

    async fn service(&self, service: Service) -> PortResult<ServiceState> {
        self.state(service).await.map_err(|failure| failure.at(PORT, "service"))
    }

    async fn start(&self, service: Service) -> PortResult<()> {
        self.act("start", "start", service).await
    }

    async fn stop(&self, service: Service) -> PortResult<()> {
        self.act("stop", "stop", service).await?;
        let ended = match service {
            Service::Database => self.await_end("stop").await,
            Service::TlsServer => return Ok(()),
        };
        let Err(error) = ended else { return Ok(()) };
        // Its manager is gone already, and whoever is told that it did not stop takes it for running.
        match self.settled("start", service).await {
            Ok(()) => Err(error),
            Err(failure) => {
                let causes =
                    [error.cause(), "and its service can't be started again", &failure.cause];
                Err(PortError::new(error.kind(), PORT, "stop", causes.join(": ")))
            }
        }
    }

    async fn reload(&self, service: Service) -> PortResult<()> {
        let failed = |failure: PebbleFailure| unknown(failure).at(PORT, "reload");
        match self.state(service).await.map_err(failed)? {
            ServiceState::Running => {}
            ServiceState::Stopped => {
                return Err(refused("reload", format!("{} is not running", service.name())));
            }
            ServiceState::Unknown => {
                let cause = format!("there is no service {}", service.name());
                return Err(PortError::new(PortErrorKind::NotFound, PORT, "reload", cause));
            }
        }
        let body = json!({ "signal": "SIGHUP", "services": [service.name()] });
        let limit = self.pebble.limits.request;
        let asked = self.pebble.ask(Method::POST, "/v1/signals", Some(&body), limit).await;
        asked.map(drop).map_err(failed)
    }

    async fn empty_data_directory(&self) -> PortResult<()> {
        const OPERATION: &str = "empty_data_directory";
        if !is_safe(&self.data) {
            return Err(refused(OPERATION, format!("`{}` is no data directory", self.data)));
        }
        // A database that runs would be destroyed under its own server.
        let current = self.current(Service::Database).await;
        match current.map_err(|failure| failure.at(PORT, OPERATION))?.as_deref() {
            Some("active") => return Err(refused(OPERATION, RUNNING)),
            Some("backoff") => return Err(refused(OPERATION, RESTARTING)),
            Some(_) | None => {}
        }
        let program = data_directory::MOVE_ASIDE;
        let output = self.run(OPERATION, program, &[&self.data], MOVE).await?;
        match output.code {
            Some(0) => {}
            Some(RUNS) => return Err(refused(OPERATION, RUNNING)),
            Some(_) | None => return Err(failed(OPERATION, output)),
        }
        self.remove_aside(OPERATION).await;
        Ok(())
    }
}

/// A folder that can be emptied without a disaster: absolute, without steps upwards, and two deep at least.
fn is_safe(folder: &str) -> bool {
    let parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    folder.starts_with('/') && parts.len() >= 2 && !parts.contains(&"..")
}
