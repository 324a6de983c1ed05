//! What can't be copied settles in place.

#![allow(clippy::expect_used, reason = "a test may panic")]

mod uncopied;

use pgdrill_scenarios::{plan, read_corpus, run, run_in};
use uncopied::Uncopied;

#[tokio::test]
async fn what_can_t_be_copied_is_settled_in_place_and_to_the_same_end() {
    for case in read_corpus() {
        let mut plan = plan(case.scenario.expect("a case can be read"), &[]);
        plan.is_examined = true;
        let mut copied = run(&plan).await;
        // Which calls were made, and what they failed with, is noted in memory alone.
        copied.firings.iter_mut().for_each(|step| {
            (step.fired.failures, step.fired.calls) = (None, None);
        });
        let mut in_place = run_in(&Uncopied::new(&plan.given), &plan).await;
        let tried = copied.settled.as_ref().map_or(&[][..], |settled| &settled.remedies);
        let settled = in_place.settled.as_mut().expect("it is examined");
        assert_eq!(settled.remedies, tried.iter().take(1).cloned().collect::<Vec<_>>());
        settled.remedies = tried.to_vec();
        assert!(in_place == copied, "{}", case.name);

        plan.is_examined = false;
        let unexamined = run_in(&Uncopied::new(&plan.given), &plan).await;
        assert_eq!(unexamined.settled, None, "{}", case.name);
        assert!(unexamined.firings.iter().all(|step| step.seen.is_none()), "{}", case.name);
    }
}
