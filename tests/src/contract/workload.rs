//! What the workload container promises.

use pgdrill_core::{
    PortErrorKind as Kind, Ports,
    ports::{MemberState, Service, ServiceState, UnitId},
};
use pgdrill_sim::{
    Change, DataDirectory, Given, MemberFate, ServiceName, ServiceRuns, SetDataDirectory,
    SetMember, SetService, SetWorkload, WorkloadState,
};

use super::{
    PromiseResult, SILENCE, Subject, ensure, ensure_eq, fails, promises,
    subject::{ready, settle, tls_pair},
};

promises! {
    /// The promises of `Workload`.
    WORKLOAD {
        "a supervisor that answers is reachable": Given::default => reachable(),
        "that the supervisor does not answer is an answer; every other call then fails":
            ready => silent(Change::Workload(workload(WorkloadState::Unreachable))),
        "a container that stands still is not reachable": ready => silent(member(MemberFate::Frozen)),
        "a dead container is not reachable": ready => silent(member(MemberFate::Killed)),
        "what a service does is asked again": tls_pair => asked_again(),
        "a service that was started runs": tls_pair => starts(),
        "starting a running service changes nothing": tls_pair => starts_twice(),
        "a service that was stopped does not run": tls_pair => stops(),
        "stopping a stopped service changes nothing": tls_pair => stops_twice(),
        "a service that does not stop in time may still run": ready => will_not_stop(),
        "a database that did not stop in time keeps its data": ready => will_not_be_emptied(),
        "a service that the supervisor does not know is not found": ready => unknown(),
        "the TLS server does not start without a configuration":
            Given::default => unconfigured(),
        "a running service takes its new configuration without an interruption":
            tls_pair => reloads(),
        "a service that does not run takes no configuration": ready => reloads_nothing(),
        "an emptied data directory holds nothing": ready => empties(),
        "a data directory that was empty already counts as emptied": ready => empties_twice(),
        "a data directory that something holds is refused, loses nothing, and can be emptied later":
            ready => busy(),
    }
}

fn workload(is: WorkloadState) -> SetWorkload {
    SetWorkload { unit: 0, is }
}

fn member(is: MemberFate) -> Change {
    Change::Member(SetMember { unit: 0, is })
}

fn service(name: ServiceName, is: ServiceRuns) -> Change {
    Change::Service(SetService { unit: 0, name, is })
}

async fn states(ports: &Ports) -> Result<Vec<ServiceState>, super::PromiseFailure> {
    let mut states = Vec::new();
    for service in Service::ALL {
        states.push(ports.workload.service(*service).await?);
    }
    Ok(states)
}

async fn reachable(subject: &dyn Subject) -> PromiseResult {
    ensure_eq!("reachable", subject.ports(0)?.workload.is_reachable().await?, true);
    Ok(())
}

async fn silent(subject: &dyn Subject, change: Change) -> PromiseResult {
    let workload = subject.ports(0)?.workload;
    subject.happen(&change).await?;
    ensure_eq!("reachable", workload.is_reachable().await?, false);
    for &service in Service::ALL {
        fails(workload.service(service).await, "workload.service", SILENCE)?;
        fails(workload.start(service).await, "workload.start", SILENCE)?;
        fails(workload.stop(service).await, "workload.stop", SILENCE)?;
        fails(workload.reload(service).await, "workload.reload", SILENCE)?;
    }
    let emptied = workload.empty_data_directory().await;
    fails(emptied, "workload.empty_data_directory", SILENCE)?;
    subject.happen(&member(MemberFate::Running)).await?;
    subject.happen(&Change::Workload(self::workload(WorkloadState::Reachable))).await?;
    ensure_eq!("reachable once it is back", workload.is_reachable().await?, true);
    Ok(())
}

async fn asked_again(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    ensure_eq!("at first", states(&ports).await?, [ServiceState::Running, ServiceState::Running]);
    subject.happen(&service(ServiceName::TlsServer, ServiceRuns::Stopped)).await?;
    ensure_eq!("then", states(&ports).await?, [ServiceState::Running, ServiceState::Stopped]);
    subject.happen(&service(ServiceName::TlsServer, ServiceRuns::Unknown)).await?;
    ensure_eq!("last", states(&ports).await?, [ServiceState::Running, ServiceState::Unknown]);
    Ok(())
}

async fn starts(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    let before = ports.cluster.system_identifier().await?;
    for &service in Service::ALL {
        ports.workload.stop(service).await?;
        ports.workload.start(service).await?;
        settle(subject).await?;
        let state = ports.workload.service(service).await?;
        ensure_eq!("after the start", state, ServiceState::Running);
    }
    ensure_eq!("the data", ports.cluster.system_identifier().await?, before);
    ensure_eq!("from the peer", subject.ports(1)?.repository.ping(UnitId(0)).await, Ok(()));
    Ok(())
}

async fn starts_twice(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    for &service in Service::ALL {
        ports.workload.start(service).await?;
        ensure_eq!("after it", ports.workload.service(service).await?, ServiceState::Running);
    }
    // A start that restarts the database would show here.
    ensure_eq!("the member", ports.cluster.member_state().await?, MemberState::Running);
    ports.cluster.system_identifier().await?;
    Ok(())
}

async fn stops(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    for &service in Service::ALL {
        ports.workload.stop(service).await?;
        ensure_eq!("after it", ports.workload.service(service).await?, ServiceState::Stopped);
    }
    let served = ports.cluster.system_identifier().await;
    fails(served, "cluster.system_identifier", SILENCE)?;
    super::exits(
        subject.ports(1)?.repository.ping(UnitId(0)).await,
        "repository.ping",
        49,
        "unable to connect",
    )
}

async fn stops_twice(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    for &service in Service::ALL {
        ports.workload.stop(service).await?;
        ports.workload.stop(service).await?;
        ensure_eq!("after it", ports.workload.service(service).await?, ServiceState::Stopped);
    }
    Ok(())
}

async fn will_not_stop(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    subject.happen(&Change::ServiceWillNotStop(0)).await?;
    let stopped = ports.workload.stop(Service::Database).await;
    fails(stopped, "workload.stop", &[Kind::TimedOut, Kind::Refused])?;
    let state = ports.workload.service(Service::Database).await?;
    ensure!(state != ServiceState::Unknown, "the supervisor forgot the service");
    Ok(())
}

async fn will_not_be_emptied(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    subject.happen(&Change::ServiceWillNotStop(0)).await?;
    let stopped = ports.workload.stop(Service::Database).await;
    fails(stopped, "workload.stop", &[Kind::TimedOut, Kind::Refused])?;
    // Whatever the supervisor says of the service, its server runs.
    let emptied = ports.workload.empty_data_directory().await;
    let error = fails(emptied, "workload.empty_data_directory", &[Kind::Refused])?;
    ensure_eq!("the cause", error.cause(), "the database is running");
    ensure_eq!("empty", is_empty(subject).await?, false);
    Ok(())
}

async fn unknown(subject: &dyn Subject) -> PromiseResult {
    let workload = subject.ports(0)?.workload;
    subject.happen(&service(ServiceName::TlsServer, ServiceRuns::Unknown)).await?;
    let tls_server = Service::TlsServer;
    fails(workload.start(tls_server).await, "workload.start", &[Kind::NotFound])?;
    fails(workload.stop(tls_server).await, "workload.stop", &[Kind::NotFound])?;
    let reloaded = workload.reload(tls_server).await;
    fails(reloaded, "workload.reload", &[Kind::NotFound, Kind::Refused])?;
    Ok(())
}

async fn unconfigured(subject: &dyn Subject) -> PromiseResult {
    let workload = subject.ports(0)?.workload;
    fails(workload.start(Service::TlsServer).await, "workload.start", &[Kind::Refused])?;
    let state = workload.service(Service::TlsServer).await?;
    ensure!(state != ServiceState::Running, "it runs");
    Ok(())
}

async fn reloads(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    let reloads =
        |seen: &pgdrill_sim::Observation| seen.units.first().map(|u| u.tls_server_reloads);
    let before = reloads(&subject.observe().await?);
    for &service in Service::ALL {
        ports.workload.reload(service).await?;
        ensure_eq!("after it", ports.workload.service(service).await?, ServiceState::Running);
    }
    let after = reloads(&subject.observe().await?);
    ensure_eq!("the reloads of the TLS server", after, before.map(|count| count + 1));
    ensure_eq!("the member", ports.cluster.member_state().await?, MemberState::Running);
    ensure_eq!("from the peer", subject.ports(1)?.repository.ping(UnitId(0)).await, Ok(()));
    Ok(())
}

async fn reloads_nothing(subject: &dyn Subject) -> PromiseResult {
    let workload = subject.ports(0)?.workload;
    for &service in Service::ALL {
        workload.stop(service).await?;
        fails(workload.reload(service).await, "workload.reload", &[Kind::Refused])?;
        ensure_eq!("after it", workload.service(service).await?, ServiceState::Stopped);
    }
    Ok(())
}

async fn is_empty(subject: &dyn Subject) -> Result<bool, super::PromiseFailure> {
    Ok(subject.observe().await?.units.first().is_some_and(|unit| unit.is_data_empty))
}

async fn empties(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    ensure_eq!("empty at first", is_empty(subject).await?, false);
    ports.workload.stop(Service::Database).await?;
    ports.workload.empty_data_directory().await?;
    ensure_eq!("empty afterwards", is_empty(subject).await?, true);
    Ok(())
}

async fn empties_twice(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    ports.workload.stop(Service::Database).await?;
    ports.workload.empty_data_directory().await?;
    ports.workload.empty_data_directory().await?;
    ensure_eq!("empty", is_empty(subject).await?, true);
    Ok(())
}

async fn busy(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    let before = ports.cluster.system_identifier().await?;
    ports.workload.stop(Service::Database).await?;
    let set = |is| Change::DataDirectory(SetDataDirectory { unit: 0, is });
    subject.happen(&set(DataDirectory::Busy)).await?;
    let emptied = ports.workload.empty_data_directory().await;
    fails(emptied, "workload.empty_data_directory", &[Kind::Refused])?;
    ensure_eq!("empty after the refusal", is_empty(subject).await?, false);
    subject.happen(&set(DataDirectory::Free)).await?;
    ports.workload.start(Service::Database).await?;
    settle(subject).await?;
    ensure_eq!("the data", ports.cluster.system_identifier().await?, before);
    ports.workload.stop(Service::Database).await?;
    ports.workload.empty_data_directory().await?;
    ensure_eq!("empty", is_empty(subject).await?, true);
    Ok(())
}
