//! How many units there can be, and how a file names them.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, Unexpected, Visitor},
};

/// The most units that there can be.
pub const MOST_UNITS: u32 = 9;

/// A whole number; a complaint about what is none says from where to where it can go. Whether it does, is for whoever
/// knows the rest to say.
struct Whole {
    least: u32,
    most: u32,
}

const NUMBER: Whole = Whole { least: 0, most: MOST_UNITS - 1 };
const COUNT: Whole = Whole { least: 1, most: MOST_UNITS };

impl Visitor<'_> for Whole {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {} to {}", self.least, self.most)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<u32, E> {
        let wrong = |_| E::invalid_value(Unexpected::Unsigned(number), &self);
        u32::try_from(number).map_err(wrong)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<u32, E> {
        let wrong = |_| E::invalid_value(Unexpected::Signed(number), &self);
        u32::try_from(number).map_err(wrong)
    }
}

/// The number of a unit, as a file names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnitNumber(pub u32);

impl<'de> Deserialize<'de> for UnitNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        unit(deserializer).map(Self)
    }
}

/// Reads the number of a unit.
pub(crate) fn unit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    deserializer.deserialize_u32(NUMBER)
}

/// Reads how many units there are.
pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    deserializer.deserialize_u32(COUNT)
}

/// Reads what there is of some units, by their numbers.
///
/// # Errors
///
/// A key is no number of a unit, or a value is none of this type.
pub fn by_unit<'de, D, V>(deserializer: D) -> Result<BTreeMap<u32, V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    let read = BTreeMap::<UnitNumber, V>::deserialize(deserializer)?;
    Ok(read.into_iter().map(|(UnitNumber(unit), value)| (unit, value)).collect())
}
