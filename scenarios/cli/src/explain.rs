//! `pgdrill explain`.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read as _},
    path::Path,
};

use pgdrill_core::Diagnostic;
use pgdrill_scenarios::Explainer;

use crate::{
    commands::{Exit, wrong},
    output::{complain, write},
};

/// The longest line that is read, in bytes: Juju's own are no longer than an argument of a command.
const MAX_LINE: usize = 1024 * 1024;

/// Shows what the firings of a log did, each as soon as its line is read.
pub(crate) fn explain(file: Option<&Path>) -> Exit {
    let mut explainer = Explainer::default();
    let (name, read) = match file {
        None => ("<stdin>".to_owned(), show(&mut io::stdin().lock(), "<stdin>", &mut explainer)),
        Some(file) => {
            let name = file.display().to_string();
            let log = File::open(file).map_err(|why| unreadable(&name, &why));
            let read = log.and_then(|log| show(&mut BufReader::new(log), &name, &mut explainer));
            (name, read)
        }
    };
    let unread = unread(&name, &explainer);
    unread.iter().for_each(complain);
    if let Err(diagnostic) = read {
        return wrong(&diagnostic);
    }
    if explainer.firings() == 0 {
        let hint =
            "`juju debug-log --replay` shows a log; quiet firings are reported at level DEBUG";
        complain(&Diagnostic::error("the log", "it tells of no firing").hint(hint));
        return Exit::Nothing;
    }
    Exit::Expected
}

/// Explains line by line until the log ends or nobody reads any more.
fn show(
    log: &mut dyn BufRead,
    name: &str,
    explainer: &mut Explainer,
) -> Result<(), Box<Diagnostic>> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let mut rest = log.take(MAX_LINE as u64 + 1);
        rest.read_until(b'\n', &mut line).map_err(|why| unreadable(name, &why))?;
        if line.is_empty() {
            break;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        if text.len() > MAX_LINE {
            let what = format!("the line has more than {MAX_LINE} bytes (1 MiB), and is no log's");
            let hint = "give the lines that `juju debug-log --replay` shows";
            return Err(Box::new(Diagnostic::error(name, what).at(number, 0, 0, "").hint(hint)));
        }
        if let Some(explained) = explainer.line(&String::from_utf8_lossy(text))
            && !write(&explained)?
        {
            break;
        }
    }
    Ok(())
}

/// The warning of lines that were to report firings and can't be read.
fn unread(name: &str, explainer: &Explainer) -> Option<Diagnostic> {
    let (number, line) = explainer.first_unread()?;
    let what = match explainer.unread() {
        1 => "1 firing is missing here: the line that reports it can't be read".to_owned(),
        count => {
            format!("{count} firings are missing here: the lines that report them can't be read")
        }
    };
    let hint = "the log may have cut a line, or another pgdrill may have written it";
    Some(Diagnostic::error(name, what).at(number, 0, 0, line).hint(hint).into_warning())
}

fn unreadable(name: &str, why: &io::Error) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(name, format!("can't be read: {why}")))
}
