//! The program that a charm ships: Juju's dispatch, or what it calls.

use std::{io::Write as _, process::ExitCode};

use pgdrill_dispatch::{dispatch, environment};

fn main() -> ExitCode {
    match dispatch(&environment()).conclude() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // Juju keeps what a hook writes to standard error in its log. Nothing is left to be done without it.
            let _ = writeln!(std::io::stderr(), "pgdrill: {why}");
            ExitCode::FAILURE
        }
    }
}
