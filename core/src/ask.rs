//! What each question reads.

use std::sync::Arc;

use crate::{
    amendment::Amendment,
    attempt::stanza_failed,
    context::{Context, RefinedAnswer, no_primary},
    hook::Hook,
    inventory::Inventory,
    ports::{Databag, MemberState, PortResult, RestoreSource, Service, ServiceState, UnitId, key},
    s3::{S3Problem, S3Settings},
    shape::Question,
    status::StatusName,
    texts,
};

/// The answer to a question. Where it leads to a failed action, the reason is noted.
pub(crate) async fn answer(
    context: &mut Context<'_>,
    question: Question,
) -> PortResult<RefinedAnswer> {
    if let Some(refused) = refuses_parameters(context, question).await? {
        return Ok(refused);
    }
    let ports = context.ports;
    let yes = match question {
        Question::HasClusterInitialised => return has_cluster_initialised(context).await,
        Question::AreAllRequiredSettingsProvided => are_all_settings_provided(context).await?,
        Question::IsLeader => return is_leader(context).await,
        Question::IsBlocked => return is_blocked(context).await,
        Question::IsTlsDisabledOrSingleUnitCluster => {
            return is_tls_disabled_or_alone(context).await;
        }
        Question::IsReplicaAndTlsServerNotRunningOnPrimary if context.notes.waits_for_workload => {
            let refined = Some(Amendment::CertificatesWaitForTheWorkload);
            return Ok(RefinedAnswer { yes: true, refined });
        }
        Question::IsReplicaAndTlsServerNotRunningOnPrimary => context.is_primary_unserved().await?,
        Question::IsPrimaryTlsEnabledMultipleUnitCluster => {
            return is_primary_among_several_with_tls(context).await;
        }
        Question::IsReplicaTlsDisabled => return is_replica_without_tls(context).await,
        Question::HasStanzaBeenInitialises => return has_stanza(context).await,
        Question::IsS3RelationEstablished => is_s3_related(context).await?,
        Question::HasMissingS3Parameters => return has_missing_s3_parameters(context).await,
        Question::IsReplica | Question::IsReplica2 => primary(context).await? != context.own_unit(),
        Question::HasUserProvidedBackupId => has_backup_id(context).await?,
        Question::IsWorkloadContainerAccessible => is_workload_reachable(context).await?,
        Question::IsSingleUnitCluster => is_single_unit(context).await?,
        Question::IsBackupIdValid => return is_backup_id_valid(context).await,
        Question::IsBlockedOrWaiting => match ports.unit.status().await?.name {
            StatusName::Blocked | StatusName::Waiting => true,
            StatusName::Active
            | StatusName::Maintenance
            | StatusName::Unknown
            | StatusName::Error => false,
        },
        Question::IsDatabaseServiceKnown => {
            ports.workload.service(Service::Database).await? != ServiceState::Unknown
        }
        Question::IsRestoreInProgress => context.is_restoring().await?,
        Question::IsDatabaseServiceRunning => is_database_running(context).await?,
        // Whoever runs while the primary is not known may be it, and shown as it.
        Question::IsMemberRunning if context.notes.primary_is_unknown => {
            let refined = Some(Amendment::OfflineDatabaseKeepsStatus);
            return Ok(RefinedAnswer { yes: false, refined });
        }
        Question::IsMemberUp | Question::IsMemberRunning => {
            ports.cluster.member_state().await? == MemberState::Running
        }
        Question::IsRepositoryOfAnotherCluster => return is_repository_foreign(context).await,
        Question::IsPrimary => return is_known_to_be_primary(context).await,
    };
    Ok(yes.into())
}

/// The first question of each action, and its answer that fails the action.
const fn first_question(action: Hook) -> Option<(Question, bool)> {
    match action {
        Hook::CreateBackup => Some((Question::IsBlocked, true)),
        Hook::ListBackups => Some((Question::IsS3RelationEstablished, false)),
        Hook::Restore => Some((Question::HasUserProvidedBackupId, false)),
        Hook::S3CredentialsChanged | Hook::UpdateStatus | Hook::CertificatesChanged => None,
    }
}

/// The answer that fails an action at its first question if it was given a parameter that it does not know.
async fn refuses_parameters(
    context: &mut Context<'_>,
    question: Question,
) -> PortResult<Option<RefinedAnswer>> {
    let amendment = Amendment::UnknownParameterFailsAction;
    let fails = match first_question(context.hook) {
        Some((first, fails)) if first == question && context.amendments.has(amendment) => fails,
        Some(_) | None => return Ok(None),
    };
    let known = context.hook.parameters();
    let given = context.ports.unit.parameters().await?;
    let Some(unknown) = given.iter().find(|name| !known.contains(&name.as_str())) else {
        return Ok(None);
    };
    fails_with(context, true, &texts::unknown_parameter(unknown));
    Ok(Some(RefinedAnswer { yes: fails, refined: Some(amendment) }))
}

fn fails_with(context: &mut Context<'_>, fails: bool, reason: &str) {
    if fails {
        context.notes.reason = Some(reason.to_owned());
    }
}

async fn has(context: &Context<'_>, bag: Databag, key: &str) -> PortResult<bool> {
    Ok(context.ports.unit.data(bag, key).await?.is_some())
}

/// The unit that is the primary now; not knowing is an error.
async fn primary(context: &Context<'_>) -> PortResult<UnitId> {
    let primary = context.ports.cluster.primary().await?;
    primary.ok_or_else(no_primary)
}

async fn has_cluster_initialised(context: &Context<'_>) -> PortResult<RefinedAnswer> {
    let amendment = Amendment::S3WaitsForRestore;
    if !has(context, Databag::Application, key::CLUSTER_INITIALISED).await? {
        return Ok(false.into());
    }
    // Once update-status has found the restore failed, nothing comes up any more. Where the flags were lost with their hook
    // the status alone tells of the restore, and no other may be set over it.
    if context.amendments.has(amendment) && context.may_show_restore().await? {
        return Ok(RefinedAnswer { yes: false, refined: Some(amendment) });
    }
    Ok(true.into())
}

async fn are_all_settings_provided(context: &mut Context<'_>) -> PortResult<bool> {
    let relation = context.s3_relation().await?;
    Ok(match relation.map(|relation| S3Settings::from_relation(&relation)) {
        Some(Ok(settings)) => {
            context.notes.s3 = Some(Arc::new(settings));
            true
        }
        // They are all there; that one of them is of no use is what the attempt to use them says.
        Some(Err(S3Problem::Unusable { parameter, why })) => {
            context.notes.unusable = Some(texts::unusable_s3_parameter(parameter, why));
            true
        }
        Some(Err(S3Problem::Missing(_))) | None => false,
    })
}

/// Where the stanza is to be made, whether this unit makes it. Settings that can't be used are told by the leader.
async fn is_leader(context: &mut Context<'_>) -> PortResult<RefinedAnswer> {
    let leads = context.ports.unit.is_leader().await?;
    if context.hook == Hook::S3CredentialsChanged && context.notes.unusable.is_none() {
        let makes = context.makes_the_stanza(leads).await;
        if makes != leads {
            context.notes.records_apart = makes;
            let refined = Some(Amendment::PrimaryMakesTheStanza);
            return Ok(RefinedAnswer { yes: makes, refined });
        }
    }
    fails_with(context, !leads, texts::NOT_LEADER);
    Ok(leads.into())
}

async fn is_blocked(context: &mut Context<'_>) -> PortResult<RefinedAnswer> {
    let status = context.ports.unit.status().await?;
    let blocked = status.name == StatusName::Blocked;
    let retry = Amendment::S3BlockIsRetryable;
    Ok(match context.hook {
        Hook::S3CredentialsChanged if status.is_s3_block() && context.amendments.has(retry) => {
            RefinedAnswer { yes: false, refined: Some(retry) }
        }
        Hook::Restore
            if blocked
                && context.amendments.has(Amendment::FailedRestoreIsRetryable)
                && status.message == texts::RESTORE_FAILED =>
        {
            RefinedAnswer { yes: false, refined: Some(Amendment::FailedRestoreIsRetryable) }
        }
        Hook::Restore => {
            let blocked = blocked && status.message != texts::ANOTHER_CLUSTER;
            fails_with(context, blocked, texts::RESTORE_BLOCKED);
            blocked.into()
        }
        Hook::S3CredentialsChanged
        | Hook::CreateBackup
        | Hook::ListBackups
        | Hook::UpdateStatus
        | Hook::CertificatesChanged => {
            fails_with(context, blocked, texts::BLOCKED);
            blocked.into()
        }
    })
}

/// Whether the TLS server is to be stopped. While the workload does not answer it can be neither stopped nor started.
async fn is_tls_disabled_or_alone(context: &mut Context<'_>) -> PortResult<RefinedAnswer> {
    let amendment = Amendment::CertificatesWaitForTheWorkload;
    if context.hook == Hook::CertificatesChanged
        && context.amendments.has(amendment)
        && !context.ports.workload.is_reachable().await?
    {
        context.notes.waits_for_workload = true;
        return Ok(RefinedAnswer { yes: false, refined: Some(amendment) });
    }
    Ok(context.tls_peers().await?.is_empty().into())
}

async fn is_primary_among_several_with_tls(context: &mut Context<'_>) -> PortResult<RefinedAnswer> {
    let primary = match primary(context).await {
        Ok(primary) => primary,
        Err(error) => {
            let amendment = Amendment::OfflineDatabaseFailsAction;
            if !context.amendments.has(amendment) {
                return Err(error);
            }
            fails_with(context, true, texts::DATABASE_OFFLINE);
            return Ok(RefinedAnswer { yes: true, refined: Some(amendment) });
        }
    };
    let yes = primary == context.own_unit()
        && context.ports.unit.planned_units().await? > 1
        && has(context, Databag::Unit, key::TLS).await?;
    fails_with(context, yes, texts::IS_PRIMARY);
    Ok(yes.into())
}

async fn is_replica_without_tls(context: &mut Context<'_>) -> PortResult<RefinedAnswer> {
    if primary(context).await? != context.own_unit()
        && !has(context, Databag::Unit, key::TLS).await?
    {
        fails_with(context, true, texts::NO_TLS);
        return Ok(true.into());
    }
    let amendment = Amendment::StoppedMemberFailsAction;
    if context.amendments.has(amendment)
        && context.ports.cluster.member_state().await? != MemberState::Running
    {
        fails_with(context, true, texts::NOT_RUNNING);
        return Ok(RefinedAnswer { yes: true, refined: Some(amendment) });
    }
    Ok(false.into())
}

async fn is_known_to_be_primary(context: &mut Context<'_>) -> PortResult<RefinedAnswer> {
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

async fn has_stanza(context: &mut Context<'_>) -> PortResult<RefinedAnswer> {
    let is_recorded = has(context, Databag::Application, key::STANZA).await?;
    let in_force = Amendment::SettingsMustBeInForce;
    let s3 = context.s3_settings().await?;
    let s3 = s3.as_ref();
    let is_of_another = match s3.filter(|_| is_recorded && context.amendments.has(in_force)) {
        Some(s3) => !context.is_stanza_of(s3).await?,
        None => false,
    };
    let is_here = is_recorded && !is_of_another;
    let is_with_primary = match s3.filter(|_| !is_here) {
        Some(s3) => context.has_primary_made_stanza(s3).await?,
        None => false,
    };
    if let Some(s3) = s3
        && (is_recorded || is_with_primary)
        && context.amendments.has(in_force)
        && !context.are_in_force(s3).await?
    {
        fails_with(context, true, texts::SETTINGS_NOT_IN_FORCE);
        return Ok(RefinedAnswer { yes: false, refined: Some(in_force) });
    }
    if is_with_primary {
        let refined = Some(Amendment::PrimaryMakesTheStanza);
        return Ok(RefinedAnswer { yes: true, refined });
    }
    fails_with(context, !is_here, texts::NO_STANZA);
    Ok(RefinedAnswer { yes: is_here, refined: is_of_another.then_some(in_force) })
}

async fn is_s3_related(context: &mut Context<'_>) -> PortResult<bool> {
    let related = context.s3_relation().await?.is_some();
    fails_with(context, !related, texts::NO_S3_RELATION);
    Ok(related)
}

async fn has_missing_s3_parameters(context: &mut Context<'_>) -> PortResult<RefinedAnswer> {
    let relation = context.s3_relation().await?.unwrap_or_default();
    let settings = match S3Settings::from_relation(&relation) {
        Ok(settings) => settings,
        Err(problem) => {
            fails_with(context, true, &words_of(problem));
            return Ok(true.into());
        }
    };
    // create-backup has asked before, with the stanza.
    let amendment = Amendment::SettingsMustBeInForce;
    if context.hook == Hook::ListBackups
        && context.amendments.has(amendment)
        && !context.are_in_force(&settings).await?
    {
        fails_with(context, true, texts::SETTINGS_NOT_IN_FORCE);
        return Ok(RefinedAnswer { yes: true, refined: Some(amendment) });
    }
    context.notes.s3 = Some(Arc::new(settings));
    Ok(false.into())
}

fn words_of(problem: S3Problem) -> String {
    match problem {
        S3Problem::Missing(missing) => texts::missing_s3_parameters(&missing),
        S3Problem::Unusable { parameter, why } => texts::unusable_s3_parameter(parameter, why),
    }
}

/// The id of the backup to restore, as the user gave it; blank is not given.
async fn given_backup_id(context: &Context<'_>) -> PortResult<Option<String>> {
    let id = context.ports.unit.parameter("backup-id").await?;
    Ok(id.map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()))
}

async fn has_backup_id(context: &mut Context<'_>) -> PortResult<bool> {
    let given = given_backup_id(context).await?.is_some();
    fails_with(context, !given, texts::NO_BACKUP_ID);
    Ok(given)
}

async fn is_workload_reachable(context: &mut Context<'_>) -> PortResult<bool> {
    let reachable = context.ports.workload.is_reachable().await?;
    fails_with(context, !reachable, texts::WORKLOAD_UNREACHABLE);
    Ok(reachable)
}

async fn is_single_unit(context: &mut Context<'_>) -> PortResult<bool> {
    let single = context.ports.unit.planned_units().await? == 1;
    fails_with(context, !single, texts::SEVERAL_UNITS);
    Ok(single)
}

async fn is_backup_id_valid(context: &mut Context<'_>) -> PortResult<RefinedAnswer> {
    let id = given_backup_id(context).await?.unwrap_or_default();
    if let Some((amendment, reason)) = why_nothing_can_be_restored(context).await? {
        fails_with(context, true, &reason);
        return Ok(RefinedAnswer { yes: false, refined: Some(amendment) });
    }
    let identity = context.ports.unit.identity();
    let read = match context.ports.repository.info().await {
        Ok(info) => Inventory::parse(&info, identity.stanza()),
        Err(error) => Err(error),
    };
    let inventory = match context.logged(read) {
        Ok(inventory) => inventory,
        Err(error) => {
            let amendment = Amendment::UnreadableRepositoryIsTold;
            if !context.amendments.has(amendment) {
                return Err(error);
            }
            fails_with(context, true, &texts::list_failed(error.cause()));
            return Ok(RefinedAnswer { yes: false, refined: Some(amendment) });
        }
    };
    let found = inventory.find(&id, identity.stanza()).filter(|(_, backup)| !backup.failed);
    context.notes.restore = found.map(|(stanza, backup)| RestoreSource {
        label: backup.label.clone(),
        stanza: stanza.name.clone(),
    });
    let valid = context.notes.restore.is_some();
    fails_with(context, !valid, &texts::invalid_backup_id(&id));
    Ok(valid.into())
}

/// Why no backup can be restored with the S3 settings as they are, and the amendment that asks.
async fn why_nothing_can_be_restored(
    context: &Context<'_>,
) -> PortResult<Option<(Amendment, String)>> {
    let relation = context.s3_relation().await?;
    let problem = match relation.map(|relation| S3Settings::from_relation(&relation)) {
        Some(Ok(s3)) => {
            let amendment = Amendment::SettingsMustBeInForce;
            let is_other = context.amendments.has(amendment) && !context.are_in_force(&s3).await?;
            return Ok(is_other.then(|| (amendment, texts::SETTINGS_NOT_IN_FORCE.to_owned())));
        }
        Some(Err(problem)) => words_of(problem),
        None => texts::NO_S3_RELATION.to_owned(),
    };
    let amendment = Amendment::RestoreNeedsS3;
    Ok(context.amendments.has(amendment).then_some((amendment, problem)))
}

async fn is_database_running(context: &mut Context<'_>) -> PortResult<bool> {
    let state = context.ports.workload.service(Service::Database).await?;
    let running = state == ServiceState::Running;
    fails_with(context, !running, texts::RESTORE_FAILED);
    Ok(running)
}

async fn is_repository_foreign(context: &mut Context<'_>) -> PortResult<RefinedAnswer> {
    let Some(s3) = context.s3_settings().await? else { return Ok(false.into()) };
    let asked = context.is_repository_foreign(&s3).await;
    match context.logged(asked) {
        Ok(foreign) => {
            fails_with(context, foreign, texts::ANOTHER_CLUSTER);
            Ok(foreign.into())
        }
        Err(error) => {
            let amendment = Amendment::UnreadableRepositoryIsTold;
            if !context.amendments.has(amendment) {
                return Err(error);
            }
            fails_with(context, true, &stanza_failed(&error));
            Ok(RefinedAnswer { yes: true, refined: Some(amendment) })
        }
    }
}
