//! What every image begins with: Debian 13. The engine's own copy, else a registry's, else one put together from
//! Debian's packages by `mmdebstrap`.

use std::pin::{Pin, pin};
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use testcontainers::bollard::body_try_stream;
use testcontainers::bollard::query_parameters::CreateImageOptions;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use super::ImageRef;
use super::engine::Engine;
use super::error::{ImageError, ImageErrorKind, NO_DISK_HINT, Tail, tells_no_disk};
use super::hold;

const RELEASE: &str = "trixie";

/// How long a registry may say nothing before it counts as out of reach.
const SILENCE: Duration = Duration::from_secs(20);

/// How the packages are put together: `backends/containers/images/base` does the same by hand.
const ARGUMENTS: &[&str] = &[
    "--variant=minbase",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
];

type OnLine<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// The base image is on the engine.
pub(super) async fn ensure(engine: &Engine, say: OnLine<'_>) -> Result<ImageRef, ImageError> {
    let published = image("debian", "trixie-slim");
    let own = image("pgdrill/base", RELEASE);
    for candidate in [&published, &own] {
        if engine.has(candidate).await? {
            return Ok(candidate.clone());
        }
    }
    let held = hold("base", say).await?;
    if engine.has(&own).await? {
        return Ok(own);
    }
    say(&format!("pulling {published}"));
    let Err(not_pulled) = obtain(engine, &published.to_string(), say).await else {
        return Ok(published);
    };
    say(&format!("it can't be pulled ({not_pulled}); putting it together from Debian's packages"));
    bootstrap(engine, &own, &not_pulled, say).await?;
    drop(held);
    Ok(own)
}

fn image(name: &str, tag: &str) -> ImageRef {
    ImageRef { name: name.to_owned(), tag: tag.to_owned() }
}

/// Any image, by its whole reference. Why not, in words, if not.
pub(super) async fn obtain(engine: &Engine, image: &str, say: OnLine<'_>) -> Result<(), String> {
    if matches!(engine.has(image).await, Ok(true)) {
        return Ok(());
    }
    let options =
        CreateImageOptions { from_image: Some(image.to_owned()), ..CreateImageOptions::default() };
    let pulled = pulled(engine, options, say).await;
    engine.has_made(image, pulled, "pull").await
}

async fn pulled(
    engine: &Engine,
    options: CreateImageOptions,
    say: OnLine<'_>,
) -> Result<(), String> {
    let mut answers = pin!(engine.docker.create_image(Some(options), None, None));
    loop {
        let Ok(answer) = tokio::time::timeout(SILENCE, answers.next()).await else {
            return Err(format!("no answer for {} s", SILENCE.as_secs()));
        };
        match answer {
            None => return Ok(()),
            Some(Err(error)) => return Err(error.to_string()),
            Some(Ok(info)) => {
                if let Some(cause) = info.error_detail.and_then(|detail| detail.message) {
                    return Err(cause);
                }
                if let (Some(status), None) =
                    (info.status, info.progress_detail.and_then(|detail| detail.current))
                {
                    say(&status);
                }
            }
        }
    }
}

async fn bootstrap(
    engine: &Engine,
    own: &ImageRef,
    not_pulled: &str,
    say: OnLine<'_>,
) -> Result<(), ImageError> {
    let place = format!("mmdebstrap, for {own}");
    let no_base = |cause: String| {
        let hint = "install mmdebstrap (and debian-archive-keyring), or load debian:trixie-slim into the engine: \
                    `docker load`, or `backends/containers/images/base | docker import - debian:trixie-slim`";
        ImageError::new(
            ImageErrorKind::NoBase,
            format!("{cause}; before that, the pull: {not_pulled}"),
            &place,
            hint,
        )
    };
    let mut child = Command::new("mmdebstrap")
        .args(ARGUMENTS)
        .arg(RELEASE)
        .arg("-")
        .args(mirror().await.map(|mirror| format!("deb {mirror} {RELEASE} main")))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| no_base(format!("mmdebstrap can't be started: {error}")))?;
    let (Some(archive), Some(log)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(no_base("mmdebstrap has no output".to_owned()));
    };
    let mut tail = Tail::default();
    let reading = async {
        let mut lines = BufReader::new(log).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            say(&line);
            tail.push(&line);
        }
    };
    let (imported, ()) =
        futures_util::join!(import(engine, own, archive_of(child, archive)), reading);
    let Err(cause) = imported else {
        return Ok(());
    };
    if tail.no_disk() || tells_no_disk(&cause) {
        return Err(ImageError::new(ImageErrorKind::NoDisk, cause, &place, NO_DISK_HINT)
            .after(tail.into_lines()));
    }
    Err(no_base(cause).after(tail.into_lines()))
}

/// What the process writes; its failure is the stream's, so that no half archive becomes an image.
fn archive_of(
    child: Child,
    archive: ChildStdout,
) -> Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>> {
    Box::pin(stream::try_unfold(Some((child, archive)), |state| async move {
        let Some((mut child, mut archive)) = state else {
            return Ok(None);
        };
        let mut piece = vec![0; 256 * 1024];
        let read = archive.read(&mut piece).await?;
        if read > 0 {
            piece.truncate(read);
            return Ok(Some((Bytes::from(piece), Some((child, archive)))));
        }
        let status = child.wait().await?;
        if status.success() {
            Ok(None)
        } else {
            Err(std::io::Error::other(format!("mmdebstrap: {status}")))
        }
    }))
}

async fn import(
    engine: &Engine,
    own: &ImageRef,
    archive: Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>,
) -> Result<(), String> {
    let options = CreateImageOptions {
        from_src: Some("-".to_owned()),
        repo: Some(own.name.clone()),
        tag: Some(own.tag.clone()),
        changes: vec!["LABEL pgdrill=base".to_owned()],
        ..CreateImageOptions::default()
    };
    let mut answers =
        pin!(engine.docker.create_image(Some(options), Some(body_try_stream(archive)), None));
    let mut imported = Ok(());
    while let Some(answer) = answers.next().await {
        match answer {
            Err(error) => imported = Err(error.to_string()),
            Ok(info) => {
                if let Some(cause) = info.error_detail.and_then(|detail| detail.message) {
                    return Err(cause);
                }
            }
        }
    }
    engine.has_made(own, imported, "import").await
}

/// Where this host's own apt gets Debian from, if it is such a host; mmdebstrap knows one otherwise.
async fn mirror() -> Option<String> {
    let listed = Command::new("apt-get")
        .args(["indextargets", "--format", "$(ORIGIN) $(COMPONENT) $(RELEASE) $(REPO_URI)"])
        .stdin(Stdio::null())
        .output()
        .await
        .ok()?;
    mirror_in(&String::from_utf8_lossy(&listed.stdout))
}

/// The first of Debian's main archives: its security and update archives have a dash in their release.
fn mirror_in(listed: &str) -> Option<String> {
    listed.lines().find_map(|line| match line.split(' ').collect::<Vec<_>>()[..] {
        ["Debian", "main", release, uri] if !release.contains('-') => Some(uri.to_owned()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_the_main_archive_of_debian() {
        let listed = "Other main x http://o.invalid/\nDebian main y-security http://s.invalid/\n\
                      Debian contrib y http://c.invalid/\nDebian main y http://m.invalid/debian/\n";
        assert_eq!(mirror_in(listed).as_deref(), Some("http://m.invalid/debian/"));
        assert_eq!(mirror_in("Ubuntu main z http://u.invalid/"), None);
    }
}
