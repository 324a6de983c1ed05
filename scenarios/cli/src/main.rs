//! The `pgdrill` command: the one place that prints and decides the exit code.

#[cfg(not(all(feature = "containers", feature = "charm")))]
mod absent;
mod args;
mod commands;
mod config;
#[cfg(feature = "containers")]
mod containers;
mod coverage;
#[cfg(feature = "charm")]
mod dispatch;
mod explain;
mod explore;
mod html;
mod last_run;
mod man;
mod merge;
mod mutate;
mod output;
mod partition;
mod places;
mod results;
mod run;
mod signals;
#[cfg(feature = "charm")]
mod stand;
mod threads;
mod topology;
mod update;
mod watch;

use std::process::ExitCode;

fn main() -> ExitCode {
    output::show_warnings();
    commands::main().into()
}
