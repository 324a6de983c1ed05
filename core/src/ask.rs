//! What each question reads.

use std::sync::Arc;

use crate::{
    amendment::Amendment,
    fire::{Answer, Walker},
    hook::Hook,
    inventory::Inventory,
    ports::{
        Databag, MemberState, PortError, PortErrorKind, PortResult, RestoreSource, Service,
        ServiceState, UnitId, key,
    },
    s3::S3Settings,
    shape::Question,
    status::StatusName,
    texts,
};

/// The answer to a question. Where it leads to a failed action, the reason is noted.
pub(crate) async fn answer(walker: &mut Walker<'_>, question: Question) -> PortResult<Answer> {
    let ports = walker.ports;
    let yes = match question {
        Question::HasClusterInitialised => return has_cluster_initialised(walker).await,
        Question::AreAllRequiredSettingsProvided => are_all_settings_provided(walker).await?,
        Question::IsLeader => is_leader(walker).await?,
        Question::IsBlocked => return is_blocked(walker).await,
        Question::IsTlsDisabledOrSingleUnitCluster => tls_peers(walker).await?.is_empty(),
        Question::IsReplicaAndTlsServerNotRunningOnPrimary => is_primary_unserved(walker).await?,
        Question::IsPrimaryTlsEnabledMultipleUnitCluster => {
            return is_primary_among_several_with_tls(walker).await;
        }
        Question::IsReplicaTlsDisabled => return is_replica_without_tls(walker).await,
        Question::HasStanzaBeenInitialises => has_stanza(walker).await?,
        Question::IsS3RelationEstablished => is_s3_related(walker).await?,
        Question::HasMissingS3Parameters => has_missing_s3_parameters(walker).await?,
        Question::IsReplica | Question::IsReplica2 => primary(walker).await? != own(walker),
        Question::HasUserProvidedBackupId => has_backup_id(walker).await?,
        Question::IsWorkloadContainerAccessible => is_workload_reachable(walker).await?,
        Question::IsSingleUnitCluster => is_single_unit(walker).await?,
        Question::IsBackupIdValid => is_backup_id_valid(walker).await?,
        Question::IsBlockedOrWaiting => match ports.unit.status().await?.name {
            StatusName::Blocked | StatusName::Waiting => true,
            StatusName::Active | StatusName::Maintenance | StatusName::Unknown => false,
        },
        Question::IsDatabaseServiceKnown => {
            ports.workload.service(Service::Database).await? != ServiceState::Unknown
        }
        Question::IsRestoreInProgress => walker.is_restoring().await?,
        Question::IsDatabaseServiceRunning => is_database_running(walker).await?,
        Question::IsMemberUp | Question::IsMemberRunning => {
            ports.cluster.member_state().await? == MemberState::Running
        }
        Question::IsRepositoryOfAnotherCluster => is_repository_foreign_if_related(walker).await?,
        Question::IsPrimary => return is_known_to_be_primary(walker).await,
    };
    Ok(yes.into())
}

/// The other units that this unit reaches over TLS: none when TLS is off or it is alone.
pub(crate) async fn tls_peers(walker: &Walker<'_>) -> PortResult<Vec<UnitId>> {
    if walker.ports.unit.tls_material().await?.is_complete() {
        walker.ports.unit.peers().await
    } else {
        Ok(Vec::new())
    }
}

/// The S3 settings, when the relation gives all that are required.
pub(crate) async fn s3_settings(walker: &Walker<'_>) -> PortResult<Option<S3Settings>> {
    let relation = walker.ports.unit.s3_relation().await?;
    Ok(relation.and_then(|relation| S3Settings::from_relation(&relation).ok()))
}

/// Whether the repository holds what another cluster put there: another stanza, a stanza of ours made by
/// another system identifier, or metadata of another model.
pub(crate) async fn is_repository_foreign(
    walker: &Walker<'_>,
    s3: &S3Settings,
) -> PortResult<bool> {
    let ports = walker.ports;
    let identity = ports.unit.identity();
    let stanza = identity.stanza();
    for found in Inventory::parse(&ports.repository.info().await?)?.stanzas {
        let Some(&current) = found.system_ids.last() else { continue };
        if found.name != stanza || current != ports.cluster.system_identifier().await? {
            return Ok(true);
        }
    }
    let latest = ports.object_store.get(s3, &s3.object_key(stanza, "latest")).await?;
    Ok(latest.is_some_and(|content| {
        let text = String::from_utf8_lossy(&content);
        let model = text.lines().find_map(|line| line.strip_prefix(MODEL_UUID_LINE));
        model.is_some_and(|uuid| uuid.trim() != identity.model_uuid())
    }))
}

/// The line of the metadata object that names the model which wrote it.
pub(crate) const MODEL_UUID_LINE: &str = "Model UUID: ";

fn own(walker: &Walker<'_>) -> UnitId {
    walker.ports.unit.identity().unit()
}

fn fails_with(walker: &mut Walker<'_>, fails: bool, reason: &str) {
    if fails {
        walker.notes.reason = Some(reason.to_owned());
    }
}

async fn has(walker: &Walker<'_>, bag: Databag, key: &str) -> PortResult<bool> {
    Ok(walker.ports.unit.data(bag, key).await?.is_some())
}

/// The unit that is the primary now; not knowing is an error.
async fn primary(walker: &Walker<'_>) -> PortResult<UnitId> {
    let primary = walker.ports.cluster.primary().await?;
    primary.ok_or_else(|| {
        let cause = "no member holds the leader's lock";
        PortError::new(PortErrorKind::NotFound, "cluster", "primary", cause)
    })
}

async fn has_cluster_initialised(walker: &Walker<'_>) -> PortResult<Answer> {
    let amendment = Amendment::S3WaitsForRestore;
    if !has(walker, Databag::Application, key::CLUSTER_INITIALISED).await? {
        return Ok(false.into());
    }
    // Once update-status has found the restore failed, nothing comes up any more.
    if walker.amendments.has(amendment)
        && walker.is_restoring().await?
        && walker.shows_maintenance(texts::RESTORING_BACKUP).await?
    {
        return Ok(Answer { yes: false, refined: Some(amendment) });
    }
    Ok(true.into())
}

async fn are_all_settings_provided(walker: &mut Walker<'_>) -> PortResult<bool> {
    let settings = s3_settings(walker).await?;
    let given = settings.is_some();
    walker.notes.s3 = settings.map(Arc::new);
    Ok(given)
}

async fn is_leader(walker: &mut Walker<'_>) -> PortResult<bool> {
    let leads = walker.ports.unit.is_leader().await?;
    fails_with(walker, !leads, texts::NOT_LEADER);
    Ok(leads)
}

async fn is_blocked(walker: &mut Walker<'_>) -> PortResult<Answer> {
    let status = walker.ports.unit.status().await?;
    let blocked = status.name == StatusName::Blocked;
    let retry = Amendment::S3BlockIsRetryable;
    Ok(match walker.hook {
        Hook::S3CredentialsChanged
            if blocked && walker.amendments.has(retry) && texts::is_s3_block(&status.message) =>
        {
            Answer { yes: false, refined: Some(retry) }
        }
        Hook::Restore
            if blocked
                && walker.amendments.has(Amendment::FailedRestoreIsRetryable)
                && status.message == texts::RESTORE_FAILED =>
        {
            Answer { yes: false, refined: Some(Amendment::FailedRestoreIsRetryable) }
        }
        Hook::Restore => {
            let blocked = blocked && status.message != texts::ANOTHER_CLUSTER;
            fails_with(walker, blocked, texts::RESTORE_BLOCKED);
            blocked.into()
        }
        Hook::S3CredentialsChanged
        | Hook::CreateBackup
        | Hook::ListBackups
        | Hook::UpdateStatus
        | Hook::CertificatesChanged => {
            fails_with(walker, blocked, texts::BLOCKED);
            blocked.into()
        }
    })
}

async fn is_primary_unserved(walker: &Walker<'_>) -> PortResult<bool> {
    match walker.ports.cluster.primary().await? {
        Some(primary) if primary == own(walker) => Ok(false),
        Some(primary) => Ok(walker.ports.repository.ping(primary).await.is_err()),
        None => Ok(true),
    }
}

async fn is_primary_among_several_with_tls(walker: &mut Walker<'_>) -> PortResult<Answer> {
    let primary = match primary(walker).await {
        Ok(primary) => primary,
        Err(error) => {
            let amendment = Amendment::OfflineDatabaseFailsAction;
            if !walker.amendments.has(amendment) {
                return Err(error);
            }
            fails_with(walker, true, texts::DATABASE_OFFLINE);
            return Ok(Answer { yes: true, refined: Some(amendment) });
        }
    };
    let yes = primary == own(walker)
        && walker.ports.unit.planned_units().await? > 1
        && has(walker, Databag::Unit, key::TLS).await?;
    fails_with(walker, yes, texts::IS_PRIMARY);
    Ok(yes.into())
}

async fn is_replica_without_tls(walker: &mut Walker<'_>) -> PortResult<Answer> {
    if primary(walker).await? != own(walker) && !has(walker, Databag::Unit, key::TLS).await? {
        fails_with(walker, true, texts::NO_TLS);
        return Ok(true.into());
    }
    let amendment = Amendment::StoppedMemberFailsAction;
    if walker.amendments.has(amendment)
        && walker.ports.cluster.member_state().await? != MemberState::Running
    {
        fails_with(walker, true, texts::NOT_RUNNING);
        return Ok(Answer { yes: true, refined: Some(amendment) });
    }
    Ok(false.into())
}

async fn is_known_to_be_primary(walker: &Walker<'_>) -> PortResult<Answer> {
    let amendment = Amendment::OfflineDatabaseKeepsStatus;
    match walker.ports.cluster.primary().await {
        Ok(primary) => Ok((primary == Some(own(walker))).into()),
        Err(_) if walker.amendments.has(amendment) => {
            Ok(Answer { yes: false, refined: Some(amendment) })
        }
        Err(error) => Err(error),
    }
}

async fn has_stanza(walker: &mut Walker<'_>) -> PortResult<bool> {
    let known = has(walker, Databag::Application, key::STANZA).await?;
    fails_with(walker, !known, texts::NO_STANZA);
    Ok(known)
}

async fn is_s3_related(walker: &mut Walker<'_>) -> PortResult<bool> {
    let related = walker.ports.unit.s3_relation().await?.is_some();
    fails_with(walker, !related, texts::NO_S3_RELATION);
    Ok(related)
}

async fn has_missing_s3_parameters(walker: &mut Walker<'_>) -> PortResult<bool> {
    let relation = walker.ports.unit.s3_relation().await?.unwrap_or_default();
    match S3Settings::from_relation(&relation) {
        Ok(settings) => {
            walker.notes.s3 = Some(Arc::new(settings));
            Ok(false)
        }
        Err(missing) => {
            walker.notes.reason = Some(texts::missing_s3_parameters(&missing));
            Ok(true)
        }
    }
}

/// The id of the backup to restore, as the user gave it; blank is not given.
async fn given_backup_id(walker: &Walker<'_>) -> PortResult<Option<String>> {
    let id = walker.ports.unit.parameter("backup-id").await?;
    Ok(id.map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()))
}

async fn has_backup_id(walker: &mut Walker<'_>) -> PortResult<bool> {
    let given = given_backup_id(walker).await?.is_some();
    fails_with(walker, !given, texts::NO_BACKUP_ID);
    Ok(given)
}

async fn is_workload_reachable(walker: &mut Walker<'_>) -> PortResult<bool> {
    let reachable = walker.ports.workload.is_reachable().await?;
    fails_with(walker, !reachable, texts::WORKLOAD_UNREACHABLE);
    Ok(reachable)
}

async fn is_single_unit(walker: &mut Walker<'_>) -> PortResult<bool> {
    let single = walker.ports.unit.planned_units().await? == 1;
    fails_with(walker, !single, texts::SEVERAL_UNITS);
    Ok(single)
}

async fn is_backup_id_valid(walker: &mut Walker<'_>) -> PortResult<bool> {
    let id = given_backup_id(walker).await?.unwrap_or_default();
    let inventory = Inventory::parse(&walker.ports.repository.info().await?)?;
    let identity = walker.ports.unit.identity();
    let found = inventory.find(&id, identity.stanza()).filter(|(_, backup)| !backup.failed);
    walker.notes.restore = found.map(|(stanza, backup)| RestoreSource {
        label: backup.label.clone(),
        stanza: stanza.name.clone(),
    });
    let valid = walker.notes.restore.is_some();
    fails_with(walker, !valid, &texts::invalid_backup_id(&id));
    Ok(valid)
}

async fn is_database_running(walker: &mut Walker<'_>) -> PortResult<bool> {
    let state = walker.ports.workload.service(Service::Database).await?;
    let running = state == ServiceState::Running;
    fails_with(walker, !running, texts::RESTORE_FAILED);
    Ok(running)
}

async fn is_repository_foreign_if_related(walker: &mut Walker<'_>) -> PortResult<bool> {
    let Some(s3) = s3_settings(walker).await? else { return Ok(false) };
    let foreign = is_repository_foreign(walker, &s3).await?;
    fails_with(walker, foreign, texts::ANOTHER_CLUSTER);
    Ok(foreign)
}
