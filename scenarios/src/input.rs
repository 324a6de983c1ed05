//! Where scenarios come from: the embedded corpus and standard input; files and folders are in `files`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use pgdrill_core::Diagnostic;

use crate::{
    beside::{Candidate, Folder, assign},
    check::{check_rest, place},
    corpus::corpus,
    location::Positions,
    refusal::Refusal,
    scenario::Scenario,
    snapshot_file::Snapshot,
    yaml::{ReadInPart, Value, YamlDocument, documents_from_bytes, read_in_part},
};

/// Where a scenario was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// From the corpus within the binary.
    Embedded,
    /// From a file; its snapshot stands at this path, or is to be written there.
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
    pub scenario: Result<Scenario, Refusal>,
    /// The snapshot beside it, if there is one; an error where there is one that can't be read.
    pub snapshot: Result<Option<Snapshot>, Box<Diagnostic>>,
    /// Where each part of the scenario stands in the file.
    pub positions: Positions,
}

/// Reads the scenarios of a text: each document is one, and one that is wrong does not hide the others.
#[must_use]
pub fn read_text(bytes: &[u8], file: &str) -> Vec<Result<Scenario, Refusal>> {
    let documents = documents_from_bytes(bytes, file).into_iter();
    documents.map(|document| read_document(&document?)).collect()
}

/// Reads the scenario of a document, and refuses what Juju could not produce.
///
/// # Errors
///
/// Everything that is wrong and can be told apart, and where.
pub fn read_document(document: &YamlDocument) -> Result<Scenario, Refusal> {
    let title = Value::Scalar { text: "untitled".to_owned(), quoted: true };
    let needed = [("scenario", title), ("fire", Value::Sequence(Vec::new()))];
    let ReadInPart { value, mut faults, left_out } = read_in_part(document, &needed);
    if let Some(scenario) = &value {
        faults.extend(check_rest(document, scenario, left_out));
    }
    match (Refusal::of(faults), value) {
        (Some(refusal), _) => Err(refusal),
        (None, Some(scenario)) => Ok(scenario),
        (None, None) => Err(Diagnostic::error(document.file(), "it can't be read").into()),
    }
}

/// Every scenario of the embedded corpus.
#[must_use]
pub fn read_corpus() -> Vec<Input> {
    let files = corpus().files.into_iter();
    let inputs = files.flat_map(|(name, content, snapshot)| {
        let stem = name.trim_end_matches(".yaml").to_owned();
        let file = Path::new(&name);
        let folder = Folder::default();
        let snapshot = snapshot.as_deref();
        let beside = snapshot.map(|it| Candidate::parsed(file.with_extension("snap"), it));
        let read = with_own_titles(documents(&content, &name));
        let (held, _) = assign(&folder, file, &titles(&read), beside.into_iter().collect());
        let beside = held.into_iter().map(|held| (Source::Embedded, held.snapshot));
        inputs(read, &stem, &name, beside)
    });
    inputs.collect()
}

/// Every scenario of `text`, read from standard input.
#[must_use]
pub fn read_stdin(text: &[u8]) -> Vec<Input> {
    let beside = std::iter::repeat_with(|| (Source::Stdin, Ok(None)));
    inputs(documents(text, "<stdin>"), "<stdin>", "<stdin>", beside)
}

impl Input {
    /// What can't be read at all, and why.
    #[must_use]
    pub fn refused(name: String, source: Source, complaint: Box<Diagnostic>) -> Self {
        let (file, positions) = (complaint.file.clone(), Positions::default());
        Self { name, file, source, scenario: Err(complaint.into()), snapshot: Ok(None), positions }
    }
}

/// One scenario of a file, or the complaint about it.
pub(crate) struct Document {
    scenario: Result<Scenario, Refusal>,
    parsed: Option<YamlDocument>,
}

/// The documents of a file; where it holds none, the complaint about that.
pub(crate) fn documents(content: &[u8], file: &str) -> Vec<Document> {
    let documents = documents_from_bytes(content, file);
    if documents.is_empty() {
        let hint = "write one with `pgdrill new create-backup`";
        let nothing = Diagnostic::error(file, "the file holds no scenario").hint(hint);
        return vec![Document { scenario: Err(nothing.into()), parsed: None }];
    }
    let read = documents.into_iter().map(|document| match document {
        Ok(document) => Document { scenario: read_document(&document), parsed: Some(document) },
        Err(complaint) => Document { scenario: Err(complaint.into()), parsed: None },
    });
    read.collect()
}

/// Refuses a scenario whose title another one of its file has: its snapshot could not be found by it.
pub(crate) fn with_own_titles(mut documents: Vec<Document>) -> Vec<Document> {
    let mut lines: BTreeMap<String, usize> = BTreeMap::new();
    for document in &mut documents {
        let (Ok(scenario), Some(parsed)) = (&document.scenario, &document.parsed) else { continue };
        let at = place(parsed.root(), "scenario").value;
        let Some(first) = lines.get(&scenario.scenario) else {
            lines.insert(scenario.scenario.clone(), at.line);
            continue;
        };
        let what = format!("the scenario in line {first} has the same title");
        let hint = "give each scenario of a file a title of its own: its snapshot is found by it";
        let complaint = parsed.diagnostic(at.line, at.column, at.width, what, Some(hint.into()));
        document.scenario = Err(complaint.into());
    }
    documents
}

/// The title of each scenario; `None` where it was refused.
pub(crate) fn titles(documents: &[Document]) -> Vec<Option<&str>> {
    let scenarios = documents.iter().map(|document| document.scenario.as_ref().ok());
    scenarios.map(|scenario| scenario.map(|scenario| scenario.scenario.as_str())).collect()
}

/// The scenarios of one file, each with where it was read and the snapshot beside it.
pub(crate) fn inputs(
    documents: Vec<Document>,
    stem: &str,
    file: &str,
    beside: impl Iterator<Item = (Source, Result<Option<Snapshot>, Box<Diagnostic>>)>,
) -> Vec<Input> {
    let several = documents.len() > 1;
    let numbered = documents.into_iter().zip(beside).enumerate();
    let inputs = numbered.map(|(index, (document, (source, snapshot)))| {
        let name = if several { format!("{stem}#{}", index + 1) } else { stem.to_owned() };
        let positions = document.parsed.map(Positions::of).unwrap_or_default();
        let (file, scenario) = (file.to_owned(), document.scenario);
        Input { name, file, source, scenario, snapshot, positions }
    });
    inputs.collect()
}
