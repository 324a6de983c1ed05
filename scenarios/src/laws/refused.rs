//! The laws of an action's answer: it fails for what is so, it is not done despite a cause, and it has its result or fails.

use pgdrill_core::{Action, Ending, Hook, Outcome, Shape, texts};
use pgdrill_sim::Observation;

use super::{causes::Cause, moment::Moment, sight::Sight};
use crate::{
    law::{Law, Violation},
    reason::FiringRef,
    run::{FiredStep, Run},
};

/// What could be seen around an action is held against its answer.
pub(super) fn of_moment(moment: &Moment<'_>, found: &mut Vec<Violation>) {
    if !moment.step.fired.firing.hook.is_action() {
        return;
    }
    let Some((before, after)) = Sight::before(moment).zip(Sight::after(moment)) else { return };
    // What one thing does another may undo, and then it was there in between alone.
    let is_plain = moment.around.happened < 2;
    let outcome = &moment.step.fired.firing.outcome;
    if let Outcome::Failed(text) = outcome {
        let is_without_cause = |sight: &Sight<'_>| sight.bears_out(text) == Some(false);
        if is_plain && is_without_cause(&before) && is_without_cause(&after) {
            let what = format!("unit {} refused with `{text}`, which is not so", moment.at.unit);
            let broken = Violation::of(Law::RefusedWithoutCause, moment.at.unit, what);
            found.push(broken.by(moment.at, Some(Shape::Ending(Ending::FailAction))));
        }
    }
    let Some(cause) = cause_for_both(moment, &before, &after) else { return };
    match outcome {
        Outcome::Failed(_) => {
            if is_plain && is_harmed(moment) {
                found.push(harmed_for_nothing(moment, cause));
            }
        }
        Outcome::Finished
        | Outcome::Returned
        | Outcome::Deferred
        | Outcome::Error(_)
        | Outcome::Died(_) => {
            if is_plain && (*outcome == Outcome::Finished || is_harmed(moment)) {
                let FiringRef { hook, unit, .. } = moment.at;
                let what = format!("{hook} was done on unit {unit} although {}", cause.words());
                let broken = Violation::of(Law::DoneDespiteCause, unit, what);
                found.push(broken.by(moment.at, None));
            }
        }
    }
}

/// The cause for which an action had to fail, if one could be read before it began and was there to its end.
fn cause_for_both(moment: &Moment<'_>, before: &Sight<'_>, after: &Sight<'_>) -> Option<Cause> {
    let causes = Cause::of_action(moment.step.fired.firing.hook).iter().copied();
    let is_there = |sight: &Sight<'_>, cause| sight.shows(cause) == Some(true);
    causes.into_iter().find(|cause| is_there(before, *cause) && is_there(after, *cause))
}

/// Whether an action has changed what its unit shows, or has closed it.
fn is_harmed(moment: &Moment<'_>) -> bool {
    let around = moment.around;
    let shown = |seen: &Observation| moment.unit(seen).map(|unit| unit.history.len());
    shown(&around.before) != shown(&around.after)
        && (moment.visited(Action::SetMaintenance) || moment.visited(Action::BlockNewConnections))
}

fn harmed_for_nothing(moment: &Moment<'_>, cause: Cause) -> Violation {
    let (unit, cause) = (moment.at.unit, cause.words());
    let what = format!("unit {unit} was changed for an action that had to fail: {cause}");
    let shape = [Action::BlockNewConnections, Action::SetMaintenance];
    let shape = shape.into_iter().find(|shape| moment.visited(*shape)).map(Shape::Action);
    Violation::of(Law::HarmedForNothing, unit, what).by(moment.at, shape)
}

/// An action fails, or it has its result.
pub(super) fn unanswered(run: &Run, at: FiringRef, step: &FiredStep, found: &mut Vec<Violation>) {
    let firing = &step.fired.firing;
    let result = match firing.hook {
        Hook::CreateBackup => texts::BACKUP_CREATED.0,
        Hook::ListBackups => texts::BACKUPS,
        Hook::Restore => texts::RESTORE_STARTED.0,
        Hook::S3CredentialsChanged | Hook::UpdateStatus | Hook::CertificatesChanged => return,
    };
    let is_answered = match firing.outcome {
        Outcome::Finished => {
            let mut results = step.fired.results.iter();
            results.any(|(key, value)| *key == result && !value.trim().is_empty())
        }
        Outcome::Returned | Outcome::Deferred => false,
        // Juju tells the user of a hook error, and of a process that died.
        Outcome::Failed(_) | Outcome::Error(_) | Outcome::Died(_) => true,
    };
    // What a unit says that is removed meanwhile reaches nobody. Where nobody looked it is gone at the end, too.
    let after = step.seen.as_deref().map_or(&run.observation, |around| &around.after);
    let is_scaled = step.seen.as_deref().is_some_and(|around| around.is_scaled);
    let is_there = !is_scaled && after.units.iter().any(|unit| unit.unit == at.unit);
    if !is_answered && is_there {
        let what = format!("unit {} ended {} without an answer", at.unit, firing.hook);
        found.push(Violation::of(Law::Unanswered, at.unit, what).by(at, None));
    }
}
