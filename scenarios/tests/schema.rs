//! The JSON Schema that editors use says what the reader does.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::collections::BTreeSet;

use jsonschema::Validator;
use pgdrill_core::{
    Amendment, Hook, Shape, StatusName,
    ports::{BackupKind, Call},
};
use pgdrill_scenarios::{
    Law, charts, corpus, explore::alphabet::changes, read_text, schema, template, yaml,
};
use pgdrill_sim::Change;
use serde_json::{Map, Value, json};

fn parsed() -> Value {
    serde_json::from_str(&schema()).unwrap()
}

fn validator() -> Validator {
    jsonschema::validator_for(&parsed()).unwrap()
}

/// The documents of a YAML text as an editor sees them.
fn values(text: &[u8]) -> Vec<Value> {
    let documents = yaml::documents_from_bytes(text, "text").into_iter();
    documents.map(|document| yaml::from_document(&document.unwrap()).unwrap()).collect()
}

#[track_caller]
fn fits(validator: &Validator, name: &str, text: &[u8]) {
    for value in values(text) {
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
}

#[test]
fn every_case_fits_the_schema() {
    let (validator, corpus) = (validator(), corpus());
    assert!(!corpus.files.is_empty());
    for (name, content, _) in &corpus.files {
        fits(&validator, name, content);
    }
}

#[test]
fn every_template_fits_the_schema() {
    let validator = validator();
    for &hook in Hook::ALL {
        fits(&validator, hook.name(), template(hook).as_bytes());
    }
}

/// What can happen in the middle of a command is said by `Change::has_midway`, by the schema and by the reader.
#[test]
fn the_schema_and_the_reader_let_the_same_happen_during_a_command() {
    let validator = validator();
    let changes = changes(1).into_iter().chain([Change::ProcessDies, Change::BackupIsKilled]);
    // Waiting is for a restore that somebody has asked for.
    for change in changes.filter(|change| !matches!(change, Change::Await(_))) {
        let moment = json!({ "during": "has_backup_creation_succeeded", "do": change });
        let fire = json!([{ "hook": "create-backup", "meanwhile": [moment] }]);
        let given = json!({ "units": 2, "tls": true, "s3": {} });
        let document = json!({ "scenario": "x", "given": given, "fire": fire });
        let can = change.has_midway();
        assert_eq!(validator.is_valid(&document), can, "schema: {change:?}");
        let text = document.to_string();
        let read = read_text(text.as_bytes(), "x").pop().unwrap();
        assert_eq!(read.is_ok(), can, "reader: {change:?}");
    }
}

/// Documents that neither the schema nor the reader lets pass.
const WRONG: &[&str] = &[
    "[]",
    "scenario: x",
    "fire: [{ hook: restore }]",
    "{ scenario: x, fire: [{ hook: restore, meanwhile: [{ at: call restore, do: process-dies }] }] }",
    "{ scenario: x, fire: [{ hook: restore, meanwhile: [{ during: has_database_stopped, do: process-dies }] }] }",
    "{ scenario: x, fire: [{ hook: create-backup, meanwhile: [{ during: call repository.info, do: process-dies }] }] }",
    "{ scenario: x, fire: [{ hook: create-backup, meanwhile: [{ during: call repository.back_up }] }] }",
    "{ scenario: x, fire: [{ hook: create-backup, meanwhile: [{ during: call repository.back_up, do: { dcs: down } }] }] }",
    "{ scenario: x, fire: [{ hook: create-backup, meanwhile: [{ during: call repository.back_up, do: { member: { unit: 0, is: frozen } } }] }] }",
    "{ scenario: x, fire: [{ hook: create-backup, meanwhile: [{ during: call repository.back_up, do: { service: { unit: 0, name: database, is: stopped } } }] }] }",
    "{ scenario: x, fire: [{ hook: restore, meanwhile: [{ during: has_backup_creation_succeeded, do: process-dies }] }] }",
    "{ scenario: x, fire: [{ hook: create-backup, meanwhile: [{ at: has_backup_creation_succeeded, do: backup-is-killed }] }] }",
    "{ scenario: x, fire: [{ hook: create-backup, meanwhile: [{ after: call repository.back_up, do: backup-is-killed }] }] }",
    "scenario: x\nfire: [{ hook: create-backup }, { do: backup-is-killed }]",
    "{ scenario: x, fire: [{ hook: create-backup, meanwhile: [{ at: set_maintenance, during: has_backup_creation_succeeded, do: process-dies }] }] }",
    "scenario: 1\nfire: restore",
    "scenario: x\nfire: { hook: restore }",
    "scenario: x\nfier: []\nfire: [{ hook: restore }]",
    "scenario: x\nfire: [{ hook: restor }]",
    "scenario: x\nfire: [{ hok: restore }]",
    "scenario: x\nfire: [{ hook: restore, unit: -1 }]",
    "scenario: x\nfire: [{ hook: restore, unit: zero }]",
    "scenario: x\nfire: [{ hook: restore, params: [backup-id] }]",
    "scenario: x\nfire: [{ hook: restore, meanwhile: [{ at: is_leader }] }]",
    "scenario: x\nfire: [{ hook: restore, meanwhile: [{ at: is_leadr, do: process-dies }] }]",
    "scenario: x\nfire: [{ hook: restore, meanwhile: [{ do: process-dies }] }]",
    "scenario: x\nfire: [{ hook: restore, meanwhile: [{ lost: cluster.aply }] }]",
    "scenario: x\nfire: [{ hook: restore, meanwhile: [{ lost: unit.identity }] }]",
    "scenario: x\nfire: [{ hook: restore, meanwhile: [{ lost: object store.put }] }]",
    "scenario: x\nfire: [{ hook: restore, meanwhile: [{ lost: cluster.apply, do: process-dies }] }]",
    "scenario: x\nfire: [{ hook: restore, meanwhile: [{ lost: cluster.apply, at: is_leader }] }]",
    "scenario: x\nfire: [{ hook: restore, meanwhile: [{ lost: cluster.apply, at: is_leader, do: process-dies }] }]",
    "scenario: x\nfire: [{ hook: restore, meanwhile: [{ at: is_leader, after: is_leader, do: process-dies }] }]",
    "scenario: x\nfire: [{ hook: restore }, { do: process-die }]",
    "scenario: x\nfire: [{ hook: restore }, { do: { tls: maybe } }]",
    "scenario: x\nfire: [{ hook: restore }, { do: { tls: on, dcs: up } }]",
    "scenario: x\nfire: [{ hook: restore }, { do: { member: { unit: 0 } } }]",
    "scenario: x\nfire: [{ hook: restore }, { do: { member: { unit: 0, is: asleep } } }]",
    "scenario: x\ncovers: [set_active]\nfire: [{ hook: restore }]",
    "scenario: x\ncovers: [restore/set_active]\nfire: [{ hook: restore }]",
    "scenario: x\nwithout: [reopen]\nfire: [{ hook: restore }]",
    "scenario: x\ngiven: { units: two }\nfire: [{ hook: restore }]",
    "scenario: x\ngiven: { tls: 'true' }\nfire: [{ hook: restore }]",
    "scenario: x\ngiven: { leaders: 1 }\nfire: [{ hook: restore }]",
    "scenario: x\ngiven: { s3: { missing: [key] } }\nfire: [{ hook: restore }]",
    "scenario: x\ngiven: { s3: { endpoint: down } }\nfire: [{ hook: restore }]",
    "scenario: x\ngiven: { backups: full }\nfire: [{ hook: restore }]",
    "scenario: x\ngiven: { statuses: { zero: { name: active } } }\nfire: [{ hook: restore }]",
    "scenario: x\ngiven: { statuses: { 0: { name: busy } } }\nfire: [{ hook: restore }]",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { outcome: fine }",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { statuses: { 0: busy } }",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { statuses: { 0: { message: x } } }",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { statuses: { 0: { name: busy } } }",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { statuses: { 0: { name: active, mesage: x } } }",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { results: [restore-status] }",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { connections: { 0: open } }",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { backups: 1 }",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { primary: nobody }",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { primary: 9 }",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { services: { 0: running } }",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { services: { 0: {} } }",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { services: { 0: { databse: running } } }",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { backups: [whole] }",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { objects: { latest: gone } }",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { not-visited: [set_active] }",
    "scenario: x\nfire: [{ hook: restore, unit: each }]",
    "scenario: x\nfire: [{ hook: restore, unit: 4294967296 }]",
    "scenario: x\nfire: [{ hook: restore, then: { outcome: fine } }]",
    "scenario: x\nfire: [{ hook: restore, then: { damage: [left-closed] } }]",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { damage: [left-open] }",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { damage: [{ left-closed: 0, left-blocked: 0 }] }",
    "scenario: x\nfire: [{ hook: restore }]\nknown: [{ law: left-closed }]",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { damage: [{ left-open: 0 }] }",
    "scenario: x\nfire: []",
    "scenario: ' '\nfire: [{ hook: restore }]",
    "scenario: x\nfire: [{ do: primary-is-lost }]",
    "scenario: x\nfire: [{ do: process-dies }, { hook: restore }]",
    "scenario: x\nfire: [{ do: primary-is-lost, then: { outcome: error } }, { hook: restore }]",
    "scenario: x\nfire: [{ hook: restore, unit: all, meanwhile: [{ at: rtn, do: process-dies }] }]",
    "scenario: x\nfire: [{ hook: restore }, { do: { archive-delay: 4294967296 } }]",
    "scenario: x\nfire: [{ hook: null }]",
    "scenario: x\nfire: [{}]",
    "scenario: x\nfire: [{ unit: 0 }]",
    "scenario: x\nfire: [{ hook: restore, do: process-dies }]",
    "scenario: x\nfire: [{ hook: restore, settle: true }]",
    "scenario: x\nfire: [{ settle: true, unit: 0 }, { hook: restore }]",
    "scenario: x\nfire: [{ do: primary-is-lost, unit: 0 }, { hook: restore }]",
    "scenario: x\nfire: [{ do: primary-is-lost, params: { type: full } }, { hook: restore }]",
    "scenario: x\nfire: [{ hook: restore, unit: 9 }]",
    "scenario: x\nfire: [{ hook: restore, params: { type: full } }]",
    "scenario: x\nfire: [{ hook: create-backup, params: { type: whole } }]",
    "scenario: x\nfire: [{ hook: update-status, params: { x-a: b } }]",
    "scenario: x\nfire: [{ hook: restore, meanwhile: [{ at: set_active, do: process-dies }] }]",
    "scenario: x\nfire: [{ hook: update-status, then: { results: { a: b } } }]",
    "scenario: x\ngiven: { leader: 9 }\nfire: [{ hook: restore }]",
    "scenario: x\ngiven: { units: 0 }\nfire: [{ hook: restore }]",
    "scenario: x\ngiven: { units: 10 }\nfire: [{ hook: restore }]",
    "scenario: x\ngiven: { planned-units: 0 }\nfire: [{ hook: restore }]",
    "scenario: x\ngiven: { statuses: { 9: { name: active } } }\nfire: [{ hook: restore }]",
    "scenario: x\nfire: [{ hook: restore }, { do: { scale-to: 10 } }]",
    "scenario: x\nfire: [{ hook: restore }, { do: { scale-to: 0 } }]",
    "scenario: x\nfire: [{ hook: restore }, { do: { primary-moves-to: 9 } }]",
    "scenario: x\nfire: [{ hook: restore }]\nknown: [{ law: left-closed, because: ' ' }]",
    "scenario: x\ngiven: { units: 2 }\nfire: [{ together: [{ hook: restore, unit: 0 }], order: [{ unit: 0 }] }]",
    "scenario: x\ngiven: { units: 2 }\nfire: [{ together: [{ hook: restore, unit: 0 }, { hook: restore, unit: 1 }] }]",
    "scenario: x\ngiven: { units: 2 }\nfire: [{ together: [{ hook: restore, unit: 0 }, { hook: restore, unit: 1 }], order: [] }]",
    "scenario: x\ngiven: { units: 2 }\nfire: [{ together: [{ hook: restore, unit: 0 }, { hook: restore }], order: [{ unit: 0 }] }]",
    "scenario: x\ngiven: { units: 2 }\nfire: [{ together: [{ hook: restore, unit: 0 }, { unit: 1 }], order: [{ unit: 0 }] }]",
    "scenario: x\ngiven: { units: 2 }\nfire: [{ together: [{ hook: restore, unit: 0 }, { hook: restore, unit: 1 }], order: [{ until: rtn }] }]",
    "scenario: x\ngiven: { units: 2 }\nfire: [{ together: [{ hook: restore, unit: 0 }, { hook: restore, unit: 1 }], order: [{ unit: 0, until: nowhere }] }]",
    "scenario: x\ngiven: { units: 2 }\nfire: [{ together: [{ hook: restore, unit: 0 }, { hook: restore, unit: 1 }], order: [{ unit: 0, until: rtn, after: rtn }] }]",
    "scenario: x\ngiven: { units: 2 }\nfire: [{ together: [{ hook: restore, unit: 0 }, { hook: restore, unit: 1 }], order: [{ unit: 0, during: rtn }] }]",
    "scenario: x\ngiven: { units: 2 }\nfire: [{ together: [{ hook: restore, unit: 0, params: { type: full } }, { hook: restore, unit: 1 }], order: [{ unit: 0 }] }]",
    "scenario: x\ngiven: { units: 2 }\nfire: [{ together: [{ hook: restore, unit: 0, then: { primary: 0 } }, { hook: restore, unit: 1 }], order: [{ unit: 0 }] }]",
    "scenario: x\ngiven: { units: 2 }\nfire: [{ together: [{ hook: restore, unit: 0 }, { hook: restore, unit: 1 }], order: [{ unit: 0 }], then: { outcome: failed } }]",
    "scenario: x\ngiven: { units: 2 }\nfire: [{ hook: restore, together: [{ hook: restore, unit: 0 }, { hook: restore, unit: 1 }], order: [{ unit: 0 }] }]",
    "scenario: x\ngiven: { units: 2 }\nfire: [{ hook: restore, order: [{ unit: 0 }] }]",
    "scenario: x\ngiven: { units: 2 }\nfire: [{ unit: 0, together: [{ hook: restore, unit: 0 }, { hook: restore, unit: 1 }], order: [{ unit: 0 }] }]",
];

#[test]
fn what_the_reader_refuses_for_its_form_does_not_fit_the_schema() {
    let validator = validator();
    for text in WRONG {
        let value = values(text.as_bytes()).pop().unwrap();
        assert!(!validator.is_valid(&value), "the schema lets pass: {text}");
        assert!(read_text(text.as_bytes(), "text").pop().unwrap().is_err(), "read: {text}");
    }
}

/// Documents of every expectation, that both the schema and the reader let pass.
const RIGHT: &[&str] = &[
    "scenario: x\nfire: [{ settle: true }]",
    "scenario: x\nfire: [{ hook: restore, unit: all, then: { outcome: failed, message: x } }]",
    "scenario: x\nfire: [{ hook: restore, unit: 0, then: { results: { restore-status: x } } }]",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { statuses: { 0: { name: active, message: x } } }",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { connections: { 0: refused }, backups: [failed] }",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { objects: { '*': absent } }",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { primary: 0, services: { 0: { database: running } } }",
    "scenario: x\nfire: [{ hook: restore, then: { primary: none, services: { 0: { tls-server: unknown } } } }]",
    r#"{"scenario":"x","given":{"statuses":{"0":{"name":"active"}}},"fire":[{"hook":"restore"}],"then":{"statuses":{"0":"active"},"connections":{"0":"accepted"}}}"#,
    "scenario: x\nfire: [{ hook: restore, params: { x-note: y } }, { do: primary-is-lost }]",
    "scenario: x\nfire: [{ hook: create-backup, params: { type: differential }, settle: false }]",
    "scenario: 5\ngiven: { planned-units: 10 }\nfire: [{ hook: restore, params: { backup-id: 5 } }]",
    "scenario: x\nfire: [{ settle: true, params: {}, meanwhile: [], unit: null }, { hook: restore, do: null }]",
    "scenario: x\nfire: [{ do: primary-is-lost, hook: null }, { hook: update-status, then: { results: {}, damage: [] } }]",
    "scenario: x\nfire: [{ hook: restore, meanwhile: [{ at: fail_action, do: primary-is-lost, after: null }] }]",
    "scenario: x\nfire: [{ hook: restore, meanwhile: [{ lost: cluster.apply, do: null }] }]",
    "scenario: x\nfire: [{ hook: restore }]\nthen: { message: 2026 }",
    "scenario: x\nfire: [{ settle: true, then: { not-visited: [update-status/hook_fired] } }, { hook: restore }]",
];

#[test]
fn what_the_reader_takes_fits_the_schema() {
    let validator = validator();
    for text in RIGHT {
        fits(&validator, text, text.as_bytes());
        if let Err(error) = read_text(text.as_bytes(), "text").pop().unwrap() {
            panic!("{text}: {error}");
        }
    }
}

/// The names that a definition lists, whether as an `enum` or one `const` each.
fn names(definition: &Value) -> BTreeSet<&str> {
    let words = definition["enum"].as_array().into_iter().flatten();
    let variants = definition["oneOf"].as_array().into_iter().flatten();
    words.chain(variants.filter_map(|v| v.get("const"))).filter_map(Value::as_str).collect()
}

fn set<'n>(names: impl IntoIterator<Item = &'n str>) -> BTreeSet<&'n str> {
    names.into_iter().collect()
}

#[test]
fn the_names_in_the_schema_are_those_of_the_core() {
    let schema = parsed();
    let definitions = schema["$defs"].as_object().unwrap();
    let shapes: Vec<String> = charts()
        .iter()
        .flat_map(|(hook, chart)| chart.nodes.iter().map(move |n| format!("{hook}/{}", n.id)))
        .collect();
    let statuses = || StatusName::ALL.iter().map(|status| status.name());
    let expected = [
        ("Hook", set(Hook::ALL.iter().map(|hook| hook.name()))),
        ("Amendment", set(Amendment::ALL.iter().map(|amendment| amendment.name()))),
        ("Shape", set(Shape::all().map(Shape::id))),
        ("ChartShape", set(shapes.iter().map(String::as_str))),
        ("StatusName", set(statuses())),
        ("Law", set(Law::ALL.iter().map(|law| law.name()))),
        ("Outcome", set(["returned", "deferred", "failed", "finished", "error"])),
        ("Call", set(Call::ALL.iter().map(|call| call.name()))),
    ];
    for (name, expected) in &expected {
        assert_eq!(names(&definitions[*name]), *expected, "{name}");
        let members = definitions[*name]["oneOf"].as_array().unwrap();
        let has_sentence = |it: &&Value| {
            it["description"].as_str().is_some_and(|about| about.ends_with(['.', '?']))
        };
        let without: Vec<&Value> = members.iter().filter(|it| !has_sentence(it)).collect();
        assert!(without.is_empty(), "{name}: {without:#?}");
    }
    let lacks_words = definitions.iter().filter(|(_, definition)| definition.get("enum").is_some());
    assert_eq!(lacks_words.count(), 0, "an `enum` says nothing about its members");
    assert_eq!(schema["$id"], "urn:pgdrill:scenario");
    assert_eq!(names(&definitions["StatusKind"]), set(statuses()));
    // A backup may also be given as a failed one.
    let mut kinds = set(BackupKind::ALL.iter().map(|kind| kind.name()));
    kinds.insert("failed");
    assert_eq!(names(&definitions["BackupGiven"]), kinds);
}

/// The smallest value that fits a definition.
fn smallest(definitions: &Map<String, Value>, schema: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
        return smallest(definitions, &definitions[name]);
    }
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    if let Some(first) = schema["oneOf"].as_array().and_then(|variants| variants.first()) {
        return smallest(definitions, first);
    }
    match schema["type"].as_str().or_else(|| schema["type"][0].as_str()) {
        Some("integer") => json!(1),
        Some("string") => json!("text"),
        Some("object") => {
            let required = schema["required"].as_array().into_iter().flatten();
            let entry =
                |key: &str| (key.to_owned(), smallest(definitions, &schema["properties"][key]));
            Value::Object(required.filter_map(Value::as_str).map(entry).collect())
        }
        other => panic!("no value of {other:?}: {schema}"),
    }
}

#[test]
fn every_change_that_the_schema_lists_is_read_and_bears_its_name() {
    let schema = parsed();
    let definitions = schema["$defs"].as_object().unwrap();
    let variants = definitions["Change"]["oneOf"].as_array().unwrap();
    assert!(variants.len() > 20, "{}", variants.len());
    for variant in variants {
        let change = smallest(definitions, variant);
        let name = change.as_object().map_or_else(
            || change.as_str().unwrap().to_owned(),
            |object| object.keys().next().unwrap().clone(),
        );
        // Nothing but a backup in its middle can be killed.
        let (hook, key, place) = match &*name {
            "backup-is-killed" => ("create-backup", "during", "call repository.back_up"),
            _ => ("restore", "at", "hook_fired"),
        };
        let step = json!({ key: place, "do": change });
        let document = json!({
            "scenario": "x",
            "given": { "units": 2 },
            "fire": [{ "hook": hook, "meanwhile": [step] }],
        });
        assert!(validator().is_valid(&document), "{document}");
        // JSON is YAML.
        let read = read_text(document.to_string().as_bytes(), "text").pop().unwrap();
        let read = read.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(read.fire[0].meanwhile[0].change.as_ref().map(Change::name), Some(&*name));
    }
}

#[test]
fn every_call_that_the_schema_lists_can_be_lost() {
    for call in Call::ALL {
        let document = json!({
            "scenario": "x",
            "fire": [{ "hook": "restore", "meanwhile": [{ "lost": call.name() }] }],
        });
        assert!(validator().is_valid(&document), "{document}");
        let read = read_text(document.to_string().as_bytes(), "text").pop().unwrap();
        let read = read.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(read.fire[0].meanwhile[0].lost.map(|name| name.0), Some(*call));
    }
}
