//! What of a run tells it from another one.

use std::sync::Arc;

use pgdrill_core::{Status, Trace};
use pgdrill_sim::{Observation, Shelf};

use crate::run::{FiredStep, Run};

/// A run as users and laws can tell it from another one. A status that is set again as it is shows nothing new: Juju notes the time
/// in its history and nothing else. Which calls were made, and what they failed with, is in what came of them. The clock goes on with every call, and so it
/// tells two runs apart of which all else is the same.
pub(super) fn told(run: &Run) -> Run {
    let mut run = run.clone();
    plain(&mut run.observation);
    run.after_steps.values_mut().filter_map(|seen| seen.observation.as_mut()).for_each(plain);
    each_firing(&mut run, |step| {
        step.fired.failures = None;
        step.fired.calls = None;
        if let Some(seen) = step.seen.as_mut().map(Arc::make_mut) {
            plain(Arc::make_mut(&mut seen.before));
            plain(&mut seen.after);
        }
    });
    if let Some(settled) = &mut run.settled {
        plain(&mut settled.observation);
    }
    run
}

/// A run without the ways that its firings took.
pub(super) fn untraced(mut run: Run) -> Run {
    each_firing(&mut run, |step| step.fired.firing.trace = Trace::start());
    run
}

fn each_firing(run: &mut Run, change: impl FnMut(&mut FiredStep)) {
    let settled = run.settled.iter_mut().flat_map(|settled| &mut settled.firings);
    run.firings.iter_mut().chain(settled).for_each(change);
}

/// Each unit has a status once that it had several times in a row, and an object tells no time.
fn plain(seen: &mut Observation) {
    for unit in &mut seen.units {
        let mut history: Vec<Status> = unit.history.iter().cloned().collect();
        history.dedup();
        unit.history = Shelf::from(history);
    }
    if let Some(facts) = &mut seen.facts {
        let timeless = |content: &String| content.replace(|c: char| c.is_ascii_digit(), "0");
        let objects = facts.objects.iter().map(|(key, content)| (key.clone(), timeless(content)));
        facts.objects = objects.collect();
    }
}

/// The first line that one text has and the other lacks in its place.
pub(super) fn first_difference(before: &str, after: &str) -> Option<String> {
    let (mut before, mut after) = (before.lines(), after.lines());
    loop {
        match (before.next(), after.next()) {
            (None, None) => return None,
            (one, other) if one == other => {}
            (one, other) => {
                let text = |line: Option<&str>| line.map_or("nothing", str::trim).to_owned();
                return Some(format!("`{}` and not `{}`", text(other), text(one)));
            }
        }
    }
}
