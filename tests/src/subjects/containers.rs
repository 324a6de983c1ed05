//! Clusters of real servers in containers.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use futures_util::{FutureExt as _, lock::Mutex as AsyncMutex};
use pgdrill_container_backend::{Containers, ContainersTestbed};
use pgdrill_containers::{
    EngineResult, PGBACKREST, Pace, Profile, Purpose, ReapScope, S3Server, Topology,
    UnitContainer as Member, clear_own, images::Quiet, postgres::PostgresClient,
};
use pgdrill_core::{Diagnostic, Hook, PortError, PortErrorKind, Ports, ports::PortResult};
use pgdrill_scenarios::{Prevented, Testbed as _};
use pgdrill_sim::{ActionSeen, Change, Event, Given, Observation, World};

use crate::contract::{PromiseFailure, Subject, Subjects, Unable};

/// Real containers: one S3 server, and as many clusters as there are workers.
pub struct RealContainers {
    containers: Containers,
}

/// Subjects one after another, on one cluster that is reset to what each of them asks for.
pub struct Worker<'a> {
    containers: &'a Containers,
    /// The testbed that was made last; its cluster serves the next one, too.
    last: AsyncMutex<Option<Arc<ContainersTestbed>>>,
}

/// A running cluster, with the clients that are connected to it.
struct RealSubject {
    testbed: Arc<ContainersTestbed>,
    clients: Mutex<BTreeMap<u32, PostgresClient>>,
}

impl RealContainers {
    /// Has something done with real containers, and takes them down whatever becomes of it.
    ///
    /// # Errors
    ///
    /// No engine answers, or a container does not come up or does not go.
    ///
    /// # Panics
    ///
    /// What is done panics: the panic goes on once nothing is left.
    pub async fn with<T>(used: impl AsyncFnOnce(&Self) -> T) -> EngineResult<T> {
        let (profile, pace) = (Some(Profile::Radosgw), Pace::REHEARSAL);
        let containers = Containers::set_up(profile, Purpose::Run, pace, &Quiet).await?;
        let real = Self { containers };
        let used = AssertUnwindSafe(used(&real)).catch_unwind().await;
        let cleared = clear_own(ReapScope::OfThisProcess).await;
        let used = used.unwrap_or_else(|panic| resume_unwind(panic));
        cleared.map(|_| used)
    }

    /// A worker of its own, which can be used while others are.
    #[must_use]
    pub fn worker(&self) -> Worker<'_> {
        Worker { containers: &self.containers, last: AsyncMutex::new(None) }
    }
}

impl Worker<'_> {
    /// A testbed on which `given` is true, on the cluster that is there if it can be reset to that, and otherwise on
    /// a new one. The testbed that was made before is of no use from then on.
    ///
    /// # Errors
    ///
    /// The S3 server can't show it, or a container failed.
    pub async fn testbed(&self, given: &Given) -> Result<Arc<ContainersTestbed>, Prevented> {
        let mut last = self.last.lock().await;
        if let Some(used) = last.take() {
            used.leave().await?;
            let topology = Arc::clone(used.topology());
            let made = self.make_on(&topology, given).await;
            if !matches!(made, Err(Prevented::Broken(_))) {
                // Of a place that can't be made nothing is left but its cluster.
                *last = Some(made.as_ref().map_or(used, Arc::clone));
                return made;
            }
            topology.take_down().await.map_err(broken)?;
        }
        let topology = Arc::new(self.containers.raise(given.units).await.map_err(broken)?);
        let made = self.make_on(&topology, given).await;
        match &made {
            Ok(testbed) => *last = Some(Arc::clone(testbed)),
            Err(_) => topology.take_down().await.map_err(broken)?,
        }
        made
    }

    /// The S3 server.
    #[must_use]
    pub fn s3(&self) -> &S3Server {
        &self.containers.server().s3
    }

    async fn make_on(
        &self,
        topology: &Arc<Topology>,
        given: &Given,
    ) -> Result<Arc<ContainersTestbed>, Prevented> {
        let server = self.containers.server();
        ContainersTestbed::make(Arc::clone(topology), server, given).await.map(Arc::new)
    }
}

#[async_trait]
impl Subjects for Worker<'_> {
    fn backend(&self) -> &'static str {
        "containers"
    }

    async fn make(&self, given: &Given) -> Result<Box<dyn Subject>, PromiseFailure> {
        let testbed = self.testbed(given).await?;
        Ok(Box::new(RealSubject { testbed, clients: Mutex::default() }))
    }
}

impl RealSubject {
    fn world(&self) -> MutexGuard<'_, World> {
        self.testbed.world().lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clients(&self) -> MutexGuard<'_, BTreeMap<u32, PostgresClient>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unit(&self, unit: u32) -> Result<Member, PromiseFailure> {
        Ok(self.testbed.topology().unit(unit).map_err(broken)?)
    }
}

#[async_trait]
impl Subject for RealSubject {
    fn ports(&self, unit: u32) -> PortResult<Ports> {
        // Juju is simulated, and answers at once.
        self.testbed.ports(unit).now_or_never().unwrap_or_else(|| {
            let cause = "the simulated Juju did not answer at once";
            Err(PortError::new(PortErrorKind::TimedOut, "unit", "tls_material", cause))
        })
    }

    async fn happen(&self, change: &Change) -> Result<(), PromiseFailure> {
        Ok(self.testbed.happen(change).await?)
    }

    async fn observe(&self) -> Result<Observation, PromiseFailure> {
        Ok(self.testbed.observe().await?)
    }

    async fn begin(&self, event: &Event) -> Result<Vec<Hook>, PromiseFailure> {
        Ok(self.world().begin_event(event))
    }

    async fn end(&self, unit: u32, succeeded: bool) -> Result<ActionSeen, PromiseFailure> {
        Ok(self.world().end_event(unit, succeeded))
    }

    async fn asks_from_within(&self) -> Result<(), PromiseFailure> {
        let reason = "the managers are asked from outside of the units, where nobody is cut off";
        Err(Unable(reason.into()).into())
    }

    async fn configuration_mode(&self, unit: u32) -> Result<u32, PromiseFailure> {
        let reported = self.unit(unit)?.shell("stat -c %a \"$1\"", &[PGBACKREST]).await;
        let reported = reported.map_err(broken)?;
        u32::from_str_radix(reported.trim(), 8).map_err(|_| {
            PromiseFailure::Broken(format!("`{}` are no permissions", reported.trim()))
        })
    }

    async fn connect_client(&self, unit: u32) -> Result<(), PromiseFailure> {
        let connected = self.testbed.client(unit)?.connect().await;
        let client =
            connected.map_err(|error| PromiseFailure::Broken(format!("no client: {error}")))?;
        self.clients().insert(unit, client);
        Ok(())
    }

    async fn is_client_connected(&self, unit: u32) -> Result<bool, PromiseFailure> {
        let client = self.clients().remove(&unit);
        let Some(mut client) = client else {
            return Err(PromiseFailure::Broken(format!("no client was connected to unit {unit}")));
        };
        let answers = client.is_answering().await;
        self.clients().insert(unit, client);
        Ok(answers)
    }
}

impl From<Prevented> for PromiseFailure {
    fn from(prevented: Prevented) -> Self {
        match prevented {
            Prevented::Unable(reason) => Self::Unable(Unable(reason)),
            Prevented::Broken(cause) => Self::Broken(cause.to_string()),
        }
    }
}

fn broken(complaint: Box<Diagnostic>) -> Prevented {
    Prevented::Broken(complaint.into())
}
