//! Laws: what must hold of every run unasked. Each has one place, a name, a sentence, a case that breaks it and one
//! that nearly does.

mod answers;
mod causes;
mod holds;
mod moment;
mod refused;
mod remembered;
mod settled;
mod sight;
mod steps;
mod words;

use pgdrill_core::Outcome;
use pgdrill_sim::{Fired, Observation};

pub use holds::{NotSo, holds};
pub(crate) use moment::reports_a_backup;
pub use remembered::Remembered;

use crate::{
    law::{JudgedAt, Law, Violation},
    run::{FiredStep, Run},
};

/// The laws of [`JudgedAt::Settled`] that what can be seen breaks as it is, without anything being brought first.
#[must_use]
pub fn left_by(seen: &Observation) -> Vec<Violation> {
    settled::left_by(seen)
}

/// Every law that a run broke, each once a unit, and the laws that could be judged of it.
#[must_use]
pub fn judge_laws(run: &Run) -> (Vec<Violation>, Vec<Law>) {
    let mut found = moment::of_firings(run);
    found.extend(words::of_texts(run));
    let can_see = run.firings.iter().all(|step| step.seen.is_some());
    let is_settled = run.settled.is_some();
    if can_see {
        found.extend(moment::of_moments(run));
    }
    if let Some(settled) = &run.settled {
        found.extend(settled::of_settled(run, settled));
    }
    let mut once: Vec<Violation> = Vec::with_capacity(found.len());
    for broken in found {
        let is_known = |it: &Violation| (it.law, it.unit) == (broken.law, broken.unit);
        if !once.iter().any(is_known) {
            once.push(broken);
        }
    }
    let judged = Law::ALL.iter().copied().filter(|law| match law.judged_at() {
        JudgedAt::Firing => {
            !is_half_seen(*law, run) || once.iter().any(|broken| broken.law == *law)
        }
        JudgedAt::Moment => can_see,
        JudgedAt::Settled => is_settled,
    });
    let judged = judged.collect();
    (once, judged)
}

/// Whether only some of what breaks a law could be seen of a run: what is found is found, and what is not may be there all
/// the same. A dispatch as a charm ships it tells nobody what its ports gave, and where nobody looks around an event it is
/// not seen into which repository a backup went.
fn is_half_seen(law: Law, run: &Run) -> bool {
    let mut firings = run.firings.iter();
    if matches!(law, Law::Silent | Law::WordsOfTheProgram) {
        firings.any(|step| step.fired.failures.is_none())
    } else if law == Law::UnitInError {
        firings.any(|FiredStep { fired: Fired { firing, .. }, seen, .. }| {
            seen.is_none()
                && moment::waits_for_container(firing.hook)
                && matches!(firing.outcome, Outcome::Error(_))
        })
    } else if law == Law::StepUndone {
        firings.any(|step| step.fired.calls.is_none() || step.seen.is_none())
    } else if law == Law::ReportedWithoutBackup {
        firings.any(|step| step.seen.is_none() && reports_a_backup(step))
    } else {
        false
    }
}
