//! Fault injection: changes that are made while a hook is at a named shape, and answers that never come.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use pgdrill_core::{
    Fate, Ports, Probe, Shape,
    ports::{Answer, Call, Observer, PortError},
};

use crate::{
    apply::Impossible,
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

/// What is injected into the firings of an event, once: the first time that one of them is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Injection {
    /// A change, at a shape.
    Change {
        /// The shape.
        at: Shape,
        /// Before or after it.
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
    type Error = Impossible;

    async fn inject(&self, change: &Change) -> Result<(), Impossible> {
        lock(self).happen(change)
    }
}

/// A change that waits at a shape, and its index among the injections.
struct PendingChange {
    index: usize,
    at: Shape,
    moment: Moment,
    change: Change,
}

/// The probe that injects changes into a target, each once, and what has the answers of port calls lost.
///
/// A change that the target can't make ends the firing; [`Injector::take_failure`] says why.
pub struct Injector<T: Inject> {
    target: T,
    pending: Mutex<Vec<PendingChange>>,
    /// Only where an answer is to be lost are calls observed.
    lost: Option<Arc<LostAnswers>>,
    failure: Mutex<Option<T::Error>>,
}

impl<T: Inject> Injector<T> {
    /// An injector of these, all of them pending.
    #[must_use]
    pub fn new(target: T, injections: &[Injection]) -> Self {
        let (mut pending, mut lost) = (Vec::new(), Vec::new());
        for (index, injection) in injections.iter().enumerate() {
            match injection {
                Injection::Change { at, moment, change } => {
                    let (at, moment, change) = (*at, *moment, change.clone());
                    pending.push(PendingChange { index, at, moment, change });
                }
                Injection::Lost(call) => lost.push((index, *call)),
            }
        }
        let lost = (!lost.is_empty()).then(|| Arc::new(LostAnswers(Mutex::new(lost))));
        Self { target, pending: Mutex::new(pending), lost, failure: Mutex::new(None) }
    }

    /// Whether a change is left to inject at a shape.
    pub fn is_pending(&self) -> bool {
        !locked(&self.pending).is_empty()
    }

    /// Whether the answer of a port call is left to be lost.
    pub fn loses_answers(&self) -> bool {
        self.lost.as_ref().is_some_and(|lost| !locked(&lost.0).is_empty())
    }

    /// These ports, with the answers lost that are to be. Where none is, they are as they were.
    #[must_use]
    pub fn ports(&self, ports: Ports) -> Ports {
        match &self.lost {
            Some(lost) => ports.observed(Arc::clone(lost) as _),
            None => ports,
        }
    }

    /// What becomes of the answer of a call that was made elsewhere than through [`Injector::ports`].
    pub fn answer(&self, call: Call) -> Answer {
        self.lost.as_ref().map_or(Answer::Delivered, |lost| lost.answer(call))
    }

    /// The indices of the injections that no firing reached, in order.
    pub fn missed(&self) -> Vec<usize> {
        let pending = locked(&self.pending);
        let mut missed: Vec<usize> = pending.iter().map(|pending| pending.index).collect();
        if let Some(lost) = &self.lost {
            missed.extend(locked(&lost.0).iter().map(|(index, _)| *index));
        }
        missed.sort_unstable();
        missed
    }

    /// Why the target could not make a change.
    pub fn take_failure(&self) -> Option<T::Error> {
        locked(&self.failure).take()
    }

    /// Injects everything that is due at this moment, in the order in which it was given.
    pub async fn reach(&self, shape: Shape, moment: Moment) -> Fate {
        let mut fate = Fate::Live;
        for PendingChange { change, .. } in self.due(shape, moment) {
            if let Err(why) = self.target.inject(&change).await {
                *locked(&self.failure) = Some(why);
                return Fate::Die;
            }
            if change == Change::ProcessDies {
                fate = Fate::Die;
            }
        }
        fate
    }

    /// Takes what is due out of what is pending.
    fn due(&self, shape: Shape, moment: Moment) -> Vec<PendingChange> {
        let is_due = |it: &mut PendingChange| it.at == shape && it.moment == moment;
        locked(&self.pending).extract_if(.., is_due).collect()
    }
}

/// The calls whose answers are still to be lost, each with its index among the injections.
struct LostAnswers(Mutex<Vec<(usize, Call)>>);

impl LostAnswers {
    fn answer(&self, made: Call) -> Answer {
        let mut calls = locked(&self.0);
        match calls.iter().position(|(_, call)| *call == made) {
            Some(at) => {
                calls.remove(at);
                Answer::Lost
            }
            None => Answer::Delivered,
        }
    }
}

#[async_trait]
impl Observer for LostAnswers {
    async fn before(&self, _: Call) {}

    async fn after(&self, call: Call, _: Option<&PortError>) -> Answer {
        self.answer(call)
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
        Injection::Change { at, moment, change }
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
        assert_eq!(injector.missed(), [3], "no firing was there");
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
        assert_eq!(injector.missed(), [0; 0], "a firing was there");
        assert_eq!(injector.take_failure(), Some("it can't be lost"));
    }

    #[test]
    fn each_answer_is_lost_once_at_the_first_call_of_its_kind() {
        let log = Log::default();
        let injections = [
            Injection::Lost(Call::ClusterApply),
            injection(ASKED, Moment::Before, Change::ScaleTo(3)),
            Injection::Lost(Call::UnitDefer),
            Injection::Lost(Call::ClusterApply),
        ];
        let injector = Injector::new(&log, &injections);
        assert_eq!(injector.answer(Call::ObjectStorePut), Answer::Delivered);
        assert_eq!(injector.answer(Call::ClusterApply), Answer::Lost);
        assert_eq!(injector.missed(), [1, 2, 3], "the first was lost first");
        arrive(&injector, ASKED);
        assert!(!injector.is_pending() && injector.loses_answers());
        assert_eq!(injector.answer(Call::ClusterApply), Answer::Lost);
        assert_eq!(injector.answer(Call::ClusterApply), Answer::Delivered);
        assert_eq!(injector.missed(), [2]);
        assert_eq!(injector.answer(Call::UnitDefer), Answer::Lost);
        assert!(!injector.loses_answers());
    }

    #[test]
    fn where_no_answer_is_to_be_lost_the_ports_are_as_they_were() {
        let world = crate::World::new(&crate::Given::default()).shared();
        let ports = || crate::View::new(&world, 0).map(crate::View::ports).unwrap();
        let is_same = |injections: &[Injection]| {
            let plain = ports();
            let injector = Injector::new(Shared::clone(&world), injections);
            Arc::ptr_eq(&plain.cluster, &injector.ports(plain.clone()).cluster)
        };
        assert!(is_same(&[]));
        assert!(is_same(&[injection(ASKED, Moment::Before, Change::ScaleTo(3))]));
        assert!(!is_same(&[Injection::Lost(Call::ClusterApply)]));
    }
}
