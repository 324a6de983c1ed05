//! A scenario as its file writes it: what is given, what fires, what must hold.

use std::collections::BTreeMap;

use pgdrill_core::{Amendment, Hook, Shape, StatusName, ports::Call};
use pgdrill_sim::{Change, Given};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::names::{ChartShape, Name, OutcomeName};

/// One scenario: what is given, what fires, and what must hold. One YAML document holds one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Scenario {
    /// What it shows, in one line.
    pub scenario: String,
    /// Shapes, as `create-backup/set_active`, that must be visited.
    #[serde(default)]
    pub covers: Vec<Name<ChartShape>>,
    /// Amendments that are switched off, to show the damage without them.
    #[serde(default)]
    pub without: Vec<Name<Amendment>>,
    /// What is true before the first firing.
    #[serde(default)]
    pub given: Given,
    /// What happens, in order: hooks that fire, and changes between them.
    pub fire: Vec<FireStep>,
    /// What must hold afterwards, besides what the snapshot says.
    #[serde(default)]
    pub then: Then,
}

/// One step: a hook that fires on a unit, or a change (`do`).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FireStep {
    /// The hook that fires.
    pub hook: Option<Name<Hook>>,
    /// The unit on which it fires; 0 unless given.
    pub unit: Option<u32>,
    /// The parameters of the action. `${backup-1}` stands for the id of the oldest backup.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// What happens while the hook runs.
    #[serde(default)]
    pub meanwhile: Vec<Meanwhile>,
    /// A change between firings, instead of a hook.
    #[serde(rename = "do")]
    pub change: Option<Change>,
}

/// Something that happens while a hook runs, the first time that it gets there: a change at a shape (`at` or `after`,
/// with `do`), or an answer that is lost.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["at", "do"], "properties": { "after": false, "lost": false } },
    { "required": ["after", "do"], "properties": { "at": false, "lost": false } },
    { "required": ["lost"], "properties": { "at": false, "after": false, "do": false } },
]))]
pub struct Meanwhile {
    /// Before this shape is carried out.
    pub at: Option<Name<Shape>>,
    /// After this shape was carried out.
    pub after: Option<Name<Shape>>,
    /// The first such call of a port takes effect, and its answer never comes: the hook gets an error that says so. A
    /// second item of the same call loses the answer of the second.
    pub lost: Option<Name<Call>>,
    /// What happens.
    #[serde(rename = "do")]
    pub change: Option<Change>,
}

/// What must hold after the last firing.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Then {
    /// How the last firing ended.
    pub outcome: Option<Name<OutcomeName>>,
    /// The exact message of the last firing.
    pub message: Option<String>,
    /// The kind of status of some units.
    pub statuses: BTreeMap<u32, Name<StatusName>>,
    /// Damage that is left. Whatever is named here must be there, and no other damage may be.
    pub damage: Vec<Damage>,
}

/// Damage that a firing can leave behind, by the unit that suffers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Damage {
    /// The unit refuses new connections, and nothing is left that would open them.
    LeftClosed(u32),
    /// The unit shows Maintenance, and nothing is under way that would end it.
    LeftInMaintenance(u32),
    /// The unit's action reported a backup that the repository does not hold.
    ReportedWithoutBackup(u32),
}

impl Damage {
    /// The unit that suffers it.
    #[must_use]
    pub const fn unit(self) -> u32 {
        let (Self::LeftClosed(unit)
        | Self::LeftInMaintenance(unit)
        | Self::ReportedWithoutBackup(unit)) = self;
        unit
    }
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::LeftClosed(unit) => write!(f, "unit {unit} is left closed to new connections"),
            Self::LeftInMaintenance(unit) => {
                write!(f, "unit {unit} is left in maintenance that nothing will end")
            }
            Self::ReportedWithoutBackup(unit) => {
                write!(f, "unit {unit} reported a backup that the repository does not hold")
            }
        }
    }
}
