//! Runs plans, side by side, and keeps what happened.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::{StreamExt as _, stream};
use pgdrill_core::{PortError, PortErrorKind, Shape};
use pgdrill_sim::{BackupSeen, Event, Fired, Given, Observation, World};

use crate::{
    place::{Memory, Place, Prevented},
    plan::{Plan, PlanStep},
};

/// The kind of place in which plans run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Backend {
    /// Deterministic fakes in memory.
    Memory,
    /// Real parts in containers, under Juju's simulation.
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
}

/// What happened when a plan was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Every firing, in order.
    pub firings: Vec<FiredStep>,
    /// What could be seen at the end.
    pub observation: Observation,
    /// Things that were to happen at a shape which no firing reached.
    pub missed: Vec<String>,
    /// Why the run broke off, if it did: nothing that the plan asks for was decided then.
    pub broken: Option<String>,
    /// What the place can't make true, if there is such a thing: the run ended before it.
    pub skipped: Option<String>,
}

impl Run {
    /// A run in which nothing has happened yet.
    #[must_use]
    pub fn unstarted() -> Self {
        Self {
            firings: Vec::new(),
            observation: World::new(&Given::default()).observe(),
            missed: Vec::new(),
            broken: None,
            skipped: None,
        }
    }

    /// A run that could not begin, or ended early.
    #[must_use]
    pub fn prevented(mut self, why: Prevented) -> Self {
        match why {
            Prevented::Unable(reason) => self.skipped = Some(reason),
            Prevented::Broken(reason) => self.broken = Some(reason),
        }
        self
    }
}

/// Runs one plan in memory.
pub async fn run(plan: &Plan) -> Run {
    run_in(&Memory::new(&plan.given), plan).await
}

/// Runs one plan in a place where everything that it gives is true.
pub async fn run_in<P: Place + ?Sized>(place: &P, plan: &Plan) -> Run {
    let mut run = Run::unstarted();
    run.firings.reserve(plan.steps.len());
    for step in &plan.steps {
        if let Err(why) = take(place, plan, step, &mut run).await {
            run = run.prevented(why);
            break;
        }
    }
    match place.observe().await {
        Ok(observation) => run.observation = observation,
        Err(_) if run.broken.is_some() || run.skipped.is_some() => {}
        Err(why) => run = run.prevented(why),
    }
    run
}

async fn take<P: Place + ?Sized>(
    place: &P,
    plan: &Plan,
    step: &PlanStep,
    run: &mut Run,
) -> Result<(), Prevented> {
    let (hook, unit, parameters, injections) = match step {
        PlanStep::Change(change) => return place.happen(change).await,
        PlanStep::Fire { hook, unit, parameters, injections } => {
            (*hook, *unit, parameters, injections)
        }
    };
    let before = place.backups().await?;
    let parameters =
        filled_in(parameters, &before).map_err(|error| Prevented::Broken(error.to_string()))?;
    let event = Event { hook, unit, parameters };
    let delivered = place.fire(&event, plan.amendments, injections).await?;
    let gained = good(&place.backups().await?).saturating_sub(good(&before));
    let ended = delivered.fired.last().and_then(|last| last.firing.trace.published().last());
    let ended = ended.map_or(Shape::Start, |step| step.shape);
    let steps =
        delivered.fired.into_iter().map(|fired| FiredStep { fired, backups_gained: gained });
    run.firings.extend(steps);
    let missed = delivered.missed.into_iter().map(|injection| {
        let (change, at) = (injection.change.name(), injection.at);
        format!("`{change}` at {at} never happened: {hook} on unit {unit} ended at {ended}")
    });
    run.missed.extend(missed);
    delivered.prevented.map_or(Ok(()), Err)
}

fn good(backups: &[BackupSeen]) -> usize {
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
    backups: &[BackupSeen],
) -> Result<BTreeMap<String, Arc<str>>, PortError> {
    let fill = |value: &String| {
        let Some(number) = value.strip_prefix("${backup-").and_then(|rest| rest.strip_suffix('}'))
        else {
            return Ok(Arc::from(value.as_str()));
        };
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

/// Runs plans with at most `jobs` side by side. The runs come back in the order of the plans, whatever
/// the order in which they ended; `done` is called as each becomes known.
pub async fn run_all(plans: Vec<Plan>, jobs: usize, done: impl FnMut(&Run)) -> Vec<Run> {
    let tasks = plans.into_iter().map(|plan| async move {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place where plans run side by side; the order of results is the plans'"
        )]
        let task = tokio::spawn(async move { run(&plan).await });
        task.await.unwrap_or_else(|error| broken(&error.to_string()))
    });
    let mut done = done;
    stream::iter(tasks).buffered(jobs.max(1)).inspect(|run| done(run)).collect().await
}

fn broken(why: &str) -> Run {
    Run::unstarted().prevented(Prevented::Broken(format!("the run panicked: {why}")))
}
