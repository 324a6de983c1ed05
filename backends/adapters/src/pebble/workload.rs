//! The workload container.

use std::time::Duration;

use async_trait::async_trait;
use hyper::Method;
use pgdrill_core::{
    PortError, PortErrorKind,
    ports::{CommandExit, PortResult, Service, ServiceState, Workload},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Pebble, PebbleFailure, escaped, failure::change_words};
use crate::command::{CommandRunner as _, Invocation, RunFailure};

const PORT: &str = "workload";
/// How long the removal of a large database may take.
const EMPTY: Duration = Duration::from_secs(15 * 60);

/// A workload container, by its supervisor.
#[derive(Debug, Clone)]
pub struct PebbleWorkload {
    pebble: Pebble,
    data: String,
    user: String,
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
        Self { pebble, data: data.into(), user: user.into() }
    }

    async fn state(&self, service: Service) -> Result<ServiceState, PebbleFailure> {
        let target = format!("/v1/services?names={}", escaped(service.name()));
        let answer = self.pebble.ask(Method::GET, &target, None, self.pebble.limits.request).await;
        let found: Vec<ServiceInfo> = answer?.read()?;
        let found = found.into_iter().find(|info| info.name == service.name());
        Ok(match found.as_ref().map(|info| info.current.as_str()) {
            Some("active") => ServiceState::Running,
            // `backoff` is Pebble's word for one that ended and will be started again.
            Some("inactive" | "backoff" | "error") => ServiceState::Stopped,
            Some(other) => return Err(PebbleFailure::garbled(format!("a service is `{other}`"))),
            None => ServiceState::Unknown,
        })
    }

    async fn act(&self, operation: &'static str, action: &str, service: Service) -> PortResult<()> {
        let body = json!({ "action": action, "services": [service.name()] });
        let limits = self.pebble.limits;
        let asked =
            self.pebble.ask(Method::POST, "/v1/services", Some(&body), limits.request).await;
        let reply = asked.map_err(|failure| unknown(failure).at(PORT, operation))?;
        let Some(change) = reply.change else {
            return Err(PebbleFailure::garbled("it names no change").at(PORT, operation));
        };
        let change = self.pebble.ready(&change, limits.service).await;
        match change.map_err(|failure| failure.at(PORT, operation))?.err {
            Some(error) if !error.is_empty() => Err(refused(operation, change_words(&error))),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether the data directory is there.
    async fn has_data_directory(&self) -> Result<bool, PebbleFailure> {
        let target = format!("/v1/files?action=list&itself=true&path={}", escaped(&self.data));
        let limit = self.pebble.limits.request;
        match self.pebble.ask(Method::GET, &target, None, limit).await {
            Ok(reply) => {
                Ok(reply.result.as_array().is_some_and(|found: &Vec<Value>| !found.is_empty()))
            }
            Err(PebbleFailure { kind: PortErrorKind::NotFound, .. }) => Ok(false),
            Err(failure) => Err(failure),
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
        self.act("stop", "stop", service).await
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
        let state = self.state(Service::Database).await;
        if state.map_err(|failure| failure.at(PORT, OPERATION))? == ServiceState::Running {
            return Err(refused(OPERATION, "the database is running"));
        }
        if !self.has_data_directory().await.map_err(|failure| failure.at(PORT, OPERATION))? {
            return Ok(());
        }
        let argv = ["find", &self.data, "-mindepth", "1", "-delete"].map(str::to_owned).to_vec();
        let user = Some(self.user.clone());
        let invocation = Invocation { argv, user, stdin: None, timeout: EMPTY };
        match self.pebble.run(&invocation).await {
            Ok(output) if output.code == Some(0) => Ok(()),
            Ok(output) => {
                let kind = match output.code {
                    Some(_) => PortErrorKind::Refused,
                    None => PortErrorKind::Unreachable,
                };
                let cause = output.stderr.lines().next().unwrap_or("it ended without a word");
                let cause = cause.to_owned();
                Err(PortError::new(kind, PORT, OPERATION, cause)
                    .with_exit(CommandExit::from(output)))
            }
            Err(failure) => {
                let kind = match failure {
                    RunFailure::Missing { .. } | RunFailure::NotStarted { .. } => {
                        PortErrorKind::NotFound
                    }
                    RunFailure::TimedOut { .. } => PortErrorKind::TimedOut,
                    RunFailure::Lost { .. } => PortErrorKind::Unreachable,
                };
                Err(PortError::new(kind, PORT, OPERATION, failure.to_string()))
            }
        }
    }
}

/// A folder that can be emptied without a disaster: absolute, without steps upwards, and two deep at least.
fn is_safe(folder: &str) -> bool {
    let parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    folder.starts_with('/') && parts.len() >= 2 && !parts.contains(&"..")
}
