//! Which of Juju's paths is which hook.

use std::{collections::BTreeMap, path::Path};

use pgdrill_core::Hook;
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{Environment, bounded::read_text};

/// What the charm's own data says of each path.
const ROUTES: &str = include_str!("../hooks.json");
/// A file that says otherwise.
const FILE: &str = "PGDRILL_HOOKS";

/// A path that is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HookRoute {
    pub(super) hook: Hook,
    /// Whether the next program has its turn after a firing that went well.
    pub(super) then_next: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Entry {
    #[serde(deserialize_with = "hook")]
    hook: Hook,
    #[serde(default)]
    then_next: bool,
}

fn hook<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Hook, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// The route of a path; `None` when it is not ours.
pub(super) fn route(path: &str, environment: &Environment) -> Result<Option<HookRoute>, String> {
    match environment.get(FILE) {
        None => find(path, ROUTES).map_err(|why| format!("hooks.json: {why}")),
        Some(file) => {
            let text = read_text(Path::new(file)).map_err(|why| format!("{file}: {why}"))?;
            find(path, &text).map_err(|why| format!("{file}: {why}"))
        }
    }
}

fn find(path: &str, text: &str) -> Result<Option<HookRoute>, serde_json::Error> {
    let mut entries: BTreeMap<String, Entry> = serde_json::from_str(text)?;
    let found = entries.remove(path);
    Ok(found.map(|Entry { hook, then_next }| HookRoute { hook, then_next }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hook_has_a_path_and_other_paths_are_not_ours() {
        let entries: BTreeMap<String, Entry> = serde_json::from_str(ROUTES).expect("readable");
        for hook in Hook::ALL {
            assert!(entries.values().any(|entry| entry.hook == *hook), "{hook}");
        }
        for path in ["", "hooks/config-changed", "hooks/s3-parameters-relation-joined"] {
            assert_eq!(find(path, ROUTES).expect("readable"), None, "{path}");
        }
        let restore = find("actions/restore", ROUTES).expect("readable").expect("ours");
        assert_eq!(restore, HookRoute { hook: Hook::Restore, then_next: false });
        assert!(find("x", r#"{"x":{"hook":"nonsense"}}"#).is_err());
    }
}
