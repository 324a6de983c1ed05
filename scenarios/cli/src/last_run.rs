//! What failed the last time, for `--failed`.

use std::{
    collections::BTreeSet,
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::PathBuf,
};

use pgdrill_scenarios::{
    Input, Source, Verdict, read_file,
    report::{CaseEnd, judged},
};
use serde::{Deserialize, Serialize};

use crate::update::write_report;

/// The most that a record is read of, in bytes.
const MAX_RECORD: u64 = 16 << 20;

/// The scenarios that failed when they last ran.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Failed(BTreeSet<FailedCase>);

/// One of them.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct FailedCase {
    /// Whether it comes with pgdrill.
    comes_with_pgdrill: bool,
    file: String,
    name: String,
}

impl FailedCase {
    fn new(source: &Source, file: &str, name: &str) -> Self {
        let comes_with_pgdrill = *source == Source::Embedded;
        Self { comes_with_pgdrill, file: file.to_owned(), name: name.to_owned() }
    }
}

impl Failed {
    /// Whether this scenario is one of them.
    pub(crate) fn has(&self, input: &Input) -> bool {
        self.0.contains(&FailedCase::new(&input.source, &input.file, &input.name))
    }

    /// Whether one of them comes with pgdrill.
    pub(crate) fn has_embedded(&self) -> bool {
        self.0.iter().any(|case| case.comes_with_pgdrill)
    }

    /// The files of the others.
    pub(crate) fn files(&self) -> BTreeSet<PathBuf> {
        let own = self.0.iter().filter(|case| !case.comes_with_pgdrill);
        own.map(|case| PathBuf::from(&case.file)).collect()
    }
}

/// What failed when scenarios last ran from this folder. `None`: nothing is on record, or it can't be read.
pub(crate) fn failed() -> Option<Failed> {
    let record = read_file(&place()?, MAX_RECORD).ok()?;
    serde_json::from_slice(&record).ok()
}

/// Keeps what failed now; what failed before and did not run now still counts.
pub(crate) fn keep(ends: &[CaseEnd]) {
    let Some(place) = place() else { return };
    let mut all = failed().unwrap_or_default();
    for case in judged(ends) {
        if case.source == Source::Stdin {
            continue;
        }
        let key = FailedCase::new(&case.source, &case.file, &case.name);
        if matches!(case.verdict(), Verdict::Failed(_)) {
            all.0.insert(key);
        } else {
            all.0.remove(&key);
        }
    }
    if let (Some(folder), Ok(record)) = (place.parent(), serde_json::to_string(&all)) {
        // A run is as good without a record: where none can be kept, `--failed` says that there is none.
        let _ = fs::create_dir_all(folder).and_then(|()| write_report(&place, &record));
    }
}

/// Where the record of this folder is: in the user's state folder, as the XDG base directories have it.
fn place() -> Option<PathBuf> {
    let folder = std::env::current_dir().ok()?;
    let mut hasher = DefaultHasher::new();
    folder.hash(&mut hasher);
    let name = format!("failed-{:016x}.json", hasher.finish());
    Some(state()?.join("pgdrill").join(name))
}

#[expect(clippy::disallowed_methods, reason = "the user's own folders are told by the environment")]
fn state() -> Option<PathBuf> {
    let set =
        |name: &str| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")))
}
