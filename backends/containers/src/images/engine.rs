//! The container engine: the one that testcontainers finds, spoken to directly.

use std::fmt::Display;

use testcontainers::bollard::{Docker, errors::Error};
use testcontainers::core::client::docker_client_instance;

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
    pub(super) async fn has(&self, image: &(impl Display + ?Sized)) -> Result<bool, ImageError> {
        match self.docker.inspect_image(&image.to_string()).await {
            Ok(_) => Ok(true),
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(false),
            Err(error) => Err(refused(&error.to_string(), &format!("looking for {image}"))),
        }
    }

    /// Whether the engine has made an image, once its answer ended as `said`. An image has its tag only once it is whole, so
    /// the image decides, and not the answer: bollard 0.21 reports an answer as incomplete (`bytes remaining on stream`)
    /// if its last line end comes in a piece of its own.
    ///
    /// # Errors
    ///
    /// It has not, and why, in words.
    pub(super) async fn has_made(
        &self,
        image: &(impl Display + ?Sized),
        said: Result<(), String>,
        task: &str,
    ) -> Result<(), String> {
        match self.has(image).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                said.and_then(|()| Err(format!("the engine ended the {task} without an image")))
            }
            Err(error) => Err(error.to_string()),
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
    use testcontainers::bollard::ClientVersion;
    use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::TcpListener;

    use super::super::{Image, base, build, recipe::Recipe};
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

    /// An engine whose answers end with a line end in a piece of its own, and that has made the image or not.
    #[expect(clippy::disallowed_methods, reason = "an engine answers beside the test")]
    async fn engine(has: bool) -> Engine {
        const PIECES: &str = "20\r\n{\"stream\":\"Successfully tagged\"}\r\n2\r\n\r\n\r\n0\r\n\r\n";
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = BufReader::new(stream);
                let (mut first, mut body) = (String::new(), 0);
                loop {
                    let mut line = String::new();
                    stream.read_line(&mut line).await.expect("a head");
                    if let Some(length) = line.to_lowercase().strip_prefix("content-length:") {
                        body = length.trim().parse().expect("a number");
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                    first.push_str(&line);
                }
                stream.read_exact(&mut vec![0; body]).await.expect("a body");
                let answer = if first.contains("/json") {
                    let status = if has { "200 OK" } else { "404 Not Found" };
                    format!(
                        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{{}}"
                    )
                } else {
                    let head = "connection: close\r\ntransfer-encoding: chunked\r\n";
                    format!("HTTP/1.1 200 OK\r\n{head}\r\n{PIECES}")
                };
                stream.write_all(answer.as_bytes()).await.expect("it listens");
                stream.shutdown().await.expect("it listens");
            }
        });
        let version = ClientVersion { major_version: 1, minor_version: 41 };
        let docker = Docker::connect_with_http(&format!("http://{address}"), 10, &version);
        Engine { docker: docker.expect("an address") }
    }

    #[tokio::test]
    async fn an_image_that_is_there_was_made_however_the_answer_ended() {
        let recipe = Recipe::of(Image::Etcd);
        let (base, own) = (Image::Unit.reference(), Image::Etcd.reference());
        for has in [true, false] {
            let engine = engine(has).await;
            let built = build::build(&engine, &recipe, &base, &own, &|_| {}).await;
            assert_eq!(built.is_ok(), has, "{built:?}");
            let pulled = base::obtain(&engine, "some/image:1", &|_| {}).await;
            assert_eq!(pulled.is_ok(), has, "{pulled:?}");
        }
    }
}
