//! Runs through dispatches of this program.

use std::{collections::BTreeMap, fmt::Write as _, io, ops::ControlFlow};

use pgdrill_core::{Amendments, Diagnostic, Hook};
use pgdrill_flow::shown_lines;
use pgdrill_scenarios::{Plan, Prevented, Run, Testbed as _, TimedRun, explain};
use pgdrill_sim::{BackupGiven, Event, Given, S3Given, StanzaGiven};
use pgdrill_stand::{Programs, Rehearsal, Treatment};
use tokio::runtime::Runtime;

use crate::{
    commands::Exit,
    output::{complain, print},
    places::progress,
    signals::asked_to_end,
    threads::runtime,
};

fn refused(what: String) -> Exit {
    complain(&Diagnostic::error("the rehearsal", what));
    Exit::NoBackend
}

/// This program as what a rehearsal starts, and a runtime with at most so many threads. `None`: one of them can't be
/// had, and why was said.
fn set_up(threads: usize) -> Option<(Programs, Runtime)> {
    match std::env::current_exe() {
        Ok(program) => Some((Programs::joined(&program), runtime(threads)?)),
        Err(why) => {
            refused(format!("this program can't be found: {why}"));
            None
        }
    }
}

/// Runs plans through dispatches of this program, this many side by side, until `done` breaks. `None`: they could not be
/// set up, and why was said.
pub(crate) fn run_plans(
    plans: &[Plan],
    jobs: usize,
    done: &dyn Fn(usize, &Run) -> ControlFlow<()>,
) -> Option<Vec<TimedRun>> {
    let (programs, runtime) = set_up(jobs)?;
    let bar = progress(plans.len());
    let done = |index: usize, run: &Run| {
        bar.inc(1);
        done(index, run)
    };
    // What a rehearsal has in the file system goes with it, also where it is ended.
    let runs = runtime.block_on(async {
        tokio::select! {
            runs = pgdrill_stand::run_all(&programs, plans, jobs, done) => runs,
            signal = asked_to_end() => {
                Err(Box::new(Diagnostic::error("the run", format!("ended by {signal}"))))
            }
        }
    });
    bar.finish_and_clear();
    runs.inspect_err(|complaint| complain(complaint)).ok()
}

/// Handles one event of a hook, and shows what it did; or holds everything ready for others to do so.
pub(crate) fn rehearse(hook: Hook, hold: bool) -> Exit {
    let Some((programs, runtime)) = set_up(2) else { return Exit::NoBackend };
    let done = runtime.block_on(async {
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
        let done =
            async { if hold { held(&place, &event).await } else { shown(&place, &event).await } };
        tokio::select! {
            done = done => done,
            signal = asked_to_end() => Err(Prevented::Broken(format!("ended by {signal}").into())),
        }
    });
    // Nobody waits for standard input any more.
    runtime.shutdown_background();
    done.unwrap_or_else(|why: Prevented| refused(why.to_string()))
}

async fn shown(place: &Rehearsal, event: &Event) -> Result<Exit, Prevented> {
    let fired = place.dispatch(event, Amendments::all(), &[], Treatment::default()).await;
    let (_, shown) = fired?;
    let mut out = String::from("hook tools that the dispatch ran:\n");
    for call in shown.tools.iter().filter(|call| !call.starts_with("juju-log ")) {
        // Writing to a String does not fail.
        let _ = writeln!(out, "  {}", shown_lines(call, "    "));
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
    let ended =
        tokio::task::spawn_blocking(|| io::copy(&mut io::stdin().lock(), &mut io::sink())).await;
    match ended {
        Ok(Ok(_)) => Ok(printed),
        Ok(Err(_)) | Err(_) => Ok(Exit::Wrong),
    }
}
