//! Histories drawn from seeds.

use std::collections::BTreeMap;

use fastrand::Rng;
use pgdrill_core::{Attempt, Hook, Shape, ports::Call};
use pgdrill_sim::{
    ArchiveCommand, At, Awaited, BackupGiven, BucketGiven, CaGiven, Change, CredentialsGiven,
    DataDirectory, DcsState, EndpointGiven, Given, Injection, LockState, MemberFate, Moment,
    PgbackrestFailureMode, RelationState, RepositoryGiven, S3Given, S3Parameter, S3ServerState,
    ServiceName, ServiceRuns, SetDataDirectory, SetLock, SetMember, SetService, SetWorkload,
    StanzaGiven, TlsState, WorkloadState,
};

use super::{MOST_UNITS, NO_BACKUP, REFUSED, Search, alphabet::losses, overlap::overlapping};
use crate::{
    charts::chart,
    plan::{Plan, PlanStep},
};

/// The history of a seed: a world that a cluster can have come to, and what happens to it. Every word of the vocabulary but
/// for [`NOT_DRAWN`](super::NOT_DRAWN) occurs in the history of some seed.
#[must_use]
pub fn drawn(seed: u64, search: &Search) -> Plan {
    let mut drawing = Drawing {
        rng: Rng::with_seed(seed),
        units: 1,
        has_backups: false,
        has_restored: false,
        has_tls: false,
    };
    let given = drawing.given(search);
    (drawing.units, drawing.has_backups) = (given.units, !given.backups.is_empty());
    drawing.has_tls = given.tls;
    let count = drawing.rng.usize(1..=search.steps.max(1));
    let steps = (0..count).map(|_| drawing.step(search.changes)).collect();
    Plan::of(format!("seed {seed}"), given, overlapping(steps, seed, search.overlap))
}

struct Drawing {
    rng: Rng,
    units: u32,
    has_backups: bool,
    /// Whether a restore was asked for.
    has_restored: bool,
    has_tls: bool,
}

impl Drawing {
    fn pick<T: Clone>(&mut self, choices: &[T]) -> Option<T> {
        choices.get(self.rng.usize(..choices.len().max(1))).cloned()
    }

    /// What is right three times in four, and else one of these.
    fn mostly<T: Clone + Default>(&mut self, others: &[T]) -> T {
        if self.rng.u8(..4) > 0 { T::default() } else { self.pick(others).unwrap_or_default() }
    }

    fn unit(&mut self) -> u32 {
        self.rng.u32(..self.units.max(1))
    }

    fn s3(&mut self) -> S3Given {
        let missing = self.rng.u8(..8) == 0;
        S3Given {
            missing: self.pick(S3Parameter::ALL).filter(|_| missing).into_iter().collect(),
            endpoint: self.mostly(&[EndpointGiven::Unreachable, EndpointGiven::WithPath]),
            credentials: self.mostly(&[CredentialsGiven::Wrong]),
            ca: self.mostly(&[CaGiven::Wrong, CaGiven::Missing]),
            bucket: self.mostly(&[
                BucketGiven::Absent,
                BucketGiven::Forbidden,
                BucketGiven::IllNamed,
            ]),
            path: (self.rng.u8(..8) == 0).then(|| "/other".to_owned()),
            ..S3Given::default()
        }
    }

    fn given(&mut self, search: &Search) -> Given {
        let units = self.rng.u32(1..=MOST_UNITS);
        let units = search.units.unwrap_or(units);
        let kinds = [
            BackupGiven::Full,
            BackupGiven::Differential,
            BackupGiven::Incremental,
            BackupGiven::Failed,
        ];
        let repository = self.mostly(&[
            RepositoryGiven::AnotherCluster,
            RepositoryGiven::AnotherStanza,
            RepositoryGiven::AnotherModel,
        ]);
        let tls = self.rng.bool();
        let is_ours = repository == RepositoryGiven::Own;
        let stanza = match (is_ours, self.rng.u8(..4)) {
            (true, 1..) => StanzaGiven::Initialised,
            (true, 0) | (false, _) => StanzaGiven::None,
        };
        let has_s3 = self.rng.u8(..8) > 0;
        let is_right = self.rng.bool();
        let s3 = if is_right { S3Given::default() } else { self.s3() };
        possible(Given {
            units,
            tls: search.tls.unwrap_or(tls),
            leader: self.rng.u32(..units),
            primary: self.rng.u32(..units),
            cluster_initialised: self.rng.u8(..8) > 0,
            s3: has_s3.then_some(s3),
            stanza,
            repository,
            backups: (0..self.rng.usize(..3)).filter_map(|_| self.pick(&kinds)).collect(),
            ..Given::default()
        })
    }

    fn step(&mut self, changes: usize) -> PlanStep {
        match self.rng.u8(..12) {
            0..4 => PlanStep::Change(self.change()),
            4 => PlanStep::Settle,
            _ => self.firing(changes),
        }
    }

    fn firing(&mut self, changes: usize) -> PlanStep {
        let hook = self.pick(Hook::ALL).unwrap_or(Hook::UpdateStatus);
        self.has_restored |= hook == Hook::Restore;
        let unit = self.unit();
        let count = self.rng.usize(..=changes);
        let injections = (0..count).filter_map(|_| self.injection(hook)).collect();
        let mut parameters = BTreeMap::new();
        if hook == Hook::Restore && self.rng.u8(..6) > 0 {
            let id = if self.has_backups { "${backup-1}" } else { NO_BACKUP };
            parameters.insert("backup-id".to_owned(), id.to_owned());
        }
        let known = hook.parameters();
        let mut unknown = hook.declared_parameters().iter().filter(|name| !known.contains(name));
        if let Some(name) = unknown.next()
            && self.rng.u8(..8) == 0
        {
            parameters.insert((*name).to_owned(), "2026-01-01 00:00:00".to_owned());
        }
        PlanStep::Fire { hook, unit: unit.into(), parameters, injections }
    }

    fn injection(&mut self, hook: Hook) -> Option<Injection> {
        match self.rng.u8(..8) {
            0 => {
                let losses: Vec<Injection> = losses().collect();
                return self.pick(&losses);
            }
            1 => {
                let at = At::Call(self.pick(Call::ALL)?);
                return Some(self.before_or_after(at));
            }
            2 if hook == Hook::CreateBackup => return Some(self.during_backup()),
            _ => {}
        }
        let nodes = &chart(hook)?.nodes;
        let at = At::Shape(Shape::from_id(&nodes.get(self.rng.usize(..nodes.len()))?.id)?);
        Some(self.before_or_after(at))
    }

    fn before_or_after(&mut self, at: At) -> Injection {
        let moment = if self.rng.bool() { Moment::Before } else { Moment::After };
        let change = if self.rng.u8(..6) == 0 { Change::ProcessDies } else { self.change() };
        Injection::Change { at, moment, change }
    }

    fn during_backup(&mut self) -> Injection {
        let at = At::Shape(Shape::Attempt(Attempt::HasBackupCreationSucceeded));
        let unit = self.unit();
        let change = match self.rng.u8(..6) {
            0 => Change::ProcessDies,
            1 => Change::PrimaryMovesTo(unit),
            2 => Change::LeaderMovesTo(unit),
            3 => Change::Member(SetMember { unit, is: MemberFate::Killed }),
            4 => {
                let (name, is) = (ServiceName::TlsServer, ServiceRuns::Stopped);
                Change::Service(SetService { unit, name, is })
            }
            _ => self.server(),
        };
        Injection::Change { at, moment: Moment::During, change }
    }

    fn change(&mut self) -> Change {
        match self.rng.u8(..24) {
            0 | 1 => Change::PrimaryMovesTo(self.unit()),
            2 => Change::PrimaryIsLost,
            3 | 4 => Change::LeaderMovesTo(self.unit()),
            5 => Change::RefuseKeysWith(self.refused().to_owned()),
            // A bucket that is deleted takes its backups with it, and no hook can answer for that.
            6 => Change::S3Settings(S3Given { bucket: BucketGiven::Present, ..self.s3() }),
            7 => Change::ServiceWillNotStop(self.unit()),
            8 => Change::ArchiveDelay(self.rng.u32(..200)),
            9 | 10 => {
                self.units = self.rng.u32(1..=MOST_UNITS);
                Change::ScaleTo(self.units)
            }
            11 => Change::ClusterInitialises,
            12 => self.tool(),
            13 => {
                let tls = self.either(TlsState::On, TlsState::Off);
                self.has_tls = tls == TlsState::On;
                Change::Tls(tls)
            }
            14 => Change::S3Relation(self.either(RelationState::Made, RelationState::Gone)),
            15 => Change::Dcs(self.either(DcsState::Up, DcsState::Down)),
            16 => {
                Change::ArchiveCommand(self.either(ArchiveCommand::Right, ArchiveCommand::Broken))
            }
            17 | 18 => {
                let awaited = self.either(Awaited::DatabaseSettled, Awaited::RestoreBegun);
                // What nobody has asked for never begins, and a file that waits for it is refused.
                Change::Await(if self.has_restored { awaited } else { Awaited::DatabaseSettled })
            }
            19 => self.server(),
            _ => self.of_unit(),
        }
    }

    fn either<T>(&mut self, one: T, other: T) -> T {
        if self.rng.bool() { one } else { other }
    }

    fn refused(&mut self) -> &'static str {
        self.pick(&REFUSED).unwrap_or_default()
    }

    fn server(&mut self) -> Change {
        Change::S3Server(self.pick(S3ServerState::ALL).unwrap_or_default())
    }

    fn tool(&mut self) -> Change {
        Change::Pgbackrest(self.pick(PgbackrestFailureMode::ALL).unwrap_or_default())
    }

    /// What happens to one unit.
    fn of_unit(&mut self) -> Change {
        let unit = self.unit();
        match self.rng.u8(..5) {
            0 => Change::Member(SetMember {
                unit,
                is: self.pick(MemberFate::ALL).unwrap_or_default(),
            }),
            1 => {
                let name = self.either(ServiceName::Database, ServiceName::TlsServer);
                let is = self.pick(ServiceRuns::ALL).unwrap_or_default();
                // A file in which a TLS server runs without TLS is refused.
                let may_be = self.has_tls || is != ServiceRuns::Running;
                let name = if may_be { name } else { ServiceName::Database };
                Change::Service(SetService { unit, name, is })
            }
            2 => {
                let is = self.either(DataDirectory::Busy, DataDirectory::Free);
                Change::DataDirectory(SetDataDirectory { unit, is })
            }
            3 => Change::Lock(SetLock { unit, is: self.either(LockState::Held, LockState::Free) }),
            _ => {
                let is = self.either(WorkloadState::Reachable, WorkloadState::Unreachable);
                Change::Workload(SetWorkload { unit, is })
            }
        }
    }
}

/// The nearest world that a cluster can have come to: what a scenario file would be refused for is put right.
fn possible(mut given: Given) -> Given {
    let is_own = given.repository == RepositoryGiven::Own;
    if is_own && given.stanza == StanzaGiven::None {
        given.backups.clear();
    }
    let has_repository =
        given.stanza == StanzaGiven::Initialised || !given.backups.is_empty() || !is_own;
    if has_repository {
        let s3 = given.s3.get_or_insert_default();
        if !s3.bucket.is_there() {
            s3.bucket = BucketGiven::Present;
        }
    }
    given.cluster_initialised |= given.stanza == StanzaGiven::Initialised;
    if let Some(first) = given.backups.first_mut() {
        *first = BackupGiven::Full;
    }
    given
}
