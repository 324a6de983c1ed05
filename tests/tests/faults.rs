//! The list of faults that `ci/faults` builds in: each is a slip in sources as they are now.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may panic")]

use std::{collections::BTreeSet, fs, path::Path};

/// One fault: its name, its sentence, the file it is in, and the text that stands there with what stands before it.
#[derive(Default)]
struct Fault {
    name: String,
    what: String,
    file: String,
    before: Vec<String>,
    right: Vec<String>,
    wrong: Vec<String>,
}

fn read(list: &str) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    for line in list.lines().filter(|line| !line.is_empty()) {
        if let Some(name) = line.strip_prefix("== ") {
            faults.push(Fault { name: name.to_owned(), ..Fault::default() });
            continue;
        }
        // What stands before the first one is about the list.
        let Some(fault) = faults.last_mut() else { continue };
        let rest = line.get(2..).unwrap_or_default().to_owned();
        match line.chars().next() {
            Some('@') => fault.file = rest,
            Some(' ') => fault.before.push(rest),
            Some('-') => fault.right.push(rest),
            Some('+') => fault.wrong.push(rest),
            _ => fault.what.push_str(line),
        }
    }
    faults
}

#[test]
fn every_fault_is_a_slip_in_the_sources_as_they_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    let mut names = BTreeSet::new();
    for part in ["core", "judge", "sim"] {
        let list = root.join("tests/faults").join(part).with_extension("txt");
        for fault in read(&fs::read_to_string(list).expect("a list")) {
            let Fault { name, what, file, before, right, wrong } = fault;
            assert!(what.ends_with('.'), "{name} says in a sentence what it does");
            assert!(!wrong.is_empty() && right != wrong, "{name} changes something");
            let source = fs::read_to_string(root.join(&file));
            let source = source.unwrap_or_else(|error| panic!("{name}: {file}: {error}"));
            let text = [before, right].concat().join("\n");
            let found = source.matches(text.trim_start()).count();
            assert_eq!(found, 1, "{name}: its right text stands once in {file}");
            assert!(names.insert(name.clone()), "{name} is there twice");
        }
    }
    assert_eq!(names.len(), 40);
}
