//! The ids of a chart while it is read: where each first appears and what is said about it.

use std::collections::BTreeMap;

use super::Form;
use super::source::Place;

/// Every id that the text mentions, in the order of its first mention.
#[derive(Debug, Default)]
pub(super) struct Table<'a> {
    pub(super) entries: Vec<Entry<'a>>,
    by_id: BTreeMap<&'a str, usize>,
}

/// One id of the text.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) id: &'a str,
    /// Where it first appears.
    pub(super) first: Place,
    /// The shape that it was given, if it was.
    pub(super) declared: Option<Declared>,
}

/// The shape that an id was given.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) form: Form,
    pub(super) caption: String,
    pub(super) place: Place,
}

/// One or several nodes at an end of an arrow, as indices of the table's entries.
pub(super) type Group = Vec<usize>;

/// What is drawn between two groups.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) label: Option<String>,
    pub(super) dotted: bool,
    pub(super) place: Place,
}

/// One step of a chain: a link and where it leads.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) link: Link,
    pub(super) to: Group,
    /// Where the first id of `to` stands.
    pub(super) place: Place,
}

/// One statement: `a`, `a --> b` or `a & b --> c --> d`.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) first: Group,
    pub(super) steps: Vec<Step>,
}

impl<'a> Table<'a> {
    /// The index of the entry for `id`, made at its first mention.
    pub(super) fn mention(&mut self, id: &'a str, place: Place) -> usize {
        let next = self.entries.len();
        let index = *self.by_id.entry(id).or_insert(next);
        if index == next {
            self.entries.push(Entry { id, first: place, declared: None });
        }
        index
    }

    /// The id of an entry.
    pub(super) fn id(&self, index: usize) -> &'a str {
        self.entries.get(index).map_or("", |entry| entry.id)
    }

    /// Whether an entry was given a shape.
    pub(super) fn is_declared(&self, index: usize) -> bool {
        let entry = self.entries.get(index);
        entry.is_some_and(|entry| entry.declared.is_some())
    }
}
