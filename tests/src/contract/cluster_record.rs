//! What the record of the previous cluster promises.

use pgdrill_core::{Ports, ports::Service};
use pgdrill_sim::{Change, DcsState};

use super::{
    Kept, SILENCE, Stand, ensure, ensure_eq, fails, promises,
    stand::{ready, settle},
};

promises! {
    /// The promises of `ClusterRecord`.
    CLUSTER_RECORD {
        "once nothing is remembered, an empty unit bootstraps a cluster of its own":
            ready => removed(),
        "what is remembered keeps an empty unit from bootstrapping": ready => remembered(),
        "what was gone already counts as removed": ready => removed_twice(),
        "without the DCS the removal fails, and can be done again": ready => without_dcs(),
    }
}

/// A unit whose database is stopped and holds nothing; its system identifier before.
async fn emptied(stand: &dyn Stand) -> Result<(Ports, u64), super::Unkept> {
    let ports = stand.ports(0)?;
    let before = ports.cluster.system_identifier().await?;
    ports.workload.stop(Service::Database).await?;
    ports.workload.empty_data_directory().await?;
    Ok((ports, before))
}

async fn removed(stand: &dyn Stand) -> Kept {
    let (ports, before) = emptied(stand).await?;
    ports.cluster_record.remove().await?;
    ports.workload.start(Service::Database).await?;
    settle(stand).await?;
    let after = ports.cluster.system_identifier().await?;
    ensure!(after != before, "the new cluster has the system identifier of the old one");
    Ok(())
}

async fn remembered(stand: &dyn Stand) -> Kept {
    let (ports, _) = emptied(stand).await?;
    ports.workload.start(Service::Database).await?;
    settle(stand).await?;
    fails(ports.cluster.system_identifier().await, "cluster.system_identifier", SILENCE)?;
    Ok(())
}

async fn removed_twice(stand: &dyn Stand) -> Kept {
    let (ports, _) = emptied(stand).await?;
    ports.cluster_record.remove().await?;
    ports.cluster_record.remove().await?;
    Ok(())
}

async fn without_dcs(stand: &dyn Stand) -> Kept {
    let (ports, _) = emptied(stand).await?;
    stand.happen(&Change::Dcs(DcsState::Down)).await?;
    fails(ports.cluster_record.remove().await, "cluster record.remove", SILENCE)?;
    stand.happen(&Change::Dcs(DcsState::Up)).await?;
    ensure_eq!("the removal, done again", ports.cluster_record.remove().await, Ok(()));
    Ok(())
}
