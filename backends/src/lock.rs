//! One process of this host at a time: a lock that ends with the process that holds it.

use std::{
    fmt,
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// How often a lock that another process holds is tried.
const AGAIN: Duration = Duration::from_millis(200);

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    _file: File,
}

/// Why a lock can't be taken.
#[derive(Debug)]
pub(crate) struct NoLock {
    /// The file that stands for the lock.
    pub(crate) path: PathBuf,
    error: io::Error,
}

impl NoLock {
    /// What to do about it.
    pub(crate) const HINT: &str = "let the folder be writable, or set TMPDIR to one that is";
}

impl fmt::Display for NoLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

/// Waits until nobody else holds the lock of this name, and says so once, in these words, if somebody does.
pub(crate) async fn hold(
    name: &str,
    waiting: &str,
    say: &(dyn Fn(&str) + Send + Sync),
) -> Result<Held, NoLock> {
    let path = path(name);
    let refused = |error: io::Error| NoLock { path: path.clone(), error };
    let file = open(&path).map_err(refused)?;
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Held { _file: file }),
            Err(TryLockError::WouldBlock) => {
                if !told {
                    say(waiting);
                    told = true;
                }
                again().await;
            }
            Err(TryLockError::Error(error)) => return Err(refused(error)),
        }
    }
}

fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("pgdrill-{name}.lock"))
}

/// Another user's lock file can be neither created nor written in a shared folder, but read, which is enough.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .or_else(|first| File::open(path).map_err(|_| first))
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
        let name = format!("test-{}", std::process::id());
        let first = hold(&name, "", &|_| {}).await.expect("nobody holds it");
        let said = AtomicU32::new(0);
        let say = |_: &str| {
            said.fetch_add(1, Ordering::Relaxed);
        };
        let mut second = Box::pin(hold(&name, "waiting", &say));
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        second.await.expect("nobody holds it any longer");
        assert_eq!(said.load(Ordering::Relaxed), 1);
        std::fs::remove_file(path(&name)).expect("the file is there");
    }
}
