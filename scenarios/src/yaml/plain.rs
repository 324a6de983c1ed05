//! A document as a tree of plain values.

use serde_json::{Map, Value as Plain};

use super::{
    scalar::{canonical, resolve},
    tree::{Value, YamlNode},
};

/// The plain value of a node, without its place.
pub(crate) fn plain(node: &YamlNode) -> Plain {
    match &node.value {
        Value::Scalar { text, quoted: true } => Plain::from(text.as_str()),
        Value::Scalar { text, quoted: false } => scalar(text),
        Value::Sequence(items) => Plain::Array(items.iter().map(plain).collect()),
        Value::Mapping(entries) => Plain::Object(
            entries.iter().map(|(key, value)| (key_of(key), plain(value))).collect::<Map<_, _>>(),
        ),
    }
}

fn key_of(key: &YamlNode) -> String {
    match &key.value {
        Value::Scalar { text, quoted } => canonical(text, *quoted),
        // The reader lets no other key pass.
        Value::Sequence(_) | Value::Mapping(_) => String::new(),
    }
}

fn scalar(text: &str) -> Plain {
    use super::scalar::Plain as Meaning;
    match resolve(text) {
        Meaning::Null => Plain::Null,
        Meaning::Bool(value) => value.into(),
        Meaning::Signed(number) => number.into(),
        Meaning::Unsigned(number) => number.into(),
        Meaning::Float(_) | Meaning::TooLarge | Meaning::Text => text.into(),
    }
}
