//! The fakes: thin views of a world that serve the ports.

mod cluster;
mod object_store;
mod repository;
mod unit;
mod workload;

use std::{
    sync::{Arc, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use pgdrill_core::{
    PortError, PortErrorKind, Ports,
    ports::{Clock, ClusterRecord, Identity, PortResult, Timestamp},
};

use crate::{
    change::DcsState,
    world::{Shared, World, lock},
};

/// One unit's view of a world. It serves every port.
///
/// Each port call takes the world's lock once and gives it back before it returns, so that another
/// firing can be let in between any two calls.
#[derive(Clone)]
pub struct View {
    world: Shared,
    unit: u32,
    identity: Arc<Identity>,
}

impl View {
    /// The view that `unit` has of `world`.
    ///
    /// # Errors
    ///
    /// `NotFound` when the world has no such unit.
    pub fn new(world: &Shared, unit: u32) -> PortResult<Self> {
        let identity = lock(world).identities.get(unit as usize).cloned();
        let identity = identity.ok_or_else(|| {
            let cause = format!("there is no unit {unit}");
            PortError::new(PortErrorKind::NotFound, "unit", "identity", cause)
        })?;
        Ok(Self { world: Arc::clone(world), unit, identity })
    }

    /// The ports that this view serves.
    #[must_use]
    pub fn ports(self) -> Ports {
        Ports::of(&Arc::new(self))
    }

    fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    fn index(&self) -> usize {
        self.unit as usize
    }
}

fn unreachable(port: &'static str, operation: &'static str, cause: &str) -> PortError {
    PortError::new(PortErrorKind::Unreachable, port, operation, cause)
}

#[async_trait]
impl Clock for View {
    async fn now(&self) -> Timestamp {
        Timestamp(self.world().now)
    }

    async fn wait(&self, pause: Duration) -> PortResult<()> {
        self.world().advance(pause);
        Ok(())
    }
}

#[async_trait]
impl ClusterRecord for View {
    async fn remove(&self) -> PortResult<()> {
        let mut world = self.world();
        if world.dcs == DcsState::Down {
            return Err(unreachable("cluster record", "remove", "the DCS does not answer"));
        }
        world.forget_cluster();
        Ok(())
    }
}
