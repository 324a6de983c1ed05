//! What a change is reported as.

use serde_json::{Value, json};

/// When every change began: a rehearsal has no time of its own that Pebble could tell.
const SPAWNED: &str = "2024-01-01T00:00:00Z";

/// What a change is about.
#[derive(Debug, Clone)]
pub(super) struct ChangeOf {
    /// `exec`, `start` or `stop`.
    pub(super) kind: String,
    /// What its one task does, as `exec command "x"`.
    pub(super) summary: String,
    /// The line of its task's log.
    pub(super) noted: Option<String>,
}

impl ChangeOf {
    pub(super) fn new(kind: &str, summary: String) -> Self {
        Self { kind: kind.to_owned(), summary, noted: None }
    }

    pub(super) fn noting(self, noted: Option<String>) -> Self {
        Self { noted, ..self }
    }

    /// The change, once it is ready: its error, the exit code of its command, and what its task noted.
    pub(super) fn ready(&self, id: &str, error: Option<&str>, code: Option<i32>) -> Value {
        let Self { kind, summary, noted } = self;
        let status = if error.is_some() { "Error" } else { "Done" };
        let data = code.map(|code| json!({ "exit-code": code }));
        let mut task = json!({
            "id": id, "kind": kind, "summary": summary, "status": status,
            "progress": { "label": "", "done": 1, "total": 1 }, "spawn-time": SPAWNED,
        });
        add(&mut task, "data", data);
        let log = noted.as_ref().map(|line| json!([format!("{SPAWNED} INFO {line}")]));
        add(&mut task, "log", log);
        let error = error
            .map(|why| format!("cannot perform the following tasks:\n- {summary} ({why})").into());
        let mut change = json!({
            "id": id, "kind": kind, "summary": summary, "status": status, "ready": true,
            "tasks": [task], "spawn-time": SPAWNED,
        });
        add(&mut change, "err", error);
        change
    }
}

/// Adds what is there; what is not is left out.
fn add(to: &mut Value, name: &str, value: Option<Value>) {
    if let (Some(to), Some(value)) = (to.as_object_mut(), value) {
        to.insert(name.to_owned(), value);
    }
}
