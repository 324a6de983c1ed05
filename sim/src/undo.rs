//! What a world is once every fault is undone.

use std::time::Duration;

use pgdrill_core::{Hook, ports::ServiceState};

use crate::{
    change::{ArchiveCommand, DcsState, MemberFate, PgbackrestFailureMode, S3ServerState},
    unit::UnitState,
    world::World,
};

/// How often Juju fires update-status, unless it is told otherwise.
const UPDATE_STATUS_INTERVAL: Duration = Duration::from_secs(300);

impl World {
    /// Undoes every fault, as [`Change::is_fault`](crate::Change::is_fault) names them: what serves is reached and
    /// answers, what a fault stopped is started, and somebody leads. Settings, roles, scale and data stay, and what a
    /// hook stopped or a restore gave up stays as it is.
    pub fn undo_faults(&mut self) {
        self.storage.state = S3ServerState::Up;
        self.storage.refused.clear();
        self.dcs = DcsState::Up;
        self.archive_command = ArchiveCommand::Right;
        self.archive_delay = 0;
        self.failure_mode = PgbackrestFailureMode::Well;
        let mut stopped = Vec::new();
        for (number, unit) in (0..).zip(&mut self.units) {
            unit.fate = MemberFate::Running;
            unit.is_workload_reachable = true;
            unit.will_not_stop = false;
            unit.is_data_busy = false;
            unit.is_lock_held = false;
            unit.orphan_until = None;
            if unit.tls_server == ServiceState::Unknown {
                unit.tls_server = ServiceState::Stopped;
            }
            if unit.is_stopped_by_fault {
                unit.database = ServiceState::Stopped;
                stopped.push(number);
            }
        }
        for unit in stopped {
            self.start_database(unit);
        }
        self.come_about();
        if self.primary.is_none() {
            let serving = (0..).zip(&self.units).find(|(_, unit)| UnitState::is_serving(unit));
            self.set_primary(serving.map(|(number, _)| number));
        }
    }

    /// The events that Juju owes a unit, beside its periodic one and those that the unit has deferred.
    #[must_use]
    pub fn owed(&self, unit: u32) -> Vec<Hook> {
        self.juju.owed(unit as usize)
    }

    /// The units whose database does not run because a fault stopped it.
    #[must_use]
    pub fn stopped_by_faults(&self) -> Vec<u32> {
        let stopped = (0..).zip(&self.units).filter(|(_, unit)| unit.is_stopped_by_fault);
        stopped.map(|(number, _)| number).collect()
    }

    /// Lets as much time pass as between two of Juju's periodic events.
    pub fn pass_time(&mut self) {
        self.advance(UPDATE_STATUS_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use pgdrill_core::{Status, ports::MemberState};

    use super::*;
    use crate::{
        Awaited, Change, DataDirectory, Given, LockState, ServiceName, ServiceRuns,
        SetDataDirectory, SetLock, SetMember, SetService, SetWorkload, WorkloadState,
        given::{S3Given, StanzaGiven},
        juju::UnitInJuju,
    };

    /// Whether two worlds differ in nothing but the time and what was: a later event finds the same in both.
    fn are_alike(one: &World, other: &World) -> bool {
        let unit = |unit: &UnitInJuju| {
            let UnitInJuju { bag, deferred, delivered, retry, .. } = unit;
            (bag.clone(), deferred.clone(), *delivered, *retry, unit.status())
        };
        let juju = |world: &World| {
            let juju = &world.juju;
            let units: Vec<_> = juju.units.iter().map(unit).collect();
            let roles = (juju.planned_units, juju.leader, juju.s3.clone(), juju.tls);
            (roles, juju.application.clone(), juju.revisions, units)
        };
        let cluster = |world: &World| {
            let stanza = world.archive_stanza.clone();
            let faults = (world.archive_command, world.archive_delay, world.failure_mode);
            (world.primary, world.dcs, world.is_cluster_recorded, stanza, faults)
        };
        juju(one) == juju(other)
            && cluster(one) == cluster(other)
            && one.units == other.units
            && one.storage == other.storage
    }

    fn given() -> Given {
        let s3 = Some(S3Given::default());
        Given { units: 2, s3, stanza: StanzaGiven::Initialised, ..Given::default() }
    }

    /// One of every kind of fault.
    fn faults() -> Vec<Change> {
        let service = |name, is| Change::Service(SetService { unit: 1, name, is });
        vec![
            Change::PrimaryIsLost,
            Change::S3Server(S3ServerState::Hangs),
            Change::RefuseKeysWith("/archive/".to_owned()),
            Change::Member(SetMember { unit: 0, is: MemberFate::Killed }),
            Change::Member(SetMember { unit: 1, is: MemberFate::ServerDown }),
            Change::Dcs(DcsState::Down),
            Change::ServiceWillNotStop(0),
            service(ServiceName::Database, ServiceRuns::Stopped),
            service(ServiceName::Database, ServiceRuns::Unknown),
            service(ServiceName::TlsServer, ServiceRuns::Unknown),
            Change::DataDirectory(SetDataDirectory { unit: 0, is: DataDirectory::Busy }),
            Change::ArchiveCommand(ArchiveCommand::Broken),
            Change::ArchiveDelay(30),
            Change::Pgbackrest(PgbackrestFailureMode::Hangs),
            Change::Lock(SetLock { unit: 1, is: LockState::Held }),
            Change::Workload(SetWorkload { unit: 1, is: WorkloadState::Unreachable }),
        ]
    }

    #[test]
    fn every_fault_is_undone_and_nothing_else() {
        let whole = World::new(&given());
        for fault in faults() {
            assert!(fault.is_fault(), "{fault:?}");
            let mut world = whole.clone();
            world.apply(&fault);
            assert!(!are_alike(&world, &whole), "{fault:?} changes something");
            world.undo_faults();
            world.apply(&Change::Await(Awaited::DatabaseSettled));
            // Who leads after a fault is whoever could: the role stays.
            world.primary = whole.primary;
            assert!(are_alike(&world, &whole), "{fault:?}: {world:?}");
        }
        for change in [
            Change::LeaderMovesTo(1),
            Change::PrimaryMovesTo(1),
            Change::S3Settings(S3Given { path: Some("/second".to_owned()), ..S3Given::default() }),
            Change::ScaleTo(1),
        ] {
            assert!(!change.is_fault(), "{change:?}");
            let mut world = whole.clone();
            world.apply(&change);
            world.undo_faults();
            assert!(!are_alike(&world, &whole), "{change:?} stays");
        }
    }

    #[test]
    fn a_database_that_a_hook_stopped_stays_stopped() {
        let mut world = World::new(&given());
        world.stop_database(0);
        world.undo_faults();
        world.apply(&Change::Await(Awaited::DatabaseSettled));
        assert_eq!(world.observe().units[0].member, Some(MemberState::Stopped));
    }

    #[test]
    fn what_was_and_when_it_was_make_no_difference() {
        let whole = World::new(&given());
        let mut later = whole.clone();
        later.advance(Duration::from_secs(300));
        for unit in &mut later.juju.units {
            unit.history
                .extend([Status::new(pgdrill_core::StatusName::Waiting, "x"), Status::active()]);
        }
        assert!(are_alike(&later, &whole));
        later.juju.units[1].history.push(Status::new(pgdrill_core::StatusName::Waiting, "x"));
        assert!(!are_alike(&later, &whole));
    }
}
