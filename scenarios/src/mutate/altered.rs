//! What a mutant alters of a firing.

use async_trait::async_trait;
use pgdrill_core::{Alteration, Amendment, Fate, Hook, Manner, Probe, RefinedAnswer, Shape, Step};

use super::mutant::{Mutant, Mutation};

/// The probe of a mutant, around another probe.
pub(crate) struct MutantProbe<'a> {
    /// The other one.
    pub(crate) probe: &'a dyn Probe,
    /// The mutant.
    pub(crate) mutant: Mutant,
}

#[async_trait]
impl Probe for MutantProbe<'_> {
    async fn arrive(&self, shape: Shape) -> Fate {
        self.probe.arrive(shape).await
    }

    async fn leave(&self, shape: Shape) -> Fate {
        self.probe.leave(shape).await
    }

    fn fate(&self) -> Fate {
        self.probe.fate()
    }

    fn give_up(&self) {
        self.probe.give_up();
    }

    fn alteration(&self) -> Option<&dyn Alteration> {
        Some(&self.mutant)
    }
}

impl Alteration for Mutant {
    fn answer(&self, hook: Hook, shape: Shape, given: RefinedAnswer) -> RefinedAnswer {
        if hook != self.hook {
            return given;
        }
        match self.mutation {
            Mutation::Flipped { at, given: wrong } if at == shape && wrong == given.yes => {
                RefinedAnswer { yes: !given.yes, refined: None }
            }
            Mutation::Refined { amendment, at, yes, .. } if at == shape && yes != given.yes => {
                RefinedAnswer { yes, refined: Some(amendment) }
            }
            Mutation::Flipped { .. }
            | Mutation::Refined { .. }
            | Mutation::Skipped(_)
            | Mutation::Doubled(_)
            | Mutation::Swapped { .. }
            | Mutation::Never(_)
            | Mutation::Inserted { .. } => given,
        }
    }

    fn manner(&self, hook: Hook, shape: Shape) -> Manner {
        if hook != self.hook {
            return Manner::Once;
        }
        match self.mutation {
            Mutation::Skipped(skipped) if skipped == shape => Manner::Never,
            Mutation::Doubled(doubled) if doubled == shape => Manner::Twice,
            Mutation::Swapped { first, second } if first == shape => Manner::After(second),
            Mutation::Skipped(_)
            | Mutation::Doubled(_)
            | Mutation::Swapped { .. }
            | Mutation::Flipped { .. }
            | Mutation::Never(_)
            | Mutation::Refined { .. }
            | Mutation::Inserted { .. } => Manner::Once,
        }
    }

    fn inserted(&self, hook: Hook, last: Step, next: Option<Shape>) -> Option<(Amendment, Shape)> {
        match self.mutation {
            Mutation::Inserted { amendment, after, shape }
                if hook == self.hook && last.shape == after && next != Some(shape) =>
            {
                let ways_on = self.ways_on(amendment, shape);
                let fits = next.map_or(ways_on.is_empty(), |next| ways_on.contains(&next));
                fits.then_some((amendment, shape))
            }
            Mutation::Inserted { .. }
            | Mutation::Flipped { .. }
            | Mutation::Skipped(_)
            | Mutation::Doubled(_)
            | Mutation::Swapped { .. }
            | Mutation::Never(_)
            | Mutation::Refined { .. } => None,
        }
    }
}
