//! Which calls of ports a firing made and what they failed with, noted beside it.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use pgdrill_core::{
    Alteration, Amendments, Fate, Outcome, Ports, Probe, Shape,
    ports::{Answer, Call, Observer, PortError, PortResult},
};

use crate::{
    dispatch::{Event, Fired, dispatch},
    world::Shared,
};

/// A call of a port that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortFailure {
    /// The shape at which it was made; `None`: between two shapes.
    pub at: Option<Shape>,
    /// The call.
    pub call: Call,
    /// The cause that the port gave.
    pub cause: String,
}

/// A call of a port that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallMade {
    /// The shape at which it was made; `None`: between two shapes.
    pub at: Option<Shape>,
    /// The call.
    pub call: Call,
    /// Whether it failed, or its answer was lost.
    pub has_failed: bool,
}

/// What is noted of a firing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Noted {
    /// What its calls of ports failed with, in order.
    pub failures: Vec<PortFailure>,
    /// The calls by which it changed something, or tried to, in order.
    pub calls: Vec<CallMade>,
}

impl Noted {
    /// Notes a call that was made at this shape, and the cause with which it failed, if it did. One that worked and changes
    /// nothing is not kept.
    pub fn add(&mut self, at: Option<Shape>, call: Call, failure: Option<&str>) {
        if call.has_effect() {
            self.calls.push(CallMade { at, call, has_failed: failure.is_some() });
        }
        if let Some(cause) = failure {
            self.failures.push(PortFailure { at, call, cause: cause.to_owned() });
        }
    }
}

/// Does as [`dispatch`], and notes the calls of ports that changed something, and what calls failed with.
///
/// # Errors
///
/// As [`dispatch`].
pub async fn dispatch_noting(
    world: &Shared,
    ports: Ports,
    event: &Event,
    amendments: Amendments,
    probe: Option<&dyn Probe>,
) -> PortResult<Vec<Fired>> {
    let notes = Arc::new(Notes::default());
    let ports = ports.observed(Arc::clone(&notes) as _);
    let noting = Noting { probe, notes: &notes };
    let mut fired = dispatch(world, &ports, event, amendments, Some(&noting)).await?;
    for (firing, noted) in fired.iter_mut().zip(notes.take()) {
        let Noted { mut failures, calls } = noted;
        if matches!(firing.firing.outcome, Outcome::Died(_)) {
            // What it died of reached nobody.
            failures.retain(|failure| failure.cause != failure.call.died().cause());
        }
        firing.failures = Some(failures);
        firing.calls = Some(calls);
    }
    Ok(fired)
}

/// What was noted of each firing so far, and the shape at which the last one is.
#[derive(Default)]
struct Notes(Mutex<(Vec<Noted>, Option<Shape>)>);

impl Notes {
    fn arrive(&self, shape: Shape) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shape == Shape::Start {
            notes.0.push(Noted::default());
        }
        notes.1 = Some(shape);
    }

    fn leave(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 = None;
    }

    fn note(&self, call: Call, failure: Option<&PortError>) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = notes.1;
        if let Some(noted) = notes.0.last_mut() {
            noted.add(at, call, failure.map(PortError::cause));
        }
    }

    fn take(&self) -> Vec<Noted> {
        mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).0)
    }
}

#[async_trait]
impl Observer for Notes {
    async fn before(&self, _: Call) -> Fate {
        Fate::Live
    }

    async fn after(&self, call: Call, failure: Option<&PortError>) -> Answer {
        if failure.is_some() || call.has_effect() {
            self.note(call, failure);
        }
        Answer::Delivered
    }
}

/// The probe that notes where a firing is, before another.
struct Noting<'a> {
    probe: Option<&'a dyn Probe>,
    notes: &'a Notes,
}

#[async_trait]
impl Probe for Noting<'_> {
    async fn arrive(&self, shape: Shape) -> Fate {
        self.notes.arrive(shape);
        match self.probe {
            Some(probe) => probe.arrive(shape).await,
            None => Fate::Live,
        }
    }

    async fn leave(&self, shape: Shape) -> Fate {
        self.notes.leave();
        match self.probe {
            Some(probe) => probe.leave(shape).await,
            None => Fate::Live,
        }
    }

    fn give_up(&self) {
        self.notes.leave();
        if let Some(probe) = self.probe {
            probe.give_up();
        }
    }

    fn fate(&self) -> Fate {
        self.probe.map_or(Fate::Live, Probe::fate)
    }

    fn alteration(&self) -> Option<&dyn Alteration> {
        self.probe.and_then(Probe::alteration)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use futures_util::FutureExt as _;
    use pgdrill_core::{Action, Attempt, Hook};

    use super::*;
    use crate::{
        BucketGiven, FiringUnit, Given, Injection, Injector, S3Given, StanzaGiven, View, World,
        given::BackupGiven,
    };

    fn fired(given: &Given, hook: Hook, lost: &[Injection]) -> Vec<Fired> {
        let world = World::new(given).shared();
        let ports = View::new(&world, 0).map(View::ports).unwrap();
        let ports = Arc::new(Injector::new(FiringUnit::new(&world, 0), lost)).ports(ports);
        let event = Event { hook, unit: 0, parameters: BTreeMap::new() };
        let fired = dispatch_noting(&world, ports, &event, Amendments::all(), None);
        fired.now_or_never().unwrap().unwrap()
    }

    #[test]
    fn a_failure_is_noted_with_its_shape_its_call_and_its_cause() {
        let bucket = BucketGiven::Forbidden;
        let s3 = Some(S3Given { bucket, ..S3Given::default() });
        let given = Given { s3, ..Given::default() };
        let fired = fired(&given, Hook::S3CredentialsChanged, &[]);
        let failure = PortFailure {
            at: Some(Shape::Attempt(Attempt::CouldInitialiseStanza)),
            call: Call::ObjectStoreEnsureBucket,
            cause: "403 Forbidden".into(),
        };
        assert_eq!(fired[0].failures, Some(vec![failure]));
    }

    #[test]
    fn a_call_that_changes_something_is_noted_with_its_shape_and_whether_it_failed() {
        let given = Given { tls: true, units: 2, s3: Some(S3Given::default()), ..Given::default() };
        for lost in [None, Some(Injection::Lost(Call::WorkloadStart))] {
            let has_failed = lost.is_some();
            let lost: Vec<Injection> = lost.into_iter().collect();
            let fired = fired(&given, Hook::CertificatesChanged, &lost);
            let at = Some(Shape::Action(Action::StartPgbackrestTlsServer));
            let made = |call, has_failed| CallMade { at, call, has_failed };
            let calls = fired[0].calls.clone().unwrap();
            assert!(calls.contains(&made(Call::RepositoryConfigure, false)), "{calls:?}");
            let is_start = |made: &&CallMade| made.call == Call::WorkloadStart;
            assert_eq!(calls.iter().find(is_start), Some(&made(Call::WorkloadStart, has_failed)));
        }
    }

    #[test]
    fn a_failure_between_two_shapes_is_at_none() {
        let given = Given { tls: true, units: 2, s3: Some(S3Given::default()), ..Given::default() };
        // Asked once more whether the primary is out of reach.
        let lost = [Injection::Lost(Call::UnitStatus)];
        let failures = fired(&given, Hook::UpdateStatus, &lost)[0].failures.clone().unwrap();
        let seen: Vec<_> = failures.iter().map(|it| (it.at, it.call)).collect();
        assert_eq!(seen, [(None, Call::UnitStatus)]);
    }

    #[test]
    fn what_fails_once_a_step_was_given_up_is_at_none() {
        let given = Given { units: 2, s3: Some(S3Given::default()), ..Given::default() };
        // Nothing is recorded of the repository: update-status configures the tool if it can, and goes on.
        let calls = [Call::UnitIsLeader, Call::RepositoryConfigure, Call::UnitIsLeader];
        let lost = calls.map(Injection::Lost);
        let failures = fired(&given, Hook::UpdateStatus, &lost)[0].failures.clone().unwrap();
        let seen: Vec<_> = failures.iter().map(|it| (it.at, it.call)).collect();
        let render = Some(Shape::Action(Action::RenderPgbackrestConfig));
        let [first, configure, second] = calls;
        assert_eq!(seen, [(None, first), (render, configure), (None, second)]);
    }

    #[test]
    fn an_answer_that_is_lost_is_a_failure_and_a_well_made_backup_has_none() {
        let given = Given {
            s3: Some(S3Given::default()),
            stanza: StanzaGiven::Initialised,
            backups: vec![BackupGiven::Full],
            ..Given::default()
        };
        assert_eq!(fired(&given, Hook::CreateBackup, &[])[0].failures, Some(Vec::new()));
        let lost = [Injection::Lost(Call::RepositoryBackUp)];
        let failures = fired(&given, Hook::CreateBackup, &lost)[0].failures.clone().unwrap();
        assert_eq!(failures[0].cause, "the answer was lost");
        assert_eq!(failures.len(), 1);
    }
}
