//! The guide: every line of it that needs no container engine is run here, the others by the laptop's walk.

use pgdrill_scenarios::TOPICS;
use pgdrill_tests::shown::{ShownCommand, blocks, commands, is_as_shown, shell};

use crate::session::{Ended, Session, ended, pgdrill};

/// What a block is to be done with.
enum Use {
    Write(String),
    Run,
    Leave,
}

fn use_of(info: &str) -> Use {
    match info.split_once(' ') {
        Some(("yaml" | "toml", file)) => Use::Write(file.to_owned()),
        None if info == "console" => Use::Run,
        Some(("console", "charm")) if cfg!(feature = "charm") => Use::Run,
        Some(("console", "charm" | "engine" | "not run here")) => Use::Leave,
        _ => panic!("a block of an unknown kind: {info}"),
    }
}

fn in_shell(session: &Session, command: &str) -> Ended {
    let pgdrill = pgdrill();
    let folder = std::path::Path::new(pgdrill.get_program()).parent().unwrap();
    let mut shell = shell(folder, command);
    shell.current_dir(session.folder()).env_remove("CI").env("XDG_STATE_HOME", session.folder());
    Ended::of(shell.output().unwrap())
}

fn run(session: &Session, topic: &str, step: &ShownCommand) {
    let Ended { code, stdout, stderr } = in_shell(session, &step.command);
    assert_eq!(code, 0, "{topic}: $ {}\n{stdout}{stderr}", step.command);
    assert!(
        is_as_shown(&stdout, &step.printed),
        "{topic}: $ {}\nprinted:\n{stdout}{stderr}\nthe guide shows:\n{}",
        step.command,
        step.printed.join("\n")
    );
}

#[test]
fn every_line_of_the_guide_does_what_the_guide_shows() {
    let mut run_lines = 0;
    for topic in TOPICS {
        let mut session = Session::new();
        for block in blocks(topic.text) {
            match use_of(&block.info) {
                Use::Write(file) => session = session.file(&file, block.text),
                Use::Run => {
                    for step in commands(&block.text) {
                        run(&session, topic.name, &step);
                        run_lines += 1;
                    }
                }
                Use::Leave => {}
            }
        }
    }
    assert!(run_lines >= 15, "{run_lines}");
}

/// What they print is longer than the README has room for.
#[test]
fn the_commands_of_the_readme_work() {
    let readme = include_str!("../../../../README.md");
    let of_shell = blocks(readme).into_iter().filter(|block| block.info == "console");
    let session = Session::new().remembering();
    let mut count = 0;
    for step in of_shell.flat_map(|block| commands(&block.text)) {
        if step.command.starts_with("cargo ") {
            continue;
        }
        count += 1;
        let code = in_shell(&session, &step.command).code;
        // Nothing failed.
        let expected = if step.command.contains("--failed") { 3 } else { 0 };
        assert_eq!(code, expected, "$ {}", step.command);
    }
    assert!(count >= 8, "{count}");
}

#[test]
fn only_what_needs_a_release_a_registry_or_a_model_is_not_run() {
    let of_others = TOPICS.iter().flat_map(|topic| blocks(topic.text));
    let left = of_others.filter(|block| block.info == "console not run here");
    for step in left.flat_map(|block| commands(&block.text)) {
        let elsewhere =
            ["cargo install ", "docker ", "juju ", "pip install ", "sha256sum ", "sudo ", "tar "];
        let is_elsewhere = elsewhere.iter().any(|it| step.command.starts_with(it));
        assert!(is_elsewhere, "{}", step.command);
    }
}

#[test]
fn help_lists_the_topics_and_shows_each_and_each_command() {
    let all = ended("help");
    assert_eq!((all.code, all.stderr.as_str()), (0, ""));
    for topic in TOPICS {
        assert!(all.stdout.contains(&format!("  {} ", topic.name)), "{}", all.stdout);
        let page = ended(&format!("help {}", topic.name));
        assert_eq!((page.code, page.stdout.as_str()), (0, topic.text));
    }
    let command = ended("help run");
    assert!(
        command.stdout.contains("Usage: pgdrill run [OPTIONS] [PATH]..."),
        "{}",
        command.stdout
    );
    Session::new().run("help fault").run("help nothing-of-the-kind").holds("help_unknown");
}
