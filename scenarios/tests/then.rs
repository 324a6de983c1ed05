//! What a scenario expects after a step and at its end: each expectation can hold, and each can fail with its reason.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod uncopied;

use pgdrill_scenarios::{Plan, Run, judge, plan, read_text, run, run_in};
use uncopied::Uncopied;

fn now<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

fn planned(text: &str) -> Plan {
    let read = read_text(text.as_bytes(), "x.yaml").remove(0);
    plan(read.unwrap_or_else(|why| panic!("{text}\n{why}")), &[])
}

/// The texts of everything that a scenario's run has against it.
fn reasons(text: &str) -> Vec<String> {
    let plan = planned(text);
    judge(&plan, &now(run(&plan))).verdict.reasons()
}

const GIVEN: &str = "scenario: x\ngiven: { units: 2, tls: true, s3: {}, stanza: initialised, \
     backups: [full, failed] }\nfire:\n";
const BACKUP: &str = "  - { hook: create-backup, unit: 1, params: { type: differential }";
const LIST: &str = "  - { hook: list-backups";

/// An expectation, and the reason that it gives after a differential backup on a replica; empty where it holds.
const AFTER_A_BACKUP: &[(&str, &str)] = &[
    ("outcome: finished", ""),
    ("outcome: failed", "the outcome is finished, expected failed"),
    ("message: x", "there is no message, expected `x`"),
    ("results: { backup-status: backup created }", ""),
    (
        "results: { backup-status: done }",
        "the result `backup-status` is `backup created`, expected `done`",
    ),
    ("results: { status: done }", "there is no result `status`, but backup-status"),
    ("statuses: { 0: active, 1: active }", ""),
    ("statuses: { 1: { name: active } }", ""),
    ("statuses: { 1: { name: active, message: '' } }", ""),
    ("statuses: { 1: blocked }", "unit 1 shows active, expected blocked"),
    (
        "statuses: { 1: { name: blocked, message: x } }",
        "unit 1 shows active, expected blocked \"x\"",
    ),
    ("statuses: { 1: { name: active, message: x } }", "unit 1 shows active, expected active \"x\""),
    ("connections: { 0: accepted, 1: accepted }", ""),
    ("connections: { 1: refused }", "new connections to unit 1 are accepted, expected refused"),
    ("backups: [full, failed, differential]", ""),
    ("backups: []", "the backups are [full, failed, differential], expected []"),
    (
        "backups: [full, full, differential]",
        "the backups are [full, failed, differential], expected [full, full, differential]",
    ),
    ("objects: { <backup-3>/backup.log: present, latest: absent }", ""),
    ("objects: { 'drill/backup/*/${backup-3}/*': present }", ""),
    ("objects: { '<label>/*': absent, log: absent }", ""),
    (
        "objects: { latest: present }",
        "no object is `latest`; there are [drill/backup/drill.patroni-postgresql-k8s/<backup-3>/backup.log]",
    ),
    (
        "objects: { backup.log: absent }",
        "no object was to be `backup.log`, and there is drill/backup/drill.patroni-postgresql-k8s/<backup-3>/backup.log",
    ),
    ("not-visited: [create-backup/fail_action]", ""),
    (
        "not-visited: [create-backup/fail_action, create-backup/set_active]",
        "create-backup/set_active was not to be visited, and firing 1 (create-backup on unit 1) visited it",
    ),
];

#[test]
fn each_expectation_at_the_end_can_hold_and_fail() {
    for (then, reason) in AFTER_A_BACKUP {
        let expected: Vec<&str> = Some(*reason).filter(|it| !it.is_empty()).into_iter().collect();
        let text = format!("{GIVEN}{BACKUP} }}\nthen: {{ {then} }}\n");
        assert_eq!(reasons(&text), expected, "{then}");
    }
}

/// What comes after the step changes nothing of what is expected with it.
#[test]
fn each_expectation_with_a_step_can_hold_and_fail_and_names_the_step() {
    let later = "  - do: { scale-to: 1 }\n  - hook: list-backups\n  - do: { s3-settings: { path: /other } }\n";
    for (then, reason) in AFTER_A_BACKUP {
        let expected = Some(format!("after fire[0] (create-backup on unit 1): {reason}"));
        let expected: Vec<String> = expected.filter(|_| !reason.is_empty()).into_iter().collect();
        let text = format!("{GIVEN}{BACKUP}, then: {{ {then} }} }}\n{later}");
        assert_eq!(reasons(&text), expected, "{then}");
    }
}

#[test]
fn a_result_may_have_the_tokens_of_a_snapshot_and_differs_by_lines() {
    let list = |last: &str| {
        let table = "                backup-id             | backup-type  | backup-status
                ----------------------------------------------------
                <backup-1>            | full         | finished\n";
        let head = "  - hook: list-backups\n    then:\n      results:\n        backups: |\n";
        format!("{GIVEN}{head}{table}                {last}\n")
    };
    let right = "${backup-2}  | full         | failed: the backup has invalid pages";
    assert_eq!(reasons(&list(right)), Vec::<String>::new());
    let wrong = reasons(&list("<backup-2>            | full         | finished"));
    let expected =
        "after fire[0] (list-backups on unit 0): the result `backups` is another than expected
--- expected
+++ this run
@@ -1,4 +1,4 @@
 backup-id             | backup-type  | backup-status
 ----------------------------------------------------
 <backup-1>            | full         | finished
-<backup-2>            | full         | finished
+<backup-2>            | full         | failed: the backup has invalid pages
";
    assert_eq!(wrong, [expected]);
}

#[test]
fn what_holds_after_a_step_need_not_hold_at_the_end() {
    let text = |refused: &str, accepted: &str| {
        format!(
            "scenario: x
given: {{ units: 2, tls: true, s3: {{}}, stanza: initialised }}
fire:
  - hook: create-backup
    unit: 1
    meanwhile: [{{ after: block_new_connections, do: process-dies }}]
    then: {{ outcome: error, connections: {{ 0: accepted, 1: {refused} }} }}
  - hook: update-status
    unit: 1
    then: {{ connections: {{ 1: {accepted} }}, not-visited: [create-backup/block_new_connections] }}
then: {{ connections: {{ 1: {accepted} }} }}
"
        )
    };
    assert_eq!(reasons(&text("refused", "accepted")), Vec::<String>::new());
    assert_eq!(
        reasons(&text("accepted", "refused")),
        [
            "after fire[0] (create-backup on unit 1): new connections to unit 1 are refused, expected accepted",
            "after fire[1] (update-status on unit 1): new connections to unit 1 are accepted, expected refused",
            "new connections to unit 1 are accepted, expected refused",
        ]
    );
}

#[test]
fn the_steps_do_and_settle_are_looked_at_too() {
    let text = |status: &str| {
        format!(
            "scenario: x
given: {{ s3: {{ credentials: wrong }} }}
fire:
  - hook: s3-credentials-changed
  - do: {{ s3-settings: {{}} }}
    then: {{ statuses: {{ 0: {status} }} }}
  - settle: true
    then: {{ statuses: {{ 0: {{ name: active, message: Primary }} }}, not-visited: [s3-credentials-changed/is_leader] }}
"
        )
    };
    let visit = "after fire[2] (settle): s3-credentials-changed/is_leader was not to be visited, and \
                 firing 2 (s3-credentials-changed on unit 0) visited it";
    assert_eq!(reasons(&text("blocked")), [visit]);
    let shows = &reasons(&text("active"))[0];
    assert!(shows.starts_with("after fire[1] (s3-settings): unit 0 shows blocked "), "{shows}");
}

#[test]
fn the_outcome_of_a_step_is_of_its_own_event_unless_a_deferred_one_fails_before() {
    let text = |fault: &str| {
        format!(
            "scenario: x
given: {{ s3: {{}}, cluster-initialised: false }}
fire:
  - {{ hook: s3-credentials-changed, then: {{ outcome: deferred }} }}
  - {{ hook: update-status, then: {{ outcome: returned }} }}
  - do: cluster-initialises
  - hook: update-status
    meanwhile: [{fault}]
    then: {{ outcome: returned, not-visited: [s3-credentials-changed/is_leader] }}
"
        )
    };
    let visit = "after fire[3] (update-status on unit 0): s3-credentials-changed/is_leader was not to be \
                 visited, and firing 4 (s3-credentials-changed on unit 0) visited it";
    assert_eq!(reasons(&text("")), [visit]);
    let fault = "{ lost: repository.configure }";
    let outcome = "after fire[3] (update-status on unit 0): the outcome of s3-credentials-changed is error, \
                   expected returned: hook error at render_pgbackrest_config: repository.configure \
                   timed out: the answer was lost";
    assert_eq!(reasons(&text(fault)), [outcome]);
}

#[test]
fn an_event_for_all_units_goes_to_each_that_is_there_by_then() {
    let units = |text: &str| {
        let run = now(run(&planned(text)));
        run.firings.iter().map(|it| (it.step, it.fired.unit)).collect::<Vec<_>>()
    };
    let fire = "  - { hook: update-status, unit: all }\n";
    let text = format!(
        "scenario: x\ngiven: {{ units: 2 }}\nfire:\n{fire}  - do: {{ scale-to: 3 }}\n{fire}  - hook: update-status
    meanwhile: [{{ at: hook_fired, do: {{ scale-to: 1 }} }}]\n{fire}"
    );
    assert_eq!(units(&text), [(0, 0), (0, 1), (2, 0), (2, 1), (2, 2), (3, 0), (4, 0)]);
}

#[test]
fn what_is_expected_of_an_event_for_all_units_must_hold_on_each() {
    let text = |then: &str| {
        format!(
            "scenario: x\ngiven: {{ units: 3, s3: {{}}, stanza: initialised }}\nfire:\n  \
             - {{ hook: create-backup, unit: all, then: {{ {then} }} }}\n"
        )
    };
    let found = reasons(&text("outcome: finished, results: { backup-status: backup created }"));
    let head = "after fire[0] (create-backup on all units): ";
    for (reason, unit) in [(&found[0], 1), (&found[2], 2)] {
        let expected = format!("{head}the outcome on unit {unit} is failed, expected finished: ");
        assert!(reason.starts_with(&expected), "{reason}");
    }
    assert_eq!(found[1], format!("{head}there is no result `backup-status` on unit 1"));
    assert_eq!(found.len(), 4, "{found:#?}");
    assert_eq!(
        reasons(&text("backups: [full], not-visited: [create-backup/block_new_connections]")),
        Vec::<String>::new()
    );
}

/// Parameters are given once, for all units.
#[test]
fn the_parameters_of_an_event_for_all_units_are_the_same_on_each() {
    let text = format!(
        "{GIVEN}  - hook: restore\n    unit: all\n    params: {{ backup-id: \"${{backup-1}}\" }}\n    \
         then: {{ outcome: failed }}\n"
    );
    assert_eq!(reasons(&text), Vec::<String>::new());
}

fn looks(text: &str) -> (usize, Run) {
    let plan = planned(text);
    let testbed = Uncopied::new(&plan.given);
    let run = now(run_in(&testbed, &plan));
    assert_eq!(judge(&plan, &run).verdict.reasons(), Vec::<String>::new());
    (testbed.looks(), run)
}

#[test]
fn a_look_is_taken_only_where_something_expected_needs_one() {
    let statuses = "then: { statuses: { 0: active } }";
    for (then_of_backup, then_of_list, expected) in [
        ("", "", 1),
        (
            ", then: { outcome: finished, results: { backup-status: backup created }, not-visited: [create-backup/fail_action] }",
            "",
            1,
        ),
        (&*format!(", {statuses}"), "", 2),
        // The last look is also that at the end.
        ("", &*format!(", {statuses}"), 1),
        (&*format!(", {statuses}"), &*format!(", {statuses}"), 2),
    ] {
        let text = format!("{GIVEN}{BACKUP}{then_of_backup} }}\n{LIST}{then_of_list} }}\n");
        let (count, run) = looks(&text);
        assert_eq!(count, expected, "{text}");
        assert_eq!(run.observation.backups.len(), 3);
    }
}
