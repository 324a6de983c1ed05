//! Runs through dispatches of this program.

use std::{collections::BTreeMap, fmt::Write as _};

use pgdrill_core::{Amendments, Diagnostic, Hook};
use pgdrill_scenarios::{Plan, Prevented, Run, Testbed as _, explain};
use pgdrill_sim::{BackupGiven, Event, Given, S3Given, StanzaGiven};
use pgdrill_stand::{Programs, Rehearsal, Treatment};
use tokio::runtime::Runtime;

use crate::{
    commands::Exit,
    output::{complain, print, stdin},
    run::progress,
};

fn refused(what: String) -> Exit {
    complain(&Diagnostic::error("the rehearsal", what));
    Exit::NoBackend
}

/// This program as what a rehearsal starts, and a runtime with so many threads.
fn set_up(threads: usize) -> Result<(Programs, Runtime), String> {
    let program = std::env::current_exe();
    let program = program.map_err(|why| format!("this program can't be found: {why}"))?;
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(threads).enable_all().build();
    Ok((
        Programs::joined(&program),
        runtime.map_err(|why| format!("the runtime can't be started: {why}"))?,
    ))
}

/// Runs plans through dispatches of this program, this many side by side. `None`: they could not be set up,
/// and why was said.
pub(crate) fn run_plans(plans: &[Plan], jobs: usize) -> Option<Vec<Run>> {
    let (programs, runtime) = match set_up(jobs) {
        Ok(both) => both,
        Err(why) => {
            refused(why);
            return None;
        }
    };
    let bar = progress(plans.len());
    let runs = runtime.block_on(pgdrill_stand::run_all(&programs, plans, jobs, |_| bar.inc(1)));
    bar.finish_and_clear();
    runs.inspect_err(|complaint| complain(complaint)).ok()
}

/// Handles one event of a hook, and shows what it did; or holds everything ready for others to do so.
pub(crate) fn rehearse(hook: Hook, hold: bool) -> Exit {
    let done = set_up(2).and_then(|(programs, runtime)| {
        let shown = runtime.block_on(async {
            let given = Given {
                s3: Some(S3Given::default()),
                stanza: StanzaGiven::Initialised,
                backups: vec![BackupGiven::Full],
                ..Given::default()
            };
            let place = Rehearsal::new(&programs, &given).await?;
            let mut parameters = BTreeMap::new();
            if let (Hook::Restore, Some(backup)) = (hook, place.backups().await?.first()) {
                parameters.insert("backup-id".to_owned(), backup.id.as_str().into());
            }
            let event = Event { hook, unit: 0, parameters };
            if hold { held(&place, &event).await } else { shown(&place, &event).await }
        });
        shown.map_err(|why: Prevented| why.to_string())
    });
    match done {
        Ok(exit) => exit,
        Err(why) => refused(why),
    }
}

async fn shown(place: &Rehearsal, event: &Event) -> Result<Exit, Prevented> {
    let fired = place.dispatch(event, Amendments::all(), &[], Treatment::default()).await;
    let (_, shown) = fired?;
    let mut out = String::from("hook tools that the dispatch ran:\n");
    for call in shown.tools.iter().filter(|call| !call.starts_with("juju-log ")) {
        // Writing to a String does not fail.
        let _ = writeln!(out, "  {}", call.replace('\n', "\n    "));
    }
    out.push_str("\nits line in Juju's log, explained:\n");
    let logged = shown.tools.iter().filter(|call| call.starts_with("juju-log "));
    for call in logged {
        out.push_str(&explain(call));
    }
    Ok(print(&out))
}

/// Everything stands ready until standard input ends.
async fn held(place: &Rehearsal, event: &Event) -> Result<Exit, Prevented> {
    let environment = place.environment(event).await?;
    let lines = environment.iter().map(|(name, value)| format!("{name}={value}\n"));
    let printed = print(&lines.collect::<String>());
    let ended = tokio::task::spawn_blocking(stdin).await;
    match ended {
        Ok(Ok(_)) => Ok(printed),
        Ok(Err(_)) | Err(_) => Ok(Exit::Wrong),
    }
}
