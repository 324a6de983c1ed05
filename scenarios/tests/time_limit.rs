//! A run whose time is up breaks off, wherever it waits.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::{future::pending, time::Duration};

use async_trait::async_trait;
use pgdrill_core::{Amendments, Hook};
use pgdrill_scenarios::{
    Cause, Delivered, Plan, Prevented, Testbed, Verdict, judge, plan, read_text, run, run_in,
};
use pgdrill_sim::{BackupSeen, Change, Event, Given, Injection, Observation, Part, Shelf, World};

const TWO_STEPS: &str = "\
scenario: two steps
given: { s3: { related: true }, stanza: initialised }
fire:
  - do: { s3-server: down }
  - hook: list-backups
then: { outcome: finished }
covers: [list-backups/return_formatted_backup_list]
";

/// Long enough for what never ends.
const LIMIT: Duration = Duration::from_millis(20);

/// A place in which one of these never ends.
#[derive(Clone, Copy, PartialEq)]
enum Hangs {
    Change,
    Firing,
    Look,
}

#[async_trait]
impl Testbed for Hangs {
    async fn happen(&self, _: &Change) -> Result<(), Prevented> {
        if *self == Self::Change { pending().await } else { Ok(()) }
    }

    async fn deliver(
        &self,
        _: &Event,
        _: Amendments,
        _: &[Injection],
        _: Option<Part>,
    ) -> Result<Delivered, Prevented> {
        if *self == Self::Firing { pending().await } else { Ok(Delivered::default()) }
    }

    async fn backups(&self) -> Result<Shelf<BackupSeen>, Prevented> {
        Ok(Shelf::default())
    }

    async fn observe(&self) -> Result<Observation, Prevented> {
        if *self == Self::Look {
            pending().await
        } else {
            Ok(World::new(&Given::default()).observe())
        }
    }

    fn is_watched(&self) -> bool {
        false
    }

    async fn undo_faults(&self) -> Result<(), Prevented> {
        Ok(())
    }

    async fn owed(&self, _: u32) -> Result<Vec<Hook>, Prevented> {
        Ok(Vec::new())
    }

    async fn pass_time(&self) -> Result<(), Prevented> {
        Ok(())
    }

    async fn copy(&self) -> Option<World> {
        None
    }
}

fn planned(limit: Option<Duration>) -> Plan {
    let scenario = read_text(TWO_STEPS.as_bytes(), "two.yaml").swap_remove(0).expect("readable");
    Plan { time_limit: limit, ..plan(scenario, &[]) }
}

#[tokio::test]
async fn what_never_ends_is_broken_off_at_its_step_for_one_reason() {
    for (hangs, step) in [(Hangs::Change, 0), (Hangs::Firing, 1), (Hangs::Look, 1)] {
        let plan = planned(Some(LIMIT));
        let run = run_in(&hangs, &plan).await;
        assert_eq!(run.broken, Some(Cause::TookLonger(LIMIT)));
        assert_eq!(run.stopped_at, Some(step));
        let verdict = judge(&plan, &run).verdict;
        assert_eq!(verdict.reasons(), ["took longer than 20ms"]);
        assert!(matches!(&verdict, Verdict::Failed(why) if why[0].kind() == "took-longer"));
    }
}

#[tokio::test]
async fn what_never_waits_is_broken_off_between_two_steps() {
    let late = run(&planned(Some(Duration::from_nanos(1)))).await;
    assert!(late.is_late() && late.firings.is_empty(), "{late:?}");
    let whole = run(&planned(Some(Duration::from_secs(3600)))).await;
    assert_eq!(whole, run(&planned(None)).await);
}
