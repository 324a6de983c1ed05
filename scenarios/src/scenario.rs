//! A scenario as its file writes it: what is given, what fires, what must hold.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use pgdrill_core::{Amendment, Hook, Shape, ports::Call};
use pgdrill_sim::{Change, Given, MOST_UNITS, UnitNumber};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{self, IntoDeserializer as _, MapAccess, Visitor},
};
use serde_json::json;

use crate::{
    law::{Law, Violation},
    names::{ChartShape, Name, Named as _},
    target::Target,
    then::Then,
};

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
    /// What must hold at the end, besides what the snapshot says.
    #[serde(default)]
    pub then: Then,
    /// Laws that it breaks and that nobody has corrected yet, each with the reason. Each must be broken.
    #[serde(default)]
    pub known: Vec<KnownDamage>,
}

/// One step: a hook that fires on a unit, a change (`do`), or `settle`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FireStep {
    /// The hook that fires.
    pub hook: Option<Name<Hook>>,
    /// The unit on which it fires, or `all`: each unit in order. Unit 0 unless given.
    pub unit: Option<Target>,
    /// The parameters of the action. `${backup-1}` stands for the id of the oldest backup. A name that begins with `x-` is one
    /// that no action knows.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// What happens while the hook runs.
    #[serde(default)]
    pub meanwhile: Vec<Meanwhile>,
    /// A change between firings, instead of a hook.
    #[serde(rename = "do")]
    pub change: Option<Change>,
    /// Instead of a hook: everything that Juju owes is delivered, update-status included, until nothing changes.
    #[serde(default)]
    pub settle: bool,
    /// What must hold right after this step.
    #[serde(default)]
    #[schemars(extend("properties" = { "damage": { "maxItems": 0 } }))]
    pub then: Then,
}

/// Something that happens while a hook runs, the first time that it gets there: a change at a shape (`at` or `after`,
/// with `do`), or an answer that is lost.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
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

/// A law that a run breaks: by its name, or by its name with the unit that suffers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damage {
    /// The law.
    pub law: Law,
    /// The unit; `None`: any, or the whole application.
    pub unit: Option<u32>,
}

impl Damage {
    /// Whether it speaks of this.
    #[must_use]
    pub fn is(&self, broken: &Violation) -> bool {
        self.law == broken.law && (self.unit.is_none() || self.unit == broken.unit)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unit {
            Some(unit) => write!(f, "{} on unit {unit}", self.law),
            None => self.law.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for Damage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Damage;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a law, as `left-closed`, or `left-closed: 1` with a unit")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Damage, E> {
                let Name(law) = Name::<Law>::deserialize(name.into_deserializer())?;
                Ok(Damage { law, unit: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Damage, A::Error> {
                let Some((Name(law), UnitNumber(unit))) =
                    map.next_entry::<Name<Law>, UnitNumber>()?
                else {
                    return Err(de::Error::invalid_length(0, &self));
                };
                match map.next_key::<Name<Law>>()? {
                    None => Ok(Damage { law, unit: Some(unit) }),
                    Some(_) => Err(de::Error::invalid_length(2, &self)),
                }
            }
        }

        deserializer.deserialize_any(Read)
    }
}

impl JsonSchema for Damage {
    fn schema_name() -> Cow<'static, str> {
        "Damage".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let units: serde_json::Map<String, serde_json::Value> = Law::names()
            .iter()
            .map(|name| {
                (
                    (*name).to_owned(),
                    json!({ "type": "integer", "minimum": 0, "maximum": MOST_UNITS - 1 }),
                )
            })
            .collect();
        json_schema!({
            "description": "A law that a run breaks: by its name, or by its name with the unit that suffers it.",
            "oneOf": [
                generator.subschema_for::<Name<Law>>(),
                { "type": "object", "properties": units, "additionalProperties": false, "minProperties": 1, "maxProperties": 1 },
            ],
        })
    }
}

/// A law that a scenario breaks and that nobody has corrected yet.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KnownDamage {
    /// The law.
    pub law: Damage,
    /// What goes wrong, and why it is still there.
    pub because: String,
}
