//! What each attempt tries. A failure is the answer "no", and its reason is noted.

use std::time::Duration;

use crate::{
    amendment::Amendment,
    context::{BackupLog, Context, LogOf, MODEL_UUID_LINE, RefinedAnswer},
    inventory::Inventory,
    ports::{
        BackupKind, BackupRequest, CommandExit, PortError, PortErrorKind, PortResult, Service,
        Timestamp, UnitId,
    },
    s3::S3Settings,
    shape::Attempt,
    status::{Status, StatusName},
    texts,
};

/// How long a failing check is tried again: the other units' TLS servers may still be starting.
const CHECK_FOR: Duration = Duration::from_secs(60);
/// How the backup tool ends where another process of it holds its lock (records 102g to 102m).
const LOCKED: i32 = 50;
/// The pause between two checks.
const CHECK_PAUSE: Duration = Duration::from_secs(3);

/// Makes an attempt: whether it worked.
pub(crate) async fn make(context: &mut Context<'_>, attempt: Attempt) -> RefinedAnswer {
    let mut refined = None;
    let tried = match attempt {
        Attempt::CouldInitialiseStanza => initialise_stanza(context).await,
        Attempt::IsWalArchivingToS3Working => archive_wal(context, &mut refined).await,
        Attempt::WasPossibleUploadMetadataFileTestConnectivityS3 => {
            let uploaded = upload_metadata(context).await;
            context.logged(uploaded).map_err(|_| texts::METADATA_FAILED.to_owned())
        }
        Attempt::HasBackupCreationSucceeded => back_up(context).await,
        Attempt::WereBackupLogsUploadedS3 => {
            let uploaded = context.upload_log().await;
            context.logged(uploaded).map_err(|_| texts::LOGS_FAILED.to_owned())
        }
        Attempt::DoesPgbackrestReturnedBackupsList => {
            let listed = list(context).await;
            context.logged(listed).map_err(|error| texts::list_failed(error.cause()))
        }
        Attempt::HasDatabaseStopped => {
            let workload = &context.ports.workload;
            let stop = || workload.stop(Service::Database);
            let stopped = twice_if_unanswered(context, &mut refined, stop).await;
            context.notes.is_stop_unanswered = is_unanswered(&stopped);
            context.logged(stopped).map_err(|error| texts::stop_failed(error.cause()))
        }
        Attempt::WasPreviousClusterInfoRemoved => {
            let record = &context.ports.cluster_record;
            let removed = twice_if_unanswered(context, &mut refined, || record.remove()).await;
            context.logged(removed).map_err(|error| texts::record_failed(error.cause()))
        }
        Attempt::WasDataDirectoryEmptied => {
            let workload = &context.ports.workload;
            let empty = || workload.empty_data_directory();
            let emptied = twice_if_unanswered(context, &mut refined, empty).await;
            context.notes.is_emptying_unanswered = is_unanswered(&emptied)
                && context.amendments.has(Amendment::UnansweredStepIsAskedAgain);
            context.logged(emptied).map_err(|error| texts::empty_failed(error.cause()))
        }
    };
    let yes = tried.is_ok();
    if let Err(reason) = tried {
        context.notes.reason = Some(reason);
    }
    RefinedAnswer { yes, refined }
}

/// Whether nobody can say what came of a step.
fn is_unanswered(made: &PortResult<()>) -> bool {
    matches!(made, Err(error) if error.kind() == PortErrorKind::TimedOut)
}

/// Asks for a step of a restore, once more if it gave no answer. Each of them counts as done where it was done already.
async fn twice_if_unanswered<'a, F>(
    context: &Context<'a>,
    refined: &mut Option<Amendment>,
    step: impl Fn() -> F,
) -> PortResult<()>
where
    F: Future<Output = PortResult<()>>,
{
    let amendment = Amendment::UnansweredStepIsAskedAgain;
    let made = step().await;
    if !is_unanswered(&made) || !context.amendments.has(amendment) {
        return made;
    }
    let again = step().await;
    *refined = again.is_ok().then_some(amendment);
    again
}

async fn initialise_stanza(context: &mut Context<'_>) -> Result<(), String> {
    let ports = context.ports;
    let unusable = context.notes.unusable.as_deref();
    let s3 = context.notes.s3.clone().ok_or_else(|| texts::stanza_failed(unusable))?;
    let set = show_maintenance(context, texts::INITIALISING_STANZA).await;
    context.logged(set).map_err(|error| stanza_failed(&error))?;
    let ensured = ports.object_store.ensure_bucket(&s3).await;
    context.logged(ensured).map_err(|_| texts::BUCKET_FAILED.to_owned())?;
    let foreign = context.is_repository_foreign(&s3).await;
    if context.logged(foreign).map_err(|error| stanza_failed(&error))? {
        return Err(texts::ANOTHER_CLUSTER.to_owned());
    }
    let identity = ports.unit.identity();
    let created = ports.repository.create_stanza(identity.stanza()).await;
    let Err(error) = context.logged(created) else { return Ok(()) };
    let is_locked = error.exit().and_then(|exit| exit.code) == Some(LOCKED);
    context.notes.waits_for_lock = is_locked && context.amendments.has(Amendment::LockIsWaitedFor);
    Err(stanza_failed(&error))
}

/// Sets Maintenance, but not in the middle of what is tried again.
async fn show_maintenance(context: &Context<'_>, text: &'static str) -> PortResult<()> {
    if context.notes.tries_again {
        return Ok(());
    }
    context.ports.unit.set_status(Status::new(StatusName::Maintenance, text)).await
}

/// The text for a stanza or a repository that can't be used for this cause.
pub(crate) fn stanza_failed(error: &PortError) -> String {
    texts::stanza_failed(error.error_line())
}

async fn archive_wal(
    context: &mut Context<'_>,
    refined: &mut Option<Amendment>,
) -> Result<(), String> {
    let checked = record_and_check(context, refined).await;
    let Err(error) = context.logged(checked) else { return Ok(()) };
    // What is recorded must not outlive a failed check: a stanza in the databag counts as usable. Each
    // half of the rollback is tried whatever the other did; why one failed is for the log.
    let erased = context.record_stanza(None).await;
    let applied = context.apply_cluster_settings().await;
    let (erased, applied) = (context.logged(erased), context.logged(applied));
    match erased.and(applied) {
        Ok(()) => Err(stanza_failed(&error)),
        Err(_) => Err(texts::stanza_failed(Some(texts::STANZA_NOT_TAKEN_BACK))),
    }
}

async fn record_and_check(
    context: &mut Context<'_>,
    refined: &mut Option<Amendment>,
) -> PortResult<()> {
    let unit = &context.ports.unit;
    let identity = unit.identity();
    let stanza = identity.stanza();
    context.record_stanza(Some(stanza)).await?;
    context.apply_cluster_settings().await?;
    show_maintenance(context, texts::CHECKING_STANZA).await?;
    check(context, stanza, refined).await?;
    unit.set_status(Status::active()).await
}

/// Checks, with the settings that this takes, and leaves those that name every unit behind. What is tried again may have been
/// configured for units that have left since.
async fn check(
    context: &Context<'_>,
    stanza: &str,
    refined: &mut Option<Amendment>,
) -> PortResult<()> {
    let amendment = Amendment::CheckNeedsOnlyThePrimary;
    let all = context.tls_peers().await?;
    let needed = if context.amendments.has(amendment) && !all.is_empty() {
        peers_to_check(context, &all).await
    } else {
        all.clone()
    };
    if needed == all {
        if context.notes.tries_again {
            context.configure_repository_with(all).await?;
        }
        return check_for_a_while(context, stanza).await;
    }
    *refined = Some(amendment);
    let checked = match context.configure_repository_with(needed).await {
        Ok(()) => check_for_a_while(context, stanza).await,
        Err(error) => Err(error),
    };
    checked.and(context.configure_repository_with(all).await)
}

/// The units that a check must reach to have the primary archive: the primary, unless this unit is it. While
/// nobody knows the primary it may be any.
async fn peers_to_check(context: &Context<'_>, all: &[UnitId]) -> Vec<UnitId> {
    match context.ports.cluster.primary().await {
        Ok(Some(primary)) => all.iter().copied().filter(|peer| *peer == primary).collect(),
        Ok(None) | Err(_) => all.to_vec(),
    }
}

/// Checks until it works or [`CHECK_FOR`] has passed.
async fn check_for_a_while(context: &Context<'_>, stanza: &str) -> PortResult<()> {
    let clock = &context.ports.clock;
    let start = clock.now().await;
    loop {
        let Err(error) = context.ports.repository.check(stanza).await else { return Ok(()) };
        let Timestamp(now) = clock.now().await;
        let has_passed = u128::from((now - start.0).unsigned_abs()) >= CHECK_FOR.as_millis();
        // What is tried again every few minutes has its next try then.
        if has_passed || context.notes.tries_again {
            return Err(error);
        }
        clock.wait(CHECK_PAUSE).await?;
    }
}

async fn upload_metadata(context: &Context<'_>) -> PortResult<()> {
    let ports = context.ports;
    let identity = ports.unit.identity();
    let s3 = notes_s3(context)?;
    let now = ports.clock.now().await;
    let content = [
        "Date Backup Requested: ",
        &now.spread(["-", "-", "T", ":", ":", "Z"]),
        "\nModel Name: ",
        identity.model(),
        "\n",
        MODEL_UUID_LINE,
        identity.model_uuid(),
        "\nApplication Name: ",
        identity.application(),
        "\nUnit Name: ",
        identity.application(),
        "/",
        &identity.unit().to_string(),
        "\nJuju Version: ",
        identity.juju_version(),
        "\n",
    ]
    .concat();
    let key = s3.object_key(identity.stanza(), "latest");
    ports.object_store.put(s3, &key, content.as_bytes()).await
}

fn notes_s3<'a>(context: &'a Context<'_>) -> PortResult<&'a S3Settings> {
    context.notes.s3.as_deref().ok_or_else(|| {
        let cause = "the S3 settings are gone";
        PortError::new(PortErrorKind::NotFound, "unit", "s3_relation", cause)
    })
}

/// The label in the line in which the tool reports a backup that it has finished.
fn new_label(line: &str) -> Option<&str> {
    let (before, label) = line.rsplit_once('=')?;
    before.trim_end().ends_with("new backup label").then(|| label.trim())
}

async fn back_up(context: &mut Context<'_>) -> Result<(), String> {
    let ports = context.ports;
    let started = ports.clock.now().await;
    let done = match request(context).await {
        Ok(request) => ports.repository.back_up(&request).await,
        Err(error) => Err(error),
    };
    let (stdout, stderr, failure) = match done {
        Ok(stdout) => (stdout, String::new(), None),
        Err(error) => {
            context.notes.causes.push(error.clone());
            let CommandExit { stdout, stderr, .. } = error.exit().cloned().unwrap_or_default();
            (stdout, stderr, Some(texts::backup_failed(error.cause())))
        }
    };
    let label = stdout.lines().rev().find_map(new_label).filter(|_| failure.is_none());
    let of = label.map_or(LogOf::Failure(started), |label| LogOf::Backup(label.to_owned()));
    context.notes.log = Some(BackupLog { of, stdout, stderr });
    failure.map_or(Ok(()), Err)
}

async fn request(context: &Context<'_>) -> PortResult<BackupRequest> {
    let ports = context.ports;
    let kind = match ports.unit.parameter("type").await? {
        None => BackupKind::Full,
        Some(name) => {
            let known = BackupKind::ALL.iter().copied().find(|kind| kind.name() == &*name);
            known.ok_or_else(|| {
                let cause = format!("unknown backup type `{name}`");
                PortError::new(PortErrorKind::Refused, "unit", "parameter", cause)
            })?
        }
    };
    let identity = ports.unit.identity();
    let from_primary = ports.cluster.primary().await? == Some(identity.unit());
    Ok(BackupRequest { stanza: identity.shared_stanza(), kind, from_primary })
}

async fn list(context: &mut Context<'_>) -> PortResult<()> {
    let identity = context.ports.unit.identity();
    let inventory = Inventory::parse(&context.ports.repository.info().await?, identity.stanza())?;
    context.notes.table = Some(inventory.table());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_is_found_in_the_line_that_tells_of_it() {
        // As pgBackRest 2.55.1 wrote it.
        let line = "2026-11-23 02:43:13.171 P00   INFO: new backup label = 20261123-024306F";
        assert_eq!(new_label(line), Some("20261123-024306F"));
        for other in ["", "=", "INFO: full backup size = 35.8MB, file total = 978", "label = x"] {
            assert_eq!(new_label(other), None, "{other}");
        }
    }
}
