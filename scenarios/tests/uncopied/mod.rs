//! A world of fakes as a place that can't be copied and in which a look costs something: as real servers are.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use pgdrill_core::{Amendments, Hook, Probe};
use pgdrill_scenarios::{Delivered, Prevented, Testbed};
use pgdrill_sim::{
    BackupSeen, Change, Event, FiringUnit, Given, Injection, Injector, Observation, Part, Shared,
    Shelf, View, World, dispatch, lock,
};

/// The place, which counts how often somebody looks.
pub(crate) struct Uncopied {
    world: Shared,
    looks: AtomicUsize,
}

impl Uncopied {
    /// One in which this is given.
    pub(crate) fn new(given: &Given) -> Self {
        Self { world: World::new(given).shared(), looks: AtomicUsize::new(0) }
    }

    /// How often somebody looked.
    #[allow(dead_code, reason = "not every test that has this module counts")]
    pub(crate) fn looks(&self) -> usize {
        self.looks.load(Ordering::Relaxed)
    }
}

#[async_trait::async_trait]
impl Testbed for Uncopied {
    async fn happen(&self, change: &Change) -> Result<(), Prevented> {
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
        let is_armed = !injections.is_empty() || part.is_some();
        let target = FiringUnit::new(&self.world, event.unit);
        let probe = Arc::new(Injector::new(target, injections).taking_turns(part));
        let ports = View::new(&self.world, event.unit).expect("a unit").ports();
        let ports = probe.ports(ports);
        let armed = is_armed.then_some(&*probe as &dyn Probe);
        let fired = dispatch(&self.world, &ports, event, amendments, armed).await;
        Ok(Delivered { fired: fired.expect("a unit"), missed: probe.missed(), prevented: None })
    }

    async fn backups(&self) -> Result<Shelf<BackupSeen>, Prevented> {
        Ok(lock(&self.world).backups())
    }

    async fn observe(&self) -> Result<Observation, Prevented> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        Ok(lock(&self.world).observe())
    }

    fn is_watched(&self) -> bool {
        false
    }

    async fn undo_faults(&self) -> Result<(), Prevented> {
        lock(&self.world).undo_faults();
        Ok(())
    }

    async fn owed(&self, unit: u32) -> Result<Vec<Hook>, Prevented> {
        Ok(lock(&self.world).owed(unit))
    }

    async fn pass_time(&self) -> Result<(), Prevented> {
        lock(&self.world).pass_time();
        Ok(())
    }

    async fn copy(&self) -> Option<World> {
        None
    }
}
