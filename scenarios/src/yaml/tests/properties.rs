//! Whatever comes, there is an answer; what is written is read back.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;
use serde::Deserialize;

use super::super::{documents, documents_from_bytes, from_document};
use super::{Scenario, read};
use pgdrill_core::Diagnostic;

const VALID: &str = "--- # first\nscenario: \"a \\u00e9\"\ncovers: [a/b, 'c''d']\ngiven:\n  units: 2\n  tls: true\n  s3: { related: true, }\nfire:\n- hook: create-backup\n  meanwhile:\n    - primary-moves-to: 1\n    - fault: {at: x, seconds: 3}\n---\nscenario: |+\n  text\n\n   more\ngiven: {units: 1}\nthen:\n  statuses:\n    0: active\n...\n";

/// Reads all that can be read; every complaint stands at a place that the text has.
fn check(bytes: &[u8]) {
    for document in documents_from_bytes(bytes, "f") {
        match document {
            Ok(document) => {
                if let Err(complaint) = from_document::<Scenario>(&document) {
                    placed(&complaint);
                }
                if let Err(complaint) = from_document::<Value>(&document) {
                    placed(&complaint);
                }
            }
            Err(complaint) => placed(&complaint),
        }
    }
}

fn placed(complaint: &Diagnostic) {
    assert!(!complaint.what.contains('\n'), "{complaint:?}");
    assert!(!complaint.source.contains('\n'), "{complaint:?}");
    if complaint.line > 0 {
        let length = complaint.source.chars().count();
        let end = complaint.column + complaint.width;
        assert!(complaint.column >= 1 && complaint.width >= 1, "{complaint:?}");
        assert!(end <= length + 2, "{complaint:?}");
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
enum Value {
    Null,
    Bool(bool),
    Signed(i64),
    Float(f64),
    Text(String),
    Items(Vec<Value>),
    Keys(BTreeMap<String, Value>),
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Signed),
        (-1e9f64..1e9).prop_map(|number| Value::Float(number + 0.1)),
        any::<String>().prop_map(Value::Text),
        "[a-z :#,'\"\\n-]{0,12}".prop_map(Value::Text),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Items),
            proptest::collection::btree_map("[a-z0-9\"é\\n ]{0,8}", inner, 0..6)
                .prop_map(Value::Keys),
        ]
    })
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            'a'..='z' | ' ' | ':' | '#' | 'é' => out.push(character),
            _ => write!(out, "\\U{:08x}", u32::from(character)).unwrap(),
        }
    }
    out + "\""
}

/// Writes a value in blocks, brackets where it is empty.
fn write_value(value: &Value, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Value::Null => out.push_str(" ~\n"),
        Value::Bool(value) => writeln!(out, " {value}").unwrap(),
        Value::Signed(value) => writeln!(out, " {value}").unwrap(),
        Value::Float(value) => writeln!(out, " {value:?}").unwrap(),
        Value::Text(text) => writeln!(out, " {}", quoted(text)).unwrap(),
        Value::Items(items) if items.is_empty() => out.push_str(" []\n"),
        Value::Keys(keys) if keys.is_empty() => out.push_str(" { }\n"),
        Value::Items(items) => {
            out.push('\n');
            for item in items {
                write!(out, "{pad}-").unwrap();
                write_value(item, indent + 1, out);
            }
        }
        Value::Keys(keys) => {
            out.push('\n');
            for (key, value) in keys {
                write!(out, "{pad}{}:", quoted(key)).unwrap();
                write_value(value, indent + 2, out);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text_has_an_answer(text in any::<String>()) {
        check(text.as_bytes());
    }

    #[test]
    fn any_bytes_have_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        check(&bytes);
    }

    #[test]
    fn any_punctuation_has_an_answer(text in "[-a:#,'\"\\[\\]{}|>&*!%@?\\\\.~ \\t\\n\\r\u{feff}é]{0,60}") {
        check(text.as_bytes());
    }

    #[test]
    fn a_spoilt_scenario_has_an_answer(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0usize..4, "[-a:#,'\"\\[\\]{}|>&*!%? \\t\\n0é]{0,3}"), 1..6)
    ) {
        let mut text: Vec<char> = VALID.chars().collect();
        for (at, removed, inserted) in edits {
            let at = at.index(text.len() + 1);
            let end = (at + removed).min(text.len());
            text.splice(at..end, inserted.chars());
        }
        check(text.into_iter().collect::<String>().as_bytes());
    }

    #[test]
    fn what_is_written_is_read_back(value in value()) {
        let mut text = String::from("---");
        write_value(&value, 0, &mut text);
        prop_assert_eq!(read::<Value>(&text), Ok(value), "{}", text);
    }
}

#[test]
fn the_text_that_gets_spoilt_is_valid() {
    let read = documents(VALID, "f");
    assert_eq!(read.len(), 2);
    for document in read {
        from_document::<Scenario>(&document.unwrap()).unwrap();
    }
}
