//! `pgdrill run`.

use std::path::{Path, PathBuf};

use pgdrill_core::{Diagnostic, Severity};
use pgdrill_scenarios::{
    Filter, Input, ScenarioFiles, is_same,
    report::{self, CaseEnd, JudgedCase, PartOfRun},
};

use crate::{
    args::{RunArgs, RunFormat, SelectionArgs, amendments},
    commands::{Exit, no_file, nothing, quoted, read, wrong},
    config::paths,
    html,
    last_run::{self, Selection},
    output::{complain, say},
    partition,
    places::{How, Where, run_inputs},
    results::{Results, Rules, is_in_ci},
};

/// Runs the scenarios that the user named.
pub(crate) fn run(args: &RunArgs) -> Exit {
    run_to_ends(args).0
}

/// Runs the scenarios that the user named, and tells how each of them ended.
pub(crate) fn run_to_ends(args: &RunArgs) -> (Exit, Vec<CaseEnd>) {
    match gather(args) {
        Ok(gathered) => gathered.run(args),
        Err(exit) => (exit, Vec::new()),
    }
}

/// What a run begins with.
struct Gathered {
    selected: Vec<Input>,
    refused: Vec<CaseEnd>,
    /// The snapshots of no scenario.
    orphans: Vec<Diagnostic>,
    /// What else the user is warned of.
    warnings: Vec<Diagnostic>,
    /// What it is a part of, if the user asked for one.
    part: Option<PartOfRun>,
}

/// What the user selected. What is wrong was said.
fn gather(args: &RunArgs) -> Result<Gathered, Exit> {
    if let Some(complaint) = contradiction(args) {
        return Err(wrong(&complaint));
    }
    let filters = filters(&args.filter).ok_or(Exit::Wrong)?;
    let failed = args.failed.then(|| last_run::failed(args)).transpose().map_err(|complaint| {
        complain(&complaint);
        Exit::Nothing
    })?;
    let (mut inputs, files) = match &failed {
        Some(failed) if args.paths.is_empty() => read_failed(failed),
        Some(_) | None => read(&args.paths),
    };
    let mut orphans = files.orphans();
    if inputs.is_empty() && failed.is_none() {
        orphans.iter().for_each(complain);
        return Err(no_file());
    }
    if let Some(complaint) = html::misplaced(args, &files) {
        return Err(wrong(&complaint));
    }
    if let Some(only) = &args.only {
        inputs.retain(|input| only.contains(Path::new(&input.file)));
    }
    if let Some(failed) = &failed {
        inputs.retain(|input| failed.has(input));
        if inputs.is_empty() {
            let what =
                "nothing of what was given failed the last time that it ran from this folder";
            return Err(nothing(what, "run without `--failed` to run all of it"));
        }
    }
    inputs.retain(|input| input.scenario.is_err() || is_selected(&filters, input));
    if inputs.is_empty() {
        return Err(nothing_fits(&args.paths, &args.filter));
    }
    let part = args.partition.map(|partition| partition::take(args, partition, &mut inputs));
    if args.partition.is_some_and(|partition| partition.number() > 1) {
        // They belong to no scenario, so they belong to the first part.
        orphans.clear();
    }
    let (selected, refused) = select(inputs, &filters);
    report::refused(&refused).flat_map(|(_, refusal)| refusal.faults()).for_each(complain);
    let warnings = (args.update && is_in_ci()).then(unread).into_iter();
    // The command line is no file that a report could name.
    let warnings = warnings.inspect(complain).map(|it| Diagnostic { file: String::new(), ..it });
    let warnings = warnings.collect();
    Ok(Gathered { selected, refused, orphans, warnings, part })
}

/// The warning that nobody reads what is written.
fn unread() -> Diagnostic {
    let what =
        "`--update` writes snapshots that nobody has read: the environment variable CI is set";
    let hint = "write them on your own machine, read what changed, and commit them";
    Diagnostic::error("the command line", what).hint(hint).into_warning()
}

impl Gathered {
    fn run(self, args: &RunArgs) -> (Exit, Vec<CaseEnd>) {
        let Self { selected, mut refused, mut orphans, mut warnings, part } = self;
        let rules = Rules::of(args);
        let mut results = Results::new(args, rules, &selected);
        let is_last = |case: &JudgedCase| rules.fail(case);
        let how = How {
            off: amendments(&args.no_amendment),
            jobs: args.jobs.map(usize::from),
            place: Where::of(args),
            time_limit: args.timeout,
            are_timed: args.times,
            ignores_config: args.ignores_config,
            is_last: (args.fail_fast == Some(true)).then_some(&is_last),
        };
        let mut take = |input: &Input, case| results.take(input, case);
        if run_inputs(&selected, &how, &mut take).is_none() {
            return (Exit::NoBackend, Vec::new());
        }
        let Results { updated, .. } = &results;
        let written = |orphan: &Diagnostic| {
            updated.written.iter().any(|it| it.as_path() == Path::new(&orphan.file))
        };
        orphans.retain(|orphan| !written(orphan));
        if rules.requires_snapshots {
            refused.extend(orphans.drain(..).map(|orphan| {
                let complaint = Diagnostic { severity: Severity::Error, ..orphan };
                complain(&complaint);
                CaseEnd::Refused { name: complaint.file.clone(), refusal: complaint.into() }
            }));
        }
        orphans.iter().chain(&updated.faults).chain(&results.unspoken).for_each(complain);
        let is_wrong = !refused.is_empty() || !updated.faults.is_empty();
        let said = updated.text();
        warnings.extend(orphans);
        warnings.append(&mut results.unspoken);
        results.ends.extend(refused);
        last_run::keep(args, &results.ends);
        let part = part.map(|part| partition::with_orphans(part, results.ends.len()));
        let ended = results.end(is_wrong, &warnings, part.as_ref());
        if args.update {
            say(&said);
        }
        ended
    }
}

/// What the words of the command line ask for and no run can do.
fn contradiction(args: &RunArgs) -> Option<Diagnostic> {
    if args.update && args.paths.iter().any(|path| path.as_os_str() == "-") {
        let what = "`--update` has no place for the snapshot of what stands in standard input";
        let hint = "save the scenario to a file, and give the file";
        return Some(Diagnostic::error("the command line", what).hint(hint));
    }
    if args.update && args.paths.is_empty() {
        let what = "`--update` writes snapshots beside files, and no file is given";
        let hint = "give the files or folders; the cases that come with pgdrill have theirs";
        return Some(Diagnostic::error("the command line", what).hint(hint));
    }
    if args.github && args.format == RunFormat::Json {
        let what = "`--github` writes lines that are no JSON, and `--format json` writes only JSON";
        let hint = "leave one of them out; `--junit FILE` goes with both";
        return Some(Diagnostic::error("the command line", what).hint(hint));
    }
    let required = args.require.filter(|required| *required != args.backend())?;
    let (required, runs) = (required.name(), args.backend().name());
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

/// The scenarios that the user selected for a run in memory.
pub(crate) struct Selected {
    pub(crate) inputs: Vec<Input>,
    /// Whether some were refused, which was said.
    pub(crate) has_refused: bool,
    /// Whether they are all that come with pgdrill.
    pub(crate) is_whole: bool,
}

/// What the user selected, if there is something. What is wrong was said.
pub(crate) fn selected(args: &SelectionArgs) -> Result<Selected, Exit> {
    let filters = filters(&args.filter).ok_or(Exit::Wrong)?;
    let paths = paths(&args.paths, &args.suite).map_err(|complaint| wrong(&complaint))?;
    let (inputs, files) = read(&paths);
    files.orphans().iter().for_each(complain);
    if inputs.is_empty() {
        return Err(no_file());
    }
    let (inputs, refused) = select(inputs, &filters);
    report::refused(&refused).flat_map(|(_, refusal)| refusal.faults()).for_each(complain);
    if inputs.is_empty() && refused.is_empty() {
        return Err(nothing_fits(&paths, &args.filter));
    }
    let is_whole = paths.is_empty() && args.filter.is_empty();
    Ok(Selected { inputs, has_refused: !refused.is_empty(), is_whole })
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
pub(crate) fn select(inputs: Vec<Input>, filters: &[Filter]) -> (Vec<Input>, Vec<CaseEnd>) {
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
pub(crate) fn overwritten(junit: &Path, args: &RunArgs, files: &ScenarioFiles) -> Option<String> {
    let stdin = Path::new("/dev/stdin");
    let reads_stdin = args.paths.iter().any(|path| path.as_os_str() == "-");
    let is_regular = stdin.metadata().is_ok_and(|metadata| metadata.is_file());
    if reads_stdin && is_regular && is_same(stdin, junit) {
        return Some(junit.display().to_string());
    }
    files.overwritten(junit).map(|path| path.display().to_string())
}
