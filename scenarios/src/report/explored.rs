//! What an exploration found, for people and for programs.

use std::{collections::BTreeMap, ops::Range};

use pgdrill_core::{Amendment, Hook, Shape};
use pgdrill_flow::{counted, shown, shown_json};
use serde_json::{Value, json};

use super::Painter;
use crate::{
    digest::digest_of_charts,
    explore::{Explored, Finding, Search},
    partition::Partition,
    shrink::{NotShrunk, Shrunk},
};

/// One finding with what is left of its history.
#[derive(Debug)]
pub struct Found<'f> {
    /// What was found.
    pub finding: &'f Finding,
    /// Its scenario, or why there is none.
    pub shrunk: Result<Shrunk, NotShrunk>,
    /// The file that it was written to, if it was.
    pub file: Option<String>,
}

/// What was searched, and what came of it.
#[derive(Debug)]
pub struct Searched<'s> {
    /// What was to be found, and how.
    pub search: &'s Search,
    /// The seeds, of all parts.
    pub seeds: &'s Range<u64>,
    /// The part of their blocks that was explored.
    pub partition: Partition,
    /// What came of it.
    pub explored: &'s Explored,
}

/// A finding as it is shown, wherever it comes from.
pub(crate) struct FoundLine<'l> {
    pub(crate) failure: String,
    /// Where it was found, in words.
    pub(crate) place: String,
    pub(crate) scenario: Option<&'l str>,
    pub(crate) file: Option<&'l str>,
    /// Why there is no scenario.
    pub(crate) why: Option<&'l str>,
}

/// The findings, each with its scenario, and the counts as the last line.
#[must_use]
pub fn explored_text(searched: &Searched<'_>, found: &[Found<'_>]) -> String {
    let whys: Vec<Option<String>> =
        found.iter().map(|it| it.shrunk.as_ref().err().map(ToString::to_string)).collect();
    let lines = found.iter().zip(&whys).map(|(it, why)| FoundLine {
        failure: it.finding.failure.to_string(),
        place: format!("seed {}", it.finding.seed),
        scenario: it.shrunk.as_ref().ok().map(|shrunk| shrunk.text.as_str()),
        file: it.file.as_deref(),
        why: why.as_deref(),
    });
    text(searched.explored, searched.seeds, searched.partition, &lines.collect::<Vec<_>>())
}

/// The findings, and the counts as the last line.
pub(crate) fn text(
    explored: &Explored,
    seeds: &Range<u64>,
    partition: Partition,
    found: &[FoundLine<'_>],
) -> String {
    let mut out = found_text(found);
    let Explored { runs, impossible, firings, arrows, .. } = explored;
    let part = match partition {
        Partition::WHOLE => String::new(),
        part => format!(", part {} of {}", part.number(), part.of()),
    };
    out.push_str(&format!(
        "seeds {}..{}{part}: {runs} histories, {firings} firings, {} different steps from shape to shape\n",
        seeds.start,
        seeds.end,
        arrows.len(),
    ));
    if *impossible > 0 {
        out.push_str(&format!(
            "{impossible} more were given up, as something in them could not come about\n"
        ));
    }
    out + &summary(found.len())
}

/// How much was found, as the last line.
pub(crate) fn summary(found: usize) -> String {
    let summary = match found {
        0 => Painter::good("nothing found"),
        count => Painter::bad(&format!("{} found", counted(count, "different failure"))),
    };
    summary + "\n"
}

/// The findings, each with its scenario.
pub(crate) fn found_text(found: &[FoundLine<'_>]) -> String {
    let mut out = String::new();
    for FoundLine { failure, place, scenario, file, why } in found {
        out.push_str(&format!("found: {} ({place})\n", Painter::bad(&shown(failure))));
        match (scenario, file, why) {
            (_, Some(file), _) => out.push_str(&format!("   file: {}\n", shown(file))),
            (Some(text), None, _) => {
                text.lines().for_each(|line| out.push_str(&format!("    {}\n", shown(line))));
            }
            (None, None, why) => {
                out.push_str(&format!("   no file: {}\n", why.map(shown).unwrap_or_default()));
            }
        }
        out.push('\n');
    }
    out
}

/// A line for each finding, and one for the whole.
#[must_use]
pub fn explored_json(searched: &Searched<'_>, found: &[Found<'_>]) -> String {
    let mut lines: Vec<String> = found.iter().map(|found| written(&found_json(found))).collect();
    let Searched { search, seeds, partition, explored } = searched;
    let part = part_json("explore", *partition, &search_json(search));
    lines.push(written(&summary_json(explored, seeds, found.len(), &part)));
    lines.concat()
}

pub(crate) fn written(line: &Value) -> String {
    shown_json(&line.to_string()).into_owned() + "\n"
}

fn found_json(found: &Found<'_>) -> Value {
    let Found { finding, shrunk, file } = found;
    let failure = &finding.failure;
    json!({
        "kind": failure.kind,
        "law": failure.law.map(crate::Law::name),
        "hook": failure.hook.map(Hook::name),
        "shape": failure.shape.map(Shape::id),
        "seed": finding.seed,
        "scenario": shrunk.as_ref().ok().map(|shrunk| shrunk.text.as_str()),
        "steps": shrunk.as_ref().ok().map(|shrunk| shrunk.steps.1),
        "not_shrunk": shrunk.as_ref().err().map(ToString::to_string),
        "file": file,
    })
}

/// The counts of a search, and what they are a part of.
pub(crate) fn summary_json(
    explored: &Explored,
    seeds: &Range<u64>,
    found: usize,
    part: &Value,
) -> Value {
    json!({
        "seeds": [seeds.start, seeds.end],
        "histories": explored.runs,
        "impossible": explored.impossible,
        "firings": explored.firings,
        "steps_from_shape_to_shape": explored.arrows.len(),
        "arrows": arrows_json(&explored.arrows),
        "found": found,
        "part": part,
    })
}

/// Steps from a shape to a shape, and how often each was taken.
type Arrows = BTreeMap<(Hook, Shape, Option<bool>, Shape), u64>;

/// Every step from a shape to a shape, and how often it was taken.
pub(crate) fn arrows_json(arrows: &Arrows) -> Vec<Value> {
    let arrows = arrows.iter().map(|((hook, from, answer, to), count)| {
        let answer = answer.map(|is| if is { "yes" } else { "no" });
        json!({ "hook": hook.name(), "from": from.id(), "answer": answer, "to": to.id(), "count": count })
    });
    arrows.collect()
}

/// What a report is a part of: parts can be merged where everything but the number is the same.
pub(crate) fn part_json(command: &str, partition: Partition, options: &Value) -> Value {
    json!({
        "command": command,
        "number": partition.number(),
        "of": partition.of(),
        "version": env!("CARGO_PKG_VERSION"),
        "charts": digest_of_charts(),
        "options": options,
    })
}

pub(crate) fn search_json(search: &Search) -> Value {
    json!({
        "units": search.units,
        "tls": search.tls,
        "events": search.steps,
        "changes": search.changes,
        "overlap": search.overlap,
        "no_amendment": amendment_names(&search.off),
        "law": search.laws.iter().map(|law| law.name()).collect::<Vec<_>>(),
    })
}

/// The names of amendments, each once, in order.
pub(crate) fn amendment_names(off: &[Amendment]) -> Vec<&'static str> {
    let mut names: Vec<&str> = off.iter().map(|off| off.name()).collect();
    names.sort_unstable();
    names.dedup();
    names
}
