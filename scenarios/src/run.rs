//! Runs plans, side by side, and keeps what happened.

use std::{collections::BTreeMap, sync::Arc};

use pgdrill_core::{Amendments, PortError, PortErrorKind, Shape};
use pgdrill_sim::{BackupSeen, Change, Event, Fired, Given, Injection, Observation, Shelf, World};

use crate::{
    check::backup_number,
    laws::Remembered,
    mutate::Mutant,
    plan::{Plan, PlanStep},
    settle::{Settled, settle, settle_copy, settle_in_place},
    testbed::{Cause, Delivered, MemoryTestbed, Prevented, Testbed},
    timed::Deadline,
};

mod missed;
mod seen;
mod together;

pub use self::{
    missed::{Missed, MissedWhat},
    seen::SeenAround,
};

/// The kind of place in which plans run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Backend {
    /// Deterministic fakes in memory.
    Memory,
    /// Real servers in containers, under Juju's simulation.
    Containers,
    /// A charm's own dispatches, as processes with everything around a unit served to them.
    Stand,
}

impl Backend {
    /// The name that the command line and reports use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Containers => "containers",
            Self::Stand => "stand",
        }
    }
}

/// One firing of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiredStep {
    /// The firing.
    pub fired: Fired,
    /// How many more backups without errors there were after it than before.
    pub backups_gained: usize,
    /// The step of the plan that brought the event, from 0.
    pub step: usize,
    /// What could be seen before and after the event that it belongs to, where the backend looks there.
    pub seen: Option<Arc<SeenAround>>,
}

/// What was there right after a step.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeenAfter {
    /// The backups, oldest first; none where nothing asked for them.
    pub backups: Shelf<BackupSeen>,
    /// What could be seen from outside, where what is expected needs a look.
    pub observation: Option<Observation>,
}

/// What happened when a plan was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Every firing, in order.
    pub firings: Vec<FiredStep>,
    /// What was there right after those steps of which the plan expects something, by their index.
    pub after_steps: BTreeMap<usize, SeenAfter>,
    /// What could be seen at the end.
    pub observation: Observation,
    /// Things that were to happen in a firing, where no firing got there.
    pub missed: Vec<Missed>,
    /// Why the run broke off, if it did: nothing that the plan asks for was decided then.
    pub broken: Option<Cause>,
    /// What the place can't make true, if there is such a thing: the run ended before it.
    pub skipped: Option<String>,
    /// What came of undoing every fault and bringing everything that Juju owes, on a copy; `None` where a place can't be
    /// copied, and for a run that ended early.
    pub settled: Option<Settled>,
    /// The step of the plan at which the run ended early, from 0; `None` when none was begun or all were taken.
    pub stopped_at: Option<usize>,
    /// What laws remember of what was before it began; nothing where it began with what its plan gives.
    pub remembered: Remembered,
}

impl Run {
    /// A run in which nothing has happened yet.
    #[must_use]
    pub fn unstarted() -> Self {
        Self {
            firings: Vec::new(),
            after_steps: BTreeMap::new(),
            observation: World::new(&Given::default()).observe(),
            missed: Vec::new(),
            broken: None,
            skipped: None,
            settled: None,
            stopped_at: None,
            remembered: Remembered::default(),
        }
    }

    /// A run that could not begin, or ended early.
    #[must_use]
    pub fn prevented(mut self, why: Prevented) -> Self {
        self.prevent(why);
        self
    }

    fn prevent(&mut self, why: Prevented) {
        match why {
            Prevented::Unable(reason) => self.skipped = Some(reason),
            Prevented::Broken(cause) => self.broken = Some(cause),
        }
    }

    /// Whether it broke off as its time was up.
    #[must_use]
    pub const fn is_late(&self) -> bool {
        matches!(self.broken, Some(Cause::TookLonger(_)))
    }
}

/// Runs one plan in memory.
pub async fn run(plan: &Plan) -> Run {
    run_in(&MemoryTestbed::new(&plan.given, None), plan).await
}

/// Runs one plan in memory with a mutant in the place of the hooks.
pub async fn run_mutated(plan: &Plan, mutant: Mutant) -> Run {
    run_in(&MemoryTestbed::new(&plan.given, Some(mutant)), plan).await
}

/// Runs one plan in a place where everything that it gives is true. A run that has not ended when its time is up breaks
/// off there: the place may be left in the middle of a firing.
pub async fn run_in<P: Testbed + ?Sized>(testbed: &P, plan: &Plan) -> Run {
    let deadline = plan.time_limit.map(Deadline::after);
    let (run, units) = (Run::unstarted(), plan.given.units);
    let mut taken = StepsTaken { testbed, plan, run, step: None, units, deadline };
    taken.run.firings.reserve(plan.steps.len());
    match plan.time_limit {
        None => taken.play().await,
        Some(limit) => {
            if tokio::time::timeout(limit, taken.play()).await.is_err() {
                taken.break_off();
            }
        }
    }
    taken.run
}

/// What came of the steps of a plan that were taken so far.
struct StepsTaken<'a, P: ?Sized> {
    testbed: &'a P,
    plan: &'a Plan,
    run: Run,
    /// The last step that was begun.
    step: Option<usize>,
    /// How many units there are by now.
    units: u32,
    deadline: Option<Deadline>,
}

impl<P: Testbed + ?Sized> StepsTaken<'_, P> {
    /// Takes every step, looks, and has everything settled.
    async fn play(&mut self) {
        let mut is_whole = true;
        for index in 0..self.plan.steps.len() {
            self.step = Some(index);
            // What never waits is not interrupted.
            if self.is_late() {
                return self.break_off();
            }
            if let Err(why) = self.take(index).await {
                self.run.prevent(why);
                self.run.stopped_at = Some(index);
                is_whole = false;
                break;
            }
        }
        let last = self.step.filter(|_| is_whole);
        let last = last.and_then(|last| self.run.after_steps.get(&last)?.observation.clone());
        let seen = match last {
            Some(observation) => Ok(observation),
            None => self.testbed.observe().await,
        };
        match seen {
            Ok(observation) => self.run.observation = observation,
            Err(_) if !is_whole => {}
            Err(why) => self.run.prevent(why),
        }
        if self.run.broken.is_some() || self.run.skipped.is_some() {
            return;
        }
        let Plan { amendments, is_examined, .. } = *self.plan;
        let settled = match self.testbed.copy().await {
            Some(world) => settle_copy(world, amendments, self.testbed.mutant()).await.map(Some),
            None if is_examined => settle_in_place(self.testbed, amendments).await.map(Some),
            None => Ok(None),
        };
        match settled {
            Ok(_) if self.is_late() => self.break_off(),
            Ok(settled) => self.run.settled = settled,
            Err(why) => self.run.prevent(why),
        }
    }

    fn is_late(&self) -> bool {
        self.deadline.is_some_and(Deadline::is_over)
    }

    /// The time is up.
    fn break_off(&mut self) {
        let limit = self.plan.time_limit.unwrap_or_default();
        self.run.prevent(Prevented::Broken(Cause::TookLonger(limit)));
        self.run.stopped_at = self.step;
    }

    async fn take(&mut self, step: usize) -> Result<(), Prevented> {
        let mut seen = SeenAfter::default();
        match self.plan.steps.get(step) {
            None => {}
            Some(PlanStep::Change(change)) => {
                self.testbed.happen(change).await?;
                self.count_units(change);
            }
            Some(PlanStep::Settle) => {
                let settled = settle(self.testbed, self.delivery(step)).await?;
                self.run.firings.extend(settled.firings);
                seen.observation = Some(settled.observation);
            }
            Some(PlanStep::Together { events, order }) => {
                seen.backups = self.fire_together(events, order, step).await?;
            }
            Some(PlanStep::Fire { hook, unit, parameters, injections }) => {
                seen.backups = self.testbed.backups().await?;
                let parameters =
                    filled_in(parameters, &seen.backups).map_err(|why| in_text(&why))?;
                let mut injections = injections.as_slice();
                for unit in unit.units(self.units) {
                    let event = Event { hook: *hook, unit, parameters: parameters.clone() };
                    seen.backups = self.fire(&event, injections, step, &seen.backups).await?;
                    injections = &[];
                }
            }
        }
        let Some(then) = self.plan.after_steps.get(&step) else { return Ok(()) };
        if !then.is_of_place() {
            seen.observation = None;
        } else if seen.observation.is_none() {
            seen.observation = Some(self.testbed.observe().await?);
        }
        if let Some(observation) = &seen.observation {
            seen.backups.clone_from(&observation.backups);
        }
        self.run.after_steps.insert(step, seen);
        Ok(())
    }

    /// Fires an event of this step, before which there were these backups: those that are there after it.
    async fn fire(
        &mut self,
        event: &Event,
        injections: &[Injection],
        step: usize,
        before: &Shelf<BackupSeen>,
    ) -> Result<Shelf<BackupSeen>, Prevented> {
        let delivery = self.delivery(step);
        let (delivered, mut firings) = deliver(self.testbed, event, injections, delivery).await?;
        let backups = self.testbed.backups().await?;
        let (old, new) = backups.changed(before);
        let gained = good(&new).saturating_sub(good(&old));
        firings.iter_mut().for_each(|step| step.backups_gained = gained);
        let end = self.take_up(firings);
        self.take_up_injected(event, (step, None), injections, &delivered.missed, end);
        delivered.prevented.map_or(Ok(backups), Err)
    }

    /// Takes up the firings of an event: the shape at which the last ended, and its number in the run if there was one.
    fn take_up(&mut self, firings: Vec<FiredStep>) -> (Shape, Option<usize>) {
        let ended = firings.last().and_then(|last| last.fired.firing.trace.steps().last());
        let ended = ended.map_or(Shape::Start, |step| step.shape);
        let has_fired = !firings.is_empty();
        self.run.firings.extend(firings);
        (ended, has_fired.then_some(self.run.firings.len()))
    }

    /// Takes up what was injected into an event, of a step and one of several there, and what was missed.
    fn take_up_injected(
        &mut self,
        on: &Event,
        (step, event): (usize, Option<usize>),
        injections: &[Injection],
        missed: &[usize],
        (ended, firing): (Shape, Option<usize>),
    ) {
        let Event { hook, unit, .. } = *on;
        for (index, injection) in injections.iter().enumerate() {
            if missed.contains(&index) {
                let what = MissedWhat::Injection(injection.clone());
                self.run.missed.push(Missed {
                    what,
                    hook,
                    unit,
                    ended,
                    firing,
                    step,
                    index,
                    event,
                });
            } else if let Some(change) = injection.change() {
                self.count_units(change);
            }
        }
    }

    fn delivery(&self, step: usize) -> Delivery {
        let Plan { amendments, is_examined, .. } = *self.plan;
        Delivery { step, amendments, is_examined }
    }

    fn count_units(&mut self, change: &Change) {
        if let Change::ScaleTo(count) = change {
            self.units = *count;
        }
    }
}

/// How events are delivered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delivery {
    /// The step of the plan that brings them, from 0.
    pub(crate) step: usize,
    /// The amendments in force.
    pub(crate) amendments: Amendments,
    /// Whether a look is taken around each, whatever it costs.
    pub(crate) is_examined: bool,
}

/// Delivers an event, and looks before and after it where that costs little or is asked for. The firings are taken out
/// of what was delivered; what backups they gained is for the caller to count.
pub(crate) async fn deliver<P: Testbed + ?Sized>(
    testbed: &P,
    event: &Event,
    injections: &[Injection],
    delivery: Delivery,
) -> Result<(Delivered, Vec<FiredStep>), Prevented> {
    let Delivery { step, amendments, is_examined } = delivery;
    let before = look(testbed, is_examined).await?;
    let mut delivered = testbed.fire(event, amendments, injections).await?;
    let seen = before.zip(look(testbed, is_examined).await?).map(|(before, after)| {
        let (before, fired) = (Arc::new(before), &delivered.fired);
        let all = injections.iter();
        Arc::new(SeenAround::new(event, before, after, all, Vec::new(), fired, amendments))
    });
    let fired = std::mem::take(&mut delivered.fired).into_iter();
    let firings =
        fired.map(|fired| FiredStep { fired, backups_gained: 0, step, seen: seen.clone() });
    Ok((delivered, firings.collect()))
}

/// What can be seen, where a look costs little or is asked for.
async fn look<P: Testbed + ?Sized>(
    testbed: &P,
    is_examined: bool,
) -> Result<Option<Observation>, Prevented> {
    match testbed.is_watched() || is_examined {
        true => testbed.observe().await.map(Some),
        false => Ok(None),
    }
}

fn in_text(error: &PortError) -> Prevented {
    Prevented::Broken(error.to_string().into())
}

fn good(backups: &[&BackupSeen]) -> usize {
    backups.iter().filter(|backup| !backup.failed).count()
}

/// Parameters with `${backup-N}` replaced by the id of the Nth oldest backup. One that is not there is an
/// error: a slip of the pen must not look like an id that no backup has.
///
/// # Errors
///
/// `NotFound` when there is no such backup.
pub fn filled_in(
    parameters: &BTreeMap<String, String>,
    backups: &Shelf<BackupSeen>,
) -> Result<BTreeMap<String, Arc<str>>, PortError> {
    let fill = |value: &String| {
        let Some(number) = backup_number(value) else { return Ok(Arc::from(value.as_str())) };
        let index = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let backup = index.and_then(|index| backups.get(index));
        backup.map(|backup| Arc::from(backup.id.as_str())).ok_or_else(|| {
            let cause = format!("`{value}`: {} backups are there by then", backups.len());
            PortError::new(PortErrorKind::NotFound, "scenario", "params", cause)
        })
    };
    let filled = parameters.iter().map(|(name, value)| Ok((name.clone(), fill(value)?)));
    filled.collect()
}
