//! Faults that are planted at doors: a search that does not find them would find no others.

use std::time::Duration;

use pgdrill_core::inventory::Inventory;
use pgdrill_tests::hostile::{Door, Finding, Grammar, Opened, search};

use super::asked_for;

const INFO: &[u8] = include_bytes!("../../fuzz/seeds/inventory/44-.json");

/// The inventory, read by what it is really read by.
fn read(input: &[u8]) -> Opened {
    let text = String::from_utf8_lossy(input);
    match Inventory::parse(&text, "demo") {
        Ok(inventory) => Opened { code: Some(0), ..Opened::default().showing(inventory.table()) },
        Err(error) => {
            let why = pgdrill_core::shown(error.cause()).into_owned();
            Opened { is_refused: true, code: Some(1), ..Opened::default().showing(why) }
        }
    }
}

/// The first finding at a door with a fault, within as many inputs as every door gets.
#[track_caller]
fn found(name: &'static str, open: impl FnMut(&[u8]) -> Opened + Send + 'static) -> Finding {
    let grammar = Grammar::new([INFO.to_vec()], &["backup", "label", "type", "name"]);
    let mut asked = asked_for(name);
    if name == "planted-hang" {
        asked.limit = Duration::from_secs(2);
    }
    let door = Door { name, grammar: grammar.clone(), open: Box::new(open) };
    let seen = search(door, &asked);
    let finding = seen.findings.first().unwrap_or_else(|| panic!("{name} was not found: {seen}"));
    // Its seed makes the input again.
    assert_eq!(grammar.input(finding.seed), finding.input);
    assert!(finding.to_string().contains(&format!("PGDRILL_HOSTILE_SEED={}", finding.seed)));
    finding.clone()
}

#[test]
fn a_panic_that_one_shape_of_input_sets_off_is_found() {
    let finding = found("planted-panic", |input| {
        // As whoever takes it for granted that a stanza has a backup, and a backup a label.
        let stanzas: Option<serde_json::Value> = serde_json::from_slice(input).ok();
        let backups = stanzas.as_ref().and_then(|it| it.pointer("/0/backup")?.as_array());
        let has_label =
            |list: &Vec<serde_json::Value>| list.first().is_some_and(|it| it["label"].is_string());
        assert!(backups.is_none_or(has_label), "there is no first label");
        read(input)
    });
    assert_eq!(finding.what, "panic: there is no first label");
}

#[test]
fn an_escape_sequence_that_is_shown_as_it_is_is_found() {
    let finding = found("planted-escape", |input| {
        let text = String::from_utf8_lossy(input);
        match Inventory::parse(&text, "demo") {
            Ok(_) => Opened::default(),
            // The cause, as it came.
            Err(error) => Opened::default().showing(error.cause()),
        }
    });
    assert!(finding.what.starts_with("U+"), "{finding}");
}

#[test]
fn an_exit_code_that_says_of_a_refusal_that_all_is_well_is_found() {
    let finding = found("planted-code", |input| {
        let opened = read(input);
        // A type of backup that nobody knows is refused, and told as done.
        let is_type = opened.shown.iter().any(|text| text.contains("unknown type of backup"));
        Opened { code: if is_type { Some(0) } else { opened.code }, ..opened }
    });
    assert_eq!(finding.what, "it was refused, and the exit code is 0");
}

#[test]
fn what_hangs_and_what_is_half_written_is_found() {
    let (unending, never) = std::sync::mpsc::channel::<()>();
    let finding = found("planted-hang", move |input| {
        if input.len() > 20_000 {
            let _ = (never.recv(), &unending);
        }
        read(input)
    });
    assert!(finding.what.starts_with("it hangs"), "{finding}");
    let finding = found("planted-half", |input| {
        let mut opened = read(input);
        if input.contains(&0) {
            opened.faults.push("half a file".to_owned());
        }
        opened
    });
    assert_eq!(finding.what, "half a file");
}

#[test]
fn the_real_one_beside_them_is_clean() {
    let grammar = Grammar::new([INFO.to_vec()], &["backup", "label", "type", "name"]);
    let seen =
        search(Door { name: "inventory", grammar, open: Box::new(read) }, &asked_for("inventory"));
    assert!(seen.findings.is_empty(), "{seen}");
}
