//! What blocks a unit and is not about S3 stays, whatever becomes of the S3 relation.

#![allow(clippy::expect_used, reason = "a test may panic")]

use pgdrill_core::{Status, StatusName, texts};
use pgdrill_scenarios::{plan, read_text, run};
use rstest::rstest;

#[rstest]
#[case::the_relation_is_gone("", 0)]
#[case::the_unit_does_not_lead("s3: {}, ", 1)]
#[tokio::test]
async fn a_block_of_another_kind_outlives_a_change_of_s3(#[case] s3: &str, #[case] unit: u32) {
    for message in [texts::RESTORE_FAILED, "by hand"] {
        let text = format!(
            "scenario: x\ngiven: {{ units: 2, {s3}statuses: \
             {{ {unit}: {{ name: blocked, message: \"{message}\" }} }} }}\n\
             fire: [{{ hook: s3-credentials-changed, unit: {unit} }}]\n"
        );
        let scenario = read_text(text.as_bytes(), "x.yaml").remove(0).expect("readable");
        let seen = run(&plan(scenario, &[])).await.observation;
        let shown = seen.units.iter().find(|seen| seen.unit == unit).expect("it is there").status();
        assert_eq!(shown, Status::new(StatusName::Blocked, message));
    }
}
