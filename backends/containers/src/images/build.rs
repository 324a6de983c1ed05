//! One build of one recipe.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use tempfile::TempDir;
use testcontainers::bollard::body_full;
use testcontainers::bollard::query_parameters::{BuildImageOptions, BuilderVersion};

use super::ImageRef;
use super::engine::{Engine, refused};
use super::error::{ImageError, ImageErrorKind, Tail};
use super::recipe::Recipe;
use super::wheel;

/// How long a build may say nothing. A package manager that waits for a mirror says so much earlier.
const SILENCE: Duration = Duration::from_secs(300);

pub(super) async fn build(
    engine: &Engine,
    recipe: &Recipe,
    base: &ImageRef,
    reference: &ImageRef,
    say: &(dyn Fn(&str) + Send + Sync),
) -> Result<(), ImageError> {
    let place = format!("the build of {reference}");
    let archive = context(recipe, &place, say).await?;
    let options = BuildImageOptions {
        t: Some(reference.to_string()),
        version: BuilderVersion::BuilderV1,
        rm: true,
        forcerm: true,
        buildargs: Some(
            BTreeMap::from([("BASE".to_owned(), base.to_string())]).into_iter().collect(),
        ),
        ..BuildImageOptions::default()
    };
    let mut answers =
        pin!(engine.docker.build_image(options, None, Some(body_full(Bytes::from(archive)))));
    let mut tail = Tail::default();
    let mut unread = None;
    loop {
        let Ok(answer) = tokio::time::timeout(SILENCE, answers.next()).await else {
            let cause = format!("the build has said nothing for {} s", SILENCE.as_secs());
            return Err(failed(&cause, &place, tail));
        };
        match answer {
            None => break,
            Some(Err(error)) => {
                unread = Some(error.to_string());
                break;
            }
            Some(Ok(info)) => {
                for line in info.stream.iter().flat_map(|text| text.lines()) {
                    tail.push(line);
                    if !line.trim().is_empty() {
                        say(line.trim_end());
                    }
                }
                if let Some(cause) = info.error_detail.and_then(|detail| detail.message) {
                    return Err(failed(&cause, &place, tail));
                }
            }
        }
    }
    // Only what was built whole has the tag, however the engine's answer ended: see `Engine::has_made`.
    if engine.has(reference).await? {
        return Ok(());
    }
    Err(match unread {
        Some(cause) => failed(&cause, &place, tail),
        None => refused("the engine ended the build without an image", &place),
    })
}

/// What the engine is given to build from.
async fn context(
    recipe: &Recipe,
    place: &str,
    say: &(dyn Fn(&str) + Send + Sync),
) -> Result<Vec<u8>, ImageError> {
    let unpacked = match recipe.wheels() {
        Some(wheels) => Some(wheel::unpacked(wheels, place, say).await?),
        None => None,
    };
    recipe.archive(unpacked.as_ref().map(TempDir::path)).await.map_err(|error| {
        ImageError::new(ImageErrorKind::Host, error.to_string(), place, "free some memory")
    })
}

fn failed(cause: &str, place: &str, tail: Tail) -> ImageError {
    let hint = "the log tells which step; if its packages can't be fetched, see that a container reaches the mirrors \
                that its /etc/apt names";
    ImageError::of_build(format!("the image can't be built: {cause}"), place, hint, tail)
}
