//! Fault injection: what can be injected into a firing, where, and into what.

use std::fmt;

use async_trait::async_trait;
use pgdrill_core::{Attempt, Shape, ports::Call};

use crate::change::Change;

/// Where a firing is when something is injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// At a shape of its chart.
    Shape(Shape),
    /// At a call of a port.
    Call(Call),
}

impl fmt::Display for At {
    /// As a scenario file writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape(shape) => shape.fmt(f),
            Self::Call(call) => write!(f, "{}{call}", Self::CALL),
        }
    }
}

impl At {
    /// What stands before the name of a call in a scenario file.
    pub const CALL: &'static str = "call ";

    /// The call in the middle of which something can happen: the shape's own, or this one. `None`: nothing is known of
    /// how such a command goes on then.
    #[must_use]
    pub const fn lasting(self) -> Option<Call> {
        match self {
            Self::Shape(Shape::Attempt(Attempt::HasBackupCreationSucceeded))
            | Self::Call(Call::RepositoryBackUp) => Some(Call::RepositoryBackUp),
            Self::Shape(_) | Self::Call(_) => None,
        }
    }
}

/// When, at a shape or a call, a change is injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before the shape is carried out, or the call made.
    Before,
    /// While its command is in its middle.
    During,
    /// After it was.
    After,
}

impl Moment {
    /// Whether this moment of a place is at a call, or in the middle of one.
    pub(crate) const fn is_of_call(self, at: At) -> bool {
        matches!((self, at), (Self::During, _) | (_, At::Call(_)))
    }

    /// Whether this moment of a place is the middle of this call, in a firing that is at this shape.
    pub(crate) fn is_midway(self, at: At, shape: Option<Shape>, call: Call) -> bool {
        let is_here = match at {
            At::Shape(wanted) => shape == Some(wanted),
            At::Call(_) => true,
        };
        self == Self::During && at.lasting() == Some(call) && is_here
    }
}

/// What is injected into the firings of an event, once: the first time that one of them is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Injection {
    /// A change, at a shape or a call.
    Change {
        /// The shape or call.
        at: At,
        /// Before, during or after it.
        moment: Moment,
        /// What happens.
        change: Change,
    },
    /// A call of a port is made, and its answer never comes. Several of one call take its calls in turn.
    Lost(Call),
}

impl Injection {
    /// The change, if it is one.
    #[must_use]
    pub const fn change(&self) -> Option<&Change> {
        match self {
            Self::Change { change, .. } => Some(change),
            Self::Lost(_) => None,
        }
    }
}

/// Something into which a change can be injected.
#[async_trait]
pub trait Inject: Send + Sync {
    /// Why a change could not be made.
    type Error: Send;

    /// Makes the change true.
    async fn inject(&self, change: &Change) -> Result<(), Self::Error>;

    /// Has the next command of this call come to its middle, where these changes come about; it is held there before, if it
    /// is, until it is let go on.
    async fn arm(&self, call: Call, changes: &[Change], is_held: bool) -> Result<(), Self::Error>;

    /// Ends what [`Inject::arm`] began: whether the command came to its middle, and the changes about.
    async fn disarm(&self) -> Result<bool, Self::Error>;
}

#[async_trait]
impl<T: Inject + ?Sized> Inject for &T {
    type Error = T::Error;

    async fn inject(&self, change: &Change) -> Result<(), Self::Error> {
        (**self).inject(change).await
    }

    async fn arm(&self, call: Call, changes: &[Change], is_held: bool) -> Result<(), Self::Error> {
        (**self).arm(call, changes, is_held).await
    }

    async fn disarm(&self) -> Result<bool, Self::Error> {
        (**self).disarm().await
    }
}
