//! Any bytes, read as a stream of scenarios: every complaint lies at a place that the file has, and what is
//! a scenario runs to a verdict.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use pgdrill_core::Diagnostic;
use pgdrill_scenarios::{judge, plan, read_text, run, transcript};
use tokio::runtime::Runtime;

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_current_thread().build().expect("a runtime"))
}

fn check(complaint: &Diagnostic, lines: usize) {
    assert!(!complaint.what.is_empty() && !complaint.what.contains('\n'), "{complaint:?}");
    assert!(complaint.line <= lines.max(1), "{complaint:?}");
    assert!(!complaint.source.contains('\n'), "{complaint:?}");
    if complaint.line > 0 {
        let length = complaint.source.chars().count();
        assert!((1..=length + 1).contains(&complaint.column), "{complaint:?}");
    }
    let _ = complaint.to_string();
}

fuzz_target!(|bytes: &[u8]| {
    let lines = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() + 1;
    for scenario in read_text(bytes, "fuzz") {
        match scenario {
            Err(refusal) => refusal.faults().for_each(|complaint| check(complaint, lines)),
            Ok(scenario) => {
                let plan = plan(scenario, &[]);
                let run = runtime().block_on(run(&plan));
                let _ = (judge(&plan, &run), transcript(&run));
            }
        }
    }
});
