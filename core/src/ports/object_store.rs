//! The bucket.

use async_trait::async_trait;

use super::PortResult;
use crate::s3::S3Settings;

/// The bucket, for the objects that the hooks keep beside the backups.
#[async_trait]
pub trait ObjectStore: Send + Sync {
    /// The bucket exists and can be listed; it was made if it did not exist.
    async fn ensure_bucket(&self, s3: &S3Settings) -> PortResult<()>;

    /// The object holds exactly `content`. After an error it holds the old content or the new.
    async fn put(&self, s3: &S3Settings, key: &str, content: &[u8]) -> PortResult<()>;

    /// The object's content; `None` when there is no such object.
    async fn get(&self, s3: &S3Settings, key: &str) -> PortResult<Option<Vec<u8>>>;
}
