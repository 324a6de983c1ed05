//! The S3 relation's data changed, or the relation is gone.
//!
//! The chart that it walks, published arrows solid and amendments dotted:
//! ```text
#![doc = include_str!("../../charts/s3_credentials_changed.mmd")]
//! ```

use crate::{
    amendment::Amendment,
    shape::{Action::*, Attempt::*, Ending::*, Question::*},
    walker::{Stop, Walker},
};

pub(crate) async fn s3_credentials_changed(walker: &mut Walker<'_>) -> Result<(), Stop> {
    if !walker.ask(HasClusterInitialised).await? {
        walker.end(Defer).await?;
        return walker.end(Rtn).await;
    }
    if !walker.ask(AreAllRequiredSettingsProvided).await? {
        if walker.context.is_blocked_by_lost_s3().await {
            walker.amend(Amendment::S3GoneClearsS3Block, SetActive).await?;
        }
        return walker.end(Rtn).await;
    }
    walker.act(RenderPgbackrestConfig).await?;
    if !walker.ask(IsLeader).await? {
        let context = &walker.context;
        if context.is_blocked_by_s3().await && !context.is_told_block_by_primary().await {
            walker.amend(Amendment::S3BlockEndsWithLeadership, SetActive).await?;
        }
        return walker.end(Rtn).await;
    }
    if walker.ask(IsBlocked).await? {
        return walker.end(Rtn).await;
    }
    for attempt in [CouldInitialiseStanza, IsWalArchivingToS3Working] {
        if !walker.attempt(attempt).await? {
            walker.act(SetBlocked).await?;
            if walker.context.notes.waits_for_lock {
                walker.amend_end(Amendment::LockIsWaitedFor, Defer).await?;
            }
            return walker.end(Rtn).await;
        }
    }
    bring_tls_server_in_line(walker).await
}

/// The tail of the chart, from `is_tls_disabled_or_single_unit_cluster` on, which certificates-changed
/// enters too.
pub(super) async fn bring_tls_server_in_line(walker: &mut Walker<'_>) -> Result<(), Stop> {
    if walker.ask(IsTlsDisabledOrSingleUnitCluster).await? {
        walker.act(StopPgbackrestTlsServer).await?;
    } else if !walker.ask(IsReplicaAndTlsServerNotRunningOnPrimary).await? {
        walker.act(StartPgbackrestTlsServer).await?;
    } else if walker.context.notes.waits_for_workload {
        walker.amend_end(Amendment::HooksWaitForTheWorkload, Defer).await?;
    }
    walker.end(Rtn).await
}
