//! Every fault of a document that can be told apart: what does not fit is left out, and the rest is read again.

use std::marker::PhantomData;

use pgdrill_core::Diagnostic;
use pgdrill_flow::{Tolerance, nearest_name};
use serde::de::DeserializeOwned;

use super::{
    YamlDocument,
    de::read,
    error::{Error, FaultKind},
    tree::{Span, Value, YamlNode},
};
use crate::unexpected::escaped;

/// The most faults of one document that are told: whoever mends so many reads it again anyway.
const MOST: usize = 20;

/// What was read of a document, and what is wrong with the rest.
pub(crate) struct ReadInPart<T> {
    /// What was read; `None` where the rest does not make one.
    pub(crate) value: Option<T>,
    /// What is wrong, in the order in which it was found.
    pub(crate) faults: Vec<Diagnostic>,
    /// What was left out of the value.
    pub(crate) left_out: LeftOut,
}

/// What was left out of a document, so that the rest could be read.
#[derive(Debug, Default)]
pub(crate) struct LeftOut {
    /// The path of each part, as `fire/0/hook`, its keys escaped.
    paths: Vec<String>,
    /// Whether an item of a list is among them, so that those behind it are counted otherwise.
    shifts: bool,
}

impl LeftOut {
    /// Whether it is nothing.
    pub(crate) fn is_nothing(&self) -> bool {
        self.paths.is_empty()
    }

    /// Whether indices are those of the document.
    pub(crate) fn keeps_indices(&self) -> bool {
        !self.shifts
    }

    /// Whether a key of this name was left out of what is at this path, or one that may be meant for it.
    fn holds(&self, path: &str, name: &str) -> bool {
        self.paths.iter().any(|it| {
            let (around, key) = it.rsplit_once('/').unwrap_or(("", it));
            around == path && nearest_name(key, [name], Tolerance::ThirdOfName).is_some()
        })
    }

    /// Whether something was left out that stood beside what is at this path, or within it: then nothing can be said of it.
    pub(crate) fn touches(&self, path: &str) -> bool {
        let around = path.rsplit_once('/').map_or("", |(around, _)| around);
        let is_within = |it: &String| {
            around.is_empty() || it.strip_prefix(around).is_some_and(|rest| rest.starts_with('/'))
        };
        self.paths
            .iter()
            .any(|it| if around.is_empty() { top(it) == top(path) } else { is_within(it) })
    }
}

/// The first key of a path.
fn top(path: &str) -> &str {
    path.split('/').next().unwrap_or_default()
}

/// Reads a document into a type. What does not fit is told and left out, as long as the rest can be read without it;
/// `needed` has a value for each key without which it can't be, as it is written.
pub(crate) fn read_in_part<T: DeserializeOwned>(
    document: &YamlDocument,
    needed: &[(&str, Value)],
) -> ReadInPart<T> {
    let (mut faults, mut left_out) = (Vec::new(), LeftOut::default());
    let mut root = None;
    let value = loop {
        let fault = match read(PhantomData, root.as_ref().unwrap_or_else(|| document.root())) {
            Ok(value) => break Some(value),
            Err(error) => error,
        };
        let root = root.get_or_insert_with(|| document.root().clone());
        let Step { is_told, goes_on } = leave_out(root, &fault, &mut left_out, needed);
        if is_told {
            faults.push(fault.into_diagnostic(document));
        }
        if !goes_on || faults.len() == MOST {
            break None;
        }
    };
    ReadInPart { value, faults, left_out }
}

/// What came of leaving out what is at fault.
#[derive(Debug, Clone, Copy)]
struct Step {
    /// Whether it is a fault of the document, and not one of what was left out before.
    is_told: bool,
    /// Whether the rest can be read.
    goes_on: bool,
}

/// Leaves out what a fault is about.
fn leave_out(
    root: &mut YamlNode,
    error: &Error,
    left_out: &mut LeftOut,
    needed: &[(&str, Value)],
) -> Step {
    let span = error.span().unwrap_or(root.span);
    let (at, is_told) = match error.kind() {
        FaultKind::UnknownKey => (find_key(root, span), true),
        FaultKind::MissingKey(name) => {
            let at = find_value(root, span);
            let path = at.as_ref().map(|at| path_of(root, at)).unwrap_or_default();
            let lacks = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
            let is_told = !left_out.holds(&path, name);
            if path.is_empty() {
                let goes_on = stand_in(root, name, needed);
                left_out.paths.push(lacks);
                return Step { is_told, goes_on };
            }
            (at, is_told)
        }
        FaultKind::Other => {
            // A fault of a key is one of the whole that it stands in.
            let within = || {
                let mut at = find_key(root, span)?;
                at.pop();
                Some(at)
            };
            (find_value(root, span).filter(|at| !at.is_empty()).or_else(within), true)
        }
    };
    let at = at.filter(|at| !at.is_empty());
    if let Some(at) = &at {
        left_out.paths.push(path_of(root, at));
        left_out.shifts |= remove(root, at);
    }
    Step { is_told, goes_on: at.is_some() }
}

/// Puts a value in the place of a key without which nothing can be read, if there is one.
fn stand_in(root: &mut YamlNode, name: &str, needed: &[(&str, Value)]) -> bool {
    let span = root.span;
    let value = needed.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
    let (Some(value), Value::Mapping(entries)) = (value, &mut root.value) else { return false };
    let key = Value::Scalar { text: name.to_owned(), quoted: true };
    entries.push((YamlNode { span, value: key }, YamlNode { span, value }));
    true
}

/// The way to the value at a place: the index of each entry or item that leads to it.
fn find_value(node: &YamlNode, span: Span) -> Option<Vec<usize>> {
    if node.span == span {
        return Some(Vec::new());
    }
    find_below(node, |child| find_value(child, span))
}

/// The way to the entry whose key is at a place.
fn find_key(node: &YamlNode, span: Span) -> Option<Vec<usize>> {
    if let Value::Mapping(entries) = &node.value
        && let Some(index) = entries.iter().position(|(key, _)| key.span == span)
    {
        return Some(vec![index]);
    }
    find_below(node, |child| find_key(child, span))
}

/// The way that is found from the first item or value of a node from which there is one.
fn find_below(
    node: &YamlNode,
    find: impl Fn(&YamlNode) -> Option<Vec<usize>>,
) -> Option<Vec<usize>> {
    let below = |(index, child): (usize, &YamlNode)| {
        let mut way = find(child)?;
        way.insert(0, index);
        Some(way)
    };
    match &node.value {
        Value::Scalar { .. } => None,
        Value::Sequence(items) => items.iter().enumerate().find_map(below),
        Value::Mapping(entries) => {
            entries.iter().map(|(_, value)| value).enumerate().find_map(below)
        }
    }
}

/// The path of what a way leads to.
fn path_of(root: &YamlNode, way: &[usize]) -> String {
    let (mut node, mut parts) = (root, Vec::new());
    for &index in way {
        let next = match &node.value {
            Value::Scalar { .. } => None,
            // Those before it that were left out are still counted, as they are only emptied.
            Value::Sequence(items) => items.get(index).map(|item| (index.to_string(), item)),
            Value::Mapping(entries) => entries.get(index).map(|(key, value)| {
                let text = match &key.value {
                    Value::Scalar { text, .. } => escaped(text),
                    Value::Sequence(_) | Value::Mapping(_) => String::new(),
                };
                (text, value)
            }),
        };
        let Some((part, below)) = next else { break };
        parts.push(part);
        node = below;
    }
    parts.join("/")
}

/// Removes what a way leads to, and a mapping that it leaves empty as the value of a key: what is written there would not
/// have been nothing. Whether an item of a list is gone.
fn remove(root: &mut YamlNode, way: &[usize]) -> bool {
    let Some((last, before)) = way.split_last() else { return false };
    let Some(parent) = below(root, before) else { return false };
    match &mut parent.value {
        Value::Scalar { .. } => false,
        Value::Sequence(items) => {
            if let Some(item) = items.get_mut(*last) {
                *item = YamlNode::left_out(item.span);
            }
            true
        }
        Value::Mapping(entries) => {
            if *last < entries.len() {
                entries.remove(*last);
            }
            let is_empty = entries.is_empty();
            let around = before.split_last().and_then(|(_, around)| below(root, around));
            let is_value = around.is_some_and(|node| matches!(node.value, Value::Mapping(_)));
            is_empty && is_value && remove(root, before)
        }
    }
}

/// The node that a way leads to.
fn below<'n>(root: &'n mut YamlNode, way: &[usize]) -> Option<&'n mut YamlNode> {
    let mut node = root;
    for &index in way {
        node = match &mut node.value {
            Value::Scalar { .. } => return None,
            Value::Sequence(items) => items.get_mut(index)?,
            Value::Mapping(entries) => &mut entries.get_mut(index)?.1,
        };
    }
    Some(node)
}
