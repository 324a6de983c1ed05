//! A search of every history up to a bound: nothing is missed, each world is gone on from once, and what is found is shortest.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use std::sync::atomic::AtomicBool;

use pgdrill_core::{Amendment, Hook};
use pgdrill_scenarios::{
    explore::{
        Alphabet, Exhausted, Exhaustive, NOT_DRAWN, Search,
        alphabet::{PlannedEvent, changes, events, starts},
    },
    words,
};
use pgdrill_sim::{Change, MemberFate, S3ServerState, SetMember, StanzaGiven};

fn search(events: usize, off: Vec<Amendment>) -> Exhaustive {
    let search = Search { units: Some(1), tls: Some(false), changes: 1, off, ..Search::default() };
    let alphabet = Alphabet::WHOLE;
    let (all_changes, worlds) = (Some(1), 100_000);
    Exhaustive { search, events, all_changes, worlds, merges: true, jobs: 2, alphabet }
}

fn run(search: &Exhaustive) -> Exhausted {
    search.run(&AtomicBool::new(false), &mut |_| {})
}

fn few_events(event: &PlannedEvent) -> bool {
    let asks_for = |value: &str| event.parameters.values().any(|it| it == value);
    match event.hook {
        Hook::CreateBackup => asks_for("full"),
        Hook::Restore => asks_for("${backup-1}") && event.parameters.len() == 1,
        Hook::UpdateStatus => true,
        Hook::S3CredentialsChanged | Hook::ListBackups | Hook::CertificatesChanged => false,
    }
}

fn few_changes(change: &Change) -> bool {
    matches!(
        change,
        Change::ProcessDies
            | Change::ScaleTo(2)
            | Change::S3Server(S3ServerState::Down)
            | Change::Member(SetMember { unit: 0, is: MemberFate::ServerDown })
    )
}

/// Worlds that merge have the same future: without merging the same is found, and nothing else.
#[test]
fn merging_loses_nothing() {
    let alphabet = Alphabet { has_event: few_events, has_change: few_changes };
    let merged = Exhaustive { alphabet, ..search(3, Amendment::ALL.to_vec()) };
    let whole = Exhaustive { merges: false, ..merged.clone() };
    let (merged, whole) = (run(&merged), run(&whole));
    assert!(merged.is_exhausted && whole.is_exhausted);
    assert!(merged.worlds * 3 < whole.worlds, "{} of {}", merged.worlds, whole.worlds);
    assert!(merged.transitions < whole.transitions);
    let found = merged.failures();
    assert!(found.len() > 4, "{found:?}");
    assert_eq!(found, whole.failures());
    let arrows = |of: &Exhausted| of.arrows.keys().copied().collect::<Vec<_>>();
    assert_eq!(arrows(&merged), arrows(&whole));
    let lengths = |of: &Exhausted| {
        let all = of.findings.iter().map(|found| (found.failure.clone(), found.length().0));
        let mut all: Vec<_> = all.collect();
        all.sort();
        all
    };
    assert_eq!(lengths(&merged), lengths(&whole), "what is found is shortest");
}

/// What was so already makes a difference once another change has been before it.
#[test]
fn a_fault_may_begin_and_end_within_one_event() {
    let of = |has_change: fn(&Change) -> bool| {
        let alphabet = Alphabet { has_event: few_events, has_change };
        let mut search = Exhaustive { alphabet, all_changes: Some(2), ..search(1, Vec::new()) };
        search.search.changes = 2;
        run(&search).worlds
    };
    let down = of(|change| matches!(change, Change::S3Server(S3ServerState::Down)));
    let up =
        of(|change| matches!(change, Change::S3Server(S3ServerState::Down | S3ServerState::Up)));
    assert!(up > down, "{up} worlds, {down} where nothing ends");
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let alphabet = Alphabet { has_event: few_events, ..Alphabet::WHOLE };
    let of = |jobs| {
        let search = Exhaustive { jobs, alphabet, ..search(1, vec![Amendment::ReplicaEndsActive]) };
        format!("{:?}", run(&search))
    };
    assert_eq!(of(1), of(3));
}

#[test]
fn what_is_found_is_a_file_and_what_is_dropped_is_told() {
    let search = search(1, vec![Amendment::NewClusterIsTold]);
    let exhausted = run(&search);
    let found = exhausted.findings.first().expect("a restore that a unit joins");
    let shrunk = search.shrink(found).expect("a file");
    assert_eq!((shrunk.failure, shrunk.steps.1), (found.failure.clone(), 1));
    let few = Exhaustive { worlds: 5, ..search };
    let few = run(&few);
    assert!(few.dropped > 0 && !few.is_exhausted);
    let stopped = Exhaustive { worlds: 100, ..self::search(1, Vec::new()) };
    let stopped = stopped.run(&AtomicBool::new(true), &mut |_| {});
    assert_eq!((stopped.transitions, stopped.is_exhausted), (0, false));
}

#[test]
fn every_change_and_hook_is_in_the_alphabet() {
    let said = |change: Change| {
        let said = serde_json::to_string(&change).unwrap();
        format!("do:{} ", said.trim_start_matches(['{', '"']).replace(['"', ' '], ""))
    };
    let mut all: Vec<String> = changes(2).into_iter().map(said).collect();
    all.push(said(Change::ProcessDies));
    let mut missing = Vec::new();
    for word in words().iter().filter(|word| word.kind.starts_with("change")) {
        let begins = format!("do:{}", word.name);
        let of_word: Vec<&String> = all.iter().filter(|it| it.starts_with(&begins)).collect();
        if of_word.is_empty() {
            missing.push(word.name.clone());
        }
        for (value, _) in &word.values {
            let last = value.rsplit(": ").next().unwrap_or(value);
            if !of_word.iter().any(|it| it.contains(last)) {
                missing.push(format!("{}: {value}", word.name));
            }
        }
    }
    assert_eq!(missing, NOT_DRAWN, "not in the alphabet");
    let all = events(2, 2);
    for hook in Hook::ALL {
        for unit in 0..2 {
            assert!(all.iter().any(|event| (event.hook, event.unit) == (*hook, unit)), "{hook}");
        }
    }
    let starts = starts(&Search::default());
    assert!(starts.iter().any(|it| it.leader != it.primary && it.tls && it.units == 2));
    assert!(starts.iter().any(|it| it.s3.is_none()));
    assert!(starts.iter().any(|it| it.stanza == StanzaGiven::Initialised && it.backups.is_empty()));
}
