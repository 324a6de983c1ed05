//! Runs of a core that works, to be tampered with: what must break a law then.

use std::sync::Arc;

use pgdrill_scenarios::{Plan, Run, Scenario, SeenAround, plan, read_text, run};
use pgdrill_sim::{Facts, Observation};

pub(crate) const BACKUP: &str =
    "scenario: x\ngiven: { s3: {}, stanza: initialised }\nfire: [{ hook: create-backup }]\n";
pub(crate) const RESTORE: &str = "scenario: x\ngiven: { s3: {}, stanza: initialised, backups: [full] }\n\
     fire: [{ hook: restore, params: { backup-id: \"${backup-1}\" } }]\n";

pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

fn scenario(text: &str) -> Scenario {
    read_text(text.as_bytes(), "x.yaml").remove(0).unwrap_or_else(|why| panic!("{why}"))
}

pub(crate) fn ran(text: &str) -> (Plan, Run) {
    let plan = plan(scenario(text), &[]);
    let run = now(run(&plan));
    (plan, run)
}

/// Has it that something else was seen around the first firing.
pub(crate) fn around(run: &mut Run, change: impl FnOnce(&mut SeenAround)) {
    let mut around = run.firings[0].seen.as_deref().expect("memory looks").clone();
    change(&mut around);
    run.firings[0].seen = Some(Arc::new(around));
}

pub(crate) fn facts(seen: &mut Observation) -> &mut Facts {
    seen.facts.as_mut().expect("memory sees all")
}
