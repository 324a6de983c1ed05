//! What each action and each ending does.

use pgdrill_flow::shown_lines;

use crate::{
    amendment::Amendment,
    attempt::stanza_failed,
    cause,
    context::Context,
    hook::{Hook, Outcome},
    ports::{Databag, MemberState, PortResult, Service, ServiceState, UnitId, key},
    shape::{Action, Ending},
    status::{Status, StatusName},
    texts,
};

/// Carries out an action; the amendment by which it was held to be done although it failed, if any.
pub(crate) async fn carry_out(
    context: &mut Context<'_>,
    action: Action,
) -> PortResult<Option<Amendment>> {
    let ports = context.ports;
    match action {
        Action::RenderPgbackrestConfig => {
            context.configure_repository().await?;
            // Who makes the stanza says so anew.
            if context.hook == Hook::S3CredentialsChanged {
                context.forget_own_stanza_record().await?;
            }
        }
        Action::SetBlocked => return set_blocked(context).await,
        Action::SettleStanzaRecords => context.settle_stanza().await?,
        Action::StopPgbackrestTlsServer => {
            context.configure_repository().await?;
            ports.workload.stop(Service::TlsServer).await?;
        }
        Action::StartPgbackrestTlsServer => start_tls_server(context).await?,
        Action::BlockNewConnections => {
            // Set before the port is called: after an error the new settings may be in force.
            context.notes.has_blocked_connections = true;
            set_connectivity(context, "off").await?;
        }
        Action::AllowNewConnections => set_connectivity(context, "on").await?,
        Action::SetMaintenance => set_maintenance(context).await?,
        Action::UploadErrorLogsS3 => return upload_error_log(context).await,
        Action::SetActive => ports.unit.set_status(Status::active()).await?,
        Action::SetActivePrimary => {
            ports.unit.set_status(Status::new(StatusName::Active, texts::PRIMARY)).await?;
        }
        Action::FinishAction => finish(context).await?,
        Action::ReturnFormattedBackupList => {
            let table = context.notes.table.take().unwrap_or_default();
            ports.unit.set_result(texts::BACKUPS, &table).await?;
            context.notes.outcome = Some(Outcome::Finished);
        }
        // On an empty directory it would begin a new cluster.
        Action::StartDatabaseAgain if context.notes.is_emptying_unanswered => {
            return Ok(Some(Amendment::UnansweredStepIsAskedAgain));
        }
        Action::StartDatabaseAgain | Action::StartDatabase => {
            ports.workload.start(Service::Database).await?;
        }
        Action::ConfigureRestore => configure_restore(context).await?,
        Action::ClearRestoreFlags => clear_restore_flags(context).await?,
        Action::RepairInterruptedBackup => repair_interrupted_backup(context).await?,
        Action::EndInterruptedRestore => end_interrupted_restore(context).await?,
        Action::PutStatusBack => put_status_back(context).await?,
    }
    Ok(None)
}

/// Reaches a terminal.
pub(crate) async fn end(context: &mut Context<'_>, ending: Ending) -> PortResult<()> {
    match ending {
        Ending::Rtn | Ending::HookError => {}
        Ending::Defer => {
            context.ports.unit.defer().await?;
            context.notes.outcome = Some(Outcome::Deferred);
        }
        Ending::FailAction | Ending::FailAction2 => {
            let reason = cause::bounded(&context.notes.reason.take().unwrap_or_default());
            let reason = shown_lines(&reason, "").into_owned();
            context.ports.unit.fail_action(&reason).await?;
            context.notes.outcome = Some(Outcome::Failed(reason));
        }
    }
    Ok(())
}

/// Blocks this unit; where it only makes the stanza, the leader is told, who blocks itself.
async fn put_status_back(context: &mut Context<'_>) -> PortResult<()> {
    let Some(before) = context.notes.before_maintenance.take() else { return Ok(()) };
    let status = if context.notes.is_emptying_unanswered {
        Status::new(StatusName::Blocked, texts::RESTORE_FAILED)
    } else if before.name.can_be_set() {
        before
    } else {
        // What only Juju shows stood for no trouble of the database.
        Status::active()
    };
    context.ports.unit.set_status(status).await
}

async fn set_blocked(context: &mut Context<'_>) -> PortResult<Option<Amendment>> {
    let unit = &context.ports.unit;
    let reason = context.notes.reason.take().unwrap_or_default();
    if context.notes.waits_for_lock {
        put_status_back(context).await?;
        return Ok(Some(Amendment::LockIsWaitedFor));
    }
    if context.notes.records_apart {
        context.record_block(&reason).await?;
        if !context.notes.tries_again || context.is_blocked_by_s3().await {
            unit.set_status(Status::active()).await?;
        }
        return Ok(Some(Amendment::PrimaryMakesTheStanza));
    }
    let blocked = Status::new(StatusName::Blocked, reason);
    if !context.notes.tries_again || unit.status().await? != blocked {
        unit.set_status(blocked).await?;
    }
    Ok(None)
}

async fn start_tls_server(context: &Context<'_>) -> PortResult<()> {
    let peers = context.tls_peers().await?;
    let known = UnitId::list(&peers);
    context.configure_repository_with(peers).await?;
    let workload = &context.ports.workload;
    match workload.service(Service::TlsServer).await? {
        // A restart would break a backup that another unit is taking through this server.
        ServiceState::Running => workload.reload(Service::TlsServer).await?,
        ServiceState::Stopped | ServiceState::Unknown => workload.start(Service::TlsServer).await?,
    }
    // Only now: one that could not take them is to be tried again.
    context.ports.unit.set_data(Databag::Unit, key::TLS_PEERS, Some(&known)).await
}

async fn set_connectivity(context: &Context<'_>, connectivity: &str) -> PortResult<()> {
    let unit = &context.ports.unit;
    unit.set_data(Databag::Unit, key::CONNECTIVITY, Some(connectivity)).await?;
    context.apply_cluster_settings().await
}

async fn set_maintenance(context: &mut Context<'_>) -> PortResult<()> {
    let unit = &context.ports.unit;
    let message = match context.hook {
        Hook::Restore => texts::RESTORING_BACKUP,
        Hook::S3CredentialsChanged
        | Hook::CreateBackup
        | Hook::ListBackups
        | Hook::UpdateStatus
        | Hook::CertificatesChanged => texts::CREATING_BACKUP,
    };
    context.notes.before_maintenance = Some(unit.status().await?);
    unit.set_status(Status::new(StatusName::Maintenance, message)).await
}

async fn upload_error_log(context: &mut Context<'_>) -> PortResult<Option<Amendment>> {
    let amendment = Amendment::ErrorLogIsBestEffort;
    let uploaded = context.upload_log().await;
    match context.logged(uploaded) {
        Ok(()) => Ok(None),
        Err(_) if context.amendments.has(amendment) => Ok(Some(amendment)),
        Err(error) => Err(error),
    }
}

async fn finish(context: &mut Context<'_>) -> PortResult<()> {
    let (key, value) = match context.hook {
        Hook::Restore => texts::RESTORE_STARTED,
        Hook::S3CredentialsChanged
        | Hook::CreateBackup
        | Hook::ListBackups
        | Hook::UpdateStatus
        | Hook::CertificatesChanged => texts::BACKUP_CREATED,
    };
    context.ports.unit.set_result(key, value).await?;
    context.notes.outcome = Some(Outcome::Finished);
    Ok(())
}

async fn configure_restore(context: &Context<'_>) -> PortResult<()> {
    let unit = &context.ports.unit;
    let source = context.notes.restore.as_ref();
    let (label, stanza) = (source.map(|s| s.label.as_str()), source.map(|s| s.stanza.as_str()));
    unit.set_data(Databag::Application, key::RESTORING_BACKUP, label).await?;
    unit.set_data(Databag::Application, key::RESTORE_STANZA, stanza).await?;
    if context.amendments.has(Amendment::NewClusterIsTold) {
        let systems = context.notes.restored_systems.as_deref();
        context.record(Databag::Application, key::RESTORE_SYSTEMS, systems).await?;
    }
    context.apply_cluster_settings().await
}

/// The leader forgets the restore; a unit that does not lead has only its configuration to bring up to
/// date, as it may not write the application databag.
async fn clear_restore_flags(context: &Context<'_>) -> PortResult<()> {
    let unit = &context.ports.unit;
    if unit.is_leader().await? {
        unit.set_data(Databag::Application, key::RESTORING_BACKUP, None).await?;
        unit.set_data(Databag::Application, key::RESTORE_STANZA, None).await?;
        context.record(Databag::Application, key::RESTORE_SYSTEMS, None).await?;
    }
    context.apply_cluster_settings().await
}

async fn repair_interrupted_backup(context: &Context<'_>) -> PortResult<()> {
    set_connectivity(context, "on").await?;
    if context.shows_maintenance(texts::CREATING_BACKUP).await? {
        context.ports.unit.set_status(Status::active()).await?;
    }
    Ok(())
}

/// A member that runs was not stopped yet, or is up again; a database that does not run may have lost its data to the
/// restore. A service that runs or is not known says nothing of its member: then the status stays, and the next firing
/// asks again.
async fn end_interrupted_restore(context: &mut Context<'_>) -> PortResult<()> {
    let ports = context.ports;
    let status = match ports.workload.service(Service::Database).await? {
        ServiceState::Running if ports.cluster.member_state().await? == MemberState::Running => {
            status_after_interrupted_restore(context).await?
        }
        ServiceState::Running | ServiceState::Unknown => return Ok(()),
        ServiceState::Stopped => Status::new(StatusName::Blocked, texts::RESTORE_FAILED),
    };
    ports.unit.set_status(status).await
}

/// The flags of the restore were lost with its hook, so this asks what update-status would ask.
async fn status_after_interrupted_restore(context: &mut Context<'_>) -> PortResult<Status> {
    context.apply_cluster_settings().await?;
    let Some(s3) = context.s3_settings().await? else { return Ok(Status::active()) };
    let asked = context.is_repository_foreign(&s3).await;
    Ok(match context.logged(asked) {
        Ok(false) => Status::active(),
        Ok(true) => Status::new(StatusName::Blocked, texts::ANOTHER_CLUSTER),
        Err(error) => Status::new(StatusName::Blocked, stanza_failed(&error)),
    })
}
