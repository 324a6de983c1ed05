//! The container engine: the one that testcontainers finds, spoken to directly.

use testcontainers::bollard::{Docker, errors::Error};
use testcontainers::core::client::docker_client_instance;

use super::ImageRef;
use super::error::{ImageError, ImageErrorKind, NO_DISK_HINT, tells_no_disk};

/// The oldest API that everything here was written for: Docker 20.10's is 1.41.
const OLDEST: (u32, u32) = (1, 41);

/// A reached engine.
#[derive(Debug, Clone)]
pub(super) struct Engine {
    pub(super) docker: Docker,
}

impl Engine {
    pub(super) async fn connect() -> Result<Self, ImageError> {
        let client =
            docker_client_instance().await.map_err(|error| no_engine(&error.to_string()))?;
        let docker =
            client.negotiate_version().await.map_err(|error| no_engine(&error.to_string()))?;
        let version = docker.version().await.map_err(|error| no_engine(&error.to_string()))?;
        let stated = version.api_version.unwrap_or_default();
        if parse(&stated).is_some_and(|api| api < OLDEST) {
            return Err(ImageError::new(
                ImageErrorKind::EngineTooOld,
                format!(
                    "the container engine speaks version {stated} of its API, {}.{} is needed",
                    OLDEST.0, OLDEST.1
                ),
                "the engine's version",
                "use Docker 20.10 or later",
            ));
        }
        Ok(Self { docker })
    }

    /// Whether the engine itself holds an image.
    pub(super) async fn has(&self, image: &ImageRef) -> Result<bool, ImageError> {
        match self.docker.inspect_image(&image.to_string()).await {
            Ok(_) => Ok(true),
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(false),
            Err(error) => Err(refused(&error.to_string(), &format!("looking for {image}"))),
        }
    }
}

/// The engine answered something that it should not, or stopped answering.
pub(super) fn refused(cause: &str, place: &str) -> ImageError {
    if tells_no_disk(cause) {
        return ImageError::new(ImageErrorKind::NoDisk, cause, place, NO_DISK_HINT);
    }
    ImageError::new(ImageErrorKind::Engine, cause, place, "look at the engine's own log")
}

fn no_engine(cause: &str) -> ImageError {
    ImageError::new(
        ImageErrorKind::NoEngine,
        format!("no container engine answers: {cause}"),
        "DOCKER_HOST, or the engine's usual socket",
        "start Docker, join the group that may use its socket, or point DOCKER_HOST to one",
    )
}

fn parse(version: &str) -> Option<(u32, u32)> {
    let (major, minor) = version.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers_not_text() {
        assert!(parse("1.9").expect("it is one") < OLDEST);
        assert!(parse("1.51").expect("it is one") > OLDEST);
        assert_eq!(parse("new"), None);
    }

    #[test]
    fn a_full_disk_is_distinguished() {
        let error = refused("write /x: no space left on device", "import");
        assert_eq!(error.kind(), ImageErrorKind::NoDisk);
        assert_eq!(refused("EOF", "import").kind(), ImageErrorKind::Engine);
    }
}
