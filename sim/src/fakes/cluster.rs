//! The cluster manager, as Patroni was seen to behave.

use async_trait::async_trait;
use pgdrill_core::{
    PortError, PortErrorKind,
    ports::{Cluster, ClusterSettings, MemberState, PortResult, ServiceState, UnitId},
};

use super::{View, unreachable};
use crate::{
    change::{DcsState, MemberFate},
    unit::{Data, UnitState},
    world::World,
};

#[async_trait]
impl Cluster for View {
    async fn primary(&self) -> PortResult<Option<UnitId>> {
        let world = self.world();
        let own = world.unit(self.unit);
        let isolated = own.is_some_and(|unit| unit.fate == MemberFate::CutOff);
        let answers =
            if isolated { false } else { world.units.iter().any(UnitState::does_manager_answer) };
        if !answers || world.dcs == DcsState::Down {
            return Err(unreachable("cluster", "primary", "no member of the cluster answers"));
        }
        Ok(world.primary.map(UnitId))
    }

    async fn member_state(&self) -> PortResult<MemberState> {
        let world = self.world();
        let unit = own(&world, self.unit, "member_state")?;
        Ok(match unit.fate {
            MemberFate::Frozen => return Err(frozen("member_state")),
            MemberFate::Killed | MemberFate::ServerDown => MemberState::Stopped,
            MemberFate::Running | MemberFate::CutOff => match unit.database {
                // A manager answers nobody until it has reached the DCS.
                ServiceState::Running if unit.starting.is_some() && world.dcs == DcsState::Down => {
                    MemberState::Stopped
                }
                ServiceState::Running if unit.starting.is_some() => MemberState::Starting,
                ServiceState::Running if unit.waits_for_leader() => MemberState::Stopped,
                ServiceState::Running => MemberState::Running,
                ServiceState::Stopped | ServiceState::Unknown => MemberState::Stopped,
            },
        })
    }

    async fn system_identifier(&self) -> PortResult<u64> {
        let world = self.world();
        let unit = own(&world, self.unit, "system_identifier")?;
        if unit.fate == MemberFate::Frozen {
            return Err(frozen("system_identifier"));
        }
        match unit.data {
            Data::Of(id) if unit.is_serving() => Ok(id),
            Data::Of(_) | Data::Empty => {
                let cause = "the database server does not answer";
                Err(unreachable("cluster", "system_identifier", cause))
            }
        }
    }

    async fn accepts_connections(&self) -> PortResult<bool> {
        let world = self.world();
        let unit = reachable(&world, self.unit, "accepts_connections")?;
        Ok(unit.accepts_connections)
    }

    async fn apply(&self, settings: &ClusterSettings) -> PortResult<()> {
        let mut world = self.world();
        reachable(&world, self.unit, "apply")?;
        world.archive_stanza.clone_from(&settings.archive_stanza);
        if let Some(unit) = world.unit_mut(self.unit) {
            unit.accepts_connections = settings.accepts_connections;
            unit.restore.clone_from(&settings.restore);
        }
        Ok(())
    }
}

fn own<'a>(world: &'a World, unit: u32, operation: &'static str) -> PortResult<&'a UnitState> {
    world.unit(unit).ok_or_else(|| unreachable("cluster", operation, "the unit was removed"))
}

/// The unit, if its configuration can be read and written: its container must be there.
fn reachable<'a>(
    world: &'a World,
    unit: u32,
    operation: &'static str,
) -> PortResult<&'a UnitState> {
    let unit = own(world, unit, operation)?;
    match unit.fate {
        MemberFate::Frozen => Err(frozen(operation)),
        MemberFate::Killed => Err(unreachable("cluster", operation, "the container is dead")),
        MemberFate::Running | MemberFate::CutOff | MemberFate::ServerDown => {
            if unit.is_workload_reachable {
                Ok(unit)
            } else {
                Err(unreachable("cluster", operation, "the workload does not answer"))
            }
        }
    }
}

fn frozen(operation: &'static str) -> PortError {
    let cause = "the member does not answer in time";
    PortError::new(PortErrorKind::TimedOut, "cluster", operation, cause)
}
