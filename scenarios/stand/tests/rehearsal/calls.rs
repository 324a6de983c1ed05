//! Which hook tools each hook runs, with their arguments and standard input.

use std::fmt::Write as _;

use pgdrill_core::Amendments;
use pgdrill_scenarios::Testbed as _;
use pgdrill_stand::Treatment;

use crate::situations;

#[tokio::test(flavor = "multi_thread")]
async fn every_hook_runs_these_hook_tools() {
    let mut out = String::new();
    for situation in situations() {
        let testbed = situation.testbed().await;
        let backups = testbed.backups().await.expect("seen");
        let id = backups.first().map_or("", |backup| backup.id.as_str());
        let event = situation.event(id);
        let fired = testbed.dispatch(&event, Amendments::all(), &[], Treatment::default()).await;
        let (_, shown) = fired.expect("it ran");
        let _ =
            writeln!(out, "{} ({}): {} calls", situation.name, situation.hook, shown.tools.len());
        for call in &shown.tools {
            let call = call.split("pgdrill: ").next().unwrap_or_default();
            let _ = writeln!(out, "  {}", without_port(call));
        }
    }
    assert!(!out.contains("canary"), "a credential is on a command line");
    insta::assert_snapshot!(out);
}

/// The call without the port of the S3 server's stand-in, which differs from run to run.
fn without_port(call: &str) -> String {
    const HOST: &str = "https://127.0.0.1:";
    let mut parts = call.split(HOST);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| {
        out + HOST + "<port>" + part.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}
