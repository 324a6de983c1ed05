//! Where the firings of a run came by.

use std::collections::BTreeSet;

use pgdrill_core::{Amendments, Hook, Shape};

use super::mutant::{Mutant, Mutation};
use crate::run::Run;

/// Where the firings of a run came by, those of its settling included.
#[derive(Debug, Clone, Default)]
pub(super) struct Visits {
    /// Each shape with its answer, and the shape after it; none: the firing ended there.
    steps: BTreeSet<(Hook, Shape, Option<bool>, Option<Shape>)>,
}

impl Visits {
    pub(super) fn of(run: &Run) -> Self {
        let settled = run.settled.iter().flat_map(|settled| &settled.firings);
        let mut steps = BTreeSet::new();
        for step in run.firings.iter().chain(settled) {
            let firing = &step.fired.firing;
            let taken = firing.trace.steps();
            for (index, step) in taken.iter().enumerate() {
                let next = taken.get(index + 1).map(|next| next.shape);
                steps.insert((firing.hook, step.shape, step.answer, next));
            }
        }
        Self { steps }
    }

    /// Whether one of them came to the place of a mutant, where these amendments are in force.
    pub(super) fn get_to(&self, mutant: &Mutant, amendments: Amendments) -> bool {
        if mutant.amendment().is_some_and(|amendment| !amendments.has(amendment)) {
            return false;
        }
        let mut steps = self.steps.iter();
        match mutant.mutation {
            Mutation::Never(_) => steps.any(|(hook, ..)| mutant.is_of(*hook)),
            Mutation::Flipped { at, given: yes } | Mutation::Refined { at, yes, .. } => {
                let told = if mutant.amendment().is_some() { !yes } else { yes };
                steps.any(|(hook, shape, answer, _)| {
                    *hook == mutant.hook && *shape == at && *answer == Some(told)
                })
            }
            Mutation::Skipped(deed) | Mutation::Doubled(deed) => {
                steps.any(|(hook, shape, ..)| *hook == mutant.hook && *shape == deed)
            }
            Mutation::Swapped { first, second } => steps.any(|(hook, shape, _, next)| {
                *hook == mutant.hook && *shape == first && *next == Some(second)
            }),
            Mutation::Inserted { amendment, after, shape: inserted } => {
                let ways_on = mutant.ways_on(amendment, inserted);
                steps.any(|(hook, shape, _, next)| {
                    let fits = next.map_or(ways_on.is_empty(), |next| ways_on.contains(&next));
                    *hook == mutant.hook && *shape == after && fits
                })
            }
        }
    }
}
