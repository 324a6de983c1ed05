//! What an injector injects, and when.

use std::sync::atomic::AtomicUsize;

use futures_util::FutureExt as _;
use pgdrill_core::{Action, Attempt, Question};

use super::*;
use crate::turns::{Turn, Turns};

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

    async fn arm(&self, _: Call, changes: &[Change], _: bool) -> Result<(), &'static str> {
        locked(&self.0).extend_from_slice(changes);
        Ok(())
    }

    /// As a command that comes to its middle unless the primary is to be lost there.
    async fn disarm(&self) -> Result<bool, &'static str> {
        Ok(!locked(&self.0).contains(&Change::PrimaryIsLost))
    }
}

fn injection(at: Shape, moment: Moment, change: Change) -> Injection {
    Injection::Change { at: At::Shape(at), moment, change }
}

fn before(injector: &Injector<&Log>, call: Call) -> Fate {
    injector.before_call(call).now_or_never().unwrap()
}

fn after(injector: &Injector<&Log>, call: Call) -> Answer {
    injector.after_call(call).now_or_never().unwrap()
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
    assert_eq!(arrive(&injector, BLOCKED), Fate::Die, "who has died does nothing more");
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
    assert_eq!(after(&injector, Call::ObjectStorePut), Answer::Delivered);
    assert_eq!(after(&injector, Call::ClusterApply), Answer::Lost);
    assert_eq!(injector.missed(), [1, 2, 3], "the first was lost first");
    arrive(&injector, ASKED);
    assert!(!injector.is_pending() && injector.waits_for_calls());
    assert_eq!(after(&injector, Call::ClusterApply), Answer::Lost);
    assert_eq!(after(&injector, Call::ClusterApply), Answer::Delivered);
    assert_eq!(injector.missed(), [2]);
    assert_eq!(after(&injector, Call::UnitDefer), Answer::Lost);
    assert!(!injector.waits_for_calls());
}

#[test]
fn a_change_is_injected_before_or_after_a_call_and_a_process_dies_there() {
    let log = Log::default();
    let at = |moment, change| Injection::Change { at: At::Call(Call::UnitData), moment, change };
    let injections = [
        at(Moment::Before, Change::ScaleTo(2)),
        at(Moment::After, Change::ScaleTo(3)),
        at(Moment::After, Change::ProcessDies),
        Injection::Lost(Call::UnitData),
    ];
    let injector = Injector::new(&log, &injections);
    assert!(injector.waits_for_calls());
    assert_eq!(before(&injector, Call::UnitStatus), Fate::Live);
    assert!(locked(&log.0).is_empty());
    assert_eq!(before(&injector, Call::UnitData), Fate::Live);
    assert_eq!(*locked(&log.0), [Change::ScaleTo(2)]);
    assert_eq!(after(&injector, Call::UnitData), Answer::Died);
    assert_eq!(locked(&log.0).len(), 3);
    assert_eq!(injector.fate(), Fate::Die);
    assert_eq!(before(&injector, Call::UnitStatus), Fate::Die, "no dead process makes a call");
    assert_eq!(injector.missed(), [3], "nobody is left to whom an answer could be lost");
}

#[test]
fn what_happens_during_a_command_is_missed_if_it_never_comes_to_its_middle() {
    const BACKUP: Shape = Shape::Attempt(Attempt::HasBackupCreationSucceeded);
    for (change, missed) in [(Change::ScaleTo(2), vec![]), (Change::PrimaryIsLost, vec![0])] {
        let log = Log::default();
        let injections = [injection(BACKUP, Moment::During, change.clone())];
        let injector = Injector::new(&log, &injections);
        before(&injector, Call::RepositoryBackUp);
        assert!(locked(&log.0).is_empty(), "it is no backup of that shape");
        arrive(&injector, BACKUP);
        before(&injector, Call::RepositoryInfo);
        assert!(locked(&log.0).is_empty());
        before(&injector, Call::RepositoryBackUp);
        assert_eq!(*locked(&log.0), [change]);
        assert_eq!(after(&injector, Call::RepositoryBackUp), Answer::Delivered);
        assert_eq!(injector.missed(), missed);
    }
}

#[test]
fn where_nothing_waits_for_a_call_the_ports_are_as_they_were() {
    let world = crate::World::new(&crate::Given::default()).shared();
    let ports = || crate::View::new(&world, 0).map(crate::View::ports).unwrap();
    let is_same = |injections: &[Injection]| {
        let plain = ports();
        let injector = Arc::new(Injector::new(FiringUnit::new(&world, 0), injections));
        Arc::ptr_eq(&plain.cluster, &injector.ports(plain.clone()).cluster)
    };
    assert!(is_same(&[]));
    assert!(is_same(&[injection(ASKED, Moment::Before, Change::ScaleTo(3))]));
    assert!(!is_same(&[Injection::Lost(Call::ClusterApply)]));
    let (moment, change) = (Moment::Before, Change::ScaleTo(3));
    assert!(!is_same(&[Injection::Change { at: At::Call(Call::UnitData), moment, change }]));
}

/// A target that counts how often it was disarmed, and could not do what it was armed for.
#[derive(Default)]
struct Fails(AtomicUsize);

#[async_trait]
impl Inject for Fails {
    type Error = &'static str;

    async fn inject(&self, _: &Change) -> Result<(), &'static str> {
        Ok(())
    }

    async fn arm(&self, _: Call, _: &[Change], _: bool) -> Result<(), &'static str> {
        Ok(())
    }

    async fn disarm(&self) -> Result<bool, &'static str> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Err("it did not go on")
    }
}

#[test]
fn what_goes_wrong_with_a_command_that_was_held_is_told_once_its_turn_is_over() {
    const BACK_UP: Call = Call::RepositoryBackUp;
    let middle = Some((At::Call(BACK_UP), Moment::During));
    let turns = Turns::new(&[Turn { unit: 0, until: middle }], [0]);
    let target = Fails::default();
    let injector = Injector::new(&target, &[]).taking_turns(Some(Part::new(turns, 0)));
    assert_eq!(injector.before_call(BACK_UP).now_or_never(), Some(Fate::Live));
    injector.in_the_middle(BACK_UP).now_or_never().unwrap();
    assert_eq!(injector.after_call(BACK_UP).now_or_never(), Some(Answer::Died));
    assert_eq!(injector.take_failure(), Some("it did not go on"));
    assert_eq!(injector.before_call(BACK_UP).now_or_never(), Some(Fate::Die));
    assert_eq!(target.0.load(Ordering::Relaxed), 1);
}
