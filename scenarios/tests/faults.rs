//! Every fault of a document that can be told apart is told in one go, and nothing that only follows from another.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may panic")]

use pgdrill_scenarios::{Refusal, corpus, read_text};

fn refused(text: &str) -> Refusal {
    match read_text(text.as_bytes(), "text").pop().expect("a document") {
        Err(refusal) => refusal,
        Ok(_) => panic!("it was read: {text}"),
    }
}

#[track_caller]
fn tells(text: &str, expected: &[&str]) {
    let refusal = refused(text);
    let told: Vec<String> = refusal
        .faults()
        .map(|fault| format!("{}:{} {}", fault.line, fault.column, fault.what))
        .collect();
    assert_eq!(told, expected, "{text}");
}

#[test]
fn faults_of_form_are_told_together() {
    tells(
        "scenario: x\n\
         given: { units: two, foo: 1, tls: maybe }\n\
         fire:\n\
         - { hook: restor, unit: three }\n\
         - do: { scale-to: many }\n\
         - do: { member: { unit: 0, is: asleep } }\n\
         - hook: create-backup\n\
         \x20 meanwhile: [{ at: set_maintenence, do: process-dies }]\n\
         then: { outcome: fine, statuses: { 0: busy }, backups: [whole, full, half] }\n",
        &[
            "2:17 `given.units`: expected a whole number from 1 to 9, found `two`",
            "2:22 unknown key `foo` in `given`",
            "2:35 `given.tls`: expected `true` or `false`, found `maybe`",
            "4:11 `fire[0].hook`: unknown name `restor`",
            "4:25 `fire[0].unit`: expected a whole number from 0 to 8, or `all`, found `three`",
            "5:19 `fire[1].do.scale-to`: expected a whole number from 1 to 9, found `many`",
            "6:32 `fire[2].do.member.is`: unknown name `asleep`",
            "8:21 `fire[3].meanwhile[0].at`: unknown name `set_maintenence`",
            "9:18 `then.outcome`: unknown name `fine`",
            "9:39 `then.statuses.0`: unknown name `busy`",
            "9:57 `then.backups[0]`: unknown name `whole`",
            "9:70 `then.backups[2]`: unknown name `half`",
        ],
    );
}

#[test]
fn what_juju_could_not_produce_is_told_together() {
    tells(
        "scenario: x\n\
         given: { units: 2, leader: 5, backups: [incremental] }\n\
         fire:\n\
         - { hook: list-backups, unit: 7, params: { a: b, c: d } }\n\
         - do: process-dies\n\
         then: { statuses: { 3: active } }\n",
        &[
            "2:28 the leader is unit 5, and there is no such unit",
            "2:31 there are backups, and there never was an S3 relation",
            "2:41 the first backup of a repository is a full one",
            "4:31 the one that fires is unit 7, and there is no such unit",
            "4:44 list-backups takes no parameter `a`",
            "4:50 list-backups takes no parameter `c`",
            "5:7 between two firings no process runs that could die",
            "6:24 the one with this status is unit 3, and there is no such unit",
        ],
    );
}

#[test]
fn what_an_earlier_step_keeps_from_coming_about_is_refused() {
    tells(
        "scenario: x\n\
         given: { units: 3 }\n\
         fire:\n\
         - do: { member: { unit: 1, is: killed } }\n\
         - do: { primary-moves-to: 1 }\n\
         - do: { member: { unit: 1, is: running } }\n\
         - do: { primary-moves-to: 1 }\n\
         - do: { member: { unit: 2, is: cut-off } }\n\
         - do: { service: { unit: 0, name: database, is: stopped } }\n\
         - do: { primary-moves-to: 2 }\n\
         - do: { primary-moves-to: 0 }\n\
         - do: { dcs: down }\n\
         - do: { service: { unit: 0, name: tls-server, is: running } }\n\
         - hook: create-backup\n\
         \x20 meanwhile: [{ at: set_maintenance, do: { primary-moves-to: 1 } }]\n\
         - do: { dcs: up }\n\
         - do: { tls: on }\n\
         - do: { service: { unit: 0, name: tls-server, is: running } }\n\
         - do: { primary-moves-to: 1 }\n",
        &[
            "5:27 unit 1 can't become the primary: it is dead",
            "10:27 unit 2 can't become the primary: it reaches nobody",
            "11:27 unit 0 can't become the primary: it has its database stopped",
            "13:35 TLS servers run only with TLS",
            "15:62 no member can become the primary while the DCS is down",
        ],
    );
}

#[test]
fn faults_of_both_kinds_are_told_together() {
    tells(
        "scenario: x\n\
         given: { backups: [incremental], stanza: none }\n\
         fire:\n\
         - hook: list-backups\n\
         \x20 params: { a: b }\n\
         - hook: restore\n\
         \x20 unitt: 0\n\
         then: { outcom: failed }\n",
        &[
            "2:20 the first backup of a repository is a full one",
            "5:13 list-backups takes no parameter `a`",
            "7:3 unknown key `unitt` in `fire[1]`",
            "8:9 unknown key `outcom` in `then`",
        ],
    );
}

#[test]
fn what_only_follows_from_another_fault_is_not_told() {
    // A step of which the hook is misspelt lacks none; with a wrong number of units no unit is too much.
    tells(
        "scenario: x\nfire: [{ hook: restor }]\nthen: { not-visited: [restore/fail_action] }\n",
        &["2:16 `fire[0].hook`: unknown name `restor`"],
    );
    tells(
        "scenario: x\ngiven: { units: two, leader: 1 }\nfire: [{ hook: restore, unit: 1 }]\n",
        &["2:17 `given.units`: expected a whole number from 1 to 9, found `two`"],
    );
    tells(
        "scenario: x\ngiven: { units: 0, leader: 1 }\nfire: [{ hook: restore, unit: 1 }]\n",
        &["2:17 0 units can't be rehearsed"],
    );
    tells(
        "scenario: x\ngiven: { units: 1 }\nfire: [{ do: { scale-to: 12 } }, { hook: restore, unit: 1 }]\n",
        &["3:10 12 units can't be rehearsed"],
    );
    tells(
        "scenario: x\ngiven: { s3: { relatd: true }, stanza: initialised }\nfire: [{ hook: restore }]\n",
        &["2:16 unknown key `relatd` in `given.s3`"],
    );
    tells(
        "scenario: x\nfire: [{ hook: restore }, {}]\nthen: { not-visited: [create-backup/set_active] }\n",
        &["2:27 a step needs a `hook`, `together`, a `do` or `settle: true`"],
    );
}

#[test]
fn what_the_whole_lacks_hides_no_other_fault() {
    tells("fier: []\n", &["1:1 unknown key `fier`", "1:1 the document lacks the key `scenario`"]);
    tells(
        "scenario: [x]\nfire: [{ hook: restor }]\n",
        &[
            "1:11 `scenario`: expected text, found a list",
            "2:16 `fire[0].hook`: unknown name `restor`",
        ],
    );
    tells(
        "scenario: x\nfire: { hook: restore }\nthen: { outcome: fine }\n",
        &[
            "2:7 `fire`: expected a list, found a mapping",
            "3:18 `then.outcome`: unknown name `fine`",
        ],
    );
    tells("[]\n", &["1:1 expected a mapping, found an empty list"]);
    tells(
        "scenario: x\nfire: [{ hook: restore }]\nknown: [{ law: left-opn }, {}]\n",
        &["3:16 `known[0].law`: unknown name `left-opn`", "3:28 `known[1]` lacks the key `law`"],
    );
}

#[test]
fn so_many_faults_that_nobody_reads_them_are_cut() {
    let keys: String = (0..500).map(|number| format!("key{number}: 1\n")).collect();
    assert_eq!(refused(&format!("scenario: x\n{keys}")).faults().count(), 20);
}

#[test]
fn a_fault_more_in_a_case_is_one_more_that_is_told() {
    for (name, content, _) in corpus().files {
        let text = String::from_utf8(content.to_vec()).expect("UTF-8");
        for (index, case) in text.split("\n---\n").enumerate() {
            // One at the beginning, one at the end, whatever stands between them.
            let wrong = format!("coverz: []\n{case}\nthn: {{}}\n");
            let told: Vec<String> =
                refused(&wrong).faults().map(|fault| fault.what.clone()).collect();
            assert_eq!(told, ["unknown key `coverz`", "unknown key `thn`"], "{name} {index}");
        }
    }
}

#[test]
fn a_scenario_may_be_json_that_names_units() {
    let json = r#"{"scenario":"x","given":{"units":2,"statuses":{"1":{"name":"blocked"}}},
        "fire":[{"hook":"list-backups","unit":1,"then":{"connections":{"1":"accepted"}}}],
        "then":{"statuses":{"0":"active","1":{"name":"active","message":"x"}},"damage":[{"left-closed":1}]}}"#;
    for text in [json.to_owned(), json.replace('\n', "\r\n"), json.replace("        ", "\t")] {
        let read = read_text(text.as_bytes(), "text").pop().expect("a document");
        let scenario = read.unwrap_or_else(|refusal| panic!("{refusal}"));
        assert_eq!(scenario.then.statuses.keys().copied().collect::<Vec<_>>(), [0, 1]);
    }
    tells(
        &json.replace("\"0\":\"active\"", "\"01\":\"active\",\"0.5\":\"active\",\"9\":\"active\""),
        &["3:29 `then.statuses`: expected a whole number from 0 to 8, found the text `01`"],
    );
    let twice =
        refused(r#"{"scenario":"x","then":{"statuses":{"0":"active", 0: "active"}},"fire":[]}"#);
    assert!(twice.first().what.contains("the key `0` is given twice"), "{twice}");
}
