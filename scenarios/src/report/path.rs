//! The path of a run, for people: every firing with what happened between and within them.

use std::sync::Arc;

use pgdrill_flow::shown;
use pgdrill_sim::{At, Injection, Moment};

use super::JudgedCase;
use crate::{
    plan::PlanStep,
    run::{FiredStep, MissedWhat, Run, SeenAround},
    snapshot::{write_end, write_heading, write_step},
    yaml::{flow, injected, ordered},
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
    let (mut number, mut none) = (0, Vec::new());
    for (index, step) in case.plan.steps.iter().enumerate().take(begun) {
        // By the unit, where several run at the same time.
        let mut pending: Vec<(Option<u32>, Vec<&Injection>)> = match step {
            PlanStep::Fire { injections, .. } => {
                vec![(None, reached(run, (index, None), injections))]
            }
            PlanStep::Together { events, order } => {
                let order: Vec<String> = order.iter().map(|turn| flow(&ordered(turn))).collect();
                out.push_str(&format!("together, in the order {}\n", order.join(", ")));
                let events = events.iter().enumerate().map(|(at, it)| {
                    (Some(it.unit), reached(run, (index, Some(at)), &it.injections))
                });
                events.collect()
            }
            PlanStep::Change(change) => {
                out.push_str(&format!("do: {}\n", shown(&flow(change))));
                Vec::new()
            }
            PlanStep::Settle => {
                out.push_str("settle\n");
                Vec::new()
            }
        };
        let rest = run.firings.get(number..).unwrap_or_default();
        let count = rest.iter().take_while(|fired| fired.step == index).count();
        for (at, fired) in rest.iter().take(count).enumerate() {
            number += 1;
            let next = rest.get(at + 1).filter(|next| next.step == index);
            let ends_event = next.is_none_or(|next| !is_same_event(fired, next));
            let is_its = |(unit, _): &&mut (Option<u32>, Vec<&Injection>)| {
                unit.is_none_or(|unit| unit == fired.fired.unit)
            };
            let own = pending.iter_mut().find(is_its);
            let own = own.map_or(&mut none, |(_, own)| own);
            write_firing(&mut out, number, fired, own, ends_event);
        }
    }
    out
}

/// What a firing came to, of what was to be injected into an event: into that of a step, or one of several there.
fn reached<'i>(
    run: &Run,
    (step, event): (usize, Option<usize>),
    injections: &'i [Injection],
) -> Vec<&'i Injection> {
    let is_missed = |index: usize| {
        let mut missed = run.missed.iter().filter(|it| matches!(it.what, MissedWhat::Injection(_)));
        missed.any(|it| (it.step, it.event, it.index) == (step, event, index))
    };
    let reached = injections.iter().enumerate().filter(|(index, _)| !is_missed(*index));
    reached.map(|(_, injection)| injection).collect()
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
    // At which of its shapes a call was made is not recorded.
    take(out, pending, |injection| match injection {
        Injection::Change { at, .. } => matches!(at, At::Call(_)),
        Injection::Lost(_) => true,
    });
    for taken in firing.trace.steps() {
        let is_here = |injection: &Injection, wanted: Moment| match injection {
            Injection::Change { at, moment, .. } => {
                *at == At::Shape(taken.shape) && *moment == wanted
            }
            Injection::Lost(_) => false,
        };
        take(out, pending, |injection| is_here(injection, Moment::Before));
        take(out, pending, |injection| is_here(injection, Moment::During));
        write_step(out, taken);
        take(out, pending, |injection| is_here(injection, Moment::After));
    }
    if ends_event {
        // A process that dies before a shape leaves no step of it.
        take(out, pending, |_| true);
    }
    write_end(out, &step.fired);
    if ends_event && let Some(seen) = &step.seen {
        write_statuses(out, seen, step.fired.unit);
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
fn write_statuses(out: &mut String, seen: &SeenAround, unit: u32) {
    // Of those that ran at the same time each sets its own.
    let is_shown = |of: u32| seen.beside.is_empty() || of == unit;
    for after in seen.after.units.iter().filter(|after| is_shown(after.unit)) {
        let before = seen.before.units.iter().find(|before| before.unit == after.unit);
        let known = before.map_or(0, |before| before.history.len());
        let set: Vec<String> = after.history.iter().skip(known).map(ToString::to_string).collect();
        if !set.is_empty() {
            out.push_str(&format!("   unit {}: {}\n", after.unit, shown(&set.join(", "))));
        }
    }
}
