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

/// Writes the snapshot of every scenario that has nothing else against it and does not show what its snapshot holds.
/// One that can't be written stops no other, and its scenario is judged as before.
pub(crate) fn update(inputs: &[Input], cases: &mut [JudgedCase]) -> Updated {
    let mut updated = Updated::default();
    for (input, case) in inputs.iter().zip(cases) {
        let Source::File(path) = &input.source else { continue };
        let mut accepted = case.clone();
        let transcript = accepted.accept();
        let outdated = |transcript: &String| match &input.snapshot {
            Ok(Some(snapshot)) => snapshot.outdated(transcript),
            Ok(None) | Err(_) => Outdated::Run,
        };
        let is = transcript.as_ref().map_or(Outdated::No, outdated);
        if let (Some(transcript), Outdated::OnlyFormat | Outdated::Run) = (&transcript, is) {
            if let Err(fault) = replace(path, &Snapshot::file(&case.plan.title, transcript)) {
                updated.faults.push(fault);
                continue;
            }
            updated.only_format += usize::from(is == Outdated::OnlyFormat);
            updated.written.push(path.clone());
        }
        *case = accepted;
    }
    updated
}

/// Puts a file with this content in the place of what is there: it is written beside it and then renamed, so that
/// whatever happens the one or the other is there, whole.
pub(crate) fn replace(path: &Path, content: &str) -> Result<(), Diagnostic> {
    let beside = beside(path);
    let written = write_new(&beside, content).and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        // What can't be removed either is not the fault that matters.
        let _ = fs::remove_file(&beside);
        cannot_be_written(path, &error)
    })
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
