//! Worlds of fakes.

use std::sync::{MutexGuard, PoisonError};

use async_trait::async_trait;
use pgdrill_core::{Hook, Ports, ports::PortResult};
use pgdrill_sim::{ActionSeen, Change, Event, Given, Observation, Shared, View, World};

use crate::contract::{PromiseFailure, Subject, Subjects, Unable};

/// The fakes.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemorySubjects;

/// A world of their own.
struct MemorySubject(Shared);

#[async_trait]
impl Subjects for MemorySubjects {
    fn backend(&self) -> &'static str {
        "memory"
    }

    async fn make(&self, given: &Given) -> Result<Box<dyn Subject>, PromiseFailure> {
        Ok(Box::new(MemorySubject(World::new(given).shared())))
    }
}

impl MemorySubject {
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Subject for MemorySubject {
    fn ports(&self, unit: u32) -> PortResult<Ports> {
        View::new(&self.0, unit).map(View::ports)
    }

    async fn happen(&self, change: &Change) -> Result<(), PromiseFailure> {
        self.world().apply(change);
        Ok(())
    }

    async fn observe(&self) -> Result<Observation, PromiseFailure> {
        Ok(self.world().observe())
    }

    async fn begin(&self, event: &Event) -> Result<Vec<Hook>, PromiseFailure> {
        Ok(self.world().begin_event(event))
    }

    async fn end(&self, unit: u32, succeeded: bool) -> Result<ActionSeen, PromiseFailure> {
        Ok(self.world().end_event(unit, succeeded))
    }

    async fn asks_from_within(&self) -> Result<(), PromiseFailure> {
        Ok(())
    }

    async fn configuration_mode(&self, _unit: u32) -> Result<u32, PromiseFailure> {
        Err(Unable("memory keeps the backup tool's configuration in no file".into()).into())
    }

    async fn connect_client(&self, _unit: u32) -> Result<(), PromiseFailure> {
        Err(Unable("memory has no clients".into()).into())
    }

    async fn is_client_connected(&self, _unit: u32) -> Result<bool, PromiseFailure> {
        Err(Unable("memory has no clients".into()).into())
    }
}
