//! What is done with buckets around the hooks, by whoever may: made, looked into, bound by policies, removed.

use aws_sdk_s3::{
    Client,
    error::ProvideErrorMetadata,
    types::{Delete, ObjectIdentifier},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use pgdrill_core::{PortErrorKind, S3Settings, ports::PortResult};

use super::{S3Store, content, create, failure::Failed};

/// How often a bucket is emptied while somebody still writes into it.
const EMPTIED: u32 = 3;
/// How many objects are deleted side by side where a server does not take many at once.
const SIDE_BY_SIDE: usize = 16;

/// Buckets of one S3 server, by one user of it.
///
/// What a request keeps while it is under way is large: it is put on the heap, so that callers may ask much.
#[derive(Debug, Clone)]
pub struct S3Admin {
    store: S3Store,
    user: S3Settings,
}

impl S3Admin {
    /// The server and the user of these settings; their bucket and path do not count.
    #[must_use]
    pub const fn new(store: S3Store, user: S3Settings) -> Self {
        Self { store, user }
    }

    /// Whether there is such a bucket.
    ///
    /// # Errors
    ///
    /// The server can't be reached, or refuses. Denied may be an answer: it is there, and another's.
    pub async fn has_bucket(&self, bucket: &str) -> PortResult<bool> {
        let work = Box::pin(async {
            match sent(self.client()?.head_bucket().bucket(bucket).send().await) {
                Ok(_) => Ok(true),
                Err(failed) if failed.kind == PortErrorKind::NotFound => Ok(false),
                Err(failed) => Err(failed),
            }
        });
        self.store.call("has_bucket", &self.user, work).await
    }

    /// The bucket is there, and this user's.
    ///
    /// # Errors
    ///
    /// It is another's, or the server refuses.
    pub async fn make_bucket(&self, bucket: &str) -> PortResult<()> {
        let named = S3Settings { bucket: bucket.to_owned().into(), ..self.user.clone() };
        let work = Box::pin(async { create(&self.client()?, &named).await });
        self.store.call("make_bucket", &self.user, work).await
    }

    /// There is no such bucket any longer, nor anything that was in it.
    ///
    /// # Errors
    ///
    /// The server refuses. A part of it may be gone.
    pub async fn remove_bucket(&self, bucket: &str) -> PortResult<()> {
        let work = Box::pin(async {
            let client = self.client()?;
            for _ in 0..EMPTIED {
                let removed = match empty(&client, bucket).await {
                    Ok(()) => sent(client.delete_bucket().bucket(bucket).send().await).map(drop),
                    Err(failed) => Err(failed),
                };
                match removed {
                    Err(failed) if failed.code.as_deref() == Some("BucketNotEmpty") => {}
                    Err(failed) if is_no_bucket(&failed) => return Ok(()),
                    done => return done,
                }
            }
            let cause = "somebody still writes into the bucket".to_owned();
            Err(Failed { kind: PortErrorKind::Refused, code: None, cause })
        });
        self.store.call("remove_bucket", &self.user, work).await
    }

    /// Every key in the bucket that begins with this text, in the server's order.
    ///
    /// # Errors
    ///
    /// There is no such bucket, or the server refuses.
    pub async fn keys(&self, bucket: &str, prefix: &str) -> PortResult<Vec<String>> {
        let work = Box::pin(async { keys(&self.client()?, bucket, prefix).await });
        self.store.call("keys", &self.user, work).await
    }

    /// What an object holds; `None`: there is none.
    ///
    /// # Errors
    ///
    /// There is no such bucket, or the server refuses.
    pub async fn read(&self, bucket: &str, key: &str) -> PortResult<Option<Vec<u8>>> {
        let work = Box::pin(async {
            match sent(self.client()?.get_object().bucket(bucket).key(key).send().await) {
                Ok(object) => content(object.body).await.map(Some),
                Err(failed) if failed.code.as_deref() == Some("NoSuchKey") => Ok(None),
                Err(failed) => Err(failed),
            }
        });
        self.store.call("read", &self.user, work).await
    }

    /// The object holds this.
    ///
    /// # Errors
    ///
    /// There is no such bucket, or the server refuses.
    pub async fn write(&self, bucket: &str, key: &str, text: &[u8]) -> PortResult<()> {
        let work = Box::pin(async {
            let put = self.client()?.put_object().bucket(bucket).key(key);
            sent(put.body(text.to_vec().into()).send().await).map(drop)
        });
        self.store.call("write", &self.user, work).await
    }

    /// There is no such object.
    ///
    /// # Errors
    ///
    /// There is no such bucket, or the server refuses.
    pub async fn remove(&self, bucket: &str, key: &str) -> PortResult<()> {
        let work = Box::pin(async {
            let delete = self.client()?.delete_object().bucket(bucket).key(key);
            sent(delete.send().await).map(drop)
        });
        self.store.call("remove", &self.user, work).await
    }

    /// The bucket's policy; `None`: it has none, or there is no such bucket.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn policy(&self, bucket: &str) -> PortResult<Option<String>> {
        let work = Box::pin(async {
            match sent(self.client()?.get_bucket_policy().bucket(bucket).send().await) {
                Ok(got) => Ok(got.policy),
                Err(failed) if failed.kind == PortErrorKind::NotFound => Ok(None),
                Err(failed) => Err(failed),
            }
        });
        self.store.call("policy", &self.user, work).await
    }

    /// The bucket has this policy, or none.
    ///
    /// # Errors
    ///
    /// There is no such bucket, or the server refuses.
    pub async fn set_policy(&self, bucket: &str, policy: Option<&str>) -> PortResult<()> {
        let work = Box::pin(async {
            let client = self.client()?;
            let Some(policy) = policy else {
                return sent(client.delete_bucket_policy().bucket(bucket).send().await).map(drop);
            };
            let put = client.put_bucket_policy().bucket(bucket).policy(policy);
            sent(put.send().await).map(drop)
        });
        self.store.call("set_policy", &self.user, work).await
    }

    fn client(&self) -> Result<Client, Failed> {
        self.store.client(&self.user)
    }
}

fn sent<T, E>(
    answer: Result<T, aws_sdk_s3::error::SdkError<E, aws_sdk_s3::config::http::HttpResponse>>,
) -> Result<T, Failed>
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    answer.map_err(|error| Failed::of(&error))
}

/// A missing policy or key is missing, too, and not the bucket.
fn is_no_bucket(failed: &Failed) -> bool {
    failed.code.as_deref() == Some("NoSuchBucket")
}

async fn keys(client: &Client, bucket: &str, prefix: &str) -> Result<Vec<String>, Failed> {
    let mut keys = Vec::new();
    let mut next = None;
    loop {
        let page = client.list_objects_v2().bucket(bucket).prefix(prefix);
        let page = sent(page.set_continuation_token(next).send().await)?;
        keys.extend(page.contents.into_iter().flatten().filter_map(|object| object.key));
        next = page.next_continuation_token;
        if next.is_none() {
            return Ok(keys);
        }
    }
}

/// Nothing is in the bucket: no object, and no upload that was begun. A policy would keep what it refuses.
async fn empty(client: &Client, bucket: &str) -> Result<(), Failed> {
    match sent(client.delete_bucket_policy().bucket(bucket).send().await) {
        Err(failed) if failed.kind == PortErrorKind::NotFound && !is_no_bucket(&failed) => {}
        done => drop(done?),
    }
    let uploads = sent(client.list_multipart_uploads().bucket(bucket).send().await)?;
    for upload in uploads.uploads.into_iter().flatten() {
        let abort = client.abort_multipart_upload().bucket(bucket);
        let abort = abort.set_key(upload.key).set_upload_id(upload.upload_id);
        sent(abort.send().await)?;
    }
    let keys = keys(client, bucket, "").await?;
    for some in keys.chunks(1000) {
        delete(client, bucket, some).await?;
    }
    Ok(())
}

async fn delete(client: &Client, bucket: &str, keys: &[String]) -> Result<(), Failed> {
    let named = keys.iter().map(|key| ObjectIdentifier::builder().key(key).build());
    let named: Result<Vec<_>, _> = named.collect();
    let all = named.and_then(|keys| Delete::builder().quiet(true).set_objects(Some(keys)).build());
    if let Ok(all) = all {
        let deleted = client.delete_objects().bucket(bucket).delete(all).send().await;
        if deleted.is_ok_and(|answer| answer.errors.unwrap_or_default().is_empty()) {
            return Ok(());
        }
    }
    // Some servers want another checksum of such a request than this client sends.
    // The requests own their keys: a future that borrows them through the stream is not `Send`.
    let requests: Vec<_> =
        keys.iter().map(|key| client.delete_object().bucket(bucket).key(key)).collect();
    stream::iter(requests)
        .map(|request| async move { sent(request.send().await).map(drop) })
        .buffer_unordered(SIDE_BY_SIDE)
        .try_collect()
        .await
}
