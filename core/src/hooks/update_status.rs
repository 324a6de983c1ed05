//! Juju's periodic event, as far as it concerns backups: it notices how a restore ended.
//!
//! The chart that it walks, published arrows solid and amendments dotted:
//! ```text
#![doc = include_str!("../../charts/update_status.mmd")]
//! ```

use crate::{
    amendment::Amendment,
    context::S3Remedy,
    shape::{Action::*, Attempt::*, Ending::*, Question::*},
    walker::{Stop, Walker},
};

pub(crate) async fn update_status(walker: &mut Walker<'_>) -> Result<(), Stop> {
    if !walker.ask(IsWorkloadContainerAccessible).await? {
        return walker.end(Rtn).await;
    }
    if walker.context.is_tool_unconfigured().await {
        let (amendment, render) = (Amendment::SettingsMustBeInForce, RenderPgbackrestConfig);
        walker.amend_if_possible(amendment, render).await?;
    }
    match walker.context.s3_remedy().await {
        Some(S3Remedy::MakeStanza(amendment)) => initialise_stanza_again(walker, amendment).await?,
        Some(S3Remedy::Unblock) => {
            walker.amend(Amendment::S3BlockEndsWithLeadership, SetActive).await?;
        }
        None => {}
    }
    if walker.ask(IsBlockedOrWaiting).await? {
        bring_tls_server_up_to_date(walker).await?;
        return walker.end(Rtn).await;
    }
    if walker.context.notes.is_restore_over {
        walker.amend_if_possible(Amendment::LateRestoreEndsBlock, EndInterruptedRestore).await?;
    }
    if !walker.ask(IsDatabaseServiceKnown).await? {
        return walker.end(Rtn).await;
    }
    bring_tls_server_up_to_date(walker).await?;
    if walker.ask(IsRestoreInProgress).await? {
        if !walker.ask(IsDatabaseServiceRunning).await? {
            walker.act(SetBlocked).await?;
            return walker.end(Rtn).await;
        }
        if !walker.ask(IsMemberUp).await? {
            if walker.context.notes.runs_on_a_new_cluster {
                walker.amend(Amendment::NewClusterIsTold, SetBlocked).await?;
            }
            return walker.end(Rtn).await;
        }
        walker.act(ClearRestoreFlags).await?;
        walker.act(RenderPgbackrestConfig).await?;
        if walker.ask(IsRepositoryOfAnotherCluster).await? {
            walker.act(SetBlocked).await?;
            return walker.end(Rtn).await;
        }
    }
    if walker.ask(IsPrimary).await? {
        walker.act(SetActivePrimary).await?;
    } else if walker.ask(IsMemberRunning).await? {
        walker.act(SetActive).await?;
    }
    walker.end(Rtn).await
}

/// Has the TLS server do what it missed. One that does not start or stop must not keep this event from what it is for.
async fn bring_tls_server_up_to_date(walker: &mut Walker<'_>) -> Result<(), Stop> {
    match walker.context.missed_by_tls_server().await {
        Some(missed) => walker.amend_if_possible(Amendment::TlsServerCatchesUp, missed).await,
        None => Ok(()),
    }
}

/// Tries to make the stanza. Once it works this unit is Active; until then whoever tells of it is Blocked. A lock is waited for.
async fn initialise_stanza_again(
    walker: &mut Walker<'_>,
    amendment: Amendment,
) -> Result<(), Stop> {
    for attempt in [CouldInitialiseStanza, IsWalArchivingToS3Working] {
        if !walker.amend_attempt(amendment, attempt).await? {
            if !walker.context.notes.waits_for_lock {
                walker.amend(amendment, SetBlocked).await?;
            }
            break;
        }
    }
    // What else this event finds is this unit's own.
    walker.context.notes.records_apart = false;
    Ok(())
}
