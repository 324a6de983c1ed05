//! The cases that `ci/second-s3` runs on a second S3 server: enough of them that no kind of answer is seen on one alone.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may panic")]

use std::{collections::BTreeSet, fs, path::Path};

/// What a scenario can say of S3 that a server shows by an answer of its own, as cases write it. The relation's data that
/// no server sees is not among them.
const FAULTS: &[&str] = &[
    "s3-server: down",
    "s3-server: hangs",
    "s3-server: denies",
    "bucket: absent",
    "bucket: forbidden",
    "bucket: ill-named",
    "credentials: wrong",
    "ca: wrong",
    "ca: missing",
    "endpoint: unreachable",
    "refuse-keys-with: /latest",
    "refuse-keys-with: /backup.log",
    "refuse-keys-with: /archive/",
    "refuse-keys-with: \"\"",
    "s3-relation: gone",
];

/// The places at which a case can say something of S3.
const PLACES: &[&str] = &[
    "s3-server: ",
    "bucket: ",
    "credentials: ",
    "ca: ",
    "endpoint: ",
    "refuse-keys-with: ",
    "s3-relation: ",
];
/// What is no fault there.
const WELL: &[&str] = &["up", "present", "right", "with-path", "made"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository")
}

/// The selection, as it stands in the script.
fn selected() -> Vec<String> {
    let script = fs::read_to_string(root().join("ci/second-s3")).expect("a script");
    let (_, list) = script.split_once("cases=(\n").expect("the list begins");
    let (list, _) = list.split_once("\n)").expect("the list ends");
    list.lines().map(|line| line.trim().to_owned()).collect()
}

fn case(name: &str) -> String {
    let path = root().join("scenarios/cases").join(name).with_extension("yaml");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn folders() -> BTreeSet<String> {
    let entries = fs::read_dir(root().join("scenarios/cases")).expect("the cases");
    let names = entries.map(|entry| entry.expect("readable").file_name());
    names.map(|name| name.to_string_lossy().into_owned()).collect()
}

/// The faults that a case has, in the words of [`FAULTS`], and any that this list lacks.
fn faults(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for place in PLACES {
        for (at, _) in text.match_indices(place) {
            let whole =
                text[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '-');
            let value =
                text[at + place.len()..].split([' ', ',', '}', '\n']).next().unwrap_or_default();
            if whole && !WELL.contains(&value) {
                let value = if value == "\"/archive/\"" { "/archive/" } else { value };
                found.insert(format!("{place}{value}"));
            }
        }
    }
    found
}

#[test]
fn every_folder_of_cases_and_every_fault_of_s3_is_in_the_selection() {
    let selected = selected();
    let of_folders: BTreeSet<String> =
        selected.iter().filter_map(|name| Some(name.split_once('/')?.0.to_owned())).collect();
    assert_eq!(of_folders, folders());
    let shown: BTreeSet<String> = selected.iter().flat_map(|name| faults(&case(name))).collect();
    let known: BTreeSet<String> = FAULTS.iter().map(|&fault| fault.to_owned()).collect();
    assert_eq!(shown, known);
}

#[test]
fn no_case_has_a_fault_of_s3_that_the_selection_is_not_asked_for() {
    let mut all = BTreeSet::new();
    for folder in folders() {
        for entry in fs::read_dir(root().join("scenarios/cases").join(folder)).expect("a folder") {
            let path = entry.expect("readable").path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                all.extend(faults(&fs::read_to_string(path).expect("a case")));
            }
        }
    }
    let known: BTreeSet<String> = FAULTS.iter().map(|&fault| fault.to_owned()).collect();
    assert_eq!(all, known);
}
