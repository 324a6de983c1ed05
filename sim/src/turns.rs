//! Turns: how far each of several hooks goes that run at the same time on different units.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use pgdrill_core::{Shape, ports::Call};

use crate::injection::{At, Moment};

/// A unit's hook goes on alone, the others stand still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The unit.
    pub unit: u32,
    /// How far it goes, the first time that it gets there; `None`: to its end.
    pub until: Option<(At, Moment)>,
}

/// Who goes when, of events that overlap. Once the turns are over, the rest of each event runs to its end, one after another.
#[derive(Debug)]
pub struct Turns(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Those that were asked for, and one more for each unit, to its end.
    turns: Vec<Turn>,
    /// The one that is taken.
    now: usize,
    /// The units whose event has ended.
    ended: Vec<u32>,
    /// The turns of which a unit's event ended before it had come so far.
    missed: Vec<usize>,
    waiting: Vec<Waker>,
}

impl State {
    /// The next turn of a unit whose event has not ended.
    fn go_on(&mut self) {
        self.now += 1;
        self.skip();
    }

    /// Passes over the turns of units whose event has ended.
    fn skip(&mut self) {
        while let Some(turn) = self.turns.get(self.now)
            && self.ended.contains(&turn.unit)
        {
            if turn.until.is_some() {
                self.missed.push(self.now);
            }
            self.now += 1;
        }
        self.waiting.drain(..).for_each(Waker::wake);
    }

    fn current(&self) -> Option<Turn> {
        self.turns.get(self.now).copied()
    }
}

impl Turns {
    /// These turns of the events of these units.
    #[must_use]
    pub fn new(order: &[Turn], units: impl IntoIterator<Item = u32>) -> Arc<Self> {
        let mut turns = order.to_vec();
        turns.extend(units.into_iter().map(|unit| Turn { unit, until: None }));
        let (ended, missed, waiting) = (Vec::new(), Vec::new(), Vec::new());
        Arc::new(Self(Mutex::new(State { turns, now: 0, ended, missed, waiting })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The event of a unit has ended: it has no more turns.
    pub fn end(&self, unit: u32) {
        let mut state = self.state();
        state.ended.push(unit);
        state.skip();
    }

    /// How often it was another's turn so far: where that stands still and nobody waits for anything else, nothing goes on.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.state().now
    }

    /// The turns, by their index, of which the unit's event ended before it had come so far.
    #[must_use]
    pub fn missed(&self) -> Vec<usize> {
        self.state().missed.clone()
    }
}

/// One unit's event among those that overlap.
#[derive(Debug, Clone)]
pub struct Part {
    turns: Arc<Turns>,
    unit: u32,
}

impl Part {
    /// The part of a unit.
    #[must_use]
    pub const fn new(turns: Arc<Turns>, unit: u32) -> Self {
        Self { turns, unit }
    }

    /// Waits until it is this unit's turn.
    pub async fn wait(&self) {
        poll_fn(|context| {
            let mut state = self.turns.state();
            if state.current().is_none_or(|turn| turn.unit == self.unit) {
                return Poll::Ready(());
            }
            state.waiting.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Whether its turn ends in the middle of this call, while it is at this shape.
    #[must_use]
    pub fn ends_midway(&self, shape: Option<Shape>, call: Call) -> bool {
        self.until().is_some_and(|(at, moment)| moment.is_midway(at, shape, call))
    }

    /// Whether one of the turns that are left of it ends at a call, or in the middle of one.
    #[must_use]
    pub fn ends_at_calls(&self) -> bool {
        let state = self.turns.state();
        let mut left = state.turns.iter().skip(state.now).filter(|turn| turn.unit == self.unit);
        left.any(|turn| turn.until.is_some_and(|(at, moment)| moment.is_of_call(at)))
    }

    /// It has come to here: if its turn ends here, the others have theirs, and this returns once it is its turn again.
    pub async fn reach(&self, at: At, moment: Moment) {
        if self.until() == Some((at, moment)) {
            self.give_way().await;
        }
    }

    /// Its turn ends here.
    pub async fn give_way(&self) {
        self.turns.state().go_on();
        self.wait().await;
    }

    /// How far it goes, if it is its turn and the turn has an end.
    fn until(&self) -> Option<(At, Moment)> {
        let state = self.turns.state();
        state.current().filter(|turn| turn.unit == self.unit)?.until
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, future::join};
    use pgdrill_core::{Action, Attempt, Question};

    use super::*;

    const BLOCKED: (At, Moment) =
        (At::Shape(Shape::Action(Action::BlockNewConnections)), Moment::Before);
    const ASKED: (At, Moment) = (At::Shape(Shape::Question(Question::IsLeader)), Moment::After);

    fn turn(unit: u32, until: impl Into<Option<(At, Moment)>>) -> Turn {
        Turn { unit, until: until.into() }
    }

    /// What two events come by, which reach these places one after another.
    fn played(order: &[Turn]) -> (Vec<(u32, usize)>, Vec<usize>) {
        let turns = Turns::new(order, [0, 1]);
        let log = Mutex::new(Vec::new());
        let event = async |unit: u32| {
            let part = Part::new(Arc::clone(&turns), unit);
            part.wait().await;
            for (index, (at, moment)) in [ASKED, BLOCKED].into_iter().enumerate() {
                part.reach(at, moment).await;
                log.lock().unwrap().push((unit, index));
            }
            turns.end(unit);
        };
        let mut both = Box::pin(join(event(0), event(1)));
        let mut polls = 0;
        while (&mut both).now_or_never().is_none() {
            polls += 1;
            assert!(polls < 9, "nothing goes on");
        }
        drop(both);
        (log.into_inner().unwrap(), turns.missed())
    }

    #[test]
    fn each_goes_as_far_as_its_turn_and_then_to_its_end() {
        let both_in_order = [(0, 0), (0, 1), (1, 0), (1, 1)];
        assert_eq!(played(&[]), (both_in_order.to_vec(), vec![]));
        let (log, missed) = played(&[turn(0, BLOCKED), turn(1, ASKED), turn(0, None)]);
        assert_eq!((log, missed), (vec![(0, 0), (0, 1), (1, 0), (1, 1)], vec![]));
        let (log, missed) = played(&[turn(1, BLOCKED), turn(0, BLOCKED), turn(1, None)]);
        assert_eq!((log, missed), (vec![(1, 0), (0, 0), (1, 1), (0, 1)], vec![]));
    }

    #[test]
    fn a_place_that_is_not_reached_is_missed_and_holds_nobody_up() {
        let never = (At::Shape(Shape::Attempt(Attempt::WasDataDirectoryEmptied)), Moment::Before);
        let (log, missed) = played(&[turn(1, never), turn(0, BLOCKED), turn(1, None)]);
        assert_eq!((log.len(), missed), (4, vec![0]));
        let (_, missed) = played(&[turn(0, None), turn(0, BLOCKED)]);
        assert_eq!(missed, [1], "its event has ended before");
    }
}
