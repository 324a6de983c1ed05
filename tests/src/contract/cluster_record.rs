//! What the record of the previous cluster promises.

use pgdrill_core::{Ports, ports::Service};
use pgdrill_sim::{Change, DcsState};

use super::{
    PromiseResult, SILENCE, Subject, ensure, ensure_eq, fails, promises,
    subject::{ready, settle},
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
async fn emptied(subject: &dyn Subject) -> Result<(Ports, u64), super::PromiseFailure> {
    let ports = subject.ports(0)?;
    let before = ports.cluster.system_identifier().await?;
    ports.workload.stop(Service::Database).await?;
    ports.workload.empty_data_directory().await?;
    Ok((ports, before))
}

async fn removed(subject: &dyn Subject) -> PromiseResult {
    let (ports, before) = emptied(subject).await?;
    ports.cluster_record.remove().await?;
    ports.workload.start(Service::Database).await?;
    settle(subject).await?;
    let after = ports.cluster.system_identifier().await?;
    ensure!(after != before, "the new cluster has the system identifier of the old one");
    Ok(())
}

async fn remembered(subject: &dyn Subject) -> PromiseResult {
    let (ports, _) = emptied(subject).await?;
    ports.workload.start(Service::Database).await?;
    settle(subject).await?;
    fails(ports.cluster.system_identifier().await, "cluster.system_identifier", SILENCE)?;
    Ok(())
}

async fn removed_twice(subject: &dyn Subject) -> PromiseResult {
    let (ports, _) = emptied(subject).await?;
    ports.cluster_record.remove().await?;
    ports.cluster_record.remove().await?;
    Ok(())
}

async fn without_dcs(subject: &dyn Subject) -> PromiseResult {
    let (ports, _) = emptied(subject).await?;
    subject.happen(&Change::Dcs(DcsState::Down)).await?;
    fails(ports.cluster_record.remove().await, "cluster record.remove", SILENCE)?;
    subject.happen(&Change::Dcs(DcsState::Up)).await?;
    ensure_eq!("the removal, done again", ports.cluster_record.remove().await, Ok(()));
    Ok(())
}
