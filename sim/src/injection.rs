//! Fault injection: changes that are made while a hook is at a named shape.

use std::{
    convert::Infallible,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use pgdrill_core::{Fate, Probe, Shape};

use crate::{
    change::Change,
    world::{Shared, lock},
};

/// When, at a shape, a change is injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before the shape is carried out.
    Before,
    /// After it was.
    After,
}

/// A change, and the shape at which it is injected the first time that a firing is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injection {
    /// The shape.
    pub at: Shape,
    /// Before or after it.
    pub moment: Moment,
    /// What happens.
    pub change: Change,
}

/// Something into which a change can be injected.
#[async_trait]
pub trait Inject: Send + Sync {
    /// Why a change could not be made.
    type Error: Send;

    /// Makes the change true.
    async fn inject(&self, change: &Change) -> Result<(), Self::Error>;
}

#[async_trait]
impl<T: Inject + ?Sized> Inject for &T {
    type Error = T::Error;

    async fn inject(&self, change: &Change) -> Result<(), Self::Error> {
        (**self).inject(change).await
    }
}

#[async_trait]
impl Inject for Shared {
    type Error = Infallible;

    async fn inject(&self, change: &Change) -> Result<(), Infallible> {
        lock(self).apply(change);
        Ok(())
    }
}

/// The probe that injects changes into a target, each once.
///
/// A change that the target can't make ends the firing; [`Injector::take_failure`] says why.
pub struct Injector<T: Inject> {
    target: T,
    pending: Mutex<Vec<Injection>>,
    failure: Mutex<Option<T::Error>>,
}

impl<T: Inject> Injector<T> {
    /// An injector of these changes, all of them pending.
    #[must_use]
    pub fn new(target: T, injections: &[Injection]) -> Self {
        Self { target, pending: Mutex::new(injections.to_vec()), failure: Mutex::new(None) }
    }

    /// Whether anything is left to inject.
    pub fn is_pending(&self) -> bool {
        !locked(&self.pending).is_empty()
    }

    /// The injections whose shape no firing has reached, in the order in which they were given.
    pub fn missed(&self) -> Vec<Injection> {
        locked(&self.pending).clone()
    }

    /// Why the target could not make a change.
    pub fn take_failure(&self) -> Option<T::Error> {
        locked(&self.failure).take()
    }

    /// Injects everything that is due at this moment, in the order in which it was given.
    pub async fn reach(&self, shape: Shape, moment: Moment) -> Fate {
        let mut fate = Fate::Live;
        for injection in self.due(shape, moment) {
            if let Err(why) = self.target.inject(&injection.change).await {
                *locked(&self.failure) = Some(why);
                return Fate::Die;
            }
            if injection.change == Change::ProcessDies {
                fate = Fate::Die;
            }
        }
        fate
    }

    /// Takes what is due out of what is pending.
    fn due(&self, shape: Shape, moment: Moment) -> Vec<Injection> {
        let is_due = |it: &mut Injection| it.at == shape && it.moment == moment;
        locked(&self.pending).extract_if(.., is_due).collect()
    }
}

#[async_trait]
impl<T: Inject> Probe for Injector<T> {
    async fn arrive(&self, shape: Shape) -> Fate {
        self.reach(shape, Moment::Before).await
    }

    async fn leave(&self, shape: Shape) -> Fate {
        self.reach(shape, Moment::After).await
    }
}

fn locked<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use pgdrill_core::{Action, Question};

    use super::*;

    const ASKED: Shape = Shape::Question(Question::IsLeader);
    const BLOCKED: Shape = Shape::Action(Action::SetBlocked);

    /// A target that writes down what it is told to make true, and fails to lose the primary.
    #[derive(Default)]
    struct Log(Mutex<Vec<Change>>);

    #[async_trait]
    impl Inject for Log {
        type Error = &'static str;

        async fn inject(&self, change: &Change) -> Result<(), &'static str> {
            if *change == Change::PrimaryIsLost {
                return Err("it can't be lost");
            }
            locked(&self.0).push(change.clone());
            Ok(())
        }
    }

    fn injection(at: Shape, moment: Moment, change: Change) -> Injection {
        Injection { at, moment, change }
    }

    fn arrive(injector: &Injector<&Log>, shape: Shape) -> Fate {
        injector.arrive(shape).now_or_never().unwrap()
    }

    fn leave(injector: &Injector<&Log>, shape: Shape) -> Fate {
        injector.leave(shape).now_or_never().unwrap()
    }

    #[test]
    fn each_change_is_injected_once_at_its_shape_and_moment() {
        let log = Log::default();
        let injections = [
            injection(ASKED, Moment::After, Change::ScaleTo(2)),
            injection(ASKED, Moment::Before, Change::ScaleTo(3)),
            injection(ASKED, Moment::Before, Change::LeaderMovesTo(1)),
            injection(BLOCKED, Moment::Before, Change::PrimaryMovesTo(1)),
        ];
        let injector = Injector::new(&log, &injections);
        assert_eq!((arrive(&injector, ASKED), arrive(&injector, ASKED)), (Fate::Live, Fate::Live));
        assert_eq!(*locked(&log.0), [Change::ScaleTo(3), Change::LeaderMovesTo(1)]);
        leave(&injector, ASKED);
        assert_eq!(locked(&log.0).last(), Some(&Change::ScaleTo(2)));
        assert!(injector.is_pending());
        assert_eq!(injector.missed(), injections[3..], "no firing was there");
        arrive(&injector, BLOCKED);
        assert!(!injector.is_pending());
        assert_eq!(locked(&log.0).len(), 4);
    }

    #[test]
    fn a_process_dies_once_everything_due_is_injected() {
        let log = Log::default();
        let injections = [
            injection(ASKED, Moment::Before, Change::ProcessDies),
            injection(ASKED, Moment::Before, Change::ScaleTo(3)),
        ];
        let injector = Injector::new(&log, &injections);
        assert_eq!(arrive(&injector, ASKED), Fate::Die);
        assert_eq!(*locked(&log.0), [Change::ProcessDies, Change::ScaleTo(3)]);
        assert_eq!(arrive(&injector, ASKED), Fate::Live, "it died already");
    }

    #[test]
    fn a_change_that_fails_ends_the_firing_and_is_reported() {
        let log = Log::default();
        let injections = [
            injection(ASKED, Moment::Before, Change::PrimaryIsLost),
            injection(ASKED, Moment::Before, Change::ScaleTo(3)),
        ];
        let injector = Injector::new(&log, &injections);
        assert_eq!(injector.take_failure(), None);
        assert_eq!(arrive(&injector, ASKED), Fate::Die);
        assert!(locked(&log.0).is_empty());
        assert_eq!(injector.missed(), [], "a firing was there");
        assert_eq!(injector.take_failure(), Some("it can't be lost"));
    }
}
