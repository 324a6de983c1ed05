//! What each action and each ending does.

use crate::{
    amendment::Amendment,
    ask, attempt,
    fire::Walker,
    hook::{Hook, Outcome},
    ports::{
        ClusterSettings, Databag, PortResult, RepositorySettings, RestoreSource, Service,
        ServiceState, key,
    },
    shape::{Action, Ending},
    status::{Status, StatusName},
    texts,
};

/// Carries out an action; the amendment by which it was held to be done although it failed, if any.
pub(crate) async fn carry_out(
    walker: &mut Walker<'_>,
    action: Action,
) -> PortResult<Option<Amendment>> {
    let ports = walker.ports;
    match action {
        Action::RenderPgbackrestConfig => configure_repository(walker).await?,
        Action::SetBlocked => {
            let reason = walker.notes.reason.take().unwrap_or_default();
            ports.unit.set_status(Status::new(StatusName::Blocked, reason)).await?;
        }
        Action::StopPgbackrestTlsServer => {
            configure_repository(walker).await?;
            ports.workload.stop(Service::TlsServer).await?;
        }
        Action::StartPgbackrestTlsServer => start_tls_server(walker).await?,
        Action::BlockNewConnections => {
            // Set before the port is called: after an error the new settings may be in force.
            walker.notes.has_blocked_connections = true;
            set_connectivity(walker, "off").await?;
        }
        Action::AllowNewConnections => set_connectivity(walker, "on").await?,
        Action::SetMaintenance => set_maintenance(walker).await?,
        Action::UploadErrorLogsS3 => return upload_error_log(walker).await,
        Action::SetActive => ports.unit.set_status(Status::active()).await?,
        Action::SetActivePrimary => {
            ports.unit.set_status(Status::new(StatusName::Active, texts::PRIMARY)).await?;
        }
        Action::FinishAction => finish(walker).await?,
        Action::ReturnFormattedBackupList => {
            let table = walker.notes.table.take().unwrap_or_default();
            ports.unit.set_result(texts::BACKUPS, &table).await?;
            walker.notes.outcome = Some(Outcome::Finished);
        }
        Action::StartDatabaseAgain | Action::StartDatabase => {
            ports.workload.start(Service::Database).await?;
        }
        Action::ConfigureRestore => configure_restore(walker).await?,
        Action::ClearRestoreFlags => clear_restore_flags(walker).await?,
        Action::RepairInterruptedBackup => repair_interrupted_backup(walker).await?,
        Action::EndInterruptedRestore => end_interrupted_restore(walker).await?,
        Action::PutStatusBack => {
            if let Some(before) = walker.notes.before_maintenance.take() {
                ports.unit.set_status(before).await?;
            }
        }
    }
    Ok(None)
}

/// Reaches a terminal.
pub(crate) async fn end(walker: &mut Walker<'_>, ending: Ending) -> PortResult<()> {
    match ending {
        Ending::Rtn | Ending::HookError => {}
        Ending::Defer => {
            walker.ports.unit.defer().await?;
            walker.notes.outcome = Some(Outcome::Deferred);
        }
        Ending::FailAction | Ending::FailAction2 => {
            let reason = walker.notes.reason.take().unwrap_or_default();
            walker.ports.unit.fail_action(&reason).await?;
            walker.notes.outcome = Some(Outcome::Failed(reason));
        }
    }
    Ok(())
}

/// Has the cluster manager run on what the databags say now.
pub(crate) async fn apply_cluster_settings(walker: &Walker<'_>) -> PortResult<()> {
    let unit = &walker.ports.unit;
    let stanza = unit.data(Databag::Application, key::STANZA).await?;
    let label = unit.data(Databag::Application, key::RESTORING_BACKUP).await?;
    let from = unit.data(Databag::Application, key::RESTORE_STANZA).await?;
    let connectivity = unit.data(Databag::Unit, key::CONNECTIVITY).await?;
    let restore = label.zip(from).map(|(label, stanza)| RestoreSource {
        label: label.as_ref().to_owned(),
        stanza: stanza.as_ref().to_owned(),
    });
    let settings = ClusterSettings {
        archive_stanza: stanza,
        accepts_connections: connectivity.as_deref() != Some("off"),
        restore,
    };
    walker.ports.cluster.apply(&settings).await
}

async fn configure_repository(walker: &Walker<'_>) -> PortResult<()> {
    let settings = RepositorySettings {
        s3: ask::s3_settings(walker).await?,
        stanza: walker.ports.unit.identity().shared_stanza(),
        tls_peers: ask::tls_peers(walker).await?,
    };
    walker.ports.repository.configure(&settings).await
}

async fn start_tls_server(walker: &Walker<'_>) -> PortResult<()> {
    configure_repository(walker).await?;
    let workload = &walker.ports.workload;
    match workload.service(Service::TlsServer).await? {
        // A restart would break a backup that another unit is taking through this server.
        ServiceState::Running => workload.reload(Service::TlsServer).await,
        ServiceState::Stopped | ServiceState::Unknown => workload.start(Service::TlsServer).await,
    }
}

async fn set_connectivity(walker: &Walker<'_>, connectivity: &str) -> PortResult<()> {
    let unit = &walker.ports.unit;
    unit.set_data(Databag::Unit, key::CONNECTIVITY, Some(connectivity)).await?;
    apply_cluster_settings(walker).await
}

async fn set_maintenance(walker: &mut Walker<'_>) -> PortResult<()> {
    let unit = &walker.ports.unit;
    let message = match walker.hook {
        Hook::Restore => texts::RESTORING_BACKUP,
        Hook::S3CredentialsChanged
        | Hook::CreateBackup
        | Hook::ListBackups
        | Hook::UpdateStatus
        | Hook::CertificatesChanged => texts::CREATING_BACKUP,
    };
    walker.notes.before_maintenance = Some(unit.status().await?);
    unit.set_status(Status::new(StatusName::Maintenance, message)).await
}

async fn upload_error_log(walker: &Walker<'_>) -> PortResult<Option<Amendment>> {
    let amendment = Amendment::ErrorLogIsBestEffort;
    match attempt::upload_log(walker).await {
        Ok(()) => Ok(None),
        Err(_) if walker.amendments.has(amendment) => Ok(Some(amendment)),
        Err(error) => Err(error),
    }
}

async fn finish(walker: &mut Walker<'_>) -> PortResult<()> {
    let (key, value) = match walker.hook {
        Hook::Restore => texts::RESTORE_STARTED,
        Hook::S3CredentialsChanged
        | Hook::CreateBackup
        | Hook::ListBackups
        | Hook::UpdateStatus
        | Hook::CertificatesChanged => texts::BACKUP_CREATED,
    };
    walker.ports.unit.set_result(key, value).await?;
    walker.notes.outcome = Some(Outcome::Finished);
    Ok(())
}

async fn configure_restore(walker: &Walker<'_>) -> PortResult<()> {
    let unit = &walker.ports.unit;
    let source = walker.notes.restore.as_ref();
    let (label, stanza) = (source.map(|s| s.label.as_str()), source.map(|s| s.stanza.as_str()));
    unit.set_data(Databag::Application, key::RESTORING_BACKUP, label).await?;
    unit.set_data(Databag::Application, key::RESTORE_STANZA, stanza).await?;
    apply_cluster_settings(walker).await
}

/// The leader forgets the restore; a unit that does not lead has only its configuration to bring up to
/// date, as it may not write the application databag.
async fn clear_restore_flags(walker: &Walker<'_>) -> PortResult<()> {
    let unit = &walker.ports.unit;
    if unit.is_leader().await? {
        unit.set_data(Databag::Application, key::RESTORING_BACKUP, None).await?;
        unit.set_data(Databag::Application, key::RESTORE_STANZA, None).await?;
    }
    apply_cluster_settings(walker).await
}

async fn repair_interrupted_backup(walker: &Walker<'_>) -> PortResult<()> {
    set_connectivity(walker, "on").await?;
    if walker.shows_maintenance(texts::CREATING_BACKUP).await? {
        walker.ports.unit.set_status(Status::active()).await?;
    }
    Ok(())
}

/// A database that runs was not stopped yet, or is on its way up again; one that does not may have lost its
/// data to the restore.
async fn end_interrupted_restore(walker: &Walker<'_>) -> PortResult<()> {
    let ports = walker.ports;
    let status = match ports.workload.service(Service::Database).await? {
        ServiceState::Running => Status::active(),
        ServiceState::Stopped | ServiceState::Unknown => {
            Status::new(StatusName::Blocked, texts::RESTORE_FAILED)
        }
    };
    ports.unit.set_status(status).await
}
