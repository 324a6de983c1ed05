//! The commands.

use std::{ffi::OsString, process::ExitCode};

use clap::{CommandFactory as _, Parser as _, ValueEnum as _};
use pgdrill_core::{Diagnostic, Hook};
use pgdrill_flow::{Tolerance, did_you_mean, is_unseen, nearest_name, shown, shown_json};
use pgdrill_scenarios::{
    Input, Scenario, ScenarioFiles, Snapshot, Source, TOPICS, corpus, find_words, lacking_words,
    read_corpus, read_stdin, report, schema, template, yaml::MAX_BYTES,
};
use serde_json::json;

use crate::{
    args::{Cli, ColorArg, Command, DispatchCommand, RunArgs, RunFormat},
    config, coverage, explain, explore, man, merge, mutate,
    output::{self, complain, print, print_fitted, print_lines, say},
    run, topology, watch,
};

/// How the command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// As expected.
    Expected,
    /// A verdict failed, or a chart is not covered.
    Failed,
    /// A scenario or the usage is wrong.
    Wrong,
    /// Nothing was selected.
    Nothing,
    /// A backend could not be set up.
    NoBackend,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Expected => 0,
            Exit::Failed => 1,
            Exit::Wrong => 2,
            Exit::Nothing => 3,
            Exit::NoBackend => 4,
        })
    }
}

/// Runs the command that the user typed.
pub(crate) fn main() -> Exit {
    #[cfg(feature = "charm")]
    if let Some(exit) = crate::dispatch::called() {
        return exit;
    }
    // What the reader of the command line says is in the colours that the user wants, too.
    color_in(std::env::args_os().skip(1)).into_iter().for_each(output::color);
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return said_by_clap(&error),
    };
    match cli.command {
        None => with_config(cli.run, cli.color, run::run),
        Some(Command::Run(args)) => with_config(args, cli.color, run::run),
        Some(Command::Watch(args)) => with_config(args, cli.color, watch::watch),
        Some(Command::Coverage(args)) => coverage::coverage(&args),
        Some(Command::Explore(args)) => explore::explore(&args),
        Some(Command::Shrink(args)) => explore::shrink(&args),
        Some(Command::Mutate(args)) => mutate::mutate(&args),
        Some(Command::Merge { files, format }) => merge::merge(&files, format),
        Some(Command::Topology(command)) => topology::command(&command),
        Some(Command::Check { paths, suite }) => match config::paths(&paths, &suite) {
            Ok(paths) => check(&paths),
            Err(complaint) => wrong(&complaint),
        },
        Some(Command::Dispatch(command)) => dispatch(&command),
        Some(Command::Explain { file }) => explain::explain(file.as_deref()),
        Some(Command::List { paths, filter, format }) => list(&paths, &filter, format),
        Some(Command::Show { name }) => show(&name),
        Some(Command::Laws { known: false, .. }) => print_fitted(&report::laws()),
        Some(Command::Laws { known: true, paths }) => known(&paths),
        Some(Command::New { hook }) => match hook.parse::<Hook>() {
            Ok(hook) => print(&template(hook)),
            Err(_) => Exit::Wrong,
        },
        Some(Command::Words { texts }) => words(&texts),
        Some(Command::Schema) => print(&schema()),
        Some(Command::Help { topic: None }) => topics(),
        Some(Command::Help { topic: Some(topic) }) => help(&topic),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "pgdrill", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
        Some(Command::Man { out }) => man::man(out.as_deref()),
    }
}

/// Carries a command out by what the command line and the file of the suite say.
fn with_config(
    mut args: RunArgs,
    color: Option<ColorArg>,
    command: impl FnOnce(&RunArgs) -> Exit,
) -> Exit {
    match config::complete(&mut args, color) {
        Ok(()) => command(&args),
        Err(complaint) => wrong(&complaint),
    }
}

/// Says what is wrong with what the user gave.
pub(crate) fn wrong(complaint: &Diagnostic) -> Exit {
    complain(complaint);
    Exit::Wrong
}

/// What the words of the command line say of colours, before anything else of them is read.
fn color_in(words: impl Iterator<Item = OsString>) -> Option<ColorArg> {
    let mut words = words.take_while(|word| word != "--");
    let mut choice = None;
    while let Some(word) = words.next() {
        let value = match word.to_str() {
            Some("--color") => words.next()?.into_string().ok()?,
            Some(word) => match word.strip_prefix("--color=") {
                Some(value) => value.to_owned(),
                None => continue,
            },
            None => continue,
        };
        choice = ColorArg::from_str(&value, false).ok().or(choice);
    }
    choice
}

/// `pgdrill help`.
fn topics() -> Exit {
    let mut text = Cli::command().render_long_help().ansi().to_string();
    text.push_str("\nThe guide, by `pgdrill help TOPIC`:\n");
    let width = TOPICS.iter().map(|topic| topic.name.len()).max().unwrap_or(0);
    for topic in TOPICS {
        text.push_str(&format!("  {:width$}  {}\n", topic.name, topic.about));
    }
    print_help(&text)
}

/// `pgdrill help TOPIC`.
fn help(name: &str) -> Exit {
    if let Some(topic) = TOPICS.iter().find(|topic| topic.name == name) {
        return print_help(topic.text);
    }
    let mut command = Cli::command();
    command.build();
    if let Some(command) = command.find_subcommand_mut(name) {
        return print_help(&command.render_long_help().ansi().to_string());
    }
    let commands = command.get_subcommands().map(clap::Command::get_name);
    let names = TOPICS.iter().map(|topic| topic.name).chain(commands);
    let hint = match nearest_name(name, names, Tolerance::ThirdOfName) {
        Some(name) => format!("did you mean `pgdrill help {name}`?"),
        None => "`pgdrill help` lists every topic and every command".to_owned(),
    };
    let what = format!("there is no topic or command `{}`", shown(name));
    wrong(&Diagnostic::error("the command line", what).hint(hint))
}

/// Shows what the command line's reader has to say: help and the version, or what is wrong with the words.
fn said_by_clap(error: &clap::Error) -> Exit {
    let plain = error.render().to_string();
    if error.use_stderr() {
        // Its colours can't be told from those of a word that it quotes.
        if plain.contains(|c| c != '\n' && is_unseen(c)) {
            say(plain.trim_end());
        } else {
            // Nothing is left to be done when even this can't be written.
            let _ = error.print();
        }
        return Exit::Wrong;
    }
    print_help(&error.render().ansi().to_string())
}

/// Prints help. Where nobody can read it, the command did not do what it was asked for.
fn print_help(text: &str) -> Exit {
    match output::write(text) {
        Ok(_) => Exit::Expected,
        Err(diagnostic) => {
            complain(&diagnostic);
            Exit::Failed
        }
    }
}

/// The commands that handle an event.
#[cfg(feature = "charm")]
fn dispatch(command: &DispatchCommand) -> Exit {
    crate::dispatch::command(command)
}

#[cfg(not(feature = "charm"))]
fn dispatch(_: &DispatchCommand) -> Exit {
    crate::absent::absent("a charm's dispatches", "charm")
}

/// Every scenario under these paths, `-` being standard input; the embedded corpus when there are none. And the files
/// that were read.
pub(crate) fn read(paths: &[std::path::PathBuf]) -> (Vec<Input>, ScenarioFiles) {
    let (mut inputs, mut files) = (Vec::new(), ScenarioFiles::default());
    if paths.is_empty() {
        return (read_corpus(), files);
    }
    for path in paths {
        if path.as_os_str() == "-" {
            inputs
                .extend(output::stdin(MAX_BYTES).map_or_else(unreadable, |text| read_stdin(&text)));
        } else {
            let read = files.read(path).map_err(|diagnostic| or_a_command(path, diagnostic));
            inputs.extend(read.unwrap_or_else(unreadable));
        }
    }
    (inputs, files)
}

/// What looks like a misspelt command, or one behind the options, is a path to the command line.
fn or_a_command(path: &std::path::Path, diagnostic: Box<Diagnostic>) -> Box<Diagnostic> {
    let Some(word) = path.to_str().filter(|_| !path.exists()) else { return diagnostic };
    let commands = Cli::command();
    let names = commands.get_subcommands().map(clap::Command::get_name);
    match nearest_name(word, names, Tolerance::ThirdOfName) {
        Some(name) if name == word => {
            Box::new(diagnostic.hint(format!("the command `{name}` stands before every option")))
        }
        Some(name) => Box::new(
            diagnostic.hint(format!("did you mean `pgdrill {name}`? `{word}` is read as a file")),
        ),
        None => diagnostic,
    }
}

fn unreadable(diagnostic: Box<Diagnostic>) -> Vec<Input> {
    vec![Input::refused(diagnostic.file.clone(), Source::Stdin, diagnostic)]
}

fn check(paths: &[std::path::PathBuf]) -> Exit {
    if paths.is_empty() {
        let hint = "name files or folders, or write `paths` into `pgdrill.toml`";
        return wrong(&Diagnostic::error("the command line", "no path is given").hint(hint));
    }
    let (inputs, files) = read(paths);
    files.orphans().iter().for_each(complain);
    if inputs.is_empty() {
        return no_file();
    }
    let count = complain_of(&inputs);
    let right = inputs.len() - count;
    let printed = print(&format!("{right} right, {count} wrong\n"));
    if count > 0 { Exit::Wrong } else { printed }
}

/// Says what is wrong with each scenario that can't be read, and how many there are.
fn complain_of(inputs: &[Input]) -> usize {
    let wrong = inputs.iter().filter_map(|input| input.scenario.as_ref().err());
    wrong.map(|refusal| refusal.faults().for_each(complain)).count()
}

/// `pgdrill list`.
fn list(paths: &[std::path::PathBuf], filters_given: &[String], format: RunFormat) -> Exit {
    let Some(filters) = run::filters(filters_given) else { return Exit::Wrong };
    let (inputs, _) = read(paths);
    if inputs.is_empty() {
        return no_file();
    }
    let is_wrong = complain_of(&inputs) > 0;
    let right = inputs.iter().filter_map(|input| Some((input, input.scenario.as_ref().ok()?)));
    let listed: Vec<_> = right.filter(|(input, _)| run::is_selected(&filters, input)).collect();
    if listed.is_empty() && !is_wrong {
        return run::nothing_fits(paths, filters_given);
    }
    let names = listed.iter().map(|(input, _)| input.name.as_str());
    let width = report::name_width(names, output::columns());
    let line = |(input, scenario): &(&Input, &Scenario)| match format {
        RunFormat::Text => report::row(&input.name, width, &scenario.scenario),
        RunFormat::Json => {
            let (name, title) = (&input.name, &scenario.scenario);
            let is_embedded = input.source == Source::Embedded;
            let file = &input.file;
            let line =
                json!({ "name": name, "scenario": title, "file": file, "embedded": is_embedded });
            format!("{}\n", shown_json(&line.to_string()))
        }
    };
    let printed = print_lines(format, &listed.iter().map(line).collect::<String>());
    if is_wrong { Exit::Wrong } else { printed }
}

/// `pgdrill show`.
fn show(name: &str) -> Exit {
    let files = corpus().files;
    let stem = |file: &str| file.trim_end_matches(".yaml").to_owned();
    let Some((_, content, snapshot)) = files.iter().find(|(file, ..)| stem(file) == name) else {
        let names: Vec<String> = files.iter().map(|(file, ..)| stem(file)).collect();
        let names = names.iter().map(String::as_str);
        let all = "`pgdrill list` shows every name";
        let hint = did_you_mean(name, names, Tolerance::ThirdOfName, all);
        return nothing(&format!("no case is called `{}`", shown(name)), &hint);
    };
    let mut text = String::from_utf8_lossy(content).into_owned();
    if let Some(Ok(snapshot)) = snapshot.as_deref().map(Snapshot::parse) {
        // As comments, so that the whole can be a file to start from.
        text.push_str("\n# What it showed:\n#\n");
        snapshot.content.lines().for_each(|line| text.push_str(&format!("# {line}\n")));
    }
    print(&text)
}

/// `pgdrill words`.
fn words(texts: &[String]) -> Exit {
    let all = pgdrill_scenarios::words();
    let (found, lacking) = (find_words(&all, texts), lacking_words(texts));
    if found.is_empty() && lacking.is_empty() {
        let names = all.iter().map(|word| word.name.as_str());
        let first = texts.first().map_or("", String::as_str);
        let all = "`pgdrill words` without a text shows all of them";
        let hint = did_you_mean(first, names, Tolerance::ThirdOfName, all);
        return nothing(&format!("no word has {}", quoted(texts, "and")), &hint);
    }
    let width = output::width();
    let mut text = report::words(&found, width);
    if !lacking.is_empty() {
        let gap = if text.is_empty() { "" } else { "\n" };
        text.push_str(&format!("{gap}{}", report::lacking(&lacking, width)));
    }
    print(&text)
}

/// These texts in backticks, with this word between them.
pub(crate) fn quoted(texts: &[String], between: &str) -> String {
    let texts: Vec<String> = texts.iter().map(|text| format!("`{text}`")).collect();
    texts.join(&format!(" {between} "))
}

/// `pgdrill laws --known`.
fn known(paths: &[std::path::PathBuf]) -> Exit {
    let (inputs, _) = read(paths);
    if inputs.is_empty() {
        return no_file();
    }
    let is_wrong = complain_of(&inputs) > 0;
    let printed = print_fitted(&report::known(&inputs));
    if is_wrong { Exit::Wrong } else { printed }
}

pub(crate) fn no_file() -> Exit {
    let hint = "scenario files end in .yaml or .yml; `pgdrill new create-backup` writes one";
    nothing("no scenario file stands in what was given", hint)
}

pub(crate) fn nothing(what: &str, hint: &str) -> Exit {
    complain(&Diagnostic::error("the command line", what).hint(hint));
    Exit::Nothing
}
