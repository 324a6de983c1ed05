//! What is injected into a firing on real servers, in the middle of a command, too: the command is stopped there, the
//! changes are made, and it goes on.

use std::{pin::pin, sync::Arc};

use async_trait::async_trait;
use futures_util::future::{Either, select};
use pgdrill_core::{
    Fate, Ports,
    ports::{Answer, Call, CallMade, Observer, PortError},
};
use pgdrill_scenarios::{Prevented, Testbed as _};
use pgdrill_sim::{Change, Inject, Injector};
use tokio::sync::Mutex;

use super::{ContainersTestbed, testbed::broken};

/// The unit on which an event fires, as the target of what is injected into its firings.
pub(super) struct FiringUnit {
    testbed: ContainersTestbed,
    unit: u32,
    midway: Mutex<Midway>,
}

/// What becomes of a command in its middle.
#[derive(Debug, Default)]
enum Midway {
    /// Nothing.
    #[default]
    Unarmed,
    /// It is stopped there, others have their turn if it is theirs, and these changes are made.
    Armed(Vec<Change>),
    /// It was, and they were.
    Passed(Result<(), Prevented>),
}

impl FiringUnit {
    pub(super) fn new(testbed: ContainersTestbed, unit: u32) -> Self {
        Self { testbed, unit, midway: Mutex::default() }
    }

    /// The command is stopped in its middle: what is to happen there does, and it goes on.
    async fn strike(&self) {
        let mut midway = self.midway.lock().await;
        let Midway::Armed(changes) = &*midway else { return };
        let mut made = Ok(());
        for change in changes {
            made = if *change == Change::BackupIsKilled {
                self.testbed.topology.kill_backup(self.unit).await.map_err(broken)
            } else {
                self.testbed.happen(change).await
            };
            if made.is_err() {
                break;
            }
        }
        // A command that has died with its container can't go on.
        let resumed = self.testbed.topology.resume_backup(self.unit).await;
        let is_there = self.testbed.topology.is_running(self.unit).await;
        let resumed = if is_there { resumed.map_err(broken) } else { Ok(()) };
        *midway = Midway::Passed(made.and(resumed));
    }
}

#[async_trait]
impl Inject for FiringUnit {
    type Error = Prevented;

    async fn inject(&self, change: &Change) -> Result<(), Prevented> {
        self.testbed.happen(change).await
    }

    async fn arm(&self, _: Call, changes: &[Change], _: bool) -> Result<(), Prevented> {
        *self.midway.lock().await = Midway::Armed(changes.to_vec());
        self.testbed.topology.stop_backup_midway(self.unit).await.map_err(broken)
    }

    async fn disarm(&self) -> Result<bool, Prevented> {
        match std::mem::take(&mut *self.midway.lock().await) {
            Midway::Unarmed => Ok(false),
            Midway::Armed(_) => {
                let resumed = self.testbed.topology.resume_backup(self.unit).await;
                resumed.map(|()| false).map_err(broken)
            }
            Midway::Passed(made) => made.map(|()| true),
        }
    }
}

/// The observer that injects into a firing's calls.
pub(super) struct AtCalls(Arc<Injector<FiringUnit>>);

impl AtCalls {
    /// These ports, with what is to happen at their calls. Where nothing is, they are as they were.
    pub(super) fn observe(injector: &Arc<Injector<FiringUnit>>, ports: Ports) -> Ports {
        match injector.waits_for_calls() {
            true => ports.observed(Arc::new(Self(Arc::clone(injector)))),
            false => ports,
        }
    }
}

#[async_trait]
impl Observer for AtCalls {
    async fn before(&self, call: Call) -> Fate {
        self.0.before_call(call).await
    }

    fn makes(&self, call: Call) -> bool {
        call == Call::RepositoryBackUp
    }

    async fn make(&self, call: Call, made: CallMade<'_>) {
        let target = self.0.target();
        if !matches!(*target.midway.lock().await, Midway::Armed(_)) {
            return made.await;
        }
        let stopped = pin!(target.testbed.topology.backup_stopped(target.unit));
        match select(made, stopped).await {
            // It has ended without coming so far.
            Either::Left(((), _)) => {}
            Either::Right((Ok(true), made)) => {
                self.0.in_the_middle(call).await;
                target.strike().await;
                made.await;
            }
            Either::Right((Ok(false), made)) => made.await,
            Either::Right((Err(why), made)) => {
                // Whatever is stopped goes on, and the run breaks off for what could not be done.
                let _ = target.testbed.topology.resume_backup(target.unit).await;
                *target.midway.lock().await = Midway::Passed(Err(broken(why)));
                made.await;
            }
        }
    }

    fn fate(&self) -> Fate {
        self.0.fate()
    }

    async fn after(&self, call: Call, _: Option<&PortError>) -> Answer {
        self.0.after_call(call).await
    }
}
