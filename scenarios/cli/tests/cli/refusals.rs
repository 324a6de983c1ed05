//! What is wrong with a scenario, said at its place; the others run all the same.

use crate::session::{GOOD, Session, ended};

#[test]
fn a_misspelt_hook_is_refused_and_the_next_document_still_runs() {
    let stream = format!("scenario: a typo\nfire:\n  - hook: create-bakup\n---\n{GOOD}");
    Session::new().run_with("run -", &stream).holds("misspelt_hook");
}

#[test]
fn a_key_that_is_misspelt_is_refused_with_the_nearest() {
    Session::new()
        .run_with("run -", "scenario: a typo\nfier:\n  - hook: restore\n")
        .run_with("run -", "scenario: a typo\nfire:\n  - hook: restore\n    parms: {}\n")
        .run_with("run -", "scenario: a typo\ngiven: { leder: 0 }\nfire:\n  - hook: restore\n")
        .holds("misspelt_key");
}

#[test]
fn a_value_of_another_type_is_refused_with_the_type() {
    Session::new()
        .run_with("run -", "scenario: x\ngiven:\n  units: two\nfire:\n  - hook: restore\n")
        .run_with("run -", "scenario: x\ngiven:\n  tls: 'true'\nfire:\n  - hook: restore\n")
        .run_with("run -", "scenario: x\nfire: restore\n")
        .holds("wrong_type");
}

#[test]
fn a_key_that_is_missing_is_named() {
    Session::new()
        .run_with("run -", "given: { units: 2 }\nfire:\n  - hook: restore\n")
        .run_with("run -", "scenario: nothing fires\n")
        .run_with("run -", "scenario: x\nfire:\n  - unit: 0\n")
        .holds("missing_key");
}

#[test]
fn a_leader_or_a_primary_beyond_the_units_is_refused() {
    Session::new()
        .run_with(
            "run -",
            "scenario: x\ngiven: { units: 2, leader: 2 }\nfire:\n  - hook: restore\n",
        )
        .run_with("run -", "scenario: x\ngiven:\n  primary: 3\nfire:\n  - hook: restore\n")
        .run_with("run -", "scenario: x\nfire:\n  - hook: restore\n    unit: 1\n")
        .run_with(
            "run -",
            "scenario: x\nfire:\n  - do: { leader-moves-to: 4 }\n  - hook: restore\n",
        )
        .holds("beyond_the_units");
}

#[test]
fn a_number_of_units_that_cannot_be_is_refused() {
    let with = |units: &str| {
        format!("scenario: x\ngiven: {{ units: {units} }}\nfire:\n  - hook: restore\n")
    };
    Session::new()
        .run_with("run -", &with("0"))
        .run_with("run -", &with("10"))
        .run_with("run -", &with("-1"))
        .holds("number_of_units");
}

#[test]
fn a_parameter_of_no_action_is_refused_by_its_key() {
    Session::new()
        .run_with(
            "run -",
            "scenario: x\nfire:\n  - hook: list-backups\n    params: { type: full }\n",
        )
        .run_with(
            "run -",
            "scenario: x\nfire:\n  - hook: create-backup\n    params: { typ: full }\n",
        )
        .run_with("run -", "scenario: x\nfire:\n  - hook: restore\n    params: { backup_id: a }\n")
        .holds("unknown_parameter");
}

#[test]
fn an_unknown_type_of_backup_is_refused_with_the_nearest() {
    Session::new()
        .run_with(
            "run -",
            "scenario: x\nfire:\n  - hook: create-backup\n    params: { type: ful }\n",
        )
        .run_with("run -", "scenario: x\ngiven: { backups: [fulll] }\nfire:\n  - hook: restore\n")
        .holds("unknown_backup_type");
}

#[test]
fn a_shape_that_is_not_on_the_chart_is_refused_with_the_nearest() {
    let at = |shape: &str| {
        format!(
            "scenario: x\nfire:\n  - hook: create-backup\n    meanwhile:\n      - {{ at: {shape}, do: process-dies }}\n"
        )
    };
    Session::new()
        .run_with("run -", &at("configure_restore"))
        .run_with("run -", &at("is_primary"))
        .run_with("run -", &at("set_maintenence"))
        .run_with(
            "run -",
            "scenario: x\ncovers: [create-backup/set_activ]\nfire:\n  - hook: restore\n",
        )
        .run_with("run -", "scenario: x\ncovers: [set_active]\nfire:\n  - hook: restore\n")
        .run_with("run -", "scenario: x\ncovers: [coffee]\nfire:\n  - hook: restore\n")
        .holds("shape_not_on_the_chart");
}

#[test]
fn what_happens_meanwhile_has_one_moment_and_says_what() {
    let item = |item: &str| {
        format!("scenario: x\nfire:\n  - hook: restore\n    meanwhile:\n      - {item}\n")
    };
    Session::new()
        .run_with("run -", &item("{ lost: object store.put }"))
        .run_with("run -", &item("{ lost: cluster.aply }"))
        .run_with("run -", &item("{ lost: unit.identity }"))
        .run_with("run -", &item("{ lost: cluster.apply, do: process-dies }"))
        .run_with("run -", &item("{ at: is_leader, lost: cluster.apply }"))
        .run_with("run -", &item("{ at: is_leader, after: is_leader, do: process-dies }"))
        .run_with("run -", &item("{ after: is_leader }"))
        .run_with("run -", &item("{ do: process-dies }"))
        .holds("meanwhile_of_no_moment");
}

#[test]
fn a_process_cannot_die_between_two_firings() {
    let text = "scenario: x\nfire:\n  - do: process-dies\n  - hook: restore\n";
    Session::new().run_with("run -", text).holds("process_dies_between_firings");
}

#[test]
fn a_stanza_without_s3_is_refused() {
    let text = "scenario: x\ngiven: { stanza: initialised }\nfire:\n  - hook: restore\n";
    Session::new().run_with("run -", text).holds("stanza_without_s3");
}

#[test]
fn what_no_step_can_be_is_refused() {
    Session::new()
        .run_with("run -", "scenario: x\nfire:\n  - hook: restore\n    do: primary-is-lost\n")
        .run_with(
            "run -",
            "scenario: x\nfire:\n  - do: primary-is-lost\n    unit: 0\n  - hook: restore\n",
        )
        .run_with("run -", "scenario: x\nfire:\n  - do: primary-is-lost\n")
        .run_with("run -", "scenario: x\nfire:\n  - do: primary-is-lots\n  - hook: restore\n")
        .run_with("run -", "scenario: x\nfire:\n  - do: { tls: of }\n  - hook: restore\n")
        .holds("impossible_step");
}

#[test]
fn text_that_is_not_yaml_is_refused_at_its_place() {
    Session::new()
        .run_with("run -", "scenario: x\nfire: [{ hook: restore }\n")
        .run_with("run -", "scenario: x\nfire:\n\t- hook: restore\n")
        .run_with("run -", "scenario: it says: no\nfire:\n  - hook: restore\n")
        .run_with("run -", "scenario: x\nscenario: y\nfire:\n  - hook: restore\n")
        .holds("not_yaml");
}

#[test]
fn every_fault_of_a_document_is_told_in_every_report() {
    let text = "scenario: x\ngiven: { units: two, foo: 1 }\nfire:\n  - hook: restor\n---\n";
    Session::new()
        .file("two.yaml", format!("{text}{GOOD}"))
        .run("check two.yaml")
        .run("run two.yaml --junit report.xml")
        .show("report.xml")
        .run("run two.yaml --filter none --format json")
        .holds("several_faults");
}

#[test]
fn a_file_that_is_not_there_or_holds_nothing_is_refused_and_the_others_run() {
    Session::new()
        .file("empty.yaml", "")
        .file("comment.yaml", "# nothing yet\n---\n")
        .file("good.yaml", GOOD)
        .run("run nowhere.yaml good.yaml")
        .run("run empty.yaml good.yaml")
        .run("run comment.yaml")
        .run("run -")
        .holds("missing_or_empty_file");
}

#[test]
fn a_wrong_file_of_a_folder_does_not_hide_the_others() {
    Session::new()
        .file("cases/bad.yaml", "scenario: x\nfire:\n  - hok: restore\n")
        .file("cases/deep/good.yml", GOOD)
        .file("cases/readme.txt", "no scenario")
        .run("run cases")
        .run("check cases")
        .holds("wrong_file_in_a_folder");
}

/// Exit code 2 and one error, whatever stands there.
fn refused_once(stdin: &[u8]) -> String {
    let ended = Session::new().ended("run -", stdin);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("error: ").count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("at: <stdin>"), "{}", ended.stderr);
    assert!(ended.stderr.len() < 2000, "{} bytes", ended.stderr.len());
    assert!(!ended.stderr.contains('\u{1b}'), "{:?}", ended.stderr);
    ended.stderr
}

#[test]
fn hostile_standard_input_gives_one_clear_error() {
    let control = refused_once(b"\x00\x1b[31mred\x07");
    assert!(control.contains("control character U+0000"), "{control}");
    let binary = refused_once(b"scenario: \x80\xff\xfe\n");
    assert!(binary.contains("byte 0x80 is not UTF-8\n   at: <stdin>:1:11"), "{binary}");
    let wide = refused_once(b"\xff\xfes\x00c\x00");
    assert!(wide.contains("the file is UTF-16"), "{wide}");
    let brackets = refused_once("[".repeat(200_000).as_bytes());
    assert!(brackets.contains("nested deeper than"), "{brackets}");
    let lists = refused_once(format!("fire: {}", "- ".repeat(5_000)).as_bytes());
    assert!(lists.contains("<stdin>:1:"), "{lists}");
    let indents: String = (0..500).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert!(refused_once(indents.as_bytes()).contains("nested deeper than"));
    let long_line =
        refused_once(format!("scenario: {}\nfier: 1\n", "x".repeat(900_000)).as_bytes());
    assert!(long_line.contains("unknown key `fier`"), "{long_line}");
    let huge = refused_once("x".repeat(5 * 1024 * 1024).as_bytes());
    assert!(huge.contains("more than 4194304 bytes (4 MiB)"), "{huge}");
    let bomb = refused_once(b"a: &a [x, x]\nb: [*a, *a]\n");
    assert!(bomb.contains("anchors are not supported"), "{bomb}");
}

#[test]
fn a_command_that_is_misspelt_or_misplaced_is_recognised() {
    Session::new().run("chekc cases").run("--filter tls list").holds("misspelt_command");
}

#[test]
fn every_wrong_usage_ends_with_code_2_and_a_word_about_it() {
    let wrong = [
        ("run --format xml", "text, json"),
        ("run --jobs 0", "1..=1024"),
        ("run --jobs many", "--jobs"),
        ("run --backend moon", "memory"),
        ("run --require moon", "memory"),
        ("run --junit", "--junit <FILE>"),
        ("run --updat", "--update"),
        ("run --update", "give the files or folders"),
        ("coverage --format xml", "text, json, mermaid, html"),
        ("check", "write `paths` into `pgdrill.toml`"),
        ("new", "<HOOK>"),
        ("new create-bakup", "'create-backup'"),
        ("completions bahs", "'bash'"),
        ("schema all", "unexpected argument 'all'"),
    ];
    for (words, expected) in wrong {
        let ended = ended(words);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{words}: {}", ended.stderr);
        assert!(ended.stderr.starts_with("error: "), "{words}: {}", ended.stderr);
        assert!(ended.stderr.contains(expected), "{words}: {}", ended.stderr);
    }
}

#[test]
fn a_dollar_that_begins_no_token_is_refused() {
    let with = |id: &str| {
        let fire = format!("fire:\n  - hook: restore\n    params: {{ backup-id: \"{id}\" }}\n");
        format!("scenario: x\ngiven: {{ s3: {{}}, stanza: initialised, backups: [full] }}\n{fire}")
    };
    Session::new().run_with("check -", &with("${backup_1}")).holds("no_token");
    for id in ["${backup-1", "$", "a$b", "${backup-0}", "${backup-+1}", "${backup-1} "] {
        let ended = Session::new().ended("check -", with(id).as_bytes());
        assert_eq!(ended.code, 2, "{id}");
        let what = format!("error: the `$` in `{id}` begins nothing that stands for something");
        assert!(ended.stderr.starts_with(&what), "{}", ended.stderr);
    }
    for id in ["${backup-1}", "${backup-12}", "2026-11-23T02:43:06Z"] {
        assert_eq!(Session::new().ended("check -", with(id).as_bytes()).code, 0, "{id}");
    }
}

#[test]
fn what_is_required_is_the_backend_that_runs() {
    Session::new()
        .run("run --require containers --filter list-backups")
        .run("run --backend stand --require memory")
        .holds("require_another_backend");
}

/// A scenario whose last step is a list, with this step before it and this at the end.
fn then(step: &str, then: &str) -> String {
    format!("scenario: x\ngiven: {{ units: 2 }}\nfire:\n  - {step}\n  - hook: list-backups\n{then}")
}

#[test]
fn what_a_step_cannot_show_is_refused() {
    Session::new()
        .run_with("check -", &then("{ hook: restore, then: { damage: [left-closed] } }", ""))
        .run_with("check -", &then("{ do: primary-is-lost, then: { outcome: finished } }", ""))
        .run_with("check -", &then("{ settle: true, then: { results: { backups: x } } }", ""))
        .run_with("check -", &then("{ hook: update-status, then: { results: { x: y } } }", ""))
        .run_with(
            "check -",
            &then("{ do: primary-is-lost, then: { not-visited: [restore/fail_action] } }", ""),
        )
        .run_with("check -", &then("{ settle: true, unit: 1 }", ""))
        .run_with(
            "check -",
            &then("{ do: { scale-to: 1 }, then: { statuses: { 1: active } } }", ""),
        )
        .run_with("check -", &then("{ hook: restore, then: { outcome: finshed } }", ""))
        .holds("then_of_a_step");
}

#[test]
fn what_no_run_can_show_or_every_run_would_is_refused() {
    let at_end = |at_end: &str| then("hook: update-status", &format!("then: {{ {at_end} }}\n"));
    Session::new()
        .run_with("check -", &at_end("connections: { 2: refused }"))
        .run_with("check -", &at_end("connections: { 1: refussed }"))
        .run_with("check -", &at_end("services: { 1: {} }"))
        .run_with("check -", &at_end("services: { 1: { database: runing } }"))
        .run_with("check -", &at_end("services: { 2: { tls-server: running } }"))
        .run_with("check -", &at_end("primary: 2"))
        .run_with("check -", &at_end("primary: nobody"))
        .run_with("check -", &at_end("statuses: { 1: { is: blocked } }"))
        .run_with("check -", &at_end("statuses: { 1: [blocked] }"))
        .run_with("check -", &at_end("backups: full"))
        .run_with("check -", &at_end("backups: [ful]"))
        .run_with("check -", &at_end("objects: { latest: gone }"))
        .run_with("check -", &at_end("objects: { '': absent }"))
        .run_with("check -", &at_end("objects: { 'a/${backup_1}': absent }"))
        .run_with("check -", &at_end("results: { backups: 'id ${backup-0}' }"))
        .run_with("check -", &at_end("not-visited: [create-backup/set_active]"))
        .run_with("check -", &at_end("not-visited: [set_active]"))
        .run_with(
            "check -",
            &format!(
                "{}covers: [list-backups/fail_action]\n",
                at_end("not-visited: [list-backups/hook_fired, list-backups/fail_action]")
            ),
        )
        .holds("then_that_cannot_fail_or_hold");
}

#[test]
fn an_event_is_for_one_unit_or_all_of_them() {
    Session::new()
        .run_with("check -", &then("{ hook: update-status, unit: each }", ""))
        .run_with("check -", &then("{ hook: update-status, unit: \"1\" }", ""))
        .run_with("check -", &then("{ hook: update-status, unit: 2 }", ""))
        .run_with("check -", &then("{ do: primary-is-lost, unit: all }", ""))
        .run_with(
            "check -",
            &then(
                "{ hook: update-status, unit: all, meanwhile: [{ at: hook_fired, do: process-dies }] }",
                "",
            ),
        )
        .run_with("check -", &then("{ hook: update-status, unit: all }", ""))
        .holds("unit_all");
}

#[test]
fn worlds_that_no_cluster_can_have_come_to_are_refused() {
    let given = |given: &str| {
        format!("scenario: x\ngiven: {{ {given} }}\nfire:\n  - hook: update-status\n")
    };
    let await_none = "scenario: x\nfire:\n  - do: { await: restore-begun }\n  - hook: restore\n";
    Session::new()
        .run_with("check -", &given("backups: [full]"))
        .run_with("check -", &given("s3: { related: true }, backups: [full]"))
        .run_with(
            "check -",
            &given("s3: { related: true }, stanza: initialised, repository: another-cluster"),
        )
        .run_with(
            "check -",
            &given("s3: { related: true }, stanza: initialised, cluster-initialised: false"),
        )
        .run_with("check -", &given("s3: { bucket: absent }, stanza: initialised"))
        .run_with("check -", await_none)
        .holds("impossible_worlds");
}

#[test]
fn slips_that_would_look_like_passes_are_refused() {
    let restore = "  - hook: restore\n    params: { backup-id: \"${backup-4}\" }\n";
    Session::new()
        .run_with(
            "run -",
            &format!("scenario: x\ngiven: {{ s3: {{ related: true }}, stanza: initialised, backups: [full] }}\nfire:\n{restore}"),
        )
        .run_with(
            "run -",
            "scenario: x\ngiven: { backups: [incremental] }\nfire:\n  - hook: restore\n",
        )
        .run_with(
            "run -",
            "scenario: x\nfire:\n  - hook: restore\nthen:\n  damage: [{ left-closed: 6 }]\n",
        )
        .holds("slips_that_look_like_passes");
}
