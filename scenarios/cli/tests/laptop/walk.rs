//! The walk that the README shows, run line by line.

use std::{path::Path, process::Command};

use crate::engine::{Ended, TakenDown, beside_others, of_topology};

const README: &str = include_str!("../../../../README.md");

/// A command of the walk, and the lines that stand below it.
struct WalkStep {
    command: String,
    shown: Vec<String>,
}

fn steps() -> Vec<WalkStep> {
    let (_, walk) = README.split_once("\n## A walk of five minutes\n").expect("the README has it");
    let walk = walk.split_once("\n## ").map_or(walk, |(walk, _)| walk);
    let mut steps: Vec<WalkStep> = Vec::new();
    for block in walk.split("```console\n").skip(1) {
        let (block, _) = block.split_once("\n```").expect("a block ends");
        for line in block.lines() {
            match line.strip_prefix("$ ") {
                Some(command) => {
                    steps.push(WalkStep { command: command.to_owned(), shown: Vec::new() });
                }
                None => steps.last_mut().expect("a command first").shown.push(line.to_owned()),
            }
        }
    }
    steps
}

/// Whether what was printed is what is shown, where `…` stands for any text.
fn is_as_shown(printed: &str, shown: &[String]) -> bool {
    let mut rest: Vec<&str> = printed.lines().map(str::trim_end).collect();
    rest.reverse();
    let mut skips = false;
    for line in shown.iter().map(|line| line.trim_end()) {
        if line == "…" {
            skips = true;
            continue;
        }
        loop {
            let Some(next) = rest.pop() else { return false };
            let fits = match line.split_once('…') {
                Some((before, after)) => {
                    next.starts_with(before.trim_end()) && next.ends_with(after)
                }
                None => next == line,
            };
            match (fits, skips) {
                (true, _) => break,
                (false, true) => {}
                (false, false) => return false,
            }
        }
        skips = false;
    }
    skips || rest.is_empty()
}

#[test]
fn what_is_shown_stands_for_what_is_printed() {
    let shown = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>();
    assert!(is_as_shown("a\nb\nc\n", &shown(&["a", "…", "c"])));
    assert!(is_as_shown("a 1\nb\n", &shown(&["a …", "…"])));
    assert!(is_as_shown("", &[]));
    for (printed, lines) in
        [("a\nb\n", &["a"][..]), ("a\n", &["a", "b"]), ("b\na\n", &["a", "…"]), ("x\n", &[])]
    {
        assert!(!is_as_shown(printed, &shown(lines)), "{printed:?} {lines:?}");
    }
}

#[test]
fn every_line_of_the_walk_does_what_the_readme_shows() {
    let _engine = beside_others();
    let steps = steps();
    for part in
        ["pgdrill up", "psql", "fire create-backup", "scale-to", "fire restore", "pgdrill down"]
    {
        assert!(steps.iter().any(|step| step.command.contains(part)), "the walk has no {part}");
    }
    assert!(of_topology("local").is_empty(), "a topology `local` is up on this machine");
    let _down = TakenDown("local");
    let folder = Path::new(env!("CARGO_BIN_EXE_pgdrill")).parent().unwrap();
    for step in steps {
        let program = r#"PATH="$1:$PATH"; export PATH; eval "$2""#;
        let mut shell = Command::new("sh");
        shell.args(["-euc", program, "sh"]).arg(folder).arg(&step.command);
        let ended = Ended::from(shell.output().unwrap());
        let Ended { code, stdout, stderr } = &ended;
        assert_eq!(*code, Some(0), "$ {}\n{stdout}{stderr}", step.command);
        let shown = step.shown.join("\n");
        assert!(
            is_as_shown(stdout, &step.shown),
            "$ {}\nprinted:\n{stdout}\nthe README shows:\n{shown}",
            step.command
        );
    }
    assert_eq!(of_topology("local"), Vec::<String>::new());
}
