//! Snapshots that `--update` writes anew, and files that are replaced as a whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    process,
};

use pgdrill_core::Diagnostic;
use pgdrill_scenarios::{Input, Outdated, Snapshot, Source, report::JudgedCase};

/// What was written.
#[derive(Debug, Default)]
pub(crate) struct Updated {
    /// The snapshots that were written.
    pub(crate) written: Vec<PathBuf>,
    /// How many of them only because the format of snapshots is another one.
    only_format: usize,
    /// What could not be written.
    pub(crate) faults: Vec<Diagnostic>,
}

impl Updated {
    /// What was done, in one line.
    pub(crate) fn text(&self) -> String {
        let written = self.written.len();
        let snapshots = if written == 1 { "snapshot" } else { "snapshots" };
        let format = match self.only_format {
            0 => String::new(),
            count => format!(", {count} of them only because the format of snapshots changed"),
        };
        format!("{written} {snapshots} written{format}")
    }
}

/// Writes the snapshot of a scenario that has nothing else against it and does not show what its snapshot holds. Where it
/// can't be written, the scenario is judged as before.
pub(crate) fn update(input: &Input, case: &mut JudgedCase, updated: &mut Updated) {
    let Source::File(path) = &input.source else { return };
    let mut accepted = case.clone();
    let transcript = accepted.accept();
    let outdated = |transcript: &String| match &input.snapshot {
        Ok(Some(snapshot)) => snapshot.outdated(transcript),
        Ok(None) | Err(_) => Outdated::Run,
    };
    let is = transcript.as_ref().map_or(Outdated::No, outdated);
    if let (Some(transcript), Outdated::OnlyFormat | Outdated::Run) = (&transcript, is) {
        if let Err(error) = replace(path, &Snapshot::file(&case.plan.title, transcript)) {
            updated.faults.push(cannot_be_written(path, &error));
            return;
        }
        updated.only_format += usize::from(is == Outdated::OnlyFormat);
        updated.written.push(path.clone());
    }
    *case = accepted;
}

/// Puts a file with this content in the place of what is there: it is written beside it and then renamed, so that
/// whatever happens the one or the other is there, whole.
fn replace(path: &Path, content: &str) -> io::Result<()> {
    let beside = beside(path);
    let written = write_new(&beside, content).and_then(|()| fs::rename(&beside, path));
    written.inspect_err(|_| {
        // What can't be removed either is not the fault that matters.
        let _ = fs::remove_file(&beside);
    })
}

/// Writes a report to where the user wants it. A file is replaced as a whole or not at all; what is no file, as a pipe,
/// and what nothing can be renamed to, is written to as it is.
pub(crate) fn write_report(path: &Path, content: &str) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return fs::write(path, content);
    }
    let real = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    match replace(&real, content) {
        Err(error) if is_of_place(&error) && real.exists() => fs::write(&real, content),
        replaced => replaced,
    }
}

/// Whether nothing can be written beside a file, or be renamed to it, though it may be written to itself.
fn is_of_place(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ResourceBusy)
}

/// The complaint about a file that can't be written.
pub(crate) fn cannot_be_written(path: &Path, error: &io::Error) -> Diagnostic {
    Diagnostic::error(&path.display().to_string(), format!("can't be written: {error}"))
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().display();
    path.with_file_name(format!(".{name}.tmp-{}", process::id()))
}

/// Writes a file that is not there yet, to the disk. What a killed process of this number left is none of its own.
fn write_new(path: &Path, content: &str) -> io::Result<()> {
    let create = || OpenOptions::new().write(true).create_new(true).open(path);
    let mut file: File = match create() {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            create()?
        }
        created => created?,
    };
    file.write_all(content.as_bytes())?;
    file.sync_all()
}
