//! What can be seen of a topology that stays up, whatever is dead of it.

use std::sync::PoisonError;

use futures_util::future::join_all;
use pgdrill_containers::{Container, Topology, UnitContainer, host};
use pgdrill_core::ports::{Cluster as _, MemberState, ServiceState};
use pgdrill_sim::{Observation, UnitSeen};
use serde::Serialize;

use pgdrill_scenarios::Prevented;
use pgdrill_sim::lock;

use super::{PersistedTopology, bucket::TestBucket, look::look as look_into};

/// A topology as it is seen from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TopologySeen {
    /// Its name.
    pub name: String,
    /// Whether the units hold TLS material.
    pub tls: bool,
    /// The units, in order.
    pub units: Vec<UnitThere>,
    /// Every other container.
    #[serde(rename = "containers")]
    pub containers: Vec<ContainerSeen>,
    /// The S3 server, by the software that it is.
    pub s3: String,
    /// The endpoint as the units know it.
    pub endpoint: String,
    /// The endpoint as this machine reaches it.
    pub endpoint_here: String,
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
    /// Its container.
    pub container: ContainerSeen,
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
    /// The port of 127.0.0.1 that leads to its database.
    pub database_port: u16,
    /// The port of 127.0.0.1 that leads to its cluster manager.
    pub api_port: u16,
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

pub(super) async fn look(persisted: &PersistedTopology) -> TopologySeen {
    let topology = &persisted.testbed.topology;
    let (reported, leader, tls) = {
        let world = lock(&persisted.testbed.world);
        (world.observe(), world.leader(), world.has_tls())
    };
    let units = topology.units();
    let looked =
        join_all(units.iter().map(|unit| look_at(topology, unit, &reported, leader))).await;
    let archives = looked.iter().find(|(unit, _)| unit.role == "primary");
    let archives_into = archives.or(looked.first()).and_then(|(_, archives)| archives.clone());
    let (backups, backups_unknown) = match backups(&persisted.testbed.bucket).await {
        Ok(backups) => (backups, None),
        Err(why) => (Vec::new(), Some(why.to_string())),
    };
    let proxy = topology.proxy();
    let containers = [
        Some(topology.dcs().clone()),
        Some(proxy.container().clone()),
        persisted.s3.container().cloned(),
    ];
    let containers = join_all(containers.iter().flatten().map(container)).await;
    TopologySeen {
        name: persisted.name.clone(),
        tls,
        units: looked.into_iter().map(|(unit, _)| unit).collect(),
        containers,
        s3: persisted.s3.profile().name().to_owned(),
        endpoint: persisted.s3.facts().endpoint(),
        endpoint_here: format!("https://{}", proxy.route().to),
        bucket: persisted.testbed.bucket.name().to_owned(),
        stanza: reported.stanza,
        archives_into,
        restoring: reported.restoring,
        backups,
        backups_unknown,
        faults: persisted.faults.lock().unwrap_or_else(PoisonError::into_inner).words(),
    }
}

async fn backups(bucket: &TestBucket) -> Result<Vec<BackupThere>, Prevented> {
    let backups = bucket.backups().await?.into_iter();
    let there = backups.map(|backup| BackupThere {
        id: backup.id,
        label: backup.label,
        kind: backup.kind.name(),
        failed: backup.failed,
        stanza: backup.stanza,
    });
    Ok(there.collect())
}

/// A unit, and the stanza into which it archives.
async fn look_at(
    topology: &Topology,
    unit: &UnitContainer,
    reported: &Observation,
    leader: u32,
) -> (UnitThere, Option<String>) {
    let container = container(&unit.container).await;
    // Nobody waits for the answer of a container that stands still.
    let answers = ["running", "cut off"].contains(&container.is);
    let reported_of = answers || container.is == "dead";
    let look = if reported_of { look_into(unit).await.ok() } else { None };
    let (member, accepts) = if answers {
        let cluster = topology.cluster(unit.number);
        (cluster.member_state().await.ok(), cluster.accepts_connections().await.ok())
    } else {
        (None, None)
    };
    let juju = reported.units.iter().find(|juju| juju.unit == unit.number);
    let status = juju.map(UnitSeen::status);
    let deferred = juju.map(|juju| juju.deferred.iter().map(|hook| hook.name()).collect());
    let service = |state: Option<ServiceState>| state.map_or("unknown", service);
    let there = UnitThere {
        unit: unit.number,
        leads: unit.number == leader,
        role: match look.as_ref().and_then(|look| look.follows) {
            Some(false) => "primary",
            Some(true) => "replica",
            None => "unknown",
        },
        status: status.as_ref().map_or("unknown", |status| status.name.name()),
        message: status.map(|status| status.message.into_owned()).unwrap_or_default(),
        member: match member {
            Some(MemberState::Running) => "running",
            Some(MemberState::Starting) => "starting",
            Some(MemberState::Stopped) => "stopped",
            None => "not answering",
        },
        postgresql: service(look.as_ref().map(|look| look.database)),
        pgbackrest_server: service(look.as_ref().map(|look| look.tls_server)),
        accepts_connections: accepts,
        data_empty: look.as_ref().map(|look| look.is_data_empty),
        deferred: deferred.unwrap_or_default(),
        database_port: unit.database_port(),
        api_port: unit.api_port(),
        container,
    };
    (there, look.and_then(|look| look.archives_into()))
}

const fn service(state: ServiceState) -> &'static str {
    match state {
        ServiceState::Running => "running",
        ServiceState::Stopped => "stopped",
        ServiceState::Unknown => "unknown",
    }
}

async fn container(container: &Container) -> ContainerSeen {
    let is = match container.state().await {
        Err(_) => "gone",
        Ok(state) if !state.is_running => "dead",
        Ok(state) if state.is_paused => "frozen",
        Ok(state) if !state.is_connected => "cut off",
        Ok(_) => "running",
    };
    ContainerSeen { name: container.name().to_owned(), is }
}

impl TopologySeen {
    /// The container of a unit.
    #[must_use]
    pub fn container(&self, unit: u32) -> String {
        format!("pgdrill-{}-{}", self.name, host(unit))
    }
}
