//! Decides whether a run went as its plan says, and whether it left damage.

use std::collections::BTreeSet;

use pgdrill_core::{Action, Hook, Outcome, Shape, StatusName, Trace, texts, walk};

use crate::{
    charts,
    plan::Plan,
    run::{FiredStep, Run},
    scenario::Damage,
};

/// The verdict on one scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Everything held.
    Passed,
    /// Something did not; the reasons, the gravest first.
    Failed(Vec<String>),
    /// The backend can't make it true; the reason.
    Skipped(String),
}

impl Verdict {
    /// The verdict in one word.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
        }
    }
}

/// A run with its verdict, and what it walked.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// For each firing, in order, the hook and where its trace went; `None` for one off its chart.
    pub walks: Vec<(Hook, Option<pgdrill_core::Walk>)>,
}

/// Judges a run by its plan.
#[must_use]
pub fn judge(plan: &Plan, run: &Run) -> Judged {
    let mut reasons = Vec::new();
    if let Some(why) = &run.broken {
        reasons.push(why.clone());
    }
    judge_damage(plan, run, &mut reasons);
    let walks = judge_walks(run, &mut reasons);
    reasons.extend(run.missed.iter().cloned());
    judge_covers(plan, run, &mut reasons);
    judge_then(plan, run, &mut reasons);
    let verdict = if let Some(reason) = &run.skipped {
        Verdict::Skipped(reason.clone())
    } else if reasons.is_empty() {
        Verdict::Passed
    } else {
        Verdict::Failed(reasons)
    };
    Judged { verdict, walks }
}

/// Damage must be what the scenario says that there is, which is none unless it says so.
fn judge_damage(plan: &Plan, run: &Run, reasons: &mut Vec<String>) {
    let found: BTreeSet<Damage> = damage(run).into_iter().collect();
    let expected: BTreeSet<Damage> = plan.then.damage.iter().copied().collect();
    for damage in found.difference(&expected) {
        reasons.push(match cause(*damage, run) {
            Some((number, fired, shape)) => format!(
                "{damage}: firing {number}, {} on unit {}, did {shape} and nothing undid it",
                fired.fired.firing.hook, fired.fired.unit
            ),
            None => damage.to_string(),
        });
    }
    for damage in expected.difference(&found) {
        reasons.push(format!("the scenario says that {damage}, and it is not so"));
    }
}

fn damage(run: &Run) -> Vec<Damage> {
    let mut found = Vec::new();
    for seen in &run.observation.units {
        if !seen.accepts_connections {
            found.push(Damage::LeftClosed(seen.unit));
        }
        let status = seen.status();
        let unended = status.message == texts::CREATING_BACKUP
            || status.message == texts::RESTORING_BACKUP && run.observation.restoring.is_none();
        if status.name == StatusName::Maintenance && unended {
            found.push(Damage::LeftInMaintenance(seen.unit));
        }
    }
    let reported = run.firings.iter().filter(|step| {
        step.fired
            .results
            .iter()
            .any(|(key, value)| (*key, value.as_str()) == texts::BACKUP_CREATED)
    });
    for step in reported.filter(|step| step.backups_gained == 0) {
        found.push(Damage::ReportedWithoutBackup(step.fired.unit));
    }
    found
}

/// The firing that did the damage, its number from 1, and the shape at which it did.
fn cause(damage: Damage, run: &Run) -> Option<(usize, &FiredStep, Shape)> {
    let (unit, action) = match damage {
        Damage::LeftClosed(unit) => (unit, Action::BlockNewConnections),
        Damage::LeftInMaintenance(unit) => (unit, Action::SetMaintenance),
        Damage::ReportedWithoutBackup(unit) => (unit, Action::FinishAction),
    };
    let shape = Shape::Action(action);
    let firings = run.firings.iter().enumerate().rev();
    let mut guilty = firings
        .filter(|(_, step)| step.fired.unit == unit && step.fired.firing.trace.visited(shape));
    guilty.next().map(|(index, step)| (index + 1, step, shape))
}

fn judge_walks(run: &Run, reasons: &mut Vec<String>) -> Vec<(Hook, Option<pgdrill_core::Walk>)> {
    let mut walks = Vec::with_capacity(run.firings.len());
    for (index, step) in run.firings.iter().enumerate() {
        let firing = &step.fired.firing;
        let laid = match charts::chart(firing.hook) {
            Some(chart) => walk(&firing.trace, chart).map_err(|error| error.to_string()),
            None => Err(format!("there is no chart {}", firing.hook)),
        };
        let ended_early = matches!(firing.outcome, Outcome::Error(_) | Outcome::Died(_));
        let laid = match laid {
            Ok(laid) if laid.is_complete || ended_early => Some(laid),
            Ok(laid) => {
                let last = last_shape(&firing.trace);
                reasons
                    .push(format!("firing {} stops at {last}, where its chart goes on", index + 1));
                Some(laid)
            }
            Err(error) => {
                reasons.push(format!("firing {} leaves its chart: {error}", index + 1));
                None
            }
        };
        walks.push((firing.hook, laid));
    }
    walks
}

fn last_shape(trace: &Trace) -> Shape {
    trace.published().last().map_or(Shape::Start, |step| step.shape)
}

fn judge_covers(plan: &Plan, run: &Run, reasons: &mut Vec<String>) {
    for wanted in &plan.covers {
        let visited = run
            .firings
            .iter()
            .map(|step| &step.fired.firing)
            .any(|firing| firing.hook == wanted.hook && firing.trace.visited(wanted.shape));
        if !visited {
            reasons.push(format!("{wanted} was to be covered and was not visited"));
        }
    }
}

fn judge_then(plan: &Plan, run: &Run, reasons: &mut Vec<String>) {
    let last = run.firings.last().map(|step| &step.fired.firing);
    if let (Some(expected), Some(last)) = (plan.then.outcome, last) {
        let (expected, found) = (expected.0.name(), last.outcome.name());
        if expected != found {
            let message = last.outcome.message().unwrap_or_default();
            reasons.push(format!("the outcome is {found}, expected {expected}: {message}"));
        }
    }
    if let (Some(expected), Some(last)) = (&plan.then.message, last) {
        let found = last.outcome.message().unwrap_or_default();
        if *expected != found {
            reasons.push(format!("the message is `{found}`, expected `{expected}`"));
        }
    }
    for (unit, expected) in &plan.then.statuses {
        let seen = run.observation.units.iter().find(|seen| seen.unit == *unit);
        let found = seen.map(|seen| seen.status());
        if found.as_ref().map(|status| status.name) != Some(expected.0) {
            let found = found.map_or_else(|| "nothing".to_owned(), |status| status.to_string());
            reasons.push(format!("unit {unit} shows {found}, expected {}", expected.0));
        }
    }
}
