//! The pages of the guide.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::BTreeSet, path::Path};

use pgdrill_scenarios::{TOPICS, reference, words};

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("doc")
}

#[test]
fn every_page_is_a_topic() {
    let pages: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name();
            // A picture is no page.
            name.to_string_lossy().strip_suffix(".md").map(str::to_owned)
        })
        .collect();
    assert_eq!(pages, TOPICS.iter().map(|topic| topic.name.to_owned()).collect());
}

/// The page is written anew where snapshots are.
#[test]
fn the_reference_is_what_the_types_say() {
    let page = folder().join("scenario-file.md");
    #[allow(clippy::disallowed_methods, reason = "the same variable as for snapshots")]
    if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        std::fs::write(&page, reference()).unwrap();
    }
    let written = std::fs::read_to_string(&page).unwrap_or_default();
    assert!(
        written == reference(),
        "`INSTA_UPDATE=always cargo test` writes {} anew",
        page.display()
    );
}

#[test]
fn every_change_is_told_for_containers_and_every_topic_that_is_named_is_there() {
    let faults = TOPICS.iter().find(|topic| topic.name == "faults").unwrap().text;
    let told: BTreeSet<&str> = faults
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |").map(|(first, _)| first))
        .flat_map(|first| first.split("`, `"))
        .collect();
    let words = words();
    let changes = words.iter().filter(|word| word.kind.starts_with("change "));
    assert_eq!(told, changes.map(|word| word.name.as_str()).collect());
    for topic in TOPICS {
        for named in topic.text.split("pgdrill help ").skip(1) {
            let name = named.split(|c: char| !c.is_ascii_lowercase() && c != '-').next().unwrap();
            assert!(TOPICS.iter().any(|topic| topic.name == name), "{}: {name}", topic.name);
        }
    }
}
