//! `pgdrill run`.

use std::{io::IsTerminal as _, num::NonZeroUsize, path::Path, thread};

use indicatif::{ProgressBar, ProgressStyle};
use pgdrill_core::{Amendment, Diagnostic};
use pgdrill_scenarios::{
    Backend, Coverage, Input, Plan, Run, Snapshot, Source, Verdict, judge, plan,
    report::{Result as CaseResult, json_lines, junit, run_text},
    run_all, transcript,
};

use crate::{
    args::{BackendArg, RunArgs, RunFormat, S3Arg},
    commands::{Exit, no_file, nothing, read},
    output::{complain, print},
};

/// Runs the scenarios that the user named.
pub(crate) fn run(args: &RunArgs) -> Exit {
    if args.update && args.paths.iter().any(|path| path.as_os_str() == "-") {
        let what = "`--update` has no place for the snapshot of what stands in standard input";
        let hint = "save the scenario to a file, and give the file";
        complain(&Diagnostic::error("the command line", what).hint(hint));
        return Exit::Wrong;
    }
    let inputs = read(&args.paths);
    if inputs.is_empty() {
        return no_file();
    }
    let (selected, refused) = select(inputs, &args.filter);
    refused.iter().for_each(|(_, diagnostic)| complain(diagnostic));
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
    let Some(mut results) = run_inputs(&selected, &off, jobs, Where::of(args)) else {
        return Exit::NoBackend;
    };
    if args.require.is_some() {
        results.iter_mut().for_each(require);
    }
    if args.update
        && let Err(diagnostic) = update(&selected, &mut results)
    {
        complain(&diagnostic);
        return Exit::Wrong;
    }
    let whole = args.paths.is_empty() && args.filter.is_empty();
    let printed = print(&match args.format {
        RunFormat::Json => json_lines(&results),
        RunFormat::Text => {
            let coverage = whole.then(|| cover(&results)).flatten();
            let bare = if args.update { 0 } else { without_snapshot(&selected) };
            run_text(&results, refused.len(), bare, coverage.as_ref())
        }
    });
    if let Some(file) = &args.junit
        && let Err(diagnostic) = write_junit(file, &results, &refused)
    {
        complain(&diagnostic);
        return Exit::Wrong;
    }
    if !refused.is_empty() {
        Exit::Wrong
    } else if results.iter().any(|result| matches!(result.verdict(), Verdict::Failed(_))) {
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
) -> Option<Vec<CaseResult>> {
    let plans: Vec<Plan> = inputs
        .iter()
        .filter_map(|input| input.scenario.as_ref().ok())
        .map(|scenario| plan(scenario.clone(), off))
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
    let results =
        ran.map(|((input, plan), run)| CaseResult { backend, s3, ..result(input, plan, run) });
    Some(results.collect())
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
    use pgdrill_container_backend::{Ended, usual_lanes};

    let readable: Vec<&Input> = inputs.iter().filter(|i| i.scenario.is_ok()).collect();
    let tell = |ended: &Ended<'_>| {
        let known = readable.get(ended.index).zip(plans.get(ended.index));
        known.map_or_else(String::new, |(input, plan)| told(input, plan, ended))
    };
    crate::containers::run_plans(plans, jobs.unwrap_or_else(usual_lanes), s3, &tell)
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

/// What is said of a run that has just ended, for whoever reads the log of a long one.
#[cfg(feature = "containers")]
fn told(input: &Input, plan: &Plan, ended: &pgdrill_container_backend::Ended<'_>) -> String {
    let judged = result(input, plan.clone(), ended.run.clone()).judged;
    let (verdict, seconds) = (judged.verdict.name(), ended.seconds);
    let mut text = format!("{verdict} in {seconds:.1} s: {}\n", input.name);
    if let Some(why) = ended.replaced {
        text.push_str(&format!("    on a new cluster: {}\n", why.replace('\n', "\n    ")));
    }
    let reasons = match judged.verdict {
        Verdict::Passed => Vec::new(),
        Verdict::Failed(reasons) => reasons,
        Verdict::Skipped(reason) => vec![reason],
    };
    for line in reasons.iter().flat_map(|reason| reason.lines()) {
        text.push_str(&format!("    {line}\n"));
    }
    text
}

/// Where scenarios run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Where {
    /// On fakes.
    Memory,
    /// On real parts, with this S3 server.
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

/// The coverage of the project's own charts by these results.
pub(crate) fn cover(results: &[CaseResult]) -> Option<Coverage> {
    let mut coverage = Coverage::of_own_charts().ok()?;
    count(&mut coverage, results);
    Some(coverage)
}

/// Counts every trace of these results.
pub(crate) fn count(coverage: &mut Coverage, results: &[CaseResult]) {
    for result in results {
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

type Refused = Vec<(String, Diagnostic)>;

/// The scenarios to run, and the complaints about those that can't be read. A file that can't be read is
/// never filtered away: nobody can tell what it holds.
fn select(inputs: Vec<Input>, filters: &[String]) -> (Vec<Input>, Refused) {
    let mut selected = Vec::new();
    let mut refused = Vec::new();
    for input in inputs {
        match &input.scenario {
            Err(diagnostic) => refused.push((input.name.clone(), diagnostic.as_ref().clone())),
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

fn result(input: &Input, plan: Plan, run: Run) -> CaseResult {
    let mut judged = judge(&plan, &run);
    let found = transcript(&run);
    if matches!(judged.verdict, Verdict::Skipped(_)) {
        // What was not run can't differ from its snapshot.
        let (name, file) = (input.name.clone(), input.file.clone());
        return CaseResult { name, file, backend: Backend::Memory, s3: None, plan, run, judged };
    }
    let complaint = match (&input.snapshot, &input.source) {
        (Some(snapshot), source) => snapshot.difference(&found).map(|difference| {
            let advice = match source {
                Source::File(_) => "; if the run is right, `--update` writes it anew",
                Source::Embedded | Source::Stdin => "",
            };
            format!("{SNAPSHOT_DIFFERS}{advice}\n{difference}")
        }),
        (None, Source::Embedded) => Some("the case has no snapshot".to_owned()),
        (None, Source::File(_) | Source::Stdin) => None,
    };
    if let Some(complaint) = complaint {
        judged.verdict = match judged.verdict {
            Verdict::Failed(mut reasons) => {
                reasons.push(complaint);
                Verdict::Failed(reasons)
            }
            Verdict::Passed | Verdict::Skipped(_) => Verdict::Failed(vec![complaint]),
        };
    }
    let (name, file) = (input.name.clone(), input.file.clone());
    CaseResult { name, file, backend: Backend::Memory, s3: None, plan, run, judged }
}

const SNAPSHOT_DIFFERS: &str = "the run differs from its snapshot";

/// What was skipped counts as failed.
fn require(result: &mut CaseResult) {
    if let Verdict::Skipped(reason) = &result.judged.verdict {
        result.judged.verdict = Verdict::Failed(vec![format!("skipped, and required: {reason}")]);
    }
}

/// Writes the snapshot of every scenario that has nothing else against it.
fn update(inputs: &[Input], results: &mut [CaseResult]) -> Result<(), Diagnostic> {
    for (input, result) in inputs.iter().zip(results) {
        let Source::File(path) = &input.source else { continue };
        let reasons = match &mut result.judged.verdict {
            Verdict::Passed => Vec::new(),
            Verdict::Failed(reasons) => std::mem::take(reasons),
            Verdict::Skipped(_) => continue,
        };
        let kept: Vec<String> =
            reasons.into_iter().filter(|reason| !reason.starts_with(SNAPSHOT_DIFFERS)).collect();
        if kept.is_empty() {
            let file = Snapshot::file(&result.plan.title, &transcript(&result.run));
            write(path, &file)?;
            result.judged.verdict = Verdict::Passed;
        } else {
            result.judged.verdict = Verdict::Failed(kept);
        }
    }
    Ok(())
}

/// The scenario file that a report of this name would overwrite.
fn overwritten(junit: &Path, inputs: &[Input]) -> Option<String> {
    let target = junit.canonicalize().ok()?;
    let files = inputs.iter().filter(|input| matches!(input.source, Source::File(_)));
    let same = |file: &&Input| Path::new(&file.file).canonicalize().is_ok_and(|it| it == target);
    files.into_iter().find(same).map(|input| input.file.clone())
}

/// How many scenarios of files have no snapshot to be held to.
fn without_snapshot(inputs: &[Input]) -> usize {
    let files = inputs.iter().filter(|input| matches!(input.source, Source::File(_)));
    files.filter(|input| input.snapshot.is_none()).count()
}

fn write_junit(file: &Path, results: &[CaseResult], refused: &Refused) -> Result<(), Diagnostic> {
    let xml = junit(results, refused);
    let xml = xml.map_err(|error| Diagnostic::error(&file.display().to_string(), error))?;
    write(file, &xml)
}

fn write(path: &Path, content: &str) -> Result<(), Diagnostic> {
    std::fs::write(path, content).map_err(|error| {
        let what = format!("can't be written: {error}");
        Diagnostic::error(&path.display().to_string(), what)
    })
}
