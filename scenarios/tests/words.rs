//! The words of the scenario file: all of them, as the schema has them, each with a case that shows it.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use pgdrill_scenarios::{Word, corpus, find_words, lacking_words, schema, words};
use serde_json::Value;

fn texts(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn named<'a>(words: &'a [Word], kind: &str, name: &str) -> &'a Word {
    words.iter().find(|word| word.kind == kind && word.name == name).unwrap()
}

/// Every sentence of the schema, on one line.
fn sentences(node: &Value, found: &mut BTreeSet<String>) {
    match node {
        Value::Object(entries) => {
            if let Some(Value::String(about)) = entries.get("description") {
                found.insert(about.split_whitespace().collect::<Vec<_>>().join(" "));
            }
            entries.values().for_each(|value| sentences(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| sentences(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_word_says_what_the_schema_says() {
    let mut all = BTreeSet::new();
    sentences(&serde_json::from_str(&schema()).unwrap(), &mut all);
    let words = words();
    assert!(words.len() > 200, "{}", words.len());
    // A path's own words stand in no file.
    for word in words.iter().filter(|word| word.kind != "word of a path") {
        let about = word.about.split(" Judged ").next().unwrap();
        assert!(all.contains(about), "{}: {about}", word.name);
        for (value, about) in &word.values {
            assert!(all.contains(about), "{}: {value}: {about}", word.name);
        }
    }
}

#[test]
fn every_case_that_is_named_is_there_and_hardly_any_word_lacks_one() {
    let cases: BTreeSet<String> =
        corpus().files.iter().map(|(file, ..)| file.trim_end_matches(".yaml").to_owned()).collect();
    let words = words();
    let named = words.iter().filter_map(|word| word.case.as_ref());
    assert_eq!(named.filter(|case| !cases.contains(*case)).collect::<Vec<_>>(), [""; 0]);
    let of_others =
        |word: &&Word| !["call of a port", "law", "word of a path"].contains(&word.kind);
    let without = words.iter().filter(of_others).filter(|word| word.case.is_none());
    // Nothing is known to be broken, and Juju alone shows the last two.
    let expected = ["known", "seed", "region", "unknown", "error"];
    assert_eq!(without.map(|word| word.name.as_str()).collect::<Vec<_>>(), expected);
}

#[test]
fn words_are_written_as_the_file_has_them() {
    let words = words();
    let form = |kind, name| named(&words, kind, name).form.clone();
    assert_eq!(
        form("change under `do`", "s3-server"),
        "do: { s3-server: up | down | hangs | denies }"
    );
    assert_eq!(form("change under `do`", "process-dies"), "do: process-dies");
    assert_eq!(form("change under `do`", "primary-moves-to"), "do: { primary-moves-to: N }");
    assert_eq!(form("key of `given`", "tls"), "tls: true | false");
    assert_eq!(form("key of a scenario", "covers"), "covers: [ HOOK/SHAPE, … ]");
    assert_eq!(
        form("expectation under `then`", "statuses"),
        "statuses: { UNIT: STATUS | { message: TEXT, name: STATUS }, … }"
    );
    let values: Vec<&str> = named(&words, "change under `do`", "s3-relation")
        .values
        .iter()
        .map(|it| it.0.as_str())
        .collect();
    assert_eq!(values, ["made", "gone"]);
}

#[test]
fn words_are_found_by_what_they_mean_and_what_is_lacking_is_told() {
    let words = words();
    let found = |text: &str| -> Vec<String> {
        find_words(&words, &texts(text)).iter().map(|word| word.name.clone()).collect()
    };
    assert_eq!(found("leader-moves"), ["leader-moves-to"]);
    assert!(found("CERTIFICATE").contains(&"tls".to_owned()), "{:?}", found("CERTIFICATE"));
    assert!(found("change").len() >= 20, "{:?}", found("change"));
    assert_eq!(found("no-such-word"), [""; 0]);
    let lacking = |text: &str| -> Vec<&str> {
        lacking_words(&texts(text)).into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(lacking("PITR"), ["point in time"]);
    assert_eq!(lacking("middle"), ["moment within a restore"]);
    assert!(found("concurrent").contains(&"together".to_owned()), "{:?}", found("concurrent"));
    assert!(found("failover").contains(&"primary-moves-to".to_owned()));
    assert!(found("certificates change").contains(&"tls".to_owned()));
    assert_eq!(lacking("leader-moves"), [""; 0]);
    assert_eq!(lacking("").len(), 2);
}
