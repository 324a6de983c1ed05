//! `pgdrill mutate`: what nobody would notice if the hooks did it otherwise.

use std::ops::Range;

use pgdrill_core::{Diagnostic, Hook};
use pgdrill_scenarios::{
    each,
    explore::Search,
    mutate::{Case, History, Judges, Mutant, Tested},
    report::{self, Mutated},
};

use crate::{
    args::{MutateArgs, RunFormat},
    commands::Exit,
    output::{complain, print, print_fitted},
    places::counting,
    run::{Selected, selected},
    threads::processors,
};

/// The seeds that are tried where nothing says which.
const SEEDS: Range<u64> = 0..1000;

/// Has every mutant run with the scenarios that the user named, and reports what nobody noticed.
pub(crate) fn mutate(args: &MutateArgs) -> Exit {
    let jobs = args.jobs.map_or_else(processors, usize::from);
    let (cases, is_whole) = match cases(args, jobs) {
        Ok(cases) => cases,
        Err(exit) => return exit,
    };
    let is_meant =
        |hook: &Hook| args.chart.is_empty() || args.chart.iter().any(|it| it == hook.name());
    let mut mutants = Mutant::all();
    mutants.retain(|mutant| Hook::ALL.iter().any(|hook| is_meant(hook) && mutant.is_of(*hook)));
    let mut none = Mutant::none();
    none.retain(|arrow| is_meant(&arrow.hook));
    let histories = histories(args, jobs);
    let bar = counting();
    let test = |mutant: &Mutant| {
        let mut tested = Tested::new(*mutant, &cases);
        tested.explore(&histories);
        bar.set_message(mutant.to_string());
        bar.tick();
        tested
    };
    let tested = each(&mutants, jobs, test);
    bar.finish_and_clear();
    let judges = Judges { then: !args.no_then, snapshots: !args.no_snapshots };
    let (cases, tested, none) = (&cases, &tested, &none);
    let mutated = Mutated { cases, tested, none, judges, histories: histories.len() };
    let printed = match args.format {
        RunFormat::Text => print_fitted(&report::mutated_text(&mutated)),
        RunFormat::Json => print(&report::mutated_json(&mutated)),
    };
    // Scenarios of one's own need not get everywhere.
    let is_good = if is_whole { mutated.is_complete() } else { mutated.agrees() };
    if is_good { printed } else { Exit::Failed }
}

/// The scenarios that the user named, each run as it is, and whether they are all that come with pgdrill. What is wrong was said.
fn cases(args: &MutateArgs, jobs: usize) -> Result<(Vec<Case>, bool), Exit> {
    let Selected { inputs, has_refused, is_whole } = selected(&args.selection)?;
    if has_refused {
        return Err(Exit::Wrong);
    }
    let cases: Vec<Case> = each(&inputs, jobs, Case::new).into_iter().flatten().collect();
    let what = match cases.iter().filter(|case| !case.passes).count() {
        0 => return Ok((cases, is_whole)),
        1 => "1 scenario fails as it is, and so notices nothing".to_owned(),
        failed => format!("{failed} scenarios fail as they are, and so notice nothing"),
    };
    complain(&Diagnostic::error("the scenarios", what).hint("see `pgdrill run`"));
    Err(Exit::Failed)
}

/// The histories of the seeds that the user wants.
fn histories(args: &MutateArgs, jobs: usize) -> Vec<History> {
    if args.no_explorer {
        return Vec::new();
    }
    let seeds: Vec<u64> = args.seeds.clone().unwrap_or(SEEDS).collect();
    let search = Search::default();
    each(&seeds, jobs, |seed| History::new(&search, *seed)).into_iter().flatten().collect()
}
