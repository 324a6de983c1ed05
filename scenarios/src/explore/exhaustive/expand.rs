//! From a world to the next ones.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use futures_util::FutureExt as _;
use pgdrill_core::{Hook, Shape};
use pgdrill_sim::{At, Change, Event, Fired, Injection, Moment, World};

use super::{
    Exhaustive, Node, Reached, Run, Spent, Walked,
    judged::{failures, of_event, of_settled},
};
use crate::{
    explore::{
        MOST_UNITS,
        alphabet::{self, PlannedEvent},
    },
    plan::{Plan, PlanStep},
    run::{SeenAround, filled_in},
    shrink::Failure,
    side_by_side::each,
    testbed::{MemoryTestbed, Testbed as _},
};

/// A piece of work at a world.
#[derive(Debug, Clone)]
pub(super) enum Item {
    /// Every change between two events.
    Changes,
    /// An event, by itself and with every change in it.
    Event(PlannedEvent),
}

/// What is to be done at a world.
pub(super) fn items(search: &Exhaustive, node: &Node) -> Vec<Item> {
    let units = u32::try_from(node.seen.units.len()).unwrap_or(u32::MAX);
    let mut events = alphabet::events(units, node.seen.backups.len());
    events.retain(search.alphabet.has_event);
    let changes = (left(search, node.spent) > 0).then_some(Item::Changes);
    changes.into_iter().chain(events.into_iter().map(Item::Event)).collect()
}

/// How many changes may still happen up to the next event's end.
fn left(search: &Exhaustive, spent: Spent) -> usize {
    let now = search.search.changes.saturating_sub(usize::from(spent.now));
    let in_all = search.all_changes.map(|all| all.saturating_sub(usize::from(spent.in_all)));
    now.min(in_all.unwrap_or(now))
}

/// What came of a piece of work.
#[derive(Default)]
pub(super) struct Done {
    transitions: u64,
    impossible: u64,
    firings: u64,
    arrows: BTreeMap<(Hook, Shape, Option<bool>, Shape), u64>,
    /// Worlds that were not seen before it began, each once.
    reached: Vec<Reached>,
    prints: BTreeMap<u128, u64>,
    /// What was broken, each once, with the first step that breaks it.
    broken: Vec<(Failure, PlanStep)>,
}

impl Run<'_> {
    /// Does some pieces of work, and what is new of it with whether an event led to it.
    pub(super) fn chunk(&mut self, level: &[Node], items: &[(usize, Item)]) -> Vec<(Node, bool)> {
        let jobs = self.search.jobs;
        let done = each(items, jobs, |(index, item)| {
            let done = level.get(*index).map(|node| Expansion { run: self, node }.done(item));
            done.unwrap_or_default()
        });
        let mut new = Vec::new();
        for ((index, item), done) in items.iter().zip(done) {
            let Some(node) = level.get(*index) else { continue };
            self.result.transitions += done.transitions;
            self.result.impossible += done.impossible;
            self.result.firings += done.firings;
            for (arrow, count) in done.arrows {
                *self.result.arrows.entry(arrow).or_default() += count;
            }
            for (failure, step) in done.broken {
                self.take(vec![failure], node.step, &step);
            }
            let is_event = matches!(item, Item::Event(_));
            for reached in done.reached {
                if self.is_new(reached.print, reached.spent) {
                    self.result.worlds += 1;
                    new.push((node.step, reached, is_event));
                }
            }
        }
        self.settle(&new);
        let made = new.into_iter().map(|(before, reached, is_event)| {
            let Reached { world, seen, remembered, spent, step, .. } = reached;
            let given = self.walked.get(before).map_or(0, |walked| walked.given);
            self.walked.push(Walked { before: Some(before), step: Some(step), given });
            let step = self.walked.len() - 1;
            let changes = OnceLock::new();
            (Node { world, seen, remembered, spent, changes, step }, is_event)
        });
        made.collect()
    }

    /// Whether a world was not gone on from yet with as few changes; it is from now on.
    fn is_new(&mut self, print: u128, spent: Spent) -> bool {
        if !self.search.merges {
            return true;
        }
        let bits = self.seen.entry(print).or_default();
        let is_new = *bits & spent.bits_of_less() == 0;
        *bits |= spent.bit();
        is_new
    }

    /// Judges what new worlds come to. Two of them that differ in faults alone come to the same.
    fn settle(&mut self, new: &[(usize, Reached, bool)]) {
        let undone = each(new, self.search.jobs, |(_, reached, _)| {
            let mut world = reached.world.clone();
            world.undo_faults();
            let print = world.fingerprint(|to| reached.remembered.fingerprint_of_settled(to));
            (print, world)
        });
        let mut first = Vec::new();
        for (index, (print, world)) in undone.into_iter().enumerate() {
            let is_new = self.settled.insert(print, ()).is_none();
            if is_new || !self.search.merges {
                first.push((index, world));
            }
        }
        self.result.settled += first.len() as u64;
        let broken = each(&first, self.search.jobs, |(index, world)| {
            let Some((_, reached, _)) = new.get(*index) else { return Vec::new() };
            let Reached { seen, remembered, .. } = reached;
            of_settled(&self.search.search, &self.plan, world, seen, remembered)
        });
        for ((index, _), failures) in first.iter().zip(broken) {
            if let Some((before, reached, _)) = new.get(*index) {
                self.take(failures, *before, &reached.step);
            }
        }
    }
}

/// A world while what can come after it is tried.
struct Expansion<'r, 's> {
    run: &'r Run<'s>,
    node: &'r Node,
}

impl Expansion<'_, '_> {
    fn done(&self, item: &Item) -> Done {
        let mut done = Done::default();
        match item {
            Item::Changes => self.change(&mut done),
            Item::Event(event) => {
                let (search, spent) = (self.run.search, self.node.spent);
                let left = left(search, spent);
                self.event(event, &mut Vec::new(), 0, left, &mut done);
            }
        }
        done
    }

    /// The changes that can make a difference within an event, found out once for a world.
    fn changes_within(&self) -> &[Change] {
        self.node.changes.get_or_init(|| {
            let mut changes = alphabet::changes_within(&self.node.world, self.units());
            changes.retain(self.run.search.alphabet.has_change);
            changes
        })
    }

    /// Every change that can happen within an event in which something has happened: units may have come.
    fn changes_later(&self) -> Vec<Change> {
        let mut changes = alphabet::changes(MOST_UNITS);
        changes.push(Change::ProcessDies);
        changes.retain(self.run.search.alphabet.has_change);
        changes
    }

    fn units(&self) -> u32 {
        u32::try_from(self.node.seen.units.len()).unwrap_or(u32::MAX)
    }

    /// Every change between two events.
    fn change(&self, done: &mut Done) {
        let mut changes = alphabet::changes(self.units());
        changes.retain(self.run.search.alphabet.has_change);
        for change in changes {
            let mut world = self.node.world.clone();
            if world.happen(&change).is_err() {
                done.impossible += 1;
                continue;
            }
            done.transitions += 1;
            let spent = self.spent(1, false);
            let mut remembered = self.node.remembered.clone();
            remembered.forget(&world);
            self.reach(world, remembered, spent, done, || PlanStep::Change(change.clone()));
        }
    }

    fn spent(&self, more: usize, is_event: bool) -> Spent {
        let more = u8::try_from(more).unwrap_or(u8::MAX);
        let Spent { in_all, now } = self.node.spent;
        let is_bounded = self.run.search.all_changes.is_some();
        Spent {
            in_all: if is_bounded { in_all + more } else { 0 },
            now: if is_event { 0 } else { now + more },
        }
    }

    /// Takes up a world, unless it was seen before with as few changes.
    fn reach(
        &self,
        mut world: World,
        remembered: crate::laws::Remembered,
        spent: Spent,
        done: &mut Done,
        step: impl FnOnce() -> PlanStep,
    ) {
        let print = world.fingerprint(|to| remembered.fingerprint(to));
        if self.run.search.merges {
            let known = self.run.seen.get(&print).copied().unwrap_or_default();
            let own = done.prints.entry(print).or_default();
            if (known | *own) & spent.bits_of_less() != 0 {
                return;
            }
            *own |= spent.bit();
        }
        world.forget_statuses();
        let seen = Arc::new(world.observe());
        done.reached.push(Reached { print, world, seen, remembered, spent, step: step() });
    }

    /// An event with these changes in it, and with every further one from this moment on.
    fn event(
        &self,
        event: &PlannedEvent,
        injections: &mut Vec<Injection>,
        from: usize,
        left: usize,
        done: &mut Done,
    ) {
        let Some(moments) = self.fire(event, injections, done) else { return };
        if left == 0 {
            return;
        }
        // After a first change others make a difference than did before it.
        let later;
        let changes = match injections.as_slice() {
            [] => self.changes_within(),
            [_, ..] => {
                later = self.changes_later();
                &later
            }
        };
        for (index, (at, moment)) in moments.iter().enumerate().skip(from) {
            for change in changes {
                let (at, moment, change) = (*at, *moment, change.clone());
                injections.push(Injection::Change { at: At::Shape(at), moment, change });
                self.event(event, injections, index, left - 1, done);
                injections.pop();
            }
        }
        for lost in alphabet::losses() {
            injections.push(lost);
            self.event(event, injections, from, left - 1, done);
            injections.pop();
        }
    }

    /// Fires an event, judges it, and takes up the world that it leads to: the moments that it came to. `None`: it can't
    /// come about, or not all changes came to happen, so that it is another one.
    fn fire(
        &self,
        event: &PlannedEvent,
        injections: &[Injection],
        done: &mut Done,
    ) -> Option<Vec<(Shape, Moment)>> {
        let PlannedEvent { hook, unit, parameters } = event;
        let filled = filled_in(parameters, &self.node.seen.backups).ok()?;
        let delivered = Event { hook: *hook, unit: *unit, parameters: filled };
        let testbed = MemoryTestbed::around(self.node.world.clone());
        let plan: &Plan = &self.run.plan;
        let fired = testbed.fire(&delivered, plan.amendments, injections).now_or_never()?;
        let Ok(fired) = fired else {
            done.impossible += 1;
            return None;
        };
        if !fired.missed.is_empty() {
            return None;
        }
        if fired.prevented.is_some() {
            done.impossible += 1;
            return None;
        }
        done.transitions += 1;
        let moments = alphabet::moments(&fired.fired);
        self.judge(event, &delivered, injections, fired.fired, testbed.into_world(), done);
        Some(moments)
    }

    fn judge(
        &self,
        event: &PlannedEvent,
        delivered: &Event,
        injections: &[Injection],
        fired: Vec<Fired>,
        world: World,
        done: &mut Done,
    ) {
        let before = Arc::clone(&self.node.seen);
        let (after, injected) = (world.observe(), injections.iter());
        let amendments = self.run.plan.amendments;
        let around =
            SeenAround::new(delivered, before, after, injected, Vec::new(), &fired, amendments);
        let run = of_event(fired, around, &self.node.remembered);
        count(&run, done);
        let step = || PlanStep::Fire {
            hook: event.hook,
            unit: event.unit.into(),
            parameters: event.parameters.clone(),
            injections: injections.to_vec(),
        };
        for failure in failures(&self.run.search.search, &self.run.plan, &run) {
            if !done.broken.iter().any(|(known, _)| *known == failure) {
                done.broken.push((failure, step()));
            }
        }
        let mut remembered = self.node.remembered.after(&run);
        let spent = self.spent(injections.len(), true);
        remembered.forget(&world);
        self.reach(world, remembered, spent, done, step);
    }
}

/// Counts the firings of a run, and every step from a shape to a shape.
fn count(run: &crate::run::Run, done: &mut Done) {
    done.firings += run.firings.len() as u64;
    for step in &run.firings {
        let firing = &step.fired.firing;
        for pair in firing.trace.steps().windows(2) {
            if let [from, to] = pair {
                let arrow = (firing.hook, from.shape, from.answer, to.shape);
                *done.arrows.entry(arrow).or_default() += 1;
            }
        }
    }
}
