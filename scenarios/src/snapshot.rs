//! The transcript of a run: what the snapshot of a scenario keeps.

use std::fmt::Write as _;

use pgdrill_core::{
    Firing, Step,
    ports::{MemberState, ServiceState, key},
};
use pgdrill_flow::{shown, shown_lines};
use pgdrill_sim::{Facts, Fired, Observation, UnitSeen};

use crate::{
    run::Run,
    tokens::{error_code, with_tokens, with_values},
};

/// With what the line begins in which an object says when a backup was asked for.
const REQUESTED: &str = "Date Backup Requested:";
/// How many lines of an object a transcript shows.
const CONTENT_LINES: usize = 8;

/// What a run showed, in a form that is the same for every run and every backend: labels and times are
/// replaced by tokens.
#[must_use]
pub fn transcript(run: &Run) -> String {
    with_tokens(&untokened(run), &run.observation.backups)
}

/// The lines of a transcript that keep a cause to themselves: each as the transcript has it, and with the cause.
pub(crate) fn causes(run: &Run) -> Vec<(String, String)> {
    let (text, backups) = (untokened(run), &run.observation.backups);
    let with = |line| (with_tokens(line, backups), with_values(line, backups));
    text.lines().map(with).filter(|(line, in_full)| line != in_full).collect()
}

fn untokened(run: &Run) -> String {
    let mut out = firings(run.firings.iter().map(|step| &step.fired));
    let seen = &run.observation;
    for unit in &seen.units {
        write_unit(&mut out, unit, seen.primary);
        if let Some(facts) = seen.facts.as_deref() {
            write_unit_facts(&mut out, unit, seen.primary, facts);
        }
    }
    write_rest(&mut out, seen);
    out
}

/// Firings as a transcript shows them, with labels and times as they are.
#[must_use]
pub fn firings<'f>(fired: impl IntoIterator<Item = &'f Fired>) -> String {
    let mut out = String::with_capacity(2048);
    for (index, fired) in fired.into_iter().enumerate() {
        write_firing(&mut out, index + 1, fired);
    }
    out
}

/// Whether a transcript has a step that an amendment of this name added or refined.
pub(crate) fn goes_by(transcript: &str, amendment: &str) -> bool {
    transcript.contains(&format!("by {amendment})"))
}

// Writing to a String does not fail, so the results of `write!` below are dropped.

fn write_firing(out: &mut String, number: usize, fired: &Fired) {
    write_heading(out, number, fired);
    fired.firing.trace.steps().iter().for_each(|step| write_step(out, step));
    write_end(out, fired);
}

/// The line that begins a firing: its number in the run, its hook, its unit and its outcome.
pub(crate) fn write_heading(out: &mut String, number: usize, fired: &Fired) {
    let again = if fired.is_refired { " (again)" } else { "" };
    let (hook, outcome) = (fired.firing.hook, fired.firing.outcome.name());
    let _ = writeln!(out, "{number}. {hook}{again} on unit {}: {outcome}", fired.unit);
}

/// The path of a firing with its answers, and the message with which it ended.
pub(crate) fn write_steps(out: &mut String, firing: &Firing) {
    firing.trace.steps().iter().for_each(|step| write_step(out, step));
    write_message(out, firing);
}

/// One step of a path, with its answer and the amendment that made it.
pub(crate) fn write_step(out: &mut String, step: &Step) {
    let _ = write!(out, "   {}", step.shape);
    if let Some(answer) = step.answer_label() {
        let _ = write!(out, ": {answer}");
    }
    if let Some(mark) = step.mark {
        let how = if step.is_inserted() { "added by" } else { "refined by" };
        let _ = write!(out, "  ({how} {})", mark.amendment());
    }
    out.push('\n');
}

/// The message with which a firing ended, and its results.
pub(crate) fn write_end(out: &mut String, fired: &Fired) {
    write_message(out, &fired.firing);
    fired.results.iter().for_each(|(key, value)| write_result(out, key, value));
}

fn write_message(out: &mut String, firing: &Firing) {
    if let Some(message) = firing.outcome.message() {
        let _ = writeln!(out, "   => {}", shown_lines(&message, "      "));
    }
}

fn write_result(out: &mut String, key: &str, value: &str) {
    if value.contains('\n') {
        let _ = writeln!(out, "   {key}:");
        for line in value.lines() {
            let _ = writeln!(out, "     {}", shown(line));
        }
    } else {
        let _ = writeln!(out, "   {key}: {}", shown(value));
    }
}

fn write_unit(out: &mut String, seen: &UnitSeen, primary: Option<u32>) {
    let role = if primary == Some(seen.unit) { "primary" } else { "replica" };
    let status = seen.status().to_string();
    let _ = writeln!(out, "unit {} ({role}): {}", seen.unit, shown(&status));
    if seen.history.len() > 1 {
        let history: Vec<String> = seen.history.iter().map(ToString::to_string).collect();
        let _ = writeln!(out, "   statuses: {}", shown(&history.join(", ")));
    }
    let member = match seen.member {
        Some(MemberState::Running) => "running",
        Some(MemberState::Starting) => "starting",
        Some(MemberState::Stopped) => "stopped",
        None => "not answering",
    };
    let _ = writeln!(
        out,
        "   member {member}, postgresql {}, pgbackrest server {}",
        service(seen.database),
        service(seen.tls_server)
    );
    if seen.tls_server_reloads > 0 {
        let _ = writeln!(out, "   pgbackrest server reloaded {} times", seen.tls_server_reloads);
    }
    if !seen.accepts_connections {
        let _ = writeln!(out, "   new connections refused");
    }
    // While a database comes up, how far its data has come is a matter of the moment.
    if seen.is_data_empty && seen.member != Some(MemberState::Starting) {
        let _ = writeln!(out, "   data directory empty");
    }
    for hook in &seen.deferred {
        let _ = writeln!(out, "   deferred: {hook}");
    }
}

/// What of a unit only laws ask for.
fn write_unit_facts(out: &mut String, seen: &UnitSeen, primary: Option<u32>, facts: &Facts) {
    let Some(unit) = facts.unit(seen.unit) else { return };
    for hook in &unit.owed {
        let _ = writeln!(out, "   owed: {hook}");
    }
    let is_place = |key: &str| [key::REPOSITORY, key::STANZA_REPOSITORY].contains(&key);
    for (key, value) in unit.databag.iter().filter(|(key, _)| !is_place(key)) {
        let _ = writeln!(out, "   databag: {}={}", shown(key), shown(value));
    }
    // The files of a container that does not answer can't be read everywhere.
    if let Some(repository) = unit.repository.as_ref().filter(|_| unit.is_workload_reachable) {
        let _ = writeln!(out, "   repository: {}", shown(&repository.path));
    }
    if unit.is_workload_reachable && unit.bootstraps_by_restore {
        out.push_str("   bootstraps by a restore\n");
    }
    // A replica has its data from the primary, whatever that one has it from.
    if let Some(label) = unit.restored_from.as_ref().filter(|_| primary == Some(seen.unit)) {
        let _ = writeln!(out, "   restored from: {}", shown(label));
    }
}

/// What a format before the second one had of a transcript.
pub(crate) fn without_facts(text: &str) -> String {
    let added = [
        "   owed: ",
        "   databag: ",
        "   repository: ",
        "   bootstraps by a restore",
        "   restored from: ",
        "databag: ",
    ];
    let mut is_object = false;
    let kept = text.lines().filter(|line| {
        let is_content = is_object && line.starts_with("   ");
        is_object = is_content || line.starts_with("object: ");
        !is_content && !added.iter().any(|start| line.starts_with(start))
    });
    kept.map(|line| line.to_owned() + "\n").collect()
}

/// The beginning of what an object holds. A log is the backup tool's, so nothing of it is the same everywhere but
/// whether there is any and which errors it names.
fn write_content(out: &mut String, key: &str, content: &str) {
    if content.trim().is_empty() {
        out.push_str("   (empty)\n");
    } else if key.ends_with(".log") {
        let mut errors: Vec<String> = content.lines().filter_map(error_code).collect();
        errors.dedup();
        errors.iter().for_each(|code| out.push_str(&format!("   ERROR: {code}\n")));
    } else {
        for line in content.lines().take(CONTENT_LINES) {
            // It may or may not be the second at which the backup begins that is named after it.
            let line = if line.starts_with(REQUESTED) { REQUESTED } else { line };
            let _ = writeln!(out, "   {}", shown(line));
        }
    }
}

fn service(state: ServiceState) -> &'static str {
    match state {
        ServiceState::Running => "running",
        ServiceState::Stopped => "stopped",
        ServiceState::Unknown => "unknown",
    }
}

fn write_rest(out: &mut String, seen: &Observation) {
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    let _ = writeln!(out, "stanza: {}", shown(&or_none(&seen.stanza)));
    let _ = writeln!(out, "WAL goes to: {}", shown(&or_none(&seen.archives_into)));
    if let Some(label) = &seen.restoring {
        let _ = writeln!(out, "restoring: {}", shown(label));
    }
    for backup in &seen.backups {
        let failed = if backup.failed { ", failed" } else { "" };
        let (label, kind) = (shown(&backup.label), backup.kind.name());
        let _ = writeln!(out, "backup: {label} {kind}{failed}");
    }
    let facts = seen.facts.as_deref();
    // These are said above, in words; whose repository the stanza is in follows from the firings. A real cluster's system
    // identifier is another in each run.
    let untold = [key::STANZA, key::STANZA_REPOSITORY, key::RESTORING_BACKUP, key::RESTORE_SYSTEMS];
    let is_told = |key: &str| untold.contains(&key);
    let is_usual = |key: &str, value: &str| key == key::CLUSTER_INITIALISED && value == "True";
    for (key, value) in facts.map_or(&[][..], |facts| &facts.application) {
        if !is_told(key) && !is_usual(key, value) {
            let _ = writeln!(out, "databag: {}={}", shown(key), shown(value));
        }
    }
    for object in &seen.objects {
        let _ = writeln!(out, "object: {}", shown(object));
        let content = facts.and_then(|facts| facts.objects.iter().find(|(key, _)| key == object));
        if let Some((key, content)) = content {
            write_content(out, key, content);
        }
    }
}
