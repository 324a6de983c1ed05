//! The snapshots beside scenario files. Each is found by the title of its scenario, which its head names, and not by the
//! place of the scenario in its file, so that a scenario can be added, taken out or moved.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fs, io,
    path::{Path, PathBuf},
};

use pgdrill_core::Diagnostic;

use crate::{regular::read_regular, snapshot_file::Snapshot};

/// The longest snapshot that is read, in bytes.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// The names of a folder's scenario files and snapshots.
#[derive(Debug, Default)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Each stem of a scenario file, with the names that have it.
    scenarios: BTreeMap<OsString, BTreeSet<OsString>>,
    snapshots: BTreeSet<OsString>,
}

/// What may be the snapshot of a scenario of one file.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    path: PathBuf,
    /// Whether pgdrill wrote it, as far as that can be told.
    is_ours: bool,
    read: Result<Snapshot, String>,
}

/// What is known of the snapshot of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    /// The snapshot, if there is one; or why that can't be told.
    pub(crate) snapshot: Result<Option<Snapshot>, Box<Diagnostic>>,
    /// Where it stands, or is to be written.
    pub(crate) place: PathBuf,
}

impl Folder {
    /// Lists a folder.
    pub(crate) fn list(path: &Path) -> io::Result<Self> {
        let mut folder = Self::at(path);
        let listed = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        for entry in fs::read_dir(listed)? {
            folder.add(&entry?.file_name());
        }
        Ok(folder)
    }

    /// A folder of which nothing is known yet.
    pub(crate) fn at(path: &Path) -> Self {
        Self { path: path.to_path_buf(), ..Self::default() }
    }

    /// Every scenario file and every snapshot.
    pub(crate) fn paths(&self) -> impl Iterator<Item = PathBuf> {
        let names = self.scenarios.values().flatten().chain(&self.snapshots);
        names.map(|name| self.path.join(name))
    }

    /// One more name stands in the folder.
    pub(crate) fn add(&mut self, name: &OsStr) {
        if is_scenario(Path::new(name)) {
            let stem = Path::new(name).file_stem().unwrap_or(name).to_owned();
            self.scenarios.entry(stem).or_default().insert(name.to_owned());
        } else if is_snapshot(Path::new(name)) {
            self.snapshots.insert(name.to_owned());
        }
    }

    /// Another scenario file whose snapshots would have the same names as those of this one.
    pub(crate) fn twin(&self, file: &Path) -> Option<PathBuf> {
        let named = self.scenarios.get(file.file_stem()?)?;
        let twin = named.iter().find(|name| file.file_name() != Some(name.as_os_str()))?;
        Some(self.path.join(twin))
    }

    /// Everything that may be the snapshot of a scenario of this file: `NAME.snap` first, then `NAME.N.snap` by number.
    pub(crate) fn candidates(&self, file: &Path) -> Vec<Candidate> {
        let Some(stem) = file.file_stem() else { return Vec::new() };
        let mut prefix = stem.to_owned();
        prefix.push(".");
        let begins =
            |name: &&OsString| name.as_encoded_bytes().starts_with(prefix.as_encoded_bytes());
        let named = self.snapshots.range(prefix.clone()..).take_while(begins);
        let mut own: Vec<(u64, &OsString)> =
            named.filter_map(|name| Some((self.number(stem, name)?, name))).collect();
        own.sort_unstable();
        own.into_iter().map(|(_, name)| Candidate::read(self.path.join(name))).collect()
    }

    /// The snapshots that stand beside no scenario file of their name; of a folder without scenarios those that pgdrill
    /// wrote, as others write such files too.
    pub(crate) fn strays(&self) -> Vec<Candidate> {
        let is_stray = |name: &&OsString| {
            let inner = Path::new(name.as_os_str()).file_stem().map(Path::new);
            let stems = [inner.map(Path::as_os_str), inner.and_then(Path::file_stem)];
            let mut stems = stems.into_iter().flatten();
            !stems
                .any(|stem| self.scenarios.contains_key(stem) && self.number(stem, name).is_some())
        };
        let strays = self.snapshots.iter().filter(is_stray);
        let strays = strays.map(|name| Candidate::read(self.path.join(name)));
        strays.filter(|it| it.is_ours || !self.scenarios.is_empty()).collect()
    }

    /// The number of a snapshot of the scenario file with this stem, 0 for `NAME.snap`. `NAME.2.snap` is not its where
    /// another file is `NAME.2.yaml`.
    fn number(&self, stem: &OsStr, snapshot: &OsStr) -> Option<u64> {
        let inner = Path::new(Path::new(snapshot).file_stem()?);
        if inner.as_os_str() == stem {
            return Some(0);
        }
        if self.scenarios.contains_key(inner.as_os_str()) || inner.file_stem()? != stem {
            return None;
        }
        let number = inner.extension()?.to_str()?;
        number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())?
    }

    /// Where the scenario at this number of a file keeps its snapshot, `None` being the only one; if `is_free` says that
    /// nothing which matters stands there, else at the first number that is free.
    fn place(
        &self,
        file: &Path,
        number: Option<usize>,
        is_free: impl Fn(&Path) -> bool,
    ) -> PathBuf {
        let named = |number: Option<usize>| match number {
            None => file.with_extension("snap"),
            Some(number) => file.with_extension(format!("{number}.snap")),
        };
        let others = |path: &PathBuf| {
            let stem = path.file_stem();
            let is_own = stem == file.file_stem();
            is_own || !stem.is_some_and(|stem| self.scenarios.contains_key(stem))
        };
        let wanted = std::iter::once(number).chain((2..).map(Some)).map(named);
        let mut free = wanted.filter(|path| others(path) && is_free(path));
        free.next().unwrap_or_else(|| named(number))
    }
}

impl Candidate {
    fn read(path: PathBuf) -> Self {
        match read_regular(&path, MAX_BYTES) {
            Ok(content) => Self::parsed(path, &content),
            Err(why) => Self { path, is_ours: false, read: Err(why) },
        }
    }

    /// The candidate with this content.
    pub(crate) fn parsed(path: PathBuf, content: &[u8]) -> Self {
        let is_ours = content.starts_with(b"---\nsource: pgdrill\n");
        Self { path, is_ours, read: Snapshot::parse(content) }
    }

    fn has_title(&self, title: &str) -> bool {
        matches!(&self.read, Ok(snapshot) if snapshot.title.as_deref() == Some(title))
    }

    /// The warning that none of the scenarios of the file that it stands beside owns it.
    fn orphan(&self) -> Diagnostic {
        let what = match &self.read {
            Ok(Snapshot { title: Some(title), .. }) => {
                format!("the snapshot is of no scenario: none of its file has the title `{title}`")
            }
            Ok(Snapshot { title: None, .. }) => "the snapshot is of no scenario".to_owned(),
            Err(why) => format!("the snapshot is of no scenario, and can't be read: {why}"),
        };
        self.warning(what, "give its scenario this title, or remove it")
    }

    /// The warning that no scenario file of its name stands beside it.
    pub(crate) fn stray(&self) -> Diagnostic {
        let what = "the snapshot is of no scenario: no scenario file of its name stands here";
        self.warning(what.to_owned(), "bring its scenario back, or remove it")
    }

    fn warning(&self, what: String, hint: &str) -> Diagnostic {
        Diagnostic::error(&self.path.display().to_string(), what).hint(hint).into_warning()
    }
}

/// Finds the snapshot of each scenario of a file by its title, `None` being the title of a scenario that was refused.
/// The rest of the candidates are orphans, unless a refused scenario may own them.
pub(crate) fn assign(
    folder: &Folder,
    file: &Path,
    titles: &[Option<&str>],
    candidates: Vec<Candidate>,
) -> (Vec<Held>, Vec<Diagnostic>) {
    let is_only = titles.len() == 1;
    let mut left: Vec<Candidate> = candidates;
    let mut take = |title: &str| {
        let at = left.iter().position(|candidate| candidate.has_title(title)).or_else(|| {
            // Without a title it is the snapshot of the one scenario that there is.
            let own = file.with_extension("snap");
            let nameless =
                |it: &Candidate| matches!(&it.read, Ok(snapshot) if snapshot.title.is_none());
            left.iter().position(|it| is_only && it.path == own && nameless(it))
        });
        at.map(|at| left.remove(at))
    };
    let found: Vec<Option<Candidate>> =
        titles.iter().map(|title| title.and_then(&mut take)).collect();
    let are_all_read = titles.iter().all(Option::is_some);
    let is_missing = titles.iter().zip(&found).any(|(title, it)| title.is_some() && it.is_none());
    // Whose these are can't be told, so it can't be told either that a scenario has none.
    let undecided = left.iter().find(|it| match &it.read {
        Err(_) => true,
        Ok(snapshot) => snapshot.title.is_none() && !is_only,
    });
    let why = undecided.map(|it| Box::new(undecidable(it, is_only)));
    let mut taken: BTreeSet<PathBuf> = found.iter().flatten().map(|it| it.path.clone()).collect();
    let kept: BTreeSet<&Path> = left.iter().map(|it| it.path.as_path()).collect();
    let held = found.into_iter().enumerate().map(|(index, candidate)| match candidate {
        Some(Candidate { path, read: Ok(snapshot), .. }) => {
            Held { snapshot: Ok(Some(snapshot)), place: path }
        }
        Some(Candidate { .. }) | None => {
            let free =
                |path: &Path| !taken.contains(path) && (are_all_read || !kept.contains(path));
            let place = folder.place(file, (!is_only).then_some(index + 1), free);
            taken.insert(place.clone());
            Held { snapshot: why.clone().map_or(Ok(None), Err), place }
        }
    });
    let held = held.collect();
    let is_told = |it: &&Candidate| {
        let is_undecided = undecided.is_some_and(|other| other.path == it.path);
        are_all_read && !(is_missing && is_undecided)
    };
    let orphans = left.iter().filter(is_told).map(Candidate::orphan).collect();
    (held, orphans)
}

/// The complaint of a scenario whose snapshot this candidate may be.
fn undecidable(candidate: &Candidate, is_only: bool) -> Diagnostic {
    let what = match &candidate.read {
        Err(why) if is_only => format!("can't be read: {why}"),
        Err(why) => format!("can't be read, so whose it is can't be told: {why}"),
        Ok(_) => "names no title, so whose it is can't be told".to_owned(),
    };
    Diagnostic::error(&candidate.path.display().to_string(), what)
}

/// Whether this is what a scenario file is called.
pub(crate) fn is_scenario(path: &Path) -> bool {
    matches!(path.extension().and_then(OsStr::to_str), Some("yaml" | "yml"))
}

/// Whether this is what a snapshot is called.
pub(crate) fn is_snapshot(path: &Path) -> bool {
    path.extension().and_then(OsStr::to_str) == Some("snap")
}
