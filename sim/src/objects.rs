//! The objects of a bucket.

use std::collections::{BTreeMap, BTreeSet};

use crate::shelf::Shelf;

/// The objects of a bucket, by key; what is seen of them is at hand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Objects {
    content: BTreeMap<String, Vec<u8>>,
    keys: Shelf<String>,
    texts: Shelf<(String, String)>,
    /// The keys of those that came since the backup tool last cleaned up where they are.
    unseen: BTreeSet<String>,
}

impl Objects {
    /// What is under a key.
    pub(crate) fn get(&self, key: &str) -> Option<&[u8]> {
        self.content.get(key).map(Vec::as_slice)
    }

    /// The keys, in order.
    pub(crate) const fn keys(&self) -> &Shelf<String> {
        &self.keys
    }

    /// Each key with its content, in order.
    pub(crate) const fn texts(&self) -> &Shelf<(String, String)> {
        &self.texts
    }

    /// Whether it came since the backup tool last cleaned up where it is.
    pub(crate) fn is_unseen(&self, key: &str) -> bool {
        self.unseen.contains(key)
    }

    /// Puts an object under a key, in place of what was there.
    pub(crate) fn insert(&mut self, key: &str, content: Vec<u8>) {
        let text = String::from_utf8_lossy(&content).into_owned();
        self.texts.put((key.to_owned(), text), |(one, _), (other, _)| one.cmp(other));
        if self.content.insert(key.to_owned(), content).is_none() {
            self.keys.put(key.to_owned(), String::cmp);
        }
        self.unseen.insert(key.to_owned());
    }

    /// Removes what is under a key.
    pub(crate) fn remove(&mut self, key: &str) {
        if self.content.remove(key).is_some() {
            self.keys.take_out(|known| known.as_str().cmp(key));
            self.texts.take_out(|(known, _)| known.as_str().cmp(key));
            self.unseen.remove(key);
        }
    }

    /// Of the objects in this folder that came since this was last done there, keeps those with keys that may stay.
    pub(crate) fn retain_unseen(&mut self, folder: &str, may_stay: impl Fn(&str) -> bool) {
        let is_there = |key: &String| key.starts_with(folder);
        let found: Vec<String> = self
            .unseen
            .range(folder.to_owned()..)
            .take_while(|key| is_there(key))
            .cloned()
            .collect();
        for key in found {
            self.unseen.remove(&key);
            if !may_stay(&key) {
                self.remove(&key);
            }
        }
    }
}

impl PartialEq for Objects {
    fn eq(&self, other: &Self) -> bool {
        self.content == other.content
    }
}

impl Eq for Objects {}
