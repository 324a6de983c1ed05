//! Worlds of fakes.

use std::sync::{MutexGuard, PoisonError};

use async_trait::async_trait;
use pgdrill_core::{Hook, Ports, ports::PortResult};
use pgdrill_sim::{ActionSeen, Change, Event, Given, Observation, Shared, View, World};

use crate::contract::{Stand, Stands, Unable, Unkept};

/// The fakes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory;

/// A world of their own.
struct MemoryStand(Shared);

#[async_trait]
impl Stands for Memory {
    fn backend(&self) -> &'static str {
        "memory"
    }

    async fn make(&self, given: &Given) -> Result<Box<dyn Stand>, Unkept> {
        Ok(Box::new(MemoryStand(World::new(given).shared())))
    }
}

impl MemoryStand {
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Stand for MemoryStand {
    fn ports(&self, unit: u32) -> PortResult<Ports> {
        View::new(&self.0, unit).map(View::ports)
    }

    async fn happen(&self, change: &Change) -> Result<(), Unkept> {
        self.world().apply(change);
        Ok(())
    }

    async fn observe(&self) -> Result<Observation, Unkept> {
        Ok(self.world().observe())
    }

    async fn begin(&self, event: &Event) -> Result<Vec<Hook>, Unkept> {
        Ok(self.world().begin_event(event))
    }

    async fn end(&self, unit: u32, succeeded: bool) -> Result<ActionSeen, Unkept> {
        Ok(self.world().end_event(unit, succeeded))
    }

    async fn asks_from_within(&self) -> Result<(), Unkept> {
        Ok(())
    }

    async fn configuration_mode(&self, _unit: u32) -> Result<u32, Unkept> {
        Err(Unable("memory keeps the backup tool's configuration in no file".into()).into())
    }

    async fn connect_client(&self, _unit: u32) -> Result<(), Unkept> {
        Err(Unable("memory has no clients".into()).into())
    }

    async fn is_client_connected(&self, _unit: u32) -> Result<bool, Unkept> {
        Err(Unable("memory has no clients".into()).into())
    }
}
