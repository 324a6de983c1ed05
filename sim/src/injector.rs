//! The probe and observer that makes injections happen: changes while a hook is at a named shape or call, or in the middle of
//! a command, and answers that never come.

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
};

use async_trait::async_trait;
use pgdrill_core::{
    Fate, Ports, Probe, Shape,
    ports::{Answer, Call, CallMade, Observer, PortError},
};

use crate::{
    change::Change,
    injection::{At, Inject, Injection, Moment},
    midway::FiringUnit,
    turns::Part,
};

/// A change that waits at a shape or a call, and its index among the injections.
struct PendingChange {
    index: usize,
    at: At,
    moment: Moment,
    change: Change,
}

/// The probe and observer that injects changes into a target, each once, and has the answers of port calls lost.
///
/// A change that the target can't make ends the firing; [`Injector::take_failure`] says why.
pub struct Injector<T: Inject> {
    target: T,
    pending: Mutex<Vec<PendingChange>>,
    /// The calls whose answers are still to be lost, each with its index among the injections.
    lost: Mutex<Vec<(usize, Call)>>,
    /// The shape at which the firing is.
    at: Mutex<Option<Shape>>,
    is_dead: AtomicBool,
    /// Whether the target was armed for the call that is being made.
    is_armed: AtomicBool,
    failure: Mutex<Option<T::Error>>,
    /// The part of its event among others that overlap with it.
    part: Option<Part>,
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
        Self {
            target,
            pending: Mutex::new(pending),
            lost: Mutex::new(lost),
            at: Mutex::new(None),
            is_dead: AtomicBool::new(false),
            is_armed: AtomicBool::new(false),
            failure: Mutex::new(None),
            part: None,
        }
    }

    /// This injector, in whose event others have their turns, too.
    #[must_use]
    pub fn taking_turns(self, part: Option<Part>) -> Self {
        Self { part, ..self }
    }

    /// Into what it injects.
    pub const fn target(&self) -> &T {
        &self.target
    }

    /// Whether a change is left to inject, at a shape or a call.
    pub fn is_pending(&self) -> bool {
        !locked(&self.pending).is_empty()
    }

    /// Whether something is left to happen at a call of a port.
    pub fn waits_for_calls(&self) -> bool {
        let is_of_call = |it: &PendingChange| it.moment.is_of_call(it.at);
        !locked(&self.lost).is_empty()
            || locked(&self.pending).iter().any(is_of_call)
            || self.part.as_ref().is_some_and(Part::ends_at_calls)
    }

    /// The indices of the injections that no firing reached, in order.
    pub fn missed(&self) -> Vec<usize> {
        let mut missed: Vec<usize> =
            locked(&self.pending).iter().map(|pending| pending.index).collect();
        missed.extend(locked(&self.lost).iter().map(|(index, _)| *index));
        missed.sort_unstable();
        missed
    }

    /// Why the target could not make a change.
    pub fn take_failure(&self) -> Option<T::Error> {
        locked(&self.failure).take()
    }

    /// Whether the process has died.
    pub fn fate(&self) -> Fate {
        if self.is_dead.load(Ordering::Relaxed) { Fate::Die } else { Fate::Live }
    }

    /// Injects everything that is due at a shape at this moment, in the order in which it was given.
    pub async fn reach(&self, shape: Shape, moment: Moment) -> Fate {
        *locked(&self.at) = (moment == Moment::Before).then_some(shape);
        self.come_to(At::Shape(shape), moment).await
    }

    /// Injects what is due before a call, and has what is due in its middle come about there.
    pub async fn before_call(&self, call: Call) -> Fate {
        if self.come_to(At::Call(call), Moment::Before).await == Fate::Die {
            return Fate::Die;
        }
        let changes: Vec<Change> = {
            let pending = locked(&self.pending);
            let due = pending.iter().filter(|it| self.is_midway(it, call));
            due.map(|it| it.change.clone()).collect()
        };
        let is_held = self.holds(call);
        if is_held || !changes.is_empty() {
            if let Err(why) = self.target.arm(call, &changes, is_held).await {
                return self.fail(why);
            }
            self.is_armed.store(true, Ordering::Relaxed);
        }
        Fate::Live
    }

    /// What becomes of the answer of a call that was made, once what is due in its middle and after it has happened.
    pub async fn after_call(&self, call: Call) -> Answer {
        let is_armed = self.is_armed.swap(false, Ordering::Relaxed);
        let fate = match is_armed.then_some(self.target.disarm()) {
            Some(disarmed) => match disarmed.await {
                Ok(true) => {
                    let is_due = |it: &mut PendingChange| self.is_midway(it, call);
                    let passed: Vec<_> = locked(&self.pending).extract_if(.., is_due).collect();
                    self.die_of(passed.iter().map(|it| &it.change))
                }
                Ok(false) => Fate::Live,
                Err(why) => self.fail(why),
            },
            None => Fate::Live,
        };
        if fate == Fate::Die || self.come_to(At::Call(call), Moment::After).await == Fate::Die {
            return Answer::Died;
        }
        let mut lost = locked(&self.lost);
        match lost.iter().position(|(_, lost)| *lost == call) {
            Some(at) => {
                lost.remove(at);
                Answer::Lost
            }
            None => Answer::Delivered,
        }
    }

    /// Whether this event's turn ends in the middle of this call.
    pub fn holds(&self, call: Call) -> bool {
        let at = *locked(&self.at);
        self.part.as_ref().is_some_and(|part| part.ends_midway(at, call))
    }

    /// The call is in its middle and held there: where this event's turn ends, the others have theirs.
    pub async fn in_the_middle(&self, call: Call) {
        if self.holds(call)
            && let Some(part) = &self.part
        {
            part.give_way().await;
        }
    }

    /// The firing has come to here. Its turn ends before anything that is due where it is about to go on, and after
    /// everything that is due where it was.
    async fn come_to(&self, at: At, moment: Moment) -> Fate {
        if moment == Moment::Before {
            self.take_turn(at, moment).await;
        }
        let fate = self.inject_due(at, moment).await;
        if moment == Moment::After {
            self.take_turn(at, moment).await;
        }
        fate
    }

    /// If this event's turn ends here, the others have theirs. Who has died gives way by its end.
    async fn take_turn(&self, at: At, moment: Moment) {
        if let Some(part) = &self.part
            && self.fate() == Fate::Live
        {
            part.reach(at, moment).await;
        }
    }

    /// Whether a change is due in the middle of this call, where the firing is now.
    fn is_midway(&self, it: &PendingChange, call: Call) -> bool {
        it.moment.is_midway(it.at, *locked(&self.at), call)
    }

    async fn inject_due(&self, at: At, moment: Moment) -> Fate {
        if self.fate() == Fate::Die {
            return Fate::Die;
        }
        let due = self.due(at, moment);
        for PendingChange { change, .. } in &due {
            if let Err(why) = self.target.inject(change).await {
                return self.fail(why);
            }
        }
        self.die_of(due.iter().map(|it| &it.change))
    }

    fn fail(&self, why: T::Error) -> Fate {
        *locked(&self.failure) = Some(why);
        self.is_dead.store(true, Ordering::Relaxed);
        Fate::Die
    }

    /// Whether the process dies of what has happened.
    fn die_of<'c>(&self, mut happened: impl Iterator<Item = &'c Change>) -> Fate {
        if happened.any(|change| *change == Change::ProcessDies) {
            self.is_dead.store(true, Ordering::Relaxed);
        }
        self.fate()
    }

    /// Takes what is due out of what is pending.
    fn due(&self, at: At, moment: Moment) -> Vec<PendingChange> {
        let is_due = |it: &mut PendingChange| it.at == at && it.moment == moment;
        locked(&self.pending).extract_if(.., is_due).collect()
    }
}

impl Injector<FiringUnit> {
    /// These ports, with what is to happen at their calls. Where nothing is, they are as they were.
    #[must_use]
    pub fn ports(self: &Arc<Self>, ports: Ports) -> Ports {
        if self.waits_for_calls() { ports.observed(Arc::clone(self) as _) } else { ports }
    }
}

#[async_trait]
impl Observer for Injector<FiringUnit> {
    async fn before(&self, call: Call) -> Fate {
        self.before_call(call).await
    }

    fn makes(&self, call: Call) -> bool {
        self.holds(call)
    }

    async fn make(&self, call: Call, mut made: CallMade<'_>) {
        let is_held = poll_fn(|context| match made.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(false),
            Poll::Pending if self.target.is_held() => Poll::Ready(true),
            Poll::Pending => Poll::Pending,
        });
        if is_held.await {
            self.in_the_middle(call).await;
            self.target.let_go();
            made.await;
        }
    }

    async fn after(&self, call: Call, _: Option<&PortError>) -> Answer {
        self.after_call(call).await
    }

    fn fate(&self) -> Fate {
        Self::fate(self)
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

    fn fate(&self) -> Fate {
        Self::fate(self)
    }
}

fn locked<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
