//! What is read and what is said about what cannot be read.

mod hostile;
mod more_types;
mod properties;
mod shapes;
mod stream;
mod types;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Spanned, YamlDocument, documents, from_document};
use pgdrill_core::Diagnostic;

/// A type of every form that scenarios use.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Scenario {
    scenario: String,
    #[serde(default)]
    covers: Vec<Spanned<String>>,
    given: Given,
    #[serde(default)]
    fire: Vec<Firing>,
    then: Option<Then>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Given {
    units: u8,
    #[serde(default)]
    tls: bool,
    s3: Option<S3>,
    seconds: Option<f64>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct S3 {
    related: bool,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Firing {
    hook: Hook,
    #[serde(default)]
    meanwhile: Vec<Change>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Hook {
    CreateBackup,
    UpdateStatus,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Change {
    PrimaryMovesTo(usize),
    Fault { at: String, seconds: Option<u64> },
    Cut(u8, u8),
    Nothing,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Then {
    #[serde(default)]
    statuses: BTreeMap<u32, String>,
}

fn only(text: &str) -> Result<YamlDocument, Diagnostic> {
    let mut read = documents(text, "case.yaml");
    assert_eq!(read.len(), 1, "{text:?} holds one document");
    read.remove(0)
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Diagnostic> {
    from_document(&only(text)?)
}

/// A complaint in one line: `line:column+width what | hint`.
fn line(complaint: &Diagnostic) -> String {
    let Diagnostic { line, column, width, what, hint, .. } = complaint;
    let hint = hint.as_deref().unwrap_or("-");
    format!("{line}:{column}+{width} {what} | {hint}")
}

#[track_caller]
fn complains<T: DeserializeOwned + std::fmt::Debug>(text: &str, expected: &str) {
    match read::<T>(text) {
        Ok(value) => panic!("{text:?} is read as {value:?}"),
        Err(complaint) => assert_eq!(line(&complaint), expected, "{text:?}"),
    }
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    match only(text) {
        Ok(document) => panic!("{text:?} is read as {:?}", document.root()),
        Err(complaint) => assert_eq!(line(&complaint), expected, "{text:?}"),
    }
}
