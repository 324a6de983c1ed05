//! Topologies in memory. Each is kept as a journal in the user's state folder, and every command takes it up again.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use pgdrill_core::{Diagnostic, Hook};
use pgdrill_flow::shown;
use pgdrill_scenarios::{MemoryTopology, TopologyError, firings, read_file, report};

use super::{CommandDone, end, is_failure, parameters, printer, status_text};
use crate::{
    args::{FireArgs, StatusFormat, TopologyCommand, UpArgs},
    commands::Exit,
    last_run::state_folder,
    output::{print, print_fitted},
    update::{cannot_be_written, write_report},
};

/// The most that a journal is read of, in bytes; a longer one is not written.
const MAX_JOURNAL: u64 = 16 << 20;

/// Carries a command out on a topology that is up in memory.
pub(super) fn command(command: &TopologyCommand) -> Exit {
    match command {
        TopologyCommand::Up(args) => up(args),
        TopologyCommand::Status { name, format } => status(&name.name, *format),
        TopologyCommand::Fire(args) => fire(args),
        TopologyCommand::Do { change, name } => happen(&name.name, change),
        TopologyCommand::Heal { name } => heal(&name.name),
        TopologyCommand::Down { name } => down(&name.name),
        TopologyCommand::Clean { .. } => Exit::Wrong,
    }
}

/// `pgdrill up`.
pub(super) fn up(args: &UpArgs) -> Exit {
    end(1, print, async {
        let name = &args.name.name;
        if args.s3.is_some() {
            let hint = "leave `--s3` out, or add `--backend containers`";
            let what = "in memory there is no S3 server to choose";
            return Err(TopologyError::wrong("`--s3`", what, hint));
        }
        let place = place(name)?;
        let _claim = claim(name, &place)?;
        if place.exists() || is_in_containers(name).await {
            return Err(TopologyError::is_up(name));
        }
        let topology = MemoryTopology::raise(name, args.units, args.tls);
        keep(&place, &topology)?;
        Ok(report::reach_text(&topology.seen()).into())
    })
}

/// Whether a topology of this name is up in containers. Where no engine answers, none is.
#[cfg(feature = "containers")]
async fn is_in_containers(name: &str) -> bool {
    let names = pgdrill_containers::persisted_names().await;
    names.is_ok_and(|names| names.iter().any(|other| other == name))
}

#[cfg(not(feature = "containers"))]
async fn is_in_containers(_: &str) -> bool {
    false
}

/// `pgdrill status`.
fn status(name: &str, format: StatusFormat) -> Exit {
    end(1, printer(format), async {
        let topology = take_up(name, &place(name)?).await?;
        Ok(status_text(&topology.seen(), format)?.into())
    })
}

/// `pgdrill fire`.
fn fire(args: &FireArgs) -> Exit {
    let Ok(hook) = args.hook.parse::<Hook>() else { return Exit::Wrong };
    end(1, print_fitted, async {
        let (name, parameters) = (&args.name.name, parameters(&args.param)?);
        let fire =
            async |topology: &mut MemoryTopology| topology.fire(hook, args.unit, &parameters).await;
        let fired = alone(name, fire).await?;
        let has_failed = fired.iter().any(|fired| is_failure(&fired.firing.outcome));
        Ok(CommandDone { text: firings(&fired), has_failed })
    })
}

/// `pgdrill do`.
fn happen(name: &str, words: &str) -> Exit {
    end(1, print_fitted, async {
        alone(name, async |topology| topology.happen(words)).await?;
        Ok(format!("done: {}\n", shown(words.trim())).into())
    })
}

/// `pgdrill heal`.
fn heal(name: &str) -> Exit {
    end(1, print, async {
        let heal = async |topology: &mut MemoryTopology| {
            topology.heal();
            Ok(())
        };
        alone(name, heal).await?;
        Ok("every fault is undone\n".to_owned().into())
    })
}

/// `pgdrill down`. It removes what can't be read, too.
fn down(name: &str) -> Exit {
    end(1, print, async {
        remove(name)?;
        Ok(format!("removed `{name}` from memory\n").into())
    })
}

/// `pgdrill clean --all`: the names of what was removed.
pub(super) fn clean() -> Result<Vec<String>, TopologyError> {
    let names = names();
    for name in &names {
        remove(name)?;
    }
    Ok(names)
}

/// Whether a topology of this name is up in memory.
pub(super) fn is_up(name: &str) -> bool {
    place(name).is_ok_and(|place| place.exists())
}

/// The names of everything that is up in memory, in order.
pub(super) fn names() -> Vec<String> {
    let Some(folder) = state_folder() else { return Vec::new() };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let name = |entry: fs::DirEntry| {
        let file = entry.file_name().into_string().ok()?;
        Some(file.strip_prefix("topology-")?.strip_suffix(".json")?.to_owned())
    };
    let mut names: Vec<String> = entries.filter_map(name).collect();
    names.sort_unstable();
    names
}

/// Where the journal of a name is.
fn place(name: &str) -> Result<PathBuf, TopologyError> {
    let Some(folder) = state_folder() else {
        let what = "there is no folder in which a topology in memory could be kept";
        let hint = "set HOME or XDG_STATE_HOME to a path from the root";
        let complaint = Diagnostic::error("the environment", what).hint(hint);
        return Err(Box::new(complaint).into());
    };
    Ok(folder.join(format!("topology-{name}.json")))
}

/// One command at a time works on a topology. The file that stands for this stays, as another command may have it open.
fn claim(name: &str, place: &Path) -> Result<File, TopologyError> {
    let lock = place.with_extension("lock");
    let refused = |error: &io::Error| {
        let what = format!("`{name}` can't be locked against other commands: {error}");
        Box::new(Diagnostic::error(&lock.display().to_string(), what))
    };
    let folder = place.parent().map_or(Ok(()), fs::create_dir_all);
    let file = folder.and_then(|()| OpenOptions::new().create(true).append(true).open(&lock));
    let file = file.map_err(|error| refused(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let what = format!("another command works on `{name}`");
            let hint = "try again once it has ended";
            Err(Box::new(Diagnostic::error("the command", what).hint(hint)).into())
        }
        Err(TryLockError::Error(error)) => Err(refused(&error).into()),
    }
}

/// Does something to a topology while no other command works on it, and keeps what was done.
async fn alone<T>(
    name: &str,
    act: impl AsyncFnOnce(&mut MemoryTopology) -> Result<T, TopologyError>,
) -> Result<T, TopologyError> {
    let place = place(name)?;
    let _claim = claim(name, &place)?;
    let mut topology = take_up(name, &place).await?;
    let done = act(&mut topology).await?;
    keep(&place, &topology)?;
    Ok(done)
}

/// Takes up what is kept.
async fn take_up(name: &str, place: &Path) -> Result<MemoryTopology, TopologyError> {
    let unreadable = |why: &str| {
        let what = format!("what is kept of `{name}` {why}");
        let hint = format!("`pgdrill down --name {name}` removes it");
        Box::new(Diagnostic::error(&place.display().to_string(), what).hint(hint))
    };
    let journal = read_file(place, MAX_JOURNAL)
        .map_err(|why| unreadable(&format!("can't be read: {why}")))?;
    let again = MemoryTopology::again(name, &journal).await;
    Ok(again.map_err(|why| unreadable(&why.to_string()))?)
}

/// Keeps what was done. A command that is killed before it has done nothing.
fn keep(place: &Path, topology: &MemoryTopology) -> Result<(), TopologyError> {
    let file = place.display().to_string();
    let journal = topology.journal();
    let journal = journal.map_err(|why| Box::new(Diagnostic::error(&file, why.to_string())))?;
    if journal.len() as u64 > MAX_JOURNAL {
        let what = "the journal has no room for more, and nothing was done";
        let hint = "`pgdrill down` and `pgdrill up` begin a new one";
        return Err(Box::new(Diagnostic::error(&file, what).hint(hint)).into());
    }
    let written = write_report(place, &journal);
    Ok(written.map_err(|error| Box::new(cannot_be_written(place, &error)))?)
}

/// Removes a topology while no other command works on it.
fn remove(name: &str) -> Result<(), TopologyError> {
    let place = place(name)?;
    let _claim = claim(name, &place)?;
    let removed = fs::remove_file(&place);
    Ok(removed.map_err(|error| {
        let what = format!("can't be removed: {error}");
        Box::new(Diagnostic::error(&place.display().to_string(), what))
    })?)
}
