//! Juju, as one unit sees it.

use std::sync::Arc;

use async_trait::async_trait;
use pgdrill_core::{
    PortError, PortErrorKind, S3Relation, Status,
    ports::{ARGUMENT_LIMIT, Databag, Identity, PortResult, TlsMaterial, Unit, UnitId},
};

use super::View;

#[async_trait]
impl Unit for View {
    fn identity(&self) -> Arc<Identity> {
        Arc::clone(&self.identity)
    }

    async fn is_leader(&self) -> PortResult<bool> {
        Ok(self.world().juju.leader == self.unit)
    }

    async fn status(&self) -> PortResult<Status> {
        let world = self.world();
        let unit = world.juju.units.get(self.index());
        unit.map(crate::juju::UnitInJuju::status_answered).ok_or_else(|| self.gone("status"))
    }

    async fn set_status(&self, status: Status) -> PortResult<()> {
        let mut world = self.world();
        let unit = world.juju.units.get_mut(self.index());
        let unit = unit.ok_or_else(|| self.gone("set_status"))?;
        if !status.name.can_be_set() {
            let cause = format!("Juju takes no status `{}` from a unit", status.name);
            return Err(PortError::new(PortErrorKind::Refused, "unit", "set_status", cause));
        }
        unit.history.push(status);
        Ok(())
    }

    async fn planned_units(&self) -> PortResult<u32> {
        Ok(self.world().juju.planned_units)
    }

    async fn peers(&self) -> PortResult<Vec<UnitId>> {
        let count = u32::try_from(self.world().juju.units.len()).unwrap_or(u32::MAX);
        Ok((0..count).filter(|unit| *unit != self.unit).map(UnitId).collect())
    }

    async fn data(&self, bag: Databag, key: &str) -> PortResult<Option<Arc<str>>> {
        Ok(self.world().juju.read(self.index(), bag, key))
    }

    async fn peer_data(&self, unit: UnitId, key: &str) -> PortResult<Option<Arc<str>>> {
        let UnitId(number) = unit;
        let world = self.world();
        if number == self.unit {
            return Ok(world.juju.read(self.index(), Databag::Unit, key));
        }
        world.juju.landed_of(number as usize, key).ok_or_else(|| {
            let cause = format!("there is no unit {unit}");
            PortError::new(PortErrorKind::NotFound, "unit", "peer_data", cause)
        })
    }

    async fn set_data(
        &self,
        bag: Databag,
        key: &'static str,
        value: Option<&str>,
    ) -> PortResult<()> {
        let mut world = self.world();
        if bag == Databag::Application && world.juju.leader != self.unit {
            let cause = "only the leader may write the application databag";
            return Err(PortError::new(PortErrorKind::Denied, "unit", "set_data", cause));
        }
        world.juju.write(self.index(), bag, key, value);
        Ok(())
    }

    async fn s3_relation(&self) -> PortResult<Option<Arc<S3Relation>>> {
        Ok(self.world().juju.s3.clone())
    }

    async fn tls_material(&self) -> PortResult<TlsMaterial> {
        Ok(self.world().juju.tls)
    }

    async fn parameter(&self, name: &str) -> PortResult<Option<Arc<str>>> {
        let world = self.world();
        let unit = world.juju.units.get(self.index());
        Ok(unit.and_then(|unit| unit.dispatch.parameters.get(name).cloned()))
    }

    async fn parameters(&self) -> PortResult<Vec<String>> {
        let world = self.world();
        let unit = world.juju.units.get(self.index());
        Ok(unit.map(|unit| unit.dispatch.parameters.keys().cloned().collect()).unwrap_or_default())
    }

    async fn set_result(&self, key: &'static str, value: &str) -> PortResult<()> {
        carried("set_result", key.len() + 1 + value.len())?;
        let mut world = self.world();
        let unit = world.juju.units.get_mut(self.index());
        let results = &mut unit.ok_or_else(|| self.gone("set_result"))?.dispatch.results;
        results.retain(|(name, _)| *name != key);
        results.push((key, value.to_owned()));
        Ok(())
    }

    async fn fail_action(&self, message: &str) -> PortResult<()> {
        carried("fail_action", message.len())?;
        let mut world = self.world();
        let unit = world.juju.units.get_mut(self.index());
        unit.ok_or_else(|| self.gone("fail_action"))?.dispatch.failure = Some(message.to_owned());
        Ok(())
    }

    async fn defer(&self) -> PortResult<()> {
        self.world().juju.defer(self.index());
        Ok(())
    }
}

/// Refuses, as Linux does, an argument of a hook tool that is longer than one may be.
fn carried(operation: &'static str, length: usize) -> PortResult<()> {
    if length <= ARGUMENT_LIMIT {
        return Ok(());
    }
    let cause = format!("an argument of {length} bytes is longer than {ARGUMENT_LIMIT}");
    Err(PortError::new(PortErrorKind::Refused, "unit", operation, cause))
}

impl View {
    fn gone(&self, operation: &'static str) -> PortError {
        let cause = format!("unit {} was removed", self.unit);
        PortError::new(PortErrorKind::NotFound, "unit", operation, cause)
    }
}
