//! Bringing buckets into the states that scenarios ask for, each by the means of its server.

use pgdrill_core::{PortErrorKind, ports::PortResult};
use testcontainers::bollard::Docker;

use super::{S3Server, Unmet, is_denied, policy, radosgw};
use crate::containers::stage::Part;

/// How this server is brought to refuse.
#[derive(Debug, Clone)]
pub(super) enum Means {
    /// Policies by a user whom none binds, and buckets that change hands.
    Radosgw {
        /// The engine.
        docker: Docker,
        /// The container.
        part: Part,
    },
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

    /// The bucket exists and is somebody else's: the hooks' user is refused with 403, whatever it asks.
    ///
    /// # Errors
    ///
    /// There is nobody else, or the bucket exists already and is another's.
    pub async fn make_foreign_bucket(&self, bucket: &str) -> Result<(), Unmet> {
        match &self.other {
            Some(other) => Ok(other.make_bucket(bucket).await?),
            None => self.deny(bucket).await,
        }
    }

    /// The bucket does not exist, whoever's it was and whatever was in it.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn remove_bucket(&self, bucket: &str) -> Result<(), Unmet> {
        self.lift(bucket).await?;
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
            Some(policy::Purpose::DeniesAbsent) => policy::Purpose::DeniesAbsent,
            Some(policy::Purpose::Denies | policy::Purpose::RefusesKeys) => policy::Purpose::Denies,
            None if is_denied(&self.own.has_bucket(bucket).await) => return Ok(()),
            None if self.admin.has_bucket(bucket).await? => policy::Purpose::Denies,
            None => {
                self.admin.make_bucket(bucket).await?;
                policy::Purpose::DeniesAbsent
            }
        };
        self.admin.set_policy(bucket, Some(&policy::deny(bucket, purpose))).await?;
        match &self.means {
            Means::Radosgw { docker, part } => {
                Ok(radosgw::give(docker, part, bucket, radosgw::ADMIN).await?)
            }
        }
    }

    /// Every request of the hooks' user about an object of this bucket whose key contains the text is refused with 403
    /// from now on; an empty text refuses none. It replaces whatever refused something in the bucket before.
    ///
    /// With radosgw, reading a key that is missing still tells that it is missing.
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
        match self.admin.set_policy(bucket, Some(&policy)).await {
            Err(error) if error.kind() == PortErrorKind::NotFound => {
                Err(Unmet::Unable("keys are refused by a policy, and that needs a bucket".into()))
            }
            set => Ok(set?),
        }
    }

    /// Nothing is refused any longer in this bucket that [`deny`](Self::deny) or [`refuse_keys`](Self::refuse_keys)
    /// refused; a bucket that did not exist then does not exist now.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn lift(&self, bucket: &str) -> Result<(), Unmet> {
        match self.purpose(bucket).await? {
            None => Ok(()),
            Some(policy::Purpose::DeniesAbsent) => Ok(self.admin.remove_bucket(bucket).await?),
            Some(policy::Purpose::Denies) => {
                match &self.means {
                    Means::Radosgw { docker, part } => {
                        radosgw::give(docker, part, bucket, radosgw::OWN).await?;
                    }
                }
                Ok(self.admin.set_policy(bucket, None).await?)
            }
            Some(policy::Purpose::RefusesKeys) => Ok(self.admin.set_policy(bucket, None).await?),
        }
    }

    /// Every key in the bucket that begins with this text, in the server's order; none if there is no such bucket.
    /// Nothing that is refused to the hooks hides a key.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn keys(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, Unmet> {
        Ok(absent_is(Vec::new(), self.admin.keys(bucket, prefix).await)?)
    }

    /// What an object holds; `None`: there is none, or no such bucket. Nothing that is refused to the hooks hides it.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn read(&self, bucket: &str, key: &str) -> Result<Option<Vec<u8>>, Unmet> {
        Ok(absent_is(None, self.admin.read(bucket, key).await)?)
    }

    /// What the bucket's policy is for, if it is one of ours.
    async fn purpose(&self, bucket: &str) -> Result<Option<policy::Purpose>, Unmet> {
        let policy = self.admin.policy(bucket).await?;
        Ok(policy.as_deref().and_then(policy::Purpose::of))
    }
}

fn absent_is<T>(nothing: T, answer: PortResult<T>) -> PortResult<T> {
    match answer {
        Err(error) if error.kind() == PortErrorKind::NotFound => Ok(nothing),
        answer => answer,
    }
}
