//! One container on a stage: stopped, frozen, cut off, and started again.

use std::{slice, time::Duration};

use futures_util::StreamExt as _;
use testcontainers::bollard::{
    Docker,
    models::{EndpointSettings, NetworkConnectRequest, NetworkDisconnectRequest},
    query_parameters::{
        KillContainerOptionsBuilder, LogsOptionsBuilder, StopContainerOptionsBuilder,
    },
};

use super::{
    reaper,
    stage::{EngineResult, complaint},
};

/// As much of a container's last words as is reported.
const REPORTED: usize = 200;

/// A container that was started.
#[derive(Debug, Clone)]
pub struct Container {
    pub(super) docker: Docker,
    pub(super) network: String,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) ports: Vec<(u16, u16)>,
}

/// What a container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContainerState {
    /// Whether it runs.
    pub is_running: bool,
    /// Whether everything in it stands still.
    pub is_paused: bool,
    /// Whether it is on its stage's network.
    pub is_connected: bool,
}

impl ContainerState {
    /// Whether it runs, goes on and reaches the others.
    #[must_use]
    pub const fn is_reached(self) -> bool {
        self.is_running && !self.is_paused && self.is_connected
    }
}

impl Container {
    /// The engine's own name for it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its name on the engine.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The port of 127.0.0.1 that leads to a port of the container; 0 when that port was not asked for.
    #[must_use]
    pub fn port(&self, port: u16) -> u16 {
        self.ports.iter().find(|(own, _)| *own == port).map_or(0, |&(_, on_host)| on_host)
    }

    /// Everything in it stands still.
    ///
    /// # Errors
    ///
    /// The engine refuses.
    pub async fn pause(&self) -> EngineResult<()> {
        self.did("paused", self.docker.pause_container(&self.id).await)
    }

    /// Everything in it goes on.
    ///
    /// # Errors
    ///
    /// The engine refuses.
    pub async fn unpause(&self) -> EngineResult<()> {
        self.did("unpaused", self.docker.unpause_container(&self.id).await)
    }

    /// Everything in it is dead at once.
    ///
    /// # Errors
    ///
    /// The engine refuses.
    pub async fn kill(&self) -> EngineResult<()> {
        let options = KillContainerOptionsBuilder::default().signal("SIGKILL").build();
        self.did("killed", self.docker.kill_container(&self.id, Some(options)).await)
    }

    /// It has ended, of its own will if it takes no longer than `grace`.
    ///
    /// # Errors
    ///
    /// The engine refuses.
    pub async fn stop(&self, grace: Duration) -> EngineResult<()> {
        let seconds = i32::try_from(grace.as_secs()).unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::default().t(seconds).build();
        self.did("stopped", self.docker.stop_container(&self.id, Some(options)).await)
    }

    /// It runs again after it was killed or stopped; it need not be ready yet.
    ///
    /// # Errors
    ///
    /// The engine refuses.
    pub async fn start(&self) -> EngineResult<()> {
        self.did("started", self.docker.start_container(&self.id, None).await)
    }

    /// It reaches nobody and nobody reaches it.
    ///
    /// # Errors
    ///
    /// The engine refuses.
    pub async fn disconnect(&self) -> EngineResult<()> {
        let request = NetworkDisconnectRequest { container: self.id.clone(), force: Some(true) };
        self.did("cut off", self.docker.disconnect_network(&self.network, request).await)
    }

    /// It reaches the others again, and they reach it.
    ///
    /// # Errors
    ///
    /// The engine refuses.
    pub async fn connect(&self) -> EngineResult<()> {
        let request = NetworkConnectRequest {
            container: self.id.clone(),
            endpoint_config: Some(EndpointSettings::default()),
        };
        self.did("connected", self.docker.connect_network(&self.network, request).await)
    }

    /// What it does.
    ///
    /// # Errors
    ///
    /// The engine does not know it.
    pub async fn state(&self) -> EngineResult<ContainerState> {
        let found = self.docker.inspect_container(&self.id, None).await;
        let found = found.map_err(|error| complaint(&self.name, &error.to_string()))?;
        let state = found.state.unwrap_or_default();
        let networks = found.network_settings.and_then(|settings| settings.networks);
        Ok(ContainerState {
            is_running: state.running.unwrap_or(false),
            is_paused: state.paused.unwrap_or(false),
            is_connected: networks.is_some_and(|all| all.contains_key(&self.network)),
        })
    }

    /// Whether it runs; one that stands still does.
    ///
    /// # Errors
    ///
    /// The engine does not know it.
    pub async fn is_running(&self) -> EngineResult<bool> {
        Ok(self.state().await?.is_running)
    }

    /// The last line that it wrote, as far as it is of use to people.
    pub(super) async fn last_words(&self) -> String {
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).tail("20").build();
        let mut log = self.docker.logs(&self.id, Some(options));
        let mut written = String::new();
        while let Some(Ok(piece)) = log.next().await {
            written.push_str(&piece.to_string());
        }
        let last = written.lines().map(str::trim).rfind(|line| !line.is_empty());
        last.unwrap_or("it said nothing").chars().take(REPORTED).collect()
    }

    /// Another network reaches it, too, under this name.
    ///
    /// # Errors
    ///
    /// The engine refuses.
    pub async fn join(&self, network: &str, name: &str) -> EngineResult<()> {
        let request = NetworkConnectRequest {
            container: self.id.clone(),
            endpoint_config: Some(EndpointSettings {
                aliases: Some(vec![name.to_owned()]),
                ..EndpointSettings::default()
            }),
        };
        self.did("joined", self.docker.connect_network(network, request).await)
    }

    /// It is gone with its data.
    ///
    /// # Errors
    ///
    /// The engine refuses.
    pub async fn remove(&self) -> EngineResult<()> {
        self.did("removed", reaper::remove(&self.docker, slice::from_ref(&self.id)).await)
    }

    fn did<T>(
        &self,
        what: &str,
        answer: Result<T, testcontainers::bollard::errors::Error>,
    ) -> EngineResult<()> {
        let refused = |error| complaint(&self.name, &format!("can't be {what}: {error}"));
        answer.map(drop).map_err(refused)
    }
}
