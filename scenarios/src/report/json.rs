//! One JSON object a line, one line a scenario.

use pgdrill_core::{
    Diagnostic,
    ports::{MemberState, ServiceState},
};
use pgdrill_flow::shown_json;
use pgdrill_sim::{ManagerSettings, Observation, ToolSettings, UnitFacts, UnitSeen};
use serde_json::{Map, Value, json};

use super::{CaseEnd, JudgedCase, refused};
use crate::{
    judge::Verdict, law::Violation, location::Location, reason::Reason, refusal::Refusal,
    run::FiredStep,
};

/// Every scenario as one line of JSON, those that were refused included.
#[must_use]
pub fn json_lines(ends: &[CaseEnd]) -> String {
    let lines = ends.iter().map(|end| match end {
        CaseEnd::Judged(case) => json_line(case),
        CaseEnd::Refused { name, refusal } => written(&refused_line(name, refusal)),
        CaseEnd::NotRun { name, file, title } => written(&not_run_line(name, file, title)),
    });
    lines.collect()
}

/// The line of a scenario that ran.
#[must_use]
pub fn json_line(case: &JudgedCase) -> String {
    written(&line(case))
}

/// The lines of the scenarios that were refused.
#[must_use]
pub fn refused_lines(ends: &[CaseEnd]) -> String {
    refused(ends).map(|(name, refusal)| written(&refused_line(name, refusal))).collect()
}

fn written(line: &Value) -> String {
    shown_json(&line.to_string()).into_owned() + "\n"
}

/// The keys are those of a scenario that ran; what only a run knows is null or empty.
fn refused_line(name: &str, refusal: &Refusal) -> Value {
    let known = |number: usize| (number > 0).then_some(number);
    let reason = |fault: &Diagnostic| {
        let at = json!({
            "path": null,
            "line": known(fault.line),
            "column": known(fault.column),
            "firing": null,
            "hook": null,
            "unit": null,
            "shape": null,
        });
        json!({ "kind": "refused", "text": fault.to_string(), "at": at })
    };
    json!({
        "scenario": null,
        "name": name,
        "file": refusal.first().file,
        "backend": null,
        "s3": null,
        "verdict": "refused",
        "reason": refusal.to_string(),
        "reasons": refusal.faults().map(reason).collect::<Vec<_>>(),
        "laws": null,
        "firings": [],
        "statuses": {},
        "observed": null,
    })
}

/// The keys are those of a scenario that ran; what only a run knows is null or empty.
fn not_run_line(name: &str, file: &str, title: &str) -> Value {
    json!({
        "scenario": title,
        "name": name,
        "file": file,
        "backend": null,
        "s3": null,
        "verdict": "not-run",
        "reason": null,
        "reasons": [],
        "laws": null,
        "firings": [],
        "statuses": {},
        "observed": null,
    })
}

fn line(result: &JudgedCase) -> Value {
    let texts = result.verdict().reasons();
    let reason = (!texts.is_empty()).then(|| texts.join("\n"));
    let seen = &result.run.observation;
    let mut line = json!({
        "scenario": result.plan.title,
        "name": result.name,
        "file": result.file,
        "backend": result.backend.name(),
        "s3": result.s3,
        "verdict": result.verdict().name(),
        "reason": reason,
        "reasons": reasons(result),
        "laws": {
            "judged": result.judged.laws.len(),
            "broken": result.judged.broken.iter().map(broken).collect::<Vec<_>>(),
        },
        "firings": result.run.firings.iter().map(firing).collect::<Vec<_>>(),
        "statuses": seen.units.iter().map(|unit| (unit.unit.to_string(), status(unit))).collect::<Map<_, _>>(),
        "observed": observed(seen),
    });
    if let (Some(took), Some(line)) = (result.took, line.as_object_mut()) {
        line.insert("seconds".to_owned(), took.as_secs_f64().into());
    }
    line
}

/// Each reason with its kind, its text and its place, what is not known of the place being null.
fn reasons(case: &JudgedCase) -> Vec<Value> {
    let reason = |kind: &str, text: String, location: &Location| json!({ "kind": kind, "text": text, "at": at(case, location) });
    match case.verdict() {
        Verdict::Passed => Vec::new(),
        Verdict::Failed(reasons) => {
            let with_law = |it: &Reason| {
                let mut value = reason(it.kind(), it.to_string(), &it.location());
                if let (Some(law), Some(entry)) = (it.law(), value.as_object_mut()) {
                    entry.insert("law".to_owned(), law.name().into());
                }
                value
            };
            reasons.iter().map(with_law).collect()
        }
        Verdict::Skipped(skip) => vec![reason(skip.kind(), skip.to_string(), &skip.location())],
    }
}

/// A law that the run broke, whether or not the scenario says so.
fn broken(broken: &Violation) -> Value {
    let by = broken.by.as_ref();
    json!({
        "law": broken.law.name(),
        "unit": broken.unit,
        "found": broken.found,
        "firing": by.map(|(firing, _)| firing.number),
        "shape": by.and_then(|(_, shape)| shape.map(pgdrill_core::Shape::id)),
    })
}

fn at(case: &JudgedCase, location: &Location) -> Value {
    let span = location.path.as_ref().and_then(|path| case.positions.find(path));
    json!({
        "path": location.path,
        "line": span.map(|span| span.line),
        "column": span.map(|span| span.column),
        "firing": location.firing,
        "hook": location.hook.map(pgdrill_core::Hook::name),
        "unit": location.unit,
        "shape": location.shape.map(pgdrill_core::Shape::id),
    })
}

fn firing(step: &FiredStep) -> Value {
    let fired = &step.fired;
    let results =
        fired.results.iter().map(|(key, value)| ((*key).to_owned(), value.as_str().into()));
    let path = fired.firing.trace.steps().iter().map(|step| {
        let mut entry = json!({ "node": step.shape.id(), "answer": step.answer_label() });
        if let (Some(mark), Some(entry)) = (step.mark, entry.as_object_mut()) {
            entry.insert("amendment".to_owned(), mark.amendment().name().into());
            entry.insert("inserted".to_owned(), step.is_inserted().into());
        }
        entry
    });
    json!({
        "hook": fired.firing.hook.name(),
        "unit": fired.unit,
        "again": fired.is_refired,
        "outcome": fired.firing.outcome.name(),
        "message": fired.firing.outcome.message(),
        "results": results.collect::<Map<_, _>>(),
        "path": path.collect::<Vec<_>>(),
    })
}

fn status(unit: &UnitSeen) -> Value {
    let now = unit.status();
    let history = unit
        .history
        .iter()
        .map(|status| json!({ "name": status.name.name(), "message": status.message }));
    json!({
        "name": now.name.name(),
        "message": now.message,
        "history": history.collect::<Vec<_>>(),
    })
}

fn observed(seen: &Observation) -> Value {
    let units = seen.units.iter().map(|unit| {
        let facts = seen.facts.as_deref();
        let facts = facts.and_then(|facts| facts.unit(unit.unit));
        let owed = |facts: &UnitFacts| facts.owed.iter().map(|hook| hook.name()).collect::<Vec<_>>();
        let repository = facts.and_then(|facts| facts.repository.as_ref());
        let value = json!({
            "member": unit.member.map(member),
            "services": {
                "postgresql": service(unit.database),
                "pgbackrest server": service(unit.tls_server),
            },
            "accepts_connections": unit.accepts_connections,
            "data_directory_empty": unit.is_data_empty,
            "deferred": unit.deferred.iter().map(|hook| hook.name()).collect::<Vec<_>>(),
            "owed": facts.map(owed),
            "databag": facts.map(|facts| databag(&facts.databag)),
            "repository": repository.map(|place| json!({ "bucket": place.bucket, "path": place.path })),
            "pgbackrest": facts.map(|facts| facts.tool.as_ref().map(tool)),
            "patroni": facts.map(|facts| manager(&facts.manager)),
            "bootstraps_by_restore": facts.map(|facts| facts.bootstraps_by_restore),
            "restored_from": facts.and_then(|facts| facts.restored_from.as_deref()),
        });
        (unit.unit.to_string(), value)
    });
    let backups = seen.backups.iter().map(|backup| {
        json!({
            "id": backup.id,
            "label": backup.label,
            "stanza": backup.stanza,
            "type": backup.kind.name(),
            "failed": backup.failed,
        })
    });
    json!({
        "primary": seen.primary,
        "stanza": seen.stanza,
        "archives_into": seen.archives_into,
        "restoring": seen.restoring,
        "databag": seen.facts.as_deref().map(|facts| databag(&facts.application)),
        "units": units.collect::<Map<_, _>>(),
        "backups": backups.collect::<Vec<_>>(),
        "objects": seen.objects.iter().collect::<Vec<_>>(),
    })
}

/// What the backup tool's configuration says; the secret stands for itself.
fn tool(settings: &ToolSettings) -> Value {
    json!({
        "stanza": settings.stanza,
        "endpoint": settings.endpoint,
        "secret_key": settings.has_credentials.then_some("***"),
        "other_units": settings.peers,
    })
}

fn manager(settings: &ManagerSettings) -> Value {
    json!({
        "archives_into": settings.archives_into,
        "accepts_connections": settings.accepts_connections,
    })
}

fn databag(bag: &[(String, String)]) -> Map<String, Value> {
    bag.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect()
}

fn member(state: MemberState) -> &'static str {
    match state {
        MemberState::Running => "running",
        MemberState::Starting => "starting",
        MemberState::Stopped => "stopped",
    }
}

fn service(state: ServiceState) -> &'static str {
    match state {
        ServiceState::Running => "running",
        ServiceState::Stopped => "stopped",
        ServiceState::Unknown => "unknown",
    }
}
