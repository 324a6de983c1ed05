//! Standard streams.

use std::io::{self, Read as _, Write as _};

use pgdrill_core::Diagnostic;

use crate::commands::Exit;

/// The most that is read from standard input, in bytes.
const STDIN_LIMIT: u64 = 64 * 1024 * 1024;

/// Prints to standard output, in colour only where it is a terminal that shows it. A reader that went away
/// is no failure; any other is the caller's to mend, as one of `--junit` is.
pub(crate) fn print(text: &str) -> Exit {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Exit::Expected,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Expected,
        Err(error) => {
            complain(&Diagnostic::error("<stdout>", format!("can't be written: {error}")));
            Exit::Wrong
        }
    }
}

/// Prints a complaint to standard error.
pub(crate) fn complain(diagnostic: &Diagnostic) {
    let mut stderr = anstream::stderr().lock();
    // Nothing is left to be done when even this can't be written.
    let _ = writeln!(stderr, "{diagnostic}");
}

/// A line for whoever waits, on standard error.
pub(crate) fn say(line: &str) {
    // Nobody is left to be informed when standard error is gone.
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// The whole of standard input.
pub(crate) fn stdin() -> Result<Vec<u8>, Box<Diagnostic>> {
    let mut text = Vec::new();
    let read = io::stdin().lock().take(STDIN_LIMIT).read_to_end(&mut text);
    match read {
        Ok(_) => Ok(text),
        Err(error) => {
            Err(Box::new(Diagnostic::error("<stdin>", format!("can't be read: {error}"))))
        }
    }
}
