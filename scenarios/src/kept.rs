//! Names that were read and that the core wants to be part of the program.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

/// The same name, kept for as long as the process lives. Ports, operations, keys: there are few of them.
pub(crate) fn kept(name: &str) -> &'static str {
    static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let new: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(new);
    new
}
