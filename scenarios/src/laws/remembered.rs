//! What laws remember of what was: no other law knows of an earlier event.

use std::collections::BTreeMap;

use pgdrill_core::{Action, Attempt, Outcome, Shape, ports::key, texts};
use pgdrill_sim::{Fingerprinter, World};

use crate::{
    reason::FiringRef,
    run::{FiredStep, Run},
};

/// What laws remember of the events before a run, or before its end. A run that begins in a world that was made for it has
/// nothing to remember.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remembered {
    /// Each unit's last firing.
    pub(crate) last: BTreeMap<u32, LastFiring>,
    /// The first firing that emptied a unit's data.
    pub(crate) emptied: BTreeMap<u32, Emptied>,
    /// The unit on which a restore was last reported, and the label of its backup; `None` once another has emptied the data.
    pub(crate) restored: Option<(u32, Option<String>)>,
}

/// The last firing on a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LastFiring {
    pub(crate) at: FiringRef,
    /// Whether it was cut off, or could not repair what an earlier one left, so that it did not do all that it was about to.
    pub(crate) is_cut_off: bool,
}

impl LastFiring {
    pub(crate) fn of(index: usize, step: &FiredStep) -> Self {
        // What could not be repaired is left for the next firing.
        let repair = Some(Shape::Action(Action::RepairInterruptedBackup));
        let mut failures = step.fired.failures.iter().flatten();
        let before = step.seen.as_deref().and_then(|around| around.before.facts.as_deref());
        let own = before.and_then(|facts| facts.unit(step.fired.unit));
        let is_out_of_reach = own.is_some_and(|own| !own.is_workload_reachable);
        let is_cut_off =
            is_cut_off(step) || is_out_of_reach || failures.any(|failure| failure.at == repair);
        Self { at: FiringRef::new(index, step), is_cut_off }
    }
}

/// Whether a firing was cut off: its process died, or it ended in a hook error.
const fn is_cut_off(step: &FiredStep) -> bool {
    matches!(step.fired.firing.outcome, Outcome::Died(_) | Outcome::Error(_))
}

/// A firing that emptied a unit's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Emptied {
    pub(crate) at: FiringRef,
    /// The cluster whose data was served before.
    pub(crate) system_id: Option<u64>,
    /// Whether it, and each later one that emptied them, was cut off: Juju tells of that, and nothing was reported as done.
    pub(crate) is_cut_off: bool,
}

impl Remembered {
    /// What is remembered once this run, too, is over.
    #[must_use]
    pub(crate) fn after(&self, run: &Run) -> Self {
        let mut all = self.clone();
        for (index, step) in run.firings.iter().enumerate() {
            let (fired, unit) = (&step.fired, step.fired.unit);
            all.last.insert(unit, LastFiring::of(index, step));
            let around = step.seen.as_deref();
            if fired.firing.trace.visited(Shape::Attempt(Attempt::WasDataDirectoryEmptied)) {
                let before = around.and_then(|around| around.before.facts.as_deref());
                let system_id = before.and_then(|facts| facts.system_id);
                let (at, is_cut_off) = (FiringRef::new(index, step), is_cut_off(step));
                let first = Emptied { at, system_id, is_cut_off };
                all.emptied.entry(unit).or_insert(first).is_cut_off &= is_cut_off;
                // It takes the place of whatever was reported before, also where Juju tells that it failed.
                all.restored = None;
            }
            let mut results = fired.results.iter();
            if results.any(|(key, value)| (*key, value.as_str()) == texts::RESTORE_STARTED) {
                let after = around.and_then(|around| around.after.facts.as_deref());
                let label = after.and_then(|facts| facts.application(key::RESTORING_BACKUP));
                all.restored = Some((unit, label.map(str::to_owned)));
            }
        }
        all
    }

    /// Forgets what no law asks for any more: who fired last on a unit counts only while that refuses connections.
    pub(crate) fn forget(&mut self, world: &World) {
        self.last.retain(|unit, _| world.refuses_connections(*unit));
    }

    /// Adds it to a fingerprint. Of a firing only what names it counts, not when it was.
    pub(crate) fn fingerprint(&self, to: &mut Fingerprinter<'_>) {
        to.number(self.last.len() as u64);
        for (unit, last) in &self.last {
            to.number(u64::from(*unit));
            to.number(last.at.hook as u64);
            to.flag(last.is_cut_off);
        }
        self.fingerprint_of_settled(to);
    }

    /// Adds what laws of the settled end remember.
    pub(crate) fn fingerprint_of_settled(&self, to: &mut Fingerprinter<'_>) {
        to.number(self.emptied.len() as u64);
        for (unit, emptied) in &self.emptied {
            to.number(u64::from(*unit));
            to.number(emptied.at.hook as u64);
            to.flag(emptied.is_cut_off);
            to.flag(emptied.system_id.is_some());
            emptied.system_id.into_iter().for_each(|id| to.system(id));
        }
        to.flag(self.restored.is_some());
        if let Some((unit, label)) = &self.restored {
            to.number(u64::from(*unit));
            to.option(label.as_deref());
        }
    }
}
