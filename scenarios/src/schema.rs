//! The JSON Schema of the scenario file.

use pgdrill_core::{Hook, ports::BackupKind};
use pgdrill_sim::MOST_UNITS;
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
    bound_units(&mut schema);
    if let Some(step) = schema.pointer_mut("/$defs/FireStep").and_then(Value::as_object_mut) {
        step.insert("oneOf".to_owned(), steps());
        step.insert("allOf".to_owned(), Hook::ALL.iter().map(|&hook| of_hook(hook)).collect());
    }
    for (at, key, value) in [
        ("", "$id", json!(ID)),
        ("/properties/fire", "minItems", json!(1)),
        ("/$defs/KnownDamage/properties/because", "pattern", json!("\\S")),
    ] {
        if let Some(node) = schema.pointer_mut(at).and_then(Value::as_object_mut) {
            node.insert(key.to_owned(), value);
        }
    }
    schema
}

/// Has every number of a unit, and of units, be one that can be.
fn bound_units(node: &mut Value) {
    match node {
        Value::Object(entries) => {
            if let Some(properties) = entries.get_mut("properties").and_then(Value::as_object_mut) {
                properties.iter_mut().for_each(|(key, value)| bound_unit(key, value));
            }
            if let Some(patterns) =
                entries.get_mut("patternProperties").and_then(Value::as_object_mut)
                && let Some(by_unit) = patterns.remove(r"^\d+$")
            {
                patterns.insert(format!("^[0-{}]$", MOST_UNITS - 1), by_unit);
            }
            entries.values_mut().for_each(bound_units);
        }
        Value::Array(items) => items.iter_mut().for_each(bound_units),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn bound_unit(key: &str, node: &mut Value) {
    let (least, most) = match key {
        "unit"
        | "leader"
        | "primary"
        | "primary-moves-to"
        | "leader-moves-to"
        | "service-will-not-stop" => (0, MOST_UNITS - 1),
        "scale-to" | "planned-units" => (1, MOST_UNITS),
        _ => return,
    };
    if let Some(entries) = node.as_object_mut().filter(|it| it.contains_key("minimum")) {
        entries.insert("minimum".to_owned(), json!(least));
        entries.insert("maximum".to_owned(), json!(most));
    }
}

/// The three kinds of step: none holds what belongs to another.
fn steps() -> Value {
    json!([
        {
            "required": ["hook"],
            "properties": { "do": false, "settle": { "const": false } },
        },
        {
            "required": ["do"],
            "properties": {
                "hook": false, "unit": false, "params": false, "meanwhile": false,
                "settle": { "const": false },
            },
        },
        {
            "required": ["settle"],
            "properties": {
                "hook": false, "unit": false, "params": false, "meanwhile": false, "do": false,
                "settle": { "const": true },
            },
        },
    ])
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
    let moment = json!({
        "properties": { "at": { "enum": shapes }, "after": { "enum": shapes } },
    });
    let then =
        if hook.is_action() { json!(true) } else { json!({ "properties": { "results": false } }) };
    json!({
        "if": { "required": ["hook"], "properties": { "hook": { "const": hook.name() } } },
        "then": {
            "properties": { "params": parameters, "meanwhile": { "items": moment }, "then": then },
        },
    })
}
