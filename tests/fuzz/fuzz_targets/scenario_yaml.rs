//! Any bytes, read as a stream of scenario-like documents: no panic, and every complaint at a place
//! that the file has.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use pgdrill_yaml::diagnostic::Diagnostic;
use pgdrill_yaml::yaml::{Spanned, documents_from_bytes, from_document};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[allow(dead_code)]
struct Scenario {
    scenario: String,
    #[serde(default)]
    covers: Vec<Spanned<String>>,
    given: Given,
    fire: Vec<Firing>,
    then: Option<Then>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[allow(dead_code)]
struct Given {
    units: u8,
    #[serde(default)]
    tls: bool,
    ratio: Option<f64>,
    pair: Option<(i8, char)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[allow(dead_code)]
struct Firing {
    hook: Spanned<Hook>,
    #[serde(default)]
    meanwhile: Vec<Change>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Hook {
    CreateBackup,
    UpdateStatus,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[allow(dead_code)]
enum Change {
    PrimaryMovesTo(usize),
    Fault { at: String, seconds: Option<u64> },
    Pair(u8, u8),
    Nothing,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
#[allow(dead_code)]
enum Then {
    Statuses(BTreeMap<usize, Hook>),
    Free(BTreeMap<String, Then>),
    Items(Vec<Then>),
    Number(i64),
    Text(String),
}

fn check(complaint: &Diagnostic, lines: usize) {
    assert!(!complaint.what.is_empty() && !complaint.what.contains('\n'));
    assert!(complaint.line <= lines.max(1), "{complaint:?}");
    assert!(!complaint.source.contains('\n'));
    if complaint.line > 0 {
        let length = complaint.source.chars().count();
        assert!((1..=length + 1).contains(&complaint.column), "{complaint:?}");
        assert!(complaint.width >= 1, "{complaint:?}");
        assert!(complaint.column + complaint.width <= length + 2, "{complaint:?}");
    }
}

fuzz_target!(|bytes: &[u8]| {
    let breaks = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r'));
    let lines = breaks.count() + 1;
    for document in documents_from_bytes(bytes, "fuzz") {
        match document {
            Err(complaint) => check(&complaint, lines),
            Ok(document) => {
                if let Err(complaint) = from_document::<Scenario>(&document) {
                    check(&complaint, lines);
                }
                if let Err(complaint) = from_document::<Then>(&document) {
                    check(&complaint, lines);
                }
            }
        }
    }
});
