//! The JSON Schema of the scenario file.

use crate::scenario::Scenario;

/// The JSON Schema of one scenario document, made from the very types that read it.
#[must_use]
pub fn schema() -> String {
    let schema = schemars::schema_for!(Scenario);
    // A schema is a JSON value; writing one does not fail.
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}
