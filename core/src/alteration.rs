//! What a rehearsal may have a firing do otherwise than its hook has it: whether anybody notices is what it wants to know.

use std::pin::Pin;

use crate::{
    act,
    amendment::Amendment,
    context::RefinedAnswer,
    hook::Hook,
    ports::PortResult,
    shape::Shape,
    texts,
    trace::Step,
    walker::{Stop, Walker},
};

/// How an action or an ending is done. The trace has it as done once and in its place, whatever was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As the hook has it.
    Once,
    /// Not at all.
    Never,
    /// Twice in a row.
    Twice,
    /// After this shape, if it is the next one; else before whatever is next.
    After(Shape),
}

/// What is altered of a firing. A [`Probe`](crate::Probe) hands it in, and only one of a rehearsal has any.
pub trait Alteration: Send + Sync {
    /// The answer that counts at a question or an attempt which gave this one.
    fn answer(&self, hook: Hook, shape: Shape, given: RefinedAnswer) -> RefinedAnswer;

    /// How an action or an ending is done.
    fn manner(&self, hook: Hook, shape: Shape) -> Manner;

    /// The action or ending that an amendment inserts between the last step and the next shape, or after the last step of
    /// all. The hook itself inserts nothing there.
    fn inserted(&self, hook: Hook, last: Step, next: Option<Shape>) -> Option<(Amendment, Shape)>;
}

/// What is still to be done: a shape, and the one after which it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Postponed {
    shape: Shape,
    after: Shape,
}

/// A step of an altered firing. Boxed, so that a firing of which nothing is altered stays as small as it is.
type Altered<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl Walker<'_> {
    /// The answer that counts at a shape that gave this one.
    pub(crate) fn altered_answer(&mut self, shape: Shape, given: RefinedAnswer) -> RefinedAnswer {
        let Some(alteration) = self.alteration else { return given };
        let answer = alteration.answer(self.context.hook, shape, given);
        if answer.yes != given.yes && answer.refined.is_some() {
            // The amendment would have said why.
            self.context.fails_with(true, &texts::stanza_failed(None));
        }
        answer
    }

    /// What was postponed and what is inserted before the next shape, or before the end where there is none.
    pub(crate) fn alter_before(&mut self, next: Option<Shape>) -> Altered<'_, Result<(), Stop>> {
        Box::pin(async move {
            if let Some(Postponed { shape, .. }) =
                self.postponed.take_if(|postponed| Some(postponed.after) != next)
            {
                self.do_now(shape).await.map_err(|cause| self.failed(shape, cause))?;
            }
            let last = self.last_step();
            let inserted = self.alteration.zip(last).and_then(|(alteration, last)| {
                let found = alteration.inserted(self.context.hook, last, next);
                found.map(|(amendment, shape)| (amendment, shape, last))
            });
            match inserted {
                Some((amendment, Shape::Action(action), Step { shape: Shape::Start, .. })) => {
                    self.amend_if_possible(amendment, action).await
                }
                Some((amendment, Shape::Action(action), _)) => self.amend(amendment, action).await,
                Some((amendment, Shape::Ending(ending), _)) => {
                    self.amend_end(amendment, ending).await
                }
                Some((_, Shape::Start | Shape::Question(_) | Shape::Attempt(_), _)) | None => {
                    Ok(())
                }
            }
        })
    }

    /// Does an action or an ending in the manner that is asked for, and what was to be done after it.
    pub(crate) fn do_altered(
        &mut self,
        shape: Shape,
    ) -> Altered<'_, PortResult<Option<Amendment>>> {
        Box::pin(async move {
            // Where this fails, what was to come after it never does.
            let postponed = self.postponed.take_if(|postponed| postponed.after == shape);
            let manner = self
                .alteration
                .map_or(Manner::Once, |alteration| alteration.manner(self.context.hook, shape));
            let done = match manner {
                Manner::Never => None,
                Manner::Once => self.do_now(shape).await?,
                Manner::Twice => {
                    let done = self.do_now(shape).await?;
                    self.do_now(shape).await?.or(done)
                }
                Manner::After(after) => {
                    self.postponed = Some(Postponed { shape, after });
                    return Ok(None);
                }
            };
            if let Some(Postponed { shape, .. }) = postponed {
                self.do_now(shape).await?;
            }
            Ok(done)
        })
    }

    async fn do_now(&mut self, shape: Shape) -> PortResult<Option<Amendment>> {
        match shape {
            Shape::Action(action) => act::carry_out(&mut self.context, action).await,
            Shape::Ending(ending) => act::end(&mut self.context, ending).await.map(|()| None),
            Shape::Start | Shape::Question(_) | Shape::Attempt(_) => Ok(None),
        }
    }
}
