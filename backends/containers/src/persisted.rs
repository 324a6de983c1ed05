//! Stages that stay until somebody takes them down, and the state that is persisted with them.
//!
//! That state lies in a container that never runs, so that it is there whatever becomes of the others, and goes with
//! them. It is the last that is made: a stage without it was never finished.

use std::io;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, TryStreamExt as _};
use sha2::{Digest as _, Sha256};
use testcontainers::bollard::{
    Docker, body_full,
    errors::Error,
    models::{ContainerCreateBody, HostConfig},
    query_parameters::{
        CreateContainerOptionsBuilder, DownloadFromContainerOptionsBuilder,
        UploadToContainerOptionsBuilder,
    },
};
use tokio::io::AsyncReadExt as _;
use tokio_tar::{Archive, Builder, Header};

use super::{
    reaper::{self, STATE},
    stage::{EngineResult, Purpose, Stage, complaint},
};
use crate::images::{self, ImageRef};
use pgdrill_adapters::lock::{FileLock, LockError, LockPath};

/// Where it lies in its container.
const FOLDER: &str = "pgdrill-state";
/// It is written into one of these in turn, so that one is whole whenever a writer dies.
const SLOTS: [&str; 2] = ["a", "b"];

/// One process at a time works on what is persisted under a name.
#[derive(Debug)]
pub struct Claim {
    _lock: FileLock,
}

/// Waits until no other process works on what is persisted under this name; if one does, `say` is called once.
///
/// # Errors
///
/// The lock can't be taken.
pub async fn claim(name: &str, say: &(dyn Fn(&str) + Send + Sync)) -> EngineResult<Claim> {
    let waiting = format!("waiting for another command that works on `{name}`");
    match LockPath::shared(&format!("topology-{name}")).acquire(|| say(&waiting)).await {
        Ok(lock) => Ok(Claim { _lock: lock }),
        Err(refused) => {
            let place = refused.path().display().to_string();
            let what = format!("`{name}` can't be locked against other commands: {refused}");
            Err(Box::new((*complaint(&place, &what)).hint(LockError::HINT)))
        }
    }
}

/// The names of everything that is persisted on the engine, in order.
///
/// # Errors
///
/// No engine answers.
pub async fn persisted_names() -> EngineResult<Vec<String>> {
    let docker = images::engine().await.map_err(|error| error.diagnostic())?;
    Ok(reaper::persisted(&docker).await?.into_iter().map(|(name, _)| name).collect())
}

/// The stage of what is persisted under this name, whether or not anything stands on it.
///
/// # Errors
///
/// No engine answers.
pub async fn persistent_stage(name: &str) -> EngineResult<Stage> {
    Stage::again(&stage_name(name), Purpose::Persistent).await
}

/// A new stage for what is to be persisted under this name. What was begun under it and never finished is gone.
///
/// # Errors
///
/// The engine refuses.
pub async fn new_persistent_stage(name: &str) -> EngineResult<Stage> {
    persistent_stage(name).await?.take_down().await?;
    Stage::named(stage_name(name), Purpose::Persistent).await
}

fn stage_name(name: &str) -> String {
    format!("pgdrill-{name}")
}

/// The state that is persisted with a stage.
#[derive(Debug, Clone)]
pub struct PersistentStore {
    docker: Docker,
    container: String,
}

impl PersistentStore {
    fn of(stage: &Stage) -> Self {
        let container = format!("{}-state", stage.name());
        Self { docker: stage.docker().clone(), container }
    }

    /// Persists this with a stage, under a name. Whoever may ask the engine can read it, as everything in containers.
    ///
    /// # Errors
    ///
    /// The engine refuses.
    pub async fn make(
        stage: &Stage,
        name: &str,
        image: &ImageRef,
        content: &[u8],
    ) -> EngineResult<Self> {
        let store = Self::of(stage);
        let label = (STATE.to_owned(), name.to_owned());
        let body = ContainerCreateBody {
            image: Some(image.to_string()),
            labels: Some(stage.labels().iter().cloned().chain([label]).collect()),
            host_config: Some(HostConfig {
                network_mode: Some("none".to_owned()),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptionsBuilder::default().name(&store.container).build();
        let created = store.docker.create_container(Some(options), body).await;
        created.map_err(|error| store.complaint(&error))?;
        store.put(SLOTS[0], 1, content).await?;
        Ok(store)
    }

    /// What is persisted with this stage, if anything is.
    ///
    /// # Errors
    ///
    /// The engine does not say.
    pub async fn find(stage: &Stage) -> EngineResult<Option<Self>> {
        let store = Self::of(stage);
        match store.docker.inspect_container(&store.container, None).await {
            Ok(_) => Ok(Some(store)),
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(error) => Err(store.complaint(&error)),
        }
    }

    /// What is persisted.
    ///
    /// # Errors
    ///
    /// Nothing that was written is whole.
    pub async fn read(&self) -> EngineResult<Vec<u8>> {
        let newest = self.slots().await?.into_iter().max_by_key(|slot| slot.generation);
        let nothing = || complaint(&self.container, "nothing that was persisted here can be read");
        newest.map(|slot| slot.content).ok_or_else(nothing)
    }

    /// Persists this from now on. Only who holds the claim may write.
    ///
    /// # Errors
    ///
    /// The engine refuses. What was persisted before is still there then.
    pub async fn write(&self, content: &[u8]) -> EngineResult<()> {
        let slots = self.slots().await?;
        let newest = slots.iter().max_by_key(|slot| slot.generation);
        let generation = newest.map_or(1, |slot| slot.generation + 1);
        let free = SLOTS.iter().find(|name| newest.is_none_or(|slot| slot.name != **name));
        self.put(free.unwrap_or(&SLOTS[0]), generation, content).await
    }

    async fn put(&self, slot: &str, generation: u64, content: &[u8]) -> EngineResult<()> {
        let text = [head(generation, content).as_bytes(), content].concat();
        let archive = archive(slot, &text).await.map_err(|error| self.complaint(&error))?;
        let options = UploadToContainerOptionsBuilder::default().path("/").build();
        let archive = body_full(Bytes::from(archive));
        let put = self.docker.upload_to_container(&self.container, Some(options), archive).await;
        put.map_err(|error| self.complaint(&error))
    }

    /// Everything that was written whole.
    async fn slots(&self) -> EngineResult<Vec<Slot>> {
        let path = format!("/{FOLDER}");
        let options = DownloadFromContainerOptionsBuilder::default().path(&path).build();
        let archive = self.docker.download_from_container(&self.container, Some(options));
        let archive = archive.try_fold(BytesMut::new(), |mut all, piece| async move {
            all.extend_from_slice(&piece);
            Ok(all)
        });
        match archive.await {
            Ok(archive) => unpack(&archive).await.map_err(|error| self.complaint(&error)),
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(Vec::new()),
            Err(error) => Err(self.complaint(&error)),
        }
    }

    fn complaint(&self, error: &dyn std::fmt::Display) -> Box<pgdrill_core::Diagnostic> {
        complaint(&self.container, &error.to_string())
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Slot {
    name: String,
    generation: u64,
    content: Vec<u8>,
}

fn head(generation: u64, content: &[u8]) -> String {
    let digest: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{generation} {digest}\n")
}

async fn archive(slot: &str, text: &[u8]) -> io::Result<Vec<u8>> {
    let mut builder = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o600);
    header.set_uid(0);
    header.set_gid(0);
    builder.append_data(&mut header, format!("{FOLDER}/{slot}"), text).await?;
    builder.into_inner().await
}

/// What is whole in an archive of the folder.
async fn unpack(archive: &[u8]) -> io::Result<Vec<Slot>> {
    let mut archive = Archive::new(archive);
    let mut entries = archive.entries()?;
    let mut slots = Vec::new();
    while let Some(entry) = entries.next().await {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let mut text = Vec::new();
        entry.read_to_end(&mut text).await?;
        slots.extend(name.and_then(|name| whole(name, &text)));
    }
    Ok(slots)
}

fn whole(name: String, text: &[u8]) -> Option<Slot> {
    let end = text.iter().position(|&byte| byte == b'\n')?;
    let (first, content) = text.split_at(end + 1);
    let generation = std::str::from_utf8(first).ok()?.split_once(' ')?.0.parse().ok()?;
    let is_whole = head(generation, content).as_bytes() == first;
    is_whole.then(|| Slot { name, generation, content: content.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_was_written_whole_is_read() {
        let text = [head(7, b"content").as_bytes(), b"content"].concat();
        let packed = archive("a", &text).await.expect("it fits into memory");
        let slot = Slot { name: "a".to_owned(), generation: 7, content: b"content".to_vec() };
        assert_eq!(unpack(&packed).await.expect("an archive"), [slot]);
        for cut in 0..text.len() {
            let packed = archive("a", &text[..cut]).await.expect("it fits into memory");
            assert_eq!(unpack(&packed).await.expect("an archive"), [], "{cut} bytes");
        }
    }
}
