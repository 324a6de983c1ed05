//! What a search of every history up to a bound found, for people and for programs.

use pgdrill_core::{Hook, Shape};
use pgdrill_flow::{counted, shown};
use serde_json::json;

use super::explored::{FoundLine, arrows_json, found_text, search_json, summary, written};
use crate::{
    explore::{Exhausted, Exhaustive, FoundHistory},
    law::Law,
    shrink::{NotShrunk, Shrunk},
};

/// The laws that are judged of each event by itself: what only an earlier event shows them is not counted.
const OF_ONE_EVENT: [Law; 2] = [Law::Silent, Law::WordsOfTheProgram];

/// One finding with what is left of its history.
#[derive(Debug)]
pub struct FoundShortest<'f> {
    /// What was found.
    pub found: &'f FoundHistory,
    /// Its scenario, or why there is none.
    pub shrunk: Result<Shrunk, NotShrunk>,
    /// The file that it was written to, if it was.
    pub file: Option<String>,
}

/// The findings, each with its scenario, then the counts.
#[must_use]
pub fn exhausted_text(
    search: &Exhaustive,
    exhausted: &Exhausted,
    found: &[FoundShortest<'_>],
) -> String {
    let whys: Vec<Option<String>> =
        found.iter().map(|it| it.shrunk.as_ref().err().map(ToString::to_string)).collect();
    let lines = found.iter().zip(&whys).map(|(it, why)| {
        let (events, changes) = it.found.length();
        let (events, changes) = (counted(events, "event"), counted(changes, "change"));
        FoundLine {
            failure: it.found.failure.to_string(),
            place: format!("{events}, {changes}"),
            scenario: it.shrunk.as_ref().ok().map(|shrunk| shrunk.text.as_str()),
            file: it.file.as_deref(),
            why: why.as_deref(),
        }
    });
    let mut out = found_text(&lines.collect::<Vec<_>>());
    let Exhausted { starts, transitions, impossible, firings, worlds, settled, arrows, .. } =
        exhausted;
    out.push_str(&format!("{}, from {} to begin with\n", bound(search), counted(*starts, "world")));
    out.push_str(&format!(
        "{transitions} transitions, {firings} firings, {} different steps from shape to shape; {impossible} more could not come about\n",
        arrows.len(),
    ));
    out.push_str(&format!(
        "{worlds} different worlds, {:.1} % of the transitions led to one that was seen before; {settled} were settled\n",
        exhausted.merged() * 100.0,
    ));
    let names = OF_ONE_EVENT.map(Law::name).join(", ");
    out.push_str(&format!("laws: {} judged; of each event by itself: {names}\n", Law::ALL.len()));
    for (failure, count) in &exhausted.unconfirmed {
        let failure = failure.to_string();
        out.push_str(&format!(
            "one event breaks by itself, and no whole history that was looked at: {} ({count} times)\n",
            shown(&failure),
        ));
    }
    if exhausted.dropped > 0 {
        out.push_str(&format!(
            "{} were not gone on from, as `--worlds {}` were kept\n",
            counted(usize::try_from(exhausted.dropped).unwrap_or(usize::MAX), "world"),
            search.worlds,
        ));
    }
    let how = match exhausted.is_exhausted {
        true => "exhausted: ".to_owned(),
        false => format!("not exhausted, {} deep: ", counted(exhausted.depth, "event")),
    };
    out + &how + &summary(found.len())
}

/// What the histories are, in words.
fn bound(search: &Exhaustive) -> String {
    let Exhaustive { events, all_changes, .. } = search;
    let with_each = format!("with at most {} each", counted(search.search.changes, "change"));
    let in_all = match all_changes {
        Some(all) => format!(" and {} in all", counted(*all, "change")),
        None => String::new(),
    };
    format!("every history of {} {with_each}{in_all}", counted(*events, "event"))
}

/// A line for each finding, and one for the whole.
#[must_use]
pub fn exhausted_json(
    search: &Exhaustive,
    exhausted: &Exhausted,
    found: &[FoundShortest<'_>],
) -> String {
    let mut out = String::new();
    for FoundShortest { found, shrunk, file } in found {
        let (failure, (events, changes)) = (&found.failure, found.length());
        out.push_str(&written(&json!({
            "kind": failure.kind,
            "law": failure.law.map(Law::name),
            "hook": failure.hook.map(Hook::name),
            "shape": failure.shape.map(Shape::id),
            "events": events,
            "changes": changes,
            "scenario": shrunk.as_ref().ok().map(|shrunk| shrunk.text.as_str()),
            "steps": shrunk.as_ref().ok().map(|shrunk| shrunk.steps.1),
            "not_shrunk": shrunk.as_ref().err().map(ToString::to_string),
            "file": file,
        })));
    }
    let unconfirmed = exhausted
        .unconfirmed
        .iter()
        .map(|(failure, count)| json!({ "failure": failure.to_string(), "count": count }));
    out + &written(&json!({
        "exhaustive": {
            "search": search_json(&search.search),
            "events": search.events,
            "all_changes": search.all_changes,
            "worlds": search.worlds,
        },
        "exhausted": exhausted.is_exhausted,
        "depth": exhausted.depth,
        "starts": exhausted.starts,
        "transitions": exhausted.transitions,
        "impossible": exhausted.impossible,
        "firings": exhausted.firings,
        "worlds": exhausted.worlds,
        "levels": exhausted.levels,
        "settled": exhausted.settled,
        "dropped": exhausted.dropped,
        "steps_from_shape_to_shape": exhausted.arrows.len(),
        "arrows": arrows_json(&exhausted.arrows),
        "of_one_event": OF_ONE_EVENT.map(Law::name),
        "unconfirmed": unconfirmed.collect::<Vec<_>>(),
        "found": found.len(),
    }))
}
