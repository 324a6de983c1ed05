//! Events whose hooks run at the same time.

use std::sync::Arc;

use pgdrill_core::Shape;
use pgdrill_sim::{BackupSeen, Event, Injection, Shelf, Turn};

use super::{
    FiredStep, Missed, MissedWhat, SeenAround, StepsTaken, filled_in, good, in_text, look,
};
use crate::{
    laws::reports_a_backup,
    plan::EventInTurns,
    testbed::{Delivered, Prevented, Testbed, in_turns},
};

impl<P: Testbed + ?Sized> StepsTaken<'_, P> {
    /// Fires the events of this step in turns: the backups that are there after them. What can be seen is looked at before all
    /// and after all.
    pub(super) async fn fire_together(
        &mut self,
        planned: &[EventInTurns],
        order: &[Turn],
        step: usize,
    ) -> Result<Shelf<BackupSeen>, Prevented> {
        let backups = self.testbed.backups().await?;
        let events = planned.iter().map(|event| with_parameters(event, &backups));
        let events = events.collect::<Result<Vec<_>, _>>()?;
        let is_examined = self.plan.is_examined;
        let before = look(self.testbed, is_examined).await?;
        let amendments = self.plan.amendments;
        let (delivered, missed) = in_turns(self.testbed, &events, order, amendments).await?;
        let seen = before.map(Arc::new).zip(look(self.testbed, is_examined).await?);
        let after = self.testbed.backups().await?;
        let (old, new) = after.changed(&backups);
        let mut gained = good(&new).saturating_sub(good(&old));
        let units: Vec<u32> = events.iter().map(|(event, _)| event.unit).collect();
        let mut prevented = None;
        let mut ends = Vec::with_capacity(events.len());
        for (index, ((event, injections), delivered)) in events.iter().zip(delivered).enumerate() {
            let Delivered { fired, missed, prevented: why } = delivered;
            prevented = prevented.or(why);
            let around = seen.clone().map(|(before, after)| {
                let all = events.iter().flat_map(|(_, injections)| injections);
                let units = units.clone();
                Arc::new(SeenAround::new(event, before, after, all, units, &fired, amendments))
            });
            let firing = |fired| FiredStep { fired, backups_gained: 0, step, seen: around.clone() };
            let mut firings: Vec<FiredStep> = fired.into_iter().map(firing).collect();
            // Each backup that there is more has been reported by one.
            for firing in firings.iter_mut().filter(|firing| reports_a_backup(firing)) {
                firing.backups_gained = gained.min(1);
                gained = gained.saturating_sub(1);
            }
            let end = self.take_up(firings);
            self.take_up_injected(event, (step, Some(index)), injections, &missed, end);
            ends.push((event, end));
        }
        for index in missed {
            self.miss_turn(order, index, step, &ends);
        }
        prevented.map_or(Ok(after), Err)
    }

    /// A turn that no firing of its event got to the end of.
    fn miss_turn(
        &mut self,
        order: &[Turn],
        index: usize,
        step: usize,
        ends: &[(&Event, (Shape, Option<usize>))],
    ) {
        let Some(Turn { unit, until: Some(until) }) = order.get(index).copied() else { return };
        let Some((event, (ended, firing))) = ends.iter().find(|(event, _)| event.unit == unit)
        else {
            return;
        };
        let (what, hook) = (MissedWhat::Turn(until), event.hook);
        let (ended, firing) = (*ended, *firing);
        let missed = Missed { what, hook, unit, ended, firing, step, index, event: None };
        self.run.missed.push(missed);
    }
}

/// An event as it is delivered, with its parameters filled in.
fn with_parameters(
    event: &EventInTurns,
    backups: &Shelf<BackupSeen>,
) -> Result<(Event, Vec<Injection>), Prevented> {
    let EventInTurns { hook, unit, parameters, injections, then: _ } = event;
    let parameters = filled_in(parameters, backups).map_err(|why| in_text(&why))?;
    Ok((Event { hook: *hook, unit: *unit, parameters }, injections.clone()))
}
