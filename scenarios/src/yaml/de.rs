//! A serde deserializer over the tree.

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, Unexpected, Visitor};

use super::access::{Entries, Items, SpannedNode, Variant};
use super::error::Error;
use super::pieces::YamlDocument;
use super::scalar::{Plain, resolve};
use super::spanned;
use super::tree::{Value, YamlNode};
use pgdrill_core::Diagnostic;

/// Reads a document into a type.
///
/// # Errors
///
/// The first thing that does not fit: an unknown key or name with the nearest valid one, a missing
/// key at the start of its mapping, a value of the wrong kind, each at the exact node.
pub fn from_document<T: DeserializeOwned>(document: &YamlDocument) -> Result<T, Diagnostic> {
    read(std::marker::PhantomData, document.root()).map_err(|error| error.into_diagnostic(document))
}

/// Reads one node; what it has to complain about without a place is at this node.
pub(super) fn read<'de, S: DeserializeSeed<'de>>(
    seed: S,
    node: &'de YamlNode,
) -> Result<S::Value, Error> {
    seed.deserialize(NodeReader::of(node)).map_err(|error| error.locate(node))
}

/// As [`read`], of a key. In JSON each is in quotes, also one that is a number.
pub(super) fn read_key<'de, S: DeserializeSeed<'de>>(
    seed: S,
    node: &'de YamlNode,
) -> Result<S::Value, Error> {
    let reader = NodeReader { node, is_key: true };
    seed.deserialize(reader).map_err(|error| error.locate(node))
}

#[derive(Clone, Copy)]
pub(super) struct NodeReader<'de> {
    node: &'de YamlNode,
    is_key: bool,
}

impl<'de> NodeReader<'de> {
    pub(super) const fn of(node: &'de YamlNode) -> Self {
        Self { node, is_key: false }
    }

    fn mismatch<T>(self, visitor: &impl Visitor<'de>) -> Result<T, Error> {
        let error = Error::invalid_type(Unexpected::Other("value"), visitor);
        Err(error.locate(self.node))
    }

    /// The meaning of a plain scalar, or of a key that is a number; anything else has none.
    fn plain(self) -> Option<Plain> {
        match &self.node.value {
            Value::Scalar { text, quoted } if !quoted || (self.is_key && is_number(text)) => {
                Some(resolve(text))
            }
            Value::Scalar { .. } | Value::Sequence(_) | Value::Mapping(_) => None,
        }
    }

    pub(super) fn is_null(self) -> bool {
        self.plain() == Some(Plain::Null)
    }

    fn whole<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.plain() {
            Some(Plain::Signed(number)) => visitor.visit_i64(number),
            Some(Plain::Unsigned(number)) => visitor.visit_u64(number),
            Some(
                Plain::Null | Plain::Bool(_) | Plain::Float(_) | Plain::TooLarge | Plain::Text,
            )
            | None => self.mismatch(&visitor),
        }
    }

    fn number<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Some(Plain::Float(number)) = self.plain() {
            visitor.visit_f64(number)
        } else {
            self.whole(visitor)
        }
    }

    fn text<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Scalar { text, .. } if !self.is_null() => visitor.visit_borrowed_str(text),
            Value::Scalar { .. } | Value::Sequence(_) | Value::Mapping(_) => {
                self.mismatch(&visitor)
            }
        }
    }

    fn list<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Sequence(items) => visitor.visit_seq(Items::new(items)),
            Value::Scalar { .. } | Value::Mapping(_) => self.mismatch(&visitor),
        }
    }

    /// A list of exactly so many items.
    pub(super) fn tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Sequence(items) if items.len() == length => visitor.visit_seq(Items::new(items)),
            Value::Sequence(items) => {
                let what = format!("expected a list of {length}, found one of {}", items.len());
                Err(Error::custom(what).locate(self.node))
            }
            Value::Scalar { .. } | Value::Mapping(_) => {
                Err(Error::mismatch(&format!("a list of {length}")).locate(self.node))
            }
        }
    }

    pub(super) fn mapping<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Mapping(entries) => visitor.visit_map(Entries::new(entries)),
            Value::Scalar { .. } | Value::Sequence(_) => self.mismatch(&visitor),
        }
    }

    fn nothing<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_null() { visitor.visit_unit() } else { self.mismatch(&visitor) }
    }
}

/// Whether a text is a whole number in the one form in which JSON writes it.
fn is_number(text: &str) -> bool {
    text.parse().is_ok_and(|number: u64| number.to_string() == text)
}

/// Methods of `Deserializer` that all do the same.
macro_rules! forward {
    ($to:ident: $($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.$to(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for NodeReader<'de> {
    type Error = Error;

    forward!(whole: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128);
    forward!(number: deserialize_f32 deserialize_f64);
    forward!(text: deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf);
    forward!(list: deserialize_seq);
    forward!(mapping: deserialize_map);
    forward!(nothing: deserialize_unit);

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Sequence(_) => self.list(visitor),
            Value::Mapping(_) => self.mapping(visitor),
            Value::Scalar { text, quoted: true } => visitor.visit_borrowed_str(text),
            Value::Scalar { text, .. } => match resolve(text) {
                Plain::Null => visitor.visit_unit(),
                Plain::Bool(value) => visitor.visit_bool(value),
                Plain::Signed(_) | Plain::Unsigned(_) => self.whole(visitor),
                Plain::Float(value) => visitor.visit_f64(value),
                Plain::TooLarge => Err(Error::mismatch("a number of at most 64 bits")),
                Plain::Text => visitor.visit_borrowed_str(text),
            },
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Some(Plain::Bool(value)) = self.plain() {
            visitor.visit_bool(value)
        } else {
            self.mismatch(&visitor)
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    /// A key or the name of a variant: its text, whatever it looks like.
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Scalar { text, .. } => visitor.visit_borrowed_str(text),
            Value::Sequence(_) | Value::Mapping(_) => self.mismatch(&visitor),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.nothing(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.tuple(length, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.tuple(length, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == spanned::NAME {
            let node = self.node;
            return visitor.visit_map(SpannedNode::new(node));
        }
        self.mapping(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let entries = match &self.node.value {
            Value::Scalar { .. } if !self.is_null() => {
                return visitor.visit_enum(Variant { name: self.node, value: None });
            }
            Value::Scalar { .. } | Value::Sequence(_) => &[],
            Value::Mapping(entries) => entries.as_slice(),
        };
        match entries {
            [] => Err(Error::mismatch("a name").advise_one_of(variants)),
            [(name, value)] => visitor.visit_enum(Variant { name, value: Some(value) }),
            [_, (second, _), ..] => {
                let what = "expected one key here, found a second one";
                let hint = "split them into list items of one key each";
                Err(Error::custom(what).locate(second).advise(hint))
            }
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}
