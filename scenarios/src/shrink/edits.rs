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
        }
        Some(tree)
    }
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
