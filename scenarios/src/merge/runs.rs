//! The parts of a run as one.

use std::time::Duration;

use pgdrill_core::{Diagnostic, Hook, Mark, Shape, Step, Trace};
use serde_json::Value;

use super::{Merged, MergedFormat, Part, fault, searches::answer};
use crate::{
    coverage::Coverage,
    law::Law,
    report::{
        name_width,
        text::{LawCounts, RunEnd, row_text},
    },
};

/// A scenario of the run, and where it stands among all.
struct Ended<'p> {
    at: u64,
    value: Value,
    line: &'p str,
    /// Why it did not pass, as it stands below the table.
    reasons: &'p str,
}

impl Ended<'_> {
    fn text(&self, key: &str) -> &str {
        self.value.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    fn firings(&self) -> impl Iterator<Item = &Value> {
        self.value.get("firings").and_then(Value::as_array).into_iter().flatten()
    }

    fn has_run(&self) -> bool {
        !matches!(self.text("verdict"), "refused" | "not-run")
    }

    fn row(&self, width: usize) -> String {
        let outcome = |firing| Value::as_str(Value::get(firing, "outcome")?);
        let ended: Vec<&str> = self.firings().filter_map(outcome).collect();
        let took = self.value.get("seconds").and_then(Value::as_f64);
        let took = took.and_then(|took| Duration::try_from_secs_f64(took).ok());
        row_text(self.text("verdict"), self.text("name"), width, &ended, took)
    }
}

pub(super) fn merged(parts: &[Part<'_>], format: MergedFormat) -> Result<Merged, Box<Diagnostic>> {
    let (mut ends, mut laws, mut without_snapshot) = (Vec::new(), LawCounts::default(), 0);
    for part in parts {
        ends.extend(ended(part)?);
        count_laws(part.value("laws"), &mut laws);
        without_snapshot += count(part.value("without_snapshot"));
    }
    // What was refused stands behind what ran, as in one run.
    ends.sort_by_key(|end| (end.text("verdict") == "refused", end.at));
    let of = |verdict: &str| ends.iter().filter(|end| end.text("verdict") == verdict).count();
    let counts = ["passed", "failed", "skipped", "refused", "not-run"].map(of);
    let [_, failed, _, refused, not_run] = counts;
    let is_whole = parts.iter().any(|part| part.option("whole") == &Value::Bool(true));
    let is_whole = is_whole && not_run == 0;
    let unjudged = if is_whole { laws.unjudged() } else { Vec::new() };
    let shown = match format {
        MergedFormat::Json => ends.iter().map(|end| format!("{}\n", end.line)).collect(),
        MergedFormat::Text => {
            let have_run = || ends.iter().filter(|end| end.has_run());
            let width = name_width(have_run().map(|end| end.text("name")), None);
            let rows: String = have_run().map(|end| end.row(width)).collect();
            let reasons: String = have_run().map(|end| end.reasons).collect();
            let coverage = is_whole.then(|| coverage(&ends));
            let place = have_run().next().map_or_else(|| "memory".to_owned(), place);
            let end = RunEnd { reasons, laws, without_snapshot, place, counts };
            rows + &end.text(coverage.as_ref())
        }
    };
    let is_failed = failed > 0 || !unjudged.is_empty();
    Ok(Merged { shown, is_failed, is_wrong: refused > 0, unjudged })
}

fn count(value: &Value) -> usize {
    value.as_u64().and_then(|count| count.try_into().ok()).unwrap_or_default()
}

/// The scenarios of a part.
fn ended<'p>(part: &'p Part<'p>) -> Result<Vec<Ended<'p>>, Box<Diagnostic>> {
    let places: Vec<u64> =
        part.value("at").as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
    if places.len() != part.lines.len() {
        let hint = "give what `pgdrill run --format json` printed, as it is";
        return Err(fault(part.file, "it does not say which scenarios it has", hint));
    }
    let reasons = |at: u64| {
        let mut all = part.value("reasons").as_array().into_iter().flatten();
        let own = all.find(|reason| reason.get("at").and_then(Value::as_u64) == Some(at));
        own.and_then(|own| own.get("text")?.as_str()).unwrap_or_default()
    };
    let values = part.values()?.into_iter().zip(places);
    Ok(values.map(|((value, line), at)| Ended { at, value, line, reasons: reasons(at) }).collect())
}

fn count_laws(of_part: &Value, laws: &mut LawCounts) {
    laws.runs += of_part.get("runs").map_or(0, count);
    let judged = of_part.get("judged").and_then(Value::as_object);
    for law in Law::ALL {
        let own = judged.and_then(|judged| judged.get(law.name())).map_or(0, count);
        *laws.judged.entry(*law).or_default() += own;
    }
}

fn place(end: &Ended<'_>) -> String {
    match end.text("s3") {
        "" => end.text("backend").to_owned(),
        s3 => format!("{} (S3: {s3})", end.text("backend")),
    }
}

/// What all of them walked of the project's own charts.
fn coverage(ends: &[Ended<'_>]) -> Coverage {
    let mut coverage = Coverage::of_own_charts();
    for end in ends {
        for firing in end.firings() {
            let hook = firing.get("hook").and_then(Value::as_str);
            let hook = hook.and_then(|hook| hook.parse::<Hook>().ok());
            let path = firing.get("path").and_then(Value::as_array).into_iter().flatten();
            let trace: Option<Trace> = path.map(step).collect();
            if let Some((hook, trace)) = hook.zip(trace) {
                coverage.count(end.text("name"), hook, &trace);
            }
        }
    }
    coverage
}

fn step(value: &Value) -> Option<Step> {
    let amendment = value.get("amendment").and_then(Value::as_str);
    let amendment = amendment.and_then(|name| name.parse().ok());
    let is_inserted = value.get("inserted").and_then(Value::as_bool) == Some(true);
    let mark = amendment.map(if is_inserted { Mark::Inserted } else { Mark::Refined });
    Some(Step { shape: Shape::from_id(value.get("node")?.as_str()?)?, answer: answer(value), mark })
}
