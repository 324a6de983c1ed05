//! What an exploration found, for people and for programs.

use std::ops::Range;

use pgdrill_flow::{counted, shown, shown_json};
use serde_json::json;

use super::Painter;
use crate::{
    explore::{Explored, Finding},
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

/// The findings, each with its scenario, and the counts as the last line.
#[must_use]
pub fn explored_text(explored: &Explored, seeds: &Range<u64>, found: &[Found<'_>]) -> String {
    let mut out = String::new();
    for Found { finding, shrunk, file } in found {
        let (failure, seed) = (finding.failure.to_string(), finding.seed);
        let head = Painter::bad(&shown(&failure));
        out.push_str(&format!("found: {head} (seed {seed})\n"));
        match (shrunk, file) {
            (Ok(_), Some(file)) => out.push_str(&format!("   file: {}\n", shown(file))),
            (Ok(shrunk), None) => {
                shrunk
                    .text
                    .lines()
                    .for_each(|line| out.push_str(&format!("    {}\n", shown(line))));
            }
            (Err(why), _) => out.push_str(&format!("   no file: {why}\n")),
        }
        out.push('\n');
    }
    let Explored { runs, impossible, firings, arrows, .. } = explored;
    out.push_str(&format!(
        "seeds {}..{}: {runs} histories, {firings} firings, {} different steps from shape to shape\n",
        seeds.start,
        seeds.end,
        arrows.len(),
    ));
    if *impossible > 0 {
        out.push_str(&format!(
            "{impossible} more were given up, as something in them could not come about\n"
        ));
    }
    let summary = match found.len() {
        0 => Painter::good("nothing found"),
        count => Painter::bad(&format!("{} found", counted(count, "different failure"))),
    };
    out + &summary + "\n"
}

/// A line for each finding, and one for the whole.
#[must_use]
pub fn explored_json(explored: &Explored, seeds: &Range<u64>, found: &[Found<'_>]) -> String {
    let mut lines = Vec::new();
    for Found { finding, shrunk, file } in found {
        let failure = &finding.failure;
        lines.push(json!({
            "kind": failure.kind,
            "law": failure.law.map(crate::Law::name),
            "hook": failure.hook.map(pgdrill_core::Hook::name),
            "shape": failure.shape.map(pgdrill_core::Shape::id),
            "seed": finding.seed,
            "scenario": shrunk.as_ref().ok().map(|shrunk| shrunk.text.as_str()),
            "steps": shrunk.as_ref().ok().map(|shrunk| shrunk.steps.1),
            "file": file,
        }));
    }
    lines.push(json!({
        "seeds": [seeds.start, seeds.end],
        "histories": explored.runs,
        "impossible": explored.impossible,
        "firings": explored.firings,
        "steps_from_shape_to_shape": explored.arrows.len(),
        "found": found.len(),
    }));
    let lines = lines.iter().map(|line| shown_json(&line.to_string()).into_owned() + "\n");
    lines.collect()
}
