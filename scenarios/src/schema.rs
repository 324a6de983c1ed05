//! The JSON Schema of the scenario file.

use pgdrill_core::{Hook, ports::BackupKind};
use pgdrill_sim::{At, MOST_UNITS};
use serde_json::{Map, Value, json};

use crate::{charts, scenario::Scenario};

/// The name of the schema.
const ID: &str = "urn:pgdrill:scenario";

/// The JSON Schema of one scenario document, made from the very types that read it.
#[must_use]
pub fn schema() -> String {
    // A schema is a JSON value; writing one does not fail.
    serde_json::to_string_pretty(&schema_value()).unwrap_or_default() + "\n"
}

/// The schema as a value, with what the types alone can't say: how many units there are, what a step may hold, and what
/// each hook takes.
pub(crate) fn schema_value() -> Value {
    let mut schema = schemars::schema_for!(Scenario).to_value();
    bound(&mut schema);
    if let Some(step) = schema.pointer_mut("/$defs/FireStep").and_then(Value::as_object_mut) {
        step.insert("oneOf".to_owned(), steps());
        let rules = Hook::ALL.iter().map(|&hook| of_hook(hook)).chain([of_all_units()]);
        step.insert("allOf".to_owned(), rules.collect());
    }
    if let Some(event) =
        schema.pointer_mut("/$defs/OverlappingEvent").and_then(Value::as_object_mut)
    {
        event.insert("allOf".to_owned(), Hook::ALL.iter().map(|&hook| of_hook(hook)).collect());
    }
    for (at, key, value) in [
        ("", "$id", json!(ID)),
        ("/$defs/Meanwhile", "oneOf", moments()),
        ("/$defs/OrderedTurn", "oneOf", turns()),
        ("/$defs/OverlappingEvent/properties/then", "properties", of_one_of_several()),
        // Changes alone fire nothing.
        (
            "/properties/fire",
            "contains",
            json!({ "anyOf": [
                { "required": ["hook"], "properties": { "hook": given() } },
                { "required": ["together"], "properties": { "together": { "minItems": 2 } } },
                { "required": ["settle"], "properties": { "settle": { "const": true } } },
            ] }),
        ),
        ("/$defs/ExpectedServices", "minProperties", json!(1)),
        ("/properties/scenario", "pattern", json!("\\S")),
        ("/$defs/KnownDamage/properties/because", "pattern", json!("\\S")),
    ] {
        if let Some(node) = schema.pointer_mut(at).and_then(Value::as_object_mut) {
            node.insert(key.to_owned(), value);
        }
    }
    schema
}

/// What an optional key may hold where it belongs to another kind of step.
fn absent() -> Value {
    json!({ "type": "null" })
}

/// What an optional key holds where it is needed.
fn given() -> Value {
    json!({ "not": { "type": "null" } })
}

/// Has every number be one that can be, and a text be written as any scalar, as YAML has it.
fn bound(node: &mut Value) {
    match node {
        Value::Object(entries) => {
            let is_free = !entries.contains_key("const") && !entries.contains_key("enum");
            match entries.get("type") {
                Some(Value::String(text)) if text == "string" && is_free => {
                    entries.insert("type".to_owned(), json!(["string", "number", "boolean"]));
                }
                Some(Value::Array(types)) if types.iter().any(|it| it == "string") => {
                    entries
                        .insert("type".to_owned(), json!(["string", "number", "boolean", "null"]));
                }
                _ => {}
            }
            let most = match entries.get("format").and_then(Value::as_str) {
                Some("uint32") => Some(json!(u32::MAX)),
                Some("uint64") => Some(json!(u64::MAX)),
                _ => None,
            };
            if let Some(most) = most {
                entries.entry("maximum").or_insert(most);
            }
            if let Some(properties) = entries.get_mut("properties").and_then(Value::as_object_mut) {
                properties.iter_mut().for_each(|(key, value)| bound_number(key, value));
            }
            if let Some(patterns) =
                entries.get_mut("patternProperties").and_then(Value::as_object_mut)
                && let Some(by_unit) = patterns.remove(r"^\d+$")
            {
                patterns.insert(format!("^[0-{}]$", MOST_UNITS - 1), by_unit);
            }
            entries.values_mut().for_each(bound);
        }
        Value::Array(items) => items.iter_mut().for_each(bound),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn bound_number(key: &str, node: &mut Value) {
    let (least, most) = match key {
        "unit"
        | "leader"
        | "primary"
        | "primary-moves-to"
        | "leader-moves-to"
        | "service-will-not-stop" => (0, MOST_UNITS - 1),
        "scale-to" => (1, MOST_UNITS),
        // An application may be to have more units than can be rehearsed.
        "planned-units" => (1, u32::MAX),
        _ => return,
    };
    if let Some(entries) = node.as_object_mut().filter(|it| it.contains_key("minimum")) {
        entries.insert("minimum".to_owned(), json!(least));
        entries.insert("maximum".to_owned(), json!(most));
    }
}

/// A turn ends at one place at most.
fn turns() -> Value {
    let keys = ["until", "during", "after"];
    let turn = |own: Option<&str>| {
        let rule = |key: &str| if own == Some(key) { given() } else { absent() };
        let rules: Map<String, Value> =
            keys.map(|key| (key.to_owned(), rule(key))).into_iter().collect();
        json!({ "required": own.as_slice(), "properties": rules })
    };
    json!([turn(None), turn(Some("until")), turn(Some("during")), turn(Some("after"))])
}

/// What may be expected of one of several hooks that run at the same time: nothing of what they may all change.
fn of_one_of_several() -> Value {
    json!({
        "statuses": { "maxProperties": 0 },
        "connections": { "maxProperties": 0 },
        "services": { "maxProperties": 0 },
        "primary": absent(),
        "backups": absent(),
        "objects": { "maxProperties": 0 },
        "damage": { "maxItems": 0 },
    })
}

/// The four kinds of step: none holds what belongs to another.
fn steps() -> Value {
    let of_no_hook = json!({
        "hook": absent(),
        "unit": absent(),
        "params": { "maxProperties": 0 },
        "meanwhile": { "maxItems": 0 },
        "together": { "maxItems": 0 },
        "order": { "maxItems": 0 },
        "then": { "properties": {
            "outcome": absent(), "message": absent(), "results": { "maxProperties": 0 },
        } },
    });
    let with = |own: Value| {
        let mut all = of_no_hook.clone();
        if let (Some(all), Value::Object(own)) = (all.as_object_mut(), own) {
            all.extend(own);
        }
        all
    };
    let not_between = json!({ "not": { "enum": ["process-dies", "backup-is-killed"] } });
    json!([
        {
            "required": ["hook"],
            "properties": {
                "hook": given(),
                "together": { "maxItems": 0 },
                "order": { "maxItems": 0 },
                "do": absent(),
                "settle": { "const": false },
            },
        },
        {
            "required": ["together", "order"],
            "properties": with(json!({
                "together": { "minItems": 2 },
                "order": { "minItems": 1 },
                "do": absent(),
                "settle": { "const": false },
            })),
        },
        {
            "required": ["do"],
            "properties": with(json!({
                "do": { "allOf": [given(), not_between] },
                "settle": { "const": false },
            })),
        },
        {
            "required": ["settle"],
            "properties": with(json!({ "do": absent(), "settle": { "const": true } })),
        },
    ])
}

/// A `meanwhile` is of one firing.
fn of_all_units() -> Value {
    json!({
        "if": { "required": ["unit"], "properties": { "unit": { "const": "all" } } },
        "then": { "properties": { "meanwhile": { "maxItems": 0 } } },
    })
}

/// The kinds of moment: a change before, during or after a shape or call, and an answer that is lost.
fn moments() -> Value {
    let moment = |needed: &[&str]| {
        let keys = ["at", "during", "after", "lost", "do"];
        let rule = |key: &str| if needed.contains(&key) { given() } else { absent() };
        let rules: Map<String, Value> =
            keys.map(|key| (key.to_owned(), rule(key))).into_iter().collect();
        json!({ "required": needed, "properties": rules })
    };
    let mut during = moment(&["during", "do"]);
    if let Some(rules) = during.pointer_mut("/properties").and_then(Value::as_object_mut) {
        rules.insert("do".to_owned(), midway());
    }
    let [mut at, mut after] = [moment(&["at", "do"]), moment(&["after", "do"])];
    for beside in [&mut at, &mut after] {
        if let Some(rules) = beside.pointer_mut("/properties").and_then(Value::as_object_mut) {
            let rule = json!({ "allOf": [given(), { "not": { "const": "backup-is-killed" } }] });
            rules.insert("do".to_owned(), rule);
        }
    }
    json!([at, during, after, moment(&["lost"])])
}

/// The changes of which it is known how a command goes on in whose middle they happen, as `Change::has_midway` has them.
fn midway() -> Value {
    let of = |name: &str, rest: Value| json!({ "required": [name], "properties": { name: rest } });
    let has = |key: &str, value: &str| json!({ "required": [key], "properties": { key: { "const": value } } });
    json!({ "anyOf": [
        { "enum": ["process-dies", "backup-is-killed"] },
        { "type": "object", "anyOf": [
            of("primary-moves-to", json!(true)),
            of("leader-moves-to", json!(true)),
            of("s3-server", json!(true)),
            of("member", has("is", "killed")),
            of("service", has("name", "tls-server")),
        ] },
    ] })
}

/// What a step that fires a hook may hold: its parameters, the shapes of its chart, and results if it is an action.
fn of_hook(hook: Hook) -> Value {
    let parameters: Map<String, Value> = hook
        .declared_parameters()
        .iter()
        .map(|&name| {
            let kinds = BackupKind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>();
            let value = if name == "type" { json!({ "enum": kinds }) } else { json!(true) };
            (name.to_owned(), value)
        })
        .collect();
    let mut parameters = json!({ "properties": parameters, "additionalProperties": false });
    if let Some(entries) = parameters.as_object_mut().filter(|_| hook.is_action()) {
        // No action knows them, and Juju lets them through.
        entries.insert("patternProperties".to_owned(), json!({ "^x-": true }));
    }
    let nodes = charts::chart(hook).map_or(&[][..], |chart| chart.nodes.as_slice());
    let shapes: Vec<&str> = nodes.iter().map(|node| node.id.as_str()).collect();
    let is_call = json!({ "pattern": format!("^{}", At::CALL) });
    let here = json!({ "anyOf": [absent(), { "enum": shapes }, is_call] });
    let moment = json!({ "properties": { "at": here, "during": here, "after": here } });
    let then = if hook.is_action() {
        json!(true)
    } else {
        json!({ "properties": { "results": { "maxProperties": 0 } } })
    };
    json!({
        "if": { "required": ["hook"], "properties": { "hook": { "const": hook.name() } } },
        "then": {
            "properties": { "params": parameters, "meanwhile": { "items": moment }, "then": then },
        },
    })
}
