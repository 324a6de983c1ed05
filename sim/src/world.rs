//! The world as one plain value.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use pgdrill_core::ports::{Identity, ServiceState};

use crate::{
    change::{ArchiveCommand, DcsState, PgbackrestFailureMode},
    juju::Juju,
    midway::Midway,
    server::S3Values,
    storage::Storage,
    unit::{Data, Ends, Starting, UnitState},
};

/// How long the cluster takes to elect another primary once one is dead (seen: about 20 s).
pub(crate) const FAILOVER: i64 = 20_000;
/// How long a database takes to come up, restored or not (seen: 4 to 19 s).
const START: i64 = 20_000;

/// A world that views of it share.
pub type Shared = Arc<Mutex<World>>;

/// Everything that a backup hook can touch, as one plain value.
#[derive(Debug, Clone)]
pub struct World {
    pub(crate) now: i64,
    pub(crate) seed: u64,
    pub(crate) juju: Juju,
    pub(crate) identities: Vec<Arc<Identity>>,
    pub(crate) units: Vec<UnitState>,
    pub(crate) primary: Option<u32>,
    pub(crate) primary_dead_since: Option<i64>,
    pub(crate) dcs: DcsState,
    pub(crate) is_cluster_recorded: bool,
    pub(crate) archive_stanza: Option<Arc<str>>,
    pub(crate) archive_command: ArchiveCommand,
    pub(crate) archive_delay: i64,
    pub(crate) storage: Storage,
    pub(crate) server: Arc<S3Values>,
    pub(crate) failure_mode: PgbackrestFailureMode,
    pub(crate) clusters_made: u64,
    /// What is to happen in the middle of a command, by the unit on which it runs.
    pub(crate) midway: BTreeMap<u32, Midway>,
}

/// The world behind its lock; a panic elsewhere does not make it unusable.
pub fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    /// Puts the world behind a lock, for views to share.
    #[must_use]
    pub fn shared(self) -> Shared {
        Arc::new(Mutex::new(self))
    }

    /// The name of this cluster's stanza.
    #[must_use]
    pub fn stanza(&self) -> Arc<str> {
        let first = self.identities.first();
        first.map_or_else(|| Arc::from(""), |identity| identity.shared_stanza())
    }

    pub(crate) fn unit(&self, unit: u32) -> Option<&UnitState> {
        self.units.get(unit as usize)
    }

    pub(crate) fn unit_mut(&mut self, unit: u32) -> Option<&mut UnitState> {
        self.units.get_mut(unit as usize)
    }

    /// Lets time pass: databases come up or give up, and a dead primary is replaced.
    pub(crate) fn advance(&mut self, pause: Duration) {
        self.now += i64::try_from(pause.as_millis()).unwrap_or(i64::MAX / 4);
        self.come_about();
    }

    /// What is due comes about: databases come up or give up, and a dead primary is replaced.
    pub(crate) fn come_about(&mut self) {
        for index in 0..self.units.len() {
            let Some(unit) = self.units.get_mut(index) else { continue };
            let is_due =
                |starting: &mut Starting| starting.until <= self.now && self.dcs == DcsState::Up;
            let Some(Starting { becomes, restored_from, .. }) = unit.starting.take_if(is_due)
            else {
                continue;
            };
            match becomes {
                Ends::Up(id) => {
                    unit.come_up(id, restored_from);
                    self.is_cluster_recorded = true;
                    if self.primary.is_none_or(|p| !self.is_serving(p)) {
                        self.set_primary(u32::try_from(index).ok());
                    }
                }
                Ends::GivesUp => unit.database = ServiceState::Stopped,
                Ends::Waits => {}
            }
        }
        self.fail_over();
        self.end_waits();
    }

    /// Who waits for a leader takes over its data once there is one, or begins anew if nobody is going to lead.
    fn end_waits(&mut self) {
        if self.dcs == DcsState::Down {
            return;
        }
        for unit in 0..self.unit_count() {
            let waits = self.unit(unit).is_some_and(UnitState::waits_for_leader);
            if waits && (self.leader_data().is_some() || !self.is_cluster_known()) {
                self.bring_up(unit);
            }
        }
    }

    /// Whether the DCS remembers a cluster, or a member that starts will make it do so. One that makes a cluster says so before
    /// it begins. One with data leads before a unit that joins has begun (seen with Patroni 4.0.7).
    fn is_cluster_known(&self) -> bool {
        let makes_one = |unit: &UnitState| {
            let becomes = unit.starting.as_ref().map(|starting| starting.becomes);
            matches!(becomes, Some(Ends::Up(_) | Ends::GivesUp))
        };
        self.is_cluster_recorded || self.units.iter().any(makes_one)
    }

    /// The system identifier of what the primary serves; `None`: no primary serves.
    pub(crate) fn leader_data(&self) -> Option<u64> {
        let leader = self.unit(self.primary.filter(|primary| self.is_serving(*primary))?)?;
        match leader.data {
            Data::Of(id) => Some(id),
            Data::Empty => None,
        }
    }

    fn is_serving(&self, unit: u32) -> bool {
        self.unit(unit).is_some_and(UnitState::is_serving)
    }

    fn first_serving(&self) -> Option<u32> {
        (0..self.unit_count()).find(|unit| self.is_serving(*unit))
    }

    fn fail_over(&mut self) {
        let Some(primary) = self.primary else { return };
        if self.is_serving(primary) || self.unit(primary).is_some_and(|u| u.starting.is_some()) {
            self.primary_dead_since = None;
            return;
        }
        let since = *self.primary_dead_since.get_or_insert(self.now);
        if self.now - since >= FAILOVER && self.dcs == DcsState::Up {
            self.set_primary(self.first_serving());
        }
    }

    pub(crate) fn set_primary(&mut self, primary: Option<u32>) {
        self.primary = primary;
        self.primary_dead_since = None;
    }

    /// Starts the database of a unit: it comes up on its data, on a restored backup, or as a new cluster.
    pub(crate) fn start_database(&mut self, unit: u32) {
        let Some(state) = self.unit_mut(unit) else { return };
        if state.database != ServiceState::Running {
            state.database = ServiceState::Running;
            state.is_stopped_by_fault = false;
            self.bring_up(unit);
        }
    }

    /// Nothing is remembered of the cluster: who waited for its leader waits no longer.
    pub(crate) fn forget_cluster(&mut self) {
        self.is_cluster_recorded = false;
        self.primary = None;
        self.end_waits();
    }

    pub(crate) fn bring_up(&mut self, unit: u32) {
        let until = self.now + START;
        let fresh = system_id(self.seed, self.clusters_made);
        let restored = self.restored_data(unit);
        let known = self.is_cluster_known();
        // A copy of the leader's data begins where it was copied, not at the backup from which that came.
        let led = self.leader_data().map(|id| (Ends::Up(id), None));
        let Some(state) = self.unit_mut(unit) else { return };
        let (becomes, restored_from) = match (state.data, &state.restore) {
            (Data::Of(id), _) => (Ends::Up(id), state.restored_from.clone()),
            // Who finds a cluster on record waits for its leader and bootstraps nothing, a restore included.
            (Data::Empty, _) if known => led.unwrap_or((Ends::Waits, None)),
            (Data::Empty, Some(source)) => {
                (restored.map_or(Ends::GivesUp, Ends::Up), Some(source.label.as_str().into()))
            }
            (Data::Empty, None) => (Ends::Up(fresh), None),
        };
        state.starting = Some(Starting { until, becomes, restored_from });
        if becomes == Ends::Up(fresh) {
            self.clusters_made += 1;
        }
    }

    /// Stops the database of a unit. A manager that stops in peace gives up its lock, if the DCS answers, and a
    /// member that serves takes it.
    pub(crate) fn stop_database(&mut self, unit: u32) {
        if let Some(state) = self.unit_mut(unit) {
            state.database = ServiceState::Stopped;
            state.starting = None;
        }
        if self.primary == Some(unit) && self.dcs == DcsState::Up {
            self.set_primary(self.first_serving());
        }
    }

    /// The system identifier that a restore on this unit would bring: the backup must be there.
    fn restored_data(&self, unit: u32) -> Option<u64> {
        let state = self.unit(unit)?;
        let source = state.restore.as_ref()?;
        let s3 = state.repository.as_ref()?.s3.as_ref()?;
        let stanza = self.storage.bucket(s3).ok()?.stanza(&s3.path, &source.stanza)?;
        let there = stanza.backups.iter().any(|backup| backup.label == source.label);
        there.then_some(stanza.system_id)
    }

    /// The system identifier of the data that the primary serves.
    pub(crate) fn system_id(&self) -> Option<u64> {
        match self.unit(self.primary.unwrap_or(0))?.data {
            Data::Of(id) => Some(id),
            Data::Empty => None,
        }
    }
}

/// System identifiers of worlds: like the real ones they exceed 2^53, and differ by seed and number.
pub(crate) fn system_id(seed: u64, number: u64) -> u64 {
    7_000_000_000_000_000_001 + (seed % 1_000_000) * 1_000_000 + number % 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use pgdrill_core::ports::RestoreSource;

    use crate::{BackupGiven, Change, Given, MemberFate, SetMember};

    #[test]
    fn nobody_is_elected_while_the_dcs_is_down() {
        let mut world = World::new(&Given { units: 2, ..Given::default() });
        world.apply(&Change::Dcs(DcsState::Down));
        world.apply(&Change::Member(SetMember { unit: 0, is: MemberFate::Killed }));
        assert_eq!(world.primary, Some(0));
        world.apply(&Change::Dcs(DcsState::Up));
        world.come_about();
        assert_eq!(world.primary, Some(1));
    }

    #[test]
    fn a_unit_that_joins_while_one_with_data_starts_follows_it() {
        let mut world = World::new(&Given::default());
        world.stop_database(0);
        world.forget_cluster();
        world.start_database(0);
        world.apply(&Change::ScaleTo(2));
        world.apply(&Change::Await(crate::Awaited::DatabaseSettled));
        let data = |unit| world.unit(unit).map(|unit| unit.data);
        assert_eq!((world.primary, data(1)), (Some(0), data(0)));
    }

    /// A world of one unit that restores a backup, and a unit that joins while that is under way.
    fn joined_meanwhile(label: &str) -> World {
        let mut world = World::new(&Given { backups: vec![BackupGiven::Full], ..Given::default() });
        world.stop_database(0);
        world.forget_cluster();
        if let Some(unit) = world.unit_mut(0) {
            unit.data = Data::Empty;
            let stanza = "drill.postgresql-k8s".into();
            unit.restore = Some(RestoreSource { label: label.into(), stanza });
        }
        world.start_database(0);
        world.apply(&Change::ScaleTo(2));
        world
    }

    #[test]
    fn a_unit_that_joins_while_another_bootstraps_makes_no_cluster_of_its_own() {
        let mut world = joined_meanwhile("none");
        assert!(world.unit(1).is_some_and(|unit| unit.data == Data::Empty));
        assert_eq!(
            world.unit(1).and_then(|unit| unit.starting.clone()).map(|it| it.becomes),
            Some(Ends::Waits)
        );
        // The restore gives up: nobody is going to lead, so who waits begins anew, as Patroni does.
        world.apply(&Change::Await(crate::Awaited::DatabaseSettled));
        assert_eq!(world.primary, Some(1));
        let data = world.unit(1).map(|unit| unit.data);
        assert!(matches!(data, Some(Data::Of(_))), "{data:?}");
    }
}
