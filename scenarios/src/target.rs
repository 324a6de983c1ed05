//! The unit, or units, to which a step's event goes.

use std::{borrow::Cow, fmt, ops::Range};

use pgdrill_sim::MOST_UNITS;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};
use serde_json::json;

/// The word for all units.
const ALL: &str = "all";

/// To which units an event goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// To this one.
    Unit(u32),
    /// To each that is there by then, in order.
    All,
}

impl Target {
    /// The units, of so many that there are.
    #[must_use]
    pub const fn units(self, count: u32) -> Range<u32> {
        match self {
            Self::Unit(unit) => unit..unit.saturating_add(1),
            Self::All => 0..count,
        }
    }
}

impl Default for Target {
    fn default() -> Self {
        Self::Unit(0)
    }
}

impl From<u32> for Target {
    fn from(unit: u32) -> Self {
        Self::Unit(unit)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit(unit) => write!(f, "unit {unit}"),
            Self::All => f.write_str("all units"),
        }
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let unit = deserializer.deserialize_any(UnitOr { word: ALL })?;
        Ok(unit.map_or(Self::All, Self::Unit))
    }
}

/// Reads the number of a unit, or this word in its place: `None`.
pub(crate) struct UnitOr {
    pub(crate) word: &'static str,
}

impl UnitOr {
    /// The schema of such a value: what it is, and what the word means.
    pub(crate) fn schema(&self, about: &str, of_word: &str) -> Schema {
        json_schema!({
            "description": about,
            "oneOf": [
                json!({ "type": "integer", "minimum": 0, "maximum": MOST_UNITS - 1 }),
                json!({ "const": self.word, "description": of_word }),
            ],
        })
    }
}

impl Visitor<'_> for UnitOr {
    type Value = Option<u32>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from 0 to {}, or `{}`", MOST_UNITS - 1, self.word)
    }

    fn visit_u64<E: de::Error>(self, unit: u64) -> Result<Option<u32>, E> {
        let wrong = |_| E::invalid_value(de::Unexpected::Other("a number"), &self);
        u32::try_from(unit).map(Some).map_err(wrong)
    }

    fn visit_i64<E: de::Error>(self, unit: i64) -> Result<Option<u32>, E> {
        let wrong = |_| E::invalid_value(de::Unexpected::Other("a number"), &self);
        u32::try_from(unit).map(Some).map_err(wrong)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Option<u32>, E> {
        let is_word = (text == self.word).then_some(None);
        is_word.ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

impl JsonSchema for Target {
    fn schema_name() -> Cow<'static, str> {
        "Target".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let about = "The unit to which an event goes, or all of them, in order.";
        UnitOr { word: ALL }.schema(about, "Each unit that is there by then, in order.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_units_are_those_that_are_there() {
        assert_eq!(Target::All.units(3).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(Target::Unit(2).units(1).collect::<Vec<_>>(), [2]);
    }
}
