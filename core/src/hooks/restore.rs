//! The action restore.
//!
//! The chart that it walks, published arrows solid and amendments dotted:
//! ```text
#![doc = include_str!("../../charts/restore.mmd")]
//! ```

use crate::{
    amendment::Amendment,
    shape::{Action::*, Attempt::*, Ending::*, Question::*},
    walker::{Stop, Walker},
};

pub(crate) async fn restore(walker: &mut Walker<'_>) -> Result<(), Stop> {
    let walked = walk(walker).await;
    let restores = walker.context.notes.before_maintenance.is_some().then_some(PutStatusBack);
    walker.clean_up_after(walked, Amendment::FailedRestoreKeepsStatus, restores.into_iter()).await
}

async fn walk(walker: &mut Walker<'_>) -> Result<(), Stop> {
    if !walker.ask(HasUserProvidedBackupId).await? {
        return walker.end(FailAction).await;
    }
    if !walker.ask(IsWorkloadContainerAccessible).await? {
        return walker.end(FailAction).await;
    }
    if walker.ask(IsBlocked).await? {
        return walker.end(FailAction).await;
    }
    if !walker.ask(IsSingleUnitCluster).await? {
        return walker.end(FailAction).await;
    }
    if !walker.ask(IsLeader).await? {
        return walker.end(FailAction).await;
    }
    if !walker.ask(IsBackupIdValid).await? {
        return walker.end(FailAction).await;
    }
    walker.act(SetMaintenance).await?;
    if !walker.attempt(HasDatabaseStopped).await? {
        return fail_after_maintenance(walker).await;
    }
    if !walker.attempt(WasPreviousClusterInfoRemoved).await? {
        return start_again_and_fail(walker).await;
    }
    if !walker.attempt(WasDataDirectoryEmptied).await? {
        return start_again_and_fail(walker).await;
    }
    walker.act(ConfigureRestore).await?;
    walker.act(StartDatabase).await?;
    walker.act(FinishAction).await
}

async fn start_again_and_fail(walker: &mut Walker<'_>) -> Result<(), Stop> {
    walker.act(StartDatabaseAgain).await?;
    fail_after_maintenance(walker).await
}

async fn fail_after_maintenance(walker: &mut Walker<'_>) -> Result<(), Stop> {
    walker.end(FailAction).await?;
    walker.amend(Amendment::FailedRestoreKeepsStatus, PutStatusBack).await
}
