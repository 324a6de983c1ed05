//! Hostile JSON that is JSON: what reaches whoever looks at the values.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::pieces;

/// A document with one value, or a few, that nobody expects there. `None`: it is no JSON.
pub(super) fn mutated(rng: &mut Rng, document: &str) -> Option<String> {
    let mut value: Value = serde_json::from_str(document).ok()?;
    for _ in 0..rng.usize(1..4) {
        change_within(rng, &mut value);
    }
    let text = value.to_string();
    Some(if rng.u8(..8) == 0 { with_a_key_twice(rng, &text, &value) } else { text })
}

/// Changes a value, or one that it holds: each level has its turn, however much lies below it.
fn change_within(rng: &mut Rng, value: &mut Value) {
    let goes_on = rng.u8(..3) > 0;
    match value {
        Value::Array(items) if goes_on && !items.is_empty() => {
            let at = rng.usize(..items.len());
            items.iter_mut().skip(at).take(1).for_each(|item| change_within(rng, item));
        }
        Value::Object(entries) if goes_on && !entries.is_empty() => {
            let at = rng.usize(..entries.len());
            entries.values_mut().skip(at).take(1).for_each(|item| change_within(rng, item));
        }
        Value::Array(_)
        | Value::Object(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_) => change(rng, value),
    }
}

fn change(rng: &mut Rng, value: &mut Value) {
    match (rng.u8(..6), &mut *value) {
        (0..=2, Value::Array(items)) => change_items(rng, items),
        (0..=2, Value::Object(entries)) => change_entries(rng, entries),
        (0..=3, Value::String(text)) => change_text(rng, text),
        (4, _) => {
            let inner = value.take();
            *value = if rng.bool() { json!([inner]) } else { json!({ "a": inner }) };
        }
        _ => *value = another(rng),
    }
}

fn change_text(rng: &mut Rng, text: &mut String) {
    let hostile = pieces::text(rng);
    match rng.u8(..4) {
        0 => *text = hostile,
        1 => text.push_str(&hostile),
        2 => text.insert_str(0, &hostile),
        _ => {
            let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            let at = if ends.is_empty() { None } else { ends.get(rng.usize(..ends.len())) };
            text.insert_str(at.copied().unwrap_or_default(), &hostile);
        }
    }
}

fn change_items(rng: &mut Rng, items: &mut Vec<Value>) {
    match rng.u8(..5) {
        0 | 4 => items.clear(),
        1 => items.push(another(rng)),
        2 if !items.is_empty() => drop(items.remove(rng.usize(..items.len()))),
        _ => {
            let first = items.first().cloned().unwrap_or_else(|| another(rng));
            items.extend(std::iter::repeat_n(first, rng.usize(1..300)));
        }
    }
}

fn change_entries(rng: &mut Rng, entries: &mut Map<String, Value>) {
    let keys: Vec<String> = entries.keys().cloned().collect();
    let key = if keys.is_empty() { None } else { keys.get(rng.usize(..keys.len())) };
    match (rng.u8(..4), key) {
        (0, Some(key)) => drop(entries.remove(key)),
        (1, Some(key)) => {
            let value = entries.remove(key).unwrap_or_default();
            entries.insert(pieces::text(rng), value);
        }
        (2, Some(key)) => drop(entries.insert(key.clone(), another(rng))),
        _ => drop(entries.insert(pieces::text(rng), another(rng))),
    }
}

/// A value of any kind.
fn another(rng: &mut Rng) -> Value {
    match rng.u8(..14) {
        0 => Value::Null,
        1 => rng.bool().into(),
        2 => (-1).into(),
        3 => 0.into(),
        4 => u64::MAX.into(),
        5 => i64::MIN.into(),
        6 => 1e308.into(),
        7 => 0.5.into(),
        8 => json!([]),
        9 => json!({}),
        10 => (1_u64 << rng.u32(..64)).into(),
        _ => pieces::text(rng).into(),
    }
}

/// The text with one of its keys once more, at its beginning.
fn with_a_key_twice(rng: &mut Rng, text: &str, value: &Value) -> String {
    let key = value.as_object().and_then(|entries| entries.keys().next());
    let (Some(rest), Some(key)) = (text.strip_prefix('{'), key) else { return text.to_owned() };
    let comma = if rest.starts_with('}') { "" } else { "," };
    format!("{{{}:{}{comma}{rest}", Value::from(key.as_str()), another(rng))
}
