//! Standard streams.

use std::io::{self, Read as _, Write as _};

use pgdrill_core::{Diagnostic, shown_lines};
use pgdrill_scenarios::report;

use crate::{
    args::{ColorArg, RunFormat},
    commands::Exit,
};

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

/// Prints text whose lines are to fit the terminal. What is no terminal gets each line as it is.
pub(crate) fn print_fitted(text: &str) -> Exit {
    match columns() {
        Some(columns) => print(&report::fitted(text, columns)),
        None => print(text),
    }
}

/// Prints lines of this form. Those for people fit the terminal.
pub(crate) fn print_lines(format: RunFormat, lines: &str) -> Exit {
    match format {
        RunFormat::Text => print_fitted(lines),
        RunFormat::Json => print(lines),
    }
}

/// How many columns a line may have: on a terminal as many as the variable `COLUMNS` says, or else as it has itself. `None`:
/// standard output is no terminal, so that nothing of what a file or a pipe gets depends on the environment, or one that does
/// not know.
pub(crate) fn columns() -> Option<usize> {
    let terminal = console::Term::stdout();
    if !terminal.is_term() {
        return None;
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "by this variable users tell every command how wide lines may be"
    )]
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let own = || terminal.size_checked().map(|(_, columns)| usize::from(columns));
    Some(said.filter(|columns| *columns > 0).or_else(own)?.max(20))
}

/// How many columns text for a person may have: those of the terminal, between 40 and 100, or 100 where there is none.
pub(crate) fn width() -> usize {
    columns().map_or(100, |columns| columns.clamp(40, 100))
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
