//! Standard streams.

use std::io::{self, Read as _, Write as _};

use pgdrill_core::{Diagnostic, shown_lines};

use crate::commands::Exit;

/// Prints to standard output, in colour only where it is a terminal that shows it. A reader that went away
/// is no failure; any other is the caller's to mend, as one of `--junit` is.
pub(crate) fn print(text: &str) -> Exit {
    match write(text) {
        Ok(_) => Exit::Expected,
        Err(diagnostic) => {
            complain(&diagnostic);
            Exit::Wrong
        }
    }
}

/// Writes to standard output, as [`print()`] does; whether anybody still reads it.
pub(crate) fn write(text: &str) -> Result<bool, Box<Diagnostic>> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => {
            Err(Box::new(Diagnostic::error("<stdout>", format!("can't be written: {error}"))))
        }
    }
}

/// Prints a complaint to standard error.
pub(crate) fn complain(diagnostic: &Diagnostic) {
    let mut stderr = anstream::stderr().lock();
    // Nothing is left to be done when even this can't be written.
    let _ = writeln!(stderr, "{diagnostic}");
}

/// What is said to whoever waits, on standard error.
pub(crate) fn say(text: &str) {
    // Nobody is left to be informed when standard error is gone.
    let _ = writeln!(anstream::stderr(), "{}", shown_lines(text, ""));
}

/// Standard input, or the first byte more than `limit` of it.
pub(crate) fn stdin(limit: usize) -> Result<Vec<u8>, Box<Diagnostic>> {
    let mut text = Vec::new();
    let most = (limit as u64).saturating_add(1);
    match io::stdin().lock().take(most).read_to_end(&mut text) {
        Ok(_) => Ok(text),
        Err(error) => {
            Err(Box::new(Diagnostic::error("<stdin>", format!("can't be read: {error}"))))
        }
    }
}
