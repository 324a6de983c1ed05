//! `pgdrill run`.

use std::{io::IsTerminal as _, num::NonZeroUsize, path::Path, thread};

use indicatif::{ProgressBar, ProgressStyle};
use pgdrill_core::{Amendment, Diagnostic, Severity};
use pgdrill_scenarios::{
    Backend, Coverage, Input, Law, Plan, Run, Source, Verdict, plan,
    report::{self, CaseEnd, JudgedCase, json_lines, judged, junit, run_text},
    run_all,
};

use crate::{
    args::{BackendArg, RunArgs, RunFormat, S3Arg},
    commands::{Exit, no_file, nothing, read},
    output::{complain, print, say},
    update::{Updated, cannot_be_written, update},
};

/// Runs the scenarios that the user named.
pub(crate) fn run(args: &RunArgs) -> Exit {
    if args.update && args.paths.iter().any(|path| path.as_os_str() == "-") {
        let what = "`--update` has no place for the snapshot of what stands in standard input";
        let hint = "save the scenario to a file, and give the file";
        complain(&Diagnostic::error("the command line", what).hint(hint));
        return Exit::Wrong;
    }
    if let Some(required) = args.require.filter(|required| *required != args.backend) {
        let (required, runs) = (required.name(), args.backend.name());
        let what = format!("`--require {required}` is of no use where `{runs}` runs");
        let hint = format!("add `--backend {required}`");
        complain(&Diagnostic::error("the command line", what).hint(hint));
        return Exit::Wrong;
    }
    let (inputs, mut orphans) = read(&args.paths);
    if inputs.is_empty() {
        orphans.iter().for_each(complain);
        return no_file();
    }
    let (selected, mut refused) = select(inputs, &args.filter);
    report::refused(&refused).for_each(|(_, complaint)| complain(complaint));
    if selected.is_empty() && refused.is_empty() {
        return nothing_fits(args);
    }
    if let Some(file) = args.junit.as_deref().and_then(|junit| overwritten(junit, &selected)) {
        let what = "the report would overwrite a scenario";
        complain(&Diagnostic::error(&file, what).hint("give `--junit` a file of its own"));
        return Exit::Wrong;
    }
    let off: Vec<Amendment> = args.no_amendment.iter().filter_map(|n| n.parse().ok()).collect();
    let jobs = args.jobs.map(usize::from);
    let Some(mut cases) = run_inputs(&selected, &off, jobs, Where::of(args)) else {
        return Exit::NoBackend;
    };
    if args.require.is_some() {
        cases.iter_mut().for_each(JudgedCase::require);
    }
    let updated = if args.update { update(&selected, &mut cases) } else { Updated::default() };
    let written = |orphan: &Diagnostic| {
        updated.written.iter().any(|it| it.as_path() == Path::new(&orphan.file))
    };
    orphans.retain(|orphan| !written(orphan));
    if requires_snapshots(args) {
        cases.iter_mut().for_each(JudgedCase::require_snapshot);
        refused.extend(orphans.drain(..).map(|orphan| {
            let complaint = Diagnostic { severity: Severity::Error, ..orphan };
            complain(&complaint);
            CaseEnd::Refused { name: complaint.file.clone(), complaint: Box::new(complaint) }
        }));
    }
    orphans.iter().chain(&updated.faults).for_each(complain);
    let is_wrong = !refused.is_empty() || !updated.faults.is_empty();
    let ends: Vec<CaseEnd> = ends(cases).into_iter().chain(refused).collect();
    let exit = show(args, &ends, is_wrong);
    if args.update {
        say(&updated.text());
    }
    exit
}

/// Whether every scenario of a file must have a snapshot: as the user says, and else as the environment of a CI system.
fn requires_snapshots(args: &RunArgs) -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "every CI system says by this variable that nobody is there to read a warning"
    )]
    let in_ci =
        || std::env::var_os("CI").is_some_and(|ci| !(ci.is_empty() || ci == "false" || ci == "0"));
    args.require_snapshots.unwrap_or_else(in_ci)
}

/// Prints and writes the reports.
fn show(args: &RunArgs, ends: &[CaseEnd], is_wrong: bool) -> Exit {
    let whole = args.paths.is_empty() && args.filter.is_empty();
    // Over the whole corpus no law may go without being judged, wherever it runs.
    let unjudged = if whole { report::unjudged_laws(ends) } else { Vec::new() };
    for law in &unjudged {
        let what = format!("the law `{law}` was judged in none of the runs");
        complain(
            &Diagnostic::error("the corpus", what).hint("its cases did not come to their end"),
        );
    }
    let printed = print(&match args.format {
        RunFormat::Json => json_lines(ends),
        RunFormat::Text => {
            let coverage = whole.then(|| cover(ends));
            run_text(ends, coverage.as_ref())
        }
    });
    if let Some(file) = &args.junit
        && let Err(diagnostic) = write_junit(file, ends)
    {
        complain(&diagnostic);
        return Exit::Wrong;
    }
    if is_wrong {
        Exit::Wrong
    } else if !unjudged.is_empty()
        || judged(ends).any(|case| matches!(case.verdict(), Verdict::Failed(_)))
    {
        Exit::Failed
    } else {
        printed
    }
}

fn nothing_fits(args: &RunArgs) -> Exit {
    let texts: Vec<String> = args.filter.iter().map(|text| format!("`{text}`")).collect();
    let what = format!("no scenario has {} in its name or title", texts.join(" or "));
    let hint = if args.paths.is_empty() {
        "`pgdrill list` shows every name and title"
    } else {
        "`pgdrill run` with the same files and no `--filter` shows every name"
    };
    nothing(&what, hint)
}

/// Runs scenarios side by side and judges each, its snapshot included. `None`: they could not be run, and why was
/// said.
pub(crate) fn run_inputs(
    inputs: &[Input],
    off: &[Amendment],
    jobs: Option<usize>,
    place: Where,
) -> Option<Vec<JudgedCase>> {
    let plans: Vec<Plan> = inputs
        .iter()
        .filter_map(|input| {
            let mut plan = plan(input.scenario.clone().ok()?, off);
            plan.is_examined |= Law::is_shown_by(&input.name);
            Some(plan)
        })
        .collect();
    let processors = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let (runs, backend, s3) = match place {
        Where::Memory => {
            (in_memory(&plans, jobs.unwrap_or_else(processors))?, Backend::Memory, None)
        }
        Where::Containers(s3) => {
            let (runs, s3) = in_containers(inputs, &plans, jobs, s3)?;
            (runs, Backend::Containers, Some(s3))
        }
        Where::Stand => {
            (on_the_stand(&plans, jobs.unwrap_or_else(processors))?, Backend::Stand, None)
        }
    };
    let readable = inputs.iter().filter(|input| input.scenario.is_ok());
    let ran = readable.zip(plans).zip(runs);
    Some(ran.map(|((input, plan), run)| JudgedCase::new(input, plan, run, backend, s3)).collect())
}

/// The ends of scenarios that ran.
pub(crate) fn ends(cases: Vec<JudgedCase>) -> Vec<CaseEnd> {
    cases.into_iter().map(|case| CaseEnd::Judged(Box::new(case))).collect()
}

fn in_memory(plans: &[Plan], jobs: usize) -> Option<Vec<Run>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(jobs).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&Diagnostic::error("the runtime", format!("can't be started: {error}")));
            return None;
        }
    };
    let progress = progress(plans.len());
    let runs = runtime.block_on(run_all(plans.to_vec(), jobs, |_: &Run| progress.inc(1)));
    progress.finish_and_clear();
    Some(runs)
}

#[cfg(feature = "containers")]
fn in_containers(
    inputs: &[Input],
    plans: &[Plan],
    jobs: Option<usize>,
    s3: Option<S3Arg>,
) -> Option<(Vec<Run>, &'static str)> {
    use pgdrill_container_backend::{RunEnded, default_workers};

    let readable: Vec<&Input> = inputs.iter().filter(|i| i.scenario.is_ok()).collect();
    let describe = |ended: &RunEnded<'_>| {
        let known = readable.get(ended.index).zip(plans.get(ended.index));
        let report_line = |(input, plan): (&&Input, &Plan)| {
            let run = ended.run.clone();
            let case = JudgedCase::new(input, plan.clone(), run, Backend::Containers, None);
            report::progress_text(&case, ended.seconds, ended.replaced)
        };
        known.map(report_line).unwrap_or_default()
    };
    crate::containers::run_plans(plans, jobs.unwrap_or_else(default_workers), s3, &describe)
}

#[cfg(not(feature = "containers"))]
fn in_containers(
    _: &[Input],
    _: &[Plan],
    _: Option<usize>,
    _: Option<S3Arg>,
) -> Option<(Vec<Run>, &'static str)> {
    crate::absent::absent("the backend `containers`", "containers");
    None
}

#[cfg(feature = "charm")]
fn on_the_stand(plans: &[Plan], jobs: usize) -> Option<Vec<Run>> {
    crate::stand::run_plans(plans, jobs)
}

#[cfg(not(feature = "charm"))]
fn on_the_stand(_: &[Plan], _: usize) -> Option<Vec<Run>> {
    crate::absent::absent("the backend `stand`", "charm");
    None
}

/// Where scenarios run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Where {
    /// On fakes.
    Memory,
    /// On real containers, with this S3 server.
    Containers(Option<S3Arg>),
    /// Through dispatches, with everything around a unit served to them.
    Stand,
}

impl Where {
    fn of(args: &RunArgs) -> Self {
        match args.backend {
            BackendArg::Memory => Self::Memory,
            BackendArg::Containers => Self::Containers(args.s3),
            BackendArg::Stand => Self::Stand,
        }
    }
}

/// The coverage of the project's own charts by these scenarios.
pub(crate) fn cover(ends: &[CaseEnd]) -> Coverage {
    let mut coverage = Coverage::of_own_charts();
    count(&mut coverage, ends);
    coverage
}

/// Counts every trace of these scenarios.
pub(crate) fn count(coverage: &mut Coverage, ends: &[CaseEnd]) {
    for result in judged(ends) {
        for step in &result.run.firings {
            let firing = &step.fired.firing;
            coverage.count(&result.name, firing.hook, &firing.trace);
        }
    }
}

/// A bar on standard error, where that is a terminal; it is gone when the run is.
pub(crate) fn progress(length: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} scenarios");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// The scenarios to run, and the complaints about those that can't be read. A file that can't be read is
/// never filtered away: nobody can tell what it holds.
fn select(inputs: Vec<Input>, filters: &[String]) -> (Vec<Input>, Vec<CaseEnd>) {
    let mut selected = Vec::new();
    let mut refused = Vec::new();
    for input in inputs {
        match &input.scenario {
            Err(complaint) => {
                let (name, complaint) = (input.name.clone(), complaint.clone());
                refused.push(CaseEnd::Refused { name, complaint });
            }
            Ok(scenario) => {
                let fits = |text: &String| {
                    input.name.contains(text.as_str()) || scenario.scenario.contains(text.as_str())
                };
                if filters.is_empty() || filters.iter().any(fits) {
                    selected.push(input);
                }
            }
        }
    }
    (selected, refused)
}

/// The scenario file that a report of this name would overwrite.
fn overwritten(junit: &Path, inputs: &[Input]) -> Option<String> {
    let target = junit.canonicalize().ok()?;
    let files = inputs.iter().filter(|input| matches!(input.source, Source::File(_)));
    let same = |file: &&Input| Path::new(&file.file).canonicalize().is_ok_and(|it| it == target);
    files.into_iter().find(same).map(|input| input.file.clone())
}

fn write_junit(file: &Path, ends: &[CaseEnd]) -> Result<(), Diagnostic> {
    let xml = junit(ends);
    let xml = xml.map_err(|error| Diagnostic::error(&file.display().to_string(), error))?;
    std::fs::write(file, xml).map_err(|error| cannot_be_written(file, &error))
}
