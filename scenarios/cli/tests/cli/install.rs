//! How pgdrill is got: manual pages, and the files by which a CI gets and runs it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use pgdrill_scenarios::{TOPICS, yaml};
use pgdrill_tests::shown::blocks;
use serde_json::Value;

use crate::session::{Ended, Session, ended};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The commands that the help lists.
fn commands() -> BTreeSet<String> {
    let help = ended("--help").stdout;
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    // A description that goes on in the next line is indented further.
    let lines = list.lines().filter_map(|line| line.strip_prefix("  "));
    let names =
        lines.filter(|line| !line.starts_with(' ')).filter_map(|line| line.split(' ').next());
    names.map(str::to_owned).collect()
}

/// The options that a command's help names, as `--quiet`.
fn options(command: &str) -> BTreeSet<String> {
    let help = ended(&format!("{command} --help")).stdout;
    help.split_whitespace().filter_map(option).collect()
}

/// A word's option: what stands before its value.
fn option(word: &str) -> Option<String> {
    let name = word.strip_prefix("--")?;
    let name: String =
        name.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    (!name.is_empty()).then(|| format!("--{name}"))
}

fn document(name: &str, text: &str) -> Value {
    let mut documents = yaml::documents(text, name);
    assert_eq!(documents.len(), 1, "{name}");
    let document = documents.remove(0).unwrap_or_else(|error| panic!("{error}"));
    yaml::from_document(&document).unwrap_or_else(|error| panic!("{error}"))
}

fn file(name: &str) -> Value {
    document(name, &fs::read_to_string(root().join(name)).unwrap())
}

/// Every text below a key of this name, at any depth: its own, or those of its list.
fn below<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        if name == key {
            let list = value.as_array().into_iter().flatten();
            found.extend(list.chain([value]).filter_map(Value::as_str));
        }
        below(value, key, found);
    }
    value.as_array().into_iter().flatten().for_each(|value| below(value, key, found));
}

fn all<'a>(value: &'a Value, key: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    below(value, key, &mut found);
    found
}

/// Checks every `pgdrill` line of these scripts: the command is one, and it has each option. How many lines those were.
fn check_lines(scripts: &[&str]) -> usize {
    let mut count = 0;
    for line in scripts.iter().flat_map(|script| script.lines()) {
        let Some(words) = line.trim().strip_prefix("pgdrill ") else { continue };
        let mut words = words.split_whitespace();
        let command = words.next().unwrap();
        assert!(commands().contains(command), "{line}");
        let known = options(command);
        let given: Vec<String> = words.filter_map(option).collect();
        assert!(given.iter().all(|option| known.contains(option)), "{line}: {known:?}");
        count += 1;
    }
    count
}

#[test]
fn every_command_has_a_manual_page() {
    let session = Session::new();
    let Ended { code, stdout, stderr } = session.ended("man --out out/man", b"");
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, "", ""));
    let commands = commands();
    assert!(commands.contains("run") && commands.contains("clean"), "{commands:?}");
    let mut pages: BTreeSet<String> = fs::read_dir(session.folder().join("out/man"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for name in &pages {
        let page = session.read(&format!("out/man/{name}"));
        let version = env!("CARGO_PKG_VERSION");
        let command = name.trim_end_matches(".1");
        let title = format!(".TH {command} 1  \"pgdrill {version}\" \"pgdrill manual\"");
        assert!(page.contains(&title), "{name}: {page}");
        for part in [".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION"] {
            assert!(page.contains(part), "{name} lacks {part}");
        }
    }
    let of_run = session.read("out/man/pgdrill-run.1");
    assert!(of_run.contains(r"\-\-require\-snapshots"), "{of_run}");
    assert_eq!(session.ended("man", b"").stdout, session.read("out/man/pgdrill.1"));
    assert!(pages.remove("pgdrill.1"));
    let expected: BTreeSet<String> =
        commands.iter().map(|name| format!("pgdrill-{name}.1")).collect();
    assert_eq!(pages, expected);
}

#[test]
fn manual_pages_that_cannot_be_written_are_refused() {
    let session = Session::new().file("taken", "").file("folder/pgdrill.1/in-the-way", "");
    session.run("man --out taken").run("man --out folder").holds("man_not_writable");
}

#[test]
fn the_action_calls_pgdrill_with_what_it_knows_and_has_every_input_it_names() {
    let action = file("ci/action/action.yml");
    let inputs = action["inputs"].as_object().unwrap();
    let declared: BTreeSet<&str> = inputs.keys().map(String::as_str).collect();
    let text = fs::read_to_string(root().join("ci/action/action.yml")).unwrap();
    let is_end = |c: char| !c.is_ascii_alphanumeric();
    let named = text.split("inputs.").skip(1);
    let named: BTreeSet<&str> = named.filter_map(|rest| rest.split(is_end).next()).collect();
    assert_eq!(named, declared);
    assert_eq!(check_lines(&all(&action, "run")), 1);
    let source = all(&action, "SOURCE")[0].replace("${{ github.action_path }}", "ci/action");
    assert!(root().join(source).join("Cargo.toml").is_file());
}

#[test]
fn the_workflows_of_the_guide_are_yaml_and_call_pgdrill_with_what_it_knows() {
    let page = TOPICS.iter().find(|topic| topic.name == "ci").unwrap().text;
    let inputs = file("ci/action/action.yml")["inputs"].clone();
    let mut lines = 0;
    let mut steps = 0;
    for block in blocks(page) {
        let Some(name) = block.info.strip_prefix("yaml .") else { continue };
        let workflow = document(name, &block.text);
        lines += check_lines(&all(&workflow, "script"));
        for step in workflow["jobs"]["pgdrill"]["steps"].as_array().into_iter().flatten() {
            let Some(given) = step["with"].as_object() else { continue };
            assert!(given.keys().all(|name| inputs.get(name).is_some()), "{given:?}");
            let line =
                format!("pgdrill run {}", given["args"].as_str().unwrap().replace('\n', " "));
            assert_eq!(check_lines(&[&line]), 1);
            steps += 1;
        }
    }
    assert_eq!((lines, steps), (1, 1));
}

#[test]
fn workflows_are_yaml_pin_what_they_use_and_call_scripts_that_are_there() {
    let mut scripts = 0;
    for name in [
        ".github/workflows/ci.yml",
        ".github/workflows/release.yml",
        "ci/action/action.yml",
        "ci/parts/github.yml",
    ] {
        let workflow = file(name);
        for used in all(&workflow, "uses") {
            let commit = used.split_once('@').map_or("", |(_, commit)| commit);
            let is_pinned = commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit());
            assert!(is_pinned, "{name}: {used}");
        }
        let calls = all(&workflow, "run").into_iter().filter_map(|run| run.strip_prefix("bash "));
        for called in calls {
            let script = called.split_whitespace().next().unwrap();
            assert!(root().join(script).is_file(), "{name}: {script}");
            scripts += 1;
        }
    }
    assert!(scripts >= 3, "{scripts}");
}
