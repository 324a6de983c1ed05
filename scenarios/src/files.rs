//! Scenarios in files and folders, with the snapshots beside them.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    fs, io,
    path::{Path, PathBuf},
};

use pgdrill_core::Diagnostic;

use crate::{
    beside::{Candidate, Folder, assign, is_scenario, is_snapshot},
    input::{Input, Source, documents, inputs, titles, with_own_titles},
    regular::read_regular,
    yaml::MAX_BYTES,
};

/// Reads scenario files, and keeps account of the snapshots that none of them owns.
#[derive(Debug, Default)]
pub struct ScenarioFiles {
    folders: BTreeMap<PathBuf, Folder>,
    /// By the snapshot's path.
    orphans: BTreeMap<String, Diagnostic>,
    /// The files that were named, and where the snapshots of scenarios stand or are to be written.
    own: BTreeSet<PathBuf>,
}

/// Something that a folder holds, and why it can't be read, if so.
type Found = (PathBuf, Option<String>);

impl ScenarioFiles {
    /// Every scenario of a file, or of the `.yaml` and `.yml` files of a folder and the folders in it. What can't be
    /// read there is an input of its own, and hides nothing else.
    ///
    /// # Errors
    ///
    /// The file or folder itself can't be read.
    pub fn read(&mut self, path: &Path) -> Result<Vec<Input>, Box<Diagnostic>> {
        let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error.to_string()))?;
        if !metadata.is_dir() {
            self.own.insert(path.to_path_buf());
            let parent = path.parent().unwrap_or(Path::new(""));
            if let Entry::Vacant(entry) = self.folders.entry(parent.to_path_buf()) {
                let listed = Folder::list(parent);
                entry.insert(listed.map_err(|error| unreadable(parent, &error.to_string()))?);
            }
            return Ok(self.file(path, path));
        }
        let mut found = Vec::new();
        let mut folders = vec![path.to_path_buf()];
        while let Some(folder) = folders.pop() {
            match self.folder(&folder, &mut folders) {
                Ok(files) => found.extend(files),
                Err(error) if folder == path => return Err(unreadable(path, &error.to_string())),
                Err(error) => found.push((folder, Some(error.to_string()))),
            }
        }
        found.sort_unstable();
        let inputs = found.into_iter().flat_map(|(file, fault)| match fault {
            None => self.file(path, &file),
            Some(why) => refused(path, &file, unreadable(&file, &why)),
        });
        Ok(inputs.collect())
    }

    /// The snapshots that no scenario owns among what was read, each as a warning.
    #[must_use]
    pub fn orphans(&self) -> Vec<Diagnostic> {
        self.orphans.values().cloned().collect()
    }

    /// The scenario file or snapshot, of those in every folder that was looked at, that whoever writes to this path would
    /// overwrite: it stands there, under whatever name, or is to be written there.
    #[must_use]
    pub fn overwritten(&self, path: &Path) -> Option<PathBuf> {
        let in_folders = self.folders.values().flat_map(Folder::paths);
        let mut own = self.own.iter().cloned().chain(in_folders);
        own.find(|own| is_same(own, path))
    }

    /// The scenario files of one folder; the folders in it are added to those that are still to be looked at.
    fn folder(&mut self, path: &Path, folders: &mut Vec<PathBuf>) -> io::Result<Vec<Found>> {
        let (mut folder, mut found) = (Folder::at(path), Vec::new());
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let file = entry.path();
            // A link to a folder could lead round in a circle, so only real folders are entered.
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => {
                    // It stands in the place of a snapshot.
                    if is_snapshot(&file) {
                        folder.add(&entry.file_name());
                    }
                    folders.push(file);
                }
                Ok(_) => {
                    folder.add(&entry.file_name());
                    if is_scenario(&file) {
                        found.push((file, None));
                    }
                }
                Err(error) => found.push((file, Some(error.to_string()))),
            }
        }
        let strays = folder.strays();
        let strays = strays.iter().map(Candidate::stray);
        self.orphans.extend(strays.map(|orphan| (orphan.file.clone(), orphan)));
        self.folders.insert(path.to_path_buf(), folder);
        Ok(found)
    }

    /// The scenarios of one file, whose folder is known.
    fn file(&mut self, root: &Path, file: &Path) -> Vec<Input> {
        let shown = file.display().to_string();
        let wrong = |what: &str, hint: &str| {
            refused(root, file, Box::new(Diagnostic::error(&shown, what).hint(hint)))
        };
        if is_snapshot(file) {
            let hint =
                "a file called `.snap` keeps a snapshot; scenario files end in .yaml or .yml";
            return wrong("this is what a snapshot is called, not a scenario", hint);
        }
        let parent = file.parent().unwrap_or(Path::new(""));
        let Some(folder) = self.folders.get(parent) else { return Vec::new() };
        if let Some(twin) = folder.twin(file) {
            let what = format!("it would share its snapshot with {}", twin.display());
            return wrong(&what, "give one of them another name");
        }
        let content = match read_regular(file, MAX_BYTES as u64) {
            Ok(content) => content,
            Err(why) => return refused(root, file, unreadable(file, &why)),
        };
        let read = with_own_titles(documents(&content, &shown));
        let (held, orphans) = assign(folder, file, &titles(&read), folder.candidates(file));
        self.orphans.extend(orphans.into_iter().map(|orphan| (orphan.file.clone(), orphan)));
        self.own.extend(held.iter().map(|held| held.place.clone()));
        let beside = held.into_iter().map(|held| (Source::File(held.place), held.snapshot));
        inputs(read, &stem(root, file), &shown, beside)
    }
}

/// Whether two paths lead to one file: by whatever links, or as two names of it. What is not there is compared by its
/// folder and its name.
pub fn is_same(one: &Path, other: &Path) -> bool {
    if let (Some(one), Some(other)) = (identity(one), identity(other)) {
        return one == other;
    }
    let place = |path: &Path| {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = parent.unwrap_or(Path::new(".")).canonicalize().ok()?;
        Some(folder.join(path.file_name()?))
    };
    place(one).is_some_and(|one| place(other) == Some(one))
}

/// What tells a file from every other one, whatever it is called.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok()
}

/// The one input that stands for what can't be read.
fn refused(root: &Path, file: &Path, complaint: Box<Diagnostic>) -> Vec<Input> {
    let source = Source::File(file.with_extension("snap"));
    vec![Input::refused(stem(root, file), source, complaint)]
}

/// The name of a file among those that were read with it: its path below the folder that was named.
fn stem(root: &Path, file: &Path) -> String {
    let within = file.strip_prefix(root).ok().filter(|rest| !rest.as_os_str().is_empty());
    within.unwrap_or(file).with_extension("").display().to_string()
}

fn unreadable(path: &Path, why: &str) -> Box<Diagnostic> {
    let what = format!("can't be read: {why}");
    let hint = "give a file, a folder, or `-` for standard input";
    Box::new(Diagnostic::error(&path.display().to_string(), what).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_has_its_snapshot_and_every_snapshot_its_case() {
        let mut files = ScenarioFiles::default();
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
        let inputs = files.read(&cases).expect("a folder");
        assert!(!inputs.is_empty());
        for input in inputs {
            let snapshot = input.snapshot.expect("readable").expect("a snapshot");
            let title = input.scenario.expect("readable").scenario;
            assert_eq!(snapshot.title, Some(title), "{}", input.name);
        }
        assert_eq!(files.orphans(), []);
    }
}
