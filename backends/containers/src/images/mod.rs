//! The images of the real containers, built where they are missing.
//!
//! The recipes of `backends/containers/images` are part of the program, so that it needs neither its repository nor a registry
//! of images: [`ensure`] looks for the tag `pgdrill/NAME:HASH` on the engine, where the hash is that of the
//! recipe, and builds the image if it is not there. What every image begins with is Debian: the engine's own
//! copy, else a registry's, else one put together from Debian's packages by the host's `mmdebstrap`. What comes in a
//! wheel the host's `pip` fetches.
//!
//! Builds go through the engine's API, which every engine that testcontainers can drive has; no command line
//! client is needed. They ask for the classic builder: the other one wants a session that calls back.

mod base;
mod build;
mod engine;
mod error;
mod recipe;
mod wheel;

use std::fmt;

use testcontainers::bollard::Docker;

use self::engine::Engine;
pub(crate) use self::error::tells_no_disk;
pub use self::error::{ImageError, ImageErrorKind};
use self::recipe::Recipe;
use pgdrill_adapters::lock::{FileLock, LockError, LockPath};

/// An image that this project has a recipe of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Image {
    /// The workload of one unit: PostgreSQL under Patroni, pgBackRest and a supervisor.
    Unit,
    /// The cluster's DCS.
    Etcd,
    /// Ceph's S3 server.
    Radosgw,
    /// The relay in front of an S3 server.
    Proxy,
    /// SeaweedFS' S3 server.
    Seaweedfs,
}

impl Image {
    /// Every image.
    pub const ALL: &'static [Self] =
        &[Self::Unit, Self::Etcd, Self::Radosgw, Self::Proxy, Self::Seaweedfs];

    /// What it is called, in `backends/containers/images` and in its tag.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Etcd => "etcd",
            Self::Radosgw => "radosgw",
            Self::Proxy => "proxy",
            Self::Seaweedfs => "seaweedfs",
        }
    }

    /// How the engine knows it, whether or not it is there yet.
    #[must_use]
    pub fn reference(self) -> ImageRef {
        ImageRef { name: format!("pgdrill/{}", self.name()), tag: Recipe::of(self).hash() }
    }
}

/// An image as the engine knows it. Shown as `name:tag`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageRef {
    name: String,
    tag: String,
}

impl ImageRef {
    /// The part before the colon.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The part after the colon.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.tag)
    }
}

/// Where the progress of a build goes. An image that is already there makes none.
pub trait Progress: Send + Sync {
    /// One line of what is being done, without its newline.
    fn line(&self, image: Image, line: &str);
}

/// No progress is shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn line(&self, _image: Image, _line: &str) {}
}

/// The image is on the engine. It is built at most once, however many processes of this host ask at the same
/// time; the others wait.
///
/// # Errors
///
/// No engine answers, the base image can't be had, or the build fails. An image that was not finished has no tag.
pub async fn ensure(image: Image, progress: &dyn Progress) -> Result<ImageRef, ImageError> {
    let engine = Engine::connect().await?;
    let reference = image.reference();
    if engine.has(&reference).await? {
        return Ok(reference);
    }
    let say = |line: &str| progress.line(image, line);
    let held = hold(image.name(), &say).await?;
    // Whoever held the lock before may have built it.
    if !engine.has(&reference).await? {
        let base = base::ensure(&engine, &say).await?;
        say(&format!("building {reference} on {base}"));
        build::build(&engine, &Recipe::of(image), &base, &reference, &say).await?;
    }
    drop(held);
    Ok(reference)
}

/// Somebody else's image is on the engine: it was there, or it is pulled. Where no registry is reached, this ends within
/// half a minute.
///
/// # Errors
///
/// Why not, in words.
pub(crate) async fn obtain(image: &str) -> Result<(), String> {
    let engine = Engine::connect().await.map_err(|error| error.to_string())?;
    base::obtain(&engine, image, &|_| {}).await
}

/// Waits until nobody else builds what bears this name.
async fn hold(name: &str, say: &(dyn Fn(&str) + Send + Sync)) -> Result<FileLock, ImageError> {
    let waiting = "waiting for another process that builds it";
    let lock = LockPath::shared(&format!("image-{name}"));
    lock.acquire(|| say(waiting)).await.map_err(|refused| {
        ImageError::new(
            ImageErrorKind::Host,
            format!("can't lock the build of {name}: {refused}"),
            refused.path().display().to_string(),
            LockError::HINT,
        )
    })
}

/// The engine that answers, of a version of its API that is not too old.
pub(crate) async fn engine() -> Result<Docker, ImageError> {
    Engine::connect().await.map(|engine| engine.docker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_differ_by_image_and_are_stable() {
        let tags: std::collections::BTreeSet<String> =
            Image::ALL.iter().map(|image| image.reference().to_string()).collect();
        assert_eq!(tags.len(), Image::ALL.len());
        for image in Image::ALL {
            assert_eq!(image.reference(), image.reference());
            assert_eq!(image.reference().tag().len(), 12);
        }
    }
}
