//! What each question reads.

use std::sync::Arc;

use crate::{
    amendment::Amendment,
    attempt::stanza_failed,
    context::{Context, RefinedAnswer},
    hook::Hook,
    inventory::Inventory,
    ports::{Databag, MemberState, PortResult, RestoreSource, Service, ServiceState, key},
    role,
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
            let refined = Some(Amendment::HooksWaitForTheWorkload);
            return Ok(RefinedAnswer { yes: true, refined });
        }
        Question::IsReplicaAndTlsServerNotRunningOnPrimary => context.is_primary_unserved().await?,
        Question::IsPrimaryTlsEnabledMultipleUnitCluster => {
            return role::is_primary_among_several_with_tls(context).await;
        }
        Question::IsReplicaTlsDisabled => return role::is_replica_without_tls(context).await,
        Question::HasStanzaBeenInitialises => return has_stanza(context).await,
        Question::IsS3RelationEstablished => is_s3_related(context).await?,
        Question::HasMissingS3Parameters => return has_missing_s3_parameters(context).await,
        Question::IsReplica => return role::is_replica(context).await,
        Question::IsReplica2 => return role::is_replica_after_backup(context).await,
        Question::HasUserProvidedBackupId => has_backup_id(context).await?,
        Question::IsWorkloadContainerAccessible => is_workload_reachable(context).await?,
        Question::IsSingleUnitCluster => is_single_unit(context).await?,
        Question::IsBackupIdValid => return is_backup_id_valid(context).await,
        Question::IsBlockedOrWaiting => return is_blocked_or_waiting(context).await,
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
        Question::IsMemberUp => return is_restored_member_up(context).await,
        Question::IsMemberRunning => is_member_running(context).await?,
        Question::IsRepositoryOfAnotherCluster => return is_repository_foreign(context).await,
        Question::IsPrimary => return role::is_known_to_be_primary(context).await,
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
    context.fails_with(true, &texts::unknown_parameter(unknown));
    Ok(Some(RefinedAnswer { yes: fails, refined: Some(amendment) }))
}

async fn has_cluster_initialised(context: &Context<'_>) -> PortResult<RefinedAnswer> {
    if !context.has(Databag::Application, key::CLUSTER_INITIALISED).await? {
        return Ok(false.into());
    }
    // Nothing could be written for the backup tool.
    let amendment = Amendment::HooksWaitForTheWorkload;
    if context.amendments.has(amendment) && !context.ports.workload.is_reachable().await? {
        return Ok(RefinedAnswer { yes: false, refined: Some(amendment) });
    }
    let amendment = Amendment::S3WaitsForRestore;
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
    context.fails_with(!leads, texts::NOT_LEADER);
    Ok(leads.into())
}

async fn is_blocked(context: &mut Context<'_>) -> PortResult<RefinedAnswer> {
    let status = context.ports.unit.status().await?;
    let blocked = status.name == StatusName::Blocked;
    let retry = Amendment::S3BlockIsRetryable;
    if context.hook == Hook::S3CredentialsChanged {
        context.notes.before_maintenance = Some(status.clone());
    }
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
            context.fails_with(blocked, texts::RESTORE_BLOCKED);
            blocked.into()
        }
        Hook::S3CredentialsChanged
        | Hook::CreateBackup
        | Hook::ListBackups
        | Hook::UpdateStatus
        | Hook::CertificatesChanged => {
            context.fails_with(blocked, texts::BLOCKED);
            blocked.into()
        }
    })
}

async fn is_member_running(context: &Context<'_>) -> PortResult<bool> {
    Ok(context.ports.cluster.member_state().await? == MemberState::Running)
}

/// A member that runs on the data of a new cluster is not the restored one. One that does not tell is asked again by the next
/// event.
async fn is_restored_member_up(context: &mut Context<'_>) -> PortResult<RefinedAnswer> {
    if !is_member_running(context).await? {
        return Ok(false.into());
    }
    let may_be_restored = context.may_be_restored().await;
    if may_be_restored != Some(false) {
        return Ok(may_be_restored.is_some().into());
    }
    context.notes.runs_on_a_new_cluster = true;
    context.fails_with(true, texts::RESTORE_FAILED);
    Ok(RefinedAnswer { yes: false, refined: Some(Amendment::NewClusterIsTold) })
}

/// A unit that a failed restore has blocked counts as blocked for as long as its database is down, or is not known to run on
/// what was to be restored, or, where nothing is recorded of the restore, on what its stanza is of.
async fn is_blocked_or_waiting(context: &mut Context<'_>) -> PortResult<RefinedAnswer> {
    let amendment = Amendment::LateRestoreEndsBlock;
    let status = context.ports.unit.status().await?;
    Ok(match status.name {
        StatusName::Blocked
            if (status.message == texts::RESTORE_FAILED || status.is_s3_block())
                && context.amendments.has(amendment)
                && context.is_restoring().await?
                && context.is_member_up().await
                && context.may_be_restored().await == Some(true) =>
        {
            RefinedAnswer { yes: false, refined: Some(amendment) }
        }
        StatusName::Blocked
            if status.message == texts::RESTORE_FAILED
                && context.amendments.has(amendment)
                && context.is_restore_over().await =>
        {
            context.notes.is_restore_over = true;
            RefinedAnswer { yes: false, refined: Some(amendment) }
        }
        StatusName::Blocked | StatusName::Waiting => true.into(),
        StatusName::Active | StatusName::Maintenance | StatusName::Unknown | StatusName::Error => {
            false.into()
        }
    })
}

/// Whether the TLS server is to be stopped. While the workload does not answer it can be neither stopped nor started.
async fn is_tls_disabled_or_alone(context: &mut Context<'_>) -> PortResult<RefinedAnswer> {
    let amendment = Amendment::HooksWaitForTheWorkload;
    if context.hook == Hook::CertificatesChanged
        && context.amendments.has(amendment)
        && !context.ports.workload.is_reachable().await?
    {
        context.notes.waits_for_workload = true;
        return Ok(RefinedAnswer { yes: false, refined: Some(amendment) });
    }
    Ok(context.tls_peers().await?.is_empty().into())
}

async fn has_stanza(context: &mut Context<'_>) -> PortResult<RefinedAnswer> {
    let is_recorded = context.has(Databag::Application, key::STANZA).await?;
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
        context.fails_with(true, texts::SETTINGS_NOT_IN_FORCE);
        return Ok(RefinedAnswer { yes: false, refined: Some(in_force) });
    }
    if is_with_primary {
        let refined = Some(Amendment::PrimaryMakesTheStanza);
        return Ok(RefinedAnswer { yes: true, refined });
    }
    context.fails_with(!is_here, texts::NO_STANZA);
    Ok(RefinedAnswer { yes: is_here, refined: is_of_another.then_some(in_force) })
}

async fn is_s3_related(context: &mut Context<'_>) -> PortResult<bool> {
    let related = context.s3_relation().await?.is_some();
    context.fails_with(!related, texts::NO_S3_RELATION);
    Ok(related)
}

async fn has_missing_s3_parameters(context: &mut Context<'_>) -> PortResult<RefinedAnswer> {
    let relation = context.s3_relation().await?.unwrap_or_default();
    let settings = match S3Settings::from_relation(&relation) {
        Ok(settings) => settings,
        Err(problem) => {
            context.fails_with(true, &words_of(problem));
            return Ok(true.into());
        }
    };
    // create-backup has asked before, with the stanza.
    let amendment = Amendment::SettingsMustBeInForce;
    if context.hook == Hook::ListBackups
        && context.amendments.has(amendment)
        && !context.are_in_force(&settings).await?
    {
        context.fails_with(true, texts::SETTINGS_NOT_IN_FORCE);
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
    context.fails_with(!given, texts::NO_BACKUP_ID);
    Ok(given)
}

async fn is_workload_reachable(context: &mut Context<'_>) -> PortResult<bool> {
    let reachable = context.ports.workload.is_reachable().await?;
    context.fails_with(!reachable, texts::WORKLOAD_UNREACHABLE);
    Ok(reachable)
}

async fn is_single_unit(context: &mut Context<'_>) -> PortResult<bool> {
    let single = context.ports.unit.planned_units().await? == 1;
    context.fails_with(!single, texts::SEVERAL_UNITS);
    Ok(single)
}

async fn is_backup_id_valid(context: &mut Context<'_>) -> PortResult<RefinedAnswer> {
    let id = given_backup_id(context).await?.unwrap_or_default();
    if let Some((amendment, reason)) = why_nothing_can_be_restored(context).await? {
        context.fails_with(true, &reason);
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
            context.fails_with(true, &texts::list_failed(error.cause()));
            return Ok(RefinedAnswer { yes: false, refined: Some(amendment) });
        }
    };
    let found = inventory.find(&id, identity.stanza()).filter(|(_, backup)| !backup.failed);
    context.notes.restored_systems = found.and_then(|(stanza, _)| stanza.served());
    context.notes.restore = found.map(|(stanza, backup)| RestoreSource {
        label: backup.label.clone(),
        stanza: stanza.name.clone(),
    });
    let valid = context.notes.restore.is_some();
    context.fails_with(!valid, &texts::invalid_backup_id(&id));
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
    context.fails_with(!running, texts::RESTORE_FAILED);
    Ok(running)
}

async fn is_repository_foreign(context: &mut Context<'_>) -> PortResult<RefinedAnswer> {
    let Some(s3) = context.s3_settings().await? else { return Ok(false.into()) };
    let asked = context.is_repository_foreign(&s3).await;
    match context.logged(asked) {
        Ok(foreign) => {
            context.fails_with(foreign, texts::ANOTHER_CLUSTER);
            Ok(foreign.into())
        }
        Err(error) => {
            let amendment = Amendment::UnreadableRepositoryIsTold;
            if !context.amendments.has(amendment) {
                return Err(error);
            }
            context.fails_with(true, &stanza_failed(&error));
            Ok(RefinedAnswer { yes: true, refined: Some(amendment) })
        }
    }
}
