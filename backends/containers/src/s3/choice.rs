//! Which S3 server is taken, and why no other.

use std::fmt;

use pgdrill_core::Diagnostic;

use super::{NAME, Profile, S3Server};
use crate::{
    authority::Authority,
    images::{self, Image, Progress},
    stage::{EngineResult, Stage},
};

/// MinIO's last release as an image, on quay.io: the copy on Docker Hub was removed in September 2026.
const MINIO: &str = "quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z@sha256:\
                     14cea493d9a34af32f524e538b8346cf79f3321eff8e708c1e2960462bd8936e";
/// The version that the recipe has, too.
const SEAWEEDFS: &str = "docker.io/chrislusf/seaweedfs:4.48@sha256:\
                         4e61d15fd35994cb1e43e1e553dff106794841fd9a99ade2fc8c8bfce4d7872d";

/// What is tried when nobody asks for a server, in this order.
const TRIED: [Profile; 3] = [Profile::Minio, Profile::Radosgw, Profile::Seaweedfs];

/// A server that runs and does what it must. Shown with the reasons why those before it do not.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The server.
    pub server: S3Server,
    /// What was tried before it, each with its reason in one line.
    pub passed_over: Vec<(Profile, String)>,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&told(self.server.profile(), &self.passed_over))
    }
}

fn told(profile: Profile, passed_over: &[(Profile, String)]) -> String {
    let mut told = profile.name().to_owned();
    for (profile, reason) in passed_over {
        told.push_str(&format!("; not {}: {reason}", profile.name()));
    }
    told
}

impl Choice {
    /// The server that was asked for, or else the first whose image is there, is pulled within a bound or is built, that comes
    /// up, and that keeps what is put there. Containers go on the stage; nothing of what was passed over is left there.
    ///
    /// # Errors
    ///
    /// The one that was asked for, or none, is such a server.
    pub async fn make(
        asked: Option<Profile>,
        stage: &Stage,
        authority: &Authority,
        progress: &dyn Progress,
    ) -> EngineResult<Self> {
        if let Some(profile) = asked {
            let server = S3Server::start(profile, stage, authority, progress).await?;
            return Ok(Self { server, passed_over: Vec::new() });
        }
        let mut passed_over = Vec::new();
        for profile in TRIED {
            match S3Server::start(profile, stage, authority, progress).await {
                Ok(server) => return Ok(Self { server, passed_over }),
                Err(complaint) => {
                    let reason = complaint.what.lines().next().unwrap_or_default().to_owned();
                    passed_over.push((profile, reason));
                    if let Ok(left) = stage.container(NAME).await {
                        left.remove().await?;
                    }
                }
            }
        }
        let reasons: Vec<String> = passed_over
            .iter()
            .map(|(profile, reason)| format!("{}: {reason}", profile.name()))
            .collect();
        let what = format!("no S3 server can be had: {}", reasons.join("; "));
        let hint = "reach a registry of images or a mirror of Debian's packages, or give a server of your own with \
                    `--s3 external`";
        Err(Box::new(Diagnostic::error("the S3 server", what).hint(hint)))
    }
}

/// The image of a server, on the engine. SeaweedFS' is built where its published one can't be had, unless another was named.
pub(super) async fn image(profile: Profile, progress: &dyn Progress) -> EngineResult<String> {
    match profile {
        Profile::Radosgw => built(Image::Radosgw, progress).await,
        Profile::Minio => published(profile, "PGDRILL_MINIO_IMAGE", MINIO)
            .await
            .map_err(|lacking| lacking.complaint),
        Profile::Seaweedfs => {
            let lacking = match published(profile, "PGDRILL_SEAWEEDFS_IMAGE", SEAWEEDFS).await {
                Ok(image) => return Ok(image),
                Err(lacking) => lacking,
            };
            if lacking.is_named {
                return Err(lacking.complaint);
            }
            built(Image::Seaweedfs, progress).await.map_err(|complaint| {
                let what = format!("{}\nbefore that: {}", complaint.what, lacking.complaint.what);
                Box::new(Diagnostic { what, ..*complaint })
            })
        }
        Profile::External => Ok(String::new()),
    }
}

/// An image of which there is a recipe here.
async fn built(image: Image, progress: &dyn Progress) -> EngineResult<String> {
    let built = images::ensure(image, progress).await;
    built.map(|image| image.to_string()).map_err(|error| error.diagnostic())
}

/// Why a published image can't be had.
struct Lacking {
    /// Whether somebody asked for this very image.
    is_named: bool,
    complaint: Box<Diagnostic>,
}

async fn published(profile: Profile, variable: &str, pinned: &str) -> Result<String, Lacking> {
    let named = named(variable);
    let is_named = named.is_some();
    let image = named.unwrap_or_else(|| pinned.to_owned());
    let Err(cause) = images::obtain(&image).await else { return Ok(image) };
    let what = format!("the image of {} can't be had: {cause}", profile.name());
    let hint = format!(
        "reach its registry, name an image that the engine holds in {variable}, or choose another server with --s3"
    );
    let complaint = Box::new(Diagnostic::error(&image, what).hint(hint));
    Err(Lacking { is_named, complaint })
}

#[expect(clippy::disallowed_methods, reason = "whoever runs it may name another image")]
fn named(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|image| !image.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_pinned_by_tag_and_digest() {
        for image in [MINIO, SEAWEEDFS] {
            let (tagged, digest) = image.split_once("@sha256:").expect("a digest");
            assert_eq!(digest.len(), 64, "{image}");
            assert!(!image.contains(char::is_whitespace), "{image}");
            let (_, tag) = tagged.rsplit_once(':').expect("a tag");
            assert!(tag != "latest" && tag.contains(|c: char| c.is_ascii_digit()), "{image}");
        }
    }

    #[test]
    fn a_choice_tells_why_no_other() {
        let passed_over = vec![(Profile::Minio, "no registry".to_owned())];
        let told = told(Profile::Radosgw, &passed_over);
        assert_eq!(told, "radosgw; not minio: no registry");
    }
}
