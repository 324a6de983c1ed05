//! `pgdrill dispatch` and `pgdrill rehearse`, and what a process does that a rehearsal started.

use std::io::Write as _;

use pgdrill_core::Hook;
use pgdrill_dispatch::environment;

use crate::{args::DispatchCommand, commands::Exit, output::print, stand};

/// Handles a call that is none of a person's: by Juju under the name `dispatch`, or by a rehearsal under a hook
/// tool's. It comes before the command line is parsed, which takes longer than many a dispatch.
pub(crate) fn called() -> Option<Exit> {
    let argv: Vec<String> =
        std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let called = pgdrill_stand::called(&argv, &environment())?;
    // Nobody is left to be informed when standard error is gone.
    let _ = std::io::stderr().write_all(called.stderr.as_bytes());
    let printed = print(&called.stdout);
    Some(if called.code == 0 { printed } else { Exit::Failed })
}

/// Carries the command out.
pub(crate) fn command(command: &DispatchCommand) -> Exit {
    match command {
        DispatchCommand::Dispatch => called().unwrap_or(Exit::Wrong),
        DispatchCommand::Rehearse { hook, hold } => match hook.parse::<Hook>() {
            Ok(hook) => stand::rehearse(hook, *hold),
            Err(_) => Exit::Wrong,
        },
    }
}
