//! The program that a charm ships, run through every case in which nothing is injected, one named test a case. Only Juju,
//! Pebble, Patroni, S3 and Kubernetes are stood in for; the program knows nothing of it.

#![allow(clippy::disallowed_methods, reason = "a test faces the real machine")]

use std::{io::Write as _, path::Path, process::ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use pgdrill_core::Amendments;
use pgdrill_scenarios::{Input, Plan, PlanStep, Verdict, judge, plan, read_corpus, transcript};
use pgdrill_sim::Change;
use pgdrill_stand::{DispatchProgram, Programs, run, tool};

fn main() -> ExitCode {
    let argv: Vec<String> = std::env::args().collect();
    // Hook tools are this very program under another name.
    if let Some(called) = tool(&argv, &pgdrill_dispatch::environment()) {
        let _ = std::io::stderr().write_all(called.stderr.as_bytes());
        let _ = std::io::stdout().write_all(called.stdout.as_bytes());
        return ExitCode::from(called.code);
    }
    let trials = read_corpus().into_iter().filter_map(|input| {
        let plan = plan(input.scenario.clone().ok()?, &[]);
        let name = input.name.clone();
        is_undisturbed(&plan).then(|| Trial::test(name, move || holds(&input, &plan)))
    });
    let mut arguments = Arguments::from_args();
    // Most of the time the program waits for what does not answer.
    arguments.test_threads.get_or_insert(8);
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// Whether one hook runs at a time, nothing is injected into a firing, no time has to pass in the world while the
/// program waits in its own, and every amendment is on.
fn is_undisturbed(plan: &Plan) -> bool {
    let disturbs = |step: &PlanStep| match step {
        PlanStep::Fire { injections, .. } => !injections.is_empty(),
        PlanStep::Change(change) => matches!(change, Change::ArchiveDelay(_)),
        PlanStep::Settle | PlanStep::Together { .. } => true,
    };
    plan.amendments == Amendments::all() && !plan.steps.iter().any(disturbs)
}

/// The case shows what it shows in memory.
fn holds(input: &Input, plan: &Plan) -> Result<(), Failed> {
    let programs = Programs {
        dispatch: DispatchProgram::Shipped(
            Path::new(env!("CARGO_BIN_EXE_pgdrill-dispatch")).to_owned(),
        ),
        tools: std::env::current_exe()?,
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ran = runtime.block_on(run(&programs, plan)).map_err(|complaint| complaint.to_string())?;
    let verdict = judge(plan, &ran).verdict;
    match &verdict {
        Verdict::Passed => {}
        Verdict::Failed(_) => return Err(verdict.reasons().join("\n").into()),
        Verdict::Skipped(skip) => return Err(format!("skipped: {skip}").into()),
    }
    let snapshot = input.snapshot.as_ref().map_err(|complaint| complaint.to_string())?;
    let snapshot = snapshot.as_ref().ok_or("the case has no snapshot")?;
    snapshot.difference(&transcript(&ran)).map_or(Ok(()), |difference| Err(difference.into()))
}
