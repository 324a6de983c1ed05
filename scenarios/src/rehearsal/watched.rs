//! Ports whose every call is told to the world, before and after: the places at which a process can die.

use std::sync::Arc;

use async_trait::async_trait;
use pgdrill_core::{
    Ports, S3Relation, S3Settings, Status,
    ports::{
        BackupRequest, Cluster, ClusterRecord, ClusterSettings, Databag, Identity, MemberState,
        ObjectStore, PortResult, Repository, RepositorySettings, Service, ServiceState,
        TlsMaterial, Unit, UnitId, Workload,
    },
};

use super::joined::Rehearsed;

/// The same ports, watched. The clock tells the world anyway.
pub(super) fn watched(by: &Rehearsed, ports: Ports) -> Ports {
    let clock = Arc::clone(&ports.clock);
    let watched = Arc::new(Watched { by: by.clone(), ports });
    Ports {
        unit: Arc::clone(&watched) as _,
        cluster: Arc::clone(&watched) as _,
        repository: Arc::clone(&watched) as _,
        object_store: Arc::clone(&watched) as _,
        workload: Arc::clone(&watched) as _,
        cluster_record: watched,
        clock,
    }
}

struct Watched {
    by: Rehearsed,
    ports: Ports,
}

/// Calls a port between two tellings.
macro_rules! told {
    ($self:ident, $place:literal, $call:expr) => {{
        $self.by.called($place).await;
        let done = $call.await;
        $self.by.called($place).await;
        done
    }};
}

#[async_trait]
impl Cluster for Watched {
    async fn primary(&self) -> PortResult<Option<UnitId>> {
        told!(self, "cluster.primary", self.ports.cluster.primary())
    }

    async fn member_state(&self) -> PortResult<MemberState> {
        told!(self, "cluster.member_state", self.ports.cluster.member_state())
    }

    async fn system_identifier(&self) -> PortResult<u64> {
        told!(self, "cluster.system_identifier", self.ports.cluster.system_identifier())
    }

    async fn accepts_connections(&self) -> PortResult<bool> {
        told!(self, "cluster.accepts_connections", self.ports.cluster.accepts_connections())
    }

    async fn apply(&self, settings: &ClusterSettings) -> PortResult<()> {
        told!(self, "cluster.apply", self.ports.cluster.apply(settings))
    }
}

#[async_trait]
impl Repository for Watched {
    async fn configure(&self, settings: &RepositorySettings) -> PortResult<()> {
        told!(self, "repository.configure", self.ports.repository.configure(settings))
    }

    async fn create_stanza(&self, stanza: &str) -> PortResult<()> {
        told!(self, "repository.create_stanza", self.ports.repository.create_stanza(stanza))
    }

    async fn check(&self, stanza: &str) -> PortResult<()> {
        told!(self, "repository.check", self.ports.repository.check(stanza))
    }

    async fn back_up(&self, request: &BackupRequest) -> PortResult<String> {
        told!(self, "repository.back_up", self.ports.repository.back_up(request))
    }

    async fn info(&self) -> PortResult<String> {
        told!(self, "repository.info", self.ports.repository.info())
    }

    async fn ping(&self, unit: UnitId) -> PortResult<()> {
        told!(self, "repository.ping", self.ports.repository.ping(unit))
    }
}

#[async_trait]
impl ObjectStore for Watched {
    async fn ensure_bucket(&self, s3: &S3Settings) -> PortResult<()> {
        told!(self, "object store.ensure_bucket", self.ports.object_store.ensure_bucket(s3))
    }

    async fn put(&self, s3: &S3Settings, key: &str, content: &[u8]) -> PortResult<()> {
        told!(self, "object store.put", self.ports.object_store.put(s3, key, content))
    }

    async fn get(&self, s3: &S3Settings, key: &str) -> PortResult<Option<Vec<u8>>> {
        told!(self, "object store.get", self.ports.object_store.get(s3, key))
    }
}

#[async_trait]
impl Workload for Watched {
    async fn is_reachable(&self) -> PortResult<bool> {
        told!(self, "workload.is_reachable", self.ports.workload.is_reachable())
    }

    async fn service(&self, service: Service) -> PortResult<ServiceState> {
        told!(self, "workload.service", self.ports.workload.service(service))
    }

    async fn start(&self, service: Service) -> PortResult<()> {
        told!(self, "workload.start", self.ports.workload.start(service))
    }

    async fn stop(&self, service: Service) -> PortResult<()> {
        told!(self, "workload.stop", self.ports.workload.stop(service))
    }

    async fn reload(&self, service: Service) -> PortResult<()> {
        told!(self, "workload.reload", self.ports.workload.reload(service))
    }

    async fn empty_data_directory(&self) -> PortResult<()> {
        told!(self, "workload.empty_data_directory", self.ports.workload.empty_data_directory())
    }
}

#[async_trait]
impl ClusterRecord for Watched {
    async fn remove(&self) -> PortResult<()> {
        told!(self, "cluster record.remove", self.ports.cluster_record.remove())
    }
}

#[async_trait]
impl Unit for Watched {
    fn identity(&self) -> Arc<Identity> {
        self.ports.unit.identity()
    }

    async fn is_leader(&self) -> PortResult<bool> {
        told!(self, "unit.is_leader", self.ports.unit.is_leader())
    }

    async fn status(&self) -> PortResult<Status> {
        told!(self, "unit.status", self.ports.unit.status())
    }

    async fn set_status(&self, status: Status) -> PortResult<()> {
        told!(self, "unit.set_status", self.ports.unit.set_status(status))
    }

    async fn planned_units(&self) -> PortResult<u32> {
        told!(self, "unit.planned_units", self.ports.unit.planned_units())
    }

    async fn peers(&self) -> PortResult<Vec<UnitId>> {
        told!(self, "unit.peers", self.ports.unit.peers())
    }

    async fn data(&self, bag: Databag, key: &str) -> PortResult<Option<Arc<str>>> {
        told!(self, "unit.data", self.ports.unit.data(bag, key))
    }

    async fn set_data(
        &self,
        bag: Databag,
        key: &'static str,
        value: Option<&str>,
    ) -> PortResult<()> {
        told!(self, "unit.set_data", self.ports.unit.set_data(bag, key, value))
    }

    async fn s3_relation(&self) -> PortResult<Option<Arc<S3Relation>>> {
        told!(self, "unit.s3_relation", self.ports.unit.s3_relation())
    }

    async fn tls_material(&self) -> PortResult<TlsMaterial> {
        told!(self, "unit.tls_material", self.ports.unit.tls_material())
    }

    async fn parameter(&self, name: &str) -> PortResult<Option<Arc<str>>> {
        told!(self, "unit.parameter", self.ports.unit.parameter(name))
    }

    async fn set_result(&self, key: &'static str, value: &str) -> PortResult<()> {
        told!(self, "unit.set_result", self.ports.unit.set_result(key, value))
    }

    async fn fail_action(&self, message: &str) -> PortResult<()> {
        told!(self, "unit.fail_action", self.ports.unit.fail_action(message))
    }

    async fn defer(&self) -> PortResult<()> {
        told!(self, "unit.defer", self.ports.unit.defer())
    }
}
