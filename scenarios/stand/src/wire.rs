//! What is asked at the world's socket: one JSON object a line, answered by one.

use serde::{Deserialize, Serialize};

/// One question.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "ask")]
pub(super) enum Ask {
    /// A dispatch says that it is there.
    Join,
    /// What time is it?
    Now,
    /// So many milliseconds pass.
    Wait { millis: u64 },
    /// The firing is about to carry out this shape.
    Arrive { shape: String },
    /// The firing has carried out this shape.
    Leave { shape: String },
    /// A port is about to be called.
    Call { place: String },
    /// A port was called, whatever came of it.
    Called { place: String },
    /// A call of a port that changes something was made at this shape or at none, or any failed with this cause.
    Made { at: Option<String>, place: String, failure: Option<String> },
    /// The firing was ordered to die, and this is the line that reports it.
    Die { line: String },
    /// A hook tool was run for this unit.
    Tool { unit: u32, argv: Vec<String>, stdin: String },
}

/// One answer; what the question does not ask for is left out.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct WorldAnswer {
    /// Milliseconds since 1970.
    #[serde(skip_serializing_if = "is_nothing")]
    pub(super) now: i64,
    /// Whether the process is to die here.
    #[serde(skip_serializing_if = "is_nothing")]
    pub(super) dies: bool,
    /// The amendments that are switched off.
    #[serde(skip_serializing_if = "is_nothing")]
    pub(super) off: Vec<String>,
    /// Whether changes wait at shapes.
    #[serde(skip_serializing_if = "is_nothing")]
    pub(super) is_armed: bool,
    /// Whether the answer of the port call never comes.
    #[serde(skip_serializing_if = "is_nothing")]
    pub(super) is_lost: bool,
    /// Whether every port call is to be reported.
    #[serde(skip_serializing_if = "is_nothing")]
    pub(super) counts_calls: bool,
    /// The exit code of a hook tool.
    #[serde(skip_serializing_if = "is_nothing")]
    pub(super) code: u8,
    /// What it writes to standard output.
    #[serde(skip_serializing_if = "is_nothing")]
    pub(super) stdout: String,
    /// What it writes to standard error.
    #[serde(skip_serializing_if = "is_nothing")]
    pub(super) stderr: String,
}

fn is_nothing<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
