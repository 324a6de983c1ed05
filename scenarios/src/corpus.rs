//! The cases of the repository, embedded so that an installed binary has them in any directory.

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "cases/"]
struct Embedded;

/// The embedded cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corpus {
    /// Each case file by its name within the corpus, and the snapshot beside it; in the order of names.
    pub files: Vec<(String, Vec<u8>, Option<Vec<u8>>)>,
}

/// The cases of the repository, as they were when this binary was built.
#[must_use]
pub fn corpus() -> Corpus {
    let mut names: Vec<String> = Embedded::iter()
        .map(std::borrow::Cow::into_owned)
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    names.sort_unstable();
    let files = names.into_iter().filter_map(|name| {
        let content = Embedded::get(&name)?.data.into_owned();
        let snapshot = Embedded::get(&name.replace(".yaml", ".snap"));
        Some((name, content, snapshot.map(|file| file.data.into_owned())))
    });
    Corpus { files: files.collect() }
}
