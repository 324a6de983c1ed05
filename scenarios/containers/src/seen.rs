//! What can be seen of a topology that stays up, whatever is dead of it.

use std::sync::PoisonError;

use futures_util::future::join_all;
use pgdrill_containers::{Container, Topology, UnitContainer};
use pgdrill_core::ports::{Cluster as _, ServiceState};
use pgdrill_scenarios::{
    BackupThere, ContainerSeen, Prevented, TopologySeen, UnitThere, member_name, service_name,
};
use pgdrill_sim::{Observation, UnitSeen, lock};

use super::{PersistedTopology, bucket::TestBucket, look::look as look_into};

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
        backend: "containers",
        tls,
        units: looked.into_iter().map(|(unit, _)| unit).collect(),
        containers,
        s3: persisted.s3.profile().name().to_owned(),
        endpoint: persisted.s3.facts().endpoint(),
        endpoint_here: Some(format!("https://{}", proxy.route().to)),
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
    Ok(backups.map(|backup| BackupThere::from(&backup)).collect())
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
    let service = |state: Option<ServiceState>| state.map_or("unknown", service_name);
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
        member: member_name(member),
        postgresql: service(look.as_ref().map(|look| look.database)),
        pgbackrest_server: service(look.as_ref().map(|look| look.tls_server)),
        accepts_connections: accepts,
        data_empty: look.as_ref().map(|look| look.is_data_empty),
        deferred: deferred.unwrap_or_default(),
        database_port: Some(unit.database_port()),
        api_port: Some(unit.api_port()),
        container: Some(container),
    };
    (there, look.and_then(|look| look.archives_into()))
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
