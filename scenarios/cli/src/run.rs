//! `pgdrill run`.

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
};

use indicatif::{ProgressBar, ProgressStyle};
use pgdrill_core::{Amendment, Diagnostic, Severity};
use pgdrill_scenarios::{
    Backend, Coverage, Filter, Input, Law, Plan, Run, ScenarioFiles, Verdict, is_same, plan,
    report::{self, CaseEnd, JudgedCase, judged, junit},
    run_each,
};

use crate::{
    args::{BackendArg, RunArgs, RunFormat, S3Arg},
    commands::{Exit, no_file, nothing, quoted, read},
    last_run::{self, Selection},
    output::{columns, complain, print_lines, say},
    threads::{processors, runtime},
    update::{Updated, cannot_be_written, update, write_report},
};

/// Runs the scenarios that the user named.
pub(crate) fn run(args: &RunArgs) -> Exit {
    if let Some(complaint) = contradiction(args) {
        complain(&complaint);
        return Exit::Wrong;
    }
    let Some(filters) = filters(&args.filter) else { return Exit::Wrong };
    let failed = match args.failed.then(|| last_run::failed(args)).transpose() {
        Ok(failed) => failed,
        Err(complaint) => {
            complain(&complaint);
            return Exit::Nothing;
        }
    };
    let (mut inputs, files) = match &failed {
        Some(failed) if args.paths.is_empty() => read_failed(failed),
        Some(_) | None => read(&args.paths),
    };
    let mut orphans = files.orphans();
    if inputs.is_empty() && failed.is_none() {
        orphans.iter().for_each(complain);
        return no_file();
    }
    if let Some(file) = args.junit.as_deref().and_then(|junit| overwritten(junit, args, &files)) {
        let what = "the report would overwrite what is read, or a snapshot";
        complain(&Diagnostic::error(&file, what).hint("give `--junit` a file of its own"));
        return Exit::Wrong;
    }
    if let Some(failed) = &failed {
        inputs.retain(|input| failed.has(input));
        if inputs.is_empty() {
            let what =
                "nothing of what was given failed the last time that it ran from this folder";
            return nothing(what, "run without `--failed` to run all of it");
        }
    }
    let (selected, mut refused) = select(inputs, &filters);
    report::refused(&refused).flat_map(|(_, refusal)| refusal.faults()).for_each(complain);
    if selected.is_empty() && refused.is_empty() {
        return nothing_fits(&args.paths, &args.filter);
    }
    let off: Vec<Amendment> = args.no_amendment.iter().filter_map(|n| n.parse().ok()).collect();
    let mut results = Results::new(args, &selected);
    let mut take = |input: &Input, case| results.take(input, case);
    let jobs = args.jobs.map(usize::from);
    if run_inputs(&selected, &off, jobs, Where::of(args), &mut take).is_none() {
        return Exit::NoBackend;
    }
    let Results { updated, .. } = &results;
    let written = |orphan: &Diagnostic| {
        updated.written.iter().any(|it| it.as_path() == Path::new(&orphan.file))
    };
    orphans.retain(|orphan| !written(orphan));
    if results.requires_snapshots {
        refused.extend(orphans.drain(..).map(|orphan| {
            let complaint = Diagnostic { severity: Severity::Error, ..orphan };
            complain(&complaint);
            CaseEnd::Refused { name: complaint.file.clone(), refusal: complaint.into() }
        }));
    }
    orphans.iter().chain(&updated.faults).for_each(complain);
    let is_wrong = !refused.is_empty() || !updated.faults.is_empty();
    let said = updated.text();
    results.ends.extend(refused);
    last_run::keep(args, &results.ends);
    let exit = show(args, &results.ends, is_wrong, results.printed);
    if args.update {
        say(&said);
    }
    exit
}

/// What the words of the command line ask for and no run can do.
fn contradiction(args: &RunArgs) -> Option<Diagnostic> {
    if args.update && args.paths.iter().any(|path| path.as_os_str() == "-") {
        let what = "`--update` has no place for the snapshot of what stands in standard input";
        let hint = "save the scenario to a file, and give the file";
        return Some(Diagnostic::error("the command line", what).hint(hint));
    }
    let required = args.require.filter(|required| *required != args.backend)?;
    let (required, runs) = (required.name(), args.backend.name());
    let what = format!("`--require {required}` is of no use where `{runs}` runs");
    let hint = format!("add `--backend {required}`");
    Some(Diagnostic::error("the command line", what).hint(hint))
}

/// What holds the scenarios that failed the last time, wherever they were read.
fn read_failed(failed: &Selection) -> (Vec<Input>, ScenarioFiles) {
    let paths: Vec<PathBuf> = failed.files().into_iter().collect();
    let (mut inputs, mut files) = (Vec::new(), ScenarioFiles::default());
    if failed.has_embedded() {
        inputs = read(&[]).0;
    }
    if !paths.is_empty() {
        let (own, own_files) = read(&paths);
        inputs.extend(own);
        files = own_files;
    }
    (inputs, files)
}

/// The results of a run, each shown as soon as it is known.
struct Results<'a> {
    args: &'a RunArgs,
    requires_snapshots: bool,
    /// How wide the column of names is.
    width: usize,
    ends: Vec<CaseEnd>,
    updated: Updated,
    /// Whether everything could be shown so far.
    printed: Exit,
}

impl<'a> Results<'a> {
    fn new(args: &'a RunArgs, selected: &[Input]) -> Self {
        Self {
            args,
            requires_snapshots: requires_snapshots(args),
            width: report::name_width(selected.iter().map(|it| it.name.as_str()), columns()),
            ends: Vec::with_capacity(selected.len()),
            updated: Updated::default(),
            printed: Exit::Expected,
        }
    }

    /// One more scenario was judged.
    fn take(&mut self, input: &Input, mut case: JudgedCase) {
        if self.args.require.is_some() {
            case.require();
        }
        if self.args.update {
            update(input, &mut case, &mut self.updated);
        }
        if self.requires_snapshots {
            case.require_snapshot();
        }
        // What can't be written is said once.
        if self.printed == Exit::Expected {
            let is_quiet = self.args.quiet && *case.verdict() == Verdict::Passed;
            self.printed = print_lines(
                self.args.format,
                &match self.args.format {
                    RunFormat::Json => report::json_line(&case),
                    RunFormat::Text if is_quiet => String::new(),
                    RunFormat::Text => {
                        // Below the table the path of what fails is shown anyway.
                        let is_shown =
                            self.args.verbose && !matches!(case.verdict(), Verdict::Failed(_));
                        let path =
                            if is_shown { report::path_text(&case, 9) } else { String::new() };
                        report::case_text(&case, self.width) + &path
                    }
                },
            );
        }
        self.ends.push(CaseEnd::Judged(Box::new(case)));
    }
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

/// Prints what stands below the results, which were shown before as `printed` says, and writes the reports.
fn show(args: &RunArgs, ends: &[CaseEnd], is_wrong: bool, printed: Exit) -> Exit {
    let whole = args.paths.is_empty() && args.filter.is_empty() && !args.failed;
    // Over the whole corpus no law may go without being judged, wherever it runs.
    let unjudged = if whole { report::unjudged_laws(ends) } else { Vec::new() };
    for law in &unjudged {
        let what = format!("the law `{law}` was judged in none of the runs");
        complain(
            &Diagnostic::error("the corpus", what).hint("its cases did not come to their end"),
        );
    }
    let rest = match args.format {
        RunFormat::Json => report::refused_lines(ends),
        RunFormat::Text => {
            let coverage = whole.then(|| cover(ends));
            report::end_text(ends, coverage.as_ref())
        }
    };
    let printed = if printed == Exit::Expected { print_lines(args.format, &rest) } else { printed };
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

/// Says that the filters select nothing of what these paths hold.
pub(crate) fn nothing_fits(paths: &[PathBuf], filters: &[String]) -> Exit {
    let what = match filters {
        [] => "there is no scenario that can be read".to_owned(),
        filters => format!("no scenario is selected by {}", quoted(filters, "or")),
    };
    let hint = if paths.is_empty() {
        "`pgdrill list` shows every name and title"
    } else {
        "`pgdrill list` with the same files and no `--filter` shows every name and title"
    };
    nothing(&what, hint)
}

/// Runs scenarios side by side and judges each, its snapshot included; `take` gets each as soon as it and those before it
/// are known. `None`: they could not be run, and why was said.
pub(crate) fn run_inputs(
    inputs: &[Input],
    off: &[Amendment],
    jobs: Option<usize>,
    place: Where,
    take: &mut dyn FnMut(&Input, JudgedCase),
) -> Option<()> {
    let readable: Vec<(&Input, Plan)> = inputs
        .iter()
        .filter_map(|input| {
            let mut plan = plan(input.scenario.clone().ok()?, off);
            plan.is_examined |= Law::is_shown_by(&input.name);
            Some((input, plan))
        })
        .collect();
    let plans: Vec<Plan> = readable.iter().map(|(_, plan)| plan.clone()).collect();
    let mut left = readable.into_iter();
    let mut judge = |run, backend, s3| {
        if let Some((input, plan)) = left.next() {
            take(input, JudgedCase::new(input, plan, run, backend, s3));
        }
    };
    match place {
        Where::Memory => in_memory(plans, jobs, &mut |run| judge(run, Backend::Memory, None)),
        Where::Containers(s3) => {
            let (runs, s3) = in_containers(inputs, &plans, jobs, s3)?;
            runs.into_iter().for_each(|run| judge(run, Backend::Containers, Some(s3)));
            Some(())
        }
        Where::Stand => {
            let runs = on_the_stand(&plans, jobs.unwrap_or_else(processors))?;
            runs.into_iter().for_each(|run| judge(run, Backend::Stand, None));
            Some(())
        }
    }
}

fn in_memory(plans: Vec<Plan>, jobs: Option<usize>, take: &mut dyn FnMut(Run)) -> Option<()> {
    let jobs = jobs.unwrap_or_else(processors);
    let runtime = runtime(jobs)?;
    let progress = progress(plans.len());
    let taken = |run| {
        progress.suspend(|| take(run));
        progress.inc(1);
    };
    runtime.block_on(run_each(plans, jobs, taken));
    progress.finish_and_clear();
    Some(())
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

/// The filters that the user gave. `None`: one of them can't be read, and why was said.
pub(crate) fn filters(texts: &[String]) -> Option<Vec<Filter>> {
    let read = texts.iter().map(|text| Filter::parse(text));
    read.collect::<Result<_, _>>().inspect_err(|complaint| complain(complaint)).ok()
}

/// Whether one of the filters selects a scenario; without any, all are.
pub(crate) fn is_selected(filters: &[Filter], input: &Input) -> bool {
    filters.is_empty() || filters.iter().any(|filter| filter.selects(input))
}

/// The scenarios to run, and the complaints about those that can't be read. A file that can't be read is
/// never filtered away: nobody can tell what it holds.
fn select(inputs: Vec<Input>, filters: &[Filter]) -> (Vec<Input>, Vec<CaseEnd>) {
    let mut selected = Vec::new();
    let mut refused = Vec::new();
    for input in inputs {
        match &input.scenario {
            Err(refusal) => {
                let (name, refusal) = (input.name.clone(), refusal.clone());
                refused.push(CaseEnd::Refused { name, refusal });
            }
            Ok(_) if is_selected(filters, &input) => selected.push(input),
            Ok(_) => {}
        }
    }
    (selected, refused)
}

/// What a report of this name would overwrite of what is read, or of the snapshots beside it.
fn overwritten(junit: &Path, args: &RunArgs, files: &ScenarioFiles) -> Option<String> {
    let stdin = Path::new("/dev/stdin");
    let reads_stdin = args.paths.iter().any(|path| path.as_os_str() == "-");
    let is_regular = stdin.metadata().is_ok_and(|metadata| metadata.is_file());
    if reads_stdin && is_regular && is_same(stdin, junit) {
        return Some(junit.display().to_string());
    }
    files.overwritten(junit).map(|path| path.display().to_string())
}

fn write_junit(file: &Path, ends: &[CaseEnd]) -> Result<(), Diagnostic> {
    let xml = junit(ends);
    let xml = xml.map_err(|error| Diagnostic::error(&file.display().to_string(), error))?;
    write_report(file, &xml).map_err(|error| cannot_be_written(file, &error))
}
