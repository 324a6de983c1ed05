//! The bucket.

use std::time::Duration;

use async_trait::async_trait;
use pgdrill_core::{
    PortError, PortErrorKind, S3Settings,
    ports::{ObjectStore, PortResult},
};

use super::View;
use crate::storage::NoAccess;

#[async_trait]
impl ObjectStore for View {
    async fn ensure_bucket(&self, s3: &S3Settings) -> PortResult<()> {
        let mut world = self.world();
        world.advance(Duration::from_millis(30));
        world.storage.make_bucket(s3).map_err(|why| error("ensure_bucket", why))
    }

    async fn put(&self, s3: &S3Settings, key: &str, content: &[u8]) -> PortResult<()> {
        let mut world = self.world();
        world.advance(Duration::from_millis(30));
        let bucket = world.storage.bucket_mut(s3, key).map_err(|why| error("put", why))?;
        bucket.objects.insert(key, content.to_vec());
        Ok(())
    }

    async fn get(&self, s3: &S3Settings, key: &str) -> PortResult<Option<Vec<u8>>> {
        let mut world = self.world();
        world.advance(Duration::from_millis(30));
        let bucket = world.storage.bucket_mut(s3, key).map_err(|why| error("get", why))?;
        Ok(bucket.objects.get(key).map(<[u8]>::to_vec))
    }
}

fn error(operation: &'static str, why: NoAccess) -> PortError {
    let (kind, cause) = match why {
        NoAccess::UnknownHost => (PortErrorKind::Unreachable, "nobody knows the host"),
        NoAccess::Refused => (PortErrorKind::Unreachable, "the connection is refused"),
        NoAccess::Hangs => (PortErrorKind::TimedOut, "the server does not answer"),
        NoAccess::Certificate => (
            PortErrorKind::Unreachable,
            "the server's certificate is signed by no trusted authority",
        ),
        NoAccess::Forbidden => (PortErrorKind::Denied, "403 Forbidden"),
        NoAccess::NoBucket => (PortErrorKind::NotFound, "404 NoSuchBucket"),
        NoAccess::BucketName => (PortErrorKind::Refused, "400 InvalidBucketName"),
    };
    PortError::new(kind, "object store", operation, cause)
}
