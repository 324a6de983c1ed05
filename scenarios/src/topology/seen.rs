//! What can be seen of a topology that stays up, whatever is dead of it.

use pgdrill_core::ports::{MemberState, ServiceState};
use pgdrill_sim::BackupSeen;
use serde::Serialize;

/// A topology as it is seen from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TopologySeen {
    /// Its name.
    pub name: String,
    /// The backend on which it is, as the command line names it.
    pub backend: &'static str,
    /// Whether the units hold TLS material.
    pub tls: bool,
    /// The units, in order.
    pub units: Vec<UnitThere>,
    /// Every other container.
    pub containers: Vec<ContainerSeen>,
    /// The S3 server, by the software that it is.
    pub s3: String,
    /// The endpoint as the units know it.
    pub endpoint: String,
    /// The endpoint as this machine reaches it, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_here: Option<String>,
    /// The bucket.
    pub bucket: String,
    /// The stanza that Juju records.
    pub stanza: Option<String>,
    /// The stanza into which WAL is archived.
    pub archives_into: Option<String>,
    /// The label of the backup that is being restored.
    pub restoring: Option<String>,
    /// The backups of the bucket, oldest first.
    pub backups: Vec<BackupThere>,
    /// Why they are not known, if they are not.
    pub backups_unknown: Option<String>,
    /// The faults that are in force, as they were asked for.
    pub faults: Vec<String>,
}

/// One unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct UnitThere {
    /// Its number.
    pub unit: u32,
    /// Whether Juju elected it.
    pub leads: bool,
    /// Its container, if it is in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerSeen>,
    /// `primary`, `replica`, or `unknown` while its server does not say.
    pub role: &'static str,
    /// The status that it shows.
    pub status: &'static str,
    /// The status's message.
    pub message: String,
    /// What its cluster manager says of it.
    pub member: &'static str,
    /// Its database service.
    pub postgresql: &'static str,
    /// Its TLS server.
    pub pgbackrest_server: &'static str,
    /// Whether it accepts new client connections, where that is known.
    pub accepts_connections: Option<bool>,
    /// Whether its data directory is empty, where that is known.
    pub data_empty: Option<bool>,
    /// The events that will be fired again.
    pub deferred: Vec<&'static str>,
    /// The port of 127.0.0.1 that leads to its database, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_port: Option<u16>,
    /// The port of 127.0.0.1 that leads to its cluster manager, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_port: Option<u16>,
}

/// A container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ContainerSeen {
    /// Its name.
    pub name: String,
    /// `running`, `frozen`, `cut off`, `dead`, or `gone` when the engine does not know it.
    pub is: &'static str,
}

/// One backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct BackupThere {
    /// Its id, as users name it.
    pub id: String,
    /// Its label.
    pub label: String,
    /// How much it holds.
    pub kind: &'static str,
    /// Whether it has errors.
    pub failed: bool,
    /// The stanza that holds it.
    pub stanza: String,
}

impl From<&BackupSeen> for BackupThere {
    fn from(backup: &BackupSeen) -> Self {
        Self {
            id: backup.id.clone(),
            label: backup.label.clone(),
            kind: backup.kind.name(),
            failed: backup.failed,
            stanza: backup.stanza.clone(),
        }
    }
}

/// What a cluster manager says of its member, in words; `None`: it does not answer.
#[must_use]
pub const fn member_name(member: Option<MemberState>) -> &'static str {
    match member {
        Some(MemberState::Running) => "running",
        Some(MemberState::Starting) => "starting",
        Some(MemberState::Stopped) => "stopped",
        None => "not answering",
    }
}

/// What a service does, in a word.
#[must_use]
pub const fn service_name(state: ServiceState) -> &'static str {
    match state {
        ServiceState::Running => "running",
        ServiceState::Stopped => "stopped",
        ServiceState::Unknown => "unknown",
    }
}
