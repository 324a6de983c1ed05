//! The bucket of one plan on a real S3 server, and what stands in it.

use std::{
    borrow::Cow,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use futures_util::future::try_join_all;
use pgdrill_containers::Unmet;
use pgdrill_core::{S3Settings, Secret, UriStyle};
use pgdrill_sim::{BackupSeen, BucketGiven, S3Values};

use super::{SharedS3, repository::StanzaHeld};
use pgdrill_scenarios::Prevented;

/// What every bucket of a run begins with.
pub(crate) const PREFIX: &str = "drill-backups";
/// An endpoint whose host has no address anywhere.
const NOWHERE: &str = "https://nowhere.invalid";
/// The prefix of all keys unless a plan gives another.
const PATH: &str = "/drill";

/// A bucket of its own on a server that others use, too.
#[derive(Debug)]
pub struct TestBucket {
    server: Arc<SharedS3>,
    name: String,
    is: Mutex<BucketGiven>,
}

impl TestBucket {
    /// A bucket that does not exist yet and whose name no other plan has.
    pub(super) fn fresh(server: &Arc<SharedS3>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}-{}-{number}", std::process::id());
        Self::known(server, name, BucketGiven::Absent)
    }

    /// A bucket that is there, or is not.
    pub(crate) fn known(server: &Arc<SharedS3>, name: String, is: BucketGiven) -> Self {
        Self { server: Arc::clone(server), name, is: Mutex::new(is) }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is now.
    pub(crate) fn is(&self) -> BucketGiven {
        *self.is.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What Juju says of the server and of this bucket.
    pub(super) fn s3_values(&self) -> S3Values {
        let facts = self.server.s3.facts();
        let owned = |text: &str| Cow::from(text.to_owned());
        S3Values {
            endpoint: facts.endpoint().into(),
            nowhere: NOWHERE.into(),
            bucket: self.name.clone().into(),
            access_key: facts.access_key.clone(),
            secret_key: facts.secret_key.clone(),
            wrong_secret_key: Secret::new(format!("{}-canary-wrong", "x".repeat(24))),
            ca_chain: facts.ca_chain.as_deref().map(owned),
            other_ca_chain: self.server.other_chain.clone().into(),
            uri_style: match facts.uri_style {
                UriStyle::Path => "path".into(),
                UriStyle::Host => "host".into(),
            },
            region: facts.region.as_deref().map(owned),
        }
    }

    /// Settings that are right, whatever the relation says.
    pub(super) fn right(&self, path: Option<&str>) -> S3Settings {
        let mut relation = self.server.s3.facts().relation(&self.name);
        relation.path = Some(path.unwrap_or(PATH).to_owned().into());
        S3Settings::from_relation(&relation).unwrap_or_else(|_| S3Settings {
            bucket: self.name.clone().into(),
            access_key: Secret::default(),
            secret_key: Secret::default(),
            endpoint: NOWHERE.into(),
            path: PATH.into(),
            region: None,
            uri_style: UriStyle::Path,
            tls_ca_chain: None,
        })
    }

    /// The bucket is ours, somebody else's, or not there.
    pub(super) async fn set(&self, to: BucketGiven) -> Result<(), Prevented> {
        let from = self.is();
        let (server, name) = (&self.server.s3, &*self.name);
        match (from, to) {
            (BucketGiven::Present, BucketGiven::Present)
            | (BucketGiven::Forbidden, BucketGiven::Forbidden)
            | (BucketGiven::Absent, BucketGiven::Absent) => Ok(()),
            // Another bucket is named, and this one stays as it is.
            (_, BucketGiven::IllNamed) => return Ok(()),
            // It is never so itself.
            (BucketGiven::IllNamed, _) => Ok(()),
            (BucketGiven::Absent, BucketGiven::Present) => server.make_bucket(name).await,
            (BucketGiven::Absent, BucketGiven::Forbidden) => server.make_foreign_bucket(name).await,
            (BucketGiven::Present, BucketGiven::Forbidden) => server.deny(name).await,
            (BucketGiven::Present | BucketGiven::Forbidden, BucketGiven::Absent) => {
                server.remove_bucket(name).await
            }
            (BucketGiven::Forbidden, BucketGiven::Present) => {
                server.remove_bucket(name).await.map_err(prevented)?;
                server.make_bucket(name).await
            }
        }
        .map_err(prevented)?;
        *self.is.lock().unwrap_or_else(PoisonError::into_inner) = to;
        Ok(())
    }

    /// Every request about the bucket is refused.
    pub(super) async fn deny(&self) -> Result<(), Prevented> {
        self.server.s3.deny(&self.name).await.map_err(prevented)
    }

    /// Keys that contain a text are refused; none if it is empty.
    pub(super) async fn refuse_keys_with(&self, text: &str) -> Result<(), Prevented> {
        if text.is_empty() { self.lift().await } else { self.refuse(text).await }
    }

    async fn refuse(&self, text: &str) -> Result<(), Prevented> {
        self.server.s3.refuse_keys(&self.name, text).await.map_err(prevented)
    }

    /// Nothing is refused any more.
    pub(super) async fn lift(&self) -> Result<(), Prevented> {
        self.server.s3.lift(&self.name).await.map_err(prevented)
    }

    /// The bucket is gone, with everything in it.
    pub(super) async fn remove(&self) -> Result<(), Prevented> {
        self.server.s3.remove_bucket(&self.name).await.map_err(prevented)
    }

    async fn keys(&self) -> Result<Vec<String>, Prevented> {
        self.server.s3.keys(&self.name, "").await.map_err(prevented)
    }

    /// What every repository in the bucket holds, a stanza each, as the bucket itself holds it; and the objects that are
    /// not the backup tool's, by key, each with its content.
    pub(super) async fn content(
        &self,
    ) -> Result<(Vec<StanzaHeld>, Vec<(String, String)>), Prevented> {
        let mut keys = self.keys().await?;
        let stanzas = self.stanzas(&keys).await?;
        keys.retain(|key| !is_of_the_tool(key));
        keys.sort();
        let reads =
            keys.iter().map(async |key| Ok::<_, Prevented>((key.clone(), self.read(key).await?)));
        Ok((stanzas, try_join_all(reads).await?))
    }

    async fn stanzas(&self, keys: &[String]) -> Result<Vec<StanzaHeld>, Prevented> {
        let mut stanzas = Vec::new();
        for key in keys.iter().filter(|key| key.ends_with("/backup.info")) {
            let text = self.read(key).await?;
            stanzas.push(StanzaHeld::read(&self.name, key, &text)?);
        }
        Ok(stanzas)
    }

    /// The backups of every stanza, oldest first, as the bucket itself holds them.
    pub(super) async fn backups(&self) -> Result<Vec<BackupSeen>, Prevented> {
        Ok(oldest_first(&self.stanzas(&self.keys().await?).await?))
    }

    /// The text of an object; nothing where there is none.
    async fn read(&self, key: &str) -> Result<String, Prevented> {
        let content = self.server.s3.read(&self.name, key).await.map_err(prevented)?;
        Ok(String::from_utf8_lossy(&content.unwrap_or_default()).into_owned())
    }
}

/// The backups of all these stanzas, oldest first.
pub(super) fn oldest_first(stanzas: &[StanzaHeld]) -> Vec<BackupSeen> {
    let held = stanzas.iter().flat_map(|stanza| &stanza.backups);
    let mut backups: Vec<BackupSeen> = held.map(|backup| backup.seen.clone()).collect();
    backups.sort_by(|a, b| a.id.cmp(&b.id));
    backups
}

/// Whether the backup tool itself keeps an object of this name.
fn is_of_the_tool(key: &str) -> bool {
    let parts: Vec<&str> = key.split('/').collect();
    let area = parts.iter().position(|container| ["archive", "backup"].contains(container));
    let Some(area) = area else { return false };
    if parts.get(area) == Some(&"archive") {
        return true;
    }
    // After `backup` and the stanza: its list of backups, their history, or a folder for each.
    match parts.get(area + 2..).unwrap_or_default() {
        [info] => info.starts_with("backup.info"),
        ["backup.history", ..] => true,
        [_, "pg_data" | "bundle", ..] => true,
        [_, file] => file.starts_with("backup.manifest"),
        _ => false,
    }
}

pub(super) fn prevented(unmet: Unmet) -> Prevented {
    match unmet {
        Unmet::Unable(reason) => Prevented::Unable(reason),
        Unmet::Broken(complaint) => Prevented::Broken(complaint.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tool_s_own_objects_are_distinguished_from_the_hooks() {
        for key in [
            "drill/archive/s/archive.info",
            "drill/archive/s/17-1/0000000100000000/x.zst",
            "drill/backup/s/backup.info",
            "drill/backup/s/backup.info.copy",
            "drill/backup/s/backup.history/2026/x.manifest.zst",
            "drill/backup/s/20261123-024306F/backup.manifest",
            "drill/backup/s/20261123-024306F/backup.manifest.copy",
            "drill/backup/s/20261123-024306F/bundle/1",
            "drill/backup/s/20261123-024306F/pg_data/PG_VERSION.zst",
        ] {
            assert!(is_of_the_tool(key), "{key}");
        }
        for key in ["drill/backup/s/latest", "drill/backup/s/20261123-024306F/backup.log", "x"] {
            assert!(!is_of_the_tool(key), "{key}");
        }
    }
}
