//! A program that a rehearsal can start: its hook tools, and the dispatch that joins it.

use std::{io::Write as _, process::ExitCode};

use pgdrill_stand::called;

fn main() -> ExitCode {
    let argv: Vec<String> =
        std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let Some(called) = called(&argv, &pgdrill_dispatch::environment()) else {
        return ExitCode::from(2);
    };
    // Nobody is left to be informed when the streams are gone.
    let _ = std::io::stderr().write_all(called.stderr.as_bytes());
    let _ = std::io::stdout().write_all(called.stdout.as_bytes());
    ExitCode::from(called.code)
}
