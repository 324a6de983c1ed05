//! One event as Juju delivers it: deferred ones first, then the event itself, and all their writes land or
//! none does.

use std::{collections::BTreeMap, sync::Arc};

use pgdrill_core::{Amendments, Firing, Hook, Ports, Probe, fire, ports::PortResult};

use crate::{
    failures::{CallMade, PortFailure},
    world::{Shared, World, lock},
};

/// An event that Juju delivers to a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The hook that it fires.
    pub hook: Hook,
    /// The unit on which it fires.
    pub unit: u32,
    /// The parameters, for an action.
    pub parameters: BTreeMap<String, Arc<str>>,
}

/// One firing, and what the action that it may have been will show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// The firing.
    pub firing: Firing,
    /// The unit on which it was.
    pub unit: u32,
    /// Whether an earlier event was fired again.
    pub is_refired: bool,
    /// The results that the action carries.
    pub results: Vec<(&'static str, String)>,
    /// What its calls of ports failed with, in order; `None` where nobody noted it.
    pub failures: Option<Vec<PortFailure>>,
    /// The calls of ports by which it changed something, or tried to, in order; `None` where nobody noted them.
    pub calls: Option<Vec<CallMade>>,
}

/// Delivers an event to its unit, with the Juju of `world` and the other ports of any backend: the events
/// that were deferred are fired first, in order, each once. The first firing that fails ends it, for
/// Juju then delivers the whole of it again.
///
/// # Errors
///
/// `NotFound` when the world has no such unit.
pub async fn dispatch(
    world: &Shared,
    ports: &Ports,
    event: &Event,
    amendments: Amendments,
    probe: Option<&dyn Probe>,
) -> PortResult<Vec<Fired>> {
    let unit = event.unit as usize;
    let deferred = lock(world).juju.begin(unit, event.hook);
    let mut fired = Vec::with_capacity(deferred.len() + 1);
    let mut succeeded = true;
    let again = deferred.into_iter().map(|hook| (hook, true));
    for (hook, is_refired) in again.chain([(event.hook, false)]) {
        let parameters = if is_refired { BTreeMap::new() } else { event.parameters.clone() };
        lock(world).juju.begin_firing(unit, hook, parameters);
        let firing = fire(ports, hook, amendments, probe).await;
        succeeded = firing.outcome.keeps_writes();
        let mut guard = lock(world);
        let results =
            guard.juju.units.get_mut(unit).map(|u| std::mem::take(&mut u.dispatch.results));
        let results = results.unwrap_or_default();
        fired.push(Fired {
            firing,
            unit: event.unit,
            is_refired,
            results,
            failures: None,
            calls: None,
        });
        if !succeeded {
            break;
        }
    }
    lock(world).juju.end(unit, succeeded);
    Ok(fired)
}

/// What the action that a hook may have been shows its user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActionSeen {
    /// The results that it carries.
    pub results: BTreeMap<String, String>,
    /// The message with which it failed, if it did.
    pub failure: Option<String>,
}

impl World {
    /// Begins an event on its unit without firing its hook, for whoever calls the ports by hand: the
    /// events that Juju fires again first. [`World::end_event`] ends it.
    pub fn begin_event(&mut self, event: &Event) -> Vec<Hook> {
        let unit = event.unit as usize;
        let deferred = self.juju.begin(unit, event.hook);
        self.juju.begin_firing(unit, event.hook, event.parameters.clone());
        deferred
    }

    /// Ends what [`World::begin_event`] began: what was written lands if it succeeded.
    pub fn end_event(&mut self, unit: u32, succeeded: bool) -> ActionSeen {
        let unit = unit as usize;
        let Some(state) = self.juju.units.get_mut(unit) else { return ActionSeen::default() };
        let results = std::mem::take(&mut state.dispatch.results);
        let results = results.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let failure = state.dispatch.failure.take();
        self.juju.end(unit, succeeded);
        ActionSeen { results, failure }
    }
}
