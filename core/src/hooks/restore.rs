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

/// A hook that fails on the way leaves Maintenance, as a process that dies does: what has become of the data is asked
/// by the next hook of this unit (`end_interrupted_restore`).
pub(crate) async fn restore(walker: &mut Walker<'_>) -> Result<(), Stop> {
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
        // It may have stopped all the same.
        if walker.context.notes.is_stop_unanswered {
            walker.amend(Amendment::UnansweredStepIsAskedAgain, StartDatabaseAgain).await?;
        }
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
