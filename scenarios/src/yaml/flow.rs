//! A value as one line of YAML, as scenario files have it.

use pgdrill_sim::{Injection, Moment, Turn};
use serde::Serialize;
use serde_json::{Value, json};

/// A value on one line, in flow style: `{ s3-server: down }`. What can't be written as data is shown as `?`.
pub(crate) fn flow(value: &impl Serialize) -> String {
    serde_json::to_value(value).map_or_else(|_| "?".to_owned(), |value| flow_value(&value))
}

/// As [`flow`], of plain values.
pub(super) fn flow_value(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => scalar(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flow_value).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Object(entries) => {
            // Which unit is said first, and what happens there last.
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| (*key != "unit", *key == "do"));
            let entry = |(key, value): &(&String, &Value)| {
                format!("{}: {}", scalar(key), flow_value(value))
            };
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// A text as it is where nothing of it means something else, and in double quotes otherwise: every text that JSON quotes is one
/// that YAML reads.
pub(super) fn scalar(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    let is_plain = text.chars().all(is_word)
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && !["true", "false", "null"].contains(&text.to_ascii_lowercase().as_str());
    let is_unit = !text.is_empty() && text.len() < 2 && text.chars().all(|c| c.is_ascii_digit());
    if is_plain || is_unit { text.to_owned() } else { Value::from(text).to_string() }
}

/// An injection as an item of `meanwhile`.
pub(crate) fn injected(injection: &Injection) -> Value {
    match injection {
        Injection::Change { at, moment, change } => {
            let key = match moment {
                Moment::Before => "at",
                Moment::During => "during",
                Moment::After => "after",
            };
            json!({ key: at.to_string(), "do": change })
        }
        Injection::Lost(call) => json!({ "lost": call.to_string() }),
    }
}

/// A turn as an item of `order`.
pub(crate) fn ordered(turn: &Turn) -> Value {
    let Turn { unit, until } = turn;
    let Some((at, moment)) = until else { return json!({ "unit": unit }) };
    let key = match moment {
        Moment::Before => "until",
        Moment::During => "during",
        Moment::After => "after",
    };
    json!({ "unit": unit, key: at.to_string() })
}

#[cfg(test)]
mod tests {
    use pgdrill_sim::Change;

    use super::*;
    use crate::yaml::{documents_from_bytes, from_document};

    #[test]
    fn a_change_reads_as_it_was_written() {
        for form in [
            "process-dies",
            "primary-is-lost",
            "{ primary-moves-to: 1 }",
            "{ s3-server: down }",
            "{ refuse-keys-with: \"a: b, }\" }",
            "{ refuse-keys-with: \"true\" }",
            "{ refuse-keys-with: \"\" }",
            "{ s3-settings: {} }",
            "{ s3-settings: { bucket: absent, missing: [access-key], path: /other } }",
            "{ member: { unit: 2, is: cut-off } }",
            "{ tls: off }",
            "{ await: database-settled }",
        ] {
            let change = read(form);
            assert_eq!(flow(&change), form);
            assert_eq!(read(&flow(&change)), change);
        }
    }

    fn read(form: &str) -> Change {
        let document = documents_from_bytes(form.as_bytes(), "it").pop().expect("a document");
        from_document(&document.expect("YAML")).expect("a change")
    }
}
