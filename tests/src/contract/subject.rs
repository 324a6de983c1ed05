//! A backend under contract.

use std::fmt;

use async_trait::async_trait;
use pgdrill_core::{
    Hook, Ports, S3Settings,
    inventory::Inventory,
    ports::{ClusterSettings, PortResult, RepositorySettings, UnitId},
};
use pgdrill_sim::{
    ActionSeen, Awaited, BackupGiven, Change, Event, Given, Observation, S3Given, StanzaGiven,
};

use super::PromiseFailure;

/// Why a backend can't make something true, or can't show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unable(pub String);

impl fmt::Display for Unable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unable {}

/// Makes subjects of one backend.
#[async_trait]
pub trait Subjects: Send + Sync {
    /// The backend's name.
    fn backend(&self) -> &'static str;

    /// A subject on which `given` is true and nothing else has happened. Every credential on it contains
    /// [`CANARY`](super::CANARY). The subject that was made before is of no use from then on.
    async fn make(&self, given: &Given) -> Result<Box<dyn Subject>, PromiseFailure>;
}

/// The subject of a contract: one backend, as a contract uses it. Every call can be out of a backend's power, which
/// skips the promise, or fail, which breaks it.
#[async_trait]
pub trait Subject: Send + Sync {
    /// The ports under contract, bound to a unit.
    fn ports(&self, unit: u32) -> PortResult<Ports>;

    /// The change is true.
    async fn happen(&self, change: &Change) -> Result<(), PromiseFailure>;

    /// What can be seen from outside.
    async fn observe(&self) -> Result<Observation, PromiseFailure>;

    /// Juju delivers an event to its unit, and its hook runs until [`Subject::end`]: the events that it
    /// fires again first.
    async fn begin(&self, event: &Event) -> Result<Vec<Hook>, PromiseFailure>;

    /// The hook on this unit ends; what its action, if it was one, shows.
    async fn end(&self, unit: u32, succeeded: bool) -> Result<ActionSeen, PromiseFailure>;

    /// Nothing, where what a unit's ports ask of others they ask from within the unit, so that what cuts it off cuts
    /// them off.
    async fn asks_from_within(&self) -> Result<(), PromiseFailure>;

    /// The permission bits of the backup tool's configuration file.
    async fn configuration_mode(&self, unit: u32) -> Result<u32, PromiseFailure>;

    /// A client is connected to this unit's database from here on.
    async fn connect_client(&self, unit: u32) -> Result<(), PromiseFailure>;

    /// Whether that client's connection still answers.
    async fn is_client_connected(&self, unit: u32) -> Result<bool, PromiseFailure>;

    /// Whether a command goes on for a while, so that its caller can leave it in the middle.
    fn takes_time(&self) -> Result<(), PromiseFailure> {
        Ok(())
    }
}

/// A cluster of one unit with an S3 relation, and no stanza yet.
pub(super) fn related() -> Given {
    Given { s3: Some(S3Given::default()), ..Given::default() }
}

/// A cluster of one unit with an S3 relation, and an initialised stanza that holds a full backup.
pub(super) fn ready() -> Given {
    Given { stanza: StanzaGiven::Initialised, backups: vec![BackupGiven::Full], ..related() }
}

/// Two such units without TLS: unit 0 is primary and leader.
pub(super) fn pair() -> Given {
    Given { units: 2, ..ready() }
}

/// Two such units with TLS, both TLS servers running.
pub(super) fn tls_pair() -> Given {
    Given { tls: true, ..pair() }
}

/// Three such units.
pub(super) fn tls_trio() -> Given {
    Given { units: 3, ..tls_pair() }
}

/// The S3 settings of the relation as it is now.
pub(super) async fn s3(ports: &Ports) -> Result<S3Settings, PromiseFailure> {
    let relation = ports.unit.s3_relation().await?;
    let relation =
        relation.ok_or_else(|| PromiseFailure::Broken("there is no S3 relation".into()))?;
    S3Settings::from_relation(&relation).map_err(|problem| {
        PromiseFailure::Broken(format!("the S3 relation is no good: {problem:?}"))
    })
}

/// What the hooks would configure on this unit now.
pub(super) async fn repository_settings(
    ports: &Ports,
) -> Result<RepositorySettings, PromiseFailure> {
    let tls = ports.unit.tls_material().await?.is_complete();
    let tls_peers: Vec<UnitId> = if tls { ports.unit.peers().await? } else { Vec::new() };
    let stanza = ports.unit.identity().shared_stanza();
    Ok(RepositorySettings { s3: Some(s3(ports).await?), stanza, tls_peers })
}

/// What the repository holds, as this unit's hooks read it.
pub(super) async fn own_inventory(ports: &Ports) -> PortResult<Inventory> {
    let info = ports.repository.info().await?;
    Inventory::parse(&info, ports.unit.identity().stanza())
}

/// The settings of a healthy unit whose WAL is archived.
pub(super) fn cluster_settings(ports: &Ports) -> ClusterSettings {
    ClusterSettings {
        archive_stanza: Some(ports.unit.identity().shared_stanza()),
        accepts_connections: true,
        restore: None,
    }
}

/// Every database that was started is up, or has given up.
pub(super) async fn settle(subject: &dyn Subject) -> Result<(), PromiseFailure> {
    subject.happen(&Change::Await(Awaited::DatabaseSettled)).await
}
