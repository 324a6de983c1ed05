//! What a command does to a topology is there for the next one, and two topologies do not meet.

use std::process::Command;

use serde_json::Value;

use crate::engine::{TakenDown, begin, beside_others, of_topology, run, well};

fn status(name: &str) -> Value {
    serde_json::from_str(&well(&["status", "--format", "json", "--name", name])).unwrap()
}

#[test]
fn two_topologies_do_not_meet_and_commands_on_one_do_not_lose_what_others_did() {
    let _engine = beside_others();
    let (_a, _b) = (TakenDown("laptop-one"), TakenDown("laptop-two"));
    let up = |name| begin(&["up", "--units", "1", "--name", name]);
    let children = [up("laptop-one"), up("laptop-two")];
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let again = run(&["up", "--units", "1", "--name", "laptop-one"]);
    assert_eq!(again.code, Some(2));
    assert!(again.stderr.contains("`laptop-one` is up already"), "{}", again.stderr);

    // What breaks one is nothing to the other.
    well(&["do", "s3-server: down", "--name", "laptop-one"]);
    let back_up = ["fire", "create-backup", "--param", "type=full", "--name"];
    let other = well(&[&back_up[..], &["laptop-two"]].concat());
    assert!(other.contains("backup-status: backup created"), "{other}");
    let broken = run(&[&back_up[..], &["laptop-one"]].concat());
    assert_eq!(broken.code, Some(1), "an action that failed: {}", broken.stderr);
    let text = broken.stdout;
    assert!(text.starts_with("1. create-backup on unit 0: failed\n"), "{text}");
    let lookup = ["exec", "pgdrill-laptop-one-unit-0", "getent", "hosts"];
    for host in ["pgdrill-laptop-two-unit-0", "pgdrill-laptop-two-etcd"] {
        let found = Command::new("docker").args(lookup).arg(host).output().unwrap();
        assert!(!found.status.success(), "{host} is known in the other topology");
    }
    assert_eq!(status("laptop-one")["backups"], Value::Array(Vec::new()));
    assert_eq!(status("laptop-two")["backups"].as_array().unwrap().len(), 1);

    // Three at the same time: each is there afterwards, with what was there before.
    let changes = ["archive-delay: 1", "refuse-keys-with: nothing-at-all", "s3-relation: gone"];
    let children = changes.map(|change| begin(&["do", change, "--name", "laptop-one"]));
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let faults = status("laptop-one")["faults"].to_string();
    for fault in ["s3-server: down", changes[0], changes[1]] {
        assert!(faults.contains(fault), "{fault}: {faults}");
    }
    let fired = run(&["fire", "list-backups", "--name", "laptop-one"]);
    assert_eq!(fired.code, Some(1), "an action that failed: {}", fired.stderr);
    assert!(fired.stdout.contains("is_s3_relation_established: no"), "{}", fired.stdout);

    well(&["heal", "--name", "laptop-one"]);
    well(&["do", "s3-relation: made", "--name", "laptop-one"]);
    assert_eq!(status("laptop-one")["faults"], Value::Array(Vec::new()));
    let mended = well(&[&back_up[..], &["laptop-one"]].concat());
    assert!(mended.contains("backup-status: backup created"), "{mended}");
}

#[test]
fn a_dead_container_is_reported_and_a_firing_against_it_fails_as_a_hook_does() {
    let _engine = beside_others();
    let name = "laptop-dead";
    let _down = TakenDown(name);
    well(&["up", "--units", "1", "--name", name]);
    well(&["do", "member: { unit: 0, is: frozen }", "--name", name]);
    let seen = status(name);
    assert_eq!(seen["units"][0]["container"]["is"], "frozen");
    assert_eq!(seen["units"][0]["member"], "not answering");
    let text = well(&["status", "--name", name]);
    assert!(text.contains("fault: member: { unit: 0, is: frozen }"), "{text}");
    well(&["do", "member: { unit: 0, is: killed }", "--name", name]);
    let fired = run(&["fire", "update-status", "--name", name]);
    assert!(fired.stdout.starts_with("1. update-status on unit 0: "), "{}", fired.stdout);
    let removed =
        Command::new("docker").args(["rm", "-f", "pgdrill-laptop-dead-s3-server"]).output();
    assert!(removed.unwrap().status.success());
    let gone = run(&["status", "--name", name]);
    assert_eq!(gone.code, Some(4), "{}", gone.stdout);
    assert!(gone.stderr.contains("pgdrill-laptop-dead-s3-server"), "{}", gone.stderr);
    well(&["down", "--name", name]);
    assert_eq!(of_topology(name), Vec::<String>::new());
    let nothing = run(&["status", "--name", name]);
    assert_eq!(nothing.code, Some(2));
    assert!(nothing.stderr.contains("no topology `laptop-dead` is up"), "{}", nothing.stderr);
}
