//! Bringing buckets into the states that scenarios ask for, each by the means of its server.

use std::future::Future;

use pgdrill_core::{PortErrorKind, ports::PortResult};

use super::{OWN, S3Server, Unmet, is_denied, minio, policy, policy::PolicyPurpose, radosgw};
use pgdrill_adapters::s3::S3Admin;

/// How this server is made to refuse.
#[derive(Debug, Clone)]
pub(super) enum Means {
    /// Policies by a user whom none binds, and buckets that change hands.
    Radosgw(Box<radosgw::Gateway>),
    /// Policies of the hooks' user.
    Minio(Box<minio::Users>),
    /// Policies by the hooks' own user, which bind this user, too.
    Owner,
}

impl S3Server {
    /// The bucket exists and is the hooks' own.
    ///
    /// # Errors
    ///
    /// It is somebody else's, or the server refuses.
    pub async fn make_bucket(&self, bucket: &str) -> Result<(), Unmet> {
        Ok(self.own.make_bucket(bucket).await?)
    }

    /// The bucket exists and is somebody else's: the hooks' user is refused with 403, whatever it asks. Of a server
    /// without somebody else, a policy makes the bucket answer so.
    ///
    /// # Errors
    ///
    /// The bucket exists already and is another's, or the server can't do it.
    pub async fn make_foreign_bucket(&self, bucket: &str) -> Result<(), Unmet> {
        if let Some(other) = &self.other {
            return Ok(other.make_bucket(bucket).await?);
        }
        self.own.make_bucket(bucket).await?;
        self.refuse_all(bucket, PolicyPurpose::Foreign).await
    }

    /// The bucket does not exist, whoever's it was and whatever was in it.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn remove_bucket(&self, bucket: &str) -> Result<(), Unmet> {
        // A policy goes first: it would keep what is in the bucket.
        if let Some(purpose) = self.purpose(bucket).await? {
            self.drop_policy(bucket, purpose).await?;
        }
        let removed = self.admin.remove_bucket(bucket).await;
        match &self.other {
            Some(other) if is_denied(&removed) => Ok(other.remove_bucket(bucket).await?),
            Some(_) | None => Ok(removed?),
        }
    }

    /// Every request of the hooks' user about this bucket is refused with 403 from now on, whether or not the bucket
    /// exists. What is in it stays. A bucket that is somebody else's is as it was.
    ///
    /// # Errors
    ///
    /// This server can't do that, or it did not work.
    pub async fn deny(&self, bucket: &str) -> Result<(), Unmet> {
        let purpose = match self.purpose(bucket).await? {
            Some(PolicyPurpose::Foreign) => return Ok(()),
            Some(PolicyPurpose::DeniesAbsent) => PolicyPurpose::DeniesAbsent,
            Some(PolicyPurpose::Denies | PolicyPurpose::RefusesKeys) => PolicyPurpose::Denies,
            None => match self.own.has_bucket(bucket).await {
                Ok(true) => PolicyPurpose::Denies,
                Ok(false) => {
                    self.admin.make_bucket(bucket).await?;
                    PolicyPurpose::DeniesAbsent
                }
                denied if is_denied(&denied) => return Ok(()),
                failed => return Ok(failed.map(drop)?),
            },
        };
        self.refuse_all(bucket, purpose).await
    }

    /// Every request of the hooks' user about an object of this bucket whose key contains the text is refused with 403
    /// from now on; an empty text refuses none. It replaces whatever refused something in the bucket before.
    ///
    /// With radosgw, reading a key that is missing still shows that it is missing.
    ///
    /// # Errors
    ///
    /// This server can't do that, or there is no such bucket, or it did not work.
    pub async fn refuse_keys(&self, bucket: &str, text: &str) -> Result<(), Unmet> {
        self.lift(bucket).await?;
        if text.is_empty() {
            return Ok(());
        }
        if let Some(unwritable) = policy::unwritable(text) {
            let reason = format!("no policy of a bucket can name a key with `{unwritable}` in it");
            return Err(Unmet::Unable(reason));
        }
        let policy = policy::refuse_keys(bucket, text);
        self.set_policy(bucket, PolicyPurpose::RefusesKeys, &policy).await?;
        if matches!(self.means, Means::Owner) {
            let key = format!("pgdrill-probe/{text}");
            if !is_denied(&self.own.write(bucket, &key, b"").await) {
                self.admin.set_policy(bucket, None).await?;
                self.own.remove(bucket, &key).await?;
                return Err(Unmet::Unable(UNHEEDED.to_owned()));
            }
        }
        Ok(())
    }

    /// Nothing is refused any longer in this bucket that [`deny`](Self::deny) or [`refuse_keys`](Self::refuse_keys)
    /// refused; a bucket that did not exist then does not exist now.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn lift(&self, bucket: &str) -> Result<(), Unmet> {
        match self.purpose(bucket).await? {
            None | Some(PolicyPurpose::Foreign) => Ok(()),
            Some(purpose) => {
                self.drop_policy(bucket, purpose).await?;
                if purpose == PolicyPurpose::DeniesAbsent {
                    self.admin.remove_bucket(bucket).await?;
                }
                Ok(())
            }
        }
    }

    /// Every key in the bucket that begins with this text, in the server's order; none if there is no such bucket.
    /// Nothing that is refused to the hooks hides a key.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn keys(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, Unmet> {
        let look = |user: S3Admin| async move { user.keys(bucket, prefix).await };
        self.look(bucket, Vec::new(), look).await
    }

    /// What an object holds; `None`: there is none, or no such bucket. Nothing that is refused to the hooks hides it.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn read(&self, bucket: &str, key: &str) -> Result<Option<Vec<u8>>, Unmet> {
        let look = |user: S3Admin| async move { user.read(bucket, key).await };
        self.look(bucket, None, look).await
    }

    /// Looks by a user whom nothing hinders: the administrator, whoever else it belongs to, or the owner while the
    /// policy is put aside.
    async fn look<T, F>(
        &self,
        bucket: &str,
        nothing: T,
        look: impl Fn(S3Admin) -> F,
    ) -> Result<T, Unmet>
    where
        F: Future<Output = PortResult<T>>,
    {
        let mut seen = look(self.admin.clone()).await;
        if is_denied(&seen) {
            let policy = self.admin.policy(bucket).await;
            if let Ok(Some(policy)) = policy {
                self.admin.set_policy(bucket, None).await?;
                seen = look(self.admin.clone()).await;
                self.admin.set_policy(bucket, Some(&policy)).await?;
            } else if let Some(other) = &self.other {
                seen = look(other.clone()).await;
            }
        }
        match seen {
            Err(error) if error.kind() == PortErrorKind::NotFound => Ok(nothing),
            seen => Ok(seen?),
        }
    }

    /// The bucket's policy refuses everything, and the server obeys it.
    async fn refuse_all(&self, bucket: &str, purpose: PolicyPurpose) -> Result<(), Unmet> {
        self.set_policy(bucket, purpose, &policy::deny(bucket, purpose)).await?;
        match &self.means {
            Means::Radosgw(gateway) => Ok(gateway.give(bucket, radosgw::ADMIN).await?),
            Means::Owner if !is_denied(&self.own.has_bucket(bucket).await) => {
                self.admin.set_policy(bucket, None).await?;
                if purpose != PolicyPurpose::Denies {
                    self.admin.remove_bucket(bucket).await?;
                }
                Err(Unmet::Unable(UNHEEDED.to_owned()))
            }
            Means::Owner | Means::Minio(_) => Ok(()),
        }
    }

    async fn set_policy(
        &self,
        bucket: &str,
        purpose: PolicyPurpose,
        policy: &str,
    ) -> Result<(), Unmet> {
        match &self.means {
            Means::Minio(users) => {
                // One policy at a time: what refused something before does so no longer.
                if let Some(before) = users.purpose(bucket).await? {
                    users.lift(bucket, before).await?;
                }
                return Ok(users.refuse(bucket, purpose, &policy::of_user(policy)).await?);
            }
            Means::Radosgw(_) | Means::Owner => {}
        }
        match self.admin.set_policy(bucket, Some(policy)).await {
            Err(error) if error.kind() == PortErrorKind::NotFound => {
                Err(Unmet::Unable("a server refuses by a policy, and that needs a bucket".into()))
            }
            Err(error) if matches!(self.means, Means::Owner) => Err(Unmet::Unable(format!(
                "the S3 server takes no policy of a bucket: {}",
                error.cause()
            ))),
            set => Ok(set?),
        }
    }

    /// A policy of ours refuses nothing any longer, and the bucket is whose it was.
    async fn drop_policy(&self, bucket: &str, purpose: PolicyPurpose) -> Result<(), Unmet> {
        match &self.means {
            Means::Minio(users) => Ok(users.lift(bucket, purpose).await?),
            Means::Radosgw(gateway) => {
                if purpose != PolicyPurpose::RefusesKeys {
                    gateway.give(bucket, OWN).await?;
                }
                Ok(self.admin.set_policy(bucket, None).await?)
            }
            Means::Owner => Ok(self.admin.set_policy(bucket, None).await?),
        }
    }

    /// What the bucket's policy is for, if it is one of ours. Another's bucket has none that we may know.
    async fn purpose(&self, bucket: &str) -> Result<Option<PolicyPurpose>, Unmet> {
        match &self.means {
            Means::Minio(users) => return Ok(users.purpose(bucket).await?),
            Means::Radosgw(_) | Means::Owner => {}
        }
        match self.admin.policy(bucket).await {
            policy if is_denied(&policy) => Ok(None),
            policy => Ok(policy?.as_deref().and_then(PolicyPurpose::of)),
        }
    }
}

const UNHEEDED: &str = "the S3 server takes a policy of a bucket and does not obey it";
