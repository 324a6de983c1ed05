//! What the questions about a unit's role in its cluster read.

use crate::{
    amendment::Amendment,
    context::{Context, RefinedAnswer, no_primary},
    ports::{Databag, PortResult, UnitId, key},
    texts,
};

/// The unit that is the primary now; not knowing is an error.
async fn primary(context: &Context<'_>) -> PortResult<UnitId> {
    let primary = context.ports.cluster.primary().await?;
    primary.ok_or_else(no_primary)
}

/// The primary of which create-backup has to know; `None` where nobody can say which it is and an amendment has the action fail.
async fn primary_for_backup(context: &mut Context<'_>) -> PortResult<Option<UnitId>> {
    match primary(context).await {
        Ok(primary) => {
            context.notes.primary = Some(primary);
            Ok(Some(primary))
        }
        Err(error) if !context.amendments.has(Amendment::OfflineDatabaseFailsAction) => Err(error),
        Err(_) => {
            context.fails_with(true, texts::DATABASE_OFFLINE);
            Ok(None)
        }
    }
}

const OFFLINE: RefinedAnswer =
    RefinedAnswer { yes: true, refined: Some(Amendment::OfflineDatabaseFailsAction) };

pub(crate) async fn is_primary_among_several_with_tls(
    context: &mut Context<'_>,
) -> PortResult<RefinedAnswer> {
    let Some(primary) = primary_for_backup(context).await? else { return Ok(OFFLINE) };
    let yes = primary == context.own_unit()
        && context.ports.unit.planned_units().await? > 1
        && context.has(Databag::Unit, key::TLS).await?;
    context.fails_with(yes, texts::IS_PRIMARY);
    Ok(yes.into())
}

pub(crate) async fn is_replica_without_tls(context: &mut Context<'_>) -> PortResult<RefinedAnswer> {
    let Some(primary) = primary_for_backup(context).await? else { return Ok(OFFLINE) };
    if primary != context.own_unit() && !context.has(Databag::Unit, key::TLS).await? {
        context.fails_with(true, texts::NO_TLS);
        return Ok(true.into());
    }
    let amendment = Amendment::StoppedMemberFailsAction;
    if context.amendments.has(amendment) && !context.is_member_up().await {
        context.fails_with(true, texts::NOT_RUNNING);
        return Ok(RefinedAnswer { yes: true, refined: Some(amendment) });
    }
    Ok(false.into())
}

/// Where nobody can say any more which unit is the primary, it is the one that this firing found.
pub(crate) async fn is_replica(context: &Context<'_>) -> PortResult<RefinedAnswer> {
    let amendment = Amendment::OfflineDatabaseFailsAction;
    let known = context.notes.primary.filter(|_| context.amendments.has(amendment));
    match (primary(context).await, known) {
        (Ok(primary), _) => Ok((primary != context.own_unit()).into()),
        (Err(_), Some(primary)) => {
            Ok(RefinedAnswer { yes: primary != context.own_unit(), refined: Some(amendment) })
        }
        (Err(error), None) => Err(error),
    }
}

/// Where nobody can say any more which unit is the primary, what this firing blocked is what there is to open.
pub(crate) async fn is_replica_after_backup(
    context: &mut Context<'_>,
) -> PortResult<RefinedAnswer> {
    let amendment = Amendment::ReopenWhatWasBlocked;
    match primary(context).await {
        Ok(primary) => Ok((primary != context.own_unit()).into()),
        Err(_) if context.amendments.has(amendment) => {
            let yes = context.notes.has_blocked_connections;
            Ok(RefinedAnswer { yes, refined: Some(amendment) })
        }
        Err(error) => Err(error),
    }
}

pub(crate) async fn is_known_to_be_primary(context: &mut Context<'_>) -> PortResult<RefinedAnswer> {
    let amendment = Amendment::OfflineDatabaseKeepsStatus;
    match context.ports.cluster.primary().await {
        Ok(primary) => Ok((primary == Some(context.own_unit())).into()),
        Err(_) if context.amendments.has(amendment) => {
            context.notes.primary_is_unknown = true;
            Ok(RefinedAnswer { yes: false, refined: Some(amendment) })
        }
        Err(error) => Err(error),
    }
}
