//! The smaller commands.

use pgdrill_core::Hook;
use serde_json::Value;

use crate::session::{GOOD, Session, ended};

#[test]
fn list_shows_the_name_and_the_title_of_every_case() {
    let ended = ended("list");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let cases = pgdrill_scenarios::read_corpus();
    assert_eq!(ended.stdout.lines().count(), cases.len());
    for (line, case) in ended.stdout.lines().zip(&cases) {
        let title = &case.scenario.as_ref().unwrap().scenario;
        assert!(line.starts_with(&format!("{} ", case.name)), "{line}");
        assert!(line.ends_with(&format!("  {title}")), "{line}");
    }
}

#[test]
fn a_new_scenario_of_each_hook_runs_and_passes_as_it_stands() {
    for hook in Hook::ALL {
        let template = ended(&format!("new {hook}"));
        assert_eq!((template.code, template.stderr.as_str()), (0, ""), "{hook}");
        let session = Session::new();
        let run = session.ended("run -", template.stdout.as_bytes());
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{hook}: {}", run.stdout);
        assert!(run.stdout.ends_with("memory: 1 passed, 0 failed, 0 skipped\n"), "{}", run.stdout);
        assert_eq!(
            session.ended("check -", template.stdout.as_bytes()).stdout,
            "1 right, 0 wrong\n"
        );
    }
}

#[test]
fn laws_shows_every_law_and_the_cases_that_show_it() {
    let ended = ended("laws");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    for law in pgdrill_scenarios::Law::ALL {
        let line = ended.stdout.lines().find(|line| line.trim().starts_with(law.name()));
        assert!(line.is_some_and(|line| line.ends_with(law.sentence())), "{law}");
    }
    for case in ["broken in amendments/reopen-what-was-blocked-off", "kept in restore/not-up-yet"] {
        assert!(ended.stdout.contains(case), "{case}");
    }
}

#[test]
fn known_damage_is_listed_by_its_reason() {
    let known = "known:\n  - { law: { left-blocked: 0 }, because: nobody looks again }\n  \
        - { law: stanza-untold, because: nobody makes the stanza }\n";
    let text = format!(
        "scenario: S3 is down for a while\nwithout: [s3-block-is-tried-again]\ngiven: {{ s3: {{}} }}\nfire:\n  - do: {{ s3-server: down }}\n  \
         - hook: s3-credentials-changed\n{known}"
    );
    let reasonless =
        "scenario: x\nfire: [{ hook: restore }]\nknown: [{ law: left-closed, because: '' }]\n";
    Session::new()
        .file("down.yaml", text)
        .file("reasonless.yaml", reasonless)
        .run("run down.yaml")
        .run("laws --known down.yaml")
        .run("laws --known reasonless.yaml")
        .run("laws down.yaml")
        .holds("laws_known");
}

#[test]
fn a_new_scenario_explains_itself() {
    Session::new().run("new create-backup").holds("new_create_backup");
}

#[test]
fn check_reads_without_running() {
    let failing = format!("{GOOD}then: {{ outcome: failed }}\n");
    Session::new()
        .file("failing.yaml", failing)
        .file("typo.yaml", "scenario: x\nfire:\n  - hook: restor\n")
        .run("check failing.yaml")
        .run("check failing.yaml typo.yaml")
        .run("check nowhere.yaml")
        .holds("check");
}

#[test]
fn the_schema_is_json_and_names_its_draft() {
    let ended = ended("schema");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let schema: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["title"], "Scenario");
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ended = ended(&format!("completions {shell}"));
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{shell}");
        for word in [
            "run",
            "coverage",
            "check",
            "list",
            "new",
            "schema",
            "completions",
            "man",
            "up",
            "status",
            "fire",
            "do",
            "heal",
            "down",
            "clean",
        ] {
            assert!(ended.stdout.contains(word), "{shell} lacks {word}");
        }
    }
    assert!(ended("completions bash").stdout.contains("complete -F _pgdrill"));
}

#[test]
fn help_says_what_each_command_does_and_how_it_ends() {
    let help = ended("--help");
    assert_eq!((help.code, help.stderr.as_str()), (0, ""));
    for word in [
        "run ",
        "coverage ",
        "check ",
        "list ",
        "new ",
        "schema ",
        "completions ",
        "man ",
        "up ",
        "status ",
        "fire ",
        "do ",
        "[alias: fault]",
        "heal ",
        "down ",
        "clean ",
        "Exit codes: 0",
    ] {
        assert!(help.stdout.contains(word), "{word}: {}", help.stdout);
    }
    for command in [
        "run",
        "coverage",
        "check",
        "list",
        "new",
        "schema",
        "completions",
        "man",
        "up",
        "status",
        "fire",
        "do",
        "heal",
        "down",
        "clean",
    ] {
        let help = ended(&format!("{command} --help"));
        assert_eq!((help.code, help.stderr.as_str()), (0, ""), "{command}");
        assert!(help.stdout.contains(&format!("Usage: pgdrill {command}")), "{}", help.stdout);
    }
    assert!(ended("--version").stdout.starts_with("pgdrill "));
}
