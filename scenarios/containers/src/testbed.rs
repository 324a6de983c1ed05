//! One running cluster as a place for a plan, with Juju simulated over it.

use std::sync::Arc;

use async_trait::async_trait;
use pgdrill_adapters::{clock::SystemClock, s3::S3Store};
use pgdrill_containers::{Misbehaviour, Topology, postgres::Postgres};
use pgdrill_core::{
    Amendments, Diagnostic, Hook, PortError, Ports, Probe,
    ports::{PortResult, Service},
};
use pgdrill_sim::{
    ArchiveCommand, Awaited, BackupSeen, BucketGiven, Change, DataDirectory, DcsState, Event,
    Given, Injection, Injector, LockState, MemberFate, Observation, Part, PgbackrestFailureMode,
    RelationState, S3ServerState, ServiceName, ServiceRuns, SetMember, SetService, Shared, Shelf,
    View, WorkloadState, World, dispatch_noting,
};

use super::{
    SharedS3,
    bucket::TestBucket,
    given,
    midway::{AtCalls, FiringUnit},
    observe,
};
use pgdrill_scenarios::{Delivered, Prevented, Testbed};
use pgdrill_sim::lock;

/// A cluster on which everything that a plan gives is true. A clone is the same place.
#[derive(Clone)]
pub struct ContainersTestbed {
    pub(super) topology: Arc<Topology>,
    pub(super) world: Shared,
    pub(super) bucket: Arc<TestBucket>,
    clock: Arc<SystemClock>,
}

impl ContainersTestbed {
    /// Makes everything given true on a cluster of as many units, whatever was true on it before.
    ///
    /// # Errors
    ///
    /// `Unable` when the S3 server can't show it; `Broken` when a container failed: the cluster is of no more
    /// use then.
    pub async fn make(
        topology: Arc<Topology>,
        server: &Arc<SharedS3>,
        given: &Given,
    ) -> Result<Self, Prevented> {
        Self::make_with(topology, TestBucket::fresh(server), given).await
    }

    pub(super) async fn make_with(
        topology: Arc<Topology>,
        bucket: TestBucket,
        given: &Given,
    ) -> Result<Self, Prevented> {
        let world = World::with_s3(given, Arc::new(bucket.s3_values())).shared();
        let clock = Arc::new(SystemClock::faster(topology.pace().faster));
        let testbed = Self { topology, world, bucket: Arc::new(bucket), clock };
        given::make_true(&testbed, given).await?;
        Ok(testbed)
    }

    /// Takes what an earlier process left running: the world as it was left, and the cluster as it is.
    #[must_use]
    pub(super) fn again(topology: Arc<Topology>, world: World, bucket: TestBucket) -> Self {
        let clock = Arc::new(SystemClock::faster(topology.pace().faster));
        Self { topology, world: world.shared(), bucket: Arc::new(bucket), clock }
    }

    /// The ports of a unit: Juju's is the world's, every other leads to a real server.
    ///
    /// # Errors
    ///
    /// There is no such unit.
    pub async fn ports(&self, unit: u32) -> PortResult<Ports> {
        let juju = View::new(&self.world, unit)?.ports().unit;
        let tls = juju.tls_material().await?.is_complete();
        let found = self.topology.unit(unit).map_err(|complaint| no_unit(&complaint))?;
        Ok(Ports {
            unit: juju,
            cluster: Arc::new(self.topology.cluster(unit)),
            repository: Arc::new(self.topology.repository(unit, tls)),
            object_store: Arc::new(self.store()),
            workload: Arc::new(found.workload()),
            cluster_record: Arc::new(self.topology.record()),
            clock: Arc::clone(&self.clock) as _,
        })
    }

    /// The bucket as this process reaches it: through the topology's proxy, as the units do.
    pub(super) fn store(&self) -> S3Store {
        S3Store::default().by(self.topology.proxy().route())
    }

    /// The bucket is gone, with everything in it: the place has served its time.
    ///
    /// # Errors
    ///
    /// The S3 server refuses.
    pub async fn leave(&self) -> Result<(), Prevented> {
        self.bucket.remove().await
    }

    /// The server of a unit as a client reaches it: its superuser, over the network.
    ///
    /// # Errors
    ///
    /// There is no such unit.
    pub fn client(&self, unit: u32) -> Result<Postgres, Prevented> {
        let unit = self.topology.unit(unit).map_err(broken)?;
        Ok(observe::client(self, &unit))
    }

    /// The cluster itself.
    #[must_use]
    pub fn topology(&self) -> &Arc<Topology> {
        &self.topology
    }

    /// The world that holds Juju.
    #[must_use]
    pub fn world(&self) -> &Shared {
        &self.world
    }

    async fn set_member(&self, set: &SetMember) -> Result<(), Box<Diagnostic>> {
        let topology = &self.topology;
        let did_lead = topology.primary().await == Some(set.unit);
        match set.is {
            MemberFate::Running => return topology.revive(set.unit).await,
            MemberFate::ServerDown => return topology.take_server_down(set.unit).await,
            MemberFate::Frozen => topology.unit(set.unit)?.container.pause().await?,
            MemberFate::Killed => topology.kill(set.unit).await?,
            MemberFate::CutOff => topology.unit(set.unit)?.container.disconnect().await?,
        }
        // As in memory: its lock has run out before anything else happens.
        if did_lead { topology.failed_over(set.unit).await } else { Ok(()) }
    }

    async fn set_service(&self, set: &SetService) -> Result<(), Box<Diagnostic>> {
        let service = match set.name {
            ServiceName::Database => Service::Database,
            ServiceName::TlsServer => Service::TlsServer,
        };
        match set.is {
            ServiceRuns::Running => self.topology.set_service(set.unit, service, true).await,
            ServiceRuns::Stopped => self.topology.set_service(set.unit, service, false).await,
            ServiceRuns::Unknown => self.topology.make_service_unknown(set.unit, service).await,
        }
    }

    async fn set_failure_mode(&self, mode: PgbackrestFailureMode) -> Result<(), Box<Diagnostic>> {
        let how = match mode {
            PgbackrestFailureMode::Well => None,
            PgbackrestFailureMode::Garbled => Some(Misbehaviour::Garbled),
            PgbackrestFailureMode::Hangs => Some(Misbehaviour::Hangs),
            PgbackrestFailureMode::Silent => Some(Misbehaviour::Silent),
            PgbackrestFailureMode::StrangeLabel => Some(Misbehaviour::StrangeLabel),
            PgbackrestFailureMode::Terminated => Some(Misbehaviour::Terminated),
            PgbackrestFailureMode::Locked => {
                let stanza = lock(&self.world).stanza();
                return self.topology.hold_lock(&stanza).await;
            }
        };
        self.topology.misbehave(how).await
    }

    async fn set_s3_server(&self, state: S3ServerState) -> Result<(), Prevented> {
        let proxy = self.topology.proxy();
        match state {
            S3ServerState::Up => {
                proxy.open().await.map_err(broken)?;
                self.bucket.lift().await
            }
            S3ServerState::Down => proxy.close().await.map_err(broken),
            S3ServerState::Hangs => proxy.hang().await.map_err(broken),
            S3ServerState::Denies => self.bucket.deny().await,
        }
    }

    async fn make_real(&self, change: &Change) -> Result<(), Prevented> {
        let topology = &self.topology;
        match change {
            Change::PrimaryMovesTo(unit) => topology.switch_over(*unit).await,
            Change::PrimaryIsLost => topology.lose_primary().await,
            Change::S3Server(state) => return self.set_s3_server(*state).await,
            Change::RefuseKeysWith(text) => return self.bucket.refuse_keys_with(text).await,
            Change::S3Settings(s3) => return self.bucket.set(s3.bucket).await,
            Change::S3Relation(RelationState::Made) => {
                return self.bucket.set(BucketGiven::Present).await;
            }
            Change::Member(set) => self.set_member(set).await,
            Change::Dcs(DcsState::Up) => topology.start_dcs().await,
            Change::Dcs(DcsState::Down) => topology.stop_dcs().await,
            Change::ServiceWillNotStop(unit) => topology.refuse_to_stop(*unit).await,
            Change::Service(set) => self.set_service(set).await,
            Change::DataDirectory(set) => {
                topology.hold_data(set.unit, set.is == DataDirectory::Busy).await
            }
            Change::ArchiveCommand(command) => {
                topology.break_archive_command(*command == ArchiveCommand::Broken).await
            }
            Change::ArchiveDelay(seconds) => topology.delay_archive(*seconds).await,
            Change::Pgbackrest(mode) => self.set_failure_mode(*mode).await,
            Change::Lock(set) => {
                let stanza = lock(&self.world).stanza();
                topology.set_lock(set.unit, &stanza, set.is == LockState::Held).await
            }
            Change::ScaleTo(count) => topology.scale_to(*count).await,
            Change::Workload(set) => {
                let silent = set.is == WorkloadState::Unreachable;
                topology.silence_supervisor(set.unit, silent).await
            }
            Change::Await(Awaited::DatabaseSettled) => topology.databases_settled().await,
            Change::Await(Awaited::RestoreBegun) => topology.restore_begun().await,
            Change::Await(Awaited::LockFree) => topology.locks_freed().await,
            // Juju's own, and what the firing itself suffers.
            Change::LeaderMovesTo(_)
            | Change::S3Relation(RelationState::Gone)
            | Change::Tls(_)
            | Change::ClusterInitialises
            | Change::BackupIsKilled
            | Change::ProcessDies => Ok(()),
        }
        .map_err(broken)
    }
}

#[async_trait]
impl Testbed for ContainersTestbed {
    async fn happen(&self, change: &Change) -> Result<(), Prevented> {
        lock(&self.world).check_unit(change)?;
        self.make_real(change).await?;
        lock(&self.world).apply(change);
        Ok(())
    }

    async fn deliver(
        &self,
        event: &Event,
        amendments: Amendments,
        injections: &[Injection],
        part: Option<Part>,
    ) -> Result<Delivered, Prevented> {
        let failed = |error: PortError| Prevented::Broken(error.to_string().into());
        let is_armed = !injections.is_empty() || part.is_some();
        let ports = self.ports(event.unit).await.map_err(failed)?;
        let target = FiringUnit::new(self.clone(), event.unit);
        let probe = Arc::new(Injector::new(target, injections).taking_turns(part));
        let ports = AtCalls::observe(&probe, ports);
        let armed = is_armed.then_some(&*probe as &dyn Probe);
        let fired = dispatch_noting(&self.world, ports, event, amendments, armed).await;
        let fired = fired.map_err(failed)?;
        Ok(Delivered { fired, missed: probe.missed(), prevented: probe.take_failure() })
    }

    async fn backups(&self) -> Result<Shelf<BackupSeen>, Prevented> {
        self.bucket.backups().await.map(Shelf::from)
    }

    async fn observe(&self) -> Result<Observation, Prevented> {
        observe::observe(self).await
    }

    fn is_watched(&self) -> bool {
        false
    }

    async fn undo_faults(&self) -> Result<(), Prevented> {
        let stopped = lock(&self.world).stopped_by_faults();
        self.topology.undo_faults(&stopped).await.map_err(broken)?;
        self.bucket.lift().await?;
        lock(&self.world).undo_faults();
        Ok(())
    }

    async fn owed(&self, unit: u32) -> Result<Vec<Hook>, Prevented> {
        Ok(lock(&self.world).owed(unit))
    }

    async fn pass_time(&self) -> Result<(), Prevented> {
        self.happen(&Change::Await(Awaited::DatabaseSettled)).await
    }

    async fn copy(&self) -> Option<World> {
        None
    }
}

/// A container that failed.
pub(super) fn broken(complaint: Box<Diagnostic>) -> Prevented {
    Prevented::Broken(complaint.into())
}

fn no_unit(complaint: &Diagnostic) -> PortError {
    let kind = pgdrill_core::PortErrorKind::NotFound;
    PortError::new(kind, "unit", "identity", complaint.what.clone())
}
