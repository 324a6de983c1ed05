//! A value that knows where it was written.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

/// The struct name by which [`Spanned`] and the deserializer of this module know each other.
pub(super) const NAME: &str = "$pgdrill::yaml::Spanned";
/// The fields in the order in which the deserializer gives them.
pub(super) const FIELDS: &[&str] = &[LINE, COLUMN, WIDTH, VALUE];

const LINE: &str = "$line";
const COLUMN: &str = "$column";
const WIDTH: &str = "$width";
const VALUE: &str = "$value";

/// A value with its place in the file, so that a check made after reading can still point at it.
/// It can be read by [`from_document`](super::from_document) only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// One-based line in the file.
    pub line: usize,
    /// One-based column, counted in characters.
    pub column: usize,
    /// How many characters of that line it takes.
    pub width: usize,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct(NAME, FIELDS, SpannedVisitor(PhantomData))
    }
}

struct SpannedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for SpannedVisitor<T> {
    type Value = Spanned<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value with its place")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Spanned<T>, A::Error> {
        let line = field(&mut map, LINE)?;
        let column = field(&mut map, COLUMN)?;
        let width = field(&mut map, WIDTH)?;
        let value = field(&mut map, VALUE)?;
        Ok(Spanned { value, line, column, width })
    }
}

fn field<'de, V, A>(map: &mut A, name: &'static str) -> Result<V, A::Error>
where
    V: Deserialize<'de>,
    A: MapAccess<'de>,
{
    match map.next_key::<&str>()? {
        Some(key) if key == name => map.next_value(),
        Some(_) | None => Err(A::Error::custom("this format does not tell places")),
    }
}
