//! What no run may leave behind, whoever looks: the rules of damage, in one place.

use std::fmt;

use pgdrill_core::{STATUS_MESSAGE_LIMIT, Status, StatusName, texts};
use pgdrill_sim::UnitSeen;

use crate::{
    run::{FiredStep, Run},
    scenario::Damage,
};

/// A rule that a run broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// Damage that a scenario can expect by its name. The judge holds every run to these.
    Damage(Damage),
    /// The unit shows Maintenance of work on the stanza, and no firing is under way. Juju's retry of the hook ends it,
    /// so a run without retries may show it.
    UnfinishedMaintenance {
        /// The unit.
        unit: u32,
        /// What it shows.
        status: Status,
    },
    /// The unit is Active, its data directory is empty, and no restore is under way.
    ActiveWithoutData(u32),
    /// The unit showed a status with a message over the limit.
    StatusTooLong {
        /// The unit.
        unit: u32,
        /// What it showed.
        status: Status,
    },
}

impl Violation {
    /// The damage by which a scenario can expect this, if it can.
    #[must_use]
    pub const fn damage(&self) -> Option<Damage> {
        match self {
            Self::Damage(damage) => Some(*damage),
            Self::UnfinishedMaintenance { .. }
            | Self::ActiveWithoutData(_)
            | Self::StatusTooLong { .. } => None,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damage(damage) => damage.fmt(f),
            Self::UnfinishedMaintenance { unit, status } => {
                write!(f, "unit {unit} shows {status}, and no firing is under way")
            }
            Self::ActiveWithoutData(unit) => write!(f, "unit {unit} is active without data"),
            Self::StatusTooLong { unit, status } => {
                let limit = STATUS_MESSAGE_LIMIT;
                write!(f, "unit {unit} showed a message over {limit} characters: {status}")
            }
        }
    }
}

/// Every rule that a run broke, by what could be seen at its end and by what its firings reported.
#[must_use]
pub fn invariants(run: &Run) -> Vec<Violation> {
    let is_restoring = run.observation.restoring.is_some();
    let units = run.observation.units.iter();
    let mut found: Vec<Violation> = units.flat_map(|seen| of_unit(seen, is_restoring)).collect();
    let without =
        run.firings.iter().filter(|step| reports_backup(step) && step.backups_gained == 0);
    let without = without.map(|step| Damage::ReportedWithoutBackup(step.fired.unit));
    found.extend(without.map(Violation::Damage));
    found
}

fn of_unit(seen: &UnitSeen, is_restoring: bool) -> Vec<Violation> {
    let (unit, status) = (seen.unit, seen.status());
    let mut found = Vec::new();
    if !seen.accepts_connections {
        found.push(Violation::Damage(Damage::LeftClosed(unit)));
    }
    if status.name == StatusName::Maintenance {
        let is_of_backup = status.message == texts::CREATING_BACKUP;
        let is_of_restore = status.message == texts::RESTORING_BACKUP;
        if is_of_backup || is_of_restore && !is_restoring {
            found.push(Violation::Damage(Damage::LeftInMaintenance(unit)));
        } else if !is_restoring {
            found.push(Violation::UnfinishedMaintenance { unit, status: status.clone() });
        }
    }
    if seen.is_data_empty && status.name == StatusName::Active && !is_restoring {
        found.push(Violation::ActiveWithoutData(unit));
    }
    let long = |status: &&Status| status.message.chars().count() > STATUS_MESSAGE_LIMIT;
    let long = seen.history.iter().filter(long);
    found.extend(long.map(|status| Violation::StatusTooLong { unit, status: status.clone() }));
    found
}

fn reports_backup(step: &FiredStep) -> bool {
    let mut results = step.fired.results.iter();
    results.any(|(key, value)| (*key, value.as_str()) == texts::BACKUP_CREATED)
}
