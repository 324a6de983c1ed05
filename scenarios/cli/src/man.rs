//! Manual pages, made from the command line as clap knows it.

use std::{fs, io, path::Path};

use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::{
    args::Cli,
    commands::{Exit, wrong},
    output::print,
    update::{cannot_be_written, write_report},
};

/// `pgdrill man`: prints the page of `pgdrill`, or writes a page for each command into a folder, which is made if it is
/// not there. A page that is there is replaced.
pub(crate) fn man(folder: Option<&Path>) -> Exit {
    let mut command = Cli::command();
    command.build();
    let Some(folder) = folder else {
        return match page(&command) {
            Ok((_, text)) => print(&text),
            Err(error) => refused(Path::new("<stdout>"), &error),
        };
    };
    if let Err(error) = fs::create_dir_all(folder) {
        return refused(folder, &error);
    }
    let commands = command.get_subcommands().filter(|command| !command.is_hide_set());
    for command in std::iter::once(&command).chain(commands) {
        let written = page(command).map_err(|error| (folder.to_path_buf(), error));
        let written = written.and_then(|(name, text)| {
            let path = folder.join(name);
            write_report(&path, &text).map_err(|error| (path, error))
        });
        if let Err((path, error)) = written {
            return refused(&path, &error);
        }
    }
    Exit::Expected
}

/// The name of a command's page, as `pgdrill-run.1`, and its text.
fn page(command: &clap::Command) -> io::Result<(String, String)> {
    let source = concat!("pgdrill ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).source(source).manual("pgdrill manual");
    let mut text = Vec::new();
    man.render(&mut text)?;
    Ok((man.get_filename(), String::from_utf8_lossy(&text).into_owned()))
}

fn refused(path: &Path, error: &io::Error) -> Exit {
    wrong(&cannot_be_written(path, error))
}
