//! Scenarios that run, and what is said about those that do not hold.

use crate::session::{GOOD, Session, ended};

#[test]
fn a_good_scenario_on_standard_input_passes() {
    Session::new().run_with("run -", GOOD).run_with("-", GOOD).holds("good_on_stdin");
}

#[test]
fn nothing_selected_ends_with_code_3() {
    Session::new()
        .file("cases/readme.txt", "no scenario")
        .file("good.yaml", GOOD)
        .run("run cases")
        .run("check cases")
        .run("run --filter no-such-case")
        .run("run good.yaml --filter one --filter two")
        .holds("nothing_selected");
}

#[test]
fn an_amendment_switched_off_shows_the_damage_and_what_did_it() {
    Session::new()
        .run("run --no-amendment reopen-what-was-blocked --filter amendments/reopen")
        .holds("no_amendment");
}

#[test]
fn each_amendment_switched_off_fails_a_case() {
    for amendment in pgdrill_core::Amendment::ALL {
        let ended = ended(&format!("run --no-amendment {amendment}"));
        assert_eq!(ended.code, 1, "{amendment}: {}", ended.stdout);
        let own = format!("failed   amendments/{amendment} ");
        let lesson = format!("failed   lessons/{amendment} ");
        let has = |line: &str| ended.stdout.contains(line);
        assert!(has(&own) || has(&lesson), "{amendment}: {}", ended.stdout);
    }
}

#[test]
fn an_amendment_that_is_misspelt_is_refused_with_the_nearest() {
    Session::new().run("run --no-amendment reopen-what-was-bloked").holds("misspelt_amendment");
}

#[test]
fn what_does_not_hold_afterwards_is_said_with_what_was_found() {
    let text = "\
scenario: a restore without an id succeeds
fire:
  - hook: restore
then:
  outcome: finished
  message: restore started
  statuses: { 0: maintenance }
  damage: [{ left-closed: 0 }]
";
    Session::new().run_with("run -", text).holds("then_fails");
}

#[test]
fn what_does_not_hold_after_a_step_is_said_with_the_step() {
    let text = "\
scenario: a unit that is cut off during its backup stays closed
given: { units: 2, tls: true, s3: {}, stanza: initialised }
fire:
  - hook: create-backup
    unit: 1
    meanwhile:
      - { after: block_new_connections, do: process-dies }
    then: { outcome: finished, connections: { 1: accepted } }
  - hook: update-status
    unit: all
    then: { message: all is well, connections: { 1: refused } }
then:
  backups: [full]
";
    let session = Session::new().run_with("run -", text);
    session.run_with("run - --format json", text).holds("then_of_a_step_fails");
}

#[test]
fn what_was_to_happen_at_a_shape_and_did_not_is_said() {
    let text = "\
scenario: the primary moves during a backup that never starts
given: { units: 2 }
fire:
  - hook: create-backup
    unit: 1
    meanwhile:
      - { at: set_maintenance, do: { primary-moves-to: 1 } }
";
    Session::new().run_with("run -", text).holds("strike_never_happens");
}

#[test]
fn an_answer_that_was_to_be_lost_and_never_came_is_said_of_the_very_item() {
    let text = "\
scenario: two answers are lost, and one is given
fire:
  - hook: list-backups
    meanwhile:
      - { lost: unit.fail_action }
      - { lost: object-store.put }
      - { lost: unit.fail_action }
";
    let session = Session::new().run_with("run -", text);
    session.run_with("run - --format json", text).holds("no_answer_to_lose");
}

#[test]
fn a_shape_that_was_to_be_covered_and_was_not_visited_is_said() {
    let text = "\
scenario: a backup without S3 sets the unit active
covers: [create-backup/fail_action, create-backup/set_active]
fire:
  - hook: create-backup
";
    Session::new().run_with("run -", text).holds("covers_not_visited");
}

#[test]
fn a_failure_outranks_nothing_but_a_refusal() {
    let failing = "scenario: it fails\nfire:\n  - hook: restore\nthen: { outcome: finished }\n";
    let refused = "scenario: a typo\nfire:\n  - hook: restor\n";
    let run = |text: &str| Session::new().ended("run -", text.as_bytes()).code;
    assert_eq!(run(GOOD), 0);
    assert_eq!(run(&format!("{GOOD}---\n{failing}")), 1);
    assert_eq!(run(&format!("{GOOD}---\n{failing}---\n{refused}")), 2);
}

#[test]
fn the_whole_corpus_passes_and_covers_the_published_charts() {
    let ended = ended("");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{}", ended.stdout);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(lines.contains(&"published charts: 80 of 80 arrows, 42 of 42 paths"), "{lines:#?}");
    assert!(lines.last().unwrap().ends_with(" passed, 0 failed, 0 skipped"), "{lines:#?}");
    assert_eq!(self::ended("run").stdout, ended.stdout);
    assert_eq!(self::ended("run --require memory").stdout, ended.stdout);
}

#[test]
fn a_failed_action_of_which_nothing_is_said_is_warned_about() {
    let silent = "scenario: no stanza\nfire:\n  - hook: create-backup\n";
    let said = format!("{silent}    then: {{ outcome: failed }}\n");
    let session = Session::new().file("silent.yaml", silent).file("said.yaml", said);
    let warned = |words: &str| {
        let ended = session.ended(words, b"");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        ended.stderr.contains("create-backup failed on unit 0, and nothing")
    };
    assert!(warned("run silent.yaml"));
    assert!(!warned("run said.yaml"));
    assert!(!warned("run silent.yaml --update"));
}
