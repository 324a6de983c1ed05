//! Files of this machine.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, fchown},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use pgdrill_core::PortErrorKind;
use tokio::{task::spawn_blocking, time::timeout};

use super::{Access, FileFailure, Files};
use crate::command::{Account, Accounts};

/// How long a disk may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Distinguishes two writers of one process.
static WRITERS: AtomicU64 = AtomicU64::new(0);

/// Files of this machine below one folder.
#[derive(Debug, Clone)]
pub struct LocalFiles {
    root: PathBuf,
    accounts: Accounts,
}

impl LocalFiles {
    /// Files below `root`, which stands for `/`; owners are among `accounts`.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, accounts: Accounts) -> Self {
        Self { root: root.into(), accounts }
    }

    async fn at<T: Send + 'static>(
        &self,
        path: &str,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, FileFailure> {
        let real = self.root.join(path.trim_start_matches('/'));
        match timeout(LIMIT, spawn_blocking(move || work(&real))).await {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(error))) => Err(failure(path, &error)),
            Ok(Err(error)) => Err(FileFailure {
                kind: PortErrorKind::Unreachable,
                cause: format!("{path}: {error}"),
            }),
            Err(_) => Err(FileFailure {
                kind: PortErrorKind::TimedOut,
                cause: format!("{path}: the disk did not answer within {LIMIT:?}"),
            }),
        }
    }
}

#[async_trait]
impl Files for LocalFiles {
    async fn push(
        &self,
        path: &str,
        content: &[u8],
        access: Access<'_>,
    ) -> Result<(), FileFailure> {
        let account = self.accounts.find(access.owner).map_err(|cause| FileFailure {
            kind: PortErrorKind::NotFound,
            cause: format!("{path}: {cause}"),
        })?;
        let (content, mode) = (content.to_vec(), access.mode);
        self.at(path, move |real| replace(real, &content, account, mode)).await
    }

    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, FileFailure> {
        self.at(path, |real| match fs::read(real) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        })
        .await
    }

    async fn remove(&self, path: &str) -> Result<(), FileFailure> {
        self.at(path, |real| match fs::remove_file(real) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed,
        })
        .await
    }
}

/// Writes the content to a file beside it that nobody else may read, then puts that in its place.
fn replace(path: &Path, content: &[u8], account: Account, mode: u32) -> io::Result<()> {
    let no_file = || io::Error::new(ErrorKind::InvalidInput, "it names no file");
    let (folder, name) = path.parent().zip(path.file_name()).ok_or_else(no_file)?;
    let (process, writer) = (std::process::id(), WRITERS.fetch_add(1, Ordering::Relaxed));
    let beside = folder.join(format!(".{}.{process}.{writer}", name.display()));
    let written = write_beside(&beside, content, account, mode)
        .and_then(|()| fs::rename(&beside, path))
        .and_then(|()| File::open(folder)?.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write_beside(path: &Path, content: &[u8], account: Account, mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    if let Account::Ids { user, group } = account {
        fchown(&file, Some(user), Some(group))?;
    }
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()
}

fn failure(path: &str, error: &io::Error) -> FileFailure {
    let kind = if error.kind() == ErrorKind::NotFound {
        PortErrorKind::NotFound
    } else if error.kind() == ErrorKind::PermissionDenied {
        PortErrorKind::Denied
    } else {
        PortErrorKind::Refused
    };
    FileFailure { kind, cause: format!("{path}: {error}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIVATE: Access<'_> = Access { owner: Some("postgres"), mode: 0o600 };

    fn files(folder: &Path) -> LocalFiles {
        LocalFiles::new(folder, Accounts::default().with("postgres", Account::Own))
    }

    #[tokio::test]
    async fn a_file_is_replaced_whole_with_its_access_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = files(folder.path());
        for (content, mode) in [(&b"the longer one"[..], 0o640), (b"short", 0o600)] {
            files.push("/a.conf", content, Access { mode, ..PRIVATE }).await.expect("written");
            assert_eq!(files.read("/a.conf").await.expect("read").as_deref(), Some(content));
            let real = fs::metadata(folder.path().join("a.conf")).expect("there");
            assert_eq!(real.permissions().mode() & 0o7777, mode);
        }
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[tokio::test]
    async fn a_failed_replacement_leaves_the_old_file_and_nothing_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = files(folder.path());
        fs::create_dir_all(folder.path().join("busy/inner")).expect("a folder");
        let failed =
            files.push("/busy", b"x", PRIVATE).await.expect_err("a folder is in its place");
        assert!(failed.cause.starts_with("/busy: "), "{failed:?}");
        let stranger = Access { owner: Some("mallory"), mode: 0o600 };
        let failed = files.push("/a", b"x", stranger).await.expect_err("nobody knows mallory");
        assert_eq!(failed.kind, PortErrorKind::NotFound);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[tokio::test]
    async fn what_is_not_there_is_nothing_to_read_and_gone_already() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = files(folder.path());
        assert_eq!(files.read("/none").await, Ok(None));
        assert_eq!(files.remove("/none").await, Ok(()));
        files.push("/some", b"x", PRIVATE).await.expect("written");
        assert_eq!(files.remove("/some").await, Ok(()));
        assert_eq!(files.read("/some").await, Ok(None));
        let failed = files.push("/no/such/folder", b"x", PRIVATE).await.expect_err("no folder");
        assert_eq!(failed.kind, PortErrorKind::NotFound);
    }
}
