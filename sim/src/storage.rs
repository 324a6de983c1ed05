//! The S3 server, and the backup repositories in its buckets.

use std::{collections::BTreeMap, sync::Arc};

use pgdrill_core::{S3Settings, inventory::backup_id, ports::BackupKind};

use crate::{
    change::S3ServerState,
    facts::{BackupFacts, RepositoryPlace},
    objects::Objects,
    observation::BackupSeen,
    shelf::Shelf,
};

/// The host of the one S3 server of a world.
pub(crate) const S3_HOST: &str = "s3.drill";
/// Its endpoint.
pub(crate) const S3_ENDPOINT: &str = "https://s3.drill";
/// The endpoint of a server that is nowhere.
pub(crate) const NOWHERE_ENDPOINT: &str = "https://nowhere.invalid";
/// The bucket.
pub(crate) const BUCKET: &str = "drill-backups";
/// A bucket that no S3 server makes.
pub(crate) const ILL_NAMED_BUCKET: &str = "Drill Backups";
/// The access key that the server knows.
pub(crate) const ACCESS_KEY: &str = "drill-access-key-canary";
/// The secret key that goes with it.
pub(crate) const SECRET_KEY: &str = "drill-secret-key-canary";
/// A secret key that does not.
pub(crate) const WRONG_SECRET_KEY: &str = "wrong-secret-key-canary";
/// The authority that signed the server's certificate.
pub(crate) const CA_CHAIN: &str = "-----BEGIN CERTIFICATE-----\ndrill\n-----END CERTIFICATE-----";
/// Another authority.
pub(crate) const OTHER_CA_CHAIN: &str =
    "-----BEGIN CERTIFICATE-----\nother\n-----END CERTIFICATE-----";

/// The S3 server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Storage {
    pub(crate) state: S3ServerState,
    /// A key that contains this text is refused; empty refuses none.
    pub(crate) refused: String,
    pub(crate) buckets: BTreeMap<String, Bucket>,
}

/// One bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bucket {
    pub(crate) is_forbidden: bool,
    pub(crate) objects: Objects,
    /// The stanzas under each repository path.
    pub(crate) repositories: BTreeMap<String, Vec<StanzaStore>>,
}

/// A stanza in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StanzaStore {
    pub(crate) name: Arc<str>,
    pub(crate) system_id: u64,
    pub(crate) backups: Vec<BackupStore>,
    /// Each of `backups` as users see it, oldest first.
    pub(crate) seen: Shelf<BackupSeen>,
    /// What laws must know of them.
    pub(crate) facts: Shelf<BackupFacts>,
    /// The label of a full backup that died while it copied: its folder is there, and no list has it.
    pub(crate) resumable: Option<String>,
    place: RepositoryPlace,
}

/// A backup in a stanza.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BackupStore {
    pub(crate) label: String,
    pub(crate) kind: BackupKind,
    /// The label of the backup on which it builds; none for a full one.
    pub(crate) prior: Option<String>,
    pub(crate) failed: bool,
    /// The number of the WAL segment in which it begins and ends.
    pub(crate) segment: u64,
    pub(crate) started: i64,
    pub(crate) stopped: i64,
}

/// Why a request to the S3 server got no good answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoAccess {
    /// Nobody knows the host.
    UnknownHost,
    /// The connection is refused.
    Refused,
    /// The connection is taken and nothing answers.
    Hangs,
    /// The certificate is signed by an authority that is not trusted.
    Certificate,
    /// 403.
    Forbidden,
    /// 404: there is no such bucket.
    NoBucket,
    /// 400: nor can there be one of this name.
    BucketName,
}

impl Storage {
    /// Whether a server answers these settings at all.
    pub(crate) fn reach(&self, s3: &S3Settings) -> Result<(), NoAccess> {
        if s3.endpoint != S3_ENDPOINT {
            return Err(NoAccess::UnknownHost);
        }
        match self.state {
            S3ServerState::Down => return Err(NoAccess::Refused),
            S3ServerState::Hangs => return Err(NoAccess::Hangs),
            S3ServerState::Up | S3ServerState::Denies => {}
        }
        if s3.tls_ca_chain.as_deref() != Some(CA_CHAIN) {
            return Err(NoAccess::Certificate);
        }
        let known = s3.access_key.expose() == ACCESS_KEY && s3.secret_key.expose() == SECRET_KEY;
        if self.state == S3ServerState::Denies || !known {
            return Err(NoAccess::Forbidden);
        }
        Ok(())
    }

    /// The bucket that these settings name.
    pub(crate) fn bucket(&self, s3: &S3Settings) -> Result<&Bucket, NoAccess> {
        self.reach(s3)?;
        let bucket = self.buckets.get(&*s3.bucket).ok_or(NoAccess::NoBucket)?;
        if bucket.is_forbidden { Err(NoAccess::Forbidden) } else { Ok(bucket) }
    }

    /// The bucket that these settings name, to read or write `key`.
    pub(crate) fn bucket_mut(
        &mut self,
        s3: &S3Settings,
        key: &str,
    ) -> Result<&mut Bucket, NoAccess> {
        self.reach(s3)?;
        let refused = self.is_refused(key);
        let bucket = self.buckets.get_mut(&*s3.bucket).ok_or(NoAccess::NoBucket)?;
        if bucket.is_forbidden || refused { Err(NoAccess::Forbidden) } else { Ok(bucket) }
    }

    /// Makes the bucket that these settings name, if it is not there. In a path a name with a slash is that of an object in
    /// another bucket.
    pub(crate) fn make_bucket(&mut self, s3: &S3Settings) -> Result<(), NoAccess> {
        match self.bucket(s3) {
            Err(NoAccess::NoBucket) if s3.bucket.contains('/') => Err(NoAccess::NoBucket),
            Err(NoAccess::NoBucket) if !is_bucket_name(&s3.bucket) => Err(NoAccess::BucketName),
            Err(NoAccess::NoBucket) => {
                self.buckets.entry(s3.bucket.to_string()).or_default();
                Ok(())
            }
            answer => answer.map(drop),
        }
    }

    /// The stanzas of every repository of every bucket.
    pub(crate) fn stanzas(&self) -> impl Iterator<Item = &StanzaStore> + Clone {
        self.buckets.values().flat_map(|bucket| bucket.repositories.values().flatten())
    }

    /// Whether a policy refuses any key.
    pub(crate) const fn refuses_some(&self) -> bool {
        !self.refused.is_empty()
    }

    /// Whether a policy refuses this key.
    pub(crate) fn is_refused(&self, key: &str) -> bool {
        self.refuses_some() && key.contains(&self.refused)
    }
}

impl Bucket {
    /// The stanza of this name under a repository path.
    pub(crate) fn stanza(&self, path: &str, name: &str) -> Option<&StanzaStore> {
        self.repositories.get(path)?.iter().find(|stanza| &*stanza.name == name)
    }
}

impl StanzaStore {
    /// A stanza in which there is no backup yet.
    pub(crate) fn new(place: RepositoryPlace, name: Arc<str>, system_id: u64) -> Self {
        let (seen, facts) = (Shelf::default(), Shelf::default());
        Self { name, system_id, backups: Vec::new(), seen, facts, resumable: None, place }
    }

    /// One for tests.
    #[cfg(test)]
    pub(crate) fn nowhere(system_id: u64) -> Self {
        let place = RepositoryPlace { bucket: "b".to_owned(), path: "/p".to_owned() };
        Self::new(place, "s".into(), system_id)
    }

    /// What of it decides what comes: the rest follows from that, or from where it lies.
    pub(crate) fn deciding(&self) -> (&str, u64, &[BackupStore], Option<&str>) {
        let Self { name, system_id, backups, seen: _, facts: _, resumable, place: _ } = self;
        (name, *system_id, backups, resumable.as_deref())
    }

    /// Adds a backup, whose label is later than all that are there.
    pub(crate) fn add(&mut self, backup: BackupStore) {
        self.seen.push(BackupSeen {
            stanza: self.name.as_ref().to_owned(),
            label: backup.label.clone(),
            id: backup_id(&backup.label).unwrap_or_default(),
            kind: backup.kind,
            failed: backup.failed,
        });
        self.facts.push(BackupFacts {
            place: self.place.clone(),
            stanza: self.name.as_ref().to_owned(),
            label: backup.label.clone(),
            system_id: self.system_id,
            failed: backup.failed,
        });
        self.backups.push(backup);
    }
}

/// Whether S3 allows a bucket of this name.
pub(crate) fn is_bucket_name(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    (3..=63).contains(&name.len()) && name.chars().all(is_allowed)
}
