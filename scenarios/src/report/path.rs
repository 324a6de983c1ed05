//! The path of a run, for people: every firing with what happened between and within them.

use std::sync::Arc;

use pgdrill_flow::shown;
use pgdrill_sim::{Injection, Moment};

use super::JudgedCase;
use crate::{
    plan::PlanStep,
    run::{FiredStep, SeenAround},
    snapshot::{write_end, write_heading, write_step},
    yaml::{flow, injected},
};

/// The path of every firing of a scenario, with what happened between and within them and, where the backend looks there,
/// the statuses that each event set. Each line stands after so many spaces. Where there is a limit to how many lines are shown,
/// they are the last ones.
#[must_use]
pub fn path_text(case: &JudgedCase, indent: usize, limit: Option<usize>) -> String {
    let text = path(case);
    let indent = " ".repeat(indent);
    let lines: Vec<&str> = text.lines().collect();
    let left_out = limit.map_or(0, |limit| lines.len().saturating_sub(limit));
    let mut out = String::with_capacity(text.len() * 2);
    if left_out > 0 {
        out.push_str(&format!("{indent}… {left_out} lines before: `-v` shows them\n"));
    }
    lines.iter().skip(left_out).for_each(|line| out.push_str(&format!("{indent}{line}\n")));
    out
}

fn path(case: &JudgedCase) -> String {
    let run = &case.run;
    let is_cut = run.broken.is_some() || run.skipped.is_some();
    let begun = match run.stopped_at {
        Some(last) => last + 1,
        None if is_cut && run.firings.is_empty() => 0,
        None => case.plan.steps.len(),
    };
    let mut out = String::with_capacity(2048);
    let mut number = 0;
    for (index, step) in case.plan.steps.iter().enumerate().take(begun) {
        let injections = match step {
            PlanStep::Fire { injections, .. } => injections.as_slice(),
            PlanStep::Change(change) => {
                out.push_str(&format!("do: {}\n", shown(&flow(change))));
                &[]
            }
            PlanStep::Settle => {
                out.push_str("settle\n");
                &[]
            }
        };
        let is_missed = |at: usize| run.missed.iter().any(|it| (it.step, it.index) == (index, at));
        let pending = injections.iter().enumerate().filter(|(at, _)| !is_missed(*at));
        let mut pending: Vec<&Injection> = pending.map(|(_, injection)| injection).collect();
        let rest = run.firings.get(number..).unwrap_or_default();
        let count = rest.iter().take_while(|fired| fired.step == index).count();
        for (at, fired) in rest.iter().take(count).enumerate() {
            number += 1;
            let next = rest.get(at + 1).filter(|next| next.step == index);
            let ends_event = next.is_none_or(|next| !is_same_event(fired, next));
            write_firing(&mut out, number, fired, &mut pending, ends_event);
        }
    }
    out
}

fn is_same_event(one: &FiredStep, next: &FiredStep) -> bool {
    match (&one.seen, &next.seen) {
        (Some(one), Some(next)) => Arc::ptr_eq(one, next),
        (None, None) => one.fired.unit == next.fired.unit,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn write_firing(
    out: &mut String,
    number: usize,
    step: &FiredStep,
    pending: &mut Vec<&Injection>,
    ends_event: bool,
) {
    let firing = &step.fired.firing;
    write_heading(out, number, &step.fired);
    // At which of its calls an answer was lost is not recorded.
    take(out, pending, |injection| matches!(injection, Injection::Lost(_)));
    for taken in firing.trace.steps() {
        let is_here = |injection: &Injection, wanted: Moment| match injection {
            Injection::Change { at, moment, .. } => *at == taken.shape && *moment == wanted,
            Injection::Lost(_) => false,
        };
        take(out, pending, |injection| is_here(injection, Moment::Before));
        write_step(out, taken);
        take(out, pending, |injection| is_here(injection, Moment::After));
    }
    if ends_event {
        // A process that dies before a shape leaves no step of it.
        take(out, pending, |_| true);
    }
    write_end(out, &step.fired);
    if ends_event && let Some(seen) = &step.seen {
        write_statuses(out, seen);
    }
}

/// Writes those that happened here, and keeps the others.
fn take(out: &mut String, pending: &mut Vec<&Injection>, is_here: impl Fn(&Injection) -> bool) {
    pending.retain(|injection| {
        let is_here = is_here(injection);
        if is_here {
            out.push_str(&format!("   meanwhile: {}\n", shown(&flow(&injected(injection)))));
        }
        !is_here
    });
}

/// Writes the statuses that an event set, those that did not last included.
fn write_statuses(out: &mut String, seen: &SeenAround) {
    for after in &seen.after.units {
        let before = seen.before.units.iter().find(|before| before.unit == after.unit);
        let known = before.map_or(0, |before| before.history.len());
        let set: Vec<String> = after.history.iter().skip(known).map(ToString::to_string).collect();
        if !set.is_empty() {
            out.push_str(&format!("   unit {}: {}\n", after.unit, shown(&set.join(", "))));
        }
    }
}
