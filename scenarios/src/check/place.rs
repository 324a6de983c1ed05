//! Where a part of a scenario stands in its file.

use crate::{
    unexpected::escaped,
    yaml::{Span, Value, YamlNode},
};

/// Where a value stands, and the key that leads to it; both the item itself in a list.
#[derive(Clone, Copy)]
pub(crate) struct NodeSpans {
    pub(super) key: Span,
    pub(crate) value: Span,
}

/// The place of what is at `path`, the keys of which are [`escaped`]; of the nearest value above it when it is not written.
pub(crate) fn place(root: &YamlNode, path: &str) -> NodeSpans {
    let mut node = root;
    let mut place = NodeSpans { key: root.span, value: root.span };
    for part in path.split('/').filter(|part| !part.is_empty()) {
        let next = match &node.value {
            Value::Scalar { .. } => None,
            Value::Sequence(items) => {
                let item = part.parse::<usize>().ok().and_then(|index| items.get(index));
                item.map(|item| (item, NodeSpans { key: item.span, value: item.span }))
            }
            Value::Mapping(entries) => entries.iter().find_map(|(key, value)| match &key.value {
                Value::Scalar { text, .. } if escaped(text) == part => {
                    Some((value, NodeSpans { key: key.span, value: value_span(key, value) }))
                }
                Value::Scalar { .. } | Value::Sequence(_) | Value::Mapping(_) => None,
            }),
        };
        let Some((found, at)) = next else { return place };
        (node, place) = (found, at);
    }
    place
}

/// A scalar is shown itself; anything longer is shown by its key.
fn value_span(key: &YamlNode, value: &YamlNode) -> Span {
    match value.value {
        Value::Scalar { .. } => value.span,
        Value::Sequence(_) | Value::Mapping(_) => key.span,
    }
}
