//! One process of this host at a time: a lock on a file, which ends with the process that holds it.

use std::{
    fmt,
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

/// How often a lock that another process holds is tried.
const AGAIN: Duration = Duration::from_millis(50);

/// The file that stands for a lock. It stays when the lock ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockPath {
    path: PathBuf,
    mode: u32,
}

impl LockPath {
    /// A file that only its owner can open.
    #[must_use]
    pub fn private(path: PathBuf) -> Self {
        Self { path, mode: 0o600 }
    }

    /// The file of this name in the folder for temporary files, for every user of the host.
    #[must_use]
    pub fn shared(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pgdrill-{name}.lock"));
        Self { path, mode: 0o644 }
    }

    /// Waits until nobody else holds the lock. `contended` is called once if somebody does.
    ///
    /// # Errors
    ///
    /// The file can be neither opened nor locked.
    pub async fn acquire(&self, contended: impl FnOnce()) -> Result<FileLock, LockError> {
        let refused = |error: io::Error| LockError { path: self.path.clone(), error };
        let file = self.open().map_err(refused)?;
        let mut contended = Some(contended);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(FileLock { _file: file }),
                Err(TryLockError::WouldBlock) => {
                    if let Some(contended) = contended.take() {
                        contended();
                    }
                    again().await;
                }
                Err(TryLockError::Error(error)) => return Err(refused(error)),
            }
        }
    }

    /// Another user's lock file can be neither created nor written in a shared folder, but read, which is
    /// enough.
    fn open(&self) -> io::Result<File> {
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(self.mode)
            .open(&self.path)
            .or_else(|first| File::open(&self.path).map_err(|_| first))
    }
}

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

/// Why a lock can't be acquired.
#[derive(Debug)]
pub struct LockError {
    path: PathBuf,
    error: io::Error,
}

impl LockError {
    /// What to do about it.
    pub const HINT: &str = "let the folder be writable, or set TMPDIR to one that is";

    /// The file that stands for the lock.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "another process's lock makes no sound when it ends; an await must stay abortable"
)]
async fn again() {
    tokio::time::sleep(AGAIN).await;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_second_holder_waits_for_the_first_and_says_so_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let lock = LockPath::private(folder.path().join("lock"));
        let first = lock.acquire(|| {}).await.expect("nobody holds it");
        let said = AtomicU32::new(0);
        let mut second = Box::pin(lock.acquire(|| {
            said.fetch_add(1, Ordering::Relaxed);
        }));
        assert!(futures_util::poll!(&mut second).is_pending());
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        second.await.expect("nobody holds it any longer");
        assert_eq!(said.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_file_that_can_t_be_opened_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("missing").join("lock");
        let refused = LockPath::private(path.clone()).acquire(|| {}).await.expect_err("refused");
        assert_eq!(refused.path(), path);
        assert!(refused.to_string().contains("No such file"), "{refused}");
    }
}
