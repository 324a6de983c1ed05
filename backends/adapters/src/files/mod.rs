//! Files where the database runs.

mod local;

use std::sync::Arc;

use async_trait::async_trait;
use pgdrill_core::PortErrorKind;

pub use local::LocalFiles;

/// Who may do what with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access<'a> {
    /// The owner's name; `None`: whoever writes it.
    pub owner: Option<&'a str>,
    /// The permissions, as `0o600`.
    pub mode: u32,
}

/// Why a file could not be written, read or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFailure {
    /// The kind of failure.
    pub kind: PortErrorKind,
    /// What was wrong, with the file's path.
    pub cause: String,
}

/// A way to reach files in one place: this machine, a container, or through Pebble.
#[async_trait]
pub trait Files: Send + Sync {
    /// The file holds exactly `content`, with this access from its first byte on. After an error it holds
    /// all of the old content or all of the new. Its folder must be there.
    async fn push(&self, path: &str, content: &[u8], access: Access<'_>)
    -> Result<(), FileFailure>;

    /// The file's content; `None` when there is no such file.
    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, FileFailure>;

    /// The file is not there; what was gone already counts.
    async fn remove(&self, path: &str) -> Result<(), FileFailure>;
}

#[async_trait]
impl<T: Files + ?Sized> Files for Arc<T> {
    async fn push(
        &self,
        path: &str,
        content: &[u8],
        access: Access<'_>,
    ) -> Result<(), FileFailure> {
        (**self).push(path, content, access).await
    }

    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, FileFailure> {
        (**self).read(path).await
    }

    async fn remove(&self, path: &str) -> Result<(), FileFailure> {
        (**self).remove(path).await
    }
}
