//! Changes that strike while a hook is at a named shape.

use std::sync::Mutex;

use async_trait::async_trait;
use pgdrill_core::{Fate, Probe, Shape};

use crate::{
    change::Change,
    world::{Shared, lock},
};

/// When, at a shape, a change strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before the shape is carried out.
    Before,
    /// After it was.
    After,
}

/// A change and the shape at which it strikes, the first time that a firing is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strike {
    /// The shape.
    pub at: Shape,
    /// Before or after it.
    pub moment: Moment,
    /// What happens.
    pub change: Change,
}

/// The strikes of one firing, as a probe.
pub struct Strikes<'a> {
    world: Shared,
    pending: Mutex<Vec<Option<&'a Strike>>>,
}

impl<'a> Strikes<'a> {
    /// Strikes against `world`.
    #[must_use]
    pub fn new(world: &Shared, strikes: &'a [Strike]) -> Self {
        let pending = strikes.iter().map(Some).collect();
        Self { world: Shared::clone(world), pending: Mutex::new(pending) }
    }

    /// The strikes whose shape no firing reached.
    pub fn missed(&self) -> Vec<&'a Strike> {
        self.pending().iter().copied().flatten().collect()
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, Vec<Option<&'a Strike>>> {
        self.pending.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn strike(&self, shape: Shape, moment: Moment) -> Fate {
        let mut fate = Fate::Live;
        for slot in self.pending().iter_mut() {
            let due = slot.filter(|strike| strike.at == shape && strike.moment == moment);
            let Some(strike) = due else { continue };
            *slot = None;
            lock(&self.world).apply(&strike.change);
            if strike.change == Change::ProcessDies {
                fate = Fate::Die;
            }
        }
        fate
    }
}

#[async_trait]
impl Probe for Strikes<'_> {
    async fn arrive(&self, shape: Shape) -> Fate {
        self.strike(shape, Moment::Before)
    }

    async fn leave(&self, shape: Shape) -> Fate {
        self.strike(shape, Moment::After)
    }
}
