//! The recipes of `ci/images`, as files of the program.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use tokio_tar::{Builder, Header};

use super::Image;

/// One file of a recipe, its path within the recipe's folder.
type RecipeFile = (&'static str, &'static str);

macro_rules! files {
    ($folder:literal: $($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../../../ci/images/", $folder, "/", $path)))),+]
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

    /// The build context that the engine is given. The same recipe gives the same bytes.
    pub(super) async fn archive(self) -> std::io::Result<Vec<u8>> {
        let mut builder = Builder::new(Vec::new());
        for (path, text) in self.files {
            let mut header = Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(if text.starts_with("#!") { 0o755 } else { 0o644 });
            builder.append_data(&mut header, path, text.as_bytes()).await?;
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
    use std::path::Path;

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
            let folder =
                Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ci/images").join(image.name());
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
        let first = recipe.archive().await.expect("it fits into memory");
        assert_eq!(first, recipe.archive().await.expect("it fits into memory"));
        assert!(first.len() > 1024);
    }
}
