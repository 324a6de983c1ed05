//! S3, by Amazon's own client.

mod admin;
mod client;
mod connector;
mod failure;
mod route;

use std::{future::Future, time::Duration};

use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    primitives::ByteStream,
    types::{BucketLocationConstraint, CreateBucketConfiguration},
};
use pgdrill_core::{
    PortError, PortErrorKind, S3Settings,
    ports::{ObjectStore, PortResult},
};

pub use admin::S3Admin;
use failure::Failed;
pub use route::S3Route;

const PORT: &str = "object store";
/// The region when none is given: signatures want one, and servers without regions accept this.
const REGION: &str = "us-east-1";
/// The largest object that is read. The hooks keep a few lines beside the backups.
const LARGEST: usize = 64 << 20;

/// How long a server may take, and how often it is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct S3Limits {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For one try of one request.
    pub attempt: Duration,
    /// How often a request is tried when the connection fails or the server asks for patience.
    pub attempts: u32,
    /// For one call of the port, whatever it takes: several requests, tries and the content.
    pub call: Duration,
}

impl Default for S3Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            attempt: Duration::from_secs(15),
            attempts: 2,
            call: Duration::from_secs(60),
        }
    }
}

/// Buckets of any S3 server, each reached with the settings that are given with the call.
#[derive(Debug, Clone, Default)]
pub struct S3Store {
    limits: S3Limits,
    route: Option<S3Route>,
}

impl S3Store {
    /// Buckets, reached within these limits.
    #[must_use]
    pub const fn new(limits: S3Limits) -> Self {
        Self { limits, route: None }
    }

    /// These buckets, with another way to one host: see [`S3Route`].
    #[must_use]
    pub fn by(self, route: S3Route) -> Self {
        Self { route: Some(route), ..self }
    }

    fn client(&self, s3: &S3Settings) -> Result<Client, Failed> {
        client::connect(s3, &self.limits, self.route.as_ref())
    }

    /// Makes a call within its time.
    async fn call<T>(
        &self,
        operation: &'static str,
        s3: &S3Settings,
        work: impl Future<Output = Result<T, Failed>>,
    ) -> PortResult<T> {
        let failed = match tokio::time::timeout(self.limits.call, work).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(failed)) => failed,
            Err(_) => {
                let cause = format!("no answer within {:?}", self.limits.call);
                Failed { kind: PortErrorKind::TimedOut, code: None, cause }
            }
        };
        let cause = format!("{}: {}", s3.endpoint, failed.cause);
        Err(PortError::new(failed.kind, PORT, operation, failure::without_secrets(cause, s3)))
    }
}

#[async_trait]
impl ObjectStore for S3Store {
    async fn ensure_bucket(&self, s3: &S3Settings) -> PortResult<()> {
        self.call("ensure_bucket", s3, async {
            let client = self.client(s3)?;
            let head = client.head_bucket().bucket(s3.bucket.as_ref()).send().await;
            match head.map_err(|error| Failed::of(&error)) {
                Ok(_) => Ok(()),
                Err(Failed { kind: PortErrorKind::NotFound, .. }) => create(&client, s3).await,
                Err(failed) => Err(failed),
            }
        })
        .await
    }

    async fn put(&self, s3: &S3Settings, key: &str, content: &[u8]) -> PortResult<()> {
        self.call("put", s3, async {
            let client = self.client(s3)?;
            let body = ByteStream::from(content.to_vec());
            let put = client.put_object().bucket(s3.bucket.as_ref()).key(key).body(body);
            put.send().await.map(drop).map_err(|error| Failed::of(&error))
        })
        .await
    }

    async fn get(&self, s3: &S3Settings, key: &str) -> PortResult<Option<Vec<u8>>> {
        self.call("get", s3, async {
            let client = self.client(s3)?;
            let got = client.get_object().bucket(s3.bucket.as_ref()).key(key).send().await;
            match got.map_err(|error| Failed::of(&error)) {
                Ok(object) => content(object.body).await.map(Some),
                Err(failed) if failed.code.as_deref() == Some("NoSuchKey") => Ok(None),
                Err(failed) => Err(failed),
            }
        })
        .await
    }
}

/// Makes the bucket. That it is there by now, and one's own, is as good.
async fn create(client: &Client, s3: &S3Settings) -> Result<(), Failed> {
    let mut request = client.create_bucket().bucket(s3.bucket.as_ref());
    if let Some(region) = s3.region.as_deref().filter(|&region| region != REGION && is_aws(s3)) {
        // AWS insists on it outside of its first region; other servers have names of their own for places.
        let place = BucketLocationConstraint::from(region);
        let place = CreateBucketConfiguration::builder().location_constraint(place).build();
        request = request.create_bucket_configuration(place);
    }
    match request.send().await.map_err(|error| Failed::of(&error)) {
        Ok(_) => Ok(()),
        Err(failed) if failed.code.as_deref() == Some("BucketAlreadyOwnedByYou") => Ok(()),
        Err(failed) if failed.code.as_deref() == Some("BucketAlreadyExists") => {
            Err(Failed { kind: PortErrorKind::Denied, ..failed })
        }
        Err(failed) => Err(failed),
    }
}

fn is_aws(s3: &S3Settings) -> bool {
    [".amazonaws.com", ".amazonaws.com.cn"].iter().any(|end| s3.endpoint.ends_with(end))
}

/// All of an object, unless it is far larger than anything that the hooks put there.
async fn content(mut body: ByteStream) -> Result<Vec<u8>, Failed> {
    let failed = |kind, cause: String| Failed { kind, code: None, cause };
    let mut content = Vec::new();
    while let Some(block) = body.next().await {
        let cut_off = |error| failed(PortErrorKind::Unreachable, failure::chain(&error));
        content.extend_from_slice(&block.map_err(cut_off)?);
        if content.len() > LARGEST {
            let cause = format!("the object has more than {LARGEST} bytes");
            return Err(failed(PortErrorKind::Malformed, cause));
        }
    }
    Ok(content)
}

#[cfg(test)]
mod tests;
