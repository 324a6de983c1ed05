//! One build of an image at a time on this host: a lock that ends with the process that holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::{ImageError, ImageErrorKind};

/// How often a lock that another process holds is tried.
const AGAIN: Duration = Duration::from_millis(200);

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    _file: File,
}

/// Waits until nobody else builds what bears this name, and says so once if somebody does.
pub(super) async fn hold(
    name: &str,
    say: &(dyn Fn(&str) + Send + Sync),
) -> Result<Held, ImageError> {
    let path = path(name);
    let refused = |error: &io::Error| {
        ImageError::new(
            ImageErrorKind::Host,
            format!("can't lock the build of {name}: {error}"),
            path.display().to_string(),
            "let the folder be writable, or set TMPDIR to one that is",
        )
    };
    let file = open(&path).map_err(|error| refused(&error))?;
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Held { _file: file }),
            Err(TryLockError::WouldBlock) => {
                if !told {
                    say("waiting for another process that builds it");
                    told = true;
                }
                again().await;
            }
            Err(TryLockError::Error(error)) => return Err(refused(&error)),
        }
    }
}

fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("pgdrill-image-{name}.lock"))
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
        let first = hold(&name, &|_| {}).await.expect("nobody holds it");
        let said = AtomicU32::new(0);
        let say = |_: &str| {
            said.fetch_add(1, Ordering::Relaxed);
        };
        let mut second = Box::pin(hold(&name, &say));
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        second.await.expect("nobody holds it any longer");
        assert_eq!(said.load(Ordering::Relaxed), 1);
        std::fs::remove_file(path(&name)).expect("the file is there");
    }
}
