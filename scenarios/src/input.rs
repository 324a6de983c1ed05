//! Where scenarios come from: the embedded corpus, files, folders, standard input.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use pgdrill_core::Diagnostic;

use crate::{
    check::check,
    corpus::corpus,
    location::Positions,
    scenario::Scenario,
    snapshot::Snapshot,
    yaml::{YamlDocument, documents_from_bytes, from_document},
};

/// Where a scenario was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// From the corpus within the binary.
    Embedded,
    /// From a file; its snapshot stands at this path.
    File(PathBuf),
    /// From standard input, which has no place for a snapshot.
    Stdin,
}

/// A scenario, or the complaint about it, and where it was read.
#[derive(Debug, Clone)]
pub struct Input {
    /// The case's name: its path without the ending, and its number in a file of several.
    pub name: String,
    /// The file as the user named it.
    pub file: String,
    /// Where it was read.
    pub source: Source,
    /// The scenario, or what is wrong with it.
    pub scenario: Result<Scenario, Box<Diagnostic>>,
    /// The snapshot beside it.
    pub snapshot: Option<Snapshot>,
    /// Where each part of the scenario stands in the file.
    pub positions: Positions,
}

/// Reads the scenarios of a text: each document is one, and one that is wrong does not hide the others.
#[must_use]
pub fn read_text(bytes: &[u8], file: &str) -> Vec<Result<Scenario, Box<Diagnostic>>> {
    let documents = documents_from_bytes(bytes, file).into_iter();
    documents.map(|document| read_document(&document.map_err(Box::new)?)).collect()
}

/// Reads the scenario of a document, and refuses what Juju could not produce.
///
/// # Errors
///
/// What is wrong, and where.
pub fn read_document(document: &YamlDocument) -> Result<Scenario, Box<Diagnostic>> {
    let scenario: Scenario = from_document(document).map_err(Box::new)?;
    match check(document, &scenario) {
        Some(diagnostic) => Err(Box::new(diagnostic)),
        None => Ok(scenario),
    }
}

/// Every scenario of the embedded corpus.
#[must_use]
pub fn read_corpus() -> Vec<Input> {
    let files = corpus().files.into_iter();
    let inputs = files.flat_map(|(name, content, snapshot)| {
        let stem = name.trim_end_matches(".yaml").to_owned();
        let snapshot = snapshot.map(|file| Snapshot::parse(&file));
        inputs(&content, &stem, &name, |_| (Source::Embedded, snapshot.clone()))
    });
    inputs.collect()
}

/// Every scenario of `text`, read from standard input.
#[must_use]
pub fn read_stdin(text: &[u8]) -> Vec<Input> {
    inputs(text, "<stdin>", "<stdin>", |_| (Source::Stdin, None))
}

/// Every scenario of a file, or of the `.yaml` and `.yml` files of a folder and the folders in it.
///
/// # Errors
///
/// The file or folder that could not be read.
pub fn read_path(path: &Path) -> Result<Vec<Input>, Box<Diagnostic>> {
    let mut files = Vec::new();
    if path.is_dir() {
        collect_files(path, &mut files).map_err(|error| unreadable(path, &error))?;
    } else {
        files.push(path.to_path_buf());
    }
    let mut inputs = Vec::new();
    for file in files {
        let content = fs::read(&file).map_err(|error| unreadable(&file, &error))?;
        inputs.extend(read_file(path, &file, &content));
    }
    Ok(inputs)
}

fn read_file(root: &Path, file: &Path, content: &[u8]) -> Vec<Input> {
    let within = file.strip_prefix(root).ok().filter(|rest| !rest.as_os_str().is_empty());
    let stem = within.unwrap_or(file).with_extension("").display().to_string();
    inputs(content, &stem, &file.display().to_string(), |number| {
        let snapshot = match number {
            None => file.with_extension("snap"),
            Some(number) => file.with_extension(format!("{number}.snap")),
        };
        let content = fs::read_to_string(&snapshot).ok();
        (Source::File(snapshot), content.map(|content| Snapshot::parse(&content)))
    })
}

/// The scenarios of one file; `place` says where the snapshot of the one with this number is, numbers being
/// given only where there are several.
fn inputs(
    content: &[u8],
    stem: &str,
    file: &str,
    place: impl Fn(Option<usize>) -> (Source, Option<Snapshot>),
) -> Vec<Input> {
    let documents = documents_from_bytes(content, file);
    let several = documents.len() > 1;
    if documents.is_empty() {
        let hint = "write one with `pgdrill new create-backup`";
        let nothing = Diagnostic::error(file, "the file holds no scenario").hint(hint);
        let (source, snapshot) = place(None);
        let scenario = Err(Box::new(nothing));
        let (name, file) = (stem.to_owned(), file.to_owned());
        let positions = Positions::default();
        return vec![Input { name, file, source, scenario, snapshot, positions }];
    }
    let numbered = documents.into_iter().enumerate().map(|(index, document)| {
        let number = several.then_some(index + 1);
        let (source, snapshot) = place(number);
        let name = number.map_or_else(|| stem.to_owned(), |number| format!("{stem}#{number}"));
        let scenario = document.as_ref().map_err(|complaint| Box::new(complaint.clone()));
        let scenario = scenario.and_then(read_document);
        let positions = document.map(Positions::of).unwrap_or_default();
        Input { name, file: file.to_owned(), source, scenario, snapshot, positions }
    });
    numbered.collect()
}

fn collect_files(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let path = entry.path();
            let ending = path.extension().and_then(|ending| ending.to_str());
            // A link to a folder could lead round in a circle, so only real folders are entered.
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if matches!(ending, Some("yaml" | "yml")) {
                files.push(path);
            }
        }
    }
    files.sort_unstable();
    Ok(())
}

fn unreadable(path: &Path, error: &io::Error) -> Box<Diagnostic> {
    let what = format!("can't be read: {error}");
    let hint = "give a file, a folder, or `-` for standard input";
    Box::new(Diagnostic::error(&path.display().to_string(), what).hint(hint))
}
