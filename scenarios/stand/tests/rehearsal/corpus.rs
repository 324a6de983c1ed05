use std::ops::ControlFlow;

use pgdrill_scenarios::{Plan, PlanStep, Verdict, judge, plan, read_corpus, transcript};
use pgdrill_stand::run_all;

use crate::programs;

#[tokio::test(flavor = "multi_thread")]
async fn every_case_shows_through_dispatches_what_it_shows_in_memory() {
    let inputs = read_corpus();
    let scenarios = inputs.iter().map(|input| input.scenario.clone().expect("readable"));
    let plans: Vec<Plan> = scenarios.map(|scenario| plan(scenario, &[])).collect();
    let go_on = |_, _: &_| ControlFlow::Continue(());
    let runs = run_all(&programs(), &plans, 4, go_on).await.expect("the stand holds");
    let runs: Vec<_> = runs.into_iter().map(|timed| timed.run).collect();
    let (mut wrong, mut skipped) = (Vec::new(), 0);
    for ((input, plan), run) in inputs.iter().zip(&plans).zip(&runs) {
        let verdict = judge(plan, run).verdict;
        let overlaps = plan.steps.iter().any(|step| matches!(step, PlanStep::Together { .. }));
        if overlaps != matches!(verdict, Verdict::Skipped(_)) {
            wrong.push(format!("{}: only hooks that overlap are skipped", input.name));
        }
        if overlaps {
            skipped += 1;
            continue;
        }
        if matches!(verdict, Verdict::Failed(_)) {
            wrong.push(format!("{}: {}", input.name, verdict.reasons().join("; ")));
        }
        let snapshot =
            input.snapshot.as_ref().expect("readable").as_ref().expect("every case has one");
        if let Some(difference) = snapshot.difference(&transcript(run)) {
            wrong.push(format!("{}:\n{difference}", input.name));
        }
    }
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), inputs.len(), wrong.join("\n"));
    assert_eq!(skipped, 5, "hooks that overlap, which the stand can't show");
}
