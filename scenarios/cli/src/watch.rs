//! `pgdrill watch`: runs again what changes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::mpsc::{self, Sender},
    time::Duration,
};

use notify_debouncer_mini::{
    Debouncer, new_debouncer,
    notify::{Error, RecommendedWatcher, RecursiveMode},
};
use pgdrill_core::Diagnostic;
use pgdrill_flow::{counted, shown};
use pgdrill_scenarios::{
    Source, Verdict,
    report::{CaseEnd, judged, refused},
};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Runtime;

use crate::{
    args::RunArgs,
    commands::{Exit, read},
    output::{complain, print},
    run::run_to_ends,
    signals::asked_to_end,
    threads::runtime,
};

/// How long nothing must change before what changed is run: an editor writes a file in several steps.
const QUIET: Duration = Duration::from_millis(100);

/// What a watch waits for.
enum Signal {
    /// Something in the folders changed.
    Changed,
    /// Somebody asks it to end.
    End,
}

/// What was read of each scenario file and the snapshots of its scenarios.
type Contents = BTreeMap<PathBuf, [u8; 32]>;

/// Runs the scenarios that the user named, and again those of every file that changes, until it is asked to end. It ends
/// as the last run did.
pub(crate) fn watch(args: &RunArgs) -> Exit {
    if let Some(complaint) = contradiction(args) {
        complain(&complaint);
        return Exit::Wrong;
    }
    if let Some(path) = args.paths.iter().find(|path| !path.exists()) {
        let what = "can't be watched: no file or folder of this name is there";
        complain(&Diagnostic::error(&path.display().to_string(), what));
        return Exit::Wrong;
    }
    let (sender, signals) = mpsc::channel();
    let watched = watched(&args.paths, sender.clone());
    let _watched = match watched {
        Ok(watched) => watched,
        Err((path, why)) => {
            let what = format!("can't be watched: {why}");
            complain(&Diagnostic::error(&path.display().to_string(), what));
            return Exit::Wrong;
        }
    };
    let Some(runtime) = end_when_asked(sender) else { return Exit::NoBackend };
    let mut contents = contents(&args.paths);
    let (mut exit, ends) = run_to_ends(args);
    let mut failed = failed(&ends);
    let mut next = RunArgs { failed: false, ..args.clone() };
    loop {
        // A reader that went away is told nothing; what it asked for goes on until it is asked to end.
        print(&format!("\nwatching {}; Ctrl-C ends it\n", counted(contents.len(), "file")));
        let Some(now) = changed(&signals, &args.paths, &contents) else { break };
        let is_new = |(file, content): &(&PathBuf, &[u8; 32])| contents.get(*file) != Some(content);
        let fresh: BTreeSet<PathBuf> =
            now.iter().filter(is_new).map(|(file, _)| file.clone()).collect();
        let old: BTreeSet<PathBuf> = failed.difference(&fresh).cloned().collect();
        print(&said(&fresh, &old));
        contents = now;
        let only: BTreeSet<PathBuf> = fresh.into_iter().chain(old).collect();
        next.only = Some(only);
        let (ended, ends) = run_to_ends(&next);
        // Where nothing was selected, nothing ran.
        if ended != Exit::Nothing {
            exit = ended;
        }
        failed = self::failed(&ends);
    }
    runtime.shutdown_background();
    exit
}

/// What the words of the command line ask for and no watch can do.
fn contradiction(args: &RunArgs) -> Option<Diagnostic> {
    let (what, hint) = if args.update {
        let what = "`--update` in a watch would take every change for right";
        (what, "run `pgdrill run --update` when a run is right")
    } else if args.paths.is_empty() {
        let what = "nothing is given that can change: the cases that come with pgdrill do not";
        (what, "give files or folders, or `paths` in pgdrill.toml")
    } else if args.paths.iter().any(|path| path.as_os_str() == "-") {
        ("standard input does not change", "save the scenario to a file, and give the file")
    } else {
        return None;
    };
    Some(Diagnostic::error("the command line", what).hint(hint))
}

/// Has every change in these folders, and in the folders of these files, told.
fn watched(
    paths: &[PathBuf],
    sender: Sender<Signal>,
) -> Result<Debouncer<RecommendedWatcher>, (PathBuf, Error)> {
    let first = || paths.first().cloned().unwrap_or_default();
    let tell = move |_| {
        // Nobody is told where the watch is over.
        let _ = sender.send(Signal::Changed);
    };
    let mut debouncer = new_debouncer(QUIET, tell).map_err(|why| (first(), why))?;
    for path in paths {
        // A file that an editor replaces is another one to the system.
        let (folder, mode) = match path.parent() {
            Some(parent) if !path.is_dir() => (parent, RecursiveMode::NonRecursive),
            Some(_) | None => (path.as_path(), RecursiveMode::Recursive),
        };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        debouncer.watcher().watch(folder, mode).map_err(|why| (path.clone(), why))?;
    }
    Ok(debouncer)
}

/// Tells when somebody asks this process to end, as long as the runtime lives.
fn end_when_asked(sender: Sender<Signal>) -> Option<Runtime> {
    let runtime = runtime(1)?;
    runtime.spawn(async move {
        asked_to_end().await;
        // Nobody is told where the watch is over.
        let _ = sender.send(Signal::End);
    });
    Some(runtime)
}

/// Waits until a file holds something else than before: what all of them hold then. `None`: it was asked to end.
fn changed(
    signals: &mpsc::Receiver<Signal>,
    paths: &[PathBuf],
    before: &Contents,
) -> Option<Contents> {
    loop {
        match signals.recv() {
            Ok(Signal::Changed) => {}
            Ok(Signal::End) | Err(_) => return None,
        }
        let now = contents(paths);
        if now != *before {
            return Some(now);
        }
    }
}

/// What stands in the scenario files under these paths, and in their snapshots.
fn contents(paths: &[PathBuf]) -> Contents {
    let mut hashes: BTreeMap<PathBuf, Sha256> = BTreeMap::new();
    for input in read(paths).0 {
        let file = PathBuf::from(&input.file);
        // What can't be read is as if it were empty; a run says why it can't.
        let content = |file: &Path| fs::read(file).unwrap_or_default();
        let hash =
            hashes.entry(file.clone()).or_insert_with(|| Sha256::new_with_prefix(content(&file)));
        if let Source::File(snapshot) = &input.source {
            hash.update(content(snapshot));
        }
    }
    hashes.into_iter().map(|(file, hash)| (file, hash.finalize().into())).collect()
}

/// The files of which a scenario failed or was refused.
fn failed(ends: &[CaseEnd]) -> BTreeSet<PathBuf> {
    let failed = judged(ends).filter(|case| matches!(case.verdict(), Verdict::Failed(_)));
    let refused = refused(ends).map(|(_, refusal)| refusal.first().file.as_str());
    failed.map(|case| case.file.as_str()).chain(refused).map(PathBuf::from).collect()
}

/// The line between two runs.
fn said(fresh: &BTreeSet<PathBuf>, failed: &BTreeSet<PathBuf>) -> String {
    let names = |files: &BTreeSet<PathBuf>| {
        let names = files.iter().map(|file| shown(&file.display().to_string()).into_owned());
        names.collect::<Vec<_>>().join(", ")
    };
    let mut parts = Vec::new();
    for (word, files) in [("changed", fresh), ("failed before", failed)] {
        if !files.is_empty() {
            parts.push(format!("{word}: {}", names(files)));
        }
    }
    format!("\n{}\n", parts.join("; "))
}
