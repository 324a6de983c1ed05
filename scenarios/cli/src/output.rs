//! Standard streams.

use std::io::{self, Read as _, Write as _};

use pgdrill_core::{Diagnostic, shown_lines};

use crate::{args::ColorArg, commands::Exit};

/// From now on both streams are in colour as the user wants them.
pub(crate) fn color(choice: ColorArg) {
    let choice = match choice {
        ColorArg::Auto => anstream::ColorChoice::Auto,
        ColorArg::Always => anstream::ColorChoice::Always,
        ColorArg::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

/// Prints to standard output, in colour where [`color`] has it; else only where it is a terminal that shows it. A reader that went away
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

/// How many columns text for a person may have: those of the terminal, between 40 and 100, or 100 where there is none.
pub(crate) fn width() -> usize {
    let terminal = console::Term::stdout().size_checked();
    terminal.map_or(100, |(_, columns)| usize::from(columns).clamp(40, 100))
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

/// Shows what pgdrill's own parts warn of, on standard error.
pub(crate) fn show_warnings() {
    struct Warnings;

    impl log::Log for Warnings {
        fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
            metadata.level() <= log::Level::Warn && metadata.target().starts_with("pgdrill")
        }

        fn log(&self, record: &log::Record<'_>) {
            if self.enabled(record.metadata()) {
                say(&format!("warning: {}", record.args()));
            }
        }

        fn flush(&self) {}
    }

    // It is set once, at the start.
    let _ = log::set_logger(&Warnings);
    log::set_max_level(log::LevelFilter::Warn);
}
