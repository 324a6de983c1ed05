use std::path::Path;

use pgdrill_scenarios::{Plan, Verdict, judge, plan, read_corpus, rehearsal, transcript};

use crate::PROGRAM;

/// Words of each technology's own, which stand for one cause.
fn without_causes(text: &str) -> String {
    let line = |line: &str| {
        let line = line.split_once("rollback failed: ").map_or(line, |(before, _)| before);
        let line = line.split_once("hook error at ").map_or(line, |(before, _)| before);
        match line.split_once("with error: ") {
            Some((before, cause)) if !cause.starts_with(['E', '[']) => before.to_owned(),
            Some(_) | None => line.to_owned(),
        }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_shows_through_dispatches_what_it_shows_in_memory() {
    let inputs = read_corpus();
    let scenarios = inputs.iter().map(|input| input.scenario.clone().expect("readable"));
    let plans: Vec<Plan> = scenarios.map(|scenario| plan(scenario, &[])).collect();
    let runs = rehearsal::run_all(Path::new(PROGRAM), &plans, 4, |_| {}).await;
    let mut wrong = Vec::new();
    for ((input, plan), run) in inputs.iter().zip(&plans).zip(&runs) {
        if let Verdict::Failed(reasons) = judge(plan, run).verdict {
            wrong.push(format!("{}: {}", input.name, reasons.join("; ")));
        }
        let snapshot = &input.snapshot.as_ref().expect("every case has one").content;
        let (expected, found) = (without_causes(snapshot), without_causes(&transcript(run)));
        if expected.trim() != found.trim() {
            wrong.push(format!("{}:\n{found}", input.name));
        }
    }
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), inputs.len(), wrong.join("\n"));
}
