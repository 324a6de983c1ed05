//! What a scenario comes down to: steps without names to look up.

use std::{collections::BTreeMap, time::Duration};

use pgdrill_core::{Amendment, Amendments, Hook};
use pgdrill_sim::{Change, Given, Injection, Turn};

use crate::{
    names::ChartShape,
    scenario::{KnownDamage, Meanwhile, OrderedTurn, OverlappingEvent, Scenario},
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
    /// Events for different units, whose hooks run at the same time.
    Together {
        /// The events, at most one a unit.
        events: Vec<EventInTurns>,
        /// Who goes how far, one after another.
        order: Vec<Turn>,
    },
    /// Something that happens between two firings.
    Change(Change),
    /// Everything that Juju owes is delivered, until nothing changes.
    Settle,
}

/// One of the events whose hooks run at the same time.
#[derive(Debug, Clone)]
pub struct EventInTurns {
    /// The hook.
    pub hook: Hook,
    /// The unit.
    pub unit: u32,
    /// The parameters, `${backup-N}` not yet replaced.
    pub parameters: BTreeMap<String, String>,
    /// What happens while its hook runs.
    pub injections: Vec<Injection>,
    /// What must hold of its end.
    pub then: Then,
}

impl PlanStep {
    /// Everything that is injected into its firings.
    pub fn injections(&self) -> impl Iterator<Item = &Injection> {
        let (own, events) = match self {
            Self::Fire { injections, .. } => (injections.as_slice(), &[][..]),
            Self::Together { events, .. } => (&[][..], events.as_slice()),
            Self::Change(_) | Self::Settle => (&[][..], &[][..]),
        };
        own.iter().chain(events.iter().flat_map(|event| &event.injections))
    }
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
        _ if !step.together.is_empty() => Some(PlanStep::Together {
            events: step.together.into_iter().map(overlapping).collect(),
            order: step.order.iter().map(OrderedTurn::turn).collect(),
        }),
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

fn overlapping(event: OverlappingEvent) -> EventInTurns {
    let OverlappingEvent { hook, unit, params, meanwhile, then } = event;
    let injections = meanwhile.into_iter().filter_map(injection).collect();
    EventInTurns { hook: hook.0, unit, parameters: params, injections, then }
}

fn injection(meanwhile: Meanwhile) -> Option<Injection> {
    let when = meanwhile.when();
    let Meanwhile { lost, change, .. } = meanwhile;
    match (lost, when) {
        (Some(call), _) => Some(Injection::Lost(call.0)),
        (None, Some((at, moment))) => change.map(|change| Injection::Change { at, moment, change }),
        (None, None) => None,
    }
}
