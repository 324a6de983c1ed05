//! How serde walks through lists, mappings, places and variants.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    DeserializeSeed, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use super::de::{NodeReader, read, read_key};
use super::error::{Error, shorten};
use super::spanned;
use super::tree::{Value, YamlNode};

/// The items of a list.
pub(super) struct Items<'de> {
    items: std::iter::Enumerate<std::slice::Iter<'de, YamlNode>>,
}

impl<'de> Items<'de> {
    pub(super) fn new(items: &'de [YamlNode]) -> Self {
        let items = items.iter().enumerate();
        Self { items }
    }
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        self.items
            .find(|(_, node)| !node.is_left_out())
            .map(|(index, node)| read(seed, node).map_err(|error| error.item(index)))
            .transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// The entries of a mapping.
pub(super) struct Entries<'de> {
    entries: std::slice::Iter<'de, (YamlNode, YamlNode)>,
    value: Option<&'de (YamlNode, YamlNode)>,
}

impl<'de> Entries<'de> {
    pub(super) fn new(entries: &'de [(YamlNode, YamlNode)]) -> Self {
        Self { entries: entries.iter(), value: None }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        self.value = self.entries.next();
        self.value.map(|(key, _)| read_key(seed, key)).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        match self.value.take() {
            Some((key, value)) => read(seed, value).map_err(|error| error.under(key)),
            None => Err(Error::custom("a value was asked for before its key")),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// A node and its place, for [`Spanned`](super::Spanned).
pub(super) struct SpannedNode<'de> {
    node: &'de YamlNode,
    next: usize,
}

impl<'de> SpannedNode<'de> {
    pub(super) fn new(node: &'de YamlNode) -> Self {
        Self { node, next: 0 }
    }
}

impl<'de> MapAccess<'de> for SpannedNode<'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        spanned::FIELDS
            .get(self.next)
            .map(|field| seed.deserialize(BorrowedStrDeserializer::new(field)))
            .transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let span = self.node.span;
        self.next += 1;
        match self.next {
            1 => seed.deserialize(span.line.into_deserializer()),
            2 => seed.deserialize(span.column.into_deserializer()),
            3 => seed.deserialize(span.width.into_deserializer()),
            _ => read(seed, self.node),
        }
    }
}

/// A variant by its name, with what it holds if that is written.
pub(super) struct Variant<'de> {
    pub(super) name: &'de YamlNode,
    pub(super) value: Option<&'de YamlNode>,
}

impl<'de> Variant<'de> {
    fn with_value<T>(
        self,
        read: impl FnOnce(&'de YamlNode) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if let Some(value) = self.value {
            return read(value).map_err(|error| error.locate(value).under(self.name));
        }
        let name = match &self.name.value {
            Value::Scalar { text, .. } => shorten(text),
            Value::Sequence(_) | Value::Mapping(_) => String::new(),
        };
        Err(Error::custom(format!("`{name}` needs a value"))
            .locate(self.name)
            .advise(format!("write `{name}: …`")))
    }
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        read(seed, self.name).map(|name| (name, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.value {
            Some(node) if !NodeReader::of(node).is_null() => {
                Err(Error::mismatch("unit").locate(node).under(self.name))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        self.with_value(|value| read(seed, value))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.with_value(|node| NodeReader::of(node).tuple(length, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.with_value(|node| NodeReader::of(node).mapping(visitor))
    }
}
