//! What a scenario comes down to: steps without names to look up.

use std::{collections::BTreeMap, time::Duration};

use pgdrill_core::{Amendment, Amendments, Hook, Shape};
use pgdrill_sim::{Change, Given, Injection, Moment};

use crate::{
    names::{ChartShape, Name},
    scenario::{KnownDamage, Meanwhile, Scenario},
    target::Target,
    then::Then,
};

/// A scenario, ready to run on any backend.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What the scenario shows.
    pub title: String,
    /// What is true before the first step.
    pub given: Given,
    /// The steps, in order.
    pub steps: Vec<PlanStep>,
    /// The amendments in force.
    pub amendments: Amendments,
    /// Shapes that must be visited.
    pub covers: Vec<ChartShape>,
    /// What must hold right after some of the steps, by their index.
    pub after_steps: BTreeMap<usize, Then>,
    /// What must hold at the end.
    pub then: Then,
    /// The laws that it breaks and that nobody has corrected yet.
    pub known: Vec<KnownDamage>,
    /// Whether it is judged by every law where that takes long, too: looked at around every event and settled at the end.
    pub is_examined: bool,
    /// How long its run may take from when what it gives is true; a run that takes longer breaks off.
    pub time_limit: Option<Duration>,
}

impl Plan {
    /// A plan of which nothing is expected but that no law is broken, with every amendment in force.
    #[must_use]
    pub fn of(title: String, given: Given, steps: Vec<PlanStep>) -> Self {
        Self {
            title,
            given,
            steps,
            amendments: Amendments::all(),
            covers: Vec::new(),
            after_steps: BTreeMap::new(),
            then: Then::default(),
            known: Vec::new(),
            is_examined: false,
            time_limit: None,
        }
    }
}

/// One step of a plan.
#[derive(Debug, Clone)]
pub enum PlanStep {
    /// An event for a unit, and what happens while its hook runs.
    Fire {
        /// The hook.
        hook: Hook,
        /// The unit, or all of them in order.
        unit: Target,
        /// The parameters, `${backup-N}` not yet replaced.
        parameters: BTreeMap<String, String>,
        /// What happens meanwhile; of several units, on the first.
        injections: Vec<Injection>,
    },
    /// Something that happens between two firings.
    Change(Change),
    /// Everything that Juju owes is delivered, until nothing changes.
    Settle,
}

/// Plans a scenario that [`check`](crate::check) has let pass. `off` are amendments switched off for the
/// whole run.
#[must_use]
pub fn plan(scenario: Scenario, off: &[Amendment]) -> Plan {
    let without = scenario.without.iter().map(|name| name.0).chain(off.iter().copied());
    let amendments = without.fold(Amendments::all(), Amendments::without);
    let is_examined = scenario.fire.iter().any(|step| step.settle);
    let after_steps = scenario.fire.iter().enumerate();
    let after_steps = after_steps
        .filter(|(_, step)| !step.then.is_empty())
        .map(|(index, step)| (index, step.then.clone()))
        .collect();
    let steps = scenario.fire.into_iter().filter_map(|step| match (step.hook, step.change) {
        _ if step.settle => Some(PlanStep::Settle),
        (Some(hook), _) => Some(PlanStep::Fire {
            hook: hook.0,
            unit: step.unit.unwrap_or_default(),
            parameters: step.params,
            injections: step.meanwhile.into_iter().filter_map(injection).collect(),
        }),
        (None, Some(change)) => Some(PlanStep::Change(change)),
        (None, None) => None,
    });
    Plan {
        title: scenario.scenario,
        given: scenario.given,
        steps: steps.collect(),
        amendments,
        covers: scenario.covers.iter().map(|name| name.0).collect(),
        after_steps,
        then: scenario.then,
        known: scenario.known,
        is_examined,
        time_limit: None,
    }
}

fn injection(meanwhile: Meanwhile) -> Option<Injection> {
    let change = |at: Name<Shape>, moment| {
        meanwhile.change.map(|change| Injection::Change { at: at.0, moment, change })
    };
    match (meanwhile.at, meanwhile.after, meanwhile.lost) {
        (_, _, Some(call)) => Some(Injection::Lost(call.0)),
        (Some(shape), _, None) => change(shape, Moment::Before),
        (None, Some(shape), None) => change(shape, Moment::After),
        (None, None, None) => None,
    }
}
