//! Trees into types, and every complaint about what does not fit.

use std::collections::BTreeMap;

use super::{Change, Firing, Given, Hook, S3, Scenario, Spanned, Then, complains, read};

const VALID: &str = "\
scenario: 2026
covers: [create-backup/a, 'b']
given:
  units: 2
  tls: true
  s3: { related: false }
  seconds: 3
fire:
- hook: create-backup
  meanwhile:
    - primary-moves-to: 1
    - fault: { at: set_maintenance }
    - cut: [1, 2]
    - nothing
    - nothing:
- { hook: update-status }
then:
  statuses: { 0: active, 1: ~x }
";

#[test]
fn a_scenario_is_read() {
    let covered =
        |value: &str, column, width| Spanned { value: value.to_owned(), line: 2, column, width };
    let statuses = [(0, "active".to_owned()), (1, "~x".to_owned())];
    let expected = Scenario {
        scenario: "2026".into(),
        covers: vec![covered("create-backup/a", 10, 15), covered("b", 27, 3)],
        given: Given { units: 2, tls: true, s3: Some(S3 { related: false }), seconds: Some(3.0) },
        fire: vec![
            Firing {
                hook: Hook::CreateBackup,
                meanwhile: vec![
                    Change::PrimaryMovesTo(1),
                    Change::Fault { at: "set_maintenance".into(), seconds: None },
                    Change::Cut(1, 2),
                    Change::Nothing,
                    Change::Nothing,
                ],
            },
            Firing { hook: Hook::UpdateStatus, meanwhile: vec![] },
        ],
        then: Some(Then { statuses: BTreeMap::from(statuses) }),
    };
    assert_eq!(read::<Scenario>(VALID), Ok(expected));
}

/// The valid scenario with one text replaced.
#[track_caller]
fn spoilt(good: &str, bad: &str, expected: &str) {
    assert_eq!(VALID.matches(good).count(), 1, "{good:?} is there once");
    complains::<Scenario>(&VALID.replace(good, bad), expected);
}

#[test]
fn unknown_keys_are_complained_about_at_the_key() {
    spoilt(
        "  units: 2",
        "  unitz: 2",
        "4:3+5 unknown key `unitz` in `given` | did you mean `units`? expected one of: units, tls, s3, seconds",
    );
    spoilt(
        "given:",
        "zzz: 1\ngiven:",
        "3:1+3 unknown key `zzz` | expected one of: scenario, covers, given, fire, then",
    );
    spoilt(
        "{ at: set_maintenance }",
        "{ 'At': x }",
        "12:16+4 unknown key `At` in `fire[0].meanwhile[1].fault` | did you mean `at`? expected one of: at, seconds",
    );
}

#[test]
fn missing_keys_are_complained_about_at_the_start_of_their_mapping() {
    spoilt(
        "{ related: false }",
        "{}",
        "6:7+2 `given.s3` lacks the key `related` | add `related: …`",
    );
    spoilt(
        "{ hook: update-status }",
        "meanwhile: []",
        "16:3+9 `fire[1]` lacks the key `hook` | add `hook: …`",
    );
    complains::<Scenario>(
        "# c\nscenario: x\n",
        "2:1+8 the document lacks the key `given` | add `given: …`",
    );
}

#[test]
fn unknown_names_are_complained_about_at_the_name() {
    spoilt(
        "hook: create-backup",
        "hook: create_backups",
        "9:9+14 `fire[0].hook`: unknown name `create_backups` | did you mean `create-backup`? expected one of: create-backup, update-status",
    );
    spoilt(
        "primary-moves-to: 1",
        "moves: 1",
        "11:7+5 `fire[0].meanwhile[0]`: unknown name `moves` | expected one of: primary-moves-to, fault, cut, nothing",
    );
}

#[test]
fn values_of_the_wrong_kind_are_complained_about_at_the_value() {
    for (good, bad, expected) in WRONG_KINDS {
        spoilt(good, bad, expected);
    }
    complains::<Scenario>("[]", "1:1+2 expected a mapping, found an empty list | -");
    complains::<Scenario>("text", "1:1+4 expected a mapping, found `text` | -");
}

/// A text of the valid scenario, what it is replaced by, and the complaint.
const WRONG_KINDS: &[(&str, &str, &str)] = &[
    (
        "units: 2",
        "units: two",
        "4:10+3 `given.units`: expected a whole number from 0 to 255, found `two` | -",
    ),
    (
        "units: 2",
        "units: 300",
        "4:10+3 `given.units`: expected a whole number from 0 to 255, found `300` | -",
    ),
    (
        "units: 2",
        "units: -1",
        "4:10+2 `given.units`: expected a whole number from 0 to 255, found `-1` | -",
    ),
    (
        "units: 2",
        "units: 99999999999999999999",
        "4:10+20 `given.units`: expected a whole number from 0 to 255, found `99999999999999999999` | -",
    ),
    (
        "units: 2",
        "units: 0x10",
        "4:10+4 `given.units`: expected a whole number from 0 to 255, found `0x10` | -",
    ),
    (
        "units: 2",
        "units: 2.0",
        "4:10+3 `given.units`: expected a whole number from 0 to 255, found `2.0` | -",
    ),
    (
        "units: 2",
        "units: '2'",
        "4:10+3 `given.units`: expected a whole number from 0 to 255, found the text `2` | remove the quotes",
    ),
    (
        "units: 2",
        "units:",
        "4:8+1 `given.units`: expected a whole number from 0 to 255, found nothing | -",
    ),
    (
        "units: 2",
        "units: [2]",
        "4:10+3 `given.units`: expected a whole number from 0 to 255, found a list | -",
    ),
    ("tls: true", "tls: yes", "5:8+3 `given.tls`: expected `true` or `false`, found `yes` | -"),
    (
        "tls: true",
        "tls: \"true\"",
        "5:8+6 `given.tls`: expected `true` or `false`, found the text `true` | remove the quotes",
    ),
    ("seconds: 3", "seconds: soon", "7:12+4 `given.seconds`: expected a number, found `soon` | -"),
    ("scenario: 2026", "scenario:", "1:9+1 `scenario`: expected text, found nothing | -"),
    (
        "scenario: 2026",
        "scenario: null",
        "1:11+4 `scenario`: expected text, found `null` | quote it if it is meant literally",
    ),
    ("scenario: 2026", "scenario: {a: b}", "1:11+6 `scenario`: expected text, found a mapping | -"),
    (
        "[create-backup/a, 'b']",
        "x",
        "2:9+1 `covers`: expected a list, found `x` | put it into brackets: `[…]`",
    ),
    ("[create-backup/a, 'b']", "[x, [y]]", "2:13+3 `covers[1]`: expected text, found a list | -"),
    (
        "[create-backup/a, 'b']",
        "{a: b}",
        "2:9+6 `covers`: expected a list, found a mapping | start each item with `- `",
    ),
    ("{ related: false }", "yes", "6:7+3 `given.s3`: expected a mapping, found `yes` | -"),
    ("{ related: false }", "[true]", "6:7+6 `given.s3`: expected a mapping, found a list | -"),
    (
        "{ 0: active, 1: ~x }",
        "{ zero: active }",
        "18:15+4 `then.statuses`: expected a whole number from 0 to 4294967295, found `zero` | -",
    ),
    (
        "{ 0: active, 1: ~x }",
        "",
        "18:11+1 `then.statuses`: expected a mapping, found nothing | write `{}` for an empty mapping",
    ),
    (
        "hook: create-backup",
        "hook: [x]",
        "9:9+3 `fire[0].hook`: expected a name, found a list | expected one of: create-backup, update-status",
    ),
    (
        "hook: create-backup",
        "hook:",
        "9:7+1 `fire[0].hook`: expected a name, found nothing | expected one of: create-backup, update-status",
    ),
];

#[test]
fn variants_must_hold_what_they_hold() {
    for (good, bad, expected) in WRONG_VARIANTS {
        spoilt(good, bad, expected);
    }
    complains::<Change>(
        "{}",
        "1:1+2 expected a name, found an empty mapping | expected one of: primary-moves-to, fault, cut, nothing",
    );
}

const WRONG_VARIANTS: &[(&str, &str, &str)] = &[
    (
        "- primary-moves-to: 1",
        "- primary-moves-to",
        "11:7+16 `fire[0].meanwhile[0]`: `primary-moves-to` needs a value | write `primary-moves-to: …`",
    ),
    (
        "- primary-moves-to: 1",
        "- primary-moves-to: x",
        "11:25+1 `fire[0].meanwhile[0].primary-moves-to`: expected a whole number from 0 to 18446744073709551615, found `x` | -",
    ),
    (
        "- primary-moves-to: 1",
        "- { primary-moves-to: 1, nothing: }",
        "11:30+7 `fire[0].meanwhile[0]`: expected one key here, found a second one | split them into list items of one key each",
    ),
    (
        "cut: [1, 2]",
        "cut: [1]",
        "13:12+3 `fire[0].meanwhile[2].cut`: expected a list of 2, found one of 1 | -",
    ),
    (
        "cut: [1, 2]",
        "cut: 1",
        "13:12+1 `fire[0].meanwhile[2].cut`: expected a list of 2, found `1` | -",
    ),
    (
        "- nothing:\n",
        "- nothing: 1\n",
        "15:16+1 `fire[0].meanwhile[4].nothing`: expected nothing, found `1` | -",
    ),
    (
        "{ at: set_maintenance }",
        "x",
        "12:14+1 `fire[0].meanwhile[1].fault`: expected a mapping, found `x` | -",
    ),
    (
        "{ at: set_maintenance }",
        "{}",
        "12:14+2 `fire[0].meanwhile[1].fault` lacks the key `at` | add `at: …`",
    ),
];
