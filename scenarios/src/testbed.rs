//! A testbed: where plans run, whatever it is made of.

use std::{
    fmt,
    future::poll_fn,
    sync::{Arc, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{FutureExt as _, future::join_all};
use pgdrill_core::{Amendments, Diagnostic, Hook, Probe};
use pgdrill_sim::{
    BackupSeen, Change, Event, Fired, FiringUnit, Given, Impossible, Injection, Injector,
    Observation, Part, Shared, Shelf, Turn, Turns, View, World, dispatch, dispatch_noting, lock,
};

use crate::mutate::{Mutant, MutantProbe};

/// Why a testbed did not do what a plan asks for. Nothing that the plan asks for was decided then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prevented {
    /// This kind of testbed can't do it, for this reason: the plan is skipped.
    Unable(String),
    /// It can, and it did not work: the run is broken.
    Broken(Cause),
}

impl fmt::Display for Prevented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unable(reason) => f.write_str(reason),
            Self::Broken(cause) => cause.fmt(f),
        }
    }
}

/// What did not work in a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Told in words.
    Text(String),
    /// A complaint about one thing, with its hint.
    Complaint(Box<Diagnostic>),
    /// The run had not ended when its time was up.
    TookLonger(Duration),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Complaint(complaint) => complaint.fmt(f),
            Self::TookLonger(limit) => write!(f, "took longer than {limit:?}"),
        }
    }
}

impl From<String> for Cause {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Cause {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Box<Diagnostic>> for Cause {
    fn from(complaint: Box<Diagnostic>) -> Self {
        Self::Complaint(complaint)
    }
}

/// An event that was delivered to its unit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivered {
    /// Every firing, those of deferred events first.
    pub fired: Vec<Fired>,
    /// The indices of the injections that no firing reached, in order.
    pub missed: Vec<usize>,
    /// Why something that was to happen at a shape did not, although a firing was there.
    pub prevented: Option<Prevented>,
}

/// Where what a plan gives is true, and in which its steps are taken one after another.
#[async_trait]
pub trait Testbed: Send + Sync {
    /// The change is true.
    async fn happen(&self, change: &Change) -> Result<(), Prevented>;

    /// Juju delivers an event to its unit; the changes are injected at their shapes, and answers of port calls lost. Where it
    /// is one of several whose hooks run at the same time, its firings take their turns.
    async fn deliver(
        &self,
        event: &Event,
        amendments: Amendments,
        injections: &[Injection],
        part: Option<Part>,
    ) -> Result<Delivered, Prevented>;

    /// Juju delivers an event, and nothing else meanwhile.
    async fn fire(
        &self,
        event: &Event,
        amendments: Amendments,
        injections: &[Injection],
    ) -> Result<Delivered, Prevented> {
        self.deliver(event, amendments, injections, None).await
    }

    /// The backups that the repository holds, oldest first, whether or not a unit can reach it.
    async fn backups(&self) -> Result<Shelf<BackupSeen>, Prevented>;

    /// What can be seen from outside.
    async fn observe(&self) -> Result<Observation, Prevented>;

    /// Whether a look costs so little that one is taken around every event.
    fn is_watched(&self) -> bool;

    /// Every fault is undone, as [`World::undo_faults`] has it.
    async fn undo_faults(&self) -> Result<(), Prevented>;

    /// The events that Juju owes a unit.
    async fn owed(&self, unit: u32) -> Result<Vec<Hook>, Prevented>;

    /// Time passes, as much as between two of Juju's periodic events.
    async fn pass_time(&self) -> Result<(), Prevented>;

    /// A copy of the world, in which anything may be tried; `None` where the world is real.
    async fn copy(&self) -> Option<World>;

    /// The mutant whose firings these are, where there is one: what is tried in a copy are its own, too.
    fn mutant(&self) -> Option<Mutant> {
        None
    }
}

impl From<Impossible> for Prevented {
    /// A change that the world does not let come about: nothing that the plan asks for was decided then.
    fn from(why: Impossible) -> Self {
        Self::Broken(why.to_string().into())
    }
}

/// Delivers events to different units, whose hooks run at the same time, in turns: what came of each, and the turns, by their
/// index, that no firing got as far as. Fakes wait for nothing but their turn: as long as that passes on, each is asked again at once.
///
/// # Errors
///
/// What kept one of them from being delivered; the others ran to their ends all the same.
pub(crate) async fn in_turns<P: Testbed + ?Sized>(
    testbed: &P,
    events: &[(Event, Vec<Injection>)],
    order: &[Turn],
    amendments: Amendments,
) -> Result<(Vec<Delivered>, Vec<usize>), Prevented> {
    let turns = Turns::new(order, events.iter().map(|(event, _)| event.unit));
    let each = events.iter().map(|(event, injections)| {
        let part = Part::new(Arc::clone(&turns), event.unit);
        let turns = &turns;
        async move {
            part.wait().await;
            let delivered = testbed.deliver(event, amendments, injections, Some(part)).await;
            turns.end(event.unit);
            delivered
        }
    });
    let mut all = join_all(each);
    let delivered = poll_fn(|context| {
        loop {
            let taken = turns.taken();
            let polled = all.poll_unpin(context);
            if polled.is_ready() || turns.taken() == taken {
                return polled;
            }
        }
    });
    let delivered: Result<_, _> = delivered.await.into_iter().collect();
    Ok((delivered?, turns.missed()))
}

/// A world of fakes.
pub(crate) struct MemoryTestbed {
    world: Shared,
    /// Whether anybody wants to see it between two events.
    is_watched: bool,
    /// What the firings do otherwise than their hooks have it.
    mutant: Option<Mutant>,
}

impl MemoryTestbed {
    /// A testbed in which this is given.
    pub(crate) fn new(given: &Given, mutant: Option<Mutant>) -> Self {
        Self { world: World::new(given).shared(), is_watched: true, mutant }
    }

    /// A testbed in this world.
    pub(crate) fn around(world: World) -> Self {
        Self { world: world.shared(), is_watched: true, mutant: None }
    }

    /// The world; a copy where somebody else still has it.
    pub(crate) fn into_world(self) -> World {
        match Arc::try_unwrap(self.world) {
            Ok(world) => world.into_inner().unwrap_or_else(PoisonError::into_inner),
            Err(shared) => lock(&shared).clone(),
        }
    }

    /// A testbed in a copy of a world, of which only the end matters.
    pub(crate) fn unwatched(world: World, mutant: Option<Mutant>) -> Self {
        Self { world: world.shared(), is_watched: false, mutant }
    }
}

#[async_trait]
impl Testbed for MemoryTestbed {
    async fn happen(&self, change: &Change) -> Result<(), Prevented> {
        lock(&self.world).happen(change).map_err(Prevented::from)
    }

    async fn deliver(
        &self,
        event: &Event,
        amendments: Amendments,
        injections: &[Injection],
        part: Option<Part>,
    ) -> Result<Delivered, Prevented> {
        let broken = |error: pgdrill_core::PortError| Prevented::Broken(error.to_string().into());
        let ports = View::new(&self.world, event.unit).map_err(broken)?.ports();
        let is_armed = !injections.is_empty() || part.is_some();
        let target = FiringUnit::new(&self.world, event.unit);
        let probe = Arc::new(Injector::new(target, injections).taking_turns(part));
        let ports = probe.ports(ports);
        let armed = is_armed.then_some(&*probe as &dyn Probe);
        // An amendment that is out of force has no condition that could hold.
        let mutant = self.mutant.filter(|it| it.amendment().is_none_or(|it| amendments.has(it)));
        let altered = mutant.map(|mutant| MutantProbe { probe: &*probe, mutant });
        let armed = altered.as_ref().map(|altered| altered as &dyn Probe).or(armed);
        let never = mutant.and_then(|mutant| mutant.never());
        let amendments = never.map_or(amendments, |never| amendments.without(never));
        let fired = if self.is_watched {
            dispatch_noting(&self.world, ports, event, amendments, armed).await
        } else {
            dispatch(&self.world, &ports, event, amendments, armed).await
        };
        let fired = fired.map_err(broken)?;
        let (missed, prevented) = (probe.missed(), probe.take_failure().map(Prevented::from));
        Ok(Delivered { fired, missed, prevented })
    }

    async fn backups(&self) -> Result<Shelf<BackupSeen>, Prevented> {
        Ok(lock(&self.world).backups())
    }

    async fn observe(&self) -> Result<Observation, Prevented> {
        Ok(lock(&self.world).observe())
    }

    fn is_watched(&self) -> bool {
        self.is_watched
    }

    async fn undo_faults(&self) -> Result<(), Prevented> {
        lock(&self.world).undo_faults();
        Ok(())
    }

    async fn owed(&self, unit: u32) -> Result<Vec<Hook>, Prevented> {
        Ok(lock(&self.world).owed(unit))
    }

    async fn pass_time(&self) -> Result<(), Prevented> {
        lock(&self.world).pass_time();
        Ok(())
    }

    async fn copy(&self) -> Option<World> {
        Some(lock(&self.world).clone())
    }

    fn mutant(&self) -> Option<Mutant> {
        self.mutant
    }
}
