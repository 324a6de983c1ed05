//! Dispatches as separate processes, against stand-ins with one simulated world behind them.

#![expect(clippy::expect_used, reason = "a test that can't go on says why")]

mod calls;
mod contract;
mod corpus;
mod kills;

use std::{collections::BTreeMap, path::Path};

use pgdrill_core::{Amendments, Hook};
use pgdrill_scenarios::Testbed as _;
use pgdrill_sim::{Awaited, BackupGiven, Change, Event, Given, S3Given, StanzaGiven};
use pgdrill_stand::{Programs, Rehearsal};

/// The program of which every dispatch and every hook tool is a process.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_pgdrill-stand");

/// That program as everything that a rehearsal starts.
pub(crate) fn programs() -> Programs {
    Programs::joined(Path::new(PROGRAM))
}

/// One situation in which an event comes to a unit.
pub(crate) struct Situation {
    pub(crate) name: &'static str,
    pub(crate) given: Given,
    /// The hooks that were fired on the unit before, each until the database was settled.
    pub(crate) before: &'static [Hook],
    pub(crate) hook: Hook,
    pub(crate) unit: u32,
}

/// A unit with an S3 relation and nothing in the bucket yet.
fn related() -> Given {
    Given { s3: Some(S3Given::default()), ..Given::default() }
}

/// A unit with an S3 relation, and a stanza that holds a backup.
fn ready() -> Given {
    Given { stanza: StanzaGiven::Initialised, backups: vec![BackupGiven::Full], ..related() }
}

/// Every hook at its longest, and some at their shortest.
pub(crate) fn situations() -> Vec<Situation> {
    let situation = |name, given, hook, unit| Situation { name, given, before: &[], hook, unit };
    let pair = || Given { units: 2, tls: true, ..ready() };
    let restoring = situation("a restore comes up", ready(), Hook::UpdateStatus, 0);
    vec![
        situation("S3 settings come", related(), Hook::S3CredentialsChanged, 0),
        situation("a primary backs up", ready(), Hook::CreateBackup, 0),
        situation("a replica backs up", pair(), Hook::CreateBackup, 1),
        situation("backups are listed", ready(), Hook::ListBackups, 0),
        situation("a backup is restored", ready(), Hook::Restore, 0),
        Situation { before: &[Hook::Restore], ..restoring },
        situation("nothing to do", Given::default(), Hook::UpdateStatus, 0),
        situation("certificates come", pair(), Hook::CertificatesChanged, 0),
    ]
}

impl Situation {
    pub(crate) async fn testbed(&self) -> Rehearsal {
        let testbed = Rehearsal::new(&programs(), &self.given).await;
        let testbed = testbed.expect("the stand-ins are set up");
        for hook in self.before {
            let backups = testbed.backups().await.expect("seen");
            let event = self.event_of(*hook, backups.first().map_or("", |backup| &backup.id));
            let delivered = testbed.fire(&event, Amendments::all(), &[]).await.expect("it ran");
            assert_eq!(delivered.fired.len(), 1, "{delivered:?}");
            testbed.happen(&Change::Await(Awaited::DatabaseSettled)).await.expect("settled");
        }
        testbed
    }

    pub(crate) fn event(&self, backup: &str) -> Event {
        self.event_of(self.hook, backup)
    }

    fn event_of(&self, hook: Hook, backup: &str) -> Event {
        let mut parameters = BTreeMap::new();
        if hook == Hook::Restore {
            parameters.insert("backup-id".to_owned(), backup.into());
        }
        Event { hook, unit: self.unit, parameters }
    }
}
