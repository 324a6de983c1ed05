//! A unit that is alone takes its own backup, with certificates and without: no other unit could.

#![allow(clippy::expect_used, reason = "a test may panic")]

use pgdrill_core::Outcome;
use pgdrill_scenarios::{Verdict, judge, plan, read_text, run};
use rstest::rstest;

#[rstest]
#[tokio::test]
async fn a_unit_that_is_alone_takes_its_own_backup(#[values(false, true)] tls: bool) {
    let text = format!(
        "scenario: x\ngiven: {{ tls: {tls}, s3: {{}}, stanza: initialised }}\n\
         fire: [{{ hook: create-backup }}]\n"
    );
    let scenario = read_text(text.as_bytes(), "x.yaml").remove(0).expect("readable");
    let plan = plan(scenario, &[]);
    let run = run(&plan).await;
    let outcome = run.firings.last().map(|step| &step.fired.firing.outcome);
    assert_eq!(outcome, Some(&Outcome::Finished));
    assert_eq!(run.observation.backups.len(), 1);
    assert_eq!(judge(&plan, &run).verdict, Verdict::Passed);
}
