//! What a scenario that passes leaves unsaid.

use pgdrill_core::{Diagnostic, Outcome};

use super::JudgedCase;
use crate::{judge::Verdict, plan::PlanStep};

impl JudgedCase {
    /// A warning for each action that failed in a scenario that passes, where nothing says that it must: neither a `then`, nor
    /// `covers`, nor a snapshot. Such a scenario often fails to reach what it is about.
    #[must_use]
    pub fn unspoken(&self) -> Vec<Diagnostic> {
        let says = |then: &crate::Then| then.is_of_firing() || !then.damage.is_empty();
        let is_silent = self.lacks_snapshot && self.plan.covers.is_empty();
        if !is_silent || *self.verdict() != Verdict::Passed {
            return Vec::new();
        }
        let is_fire =
            |step: &PlanStep| matches!(step, PlanStep::Fire { .. } | PlanStep::Together { .. });
        let last = self.plan.steps.iter().rposition(is_fire);
        let is_said = |step: usize| {
            let after = self.plan.after_steps.get(&step).is_some_and(says);
            after || (last == Some(step) && says(&self.plan.then))
        };
        let mut warnings = Vec::new();
        for fired in &self.run.firings {
            let firing = &fired.fired.firing;
            let failed = matches!(firing.outcome, Outcome::Failed(_));
            if failed
                && self.plan.steps.get(fired.step).is_some_and(is_fire)
                && !is_said(fired.step)
            {
                warnings.push(self.warn(fired.step, firing.hook.name(), fired.fired.unit));
            }
        }
        warnings
    }

    fn warn(&self, step: usize, hook: &str, unit: u32) -> Diagnostic {
        let what =
            format!("{hook} failed on unit {unit}, and nothing in the scenario says that it must");
        let hint = "if that is right, add `then: { outcome: failed }` to the step; `-v` shows where it failed";
        let path = format!("fire/{step}");
        let warning = self.positions.diagnostic(&path, &what);
        warning.unwrap_or_else(|| Diagnostic::error(&self.file, what)).hint(hint).into_warning()
    }
}
