//! Every case of the corpus is one named test: it runs, is judged, and matches the snapshot beside it.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may panic")]

use std::{fs, path::PathBuf};

use insta::Settings;
use pgdrill_scenarios::{Verdict, judge, plan, read_text, run, transcript};
use rstest::rstest;

#[rstest]
#[tokio::test]
async fn case(
    #[files("../scenarios/cases/**/*.yaml")]
    #[base_dir = "${CARGO_MANIFEST_DIR}"]
    file: PathBuf,
) {
    let text = fs::read(&file).expect("the case is readable");
    let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
    let mut scenarios = read_text(&text, name);
    assert_eq!(scenarios.len(), 1, "a case file holds one scenario");
    let scenario = scenarios.remove(0).unwrap_or_else(|complaint| panic!("{complaint}"));
    let title = scenario.scenario.clone();
    let plan = plan(scenario, &[]);
    let run = run(&plan).await;
    let verdict = judge(&plan, &run).verdict;
    if matches!(verdict, Verdict::Failed(_)) {
        panic!("{title}:\n  {}", verdict.reasons().join("\n  "));
    }
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(file.parent().expect("a folder"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(title);
    let stem = file.file_stem().and_then(|stem| stem.to_str()).expect("a stem");
    settings.bind(|| insta::assert_snapshot!(stem, transcript(&run)));
}
