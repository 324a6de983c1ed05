//! The laws of what users are told: that they are, in words of theirs.

use pgdrill_core::{
    Amendment, Firing, FiringLine, Outcome, STATUS_MESSAGE_LIMIT, Shape, Status, StatusName,
    firing_log::MARK, ports::Call,
};
use pgdrill_sim::{PortFailure, UnitSeen};

use super::moment::is_there;
use crate::{
    law::{Law, Violation},
    reason::FiringRef,
    run::{FiredStep, Run},
};

/// What the texts of a run broke, and what none of them says.
pub(super) fn of_texts(run: &Run) -> Vec<Violation> {
    let mut found = Vec::new();
    for (index, step) in run.firings.iter().enumerate() {
        let at = FiringRef::new(index, step);
        if let Outcome::Failed(text) = &step.fired.firing.outcome {
            if text.trim().is_empty() {
                let what = format!("unit {}'s action failed without a text", at.unit);
                found.push(Violation::of(Law::Silent, at.unit, what).by(at, None));
            }
            of_text(text, at.unit, &mut found);
        }
        step.fired.results.iter().for_each(|(_, text)| of_text(text, at.unit, &mut found));
        untold(run, step, at, &mut found);
    }
    for unit in &run.observation.units {
        // The first one was given.
        unit.history.iter().skip(1).for_each(|status| of_status(status, unit, run, &mut found));
    }
    found
}

/// A cause that a port gave must be in a text or in the log.
fn untold(run: &Run, step: &FiredStep, at: FiringRef, found: &mut Vec<Violation>) {
    let (firing, failures) = (&step.fired.firing, &step.fired.failures);
    // Who dies says nothing, and neither does a unit that is removed meanwhile.
    if !is_there(step) || matches!(firing.outcome, Outcome::Died(_)) {
        return;
    }
    let failures = failures.as_deref().unwrap_or_default();
    for (index, failure) in failures.iter().enumerate() {
        let Some(shape) = failure.at else { continue };
        let mut later = failures.iter().skip(index + 1).filter(|later| later.at == failure.at);
        // What was tried again is told by how it ended, and what could not be read by what failed without it.
        let is_told_by =
            |later: &PortFailure| later.call == failure.call || !failure.call.has_effect();
        if !later.any(is_told_by)
            && is_decisive(firing, shape)
            && !is_told(run, step, failure.cause.trim())
        {
            let what = format!(
                "unit {} tells nobody why {} failed: {}",
                at.unit, failure.call, failure.cause
            );
            found.push(Violation::of(Law::Silent, at.unit, what).by(at, Some(shape)));
        }
    }
}

/// Whether what failed at a shape decided something: an attempt that did not work, or an action. A question that a failure
/// answers is answered by it.
fn is_decisive(firing: &Firing, shape: Shape) -> bool {
    let mut steps = firing.trace.steps().iter().filter(|step| step.shape == shape);
    match shape {
        Shape::Attempt(_) => steps.any(|step| step.answer == Some(false)),
        Shape::Action(_) => true,
        Shape::Start | Shape::Question(_) | Shape::Ending(_) => false,
    }
}

/// Whether a text for users, or the line of the log, holds this cause.
fn is_told(run: &Run, step: &FiredStep, cause: &str) -> bool {
    let fired = &step.fired;
    let unit = run.observation.units.iter().find(|unit| unit.unit == fired.unit);
    unit.is_some_and(|unit| unit.history.iter().any(|it| it.message.contains(cause)))
        || is_logged(&fired.firing, cause)
}

/// Whether the line of the log holds a text; the message of an action that failed is part of it.
fn is_logged(firing: &Firing, cause: &str) -> bool {
    let line = FiringLine { firing: firing.clone(), is_refired: false }.line();
    let json = line.strip_prefix(MARK).unwrap_or_default();
    let json = serde_json::from_str(json).unwrap_or_default();
    holds_text(&json, cause)
}

fn holds_text(json: &serde_json::Value, text: &str) -> bool {
    match json {
        serde_json::Value::String(found) => found.contains(text),
        serde_json::Value::Array(items) => items.iter().any(|item| holds_text(item, text)),
        serde_json::Value::Object(items) => items.values().any(|item| holds_text(item, text)),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {
            false
        }
    }
}

fn of_status(status: &Status, unit: &UnitSeen, run: &Run, found: &mut Vec<Violation>) {
    let (message, unit) = (&*status.message, unit.unit);
    if status.name == StatusName::Blocked && message.trim().is_empty() {
        let what = format!("unit {unit} was Blocked without a text");
        found.push(Violation::of(Law::Silent, unit, what));
    }
    let length = message.chars().count();
    if length > STATUS_MESSAGE_LIMIT {
        let what = format!("unit {unit} showed over {STATUS_MESSAGE_LIMIT} characters: {status}");
        found.push(Violation::of(Law::WordsOfTheProgram, unit, what));
    }
    let shown = CUT_MARKS.iter().find_map(|mark| message.strip_suffix(mark));
    if (length == STATUS_MESSAGE_LIMIT || shown.is_some())
        && let Some(rest) = rest_of_a_cause(shown.unwrap_or(message), unit, run)
        && let Some(how) = cut_badly(shown, rest)
    {
        let what = format!("unit {unit} showed a text that was cut {how}: {status}");
        found.push(Violation::of(Law::WordsOfTheProgram, unit, what));
    }
    of_text(message, unit, found);
}

/// What a text that was cut may end in.
const CUT_MARKS: [&str; 2] = ["\u{2026}", "..."];

/// How much of a cause a text must hold to be taken for its beginning, in bytes.
const BEGINNING: usize = 8;

/// What was cut off, if a text ends in the beginning of a cause that a port gave its unit.
fn rest_of_a_cause<'a>(shown: &str, unit: u32, run: &'a Run) -> Option<&'a str> {
    let firings = run.firings.iter().filter(|step| step.fired.unit == unit);
    let mut failures = firings.filter_map(|step| step.fired.failures.as_deref()).flatten();
    let rest = failures.find_map(|failure| {
        shown.char_indices().find_map(|(at, _)| {
            let tail = shown.get(at..).filter(|tail| tail.len() >= BEGINNING)?;
            failure.cause.strip_prefix(tail)
        })
    });
    rest.filter(|rest| !rest.is_empty())
}

/// What is wrong with a text of which this was cut off; `shown` is what stands before the mark of the cut.
fn cut_badly(shown: Option<&str>, rest: &str) -> Option<&'static str> {
    let Some(shown) = shown else { return Some("without a mark of it") };
    let ends_a_word = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '.' | ')');
    (!rest.starts_with(ends_a_word) && !shown.ends_with(char::is_whitespace))
        .then_some("within a word")
}

/// A text for users must not speak of the program.
fn of_text(text: &str, unit: u32, found: &mut Vec<Violation>) {
    if let Some(word) = word_of_the_program(text) {
        let what = format!("unit {unit} showed the word `{word}` of the program");
        found.push(Violation::of(Law::WordsOfTheProgram, unit, what));
    }
}

fn word_of_the_program(text: &str) -> Option<String> {
    let operation = |port: &str, at: usize| {
        let rest = text.get(at + port.len()..)?.strip_prefix('.')?;
        let end = rest.find(|c: char| !(c.is_ascii_lowercase() || c == '_'));
        let operation = rest.get(..end.unwrap_or(rest.len()))?;
        (!operation.is_empty()).then(|| format!("{port}.{operation}"))
    };
    let call = Call::ALL.iter().find_map(|call| {
        text.match_indices(call.port()).find_map(|(at, port)| operation(port, at))
    });
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let known = |word: &&str| {
        word.contains('_') && Shape::from_id(word).is_some()
            || Amendment::ALL.iter().any(|amendment| amendment.name() == *word)
    };
    call.or_else(|| text.split(|c| !is_part(c)).find(known).map(str::to_owned))
}
