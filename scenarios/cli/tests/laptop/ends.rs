//! What is left when a command is killed or asked to end.

use std::process::Child;

use crate::engine::{
    Ended, alone, begun, beside_others, of_process, of_topology, run, signal, well,
};

/// A case that needs nothing but a cluster: what is looked at is what is left, not what it shows.
const CASE: &str = "list-backups/without-relation";

fn begun_run() -> Child {
    let words = ["run", "--backend", "containers", "--filter", CASE];
    begun(&words, "the run has containers", |child| of_process(child).len() > 2)
}

fn ended(child: Child) -> Ended {
    child.wait_with_output().unwrap().into()
}

#[test]
fn a_run_that_is_asked_to_end_leaves_nothing() {
    let _engine = beside_others();
    for name in ["TERM", "INT"] {
        let child = begun_run();
        let id = child.id();
        signal(&child, name);
        let ended = ended(child);
        assert_eq!(ended.code, Some(4), "{name}: {}", ended.stderr);
        assert!(ended.stderr.contains("ended by"), "{name}: {}", ended.stderr);
        let left = crate::engine::labelled("pgdrill.process", &format!("{id}:"));
        assert_eq!(left, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn what_a_killed_run_leaves_is_cleaned_and_the_next_run_clears_it() {
    let _engine = alone();
    for by_hand in [true, false] {
        let mut child = begun_run();
        signal(&child, "KILL");
        child.wait().unwrap();
        assert!(!of_process(&child).is_empty(), "nobody was there to clear it");
        if by_hand {
            let reported = well(&["clean"]);
            assert!(
                reported.starts_with("removed ") && reported.contains("pgdrill-"),
                "{reported}"
            );
        } else {
            let run = run(&["run", "--backend", "containers", "--filter", CASE]);
            assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
        }
        assert_eq!(of_process(&child), Vec::<String>::new(), "by hand: {by_hand}");
    }
}

#[test]
fn bringing_up_leaves_nothing_when_it_is_asked_to_end_and_nothing_for_long_when_it_is_killed() {
    let _engine = alone();
    let name = "laptop-ended";
    let up = || {
        let words = ["up", "--units", "1", "--name", name];
        begun(&words, "it has begun", |_| of_topology(name).len() > 2)
    };
    let child = up();
    signal(&child, "TERM");
    let asked = ended(child);
    assert_eq!(asked.code, Some(4), "{}", asked.stderr);
    assert_eq!(of_topology(name), Vec::<String>::new());

    let mut child = up();
    signal(&child, "KILL");
    child.wait().unwrap();
    assert!(!of_topology(name).is_empty());
    assert_eq!(run(&["status", "--name", name]).code, Some(2), "it was never up");
    well(&["clean"]);
    assert_eq!(of_topology(name), Vec::<String>::new());
}
