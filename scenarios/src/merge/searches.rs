//! The parts of a search as one.

use std::ops::Range;

use pgdrill_core::{Diagnostic, Hook, Shape};
use serde_json::Value;

use super::{Merged, MergedFormat, Part, fault};
use crate::{
    explore::Explored,
    law::Law,
    partition::Partition,
    report::explored::{FoundLine, part_json, summary_json, text, written},
};

/// What tells one finding from another, in the order of the laws, hooks and shapes.
type Failure = (String, Option<Law>, Option<Hook>, Option<Shape>);

/// A finding, by what it is and its seed.
struct Found<'p> {
    seed: u64,
    failure: Failure,
    value: Value,
    line: &'p str,
}

pub(super) fn merged(parts: &[Part<'_>], format: MergedFormat) -> Result<Merged, Box<Diagnostic>> {
    let (mut explored, mut found) = (Explored::default(), Vec::new());
    for part in parts {
        explored.merge(counts(part).ok_or_else(|| unreadable(part))?);
        for (value, line) in part.values()? {
            found.push(read(value, line).ok_or_else(|| unreadable(part))?);
        }
    }
    // Of the histories that show the same, the one with the least seed stays.
    found.sort_by(|one, other| (&one.failure, one.seed).cmp(&(&other.failure, other.seed)));
    found.dedup_by(|one, other| one.failure == other.failure);
    found.sort_by(|one, other| (one.seed, &one.failure).cmp(&(other.seed, &other.failure)));
    let first = parts.first();
    let seeds = first.and_then(|part| seeds(part.value("seeds"))).unwrap_or(0..0);
    let shown = match format {
        MergedFormat::Text => text(&explored, &seeds, Partition::WHOLE, &lines(&found)),
        MergedFormat::Json => {
            let options = first.and_then(|part| part.value("part").get("options"));
            let part = part_json("explore", Partition::WHOLE, options.unwrap_or(&Value::Null));
            let lines: String = found.iter().map(|found| format!("{}\n", found.line)).collect();
            lines + &written(&summary_json(&explored, &seeds, found.len(), &part))
        }
    };
    Ok(Merged { shown, is_failed: !found.is_empty(), is_wrong: false, unjudged: Vec::new() })
}

fn unreadable(part: &Part<'_>) -> Box<Diagnostic> {
    let hint = "give what `pgdrill explore --format json` printed, as it is";
    fault(part.file, "what it says of the search can't be read", hint)
}

fn seeds(value: &Value) -> Option<Range<u64>> {
    Some(value.get(0)?.as_u64()?..value.get(1)?.as_u64()?)
}

fn counts(part: &Part<'_>) -> Option<Explored> {
    let (runs, impossible) = (part.count("histories"), part.count("impossible"));
    let mut explored =
        Explored { runs, impossible, firings: part.count("firings"), ..Explored::default() };
    for arrow in part.value("arrows").as_array()? {
        let text = |key: &str| arrow.get(key)?.as_str();
        let shape = |key: &str| Shape::from_id(text(key)?);
        let key = (text("hook")?.parse().ok()?, shape("from")?, answer(arrow), shape("to")?);
        explored.arrows.insert(key, arrow.get("count")?.as_u64()?);
    }
    Some(explored)
}

pub(super) fn answer(step: &Value) -> Option<bool> {
    match step.get("answer").and_then(Value::as_str) {
        Some("yes") => Some(true),
        Some("no") => Some(false),
        Some(_) | None => None,
    }
}

fn read(value: Value, line: &str) -> Option<Found<'_>> {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let law = text("law").map(|name| Law::ALL.iter().copied().find(|law| law.name() == name));
    let hook = text("hook").map(|name| name.parse().ok());
    let shape = text("shape").map(Shape::from_id);
    // What is named must be known.
    let failure = (text("kind")?.to_owned(), all(law)?, all(hook)?, all(shape)?);
    Some(Found { seed: value.get("seed")?.as_u64()?, failure, line, value })
}

/// Nothing named is nothing; something named has to be known.
fn all<T>(named: Option<Option<T>>) -> Option<Option<T>> {
    named.map_or(Some(None), |known| known.map(Some))
}

fn lines<'f>(found: &'f [Found<'_>]) -> Vec<FoundLine<'f>> {
    let line = |found: &'f Found<'_>| {
        let text = |key: &str| found.value.get(key).and_then(Value::as_str);
        let (kind, law, hook, shape) = &found.failure;
        FoundLine {
            failure: crate::shrink::failure_text(kind, *law, *hook, *shape),
            place: format!("seed {}", found.seed),
            scenario: text("scenario"),
            file: text("file"),
            why: text("not_shrunk"),
        }
    };
    found.iter().map(line).collect()
}
