//! Hooks of a drawn history that run at the same time.

use fastrand::Rng;
use pgdrill_core::{Attempt, Hook, Shape};
use pgdrill_sim::{At, Moment, Turn};

use crate::{
    charts::chart,
    plan::{EventInTurns, PlanStep},
    target::Target,
};

/// What sets this drawing apart from the rest of the history of the same seed: without overlap it is the same history.
const SALT: u64 = 0x6f76_6572_6c61_7073;

/// The steps of a history, in which up to so many pairs of hooks that follow one another on different units run at the same
/// time: the one stands still somewhere while the other runs, or a part of it.
pub(super) fn overlapping(steps: Vec<PlanStep>, seed: u64, most: usize) -> Vec<PlanStep> {
    let mut rng = Rng::with_seed(seed ^ SALT);
    let (mut out, mut left) = (Vec::<PlanStep>::with_capacity(steps.len()), most);
    for step in steps {
        let pair = out.last().and_then(|last| Some((event(last)?, event(&step)?)));
        match pair.filter(|(one, other)| one.unit != other.unit) {
            Some((one, other)) if left > 0 && rng.bool() => {
                left -= 1;
                out.pop();
                out.push(drawn(one, other, &mut rng));
            }
            Some(_) | None => out.push(step),
        }
    }
    out
}

fn event(step: &PlanStep) -> Option<EventInTurns> {
    let PlanStep::Fire { hook, unit: Target::Unit(unit), parameters, injections } = step else {
        return None;
    };
    let (parameters, injections) = (parameters.clone(), injections.clone());
    let then = crate::Then::default();
    Some(EventInTurns { hook: *hook, unit: *unit, parameters, injections, then })
}

fn drawn(one: EventInTurns, other: EventInTurns, rng: &mut Rng) -> PlanStep {
    let first = Turn { unit: one.unit, until: place(one.hook, rng) };
    // Every other time the second stands still, too, while the first goes on to its end.
    let second = Turn { unit: other.unit, until: place(other.hook, rng).filter(|_| rng.bool()) };
    PlanStep::Together { events: vec![one, other], order: vec![first, second] }
}

/// Somewhere on the way of a hook.
fn place(hook: Hook, rng: &mut Rng) -> Option<(At, Moment)> {
    if hook == Hook::CreateBackup && rng.u8(..3) == 0 {
        let backup = At::Shape(Shape::Attempt(Attempt::HasBackupCreationSucceeded));
        return Some((backup, Moment::During));
    }
    let nodes = &chart(hook)?.nodes;
    let shape = Shape::from_id(&nodes.get(rng.usize(..nodes.len()))?.id)?;
    let moment = if rng.bool() { Moment::Before } else { Moment::After };
    Some((At::Shape(shape), moment))
}
