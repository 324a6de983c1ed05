//! The damage that a case names excuses that damage and no other.

#![allow(clippy::expect_used, reason = "a test may panic")]

use pgdrill_scenarios::{Damage, Plan, Reason, Run, Verdict, judge, plan, read_corpus, run};

/// Whether the run fails for this law when judged by this plan.
fn fails_for(plan: &Plan, run: &Run, damage: Damage) -> bool {
    let Verdict::Failed(reasons) = judge(plan, run).verdict else { return false };
    reasons.iter().any(|reason| matches!(reason, Reason::LawBroken(broken) if damage.is(broken)))
}

#[tokio::test]
async fn each_damage_that_a_case_names_excuses_itself_alone() {
    let mut beside_others = 0;
    for case in read_corpus() {
        let plan = plan(case.scenario.expect("readable"), &[]);
        let run = run(&plan).await;
        let (named, known) = (plan.then.damage.len(), plan.known.len());
        for index in 0..named + known {
            let mut less = plan.clone();
            let damage = if index < named {
                less.then.damage.remove(index)
            } else {
                less.known.remove(index - named).law
            };
            assert!(fails_for(&less, &run, damage), "{}: {}", case.name, damage.law);
            beside_others += usize::from(named + known > 1);
        }
    }
    assert!(beside_others > 10, "only {beside_others} stand beside others");
}
