//! What could be seen around an event.

use std::{collections::BTreeMap, sync::Arc};

use pgdrill_core::{Amendments, ports::Call};
use pgdrill_sim::{Change, Event, Fired, Injection, Observation};

/// What could be seen before and after an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenAround {
    /// Before it was delivered.
    pub before: Arc<Observation>,
    /// After it.
    pub after: Observation,
    /// Whether the bucket was replaced meanwhile: what was in it is gone then.
    pub is_bucket_changed: bool,
    /// Whether units were removed or came meanwhile.
    pub is_scaled: bool,
    /// The units on which hooks ran at the same time, its own among them; none where it was the only one.
    pub beside: Vec<u32>,
    /// How many things happened within it: what one of them did another may have undone.
    pub happened: usize,
    /// The calls of which an answer was to be lost.
    pub lost: Vec<Call>,
    /// The parameters that the event was given.
    pub parameters: BTreeMap<String, Arc<str>>,
    /// The amendments that were to be in force.
    pub amendments: Amendments,
}

impl SeenAround {
    /// What was seen around an event in which this happened, with its firings; of several that ran at the same time, on these
    /// units, what happened in each happened to all, and so did each of the others.
    pub(crate) fn new<'i>(
        event: &Event,
        before: Arc<Observation>,
        after: Observation,
        injections: impl Iterator<Item = &'i Injection> + Clone,
        beside: Vec<u32>,
        fired: &[Fired],
        amendments: Amendments,
    ) -> Self {
        // A deferred event that was fired again before it is one thing more: Juju drops what it has set with the whole dispatch.
        let refired = fired.iter().filter(|fired| fired.is_refired).count();
        Self {
            before,
            after,
            is_bucket_changed: injections.clone().any(is_of_bucket),
            is_scaled: injections.clone().any(is_of_scale),
            happened: injections.clone().map(weight).sum::<usize>()
                + beside.len().saturating_sub(1)
                + refired,
            lost: injections.filter_map(lost).collect(),
            beside,
            parameters: event.parameters.clone(),
            amendments,
        }
    }
}

fn is_of_bucket(injection: &Injection) -> bool {
    matches!(injection, Injection::Change { change: Change::S3Settings(_), .. })
}

fn is_of_scale(injection: &Injection) -> bool {
    matches!(injection, Injection::Change { change: Change::ScaleTo(_), .. })
}

/// How many things something is that happened. Settings that take the place of others are two: what the ones did the others may
/// undo.
const fn weight(injection: &Injection) -> usize {
    match injection {
        Injection::Change { change: Change::S3Settings(_), .. } => 2,
        Injection::Change { .. } | Injection::Lost(_) => 1,
    }
}

fn lost(injection: &Injection) -> Option<Call> {
    match injection {
        Injection::Lost(call) => Some(*call),
        Injection::Change { .. } => None,
    }
}
