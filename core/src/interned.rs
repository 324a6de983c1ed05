//! Names that were read and that a port wants to be part of the program.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

/// The name, for as long as the process lives. It is never freed: this is for names of which there are few, such as
/// ports, operations and the keys of databags.
#[must_use]
pub fn interned(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let new: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(new);
    new
}
