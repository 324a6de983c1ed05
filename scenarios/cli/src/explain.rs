//! `pgdrill explain`.

use std::path::Path;

use pgdrill_core::Diagnostic;

use crate::{
    commands::Exit,
    output::{complain, print, stdin},
};

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
    let reported = pgdrill_scenarios::explain(&String::from_utf8_lossy(&log));
    if reported.is_empty() {
        let hint =
            "`juju debug-log --replay` shows a log; quiet firings are reported at level DEBUG";
        complain(&Diagnostic::error("the log", "it tells of no firing").hint(hint));
        return Exit::Nothing;
    }
    print(&reported)
}
