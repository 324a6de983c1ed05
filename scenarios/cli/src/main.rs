//! The `pgdrill` command: the one place that prints and decides the exit code.

#[cfg(not(all(feature = "containers", feature = "charm")))]
mod absent;
mod args;
mod commands;
#[cfg(feature = "containers")]
mod containers;
mod coverage;
#[cfg(feature = "charm")]
mod dispatch;
mod explain;
mod last_run;
mod output;
mod run;
#[cfg(any(feature = "containers", feature = "charm"))]
mod signals;
#[cfg(feature = "charm")]
mod stand;
mod threads;
mod topology;
mod update;

use std::process::ExitCode;

fn main() -> ExitCode {
    output::show_warnings();
    commands::main().into()
}
