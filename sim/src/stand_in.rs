//! What stand-ins for real servers must know of a world beyond its ports.

use pgdrill_core::{Hook, ports::ServiceState};

use crate::{change::MemberFate, unit::Data, world::World};

/// How a unit's cluster manager takes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManagerSeen {
    /// It answers, although its database may be down.
    Answers,
    /// Nothing listens there.
    Refuses,
    /// It takes the connection and says nothing.
    Hangs,
}

impl World {
    /// How many units there are.
    #[must_use]
    pub fn unit_count(&self) -> u32 {
        u32::try_from(self.units.len()).unwrap_or(u32::MAX)
    }

    /// How a unit's cluster manager takes a connection from the unit's own side.
    #[must_use]
    pub fn manager(&self, unit: u32) -> ManagerSeen {
        let Some(state) = self.unit(unit) else { return ManagerSeen::Refuses };
        match state.fate {
            MemberFate::Frozen => ManagerSeen::Hangs,
            MemberFate::Killed => ManagerSeen::Refuses,
            MemberFate::Running | MemberFate::CutOff | MemberFate::ServerDown => {
                if state.database == ServiceState::Running {
                    ManagerSeen::Answers
                } else {
                    ManagerSeen::Refuses
                }
            }
        }
    }

    /// Whether a unit is cut off from the others.
    #[must_use]
    pub fn is_cut_off(&self, unit: u32) -> bool {
        self.unit(unit).is_some_and(|state| state.fate == MemberFate::CutOff)
    }

    /// Whether a unit's database server runs, although it may not be up yet.
    #[must_use]
    pub fn has_server(&self, unit: u32) -> bool {
        self.manager(unit) == ManagerSeen::Answers
            && self.unit(unit).is_some_and(|state| state.fate != MemberFate::ServerDown)
    }

    /// Whether a unit's database server goes on when its service is stopped: its archiver hangs, or it ignores signals.
    #[must_use]
    pub fn will_not_stop(&self, unit: u32) -> bool {
        self.unit(unit).is_some_and(|state| state.will_not_stop)
    }

    /// Deletes what a unit's data directory holds, entry by entry, whatever runs there: what is in use stays, and the rest
    /// is gone. Whether all of it is.
    pub fn delete_data_in_place(&mut self, unit: u32) -> bool {
        let Some(state) = self.unit_mut(unit) else { return true };
        state.data = Data::Empty;
        state.restored_from = None;
        !state.is_data_busy
    }

    /// Has the running dispatch on a unit defer these events and no others, once it succeeds.
    pub fn keep_deferred(&mut self, unit: u32, hooks: Vec<Hook>) {
        self.juju.keep_deferred(unit as usize, hooks);
    }
}
