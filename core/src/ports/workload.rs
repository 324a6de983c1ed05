//! The workload container.

use async_trait::async_trait;

use super::PortResult;

/// The services that the hooks start and stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// The database, under its cluster manager.
    Database,
    /// The TLS server through which other units reach this unit's files.
    TlsServer,
}

impl Service {
    /// Every service.
    pub const ALL: &'static [Self] = &[Self::Database, Self::TlsServer];

    /// The name that the supervisor knows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Database => "postgresql",
            Self::TlsServer => "pgbackrest server",
        }
    }
}

/// What the supervisor says of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceState {
    /// It runs.
    Running,
    /// It is known and does not run. One that failed may be started again until it is stopped.
    Stopped,
    /// The supervisor has never heard of it.
    Unknown,
}

/// The workload container and its supervisor.
#[async_trait]
pub trait Workload: Send + Sync {
    /// Whether the supervisor answers. That it does not is an answer, not an error.
    async fn is_reachable(&self) -> PortResult<bool>;

    /// What a service does now.
    async fn service(&self, service: Service) -> PortResult<ServiceState>;

    /// The service runs. Starting a running one changes nothing.
    async fn start(&self, service: Service) -> PortResult<()>;

    /// The service does not run, and of the database no server is left on its data. Stopping a stopped one changes
    /// nothing; after an error it may run.
    async fn stop(&self, service: Service) -> PortResult<()>;

    /// The running service has taken its new configuration without interrupting what it serves.
    async fn reload(&self, service: Service) -> PortResult<()>;

    /// The data directory holds nothing; an absent one counts. After an error it holds all that it held, or nothing, if
    /// it is unknown how the call ended: never a part.
    async fn empty_data_directory(&self) -> PortResult<()>;
}
