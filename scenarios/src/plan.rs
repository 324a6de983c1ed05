//! What a scenario comes down to: steps without names to look up.

use std::collections::BTreeMap;

use pgdrill_core::{Amendment, Amendments, Hook};
use pgdrill_sim::{Change, Given, Injection, Moment};

use crate::{
    names::ChartShape,
    scenario::{Meanwhile, Scenario, Then},
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
    /// What must hold afterwards.
    pub then: Then,
}

/// One step of a plan.
#[derive(Debug, Clone)]
pub enum PlanStep {
    /// An event for a unit, and what happens while its hook runs.
    Fire {
        /// The hook.
        hook: Hook,
        /// The unit.
        unit: u32,
        /// The parameters, `${backup-N}` not yet replaced.
        parameters: BTreeMap<String, String>,
        /// What happens meanwhile.
        injections: Vec<Injection>,
    },
    /// Something that happens between two firings.
    Change(Change),
}

/// Plans a scenario that [`check`](crate::check) has let pass. `off` are amendments switched off for the
/// whole run.
#[must_use]
pub fn plan(scenario: Scenario, off: &[Amendment]) -> Plan {
    let without = scenario.without.iter().map(|name| name.0).chain(off.iter().copied());
    let amendments = without.fold(Amendments::all(), Amendments::without);
    let steps = scenario.fire.into_iter().filter_map(|step| match (step.hook, step.change) {
        (Some(hook), _) => Some(PlanStep::Fire {
            hook: hook.0,
            unit: step.unit.unwrap_or(0),
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
        then: scenario.then,
    }
}

fn injection(meanwhile: Meanwhile) -> Option<Injection> {
    let (at, moment) = match (meanwhile.at, meanwhile.after) {
        (Some(shape), _) => (shape.0, Moment::Before),
        (None, Some(shape)) => (shape.0, Moment::After),
        (None, None) => return None,
    };
    Some(Injection { at, moment, change: meanwhile.change })
}
