//! The recipes of `backends/containers/images`, as files of the program.

use std::{fmt::Write as _, path::Path};

use sha2::{Digest, Sha256};
use tokio_tar::{Builder, Header};

use super::Image;

/// One file of a recipe, its path within the recipe's folder.
type RecipeFile = (&'static str, &'static str);

macro_rules! files {
    ($folder:literal: $($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../images/", $folder, "/", $path)))),+]
    };
}

const UNIT: &[RecipeFile] = files!["unit":
    "Dockerfile",
    "entrypoint",
    "workload-ready",
    "postgresql/check",
    "postgresql/control/k",
    "postgresql/finish",
    "postgresql/run",
    "pgbackrest-server/check",
    "pgbackrest-server/control/h",
    "pgbackrest-server/run",
];
const ETCD: &[RecipeFile] = files!["etcd": "Dockerfile", "entrypoint"];
const RADOSGW: &[RecipeFile] = files!["radosgw": "Dockerfile", "ceph.conf", "entrypoint"];
const PROXY: &[RecipeFile] = files!["proxy": "Dockerfile", "entrypoint", "proxy"];
const SEAWEEDFS: &[RecipeFile] = files!["seaweedfs": "Dockerfile", "requirements.txt"];

/// The file of a recipe that names wheels, each by its hash. A build finds what is in them beside the recipe's own files.
const WHEELS: &str = "requirements.txt";

/// Everything that one image is made of, besides its base.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recipe {
    files: &'static [RecipeFile],
}

impl Recipe {
    pub(super) const fn of(image: Image) -> Self {
        Self {
            files: match image {
                Image::Unit => UNIT,
                Image::Etcd => ETCD,
                Image::Radosgw => RADOSGW,
                Image::Proxy => PROXY,
                Image::Seaweedfs => SEAWEEDFS,
            },
        }
    }

    /// Names the content: twelve hexadecimal digits.
    pub(super) fn hash(self) -> String {
        let mut hasher = Sha256::new();
        for (path, text) in self.files {
            // With their lengths, so that no two recipes run into the same bytes.
            hasher.update((path.len() as u64).to_be_bytes());
            hasher.update(path);
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text);
        }
        short(&hasher.finalize())
    }

    /// The wheels that it names, as a package manager reads them; `None`: it has none.
    pub(super) fn wheels(self) -> Option<&'static str> {
        self.files.iter().find_map(|(path, text)| (*path == WHEELS).then_some(*text))
    }

    /// The build context that the engine is given, with what was unpacked into a folder. The same recipe gives the same
    /// bytes.
    pub(super) async fn archive(self, unpacked: Option<&Path>) -> std::io::Result<Vec<u8>> {
        let mut builder = Builder::new(Vec::new());
        for (path, text) in self.files {
            let mut header = Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(if text.starts_with("#!") { 0o755 } else { 0o644 });
            builder.append_data(&mut header, path, text.as_bytes()).await?;
        }
        if let Some(folder) = unpacked {
            builder.append_dir_all("", folder).await?;
        }
        builder.into_inner().await
    }
}

/// The first twelve hexadecimal digits.
pub(super) fn short(digest: &[u8]) -> String {
    digest.iter().take(6).fold(String::with_capacity(12), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    fn files(folder: &Path, below: &str, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("the recipe is in the repository") {
            let entry = entry.expect("it can be read");
            let path = format!("{below}{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                files(&entry.path(), &format!("{path}/"), found);
            } else {
                found.push(path);
            }
        }
    }

    #[test]
    fn every_file_of_a_recipe_is_in_the_program() {
        for image in Image::ALL {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("images").join(image.name());
            let mut there = Vec::new();
            files(&folder, "", &mut there);
            there.sort();
            let mut embedded: Vec<&str> =
                Recipe::of(*image).files.iter().map(|(path, _)| *path).collect();
            embedded.sort_unstable();
            assert_eq!(embedded, there, "{image:?}");
        }
    }

    #[tokio::test]
    async fn the_same_recipe_gives_the_same_archive() {
        let recipe = Recipe::of(Image::Unit);
        let first = recipe.archive(None).await.expect("it fits into memory");
        assert_eq!(first, recipe.archive(None).await.expect("it fits into memory"));
        assert!(first.len() > 1024);
    }

    #[tokio::test]
    async fn what_was_unpacked_is_in_the_archive_with_its_rights() {
        use std::os::unix::fs::PermissionsExt as _;
        use tokio_tar::Archive;

        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("bin")).expect("made");
        let program = folder.path().join("bin/weed");
        std::fs::write(&program, "x").expect("written");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("set");
        let archive = Recipe::of(Image::Seaweedfs).archive(Some(folder.path())).await;
        let archive = archive.expect("it fits into memory");
        let mut entries = Archive::new(&*archive).entries().expect("an archive");
        let mut found = Vec::new();
        while let Some(entry) = entries.next().await {
            let entry = entry.expect("whole");
            let mode = entry.header().mode().expect("it has one") & 0o777;
            found.push((entry.path().expect("a path").display().to_string(), mode));
        }
        for expected in [("Dockerfile", 0o644), ("requirements.txt", 0o644), ("bin/weed", 0o755)] {
            let expected = (expected.0.to_owned(), expected.1);
            assert!(found.contains(&expected), "{found:?}");
        }
    }

    #[test]
    fn wheels_are_pinned_by_version_and_hash() {
        for image in Image::ALL {
            let Some(wheels) = Recipe::of(*image).wheels() else { continue };
            assert_eq!(*image, Image::Seaweedfs);
            assert!(wheels.contains("=="), "{wheels}");
            assert_eq!(wheels.matches("--hash=sha256:").count(), 2, "{wheels}");
        }
        assert!(Recipe::of(Image::Seaweedfs).wheels().is_some());
    }
}
