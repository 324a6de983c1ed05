//! Which scenarios run, what is shown of them, and what the vocabulary holds.

use serde_json::Value;

use crate::session::{FAILING, GOOD, Session, ended};

#[test]
fn what_failed_is_shown_whole_and_runs_again_alone() {
    let several = [GOOD, FAILING].join("---\n");
    Session::new()
        .file("one.yaml", FAILING)
        .file("it's.yaml", several)
        .run("run one.yaml it's.yaml")
        .run("run one.yaml --quiet")
        .holds("failing_whole");
}

#[test]
fn paths_are_shown_where_asked_for_and_what_passes_is_left_out_where_asked_for() {
    Session::new()
        .file("good.yaml", GOOD)
        .run("run good.yaml --verbose")
        .run("run good.yaml -q")
        .run("run good.yaml -q -v")
        .holds("quiet_and_verbose");
}

#[test]
fn a_path_shows_what_happened_between_and_within_its_firings() {
    let scenario = r#"
scenario: much happens meanwhile
given: { s3: { related: true }, stanza: initialised, backups: [full] }
fire:
  - do: { s3-server: down }
  - hook: create-backup
    meanwhile:
      - { at: is_blocked, do: { s3-server: up } }
      - { after: set_maintenance, do: { refuse-keys-with: ".log" } }
  - hook: restore
    params: { backup-id: "${backup-1}" }
    meanwhile:
      - { lost: cluster.apply }
      - { at: start_database, do: process-dies }
  - settle: true
"#;
    Session::new().file("much.yaml", scenario).run("run much.yaml -v").holds("path_of_much");
}

#[test]
fn a_switchover_that_a_cluster_refuses_ends_the_run() {
    let early = r#"
scenario: a switchover before the restored database is up
given: { s3: { related: true }, stanza: initialised, backups: [full] }
fire:
  - hook: restore
    params: { backup-id: "${backup-1}" }
  - do: { scale-to: 2 }
  - do: { primary-moves-to: 1 }
"#;
    let within = r#"
scenario: a switchover within a hook while nobody leads
given: { units: 2, s3: { related: true }, stanza: initialised }
fire:
  - do: { primary-is-lost: }
  - hook: update-status
    meanwhile:
      - { at: is_primary, do: { primary-moves-to: 1 } }
"#;
    Session::new()
        .file("early.yaml", early)
        .file("within.yaml", within.replace("{ primary-is-lost: }", "primary-is-lost"))
        .run("run early.yaml within.yaml")
        .holds("switchover_refused");
}

#[test]
fn a_scenario_that_fails_is_shrunk() {
    let much = r#"
scenario: much happens, and something goes wrong
given: { units: 3, tls: true, leader: 2, s3: { related: true }, stanza: initialised, backups: [full, differential] }
fire:
  - hook: update-status
    unit: all
  - hook: create-backup
    unit: 1
    meanwhile:
      - { at: set_maintenance, do: { leader-moves-to: 1 } }
      - { at: has_backup_creation_succeeded, do: { primary-moves-to: 1 } }
  - do: { archive-delay: 5 }
"#;
    let off = "--no-amendment reopen-what-was-blocked";
    Session::new()
        .file("much.yaml", much)
        .file("good.yaml", GOOD)
        .run(&format!("shrink much.yaml {off} --out less.yaml"))
        .show("less.yaml")
        .run("run less.yaml")
        .run(&format!("shrink much.yaml {off} --out much.yaml"))
        .run("shrink good.yaml")
        .run("shrink much.yaml --filter nothing")
        .run_with("shrink -", &format!("{GOOD}---\n{FAILING}"))
        .run("shrink nowhere.yaml")
        .holds("shrink");
}

#[test]
fn histories_from_seeds_give_the_same_findings_on_any_number_of_threads() {
    let session = Session::new();
    let explore = "explore --seeds 0..2100 --no-amendment replica-ends-active --out found";
    let one = session.ended(&format!("{explore} --jobs 1"), b"");
    let two = session.ended(&format!("{explore} --jobs 2"), b"");
    assert_eq!((one.code, &one.stdout), (two.code, &two.stdout), "{}", one.stderr);
    assert_eq!(one.code, 1);
    let file = "found/maintenance-outlives-action-at-create-backup-set_maintenance.yaml";
    assert!(one.stdout.contains(file), "{}", one.stdout);
    assert!(session.folder().join(file).with_extension("snap").exists());
    let session = session.file(file, "scenario: mine\n");
    let kept = session.ended(&explore.replace("2100", "100"), b"");
    assert_eq!(kept.code, 2, "{}", kept.stdout);
    assert!(kept.stderr.contains("no exploration wrote it"), "{}", kept.stderr);
    assert_eq!(session.read(file), "scenario: mine\n");
    std::fs::remove_file(session.folder().join(file)).unwrap();
    session.ended(&explore.replace("2100", "100"), b"");
    let run = session.ended(&format!("run {file}"), b"");
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert!(!run.stdout.contains("snapshot"), "what it showed is beside it: {}", run.stdout);
    let json = session
        .ended("explore --seeds 0..50 --no-amendment replica-ends-active --format json", b"");
    let lines: Vec<Value> =
        json.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["law"], "maintenance-outlives-action");
    assert_eq!(lines.last().unwrap()["seeds"], serde_json::json!([0, 50]));
    for wrong in
        ["explore --seeds 5..5", "explore --seeds x", "explore --law nonsense", "explore --for 0s"]
    {
        assert_eq!(session.ended(wrong, b"").code, 2, "{wrong}");
    }
}

#[test]
fn mutants_that_nobody_notices_are_named() {
    let case = "scenario: nothing is said of a backup\ngiven: { s3: { related: true }, stanza: initialised }\n\
        fire: [{ hook: create-backup }]\n";
    let mutate = "mutate said.yaml --chart create-backup";
    let session = Session::new()
        .file("said.yaml", case)
        .file("bad.yaml", FAILING)
        .run(&format!("{mutate} --seeds 0..20"))
        .run("mutate bad.yaml")
        .run("mutate said.yaml --filter elsewhere")
        .run("mutate --chart create-backups")
        .run("mutate --seeds 0..5 --no-explorer");
    let json = |jobs: u8| {
        let words = format!("{mutate} --seeds 0..20 --format json --jobs {jobs}");
        session.ended(&words, b"").stdout
    };
    let report = json(1);
    assert_eq!(report, json(2), "whatever the number of threads");
    let report: Value = serde_json::from_str(&report).unwrap();
    let mutants = report["files"]["core/charts/create_backup.mmd"]["mutants"].as_array().unwrap();
    let skipped = mutants
        .iter()
        .find(|it| {
            it["description"]
                .as_str()
                .is_some_and(|it| it.starts_with("create-backup/set_active: it is skipped"))
        })
        .unwrap();
    assert_eq!((&skipped["status"], &skipped["killedBy"][0]), (&"Killed".into(), &"said".into()));
    session.holds("mutate");
}

#[test]
fn what_failed_the_last_time_is_selected() {
    Session::new()
        .remembering()
        .file("good.yaml", GOOD)
        .file("bad.yaml", FAILING)
        .run("run --failed")
        .run("run good.yaml bad.yaml --quiet")
        .run("run --failed --quiet")
        .run("run good.yaml --failed")
        .file("bad.yaml", FAILING.replace("outcome: failed", "outcome: finished"))
        .run("run --failed")
        .run("run --failed")
        .holds("failed_last_time");
}

#[test]
fn what_failed_of_the_cases_that_come_with_pgdrill_is_kept_too_and_other_folders_know_nothing() {
    let session = Session::new().remembering();
    let off = "run --filter =amendments/restore-needs-s3 --no-amendment restore-needs-s3";
    assert_eq!(session.ended(off, b"").code, 1);
    let again = session.ended("run --failed -q --no-amendment restore-needs-s3", b"");
    assert_eq!((again.code, again.stderr.as_str()), (1, ""), "{}", again.stdout);
    assert!(again.stdout.ends_with("memory: 0 passed, 1 failed, 0 skipped\n"), "{}", again.stdout);
    let other = Session::new().remembering();
    assert_eq!(other.ended("run --failed", b"").code, 3);
}

/// However it is named: as a file, below a folder, from the root.
#[test]
fn what_failed_is_found_again_by_its_file_and_title() {
    let several = [GOOD, FAILING].join("---\n");
    let session = Session::new().remembering().file("sub/deep/several.yaml", several);
    for path in ["sub", ".", "sub/deep/several.yaml"] {
        assert_eq!(session.ended(&format!("run {path}"), b"").code, 1);
        let again = session.ended("run --failed -q", b"");
        assert!(
            again.stdout.ends_with("memory: 0 passed, 1 failed, 0 skipped\n"),
            "{path}: {}",
            again.stdout
        );
        let absolute = session.folder().canonicalize().unwrap().join(path);
        let again = session.ended(&format!("run --failed -q {}", absolute.display()), b"");
        assert!(
            again.stdout.ends_with("memory: 0 passed, 1 failed, 0 skipped\n"),
            "{path}: {}",
            again.stdout
        );
    }
    let session = session.file("sub/deep/several.yaml", GOOD);
    assert_eq!(session.ended("run sub", b"").code, 0);
    // What failed is not there any more, and did not pass: its title is another's, or nobody's.
    let session = session.file(
        "sub/deep/several.yaml",
        [GOOD, &FAILING.replace("outcome: failed", "outcome: finished")].join("---\n"),
    );
    assert_eq!(session.ended("run --failed", b"").code, 0);
    assert_eq!(session.ended("run --failed", b"").code, 3);
}

#[test]
fn what_failed_under_other_options_is_not_taken_for_what_failed_now() {
    let session = Session::new().remembering();
    let filter = "--filter =amendments/restore-needs-s3";
    let off = "--no-amendment restore-needs-s3";
    assert_eq!(session.ended(&format!("run {filter} {off}"), b"").code, 1);
    let without = session.ended("run --failed", b"");
    assert_eq!(without.code, 3);
    assert!(
        without.stderr.contains("something failed with `--no-amendment restore-needs-s3`"),
        "{}",
        without.stderr
    );
    assert_eq!(session.ended(&format!("run {filter}"), b"").code, 0);
    assert_eq!(session.ended(&format!("run --failed {off}"), b"").code, 1);
}

#[test]
fn what_was_refused_is_kept_and_what_is_gone_is_not() {
    let session =
        Session::new().remembering().file("wrong.yaml", GOOD.replace("list-backups", "list"));
    assert_eq!(session.ended("run wrong.yaml", b"").code, 2);
    assert_eq!(session.ended("run --failed", b"").code, 2);
    let session = session.file("wrong.yaml", GOOD);
    assert_eq!(session.ended("run wrong.yaml", b"").code, 0);
    assert_eq!(session.ended("run --failed", b"").code, 3);
    let session = session.file("gone.yaml", FAILING);
    assert_eq!(session.ended("run gone.yaml", b"").code, 1);
    std::fs::remove_file(session.folder().join("gone.yaml")).unwrap();
    assert_eq!(session.ended("run --failed", b"").code, 3);
}

#[test]
fn filters_are_expressions() {
    Session::new()
        .run("list --filter =restore/without-id|=update-status/primary")
        .run("list --filter hook(list-backups)&law(off-chart)")
        .run("list --filter law(never-settled)")
        .run("run --filter restore/&(")
        .run("list --filter no-such-case")
        .holds("filters");
}

#[test]
fn a_list_for_programs_is_one_object_a_line() {
    let listed = ended("list --format json --filter restore/without-id");
    assert_eq!((listed.code, listed.stderr.as_str()), (0, ""));
    let line: Value = serde_json::from_str(listed.stdout.trim()).unwrap();
    assert_eq!(
        line,
        serde_json::json!({
            "name": "restore/without-id",
            "scenario": "a restore needs a backup id",
            "file": "restore/without-id.yaml",
            "embedded": true,
        })
    );
}

#[test]
fn a_list_of_files_says_what_is_wrong_with_the_others() {
    Session::new()
        .file("good.yaml", GOOD)
        .file("wrong.yaml", GOOD.replace("list-backups", "list-backup"))
        .run("list .")
        .holds("list_of_files");
}

#[test]
fn a_case_is_shown_with_what_it_showed_and_is_a_file_to_start_from() {
    Session::new().run("show restore/without-id").run("show restore/without-ids").holds("show");
    let shown = ended("show restore/without-id").stdout;
    let checked = Session::new().ended("check -", shown.as_bytes());
    assert_eq!(checked.stdout, "1 right, 0 wrong\n", "{}", checked.stderr);
}

#[test]
fn words_are_shown_with_their_form_their_values_and_a_case() {
    Session::new()
        .run("words s3-server")
        .run("words pitr")
        .run("words s3-sever")
        .run("words nothing of the kind")
        .holds("words");
}
