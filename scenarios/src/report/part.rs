//! The last line of a part of a run: what it is a part of, and what of its report its other lines lack.

use pgdrill_flow::shown;
use serde_json::{Map, Value, json};

use super::{
    CaseEnd,
    explored::{part_json, written},
    judged,
    text::{LawCounts, reasons_text},
};
use crate::partition::Partition;

/// A part of a run, and where its scenarios stand among all that were selected.
#[derive(Debug)]
pub struct PartOfRun {
    /// Which part.
    pub partition: Partition,
    /// What all parts must have in common, by name.
    pub options: Value,
    /// How many scenarios all parts have together.
    pub of: usize,
    /// The place among all of each that ended, in the order of the lines, counted from 0.
    pub at: Vec<usize>,
}

/// The last line of a part's JSON.
#[must_use]
pub fn part_line(part: &PartOfRun, ends: &[CaseEnd]) -> String {
    let reasons = ends.iter().zip(&part.at).filter_map(|(end, at)| match end {
        CaseEnd::Judged(case) => {
            let text = reasons_text(case);
            (!text.is_empty()).then(|| json!({ "at": at, "text": text }))
        }
        CaseEnd::Refused { .. } | CaseEnd::NotRun { .. } => None,
    });
    let laws = LawCounts::of(ends);
    let counts = laws.judged.iter().map(|(law, count)| (law.name().to_owned(), json!(count)));
    written(&json!({
        "part": part_json("run", part.partition, &part.options),
        "lines": ends.len(),
        "at": part.at,
        "reasons": reasons.collect::<Vec<_>>(),
        "laws": { "runs": laws.runs, "judged": counts.collect::<Map<_, _>>() },
        "without_snapshot": judged(ends).filter(|case| case.lacks_snapshot).count(),
    }))
}

/// The line that says to people which part it is.
#[must_use]
pub fn part_text(part: &PartOfRun) -> String {
    let (partition, own) = (part.partition, part.at.len());
    let (number, of) = (partition.number(), partition.of());
    shown(&format!("part {number} of {of}: {own} of {} scenarios", part.of)).into_owned() + "\n"
}
