//! One firing at a time on a unit.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    time::Duration,
};

use pgdrill_core::ports::UnitId;

use super::PATIENCE;

/// The pause between two looks at the lock.
const PAUSE: Duration = Duration::from_millis(20);

/// The right to fire on a unit. The kernel takes it back when the process ends, however that happens.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a unit whose charm is in this folder.
    #[expect(
        clippy::disallowed_methods,
        reason = "the holder of a file's lock tells nobody when it goes"
    )]
    pub(super) async fn take(charm: &str, unit: UnitId) -> Result<Self, String> {
        let path = Path::new(charm).join(format!(".pgdrill-{unit}.lock"));
        let failed = |why: std::io::Error| format!("{}: {why}", path.display());
        let open =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = open.map_err(failed)?;
        let taking = async {
            loop {
                match file.try_lock() {
                    Ok(()) => return Ok(()),
                    Err(TryLockError::WouldBlock) => tokio::time::sleep(PAUSE).await,
                    Err(TryLockError::Error(why)) => return Err(failed(why)),
                }
            }
        };
        match tokio::time::timeout(PATIENCE, taking).await {
            Ok(taken) => taken.map(|()| Self { _file: file }),
            Err(_) => Err(format!("another firing runs on unit {unit}")),
        }
    }
}
