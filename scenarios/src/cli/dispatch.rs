//! `pgdrill dispatch` and `pgdrill explain`.

use std::{io::Write as _, os::unix::process::CommandExt as _, path::Path, process::Command};

use pgdrill_core::Diagnostic;
use pgdrill_scenarios::{
    dispatch::{self, Dispatched, Environment},
    rehearsal,
};

use super::{
    Exit,
    output::{complain, print, stdin},
};

/// Handles a call that is none of a person's: by Juju under the name `dispatch`, or by a rehearsal under a
/// hook tool's. It comes before the command line is parsed, which takes longer than many a dispatch.
pub(crate) fn called() -> Option<Exit> {
    let mut arguments = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let program = arguments.next()?;
    let name = program.rsplit('/').next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    if name == "dispatch" || rest == ["dispatch"] {
        return Some(run());
    }
    let environment = environment();
    let socket = environment.get(rehearsal::SOCKET)?;
    let unit = environment.get("JUJU_UNIT_NAME").map(String::as_str).unwrap_or_default();
    let argv: Vec<String> = std::iter::once(program).chain(rest).collect();
    let (stdout, stderr, code) = rehearsal::stand_in(socket, unit, &argv)?;
    let _ = std::io::stderr().write_all(stderr.as_bytes());
    let printed = print(&stdout);
    Some(if code == 0 { printed } else { Exit::Failed })
}

/// The variables of the environment that are text.
fn environment() -> Environment {
    let variables = std::env::vars_os();
    variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Handles the event that the environment tells of.
pub(crate) fn run() -> Exit {
    match dispatch::dispatch(&environment()) {
        Dispatched::Done => Exit::Expected,
        Dispatched::Failed(why) => {
            // Juju keeps what a hook writes to standard error in its log.
            let _ = writeln!(std::io::stderr(), "pgdrill: {why}");
            Exit::Failed
        }
        Dispatched::Next(program) => {
            // Returns only if the program can't be run.
            let why = Command::new(&program).exec();
            let what = format!("can't be run: {why}");
            complain(&Diagnostic::error(&program, what).hint("PGDRILL_NEXT names it"));
            Exit::Failed
        }
    }
}

/// Shows what the firings of a log did.
pub(crate) fn explain(file: Option<&Path>) -> Exit {
    let log = match file {
        None => stdin(),
        Some(file) => std::fs::read(file).map_err(|why| {
            let what = format!("can't be read: {why}");
            Box::new(Diagnostic::error(&file.display().to_string(), what))
        }),
    };
    let log = match log {
        Ok(log) => log,
        Err(diagnostic) => {
            complain(&diagnostic);
            return Exit::Wrong;
        }
    };
    let told = dispatch::explain(&String::from_utf8_lossy(&log));
    if told.is_empty() {
        let hint = "`juju debug-log --replay` shows a log; quiet firings are told at level DEBUG";
        complain(&Diagnostic::error("the log", "it tells of no firing").hint(hint));
        return Exit::Nothing;
    }
    print(&told)
}
