//! Brings everything that Juju owes, until nothing changes.

use std::collections::BTreeMap;

use pgdrill_core::{Amendments, Hook, Outcome, StatusName, ports::key, texts};
use pgdrill_sim::{Change, Event, Facts, Observation, S3Given, UnitSeen, World};

use crate::{
    mutate::Mutant,
    run::{Delivery, FiredStep, deliver},
    testbed::{MemoryTestbed, Prevented, Testbed},
};

/// What came of bringing everything that Juju owes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// How many rounds there were, the last one changing nothing if it settled.
    pub rounds: u32,
    /// Whether a whole round changed nothing.
    pub is_settled: bool,
    /// Every firing of every round.
    pub firings: Vec<FiredStep>,
    /// What could be seen afterwards.
    pub observation: Observation,
    /// What came of the remedies that statuses name.
    pub remedies: Vec<RemedyTried>,
}

/// What a status of ours asks of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// To restore again.
    RestoreAgain,
    /// To put the S3 settings right.
    RightSettings,
}

impl Remedy {
    /// What was done, in words that go on with what came of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RestoreAgain => "to restore again does not help",
            Self::RightSettings => "to put the S3 settings right does not help",
        }
    }

    /// The remedy that a Blocked status with this text names.
    fn of(message: &str) -> Option<Self> {
        if message == texts::RESTORE_FAILED {
            Some(Self::RestoreAgain)
        } else if texts::is_s3_block(message) {
            Some(Self::RightSettings)
        } else {
            None
        }
    }
}

/// A remedy, tried for one unit on a copy of the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemedyTried {
    /// The unit.
    pub unit: u32,
    /// The text of its status.
    pub text: String,
    /// The remedy.
    pub remedy: Remedy,
    /// Nothing if the status is gone, else what stands in its way.
    pub came_of_it: Result<(), String>,
}

/// The most rounds that a place of so many units may take to settle.
const fn most_rounds(units: u32) -> u32 {
    3 + 2 * units
}

/// What a round left, but for what was.
fn present(mut seen: Observation) -> Observation {
    for unit in &mut seen.units {
        unit.history = unit.history.last().cloned().into_iter().collect();
    }
    seen
}

/// Brings to every unit, in rounds, what Juju owes it and update-status, until a whole round changes nothing.
/// Deferred events are fired again before what Juju brings, as always.
pub(crate) async fn settle<T: Testbed + ?Sized>(
    testbed: &T,
    delivery: Delivery,
) -> Result<Settled, Prevented> {
    let mut before = testbed.observe().await?;
    let units = u32::try_from(before.units.len()).unwrap_or(u32::MAX);
    let (mut rounds, mut is_settled, mut firings) = (0, false, Vec::new());
    while !is_settled && rounds < most_rounds(units) {
        rounds += 1;
        testbed.pass_time().await?;
        for unit in 0..units {
            let mut events = testbed.owed(unit).await?;
            events.retain(|event| *event != Hook::UpdateStatus);
            for hook in events.into_iter().chain([Hook::UpdateStatus]) {
                let event = Event { hook, unit, parameters: BTreeMap::new() };
                firings.extend(deliver(testbed, &event, &[], delivery).await?.1);
            }
        }
        let after = testbed.observe().await?;
        let (one, other) = (present(before), present(after.clone()));
        is_settled = one == other;
        before = after;
    }
    Ok(Settled { rounds, is_settled, firings, observation: before, remedies: Vec::new() })
}

/// How the events of the end of a run are delivered.
const fn at_end(amendments: Amendments) -> Delivery {
    Delivery { step: 0, amendments, is_examined: false }
}

/// What a world comes to once every fault is undone and everything that Juju owes has come, and whether the remedies
/// that its statuses name help.
pub(crate) async fn settle_copy(
    mut world: World,
    amendments: Amendments,
    mutant: Option<Mutant>,
) -> Result<Settled, Prevented> {
    world.undo_faults();
    let testbed = MemoryTestbed::unwatched(world, mutant);
    let mut settled = settle(&testbed, at_end(amendments)).await?;
    for unit in &settled.observation.units {
        let Some(world) = testbed.copy().await else { break };
        let copy = MemoryTestbed::unwatched(world, mutant);
        settled.remedies.extend(attempt(&copy, amendments, unit, &settled.observation).await?);
    }
    Ok(settled)
}

/// What a place comes to once every fault is undone in it and everything that Juju owes has come. It is not what it was
/// afterwards. Of the remedies that its statuses name the first is tried: the next would meet what that one left.
pub(crate) async fn settle_in_place<T: Testbed + ?Sized>(
    testbed: &T,
    amendments: Amendments,
) -> Result<Settled, Prevented> {
    testbed.undo_faults().await?;
    let mut settled = settle(testbed, at_end(amendments)).await?;
    for unit in &settled.observation.units {
        let tried = attempt(testbed, amendments, unit, &settled.observation).await?;
        if tried.is_some() {
            settled.remedies.extend(tried);
            break;
        }
    }
    Ok(settled)
}

/// Tries the remedy that a unit's status names; `None` where it names none, or it can't be tried: there is no backup to
/// restore, or several units.
async fn attempt<T: Testbed + ?Sized>(
    testbed: &T,
    amendments: Amendments,
    unit: &UnitSeen,
    seen: &Observation,
) -> Result<Option<RemedyTried>, Prevented> {
    let status = unit.status();
    let remedy = Remedy::of(&status.message).filter(|_| status.name == StatusName::Blocked);
    let Some(remedy) = remedy else { return Ok(None) };
    let unit = unit.unit;
    let tried = |came_of_it| {
        Some(RemedyTried { unit, text: status.message.to_string(), remedy, came_of_it })
    };
    let is_blocked = |seen: &Observation| {
        let unit = seen.units.iter().find(|seen| seen.unit == unit);
        unit.map(UnitSeen::status).filter(|status| {
            status.name == StatusName::Blocked && Remedy::of(&status.message) == Some(remedy)
        })
    };
    match remedy {
        Remedy::RightSettings => {
            // Before the cluster is initialised no settings are taken up, right or wrong.
            let is_known = |facts: &Facts| {
                facts.application.iter().any(|(key, _)| key == key::CLUSTER_INITIALISED)
            };
            if !seen.facts.as_deref().is_none_or(is_known) {
                return Ok(None);
            }
            // A repository of its own: the one of before may be another cluster's.
            let path = Some("/remedy".to_owned());
            testbed.happen(&Change::S3Settings(S3Given { path, ..S3Given::default() })).await?;
        }
        Remedy::RestoreAgain => {
            let Some(facts) = seen.facts.as_deref() else { return Ok(None) };
            let Some(s3) = facts.s3.as_ref().filter(|s3| s3.works) else { return Ok(None) };
            let is_there = |label: &str| {
                facts.backups.iter().any(|it| it.label == label && it.place == s3.place)
            };
            let mut newest = seen.backups.iter().rev();
            let backup = newest.find(|it| !it.failed && is_there(&it.label));
            let (Some(backup), 1) = (backup, seen.units.len()) else { return Ok(None) };
            let parameters = [("backup-id".to_owned(), backup.id.as_str().into())].into();
            let event = Event { hook: Hook::Restore, unit, parameters };
            let delivered = testbed.fire(&event, amendments, &[]).await?;
            if let Some(Outcome::Failed(why)) = delivered.fired.last().map(|it| &it.firing.outcome)
            {
                return Ok(tried(Err(format!("`{why}`"))));
            }
        }
    }
    let settled = settle(testbed, at_end(amendments)).await?;
    Ok(tried(match is_blocked(&settled.observation) {
        None => Ok(()),
        Some(status) => Err(format!("it shows {status}")),
    }))
}
