//! What failed the last time, for `--failed`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use pgdrill_core::Diagnostic;
use pgdrill_scenarios::{
    Input, Source, Verdict, read_file,
    report::{CaseEnd, judged, refused},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    args::{BackendArg, RunArgs},
    update::write_report,
};

/// The most that a record is read of, in bytes.
const MAX_RECORD: u64 = 16 << 20;

/// What failed when it last ran from a folder.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Record(BTreeSet<Failed>);

/// A scenario that failed or was refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Failed {
    /// The options that say where and how it ran, as the command line has them.
    options: Vec<String>,
    /// The file, from the root; `None`: it comes with pgdrill.
    file: Option<PathBuf>,
    /// The title, unique in a file; the name of what comes with pgdrill. `None`: something in the file is refused.
    title: Option<String>,
}

impl Failed {
    /// `None`: it was read from standard input, or its file is gone.
    fn new(
        options: &[String],
        source: &Source,
        file: &str,
        name: &str,
        title: &str,
    ) -> Option<Self> {
        let (file, title) = match source {
            Source::Stdin => return None,
            Source::Embedded => (None, name),
            Source::File(_) => (Some(fs::canonicalize(file).ok()?), title),
        };
        Some(Self { options: options.to_vec(), file, title: Some(title.to_owned()) })
    }
}

/// The options on which a verdict depends.
fn options(args: &RunArgs) -> Vec<String> {
    let mut options = Vec::new();
    if args.backend() != BackendArg::Memory {
        options.extend(["--backend", args.backend().name()].map(str::to_owned));
    }
    let off: BTreeSet<&String> = args.no_amendment.iter().collect();
    off.into_iter().for_each(|off| options.extend(["--no-amendment".to_owned(), off.clone()]));
    options
}

/// What of a record ran under the same options as are given now.
pub(crate) struct Selection {
    options: Vec<String>,
    failed: BTreeSet<Failed>,
}

impl Selection {
    /// Whether this scenario is one of them, or can't be read, so that nobody can tell.
    pub(crate) fn has(&self, input: &Input) -> bool {
        let Ok(scenario) = &input.scenario else { return true };
        let (file, name) = (&input.file, &input.name);
        let failed = Failed::new(&self.options, &input.source, file, name, &scenario.scenario);
        failed.is_some_and(|failed| self.failed.contains(&failed))
    }

    /// Whether one of them comes with pgdrill.
    pub(crate) fn has_embedded(&self) -> bool {
        self.failed.iter().any(|failed| failed.file.is_none())
    }

    /// The files of the others, as far as they are there still, named from the current folder where they are below it.
    pub(crate) fn files(&self) -> BTreeSet<PathBuf> {
        let here = std::env::current_dir().and_then(fs::canonicalize).unwrap_or_default();
        let files = self.failed.iter().filter_map(|failed| failed.file.as_deref());
        let files = files.filter(|file| file.exists());
        files.map(|file| file.strip_prefix(&here).unwrap_or(file).to_path_buf()).collect()
    }
}

/// What failed when scenarios last ran from this folder under these options.
///
/// # Errors
///
/// Nothing did, nothing is on record, or the record can't be read.
pub(crate) fn failed(args: &RunArgs) -> Result<Selection, Box<Diagnostic>> {
    let nothing = |what: &str, hint: &str| {
        Box::new(Diagnostic::error("the command line", what.to_owned()).hint(hint.to_owned()))
    };
    let first = "run without `--failed` first";
    let place = place().filter(|place| place.exists());
    let Some(place) = place else {
        return Err(nothing("no run from this folder is on record", first));
    };
    let file = place.display().to_string();
    let unreadable = |why: &str| {
        Box::new(Diagnostic::error(&file, format!("the record of the last run {why}")).hint(first))
    };
    let text = read_file(&place, MAX_RECORD)
        .map_err(|why| unreadable(&format!("can't be read: {why}")))?;
    let record: Record =
        serde_json::from_slice(&text).map_err(|why| unreadable(&format!("is none: {why}")))?;
    let options = options(args);
    let (failed, others): (BTreeSet<Failed>, BTreeSet<Failed>) =
        record.0.into_iter().partition(|failed| failed.options == options);
    if !failed.is_empty() {
        return Ok(Selection { options, failed });
    }
    let what = "nothing failed the last time that it ran from this folder with these options";
    Err(match others.first() {
        None => nothing(what, "run without `--failed` to run all of it"),
        Some(other) => {
            let other = other.options.join(" ");
            let hint = match other.as_str() {
                "" => "something failed without any of these options".to_owned(),
                other => format!("something failed with `{other}`"),
            };
            nothing(what, &hint)
        }
    })
}

/// Keeps what failed now. What failed before and did not pass now still counts.
pub(crate) fn keep(args: &RunArgs, ends: &[CaseEnd]) {
    let Some(place) = place() else { return };
    let options = options(args);
    let before = read_file(&place, MAX_RECORD).ok();
    // What is no record is written anew.
    let before = before.and_then(|text| serde_json::from_slice::<Record>(&text).ok());
    let mut all = before.unwrap_or_default().0;
    for case in judged(ends) {
        let (name, title) = (&case.name, &case.plan.title);
        let Some(failed) = Failed::new(&options, &case.source, &case.file, name, title) else {
            continue;
        };
        all.remove(&Failed { title: None, ..failed.clone() });
        match case.verdict() {
            Verdict::Failed(_) => drop(all.insert(failed)),
            Verdict::Passed => drop(all.remove(&failed)),
            Verdict::Skipped(_) => {}
        }
    }
    for (_, refusal) in refused(ends) {
        let file = Path::new(&refusal.first().file);
        let is_scenario = file.extension().is_some_and(|end| end == "yaml" || end == "yml");
        if let (true, Ok(file)) = (is_scenario, fs::canonicalize(file)) {
            all.insert(Failed { options: options.clone(), file: Some(file), title: None });
        }
    }
    // A file that is gone fails nothing.
    all.retain(|failed| failed.file.as_deref().is_none_or(Path::exists));
    if let (Some(folder), Ok(record)) = (place.parent(), serde_json::to_string(&Record(all))) {
        // A run is as good without a record: where none can be kept, `--failed` says that there is none.
        let _ = fs::create_dir_all(folder).and_then(|()| write_report(&place, &record));
    }
}

/// Where the record of this folder is: in the user's state folder, as the XDG base directories have it.
fn place() -> Option<PathBuf> {
    let folder = std::env::current_dir().ok()?;
    let digest = Sha256::digest(folder.as_os_str().as_encoded_bytes());
    let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Some(state_folder()?.join(format!("failed-{name}.json")))
}

/// The folder of what is kept from one command to the next. `None`: the user has no folder for it.
pub(crate) fn state_folder() -> Option<PathBuf> {
    Some(state()?.join("pgdrill"))
}

#[expect(clippy::disallowed_methods, reason = "the user's own folders are told by the environment")]
fn state() -> Option<PathBuf> {
    // A path that is not from the root is to be ignored.
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|it| it.is_absolute());
    set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")))
}
