//! The action create-backup.
//!
//! The chart that it walks, published arrows solid and amendments dotted:
//! ```text
#![doc = include_str!("../../charts/create_backup.mmd")]
//! ```

use crate::{
    amendment::Amendment,
    shape::{Action::*, Attempt::*, Ending::*, Question::*},
    walker::{Stop, Walker},
};

pub(crate) async fn create_backup(walker: &mut Walker<'_>) -> Result<(), Stop> {
    let walked = walk(walker).await;
    // What this firing closed is opened, and the Maintenance that it set ends.
    let opens = walker.context.notes.has_blocked_connections.then_some(AllowNewConnections);
    let activates = walker.context.notes.before_maintenance.is_some().then_some(SetActive);
    let cleanup = opens.into_iter().chain(activates);
    walker.clean_up_after(walked, Amendment::CleanupSurvivesErrors, cleanup).await
}

async fn walk(walker: &mut Walker<'_>) -> Result<(), Stop> {
    if walker.ask(IsBlocked).await? {
        return walker.end(FailAction).await;
    }
    if walker.ask(IsPrimaryTlsEnabledMultipleUnitCluster).await? {
        return walker.end(FailAction).await;
    }
    if walker.ask(IsReplicaTlsDisabled).await? {
        return walker.end(FailAction).await;
    }
    if !walker.ask(HasStanzaBeenInitialises).await? {
        return walker.end(FailAction).await;
    }
    if !walker.ask(IsS3RelationEstablished).await? {
        return walker.end(FailAction).await;
    }
    if walker.ask(HasMissingS3Parameters).await? {
        return walker.end(FailAction).await;
    }
    if !walker.attempt(WasPossibleUploadMetadataFileTestConnectivityS3).await? {
        return walker.end(FailAction).await;
    }
    if walker.ask(IsReplica).await? {
        walker.act(BlockNewConnections).await?;
    }
    walker.act(SetMaintenance).await?;
    if !walker.attempt(HasBackupCreationSucceeded).await? {
        walker.act(UploadErrorLogsS3).await?;
        walker.end(FailAction2).await?;
    } else if !walker.attempt(WereBackupLogsUploadedS3).await? {
        walker.end(FailAction2).await?;
    } else {
        walker.act(FinishAction).await?;
    }
    if walker.ask(IsReplica2).await? {
        walker.act(AllowNewConnections).await?;
        walker.amend(Amendment::ReplicaEndsActive, SetActive).await
    } else {
        if walker.context.notes.has_blocked_connections {
            walker.amend(Amendment::ReopenWhatWasBlocked, AllowNewConnections).await?;
        }
        walker.act(SetActive).await
    }
}
