//! What can happen in a history that is enumerated: every event, every change by finite representatives, every moment.

use std::collections::BTreeMap;

use pgdrill_core::{Hook, Shape, ports::Call};
use pgdrill_sim::{
    ArchiveCommand, Awaited, BackupGiven, CaGiven, Change, CredentialsGiven, DataDirectory,
    DcsState, EndpointGiven, Fired, Given, Injection, LockState, MemberFate, Moment,
    PgbackrestFailureMode, RelationState, S3Given, S3Parameter, S3ServerState, ServiceName,
    ServiceRuns, SetDataDirectory, SetLock, SetMember, SetService, SetWorkload, StanzaGiven,
    TlsState, WorkloadState, World,
};

use super::{MOST_UNITS, NO_BACKUP, REFUSED, Search};

/// An event, as a plan has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedEvent {
    /// The hook.
    pub hook: Hook,
    /// The unit.
    pub unit: u32,
    /// The parameters, `${backup-N}` not yet replaced.
    pub parameters: BTreeMap<String, String>,
}

/// The worlds in which every history begins: a repository in four states, with and without TLS, on one unit and on two, the
/// leader on the primary or apart from it.
#[must_use]
pub fn starts(search: &Search) -> Vec<Given> {
    let (none, initialised) = (StanzaGiven::None, StanzaGiven::Initialised);
    let repositories =
        [(false, none, 0), (true, none, 0), (true, initialised, 0), (true, initialised, 1)];
    let mut starts = Vec::new();
    for (units, leader) in [(1, 0), (2, 0), (2, 1)] {
        for tls in [false, true] {
            for (has_s3, stanza, backups) in repositories {
                let s3 = has_s3.then(S3Given::default);
                let backups = vec![BackupGiven::Full; backups];
                starts.push(Given { units, leader, tls, s3, stanza, backups, ..Given::default() });
            }
        }
    }
    let is_wanted = |given: &Given| {
        search.units.is_none_or(|units| units == given.units)
            && search.tls.is_none_or(|tls| tls == given.tls)
    };
    starts.retain(is_wanted);
    starts
}

/// Every event that can come to a world: each hook on each unit, an action with each of its parameters.
#[must_use]
pub fn events(units: u32, backups: usize) -> Vec<PlannedEvent> {
    let mut events = Vec::new();
    for unit in 0..units {
        for &hook in Hook::ALL {
            let own = parameters(hook, backups).into_iter().map(|parameters| {
                let parameters =
                    parameters.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
                PlannedEvent { hook, unit, parameters }
            });
            events.extend(own);
        }
    }
    events
}

/// What a hook is given: nothing, each kind of backup, or the oldest and the newest backup and one that is not there.
fn parameters(hook: Hook, backups: usize) -> Vec<Vec<(&'static str, String)>> {
    match hook {
        Hook::CreateBackup => {
            let kinds = ["full", "differential", "incremental"];
            kinds.iter().map(|kind| vec![("type", (*kind).to_owned())]).collect()
        }
        Hook::Restore => {
            let mut ids = vec![NO_BACKUP.to_owned()];
            ids.extend((backups > 0).then(|| "${backup-1}".to_owned()));
            ids.extend((backups > 1).then(|| format!("${{backup-{backups}}}")));
            let mut all: Vec<_> = ids.into_iter().map(|id| vec![("backup-id", id)]).collect();
            all.push(Vec::new());
            if backups > 0 {
                let id = ("backup-id", "${backup-1}".to_owned());
                all.push(vec![id, ("restore-to-time", "latest".to_owned())]);
            }
            all
        }
        Hook::S3CredentialsChanged
        | Hook::ListBackups
        | Hook::UpdateStatus
        | Hook::CertificatesChanged => vec![Vec::new()],
    }
}

/// Every change that can happen to a cluster of so many units, each word of the vocabulary with each of its values but for
/// [`NOT_DRAWN`](super::NOT_DRAWN); of texts and numbers, one for each way in which they count.
#[must_use]
pub fn changes(units: u32) -> Vec<Change> {
    let mut all = vec![Change::PrimaryIsLost, Change::ClusterInitialises];
    all.extend(S3ServerState::ALL.iter().copied().map(Change::S3Server));
    all.extend(REFUSED.map(|text| Change::RefuseKeysWith(text.to_owned())));
    all.extend(settings().into_iter().map(Change::S3Settings));
    all.extend(RelationState::ALL.iter().copied().map(Change::S3Relation));
    all.extend(DcsState::ALL.iter().copied().map(Change::Dcs));
    all.extend(ArchiveCommand::ALL.iter().copied().map(Change::ArchiveCommand));
    // In time, and too late for whoever waits.
    all.extend([0, 30, 100].map(Change::ArchiveDelay));
    all.extend(PgbackrestFailureMode::ALL.iter().copied().map(Change::Pgbackrest));
    all.extend(TlsState::ALL.iter().copied().map(Change::Tls));
    let awaited = Awaited::ALL.iter().copied().filter(|awaited| *awaited != Awaited::LockFree);
    all.extend(awaited.map(Change::Await));
    all.extend((1..=MOST_UNITS).map(Change::ScaleTo));
    all.extend((0..units).flat_map(of_unit));
    all
}

/// Settings that differ from the right ones in one thing. A bucket that is deleted takes its backups with it, and no hook can
/// answer for that.
fn settings() -> Vec<S3Given> {
    let right = S3Given::default;
    let mut all = vec![right()];
    let missing = |parameter: &S3Parameter| S3Given { missing: vec![*parameter], ..right() };
    all.extend(S3Parameter::ALL.iter().map(missing));
    let endpoints = [EndpointGiven::Unreachable, EndpointGiven::WithPath];
    all.extend(endpoints.map(|endpoint| S3Given { endpoint, ..right() }));
    all.push(S3Given { credentials: CredentialsGiven::Wrong, ..right() });
    all.extend([CaGiven::Wrong, CaGiven::Missing].map(|ca| S3Given { ca, ..right() }));
    all.push(S3Given { path: Some("/other".to_owned()), ..right() });
    all
}

fn of_unit(unit: u32) -> Vec<Change> {
    let mut all = vec![
        Change::PrimaryMovesTo(unit),
        Change::LeaderMovesTo(unit),
        Change::ServiceWillNotStop(unit),
    ];
    let members = MemberFate::ALL.iter().copied();
    all.extend(members.map(|is| Change::Member(SetMember { unit, is })));
    for &name in ServiceName::ALL {
        let states = ServiceRuns::ALL.iter().copied();
        all.extend(states.map(|is| Change::Service(SetService { unit, name, is })));
    }
    let data = DataDirectory::ALL.iter().copied();
    all.extend(data.map(|is| Change::DataDirectory(SetDataDirectory { unit, is })));
    let locks = LockState::ALL.iter().copied();
    all.extend(locks.map(|is| Change::Lock(SetLock { unit, is })));
    let workloads = WorkloadState::ALL.iter().copied();
    all.extend(workloads.map(|is| Change::Workload(SetWorkload { unit, is })));
    all
}

/// The changes that can make a difference within an event: all but those that are so already and that no hook undoes.
#[must_use]
pub fn changes_within(world: &World, units: u32) -> Vec<Change> {
    let before = world.fingerprint(|_| {});
    let mut all = changes(units);
    all.retain(|change| {
        if may_be_undone_by_a_hook(change) {
            return true;
        }
        let mut other = world.clone();
        other.happen(change).is_ok() && other.fingerprint(|_| {}) != before
    });
    // A process that dies changes nothing between two events.
    all.push(Change::ProcessDies);
    all
}

/// Whether a hook, or the time that it takes, may change what a change sets.
const fn may_be_undone_by_a_hook(change: &Change) -> bool {
    match change {
        Change::S3Server(_)
        | Change::RefuseKeysWith(_)
        | Change::S3Settings(_)
        | Change::S3Relation(_)
        | Change::Dcs(_)
        | Change::ServiceWillNotStop(_)
        | Change::DataDirectory(_)
        | Change::ArchiveCommand(_)
        | Change::ArchiveDelay(_)
        | Change::Pgbackrest(_)
        | Change::Lock(_)
        | Change::Tls(_)
        | Change::LeaderMovesTo(_)
        | Change::Workload(_) => false,
        Change::PrimaryMovesTo(_)
        | Change::PrimaryIsLost
        | Change::Member(_)
        | Change::Service(_)
        | Change::ClusterInitialises
        | Change::ScaleTo(_)
        | Change::ProcessDies
        | Change::BackupIsKilled
        | Change::Await(_) => true,
    }
}

/// The moments of an event that went like this, in order: before each shape that it comes to for the first time, and after a
/// shape where nothing new comes next. What is after one shape is before the next.
#[must_use]
pub fn moments(fired: &[Fired]) -> Vec<(Shape, Moment)> {
    let steps = fired.iter().flat_map(|fired| fired.firing.trace.steps());
    let shapes: Vec<Shape> = steps.map(|step| step.shape).collect();
    let is_new = |index: usize| {
        let shape = shapes.get(index);
        let mut before = shapes.iter().take(index);
        shape.is_some_and(|shape| !before.any(|known| known == shape))
    };
    let mut moments = Vec::with_capacity(shapes.len() + 1);
    for (index, shape) in shapes.iter().enumerate() {
        if !is_new(index) {
            continue;
        }
        moments.push((*shape, Moment::Before));
        if !is_new(index + 1) {
            moments.push((*shape, Moment::After));
        }
    }
    moments
}

/// The calls of which the answer can be lost.
pub fn losses() -> impl Iterator<Item = Injection> {
    Call::ALL.iter().copied().filter(|call| call.has_effect()).map(Injection::Lost)
}
