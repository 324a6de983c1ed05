//! A scenario as its file writes it: what is given, what fires, what must hold.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use pgdrill_core::{Amendment, Hook, ports::Call};
use pgdrill_sim::{At, Change, Given, MOST_UNITS, Moment, Turn, UnitNumber};
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

/// One step: a hook that fires on a unit, hooks that run at the same time on several (`together`), a change (`do`), or `settle`.
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
    /// Hooks that run at the same time, each on a unit of its own, instead of one.
    #[serde(default)]
    pub together: Vec<OverlappingEvent>,
    /// Who goes on when, of the hooks that run at the same time. Once these turns are over, the rest of each runs to its end, one
    /// after another.
    #[serde(default)]
    pub order: Vec<OrderedTurn>,
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

impl FireStep {
    /// Whether it fires a hook.
    pub(crate) fn fires(&self) -> bool {
        self.hook.is_some() || !self.together.is_empty() || self.settle
    }
}

/// One of the hooks that run at the same time.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OverlappingEvent {
    /// The hook that fires.
    pub hook: Name<Hook>,
    /// The unit on which it fires: on each runs one hook at a time.
    pub unit: u32,
    /// The parameters of the action, as of a step's own `hook`.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// What happens while this hook runs.
    #[serde(default)]
    pub meanwhile: Vec<Meanwhile>,
    /// How this hook must end: its `outcome`, `message` and `results`, and what it must not visit.
    #[serde(default)]
    pub then: Then,
}

/// A unit's hook goes on, and the others stand still: as far as it says, the first time that the hook gets there, else to its end.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OrderedTurn {
    /// The unit.
    pub unit: u32,
    /// Until it is about to carry out this shape, or to make this call of a port: `call repository.back_up`.
    pub until: Option<Name<At>>,
    /// Until the command of this shape or call is in its middle: a backup that has begun to copy, and is held there.
    #[serde(default)]
    #[schemars(schema_with = "lasting")]
    pub during: Option<Name<At>>,
    /// Until it has carried out this shape, or made this call.
    pub after: Option<Name<At>>,
}

impl OrderedTurn {
    /// The turn.
    pub(crate) fn turn(&self) -> Turn {
        let Self { unit, until, during, after } = self;
        Turn { unit: *unit, until: first_moment(until, during, after) }
    }
}

/// The first of three places that is given, with the moment for which it stands.
fn first_moment(
    before: &Option<Name<At>>,
    during: &Option<Name<At>>,
    after: &Option<Name<At>>,
) -> Option<(At, Moment)> {
    let moments = [(before, Moment::Before), (during, Moment::During), (after, Moment::After)];
    moments.into_iter().find_map(|(at, moment)| Some((at.as_ref()?.0, moment)))
}

/// Something that happens while a hook runs, the first time that it gets there: a change at a shape or at a call of a port
/// (`at`, `during` or `after`, with `do`), or an answer that is lost.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Meanwhile {
    /// Before this shape is carried out, or this call of a port made: `call repository.back_up`.
    pub at: Option<Name<At>>,
    /// While the command of this shape or call is in its middle: a backup that has begun to copy.
    #[serde(default)]
    #[schemars(schema_with = "lasting")]
    pub during: Option<Name<At>>,
    /// After this shape was carried out, or this call made and before its caller goes on.
    pub after: Option<Name<At>>,
    /// The first such call of a port takes effect, and its answer never comes: the hook gets an error that says so. A
    /// second item of the same call loses the answer of the second.
    pub lost: Option<Name<Call>>,
    /// What happens.
    #[serde(rename = "do")]
    pub change: Option<Change>,
}

impl Meanwhile {
    /// Where and when its change happens, if it has a place.
    pub(crate) fn when(&self) -> Option<(At, Moment)> {
        let Self { at, during, after, lost: _, change: _ } = self;
        first_moment(at, during, after)
    }
}

/// The shapes and calls whose command has a middle.
fn lasting(_: &mut SchemaGenerator) -> Schema {
    let lasting = |name: &&&str| At::from_name(name).is_some_and(|at| at.lasting().is_some());
    let names = At::names().iter().filter(lasting).map(Some).chain([None]);
    json_schema!({ "enum": names.collect::<Vec<_>>() })
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
