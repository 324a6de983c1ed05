//! The workload container and its supervisor.

use std::time::Duration;

use async_trait::async_trait;
use pgdrill_core::{
    PortError, PortErrorKind,
    ports::{PortResult, Service, ServiceState, Workload},
};

use super::{View, unreachable};
use crate::{
    change::MemberFate,
    unit::{Data, UnitState},
    world::World,
};

/// What the supervisor does with a service that ignores SIGTERM, until it gives up.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

#[async_trait]
impl Workload for View {
    async fn is_reachable(&self) -> PortResult<bool> {
        Ok(supervisor(&mut self.world(), self.unit, "is_reachable").is_ok())
    }

    async fn service(&self, service: Service) -> PortResult<ServiceState> {
        let mut world = self.world();
        Ok(supervisor(&mut world, self.unit, "service")?.service(service))
    }

    async fn start(&self, service: Service) -> PortResult<()> {
        let mut world = self.world();
        let unit = supervisor(&mut world, self.unit, "start")?;
        if unit.service(service) == ServiceState::Unknown {
            return Err(unknown(service, "start"));
        }
        match service {
            Service::Database => world.start_database(self.unit),
            Service::TlsServer if unit.tls_server == ServiceState::Running => {}
            Service::TlsServer if !unit.has_certificates => {
                let cause = "pgbackrest server: it ended within a second of its start";
                return Err(PortError::new(PortErrorKind::Refused, "workload", "start", cause));
            }
            Service::TlsServer => unit.start_tls_server(),
        }
        Ok(())
    }

    async fn stop(&self, service: Service) -> PortResult<()> {
        let mut world = self.world();
        let unit = supervisor(&mut world, self.unit, "stop")?;
        match (service, unit.service(service)) {
            (_, ServiceState::Unknown) => Err(unknown(service, "stop")),
            (_, ServiceState::Stopped) => Ok(()),
            (Service::Database, ServiceState::Running) if unit.will_not_stop => {
                world.advance(STOP_TIMEOUT);
                let cause = "the service did not stop in time";
                Err(PortError::new(PortErrorKind::TimedOut, "workload", "stop", cause))
            }
            (Service::Database, ServiceState::Running) => {
                world.stop_database(self.unit);
                Ok(())
            }
            (Service::TlsServer, ServiceState::Running) => {
                unit.tls_server = ServiceState::Stopped;
                Ok(())
            }
        }
    }

    async fn reload(&self, service: Service) -> PortResult<()> {
        let mut world = self.world();
        let unit = supervisor(&mut world, self.unit, "reload")?;
        if unit.service(service) != ServiceState::Running {
            let cause = format!("{} is not running", service.name());
            return Err(PortError::new(PortErrorKind::Refused, "workload", "reload", cause));
        }
        if service == Service::TlsServer {
            unit.tls_server_reloads += 1;
            unit.tls_server_settings.clone_from(&unit.repository);
        }
        Ok(())
    }

    async fn empty_data_directory(&self) -> PortResult<()> {
        let mut world = self.world();
        let unit = supervisor(&mut world, self.unit, "empty_data_directory")?;
        let refused = |cause| {
            PortError::new(PortErrorKind::Refused, "workload", "empty_data_directory", cause)
        };
        if unit.is_data_busy {
            return Err(refused("the data directory is busy"));
        }
        if unit.database == ServiceState::Running {
            return Err(refused("the database is running"));
        }
        unit.data = Data::Empty;
        unit.restored_from = None;
        Ok(())
    }
}

/// The unit, if its supervisor answers.
fn supervisor<'a>(
    world: &'a mut World,
    unit: u32,
    operation: &'static str,
) -> PortResult<&'a mut UnitState> {
    let state = world.unit_mut(unit).filter(|state| {
        state.is_workload_reachable
            && !matches!(state.fate, MemberFate::Frozen | MemberFate::Killed)
    });
    state.ok_or_else(|| unreachable("workload", operation, "the supervisor does not answer"))
}

fn unknown(service: Service, operation: &'static str) -> PortError {
    let cause = format!("the supervisor does not know {}", service.name());
    PortError::new(PortErrorKind::NotFound, "workload", operation, cause)
}
