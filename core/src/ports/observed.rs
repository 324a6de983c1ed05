//! Ports whose every call is observed.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    BackupRequest, Clock, Cluster, ClusterRecord, ClusterSettings, Databag, Identity, MemberState,
    ObjectStore, PortResult, Ports, Repository, RepositorySettings, Service, ServiceState,
    Timestamp, TlsMaterial, Unit, UnitId, Workload,
};
use crate::{
    s3::{S3Relation, S3Settings},
    status::Status,
};

/// Which call of which port: `repository.back_up`, in the words of a [`PortError`](crate::PortError)'s place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Call(&'static str);

impl Call {
    /// The port and its operation.
    #[must_use]
    pub const fn place(self) -> &'static str {
        self.0
    }
}

/// Who is notified of every call of a port.
#[async_trait]
pub trait Observer: Send + Sync {
    /// The call is about to be made. It is made once this returns.
    async fn before(&self, call: Call);

    /// The call has been made, whatever came of it. Its result is handed on once this returns.
    async fn after(&self, call: Call);
}

impl Ports {
    /// These ports, each call of which is observed. What does not wait is not observed: who the unit is. Nor
    /// is the clock, which changes nothing.
    #[must_use]
    pub fn observed(self, observer: Arc<dyn Observer>) -> Self {
        let clock = Arc::clone(&self.clock);
        let observed = Arc::new(Observed { observer, ports: self });
        Self { clock, ..Self::of(&observed) }
    }
}

struct Observed {
    observer: Arc<dyn Observer>,
    ports: Ports,
}

/// Makes a call between two words to the observer.
macro_rules! call {
    ($self:ident, $place:literal, $call:expr) => {{
        let call = Call($place);
        $self.observer.before(call).await;
        let done = $call.await;
        $self.observer.after(call).await;
        done
    }};
}

#[async_trait]
impl Cluster for Observed {
    async fn primary(&self) -> PortResult<Option<UnitId>> {
        call!(self, "cluster.primary", self.ports.cluster.primary())
    }

    async fn member_state(&self) -> PortResult<MemberState> {
        call!(self, "cluster.member_state", self.ports.cluster.member_state())
    }

    async fn system_identifier(&self) -> PortResult<u64> {
        call!(self, "cluster.system_identifier", self.ports.cluster.system_identifier())
    }

    async fn accepts_connections(&self) -> PortResult<bool> {
        call!(self, "cluster.accepts_connections", self.ports.cluster.accepts_connections())
    }

    async fn apply(&self, settings: &ClusterSettings) -> PortResult<()> {
        call!(self, "cluster.apply", self.ports.cluster.apply(settings))
    }
}

#[async_trait]
impl Repository for Observed {
    async fn configure(&self, settings: &RepositorySettings) -> PortResult<()> {
        call!(self, "repository.configure", self.ports.repository.configure(settings))
    }

    async fn create_stanza(&self, stanza: &str) -> PortResult<()> {
        call!(self, "repository.create_stanza", self.ports.repository.create_stanza(stanza))
    }

    async fn check(&self, stanza: &str) -> PortResult<()> {
        call!(self, "repository.check", self.ports.repository.check(stanza))
    }

    async fn back_up(&self, request: &BackupRequest) -> PortResult<String> {
        call!(self, "repository.back_up", self.ports.repository.back_up(request))
    }

    async fn info(&self) -> PortResult<String> {
        call!(self, "repository.info", self.ports.repository.info())
    }

    async fn ping(&self, unit: UnitId) -> PortResult<()> {
        call!(self, "repository.ping", self.ports.repository.ping(unit))
    }
}

#[async_trait]
impl ObjectStore for Observed {
    async fn ensure_bucket(&self, s3: &S3Settings) -> PortResult<()> {
        call!(self, "object store.ensure_bucket", self.ports.object_store.ensure_bucket(s3))
    }

    async fn put(&self, s3: &S3Settings, key: &str, content: &[u8]) -> PortResult<()> {
        call!(self, "object store.put", self.ports.object_store.put(s3, key, content))
    }

    async fn get(&self, s3: &S3Settings, key: &str) -> PortResult<Option<Vec<u8>>> {
        call!(self, "object store.get", self.ports.object_store.get(s3, key))
    }
}

#[async_trait]
impl Workload for Observed {
    async fn is_reachable(&self) -> PortResult<bool> {
        call!(self, "workload.is_reachable", self.ports.workload.is_reachable())
    }

    async fn service(&self, service: Service) -> PortResult<ServiceState> {
        call!(self, "workload.service", self.ports.workload.service(service))
    }

    async fn start(&self, service: Service) -> PortResult<()> {
        call!(self, "workload.start", self.ports.workload.start(service))
    }

    async fn stop(&self, service: Service) -> PortResult<()> {
        call!(self, "workload.stop", self.ports.workload.stop(service))
    }

    async fn reload(&self, service: Service) -> PortResult<()> {
        call!(self, "workload.reload", self.ports.workload.reload(service))
    }

    async fn empty_data_directory(&self) -> PortResult<()> {
        call!(self, "workload.empty_data_directory", self.ports.workload.empty_data_directory())
    }
}

#[async_trait]
impl ClusterRecord for Observed {
    async fn remove(&self) -> PortResult<()> {
        call!(self, "cluster record.remove", self.ports.cluster_record.remove())
    }
}

#[async_trait]
impl Unit for Observed {
    fn identity(&self) -> Arc<Identity> {
        self.ports.unit.identity()
    }

    async fn is_leader(&self) -> PortResult<bool> {
        call!(self, "unit.is_leader", self.ports.unit.is_leader())
    }

    async fn status(&self) -> PortResult<Status> {
        call!(self, "unit.status", self.ports.unit.status())
    }

    async fn set_status(&self, status: Status) -> PortResult<()> {
        call!(self, "unit.set_status", self.ports.unit.set_status(status))
    }

    async fn planned_units(&self) -> PortResult<u32> {
        call!(self, "unit.planned_units", self.ports.unit.planned_units())
    }

    async fn peers(&self) -> PortResult<Vec<UnitId>> {
        call!(self, "unit.peers", self.ports.unit.peers())
    }

    async fn data(&self, bag: Databag, key: &str) -> PortResult<Option<Arc<str>>> {
        call!(self, "unit.data", self.ports.unit.data(bag, key))
    }

    async fn set_data(
        &self,
        bag: Databag,
        key: &'static str,
        value: Option<&str>,
    ) -> PortResult<()> {
        call!(self, "unit.set_data", self.ports.unit.set_data(bag, key, value))
    }

    async fn s3_relation(&self) -> PortResult<Option<Arc<S3Relation>>> {
        call!(self, "unit.s3_relation", self.ports.unit.s3_relation())
    }

    async fn tls_material(&self) -> PortResult<TlsMaterial> {
        call!(self, "unit.tls_material", self.ports.unit.tls_material())
    }

    async fn parameter(&self, name: &str) -> PortResult<Option<Arc<str>>> {
        call!(self, "unit.parameter", self.ports.unit.parameter(name))
    }

    async fn set_result(&self, key: &'static str, value: &str) -> PortResult<()> {
        call!(self, "unit.set_result", self.ports.unit.set_result(key, value))
    }

    async fn fail_action(&self, message: &str) -> PortResult<()> {
        call!(self, "unit.fail_action", self.ports.unit.fail_action(message))
    }

    async fn defer(&self) -> PortResult<()> {
        call!(self, "unit.defer", self.ports.unit.defer())
    }
}

#[async_trait]
impl Clock for Observed {
    async fn now(&self) -> Timestamp {
        self.ports.clock.now().await
    }

    async fn wait(&self, pause: std::time::Duration) -> PortResult<()> {
        self.ports.clock.wait(pause).await
    }
}
