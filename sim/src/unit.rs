//! One unit's own part of the world: its container and what runs in it.

use std::sync::Arc;

use pgdrill_core::ports::{RepositorySettings, RestoreSource, Service, ServiceState, UnitId};

use crate::change::MemberFate;

/// What a unit's data directory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Data {
    /// A database with this system identifier.
    Of(u64),
    /// Nothing.
    Empty,
}

/// What becomes of a database that was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// It is up, with this system identifier.
    Up(u64),
    /// It gives up, and the service stops.
    GivesUp,
    /// A cluster is remembered of which nobody leads: it waits for a leader, and the service runs on.
    Waits,
}

/// A database on its way up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Starting {
    /// When it will be decided.
    pub(crate) until: i64,
    /// What becomes of it then.
    pub(crate) becomes: Ends,
    /// The label of the backup from which its data comes, if it comes from one.
    pub(crate) restored_from: Option<Arc<str>>,
}

/// A unit's container and what runs in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnitState {
    pub(crate) fate: MemberFate,
    pub(crate) is_workload_reachable: bool,
    pub(crate) database: ServiceState,
    /// Whether the database service does not run because a fault stopped it.
    pub(crate) is_stopped_by_fault: bool,
    pub(crate) tls_server: ServiceState,
    /// How often a running TLS server took new settings.
    pub(crate) tls_server_reloads: u32,
    /// The settings that the TLS server took when it started or was last reloaded: it lets in the units
    /// that they name.
    pub(crate) tls_server_settings: Option<Arc<RepositorySettings>>,
    pub(crate) starting: Option<Starting>,
    pub(crate) data: Data,
    /// The label of the backup from which the data was restored; `None`: it never was.
    pub(crate) restored_from: Option<Arc<str>>,
    pub(crate) is_data_busy: bool,
    /// Whether another process of the backup tool holds its lock here.
    pub(crate) is_lock_held: bool,
    /// The unit whose backup runs and holds the lock here.
    pub(crate) locked_by: Option<u32>,
    /// Until when what a killed backup has left holds the lock here.
    pub(crate) orphan_until: Option<i64>,
    pub(crate) will_not_stop: bool,
    pub(crate) accepts_connections: bool,
    pub(crate) restore: Option<RestoreSource>,
    pub(crate) repository: Option<Arc<RepositorySettings>>,
    /// Whether the backup tool's configuration names certificates: without, its TLS server ends at once.
    pub(crate) has_certificates: bool,
}

impl UnitState {
    pub(crate) fn healthy(system_id: u64) -> Self {
        Self {
            fate: MemberFate::Running,
            is_workload_reachable: true,
            database: ServiceState::Running,
            is_stopped_by_fault: false,
            tls_server: ServiceState::Stopped,
            tls_server_reloads: 0,
            tls_server_settings: None,
            starting: None,
            data: Data::Of(system_id),
            restored_from: None,
            is_data_busy: false,
            is_lock_held: false,
            locked_by: None,
            orphan_until: None,
            will_not_stop: false,
            accepts_connections: true,
            restore: None,
            repository: None,
            has_certificates: false,
        }
    }

    /// A unit of which nothing is known but that its database service runs.
    pub(crate) fn empty() -> Self {
        Self { data: Data::Empty, ..Self::healthy(0) }
    }

    /// Its database is up on this data.
    pub(crate) fn come_up(&mut self, system_id: u64, restored_from: Option<Arc<str>>) {
        self.starting = None;
        self.data = Data::Of(system_id);
        self.restored_from = restored_from;
    }

    pub(crate) fn service(&self, service: Service) -> ServiceState {
        match service {
            Service::Database => self.database,
            Service::TlsServer => self.tls_server,
        }
    }

    /// Whether the database server is up and the rest of the cluster can reach it.
    pub(crate) fn is_serving(&self) -> bool {
        self.fate == MemberFate::Running
            && self.database == ServiceState::Running
            && self.starting.is_none()
            && self.data != Data::Empty
    }

    /// Whether its database was started and has not come up.
    pub(crate) fn is_coming_up(&self) -> bool {
        self.fate == MemberFate::Running && (self.starting.is_some() || self.waits_for_leader())
    }

    /// Whether its manager waits for a leader, having no data of its own.
    pub(crate) fn waits_for_leader(&self) -> bool {
        self.database == ServiceState::Running
            && self.starting.is_none()
            && self.data == Data::Empty
    }

    /// Whether the cluster manager answers requests from outside.
    pub(crate) fn does_manager_answer(&self) -> bool {
        matches!(self.fate, MemberFate::Running | MemberFate::ServerDown)
            && self.database == ServiceState::Running
    }

    /// Has the TLS server run on what the configuration says now.
    pub(crate) fn start_tls_server(&mut self) {
        self.tls_server = ServiceState::Running;
        self.tls_server_settings.clone_from(&self.repository);
    }

    /// Whether this unit's TLS server, where it is up, lets a unit in.
    pub(crate) fn lets_in(&self, unit: u32) -> bool {
        let settings = self.tls_server_settings.as_ref();
        settings.is_some_and(|settings| settings.tls_peers.contains(&UnitId(unit)))
    }

    /// Whether other units can reach this unit's TLS server.
    pub(crate) fn is_tls_server_up(&self) -> bool {
        matches!(self.fate, MemberFate::Running | MemberFate::ServerDown)
            && self.tls_server == ServiceState::Running
    }
}
