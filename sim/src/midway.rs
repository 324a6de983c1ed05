//! What happens in the middle of a command.

use std::mem;

use async_trait::async_trait;
use pgdrill_core::ports::Call;

use crate::{
    apply::Impossible,
    change::Change,
    injection::Inject,
    world::{Shared, World, lock},
};

/// What is to happen in the middle of a unit's next command that takes time.
#[derive(Debug, Clone, Default)]
pub(crate) enum Midway {
    /// Nothing: the command went on, or there is none.
    #[default]
    Passed,
    /// It is held there, if it is, and these changes come about.
    Armed { changes: Vec<Change>, is_held: bool },
    /// It is there and does not go on; these changes come about once it does.
    Held(Vec<Change>),
    /// One of them could not come about.
    Refused(Impossible),
}

/// How a command went through its middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    /// Nothing was to happen there.
    Quiet,
    /// What was to happen there did.
    Disturbed,
    /// It did, and the command was killed.
    Killed,
}

impl World {
    /// The command of a unit has come to its middle: whether it is held there.
    pub(crate) fn reach_midway(&mut self, unit: u32) -> bool {
        let Some(armed) = self.midway.get_mut(&unit) else { return false };
        let Midway::Armed { changes, is_held: true } = armed else { return false };
        *armed = Midway::Held(mem::take(changes));
        true
    }

    /// Whether the command of a unit is held in its middle.
    pub(crate) fn is_held_midway(&self, unit: u32) -> bool {
        matches!(self.midway.get(&unit), Some(Midway::Held(_)))
    }

    /// The command of a unit goes on from its middle: what was to happen there does.
    pub(crate) fn pass_midway(&mut self, unit: u32) -> Passage {
        let Some(Midway::Armed { changes, .. } | Midway::Held(changes)) = self.midway.remove(&unit)
        else {
            return Passage::Quiet;
        };
        for change in &changes {
            if let Err(why) = self.happen(change) {
                self.midway.insert(unit, Midway::Refused(why));
                break;
            }
        }
        match changes.contains(&Change::BackupIsKilled) {
            true => Passage::Killed,
            false => Passage::Disturbed,
        }
    }
}

/// A unit of a world, as the target of what is injected into its firings.
#[derive(Debug, Clone)]
pub struct FiringUnit {
    world: Shared,
    unit: u32,
}

impl FiringUnit {
    /// This unit of this world.
    #[must_use]
    pub fn new(world: &Shared, unit: u32) -> Self {
        Self { world: Shared::clone(world), unit }
    }

    /// Whether its command is held in its middle.
    pub(crate) fn is_held(&self) -> bool {
        lock(&self.world).is_held_midway(self.unit)
    }

    /// Its command goes on.
    pub(crate) fn let_go(&self) {
        let mut world = lock(&self.world);
        if let Some(Midway::Held(changes)) = world.midway.remove(&self.unit) {
            world.midway.insert(self.unit, Midway::Armed { changes, is_held: false });
        }
    }
}

#[async_trait]
impl Inject for FiringUnit {
    type Error = Impossible;

    async fn inject(&self, change: &Change) -> Result<(), Impossible> {
        lock(&self.world).happen(change)
    }

    async fn arm(&self, _: Call, changes: &[Change], is_held: bool) -> Result<(), Impossible> {
        let armed = Midway::Armed { changes: changes.to_vec(), is_held };
        lock(&self.world).midway.insert(self.unit, armed);
        Ok(())
    }

    async fn disarm(&self) -> Result<bool, Impossible> {
        match lock(&self.world).midway.remove(&self.unit).unwrap_or_default() {
            Midway::Armed { .. } => Ok(false),
            Midway::Passed | Midway::Held(_) => Ok(true),
            Midway::Refused(why) => Err(why),
        }
    }
}
