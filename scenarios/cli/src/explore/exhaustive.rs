//! `pgdrill explore --exhaustive`.

use std::{sync::atomic::AtomicBool, time::Duration};

use pgdrill_core::Diagnostic;
use pgdrill_flow::counted;
use pgdrill_scenarios::{
    explore::{Alphabet, Exhausted, Exhaustive, FoundHistory, Search},
    report, stopwatch,
};

use super::{ended, kept, rate};
use crate::{
    args::{ExploreArgs, RunFormat},
    commands::{Exit, wrong},
    output::{print_lines, say},
    places::counting,
    signals::until_asked_to_end,
    threads::processors,
};

/// Tries every history up to a bound, shrinks what is found, and writes it where the user wants it.
pub(super) fn explore(args: &ExploreArgs, search: Search) -> Exit {
    if search.changes > Exhaustive::MOST_CHANGES {
        let what = format!("`--exhaustive` counts at most {} changes", Exhaustive::MOST_CHANGES);
        let hint = "every change more makes about a thousand times as many histories";
        return wrong(&Diagnostic::error("the command line", what).hint(hint));
    }
    let search = Exhaustive {
        events: search.steps,
        search,
        all_changes: args.all_changes.map(usize::from),
        worlds: args.worlds as usize,
        merges: true,
        jobs: args.jobs.map_or_else(processors, usize::from),
        alphabet: Alphabet::WHOLE,
    };
    let watch = stopwatch();
    let Some(exhausted) = searched(&search, &watch) else { return Exit::NoBackend };
    let place = |history: &FoundHistory| {
        let (events, changes) = history.length();
        format!("{} and {}", counted(events, "event"), counted(changes, "change"))
    };
    let shrink = |history: &FoundHistory| search.shrink(history);
    let (kept, is_written) = kept(args.out.as_deref(), &exhausted.findings, shrink, place);
    let found: Vec<_> = kept
        .into_iter()
        .map(|(found, shrunk, file)| report::FoundShortest { found, shrunk, file })
        .collect();
    let shown = match args.format {
        RunFormat::Text => report::exhausted_text(&search, &exhausted, &found),
        RunFormat::Json => report::exhausted_json(&search, &exhausted, &found),
    };
    let printed = print_lines(args.format, &shown);
    let took = watch();
    let rate = rate(exhausted.transitions, took);
    say(&format!("took {:.1} s, {rate} transitions a second", took.as_secs_f64()));
    ended(is_written, printed, !exhausted.findings.is_empty())
}

/// What came of the search, to its end or until somebody asks it to end. `None`: no thread can be had.
fn searched(search: &Exhaustive, watch: &impl Fn() -> Duration) -> Option<Exhausted> {
    let stop = AtomicBool::new(false);
    let bar = counting();
    let exhausted = until_asked_to_end(&stop, || {
        search.run(&stop, &mut |so_far| {
            bar.set_message(said(so_far, watch()));
            bar.tick();
        })
    });
    bar.finish_and_clear();
    exhausted
}

/// What there is so far, for whoever waits.
fn said(so_far: &Exhausted, took: Duration) -> String {
    let Exhausted { transitions, worlds, depth, arrows, findings, .. } = so_far;
    format!(
        "{} deep, {transitions} transitions, {} a second, {worlds} worlds, {} different steps from shape to shape, {} found",
        depth + 1,
        rate(*transitions, took),
        arrows.len(),
        counted(findings.len(), "different failure"),
    )
}
