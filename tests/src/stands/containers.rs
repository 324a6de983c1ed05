//! Clusters of real parts in containers.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use futures_util::{FutureExt as _, lock::Mutex as AsyncMutex};
use pgdrill_container_backend::{Containers, ContainersPlace};
use pgdrill_containers::{
    Leftovers, PGBACKREST, Pace, Profile, Purpose, S3Server, Setup, Topology, Unit as Member,
    clear_own, images::Quiet, postgres::PostgresClient,
};
use pgdrill_core::{Diagnostic, Hook, PortError, PortErrorKind, Ports, ports::PortResult};
use pgdrill_scenarios::{Place as _, Prevented};
use pgdrill_sim::{ActionSeen, Change, Event, Given, Observation, World};

use crate::contract::{Stand, Stands, Unable, Unkept};

/// Real parts: one S3 server, and as many clusters as there are lanes.
pub struct RealParts {
    containers: Containers,
}

/// Stands one after another, on one cluster that is brought to what each of them asks for.
pub struct Lane<'a> {
    containers: &'a Containers,
    /// The place that was made last; its cluster serves the next one, too.
    last: AsyncMutex<Option<Arc<ContainersPlace>>>,
}

/// A running cluster, with the clients that are connected to it.
struct RealStand {
    place: Arc<ContainersPlace>,
    clients: Mutex<BTreeMap<u32, PostgresClient>>,
}

impl RealParts {
    /// Has something done with real parts, and takes them down whatever becomes of it.
    ///
    /// # Errors
    ///
    /// No engine answers, or a part does not come up or does not go.
    ///
    /// # Panics
    ///
    /// What is done panics: the panic goes on once nothing is left.
    pub async fn with<T>(used: impl AsyncFnOnce(&Self) -> T) -> Setup<T> {
        let (profile, pace) = (Profile::Radosgw, Pace::REHEARSAL);
        let containers = Containers::set_up(profile, Purpose::Run, pace, &Quiet).await?;
        let parts = Self { containers };
        let used = AssertUnwindSafe(used(&parts)).catch_unwind().await;
        let cleared = clear_own(Leftovers::OfThisProcess).await;
        let used = used.unwrap_or_else(|panic| resume_unwind(panic));
        cleared.map(|_| used)
    }

    /// A lane of its own, which can be used while others are.
    #[must_use]
    pub fn lane(&self) -> Lane<'_> {
        Lane { containers: &self.containers, last: AsyncMutex::new(None) }
    }
}

impl Lane<'_> {
    /// A place on which `given` is true, on the cluster that is there if it can be brought to that, and otherwise on
    /// a new one. The place that was made before is of no use from then on.
    ///
    /// # Errors
    ///
    /// The S3 server can't show it, or a part failed.
    pub async fn place(&self, given: &Given) -> Result<Arc<ContainersPlace>, Prevented> {
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
            topology.strike().await.map_err(broken)?;
        }
        let topology = Arc::new(self.containers.raise(given.units).await.map_err(broken)?);
        let made = self.make_on(&topology, given).await;
        match &made {
            Ok(place) => *last = Some(Arc::clone(place)),
            Err(_) => topology.strike().await.map_err(broken)?,
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
    ) -> Result<Arc<ContainersPlace>, Prevented> {
        let server = self.containers.server();
        ContainersPlace::make(Arc::clone(topology), server, given).await.map(Arc::new)
    }
}

#[async_trait]
impl Stands for Lane<'_> {
    fn backend(&self) -> &'static str {
        "containers"
    }

    async fn make(&self, given: &Given) -> Result<Box<dyn Stand>, Unkept> {
        let place = self.place(given).await?;
        Ok(Box::new(RealStand { place, clients: Mutex::default() }))
    }
}

impl RealStand {
    fn world(&self) -> MutexGuard<'_, World> {
        self.place.world().lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clients(&self) -> MutexGuard<'_, BTreeMap<u32, PostgresClient>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unit(&self, unit: u32) -> Result<Member, Unkept> {
        Ok(self.place.topology().unit(unit).map_err(broken)?)
    }
}

#[async_trait]
impl Stand for RealStand {
    fn ports(&self, unit: u32) -> PortResult<Ports> {
        // Juju is simulated, and answers at once.
        self.place.ports(unit).now_or_never().unwrap_or_else(|| {
            let cause = "the simulated Juju did not answer at once";
            Err(PortError::new(PortErrorKind::TimedOut, "unit", "tls_material", cause))
        })
    }

    async fn happen(&self, change: &Change) -> Result<(), Unkept> {
        Ok(self.place.happen(change).await?)
    }

    async fn observe(&self) -> Result<Observation, Unkept> {
        Ok(self.place.observe().await?)
    }

    async fn begin(&self, event: &Event) -> Result<Vec<Hook>, Unkept> {
        Ok(self.world().begin_event(event))
    }

    async fn end(&self, unit: u32, succeeded: bool) -> Result<ActionSeen, Unkept> {
        Ok(self.world().end_event(unit, succeeded))
    }

    async fn asks_from_within(&self) -> Result<(), Unkept> {
        let reason = "the managers are asked from outside of the units, where nobody is cut off";
        Err(Unable(reason.into()).into())
    }

    async fn configuration_mode(&self, unit: u32) -> Result<u32, Unkept> {
        let told = self.unit(unit)?.shell("stat -c %a \"$1\"", &[PGBACKREST]).await;
        let told = told.map_err(broken)?;
        u32::from_str_radix(told.trim(), 8)
            .map_err(|_| Unkept::Broken(format!("`{}` are no permissions", told.trim())))
    }

    async fn connect_client(&self, unit: u32) -> Result<(), Unkept> {
        let connected = self.place.client(unit)?.connect().await;
        let client = connected.map_err(|error| Unkept::Broken(format!("no client: {error}")))?;
        self.clients().insert(unit, client);
        Ok(())
    }

    async fn is_client_connected(&self, unit: u32) -> Result<bool, Unkept> {
        let client = self.clients().remove(&unit);
        let Some(mut client) = client else {
            return Err(Unkept::Broken(format!("no client was connected to unit {unit}")));
        };
        let answers = client.is_answering().await;
        self.clients().insert(unit, client);
        Ok(answers)
    }
}

impl From<Prevented> for Unkept {
    fn from(prevented: Prevented) -> Self {
        match prevented {
            Prevented::Unable(reason) => Self::Unable(Unable(reason)),
            Prevented::Broken(cause) => Self::Broken(cause.to_string()),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn broken(complaint: Box<Diagnostic>) -> Prevented {
    Prevented::Broken(complaint.into())
}
