//! What the cluster manager promises.

use pgdrill_core::{
    PortErrorKind as Kind, Ports,
    ports::{ClusterSettings, MemberState, RestoreSource, Service, ServiceState, UnitId},
};
use pgdrill_sim::{
    Change, DcsState, Given, MemberFate, RepositoryGiven, SetMember, SetWorkload, WorkloadState,
};

use super::{
    PromiseFailure, PromiseResult, SILENCE, Subject, ensure, ensure_eq, exits, fails, promises,
    subject::{cluster_settings, own_inventory, pair, ready, settle},
};

/// Beyond this, a number that went through a floating-point one is not the same any more.
const EXACT: u64 = 1 << 53;

promises! {
    /// The promises of `Cluster`.
    CLUSTER {
        "the primary holds the cluster's lock, whoever Juju elected":
            || Given { primary: 1, ..pair() } => primary(Some(1)),
        "the primary is asked again at every call": pair => primary_moves(),
        "while nobody holds the lock there is no primary, and no error": pair => primary_is_lost(),
        "without the DCS the primary is unknown": pair => no_primary(Change::Dcs(DcsState::Down)),
        "a unit that reaches nobody does not know the primary":
            pair => cut_off(),
        "a cluster that stands still does not tell its primary":
            ready => no_primary(member(MemberFate::Frozen)),
        "a member that serves is running, on the primary and on a replica": pair => members_run(),
        "a member whose server is down is stopped": pair => server_down(),
        "a member whose service is stopped is stopped, and runs again once that was started": ready => stop_and_start(),
        "a member that stands still does not say what it does": ready => frozen_member(),
        "a system identifier above 2^53 arrives intact, the same on every unit":
            || Given { seed: 1, ..pair() } => identifier_intact(),
        "a server that is down tells no system identifier": ready => no_identifier(),
        "connections are accepted or not as applied, on this unit alone": pair => connections(),
        "an open connection outlives that new ones are refused": ready => open_connections(),
        "WAL is archived as applied": ready => archives_as_applied(),
        "a restore as applied replaces the bootstrap": other_cluster => restores(),
        "a restore of a backup that is not there brings up nothing": other_cluster => no_such_backup(),
        "the settings are applied whole: what they leave out is gone": other_cluster => whole(),
        "a cluster that is still remembered is not restored": other_cluster => remembered(),
        "settings for a workload that does not answer fail, and can be applied again":
            ready => out_of_reach(
                Change::Workload(SetWorkload { unit: 0, is: WorkloadState::Unreachable })),
        "settings for a member that stands still fail, and can be applied again":
            ready => out_of_reach(member(MemberFate::Frozen)),
        "settings for a dead member fail, and can be applied again":
            ready => out_of_reach(member(MemberFate::Killed)),
    }
}

/// A repository whose backup is another cluster's: a restore of it can be distinguished from the old data.
fn other_cluster() -> Given {
    Given { repository: RepositoryGiven::AnotherCluster, ..ready() }
}

fn member(is: MemberFate) -> Change {
    Change::Member(SetMember { unit: 0, is })
}

async fn primary(subject: &dyn Subject, expected: Option<u32>) -> PromiseResult {
    for unit in [0, 1] {
        let seen = subject.ports(unit)?.cluster.primary().await?;
        ensure_eq!("the primary", seen, expected.map(UnitId));
    }
    Ok(())
}

async fn primary_moves(subject: &dyn Subject) -> PromiseResult {
    for unit in [0, 1, 0] {
        subject.happen(&Change::PrimaryMovesTo(unit)).await?;
        primary(subject, Some(unit)).await?;
    }
    Ok(())
}

async fn primary_is_lost(subject: &dyn Subject) -> PromiseResult {
    subject.happen(&Change::PrimaryIsLost).await?;
    primary(subject, None).await
}

async fn no_primary(subject: &dyn Subject, change: Change) -> PromiseResult {
    let ports = subject.ports(0)?;
    subject.happen(&change).await?;
    fails(ports.cluster.primary().await, "cluster.primary", SILENCE)?;
    Ok(())
}

async fn cut_off(subject: &dyn Subject) -> PromiseResult {
    subject.asks_from_within().await?;
    no_primary(subject, member(MemberFate::CutOff)).await
}

async fn members_run(subject: &dyn Subject) -> PromiseResult {
    for unit in [0, 1] {
        let state = subject.ports(unit)?.cluster.member_state().await?;
        ensure_eq!("the member", state, MemberState::Running);
    }
    Ok(())
}

async fn server_down(subject: &dyn Subject) -> PromiseResult {
    subject.happen(&member(MemberFate::ServerDown)).await?;
    let state = subject.ports(0)?.cluster.member_state().await?;
    ensure_eq!("the member", state, MemberState::Stopped);
    let state = subject.ports(1)?.cluster.member_state().await?;
    ensure_eq!("the other member", state, MemberState::Running);
    Ok(())
}

async fn stop_and_start(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    ports.workload.stop(Service::Database).await?;
    ensure_eq!("stopped", ports.cluster.member_state().await?, MemberState::Stopped);
    ports.workload.start(Service::Database).await?;
    // Until its manager listens it can't be told from one that is stopped.
    settle(subject).await?;
    ensure_eq!("settled", ports.cluster.member_state().await?, MemberState::Running);
    Ok(())
}

async fn frozen_member(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    subject.happen(&member(MemberFate::Frozen)).await?;
    fails(ports.cluster.member_state().await, "cluster.member_state", SILENCE)?;
    fails(ports.cluster.accepts_connections().await, "cluster.accepts_connections", SILENCE)?;
    fails(ports.cluster.system_identifier().await, "cluster.system_identifier", SILENCE)?;
    Ok(())
}

async fn identifier_intact(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    let id = ports.cluster.system_identifier().await?;
    ensure!(id > EXACT, "{id} does not exceed 2^53");
    ensure_eq!("on the replica", subject.ports(1)?.cluster.system_identifier().await?, id);
    let inventory = own_inventory(&ports).await?;
    let own =
        inventory.stanzas.iter().find(|stanza| *stanza.name == *ports.unit.identity().stanza());
    ensure_eq!("in the repository", own.map(|stanza| stanza.system_ids.clone()), Some(vec![id]));
    Ok(())
}

async fn no_identifier(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    subject.happen(&member(MemberFate::ServerDown)).await?;
    fails(ports.cluster.system_identifier().await, "cluster.system_identifier", SILENCE)?;
    Ok(())
}

async fn connections(subject: &dyn Subject) -> PromiseResult {
    let (ports, other) = (subject.ports(0)?, subject.ports(1)?);
    for accepts_connections in [true, false, false, true] {
        let settings = ClusterSettings { accepts_connections, ..cluster_settings(&ports) };
        ports.cluster.apply(&settings).await?;
        let seen = ports.cluster.accepts_connections().await?;
        ensure_eq!("whether it accepts connections", seen, accepts_connections);
        ensure_eq!("the other unit", other.cluster.accepts_connections().await?, true);
        ensure_eq!("the member", ports.cluster.member_state().await?, MemberState::Running);
    }
    Ok(())
}

async fn open_connections(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    subject.connect_client(0).await?;
    let settings = ClusterSettings { accepts_connections: false, ..cluster_settings(&ports) };
    ports.cluster.apply(&settings).await?;
    ensure_eq!("whether the client is connected", subject.is_client_connected(0).await?, true);
    Ok(())
}

async fn archives_as_applied(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    let stanza = ports.unit.identity().shared_stanza();
    let off = ClusterSettings { archive_stanza: None, ..cluster_settings(&ports) };
    ports.cluster.apply(&off).await?;
    exits(ports.repository.check(&stanza).await, "repository.check", 68, "archive_command")?;
    ports.cluster.apply(&cluster_settings(&ports)).await?;
    ports.repository.check(&stanza).await?;
    Ok(())
}

/// The repository's stanza, its cluster and its oldest backup, as a source for a restore.
async fn source(ports: &Ports) -> Result<(RestoreSource, u64), PromiseFailure> {
    let inventory = own_inventory(ports).await?;
    let found = inventory.stanzas.into_iter().find_map(|stanza| {
        let (label, id) = (stanza.backups.first()?.label.clone(), *stanza.system_ids.last()?);
        Some((RestoreSource { label, stanza: stanza.name }, id))
    });
    found.ok_or_else(|| PromiseFailure::Broken("the repository holds no backup".into()))
}

/// The unit's database is stopped and holds nothing, as before a restore.
async fn empty(ports: &Ports, forget: bool) -> PromiseResult {
    ports.workload.stop(Service::Database).await?;
    ports.workload.empty_data_directory().await?;
    if forget {
        ports.cluster_record.remove().await?;
    }
    Ok(())
}

/// Starts the unit on nothing, as a restore would.
async fn bootstrap(subject: &dyn Subject, ports: &Ports, forget: bool) -> PromiseResult {
    empty(ports, forget).await?;
    ports.workload.start(Service::Database).await?;
    settle(subject).await?;
    Ok(())
}

fn restoring(ports: &Ports, source: &RestoreSource) -> ClusterSettings {
    ClusterSettings {
        archive_stanza: None,
        restore: Some(source.clone()),
        ..cluster_settings(ports)
    }
}

async fn restores(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    let (source, id) = source(&ports).await?;
    let before = ports.cluster.system_identifier().await?;
    ensure!(before != id, "the backup is of the cluster that runs");
    ports.cluster.apply(&restoring(&ports, &source)).await?;
    ensure_eq!("until it is stopped", ports.cluster.system_identifier().await?, before);
    bootstrap(subject, &ports, true).await?;
    ensure_eq!("the restored cluster", ports.cluster.system_identifier().await?, id);
    ensure_eq!("the member", ports.cluster.member_state().await?, MemberState::Running);
    Ok(())
}

async fn no_such_backup(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    let (mut source, _) = source(&ports).await?;
    source.label = "20200101-000000F".into();
    ports.cluster.apply(&restoring(&ports, &source)).await?;
    empty(&ports, true).await?;
    // The manager gives up about a second after its start, which is what a start waits for.
    let started = ports.workload.start(Service::Database).await;
    if started.is_err() {
        fails(started, "workload.start", &[Kind::Refused])?;
    }
    settle(subject).await?;
    let service = ports.workload.service(Service::Database).await?;
    ensure_eq!("its service", service, ServiceState::Stopped);
    fails(ports.cluster.system_identifier().await, "cluster.system_identifier", SILENCE)?;
    Ok(())
}

async fn whole(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    let (source, id) = source(&ports).await?;
    let mut settings = restoring(&ports, &source);
    settings.accepts_connections = false;
    ports.cluster.apply(&settings).await?;
    ports.cluster.apply(&cluster_settings(&ports)).await?;
    ensure_eq!("accepts connections", ports.cluster.accepts_connections().await?, true);
    bootstrap(subject, &ports, true).await?;
    let now = ports.cluster.system_identifier().await?;
    ensure!(now != id, "the restore of the earlier settings was carried out");
    Ok(())
}

async fn remembered(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    let (source, _) = source(&ports).await?;
    ports.cluster.apply(&restoring(&ports, &source)).await?;
    bootstrap(subject, &ports, false).await?;
    // It waits for the leader of the cluster that is remembered, and goes on to.
    let service = ports.workload.service(Service::Database).await?;
    ensure_eq!("its service", service, ServiceState::Running);
    ensure_eq!("the member", ports.cluster.member_state().await?, MemberState::Stopped);
    fails(ports.cluster.system_identifier().await, "cluster.system_identifier", SILENCE)?;
    Ok(())
}

async fn out_of_reach(subject: &dyn Subject, change: Change) -> PromiseResult {
    let ports = subject.ports(0)?;
    subject.happen(&change).await?;
    let settings = ClusterSettings { accepts_connections: false, ..cluster_settings(&ports) };
    fails(ports.cluster.apply(&settings).await, "cluster.apply", SILENCE)?;
    fails(ports.cluster.accepts_connections().await, "cluster.accepts_connections", SILENCE)?;
    subject.happen(&member(MemberFate::Running)).await?;
    let back = SetWorkload { unit: 0, is: WorkloadState::Reachable };
    subject.happen(&Change::Workload(back)).await?;
    // Old or new, what is in force can be read, and the settings can be applied again.
    ports.cluster.accepts_connections().await?;
    ports.cluster.apply(&settings).await?;
    ensure_eq!("accepts connections", ports.cluster.accepts_connections().await?, false);
    Ok(())
}
