//! Ports whose every call is observed.

use std::{
    pin::{Pin, pin},
    sync::Arc,
};

use async_trait::async_trait;

use super::{
    BackupRequest, Call, Clock, Cluster, ClusterRecord, ClusterSettings, Databag, Identity,
    MemberState, ObjectStore, PortError, PortResult, Ports, Repository, RepositorySettings,
    Service, ServiceState, Timestamp, TlsMaterial, Unit, UnitId, Workload, call::died,
};
use crate::{
    s3::{S3Relation, S3Settings},
    status::Status,
};

/// What becomes of the answer of a call that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The caller gets it.
    Delivered,
    /// It never comes: the caller gets an error, whatever came of the call.
    Lost,
    /// Nobody is left to get it: the process has died.
    Died,
}

/// Whether the process lives on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It does.
    Live,
    /// It dies here: nothing more of this firing is done.
    Die,
}

/// A call on its way to its end, whatever it answers.
pub type CallMade<'a> = Pin<&'a mut (dyn Future<Output = ()> + Send)>;

/// Who is notified of every call of a port.
#[async_trait]
pub trait Observer: Send + Sync {
    /// The call is about to be made. It is made once this returns, unless the process dies here.
    async fn before(&self, call: Call) -> Fate;

    /// Whether this call is to be made by [`Observer::make`].
    fn makes(&self, _: Call) -> bool {
        false
    }

    /// Has the call made to its end, and may do something while it is under way.
    async fn make(&self, _: Call, made: CallMade<'_>) {
        made.await;
    }

    /// Whether the process lives on.
    fn fate(&self) -> Fate {
        Fate::Live
    }

    /// The call has been made, and failed if there is a failure. Its caller goes on once this returns.
    async fn after(&self, call: Call, failure: Option<&PortError>) -> Answer;
}

impl Ports {
    /// These ports, each [`Call`] of which is observed.
    #[must_use]
    pub fn observed(self, observer: Arc<dyn Observer>) -> Self {
        Self::of(&Arc::new(Observed { observer, ports: self }))
    }
}

struct Observed {
    observer: Arc<dyn Observer>,
    ports: Ports,
}

impl Observed {
    /// Makes a call between two words to the observer. One whose answer is lost has failed.
    async fn call<T: Send>(
        &self,
        call: Call,
        made: impl Future<Output = PortResult<T>> + Send,
    ) -> PortResult<T> {
        let (done, answer) = self.answer(call, made).await;
        match (done, answer) {
            (Some(done), Answer::Delivered) => done,
            (_, Answer::Died) => Err(call.died()),
            (_, Answer::Lost) | (None, Answer::Delivered) => Err(call.lost()),
        }
    }

    /// What came of a call, if it was made, and what becomes of its answer.
    async fn answer<T: Send>(
        &self,
        call: Call,
        made: impl Future<Output = PortResult<T>> + Send,
    ) -> (Option<PortResult<T>>, Answer) {
        if self.observer.before(call).await == Fate::Die {
            return (None, Answer::Died);
        }
        let done = if self.observer.makes(call) {
            let mut done = None;
            let whole = async { done = Some(made.await) };
            self.observer.make(call, pin!(whole)).await;
            done
        } else {
            Some(made.await)
        };
        let failure = done.as_ref().and_then(|done| done.as_ref().err());
        let answer = self.observer.after(call, failure).await;
        (done, answer)
    }
}

#[async_trait]
impl Cluster for Observed {
    async fn primary(&self) -> PortResult<Option<UnitId>> {
        self.call(Call::ClusterPrimary, self.ports.cluster.primary()).await
    }

    async fn member_state(&self) -> PortResult<MemberState> {
        self.call(Call::ClusterMemberState, self.ports.cluster.member_state()).await
    }

    async fn system_identifier(&self) -> PortResult<u64> {
        self.call(Call::ClusterSystemIdentifier, self.ports.cluster.system_identifier()).await
    }

    async fn accepts_connections(&self) -> PortResult<bool> {
        self.call(Call::ClusterAcceptsConnections, self.ports.cluster.accepts_connections()).await
    }

    async fn apply(&self, settings: &ClusterSettings) -> PortResult<()> {
        self.call(Call::ClusterApply, self.ports.cluster.apply(settings)).await
    }
}

#[async_trait]
impl Repository for Observed {
    async fn configure(&self, settings: &RepositorySettings) -> PortResult<()> {
        self.call(Call::RepositoryConfigure, self.ports.repository.configure(settings)).await
    }

    async fn create_stanza(&self, stanza: &str) -> PortResult<()> {
        self.call(Call::RepositoryCreateStanza, self.ports.repository.create_stanza(stanza)).await
    }

    async fn check(&self, stanza: &str) -> PortResult<()> {
        self.call(Call::RepositoryCheck, self.ports.repository.check(stanza)).await
    }

    async fn back_up(&self, request: &BackupRequest) -> PortResult<String> {
        self.call(Call::RepositoryBackUp, self.ports.repository.back_up(request)).await
    }

    async fn info(&self) -> PortResult<String> {
        self.call(Call::RepositoryInfo, self.ports.repository.info()).await
    }

    async fn ping(&self, unit: UnitId) -> PortResult<()> {
        self.call(Call::RepositoryPing, self.ports.repository.ping(unit)).await
    }
}

#[async_trait]
impl ObjectStore for Observed {
    async fn ensure_bucket(&self, s3: &S3Settings) -> PortResult<()> {
        self.call(Call::ObjectStoreEnsureBucket, self.ports.object_store.ensure_bucket(s3)).await
    }

    async fn put(&self, s3: &S3Settings, key: &str, content: &[u8]) -> PortResult<()> {
        self.call(Call::ObjectStorePut, self.ports.object_store.put(s3, key, content)).await
    }

    async fn get(&self, s3: &S3Settings, key: &str) -> PortResult<Option<Vec<u8>>> {
        self.call(Call::ObjectStoreGet, self.ports.object_store.get(s3, key)).await
    }
}

#[async_trait]
impl Workload for Observed {
    async fn is_reachable(&self) -> PortResult<bool> {
        // That no answer comes is an answer here.
        let call = Call::WorkloadIsReachable;
        match self.answer(call, self.ports.workload.is_reachable()).await {
            (_, Answer::Died) => Err(call.died()),
            (Some(done), Answer::Delivered) => done,
            (_, Answer::Lost) | (None, Answer::Delivered) => Ok(false),
        }
    }

    async fn service(&self, service: Service) -> PortResult<ServiceState> {
        self.call(Call::WorkloadService, self.ports.workload.service(service)).await
    }

    async fn start(&self, service: Service) -> PortResult<()> {
        self.call(Call::WorkloadStart, self.ports.workload.start(service)).await
    }

    async fn stop(&self, service: Service) -> PortResult<()> {
        self.call(Call::WorkloadStop, self.ports.workload.stop(service)).await
    }

    async fn reload(&self, service: Service) -> PortResult<()> {
        self.call(Call::WorkloadReload, self.ports.workload.reload(service)).await
    }

    async fn empty_data_directory(&self) -> PortResult<()> {
        self.call(Call::WorkloadEmptyDataDirectory, self.ports.workload.empty_data_directory())
            .await
    }
}

#[async_trait]
impl ClusterRecord for Observed {
    async fn remove(&self) -> PortResult<()> {
        self.call(Call::ClusterRecordRemove, self.ports.cluster_record.remove()).await
    }
}

#[async_trait]
impl Unit for Observed {
    fn identity(&self) -> Arc<Identity> {
        self.ports.unit.identity()
    }

    async fn is_leader(&self) -> PortResult<bool> {
        self.call(Call::UnitIsLeader, self.ports.unit.is_leader()).await
    }

    async fn status(&self) -> PortResult<Status> {
        self.call(Call::UnitStatus, self.ports.unit.status()).await
    }

    async fn set_status(&self, status: Status) -> PortResult<()> {
        self.call(Call::UnitSetStatus, self.ports.unit.set_status(status)).await
    }

    async fn planned_units(&self) -> PortResult<u32> {
        self.call(Call::UnitPlannedUnits, self.ports.unit.planned_units()).await
    }

    async fn peers(&self) -> PortResult<Vec<UnitId>> {
        self.call(Call::UnitPeers, self.ports.unit.peers()).await
    }

    async fn data(&self, bag: Databag, key: &str) -> PortResult<Option<Arc<str>>> {
        self.call(Call::UnitData, self.ports.unit.data(bag, key)).await
    }

    async fn peer_data(&self, unit: UnitId, key: &str) -> PortResult<Option<Arc<str>>> {
        self.call(Call::UnitPeerData, self.ports.unit.peer_data(unit, key)).await
    }

    async fn set_data(
        &self,
        bag: Databag,
        key: &'static str,
        value: Option<&str>,
    ) -> PortResult<()> {
        self.call(Call::UnitSetData, self.ports.unit.set_data(bag, key, value)).await
    }

    async fn s3_relation(&self) -> PortResult<Option<Arc<S3Relation>>> {
        self.call(Call::UnitS3Relation, self.ports.unit.s3_relation()).await
    }

    async fn tls_material(&self) -> PortResult<TlsMaterial> {
        self.call(Call::UnitTlsMaterial, self.ports.unit.tls_material()).await
    }

    async fn parameters(&self) -> PortResult<Vec<String>> {
        self.call(Call::UnitParameters, self.ports.unit.parameters()).await
    }

    async fn parameter(&self, name: &str) -> PortResult<Option<Arc<str>>> {
        self.call(Call::UnitParameter, self.ports.unit.parameter(name)).await
    }

    async fn set_result(&self, key: &'static str, value: &str) -> PortResult<()> {
        self.call(Call::UnitSetResult, self.ports.unit.set_result(key, value)).await
    }

    async fn fail_action(&self, message: &str) -> PortResult<()> {
        self.call(Call::UnitFailAction, self.ports.unit.fail_action(message)).await
    }

    async fn defer(&self) -> PortResult<()> {
        self.call(Call::UnitDefer, self.ports.unit.defer()).await
    }
}

#[async_trait]
impl Clock for Observed {
    async fn now(&self) -> Timestamp {
        self.ports.clock.now().await
    }

    /// Nobody who has died waits.
    async fn wait(&self, pause: std::time::Duration) -> PortResult<()> {
        match self.observer.fate() {
            Fate::Live => self.ports.clock.wait(pause).await,
            Fate::Die => Err(died("clock", "wait")),
        }
    }
}
