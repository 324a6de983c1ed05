//! Hooks that run at the same time: what is expected of each, turns that end nowhere, and what is refused.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use pgdrill_scenarios::{Reason, Verdict, judge, plan, read_text, run};

const GIVEN: &str = "scenario: two backups at the same time
given: { units: 3, tls: true, s3: { related: true }, stanza: initialised }
fire:
  - together:
";

/// Two backups, of which the second has this beside its hook, in this order.
fn two_backups(second: &str, order: &str) -> String {
    format!(
        "{GIVEN}      - {{ hook: create-backup, unit: 1 }}\n      - {{ hook: create-backup, {second} }}\n    order: {order}\n"
    )
}

/// Where and why a scenario fails.
async fn failures(text: &str) -> Vec<(String, String)> {
    let scenario = read_text(text.as_bytes(), "x").pop().unwrap().expect("right");
    let plan = plan(scenario, &[]);
    let run = run(&plan).await;
    let reasons = match judge(&plan, &run).verdict {
        Verdict::Passed => Vec::new(),
        Verdict::Failed(reasons) => reasons,
        Verdict::Skipped(skip) => panic!("skipped: {skip}"),
    };
    let path = |reason: &Reason| reason.location().path.unwrap_or_default();
    reasons.iter().map(|reason| (path(reason), reason.to_string())).collect()
}

/// What the reader says of a text that it refuses.
fn refused(text: &str) -> String {
    let read = read_text(text.as_bytes(), "x").pop().unwrap();
    format!("{:?}", read.expect_err("refused"))
}

#[tokio::test]
async fn what_is_expected_of_one_hook_is_held_against_that_one() {
    let order = "[{ unit: 1, during: has_backup_creation_succeeded }, { unit: 2 }]";
    let right = two_backups("unit: 2, then: { outcome: failed }", order);
    assert_eq!(failures(&right).await, []);
    let wrong = two_backups("unit: 2, then: { outcome: finished }", order);
    let found = failures(&wrong).await;
    let [(path, why)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(path, "fire/0/together/1/then/outcome");
    assert!(why.contains("create-backup on unit 2"), "{why}");
}

#[tokio::test]
async fn a_turn_that_ends_where_nobody_comes_fails_the_scenario() {
    let order = "[{ unit: 1, until: is_blocked }, { unit: 2, after: fail_action2 }]";
    let found = failures(&two_backups("unit: 2", order)).await;
    let [(path, why)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(path, "fire/0/order/1");
    assert!(why.contains("the turn that ends at fail_action2 never happened"), "{why}");
}

#[test]
fn what_juju_can_not_do_at_the_same_time_is_refused() {
    let order = "[{ unit: 1 }]";
    for (second, order, why) in [
        ("unit: 1", order, "Juju runs one hook at a time on unit 1"),
        ("unit: 3", order, "there is no such unit"),
        ("unit: 2", "[{ unit: 0 }]", "no hook of this step runs on unit 0"),
        ("unit: 2", "[{ unit: 1, until: has_database_stopped }]", "has no shape"),
        ("unit: 2", "[{ unit: 1, during: set_maintenance }]", "nothing happens during"),
        ("unit: 2", "[{ unit: 1, until: is_blocked, after: is_blocked }]", "a turn has one of"),
        ("unit: 2", "[]", "`together` needs an `order`"),
        ("unit: 2, then: { backups: [full] }", order, "this is of one hook, while others run"),
    ] {
        let said = refused(&two_backups(second, order));
        assert!(said.contains(why), "{second} {order}: {said}");
    }
    let alone =
        format!("{GIVEN}      - {{ hook: restore, unit: 1 }}\n    order: [{{ unit: 1 }}]\n");
    assert!(refused(&alone).contains("one hook alone overlaps with nothing"));
}
