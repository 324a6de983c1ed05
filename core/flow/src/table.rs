//! The ids of a chart while it is read: where each first appears and what is said about it.

use std::collections::BTreeMap;

use super::Form;
use super::source::SourcePosition;

/// Every id that the text mentions, in the order of its first mention.
#[derive(Debug, Default)]
pub(crate) struct Table<'a> {
    pub(crate) entries: Vec<NodeEntry<'a>>,
    by_id: BTreeMap<&'a str, usize>,
}

/// One id of the text.
#[derive(Debug)]
pub(crate) struct NodeEntry<'a> {
    pub(crate) id: &'a str,
    /// Where it first appears.
    pub(crate) first: SourcePosition,
    /// The shape that it was given, if it was.
    pub(crate) declared: Option<Declared>,
}

/// The shape that an id was given.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    pub(crate) form: Form,
    pub(crate) caption: String,
    pub(crate) place: SourcePosition,
}

/// An id that was given two shapes.
#[derive(Debug)]
pub(crate) struct Redeclared {
    /// Its entry.
    pub(crate) index: usize,
    pub(crate) old: Declared,
    pub(crate) new: Declared,
}

/// One or several nodes at an end of an arrow, as indices of the table's entries.
pub(crate) type Group = Vec<usize>;

/// What is drawn between two groups.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) label: Option<String>,
    pub(crate) dotted: bool,
    pub(crate) ways: Ways,
    pub(crate) place: SourcePosition,
}

/// Which way a link leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ways {
    /// From the first group to the second.
    Onward,
    /// From each group to the other.
    Both,
    /// Nowhere: it is not seen.
    Unseen,
}

/// One step of a chain: a link and where it leads.
#[derive(Debug)]
pub(crate) struct LinkStep {
    pub(crate) link: Link,
    pub(crate) to: Group,
    /// Where the first id of `to` stands.
    pub(crate) place: SourcePosition,
}

/// One statement: `a`, `a --> b` or `a & b --> c --> d`.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) first: Group,
    pub(crate) steps: Vec<LinkStep>,
}

impl<'a> Table<'a> {
    /// The index of the entry for `id`, made at its first mention.
    pub(crate) fn mention(&mut self, id: &'a str, place: SourcePosition) -> usize {
        let next = self.entries.len();
        let index = *self.by_id.entry(id).or_insert(next);
        if index == next {
            self.entries.push(NodeEntry { id, first: place, declared: None });
        }
        index
    }

    /// The id of an entry.
    pub(crate) fn id(&self, index: usize) -> &'a str {
        self.entries.get(index).map_or("", |entry| entry.id)
    }

    /// Whether an entry was given a shape.
    pub(crate) fn is_declared(&self, index: usize) -> bool {
        let entry = self.entries.get(index);
        entry.is_some_and(|entry| entry.declared.is_some())
    }
}
