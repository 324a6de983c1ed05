//! What can be taken away from a scenario, one thing at a time.

use serde_json::{Map, Value};

/// A place in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Key(String),
    Item(usize),
}

/// One way to make a scenario smaller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Edit {
    /// So many steps go, from this one on.
    Steps { from: usize, count: usize },
    /// A key or an item goes, with all that is in it.
    Remove(Vec<Part>),
    /// A number becomes this smaller one.
    Lower(Vec<Part>, u64),
    /// What happens within a step happens before it.
    Before { step: usize, item: usize },
    /// What a step brings about is given from the start.
    Given { step: usize },
    /// Hooks that run at the same time run one after another.
    Apart { step: usize },
}

impl Edit {
    /// Every one, those that take most first.
    pub(super) fn all(tree: &Map<String, Value>) -> Vec<Self> {
        let mut edits = Vec::new();
        let steps = tree.get("fire").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut count = steps.len() / 2;
        while count > 0 {
            edits.extend((0..steps.len()).step_by(count).map(|from| Self::Steps { from, count }));
            count /= 2;
        }
        edits.extend((0..steps.len()).map(|step| Self::Given { step }));
        edits.extend((0..steps.len()).map(|step| Self::Apart { step }));
        for (key, value) in tree {
            let place = vec![Part::Key(key.clone())];
            if !["scenario", "fire"].contains(&key.as_str()) {
                edits.push(Self::Remove(place.clone()));
            }
            below(value, &place, &mut edits);
        }
        for (step, value) in steps.iter().enumerate() {
            let items = value.get("meanwhile").and_then(Value::as_array).map_or(0, Vec::len);
            edits.extend((0..items).map(|item| Self::Before { step, item }));
        }
        edits
    }

    /// The tree with this done; `None` where there is nothing to do.
    pub(super) fn applied(&self, tree: &Map<String, Value>) -> Option<Map<String, Value>> {
        let mut tree = tree.clone();
        match self {
            Self::Steps { from, count } => {
                let steps = tree.get_mut("fire")?.as_array_mut()?;
                let end = (from + count).min(steps.len());
                if *from == 0 && end == steps.len() {
                    return None;
                }
                steps.drain(*from..end);
            }
            Self::Remove(place) => {
                let (last, above) = place.split_last()?;
                match (last, found(&mut tree, above)) {
                    (Part::Key(key), None) if above.is_empty() => drop(tree.remove(key)?),
                    (Part::Key(key), Some(Value::Object(entries))) => drop(entries.remove(key)?),
                    (Part::Item(index), Some(Value::Array(items))) if *index < items.len() => {
                        items.remove(*index);
                    }
                    _ => return None,
                }
            }
            Self::Lower(place, number) => *found(&mut tree, place)? = (*number).into(),
            Self::Before { step, item } => {
                let steps = tree.get_mut("fire")?.as_array_mut()?;
                let items = steps.get_mut(*step)?.get_mut("meanwhile")?.as_array_mut()?;
                let change = items.get(*item)?.get("do")?.clone();
                items.remove(*item);
                if items.is_empty() {
                    steps.get_mut(*step)?.as_object_mut()?.remove("meanwhile");
                }
                let before = Map::from_iter([("do".to_owned(), change)]);
                steps.insert(*step, before.into());
            }
            Self::Apart { step } => {
                let steps = tree.get_mut("fire")?.as_array_mut()?;
                let events = steps.get(*step)?.get("together")?.as_array()?.clone();
                steps.splice(*step..=*step, events);
            }
            Self::Given { step } => {
                let steps = tree.get_mut("fire")?.as_array_mut()?;
                if steps.len() < 2 || *step >= steps.len() {
                    return None;
                }
                let (place, value) = given_for(&steps.remove(*step))?;
                let mut into = tree.entry("given").or_insert_with(empty);
                for key in place {
                    into = into.as_object_mut()?.entry(*key).or_insert_with(empty);
                }
                *into = value;
            }
        }
        Some(tree)
    }
}

fn empty() -> Value {
    Map::new().into()
}

/// What can be given in place of a step: where it stands under `given`, and what it is.
fn given_for(step: &Value) -> Option<(&'static [&'static str], Value)> {
    if step.get("settle").is_some() {
        return Some((&["stanza"], "initialised".into()));
    }
    let (change, value) = step.get("do")?.as_object()?.iter().next()?;
    Some(match (change.as_str(), value) {
        ("s3-settings", Value::Object(settings)) if !settings.is_empty() => {
            (&["s3"], value.clone())
        }
        ("refuse-keys-with", _) => (&["s3", "bucket"], "forbidden".into()),
        ("tls", _) => (&["tls"], (value == "on").into()),
        ("scale-to", _) => (&["units"], value.clone()),
        ("leader-moves-to", _) => (&["leader"], value.clone()),
        ("primary-moves-to", _) => (&["primary"], value.clone()),
        _ => return None,
    })
}

/// What can be taken from within a value at a place.
fn below(value: &Value, place: &[Part], edits: &mut Vec<Edit>) {
    let inner = |part: Part| [place, &[part]].concat();
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let place = inner(Part::Key(key.clone()));
                edits.push(Edit::Remove(place.clone()));
                below(value, &place, edits);
            }
        }
        Value::Array(items) => {
            let are_steps = matches!(place, [Part::Key(key)] if key == "fire");
            for (index, value) in items.iter().enumerate() {
                let place = inner(Part::Item(index));
                if !are_steps {
                    edits.push(Edit::Remove(place.clone()));
                }
                below(value, &place, edits);
            }
        }
        Value::Number(number) => {
            if let Some(number) = number.as_u64().filter(|number| *number > 0) {
                let lower = [0, number / 2, number - 1];
                let mut lower = lower.to_vec();
                lower.dedup();
                edits.extend(lower.into_iter().map(|to| Edit::Lower(place.to_vec(), to)));
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// The value at a place below the root.
fn found<'t>(tree: &'t mut Map<String, Value>, place: &[Part]) -> Option<&'t mut Value> {
    let (first, rest) = place.split_first()?;
    let Part::Key(key) = first else { return None };
    let mut value = tree.get_mut(key)?;
    for part in rest {
        value = match part {
            Part::Key(key) => value.get_mut(key)?,
            Part::Item(index) => value.get_mut(*index)?,
        };
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn given_instead(scenario: Value, step: usize) -> Option<Value> {
        let tree = serde_json::from_value(scenario).expect("a scenario");
        Edit::Given { step }.applied(&tree).map(Value::from)
    }

    #[test]
    fn what_a_step_brings_about_is_given_instead() {
        for (step, given) in [
            (json!({ "settle": true }), json!({ "units": 2, "stanza": "initialised" })),
            (json!({ "do": { "tls": "on" } }), json!({ "units": 2, "tls": true })),
            (json!({ "do": { "tls": "off" } }), json!({ "units": 2, "tls": false })),
            (json!({ "do": { "scale-to": 3 } }), json!({ "units": 3 })),
            (json!({ "do": { "leader-moves-to": 1 } }), json!({ "units": 2, "leader": 1 })),
            (json!({ "do": { "primary-moves-to": 1 } }), json!({ "units": 2, "primary": 1 })),
            (
                json!({ "do": { "refuse-keys-with": "/archive/" } }),
                json!({ "units": 2, "s3": { "bucket": "forbidden" } }),
            ),
            (
                json!({ "do": { "s3-settings": { "credentials": "wrong" } } }),
                json!({ "units": 2, "s3": { "credentials": "wrong" } }),
            ),
        ] {
            let last = json!({ "hook": "update-status" });
            let before = json!({ "given": { "units": 2 }, "fire": [step, last] });
            let after = json!({ "given": given, "fire": [last] });
            assert_eq!(given_instead(before, 0), Some(after));
        }
    }

    #[test]
    fn hooks_that_run_at_the_same_time_run_one_after_another() {
        let (one, other) = (
            json!({ "hook": "create-backup", "unit": 0 }),
            json!({ "hook": "restore", "unit": 1 }),
        );
        let both = json!({ "together": [one, other], "order": [{ "unit": 1 }] });
        let tree = serde_json::from_value(json!({ "fire": [both] })).expect("a scenario");
        let apart = Edit::Apart { step: 0 }.applied(&tree).map(Value::from);
        assert_eq!(apart, Some(json!({ "fire": [one, other] })));
    }

    #[test]
    fn what_can_not_be_given_stays_a_step() {
        let last = json!({ "hook": "update-status" });
        for step in [last.clone(), json!({ "do": { "dcs": "down" } })] {
            assert_eq!(given_instead(json!({ "fire": [step, last] }), 0), None);
        }
        let alone = json!({ "fire": [{ "settle": true }] });
        assert_eq!(given_instead(alone, 0), None, "no step would be left");
    }
}
