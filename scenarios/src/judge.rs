//! Decides whether a run went as its plan says, and whether it left damage.

use pgdrill_core::{Hook, Outcome, Shape, Trace, walk};

use crate::{
    charts,
    expect::judge_then,
    law::{Law, Violation},
    laws::judge_laws,
    plan::Plan,
    reason::{FiringRef, Reason, Skip},
    run::Run,
    scenario::Damage,
};

/// The verdict on one scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Everything held.
    Passed,
    /// Something did not; the reasons, the gravest first.
    Failed(Vec<Reason>),
    /// The backend can't make it true.
    Skipped(Skip),
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

    /// The text of each reason for it; a scenario that passed has none.
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        match self {
            Self::Passed => Vec::new(),
            Self::Failed(reasons) => reasons.iter().map(ToString::to_string).collect(),
            Self::Skipped(skip) => vec![skip.to_string()],
        }
    }

    /// Adds a reason why the scenario failed.
    pub fn fail(&mut self, reason: Reason) {
        match self {
            Self::Failed(reasons) => reasons.push(reason),
            Self::Passed | Self::Skipped(_) => *self = Self::Failed(vec![reason]),
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
    /// Every law that the run broke, expected or not.
    pub broken: Vec<Violation>,
    /// The laws that could be judged of it.
    pub laws: Vec<Law>,
}

/// Judges a run by its plan.
#[must_use]
pub fn judge(plan: &Plan, run: &Run) -> Judged {
    let mut reasons = Vec::new();
    if let Some(cause) = &run.broken {
        reasons.push(Reason::Broken { cause: cause.clone(), step: run.stopped_at });
    }
    let (broken, laws) = judge_laws(run);
    if run.broken.is_none() && run.skipped.is_none() {
        judge_laws_of(plan, &broken, &laws, &mut reasons);
    }
    let walks = judge_walks(run, &mut reasons);
    reasons.extend(run.missed.iter().cloned().map(Reason::Missed));
    judge_covers(plan, run, &mut reasons);
    judge_then(plan, run, &mut reasons);
    if run.is_late() {
        // What is missing of such a run is no reason of its own.
        reasons.truncate(1);
    }
    let verdict = if let Some(why) = &run.skipped {
        Verdict::Skipped(Skip { why: why.clone(), step: run.stopped_at })
    } else if reasons.is_empty() {
        Verdict::Passed
    } else {
        Verdict::Failed(reasons)
    };
    Judged { verdict, walks, broken, laws }
}

/// The laws that are broken must be those that the scenario names, which are none unless it does. What could not be
/// judged is not missed.
fn judge_laws_of(plan: &Plan, broken: &[Violation], laws: &[Law], reasons: &mut Vec<Reason>) {
    let known = plan.known.iter().map(|known| known.law);
    let expected: Vec<Damage> = plan.then.damage.iter().copied().chain(known).collect();
    let unexpected = broken.iter().filter(|broken| !expected.iter().any(|it| it.is(broken)));
    reasons.extend(unexpected.cloned().map(Reason::LawBroken));
    for (index, damage) in expected.iter().enumerate() {
        if laws.contains(&damage.law) && !broken.iter().any(|broken| damage.is(broken)) {
            let is_known = index >= plan.then.damage.len();
            let index = if is_known { index - plan.then.damage.len() } else { index };
            reasons.push(Reason::LawKept { damage: *damage, is_known, index });
        }
    }
}

fn judge_walks(run: &Run, reasons: &mut Vec<Reason>) -> Vec<(Hook, Option<pgdrill_core::Walk>)> {
    let mut walks = Vec::with_capacity(run.firings.len());
    for (index, step) in run.firings.iter().enumerate() {
        let firing = &step.fired.firing;
        let at = FiringRef::new(index, step);
        let laid = match charts::chart(firing.hook) {
            Some(chart) => walk(&firing.trace, chart).map_err(Some),
            None => Err(None),
        };
        let ended_early = matches!(firing.outcome, Outcome::Error(_) | Outcome::Died(_));
        let laid = match laid {
            Ok(laid) => {
                if !laid.is_complete && !ended_early {
                    let last = last_shape(&firing.trace);
                    reasons.push(Reason::StopsEarly { firing: at, at: last });
                }
                Some(laid)
            }
            Err(error) => {
                reasons.push(Reason::OffChart { firing: at, error });
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

fn judge_covers(plan: &Plan, run: &Run, reasons: &mut Vec<Reason>) {
    for (index, &wanted) in plan.covers.iter().enumerate() {
        let visited = run
            .firings
            .iter()
            .map(|step| &step.fired.firing)
            .any(|firing| firing.hook == wanted.hook && firing.trace.visited(wanted.shape));
        if !visited {
            reasons.push(Reason::NotCovered { shape: wanted, index });
        }
    }
}
