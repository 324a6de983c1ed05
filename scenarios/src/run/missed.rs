//! What was to happen in a firing, and did not.

use std::fmt;

use pgdrill_core::{Hook, Shape};
use pgdrill_sim::{At, Injection, Moment};

use crate::location::Location;

/// Something that was to happen in a firing, and no firing got there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// What was to happen.
    pub what: MissedWhat,
    /// The hook that was to get there.
    pub hook: Hook,
    /// The unit.
    pub unit: u32,
    /// The shape at which the last firing of the step ended.
    pub ended: Shape,
    /// The number of that firing in the run, from 1; `None` when the step fired none.
    pub firing: Option<usize>,
    /// The step of the plan, from 0.
    pub step: usize,
    /// Its index in `meanwhile`, or in `order`.
    pub index: usize,
    /// The index in `together` of the event into which it was to be injected, if it was one of several.
    pub event: Option<usize>,
}

/// What was to happen in a firing, and did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MissedWhat {
    /// Something that was to be injected.
    Injection(Injection),
    /// The turn of its event was to end there.
    Turn((At, Moment)),
}

impl Missed {
    /// Where it is.
    #[must_use]
    pub fn location(&self) -> Location {
        Location {
            path: Some(match (&self.what, self.event) {
                (MissedWhat::Turn(_), _) => format!("fire/{}/order/{}", self.step, self.index),
                (MissedWhat::Injection(_), None) => {
                    format!("fire/{}/meanwhile/{}", self.step, self.index)
                }
                (MissedWhat::Injection(_), Some(event)) => {
                    format!("fire/{}/together/{event}/meanwhile/{}", self.step, self.index)
                }
            }),
            firing: self.firing,
            hook: Some(self.hook),
            unit: Some(self.unit),
            shape: match self.what {
                MissedWhat::Injection(Injection::Change { at: At::Shape(shape), .. })
                | MissedWhat::Turn((At::Shape(shape), _)) => Some(shape),
                MissedWhat::Injection(
                    Injection::Change { at: At::Call(_), .. } | Injection::Lost(_),
                )
                | MissedWhat::Turn((At::Call(_), _)) => None,
            },
        }
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, hook, unit, ended, .. } = self;
        match what {
            MissedWhat::Injection(Injection::Change { at, change, .. }) => {
                write!(f, "`{}` at {at}", change.name())?;
            }
            MissedWhat::Injection(Injection::Lost(call)) => write!(f, "`lost: {call}`")?,
            MissedWhat::Turn((at, _)) => write!(f, "the turn that ends at {at}")?,
        }
        write!(f, " never happened: {hook} on unit {unit} ended at {ended}")
    }
}
