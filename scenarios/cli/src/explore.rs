//! `pgdrill explore` and `pgdrill shrink`: histories that nobody wrote, and what of a failing one has to stay.

use std::{
    collections::BTreeMap,
    ops::Range,
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use pgdrill_core::Diagnostic;
use pgdrill_flow::{counted, shown_lines};
use pgdrill_scenarios::{
    Law, NotShrunk, Partition, Shrunk,
    explore::{BLOCK, Explored, Search},
    report, shrink as shrink_input, stopwatch,
};

use crate::{
    args::{ExploreArgs, RunFormat, ShrinkArgs, amendments},
    commands::{Exit, nothing, read, wrong},
    output::{complain, print, print_lines, say},
    places::counting,
    run::{filters, select},
    signals::until_asked_to_end,
    threads::{processors, runtime},
    update::{cannot_be_written, write_report},
};

mod exhaustive;

/// How many seeds are explored where nothing says how many.
const SEEDS: Range<u64> = 0..20 * BLOCK;

/// How the file of a finding begins.
const FOUND: &str = "# Found by `pgdrill explore`";

/// Explores histories from seeds, shrinks what is found, and writes it where the user wants it.
pub(crate) fn explore(args: &ExploreArgs) -> Exit {
    let search = search(args);
    if args.exhaustive {
        return exhaustive::explore(args, search);
    }
    let Some(searched) = searched(args, &search) else { return Exit::NoBackend };
    let findings = searched.explored.findings();
    let (kept, is_written) = kept(
        args.out.as_deref(),
        &findings,
        |finding| search.shrink(finding),
        |finding| format!("seed {}", finding.seed),
    );
    let lines: Vec<_> = kept
        .into_iter()
        .map(|(finding, shrunk, file)| report::Found { finding, shrunk, file })
        .collect();
    let whole = report::Searched {
        search: &search,
        seeds: &searched.seeds,
        partition: args.partition.unwrap_or(Partition::WHOLE),
        explored: &searched.explored,
    };
    let shown = match args.format {
        RunFormat::Text => report::explored_text(&whole, &lines),
        RunFormat::Json => report::explored_json(&whole, &lines),
    };
    let printed = print_lines(args.format, &shown);
    if let Some(took) = searched.took {
        let rate = rate(searched.explored.runs, took);
        say(&format!("took {:.1} s, {rate} histories a second", took.as_secs_f64()));
    }
    ended(is_written, printed, !findings.is_empty())
}

/// A finding with what is left of it, and its file if it has one.
type Kept<'f, F> = (&'f F, Result<Shrunk, NotShrunk>, Option<String>);

/// Shrinks each finding, and writes it into the folder if the user wants one; and whether all could be written. What could not
/// was said. `place` says where a finding comes from.
fn kept<'f, F>(
    out: Option<&Path>,
    findings: &'f [F],
    shrink: impl Fn(&F) -> Result<Shrunk, NotShrunk>,
    place: impl Fn(&F) -> String,
) -> (Vec<Kept<'f, F>>, bool) {
    let (mut kept, mut is_written) = (Vec::new(), true);
    for finding in findings {
        let shrunk = shrink(finding);
        let written = match (&shrunk, out) {
            (Ok(shrunk), Some(folder)) => write(folder, &place(finding), shrunk),
            (Ok(_) | Err(_), _) => Ok(None),
        };
        match written {
            Ok(file) => kept.push((finding, shrunk, file)),
            Err(complaint) => {
                complain(&complaint);
                is_written = false;
            }
        }
    }
    (kept, is_written)
}

/// How a search ends, whose report was printed so.
const fn ended(is_written: bool, printed: Exit, has_found: bool) -> Exit {
    match (is_written, has_found) {
        (false, _) => Exit::Wrong,
        (true, true) => Exit::Failed,
        (true, false) => printed,
    }
}

/// What is searched, and for what.
fn search(args: &ExploreArgs) -> Search {
    let is_named = |law: &&Law| args.law.iter().any(|name| name == law.name());
    let (events, changes) = if args.exhaustive { (2, 1) } else { (9, 2) };
    Search {
        units: args.units,
        tls: args.tls,
        steps: usize::from(args.events.unwrap_or(events)),
        changes: usize::from(args.changes.unwrap_or(changes)),
        overlap: usize::from(args.overlap.unwrap_or(1)),
        off: amendments(&args.no_amendment),
        laws: Law::ALL.iter().filter(|law| is_named(law)).copied().collect(),
    }
}

/// What came of the seeds that were reached.
struct Searched {
    explored: Explored,
    seeds: Range<u64>,
    /// How long it took, where the user asked for a time.
    took: Option<Duration>,
}

/// Explores block after block on all processors until the seeds or the time are used up, or somebody asks it to end. What
/// is reported is of every block up to one: so the seeds that are named reproduce it. `None`: no thread can be had.
fn searched(args: &ExploreArgs, search: &Search) -> Option<Searched> {
    let seeds = match (&args.seeds, args.limit) {
        (Some(seeds), _) => seeds.clone(),
        (None, Some(_)) => 0..u64::MAX,
        (None, None) => SEEDS,
    };
    let partition = args.partition.unwrap_or(Partition::WHOLE);
    let (stop, next) = (AtomicBool::new(false), AtomicU64::new(0));
    let done: Mutex<Done> = Mutex::default();
    let bar = counting();
    let watch = stopwatch();
    let jobs = args.jobs.map_or_else(processors, usize::from);
    let work = || {
        let _guard = StopsOnPanic(&stop);
        while !stop.load(Ordering::Relaxed) {
            let block = next.fetch_add(1, Ordering::Relaxed);
            let Some(range) = block_of(&seeds, partition, block) else { break };
            let explored = search.explore(range);
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.take(block, explored);
            bar.set_message(done.so_far(watch()));
            bar.tick();
            drop(done);
            if args.limit.is_some_and(|limit| watch() >= limit) {
                stop.store(true, Ordering::Relaxed);
            }
        }
    };
    until_asked_to_end(&stop, || {
        thread::scope(|scope| {
            let workers: Vec<_> = (1..jobs)
                .map_while(|_| thread::Builder::new().spawn_scoped(scope, work).ok())
                .collect();
            work();
            for worker in workers {
                // A worker that panicked has left its block out, and every later one is left out with it. The others have ended,
                // too.
                let _ = worker.join();
            }
        });
    })?;
    bar.finish_and_clear();
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    // Every block of this part before the next one is done.
    let end = block_of(&seeds, partition, done.blocks).map_or(seeds.end, |next| next.start);
    let took = args.limit.map(|_| watch());
    Some(Searched { explored: done.explored, seeds: seeds.start..end, took })
}

/// Has every worker end once this one panics.
struct StopsOnPanic<'a>(&'a AtomicBool);

impl Drop for StopsOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// What came of every block up to one, and of the few that came in before their turn. So the memory of a search does not grow
/// with its length, and what is missing in between is not reported.
#[derive(Default)]
struct Done {
    explored: Explored,
    /// How many blocks are in it.
    blocks: u64,
    early: BTreeMap<u64, Explored>,
}

impl Done {
    fn take(&mut self, block: u64, explored: Explored) {
        self.early.insert(block, explored);
        while let Some(explored) = self.early.remove(&self.blocks) {
            self.explored.merge(explored);
            self.blocks += 1;
        }
    }

    /// What there is so far, for whoever waits.
    fn so_far(&self, took: Duration) -> String {
        let Explored { runs, arrows, findings, .. } = &self.explored;
        format!(
            "{runs} histories, {} a second, {} different steps from shape to shape, {} found",
            rate(*runs, took),
            arrows.len(),
            counted(findings.len(), "different failure")
        )
    }
}

fn rate(runs: u64, took: Duration) -> f64 {
    (runs as f64 / took.as_secs_f64().max(0.001)).round()
}

/// The seeds of a block, counted among those of a part; `None` when there are none left.
fn block_of(seeds: &Range<u64>, partition: Partition, block: u64) -> Option<Range<u64>> {
    let block = partition.index(block)?;
    let start = seeds.start.checked_add(block.checked_mul(BLOCK)?)?;
    (start < seeds.end).then(|| start..start.saturating_add(BLOCK).min(seeds.end))
}

/// Writes a finding and its transcript into the folder.
fn write(folder: &Path, place: &str, shrunk: &Shrunk) -> Result<Option<String>, Diagnostic> {
    let name = shrunk.failure.to_string().replace([' ', '/'], "-");
    let file = folder.join(format!("{name}.yaml"));
    std::fs::create_dir_all(folder).map_err(|error| cannot_be_written(folder, &error))?;
    if std::fs::read(&file).is_ok_and(|there| !there.starts_with(FOUND.as_bytes())) {
        let what = "is there already, and no exploration wrote it";
        let hint = "give `--out` a folder of its own";
        return Err(Diagnostic::error(&file.display().to_string(), what).hint(hint));
    }
    let head = format!("{FOUND}, {place}.\n");
    write_scenario(&file, &head, shrunk)?;
    Ok(Some(file.display().to_string()))
}

/// Writes a scenario, and beside it the snapshot of what it showed.
fn write_scenario(file: &Path, head: &str, shrunk: &Shrunk) -> Result<(), Diagnostic> {
    let text = format!("{head}{}", shrunk.text);
    write_report(file, &text).map_err(|error| cannot_be_written(file, &error))?;
    let snapshot = file.with_extension("snap");
    write_report(&snapshot, &shrunk.snapshot())
        .map_err(|error| cannot_be_written(&snapshot, &error))
}

/// Shrinks the one scenario that the user selects, and prints what is left of it.
pub(crate) fn shrink(args: &ShrinkArgs) -> Exit {
    // Nobody has read what is left yet, so it takes the place of nothing.
    if let Some(file) = args.out.as_deref().filter(|file| file.exists()) {
        let what = "is there already";
        let hint = "give `--out` a file that is not there, or remove it";
        return wrong(&Diagnostic::error(&file.display().to_string(), what).hint(hint));
    }
    let Some(filters) = filters(&args.filter) else { return Exit::Wrong };
    let (inputs, _) = read(std::slice::from_ref(&args.path));
    let (selected, refused) = select(inputs, &filters);
    if !refused.is_empty() {
        report::refused(&refused).flat_map(|(_, refusal)| refusal.faults()).for_each(complain);
        return Exit::Wrong;
    }
    let path = args.path.display().to_string();
    let input = match selected.as_slice() {
        [input] => input,
        [] => return nothing("no scenario fits the filter", "`pgdrill list` shows what there is"),
        several => {
            let what = format!(
                "{} are selected, and one is shrunk at a time",
                counted(several.len(), "scenario")
            );
            let hint = "select one: `--filter '=its title'`";
            return wrong(&Diagnostic::error(&path, what).hint(hint));
        }
    };
    let Some(runtime) = runtime(1) else { return Exit::NoBackend };
    let shrunk = match runtime.block_on(shrink_input(input, &amendments(&args.no_amendment))) {
        Ok(shrunk) => shrunk,
        Err(why) => {
            let hint = match why {
                NotShrunk::Passes => "give the amendments with which it fails by `--no-amendment`",
                NotShrunk::OnlySnapshot => "`pgdrill run` shows the difference",
                NotShrunk::NotWritable => "please report it, with the file",
            };
            return wrong(&Diagnostic::error(&path, why.to_string()).hint(hint));
        }
    };
    let (steps, size) = (shrunk.steps, shrunk.size);
    say(&format!(
        "shrunk: {} of {}, {} of {} keys and values are left, {} were run",
        steps.1,
        counted(steps.0, "step"),
        size.1,
        size.0,
        counted(shrunk.runs, "scenario"),
    ));
    match &args.out {
        None => print(&shown_lines(&shrunk.text, "")),
        Some(file) => match write_scenario(file, "", &shrunk) {
            Ok(()) => {
                say(&format!("written: {}, and its snapshot beside it", file.display()));
                Exit::Expected
            }
            Err(complaint) => wrong(&complaint),
        },
    }
}
