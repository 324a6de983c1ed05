//! Dispatches killed at every call of every port, and what the next event makes of it.

use std::fmt::Write as _;

use futures_util::{StreamExt as _, stream};
use pgdrill_core::{Amendments, Hook};
use pgdrill_scenarios::{Testbed as _, left_by};
use pgdrill_sim::{Awaited, Change, Event, Observation};
use pgdrill_stand::{Rehearsal, Treatment};

use crate::{Situation, situations};

/// The calls that take something away which a second time could not be undone.
const DESTRUCTIVE: [&str; 2] = ["cluster record.remove", "workload.empty_data_directory"];

/// What stood around a kill.
struct Killed {
    testbed: String,
    /// What was wrong before the next event, and what still is after it.
    before: Vec<String>,
    after: Vec<String>,
}

/// What no unit may be left in.
fn wrong(seen: &Observation) -> Vec<String> {
    left_by(seen).iter().map(ToString::to_string).collect()
}

async fn fire(testbed: &Rehearsal, event: &Event, treatment: Treatment) -> Vec<String> {
    let fired = testbed.dispatch(event, Amendments::all(), &[], treatment).await;
    let (_, shown) = fired.expect("it ran");
    assert_eq!(shown.is_killed, treatment.kill_at.is_some());
    shown.calls
}

/// How often each destructive step was taken.
fn destructive(calls: &[String]) -> usize {
    // Each call is reported before and after it.
    calls.iter().filter(|call| DESTRUCTIVE.contains(&call.as_str())).count() / 2
}

async fn kill(situation: &Situation, at: usize) -> Killed {
    let testbed = situation.testbed().await;
    let backups = testbed.backups().await.expect("seen");
    let event = situation.event(backups.first().map_or("", |backup| backup.id.as_str()));
    let killed = Treatment { counts_calls: true, kill_at: Some(at) };
    let calls = fire(&testbed, &event, killed).await;
    let before = wrong(&testbed.observe().await.expect("seen"));
    let counted = Treatment { counts_calls: true, kill_at: None };
    if !situation.hook.is_action() {
        // Juju delivers the event again.
        fire(&testbed, &event, counted).await;
    }
    let next = Event { hook: Hook::UpdateStatus, unit: situation.unit, ..event.clone() };
    let mut later = Vec::new();
    for _ in 0..2 {
        later.extend(fire(&testbed, &next, counted).await);
        testbed.happen(&Change::Await(Awaited::DatabaseSettled)).await.expect("settled");
    }
    let seen = testbed.observe().await.expect("seen");
    let mut after = wrong(&seen);
    if destructive(&later) > 0 {
        after.push("a later event took a destructive step of its own".to_owned());
    }
    for backup in &backups {
        if !seen.backups.contains(backup) {
            after.push(format!("backup {} is lost", backup.label));
        }
    }
    let testbed = calls.last().cloned().unwrap_or_default();
    Killed { testbed, before, after }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispatch_killed_at_any_port_call_leaves_what_the_next_event_repairs() {
    let mut table = String::new();
    let mut lost = Vec::new();
    let (mut total, mut repaired) = (0, 0);
    for situation in situations() {
        let testbed = situation.testbed().await;
        let backups = testbed.backups().await.expect("seen");
        let event = situation.event(backups.first().map_or("", |backup| backup.id.as_str()));
        let counted = Treatment { counts_calls: true, kill_at: None };
        let reports = fire(&testbed, &event, counted).await.len();
        // Before every call, and after the last: after one is before the next.
        let points: Vec<usize> = (1..=reports).step_by(2).chain([reports]).collect();
        let runs = stream::iter(&points).map(|&at| kill(&situation, at)).buffered(4);
        let killed: Vec<Killed> = runs.collect().await;
        let broken = killed.iter().filter(|it| !it.before.is_empty()).count();
        let left = killed.iter().filter(|it| !it.after.is_empty()).count();
        let _ = writeln!(
            table,
            "{:22} {:22} {:3} points, {:2} left something, {} of them still after the next event",
            situation.name,
            situation.hook.name(),
            killed.len(),
            broken,
            left
        );
        total += killed.len();
        repaired += broken - left;
        for it in killed.iter().filter(|it| !it.after.is_empty()) {
            lost.push(format!("{} at {}: {}", situation.name, it.testbed, it.after.join("; ")));
        }
    }
    let _ = writeln!(table, "{total} points, {repaired} repaired, {} lost", lost.len());
    assert!(lost.is_empty(), "{table}\n{}", lost.join("\n"));
    insta::assert_snapshot!(table);
}
