//! What can be seen of a world from outside.

use pgdrill_core::{
    Hook, Status,
    ports::{BackupKind, MemberState, ServiceState, key},
};

use crate::{
    change::{DcsState, MemberFate},
    facts::Facts,
    shelf::Shelf,
    unit::{Data, UnitState},
    world::World,
};

/// What can be seen of a place after its firings. Every backend fills in the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Each unit, in order.
    pub units: Vec<UnitSeen>,
    /// The unit that holds the cluster's lock.
    pub primary: Option<u32>,
    /// The stanza that the application databag records.
    pub stanza: Option<String>,
    /// The label of the backup that is being restored.
    pub restoring: Option<String>,
    /// The stanza into which WAL is archived.
    pub archives_into: Option<String>,
    /// The backups of the repository, oldest first.
    pub backups: Shelf<BackupSeen>,
    /// The keys of the objects that the hooks put into the bucket, in order.
    pub objects: Shelf<String>,
    /// What laws must know beyond that; `None` where a backend can't see it.
    pub facts: Option<Box<Facts>>,
}

/// What can be seen of one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitSeen {
    /// Its number.
    pub unit: u32,
    /// Every status that it has shown, the present one last.
    pub history: Shelf<Status>,
    /// What its member does; `None` when nobody can tell.
    pub member: Option<MemberState>,
    /// Its database service.
    pub database: ServiceState,
    /// Its TLS server.
    pub tls_server: ServiceState,
    /// How often its running TLS server took new settings without a restart.
    pub tls_server_reloads: u32,
    /// Whether it accepts new client connections.
    pub accepts_connections: bool,
    /// Whether its data directory is empty.
    pub is_data_empty: bool,
    /// The events that will be fired again.
    pub deferred: Vec<Hook>,
}

impl UnitSeen {
    /// The status that it shows now.
    #[must_use]
    pub fn status(&self) -> Status {
        self.history.last().cloned().unwrap_or_else(Status::active)
    }
}

/// What can be seen of one backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupSeen {
    /// The stanza that holds it.
    pub stanza: String,
    /// Its label.
    pub label: String,
    /// Its id, as users name it.
    pub id: String,
    /// How much it holds.
    pub kind: BackupKind,
    /// Whether it has errors.
    pub failed: bool,
}

impl World {
    /// What can be seen from outside.
    #[must_use]
    pub fn observe(&self) -> Observation {
        let own = |key| self.juju.application(key).map(|value| value.as_ref().to_owned());
        Observation {
            units: (0..self.units.len()).filter_map(|index| self.see(index)).collect(),
            primary: self.primary,
            stanza: own(key::STANZA),
            restoring: own(key::RESTORING_BACKUP),
            archives_into: self.archive_stanza.as_deref().map(str::to_owned),
            backups: self.backups(),
            objects: Shelf::joined(self.storage.buckets.values().map(|it| it.objects.keys())),
            facts: Some(Box::new(self.facts())),
        }
    }

    /// The backups of every repository, oldest first.
    #[must_use]
    pub fn backups(&self) -> Shelf<BackupSeen> {
        let stanzas = self.storage.stanzas().map(|stanza| &stanza.seen);
        let of_several = stanzas.clone().filter(|seen| !seen.is_empty()).nth(1).is_some();
        if !of_several {
            return Shelf::joined(stanzas);
        }
        let mut backups: Vec<BackupSeen> = stanzas.flat_map(Shelf::iter).cloned().collect();
        backups.sort_by(|a, b| a.id.cmp(&b.id));
        backups.into()
    }

    fn see(&self, index: usize) -> Option<UnitSeen> {
        let (state, juju) = (self.units.get(index)?, self.juju.units.get(index)?);
        // With its container every service is gone.
        let seen = |service| match state.fate {
            MemberFate::Killed => ServiceState::Stopped,
            MemberFate::Running
            | MemberFate::Frozen
            | MemberFate::CutOff
            | MemberFate::ServerDown => service,
        };
        Some(UnitSeen {
            unit: u32::try_from(index).ok()?,
            history: juju.history.clone(),
            member: member(state, self.dcs),
            database: seen(state.database),
            tls_server: seen(state.tls_server),
            tls_server_reloads: state.tls_server_reloads,
            accepts_connections: state.accepts_connections,
            is_data_empty: state.data == Data::Empty,
            deferred: juju.deferred.clone(),
        })
    }
}

fn member(state: &UnitState, dcs: DcsState) -> Option<MemberState> {
    match state.fate {
        MemberFate::Frozen | MemberFate::CutOff => None,
        MemberFate::Killed | MemberFate::ServerDown => Some(MemberState::Stopped),
        MemberFate::Running => Some(match state.database {
            ServiceState::Running if state.starting.is_some() && dcs == DcsState::Down => {
                MemberState::Stopped
            }
            ServiceState::Running if state.starting.is_some() => MemberState::Starting,
            ServiceState::Running if state.waits_for_leader() => MemberState::Stopped,
            ServiceState::Running => MemberState::Running,
            ServiceState::Stopped | ServiceState::Unknown => MemberState::Stopped,
        }),
    }
}
