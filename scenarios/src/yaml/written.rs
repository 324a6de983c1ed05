//! A scenario as the text of its file, from a tree of plain values.

use serde_json::{Map, Value};

use super::flow::{flow_value, scalar};

/// The keys of a scenario in the order in which files have them; any other comes after them.
const KEYS: [&str; 7] = ["scenario", "covers", "without", "given", "fire", "then", "known"];
/// As [`KEYS`], of a step.
const STEP_KEYS: [&str; 9] =
    ["hook", "unit", "params", "meanwhile", "together", "order", "do", "settle", "then"];
/// The keys of a step whose items stand one beneath the other.
const LISTS: [&str; 3] = ["meanwhile", "together", "order"];

/// The text of a scenario's file. Reading it gives the same tree.
pub(crate) fn scenario_text(tree: &Map<String, Value>) -> String {
    let mut out = String::new();
    for (key, value) in in_order(tree, &KEYS) {
        let entries =
            value.as_object().filter(|it| ["given", "then"].contains(&key) && !it.is_empty());
        let items =
            value.as_array().filter(|it| ["fire", "known"].contains(&key) && !it.is_empty());
        match (entries, items) {
            (Some(entries), _) => {
                out.push_str(&format!("{key}:\n"));
                for (inner, value) in entries {
                    out.push_str(&format!("  {}: {}\n", scalar(inner), inner_value(inner, value)));
                }
            }
            (None, Some(items)) => {
                out.push_str(&format!("{key}:\n"));
                items.iter().for_each(|item| push_step(&mut out, item));
            }
            (None, None) => out.push_str(&format!("{}: {}\n", scalar(key), flow_value(value))),
        }
    }
    out
}

/// A relation without a word about it is one in which all is right, which is easily overlooked.
fn inner_value(key: &str, value: &Value) -> String {
    if key == "s3" && value.as_object().is_some_and(Map::is_empty) {
        return "{ related: true }".to_owned();
    }
    flow_value(value)
}

fn push_step(out: &mut String, step: &Value) {
    let Some(entries) = step.as_object().filter(|entries| !entries.is_empty()) else {
        out.push_str(&format!("  - {}\n", flow_value(step)));
        return;
    };
    for (index, (key, value)) in in_order(entries, &STEP_KEYS).into_iter().enumerate() {
        let lead = if index == 0 { "  - " } else { "    " };
        match value.as_array().filter(|items| LISTS.contains(&key) && !items.is_empty()) {
            Some(items) => {
                out.push_str(&format!("{lead}{key}:\n"));
                let lines = items.iter().map(|item| format!("      - {}\n", flow_value(item)));
                out.extend(lines);
            }
            None => out.push_str(&format!("{lead}{}: {}\n", scalar(key), flow_value(value))),
        }
    }
}

fn in_order<'t>(tree: &'t Map<String, Value>, order: &[&str]) -> Vec<(&'t str, &'t Value)> {
    let mut entries: Vec<_> = tree.iter().map(|(key, value)| (key.as_str(), value)).collect();
    let rank = |key: &str| order.iter().position(|it| *it == key).unwrap_or(order.len());
    entries.sort_by_key(|(key, _)| rank(key));
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        corpus::corpus,
        yaml::{documents_from_bytes, plain},
    };

    #[test]
    fn every_case_is_read_as_it_was_written() {
        let mut count = 0;
        for (name, content, _) in corpus().files {
            for document in documents_from_bytes(&content, &name) {
                let tree = plain(document.expect("YAML").root());
                let tree = tree.as_object().expect("a mapping");
                let text = scenario_text(tree);
                let read = documents_from_bytes(text.as_bytes(), &name).pop().expect("a document");
                let mut read = plain(read.expect("YAML").root());
                // What is right without a word is written with one.
                if let Some(s3) = read.pointer_mut("/given/s3").and_then(Value::as_object_mut)
                    && tree
                        .get("given")
                        .and_then(|given| given.get("s3")?.as_object())
                        .is_some_and(Map::is_empty)
                {
                    s3.clear();
                }
                assert_eq!(read.as_object(), Some(tree), "{name}:\n{text}");
                count += 1;
            }
        }
        assert!(count > 200, "{count}");
    }
}
