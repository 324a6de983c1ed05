//! Fires one hook once on one unit.

use crate::{
    amendment::Amendments,
    context::{Context, Notes},
    hook::{Firing, Hook},
    hooks,
    ports::Ports,
    walker::{Probe, Stop, Walker},
};

/// Fires `hook` once on the unit to which `ports` are bound, and returns how it ended and what it
/// visited. Never fails: a port's failure is part of the outcome.
pub async fn fire(
    ports: &Ports,
    hook: Hook,
    amendments: Amendments,
    probe: Option<&dyn Probe>,
) -> Firing {
    let context = Context { ports, hook, amendments, notes: Notes::default() };
    let mut walker = Walker::new(context, probe);
    let walked = walk(&mut walker, hook).await;
    walker.finish(walked)
}

async fn walk(walker: &mut Walker<'_>, hook: Hook) -> Result<(), Stop> {
    walker.start().await?;
    match hook {
        Hook::S3CredentialsChanged => hooks::s3_credentials_changed(walker).await,
        Hook::CreateBackup => hooks::create_backup(walker).await,
        Hook::ListBackups => hooks::list_backups(walker).await,
        Hook::Restore => hooks::restore(walker).await,
        Hook::UpdateStatus => hooks::update_status(walker).await,
        Hook::CertificatesChanged => hooks::certificates_changed(walker).await,
    }?;
    walker.close().await
}
