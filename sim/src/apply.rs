//! Makes changes true.

use std::{fmt, sync::Arc, time::Duration};

use pgdrill_core::{
    Status,
    ports::{ServiceState, key},
};

use crate::{
    build::{identity, tls_material},
    change::{
        Awaited, Change, DataDirectory, DcsState, LockState, MemberFate, RelationState,
        ServiceName, ServiceRuns, SetService, TlsState, WorkloadState,
    },
    given::S3Given,
    juju::{self, UnitInJuju},
    unit::UnitState,
    world::{FAILOVER, World},
};

/// Why a change can't come about in the world as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impossible(String);

impl fmt::Display for Impossible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Impossible {}

impl World {
    /// Makes a change true, if the world lets it come about.
    ///
    /// # Errors
    ///
    /// It can't, and nothing has changed. The unit that it is about may not be there. A switchover is what a cluster
    /// refuses: Patroni answers 412 or 503 where nobody leads, or the candidate is not up.
    pub fn happen(&mut self, change: &Change) -> Result<(), Impossible> {
        self.check_unit(change)?;
        if let Change::PrimaryMovesTo(unit) = change {
            self.check_switchover(*unit)?;
        }
        self.apply(change);
        Ok(())
    }

    /// Refuses a change that is about a unit which is not there.
    ///
    /// # Errors
    ///
    /// There is no such unit.
    pub fn check_unit(&self, change: &Change) -> Result<(), Impossible> {
        match change.unit().filter(|unit| self.unit(*unit).is_none()) {
            Some(unit) => Err(Impossible(format!("there is no unit {unit}"))),
            None => Ok(()),
        }
    }

    fn check_switchover(&self, to: u32) -> Result<(), Impossible> {
        if self.primary == Some(to) {
            return Ok(());
        }
        let refused =
            |why: &str| Err(Impossible(format!("unit {to} can't become the primary: {why}")));
        if self.dcs == DcsState::Down {
            return refused("the DCS is down");
        }
        match self.unit(to) {
            Some(unit) if unit.is_serving() => {}
            Some(unit) if unit.is_coming_up() => return refused("its database is still coming up"),
            Some(_) | None => return refused("its database does not serve"),
        }
        if self.primary.is_none() {
            return refused("there is no leader from whom to switch over");
        }
        Ok(())
    }

    /// Makes a change true, whether or not a cluster would let it come about.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::PrimaryMovesTo(unit) => self.set_primary(Some(*unit)),
            Change::PrimaryIsLost => self.set_primary(None),
            Change::LeaderMovesTo(unit) => self.juju.elect(*unit),
            Change::S3Server(state) => self.storage.state = *state,
            Change::RefuseKeysWith(text) => self.storage.refused.clone_from(text),
            Change::S3Settings(s3) => self.set_s3(s3),
            Change::S3Relation(RelationState::Gone) => self.give_s3(None),
            Change::S3Relation(RelationState::Made) => self.set_s3(&S3Given::default()),
            Change::Member(set) => self.set_member(set.unit, set.is),
            Change::Dcs(state) => self.dcs = *state,
            Change::ServiceWillNotStop(unit) => {
                if let Some(unit) = self.unit_mut(*unit) {
                    unit.will_not_stop = true;
                }
            }
            Change::Service(set) => self.set_service(set),
            Change::DataDirectory(set) => {
                if let Some(unit) = self.unit_mut(set.unit) {
                    unit.is_data_busy = set.is == DataDirectory::Busy;
                }
            }
            Change::ArchiveCommand(command) => self.archive_command = *command,
            Change::ArchiveDelay(seconds) => self.archive_delay = i64::from(*seconds) * 1000,
            Change::Pgbackrest(failure_mode) => self.failure_mode = *failure_mode,
            Change::Lock(set) => {
                if let Some(unit) = self.unit_mut(set.unit) {
                    unit.is_lock_held = set.is == LockState::Held;
                }
            }
            Change::Tls(state) => self.set_tls(*state == TlsState::On),
            Change::ClusterInitialises => {
                juju::set(
                    &mut self.juju.application,
                    key::CLUSTER_INITIALISED,
                    Some("True".into()),
                );
            }
            Change::ScaleTo(count) => self.scale_to(*count),
            Change::Workload(set) => {
                if let Some(unit) = self.unit_mut(set.unit) {
                    unit.is_workload_reachable = set.is == WorkloadState::Reachable;
                }
            }
            // The probe that injects this change ends the firing; the world itself stays.
            Change::ProcessDies => {}
            // Whoever passes the middle of the command sees it; elsewhere none runs.
            Change::BackupIsKilled => {}
            // A service that was started begins at once, and time passes only where it is asked for.
            Change::Await(Awaited::RestoreBegun) => {}
            Change::Await(Awaited::DatabaseSettled) => self.await_databases(),
            Change::Await(Awaited::LockFree) => self.await_locks(),
        }
    }

    fn set_member(&mut self, unit: u32, fate: MemberFate) {
        if let Some(unit) = self.unit_mut(unit) {
            unit.fate = fate;
            // Its process dies with the container.
            unit.is_lock_held &= fate != MemberFate::Killed;
            unit.locked_by = unit.locked_by.filter(|_| fate != MemberFate::Killed);
            unit.orphan_until = unit.orphan_until.filter(|_| fate != MemberFate::Killed);
        }
        // The lock of a dead primary runs out before anyone looks again.
        self.come_about();
        self.advance(Duration::from_millis(FAILOVER.unsigned_abs()));
    }

    fn set_service(&mut self, set: &SetService) {
        let is_running = set.is == ServiceRuns::Running;
        let state = match set.is {
            ServiceRuns::Running => ServiceState::Running,
            ServiceRuns::Stopped => ServiceState::Stopped,
            ServiceRuns::Unknown => ServiceState::Unknown,
        };
        if set.name == ServiceName::Database {
            // As whoever asks the supervisor for it.
            if is_running { self.start_database(set.unit) } else { self.stop_database(set.unit) }
        }
        let Some(unit) = self.unit_mut(set.unit) else { return };
        match set.name {
            ServiceName::Database => {
                unit.database = state;
                unit.is_stopped_by_fault = !is_running;
            }
            ServiceName::TlsServer if state == ServiceState::Running => unit.start_tls_server(),
            ServiceName::TlsServer => unit.tls_server = state,
        }
    }

    fn await_databases(&mut self) {
        // Who waited for a leader begins once there is one. Each unit comes up or gives up at most once for that.
        for _ in 0..=self.units.len() {
            let starting = self.units.iter().filter_map(|unit| unit.starting.as_ref());
            let Some(latest) = starting.map(|starting| starting.until).max() else { break };
            self.now = self.now.max(latest);
            self.come_about();
        }
        self.come_about();
    }

    fn await_locks(&mut self) {
        let latest = self.units.iter().filter_map(|unit| unit.orphan_until).max();
        self.now = latest.map_or(self.now, |latest| self.now.max(latest));
        self.come_about();
    }

    fn set_tls(&mut self, on: bool) {
        let material = tls_material(on);
        self.juju.revisions.tls += u64::from(self.juju.tls != material);
        self.juju.tls = material;
        let value: Option<Arc<str>> = on.then(|| "enabled".into());
        for unit in &mut self.juju.units {
            juju::set(&mut unit.bag, key::TLS, value.clone());
        }
    }

    /// A new unit's database is started without data. Where there is a leader, it follows it by the time that the unit is there;
    /// else it waits for one, or makes a cluster if nobody does.
    fn join(&mut self, unit: u32) {
        let led = self.leader_data().filter(|_| self.dcs == DcsState::Up);
        self.bring_up(unit);
        if let Some(id) = led
            && let Some(state) = self.unit_mut(unit)
        {
            state.come_up(id, None);
        }
    }

    fn scale_to(&mut self, count: u32) {
        let count = count.max(1);
        let tls = self.juju.tls.is_complete();
        self.juju.planned_units = count;
        let length = count as usize;
        self.identities.truncate(length);
        self.units.truncate(length);
        self.juju.units.truncate(length);
        for unit in u32::try_from(self.units.len()).unwrap_or(count)..count {
            self.identities.push(identity(unit));
            self.units.push(UnitState::empty());
            self.juju.units.push(UnitInJuju::new(Status::active()));
            self.join(unit);
        }
        self.set_tls(tls);
        if self.juju.leader >= count {
            self.juju.elect(0);
        }
        if self.primary.is_some_and(|primary| primary >= count) {
            self.set_primary(Some(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Given, SetMember};

    #[test]
    fn nothing_happens_to_a_unit_that_is_not_there() {
        let mut world = World::new(&Given::default());
        for change in [
            Change::LeaderMovesTo(1),
            Change::PrimaryMovesTo(1),
            Change::ServiceWillNotStop(1),
            Change::Member(SetMember { unit: 1, is: MemberFate::Killed }),
        ] {
            let refused = world.happen(&change).map_err(|why| why.to_string());
            assert_eq!(refused, Err("there is no unit 1".to_owned()), "{change:?}");
        }
        assert_eq!(world.happen(&Change::LeaderMovesTo(0)), Ok(()));
        assert_eq!(world.observe().facts.expect("memory sees all").leader, 0);
    }
}
