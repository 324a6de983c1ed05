//! What one firing visited.

use std::fmt;

use crate::{amendment::Amendment, shape::Shape};

/// How an amendment bears on a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The published chart lacks this step: erase it to read the published path.
    Inserted(Amendment),
    /// The published chart has this step; its outcome was decided more finely than published.
    Refined(Amendment),
}

impl Mark {
    /// The amendment that made the mark.
    #[must_use]
    pub const fn amendment(self) -> Amendment {
        match self {
            Self::Inserted(amendment) | Self::Refined(amendment) => amendment,
        }
    }
}

/// One shape, visited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Which shape.
    pub shape: Shape,
    /// A diamond's answer: yes or no. `None` for every other shape, and for a diamond that ended in
    /// an error.
    pub answer: Option<bool>,
    /// The amendment that inserted this step or refined its answer.
    pub mark: Option<Mark>,
}

impl Step {
    /// Whether the published chart lacks this step.
    #[must_use]
    pub const fn is_inserted(&self) -> bool {
        matches!(self.mark, Some(Mark::Inserted(_)))
    }

    /// The answer as the charts write it.
    #[must_use]
    pub const fn answer_label(&self) -> Option<&'static str> {
        match self.answer {
            Some(true) => Some("yes"),
            Some(false) => Some("no"),
            None => None,
        }
    }
}

/// The shapes that one firing visited, in order, with the answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace(Vec<Step>);

impl Trace {
    /// A trace that begins at `hook_fired`.
    #[must_use]
    pub fn start() -> Self {
        let mut steps = Vec::with_capacity(20);
        steps.push(Step { shape: Shape::Start, answer: None, mark: None });
        Self(steps)
    }

    /// Every step, amended ones included.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The steps that the published chart knows: what is left once amendments are erased.
    pub fn published(&self) -> impl Iterator<Item = &Step> {
        self.0.iter().filter(|step| !step.is_inserted())
    }

    /// Whether a shape was visited.
    #[must_use]
    pub fn visited(&self, shape: Shape) -> bool {
        self.0.iter().any(|step| step.shape == shape)
    }

    pub(crate) fn push(&mut self, step: Step) {
        self.0.push(step);
    }
}

impl FromIterator<Step> for Trace {
    /// A trace of these steps, as one that was reported in a log.
    fn from_iter<T: IntoIterator<Item = Step>>(steps: T) -> Self {
        Self(steps.into_iter().collect())
    }
}

impl fmt::Display for Trace {
    /// `hook_fired > is_blocked:no > … > [replica-ends-active] set_active`: an amendment in brackets
    /// goes before a step that it inserted, and after a step that it refined.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" > ")?;
            }
            if let Some(Mark::Inserted(amendment)) = step.mark {
                write!(f, "[{amendment}] ")?;
            }
            f.write_str(step.shape.id())?;
            if let Some(answer) = step.answer_label() {
                write!(f, ":{answer}")?;
            }
            if let Some(Mark::Refined(amendment)) = step.mark {
                write!(f, " [{amendment}]")?;
            }
        }
        Ok(())
    }
}
