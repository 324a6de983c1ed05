//! The S3 relation's data changed, or the relation is gone.
//!
//! The chart that it walks, published arrows solid and amendments dotted:
//! ```text
#![doc = include_str!("../../charts/s3_credentials_changed.mmd")]
//! ```

use crate::{
    amendment::Amendment,
    fire::{Stop, Walker},
    shape::{Action::*, Attempt::*, Ending::*, Question::*},
    status::StatusName,
    texts,
};

pub(crate) async fn s3_credentials_changed(walker: &mut Walker<'_>) -> Result<(), Stop> {
    if !walker.ask(HasClusterInitialised).await? {
        walker.end(Defer).await?;
        return walker.end(Rtn).await;
    }
    if !walker.ask(AreAllRequiredSettingsProvided).await? {
        if is_s3_unrelated(walker).await && is_blocked_by_s3(walker).await {
            walker.amend(Amendment::S3GoneClearsS3Block, SetActive).await?;
        }
        return walker.end(Rtn).await;
    }
    walker.act(RenderPgbackrestConfig).await?;
    if !walker.ask(IsLeader).await? {
        if is_blocked_by_s3(walker).await {
            walker.amend(Amendment::S3BlockEndsWithLeadership, SetActive).await?;
        }
        return walker.end(Rtn).await;
    }
    if walker.ask(IsBlocked).await? {
        return walker.end(Rtn).await;
    }
    if !walker.attempt(CouldInitialiseStanza).await? {
        walker.act(SetBlocked).await?;
        return walker.end(Rtn).await;
    }
    if !walker.attempt(IsWalArchivingToS3Working).await? {
        walker.act(SetBlocked).await?;
        return walker.end(Rtn).await;
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
    }
    walker.end(Rtn).await
}

/// Whether there is no S3 relation. Not knowing is no.
async fn is_s3_unrelated(walker: &Walker<'_>) -> bool {
    matches!(walker.ports.unit.s3_relation().await, Ok(None))
}

/// Whether one of the S3 messages blocks this unit. Not knowing is no.
async fn is_blocked_by_s3(walker: &Walker<'_>) -> bool {
    walker.ports.unit.status().await.is_ok_and(|status| {
        status.name == StatusName::Blocked && texts::is_s3_block(&status.message)
    })
}
