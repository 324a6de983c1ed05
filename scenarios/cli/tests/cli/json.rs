//! The JSON that other programs read: every promised key is there, with its type.

use serde_json::Value;

use crate::session::{Session, ended};

/// What a value must be; a second type may be allowed instead.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Is {
    Text,
    TextOrNull,
    Number,
    Object,
    List,
}

fn has(object: &Value, keys: &[(&str, Is)]) {
    for (key, is) in keys {
        let value = object.get(key).unwrap_or_else(|| panic!("no `{key}` in {object}"));
        let right = match is {
            Is::Text => value.is_string(),
            Is::TextOrNull => value.is_string() || value.is_null(),
            Is::Number => value.is_u64(),
            Is::Object => value.is_object(),
            Is::List => value.is_array(),
        };
        assert!(right, "`{key}` is {value}, expected {is:?}");
    }
}

fn items<'v>(object: &'v Value, key: &str) -> &'v [Value] {
    object[key].as_array().unwrap_or_else(|| panic!("`{key}` of {object}"))
}

fn word<'v>(object: &'v Value, key: &str) -> &'v str {
    object[key].as_str().unwrap_or_else(|| panic!("`{key}` of {object}"))
}

fn lines(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_run_is_one_object_a_line_with_every_promised_key() {
    let ended = ended("run --format json");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let results = lines(&ended.stdout);
    assert_eq!(results.len(), pgdrill_scenarios::read_corpus().len());
    for result in &results {
        has(
            result,
            &[
                ("scenario", Is::Text),
                ("file", Is::Text),
                ("backend", Is::Text),
                ("verdict", Is::Text),
                ("reason", Is::TextOrNull),
                ("reasons", Is::List),
                ("firings", Is::List),
                ("statuses", Is::Object),
                ("observed", Is::Object),
            ],
        );
        assert_eq!((word(result, "verdict"), word(result, "backend")), ("passed", "memory"));
        assert!(!items(result, "firings").is_empty(), "{result}");
        items(result, "firings").iter().for_each(firing_keeps_its_promise);
        for (unit, status) in result["statuses"].as_object().unwrap() {
            assert!(unit.parse::<u32>().is_ok(), "{unit}");
            has(status, &[("name", Is::Text), ("message", Is::Text), ("history", Is::List)]);
            let history = items(status, "history");
            history.iter().for_each(|was| has(was, &[("name", Is::Text), ("message", Is::Text)]));
            assert_eq!(history.last().unwrap()["name"], status["name"]);
        }
    }
}

fn firing_keeps_its_promise(firing: &Value) {
    has(
        firing,
        &[
            ("hook", Is::Text),
            ("unit", Is::Number),
            ("outcome", Is::Text),
            ("message", Is::TextOrNull),
            ("results", Is::Object),
            ("path", Is::List),
        ],
    );
    let outcome = word(firing, "outcome");
    assert!(
        ["returned", "deferred", "failed", "finished", "error"].contains(&outcome),
        "{outcome}"
    );
    assert!(word(firing, "hook").parse::<pgdrill_core::Hook>().is_ok(), "{firing}");
    assert_eq!(firing["message"].is_string(), ["failed", "error"].contains(&outcome), "{firing}");
    assert_eq!(items(firing, "path")[0]["node"], "hook_fired");
    for step in items(firing, "path") {
        has(step, &[("node", Is::Text), ("answer", Is::TextOrNull)]);
        assert!([None, Some("yes"), Some("no")].contains(&step["answer"].as_str()), "{step}");
    }
}

#[test]
fn a_verdict_that_failed_has_its_reason_and_so_has_a_refused_document() {
    let stream = "\
scenario: it fails
fire: [{ hook: restore }]
then: { outcome: finished }
---
scenario: it is refused
fire: [{ hook: restor }]
";
    let ended = Session::new().ended("run - --format json", stream.as_bytes());
    assert_eq!(ended.code, 2);
    let results = lines(&ended.stdout);
    assert_eq!(results.len(), 2);
    assert_eq!(results[0]["verdict"], "failed");
    let reason = word(&results[0], "reason");
    assert!(reason.contains("the outcome is failed, expected finished"), "{reason}");
    let reasons = items(&results[0], "reasons");
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    has(&reasons[0], &[("kind", Is::Text), ("text", Is::Text), ("at", Is::Object)]);
    assert_eq!(word(&reasons[0], "kind"), "unexpected-outcome");
    assert_eq!(word(&reasons[0], "text"), reason);
    let at = serde_json::json!({
        "path": "then/outcome", "line": 3, "column": 18,
        "firing": 1, "hook": "restore", "unit": 0, "shape": null,
    });
    assert_eq!(reasons[0]["at"], at);
    assert_eq!(word(&results[0], "file"), "<stdin>");
    assert!(ended.stderr.contains("at: <stdin>:6:16"), "{}", ended.stderr);
    let refused = &results[1];
    assert_eq!((word(refused, "verdict"), word(refused, "name")), ("refused", "<stdin>#2"));
    let keys = |object: &Value| object.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(refused), keys(&results[0]), "the keys are the same");
    let reasons = items(refused, "reasons");
    assert_eq!((reasons.len(), word(&reasons[0], "kind")), (1, "refused"));
    assert_eq!(format!("{}\n", word(refused, "reason")), ended.stderr);
    let at = serde_json::json!({
        "path": null, "line": 6, "column": 16,
        "firing": null, "hook": null, "unit": null, "shape": null,
    });
    assert_eq!(reasons[0]["at"], at);
}

#[test]
fn coverage_is_one_object_with_every_promised_key() {
    let session = Session::new().file("backups.md", crate::session::PUBLISHED);
    let own = session.ended("coverage --format json", b"");
    let published = session.ended("coverage --charts backups.md --format json", b"");
    for (ended, charts) in [(&own, 6), (&published, 4)] {
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let whole: Value = serde_json::from_str(&ended.stdout).unwrap();
        let lists = ["missing_in_core", "missing_in_chart", "unread"];
        has(&whole, &lists.map(|list| (list, Is::List)));
        assert_eq!(items(&whole, "charts").len(), charts);
        items(&whole, "charts").iter().for_each(chart_keeps_its_promise);
        for count in ["arrows", "paths"] {
            has(&whole[count], &[("drawn", Is::Number), ("walked", Is::Number)]);
            assert_eq!(whole[count]["drawn"], whole[count]["walked"]);
        }
    }
    let whole: Value = serde_json::from_str(&published.stdout).unwrap();
    assert_eq!(whole["arrows"], serde_json::json!({ "drawn": 80, "walked": 80 }));
    assert_eq!(whole["paths"], serde_json::json!({ "drawn": 42, "more": false, "walked": 42 }));
}

fn chart_keeps_its_promise(chart: &Value) {
    has(
        chart,
        &[("name", Is::Text), ("nodes", Is::List), ("arrows", Is::List), ("paths", Is::List)],
    );
    has(chart, &[("hook", Is::TextOrNull), ("starts", Is::List), ("loop", Is::List)]);
    has(&chart["drawn_paths"], &[("drawn", Is::Number), ("walked", Is::Number)]);
    let is_node = |node: &Value| node.is_string() && items(chart, "nodes").contains(node);
    for arrow in items(chart, "arrows") {
        let keys = [
            ("from", Is::Text),
            ("to", Is::Text),
            ("label", Is::TextOrNull),
            ("amendment", Is::TextOrNull),
            ("visits", Is::Number),
        ];
        has(arrow, &keys);
        assert!(is_node(&arrow["from"]) && is_node(&arrow["to"]), "{arrow}");
        let amendment = arrow["amendment"].as_str();
        let known = |name: &str| name.parse::<pgdrill_core::Amendment>().is_ok();
        assert!(amendment.is_none_or(known), "{arrow}");
    }
    for path in items(chart, "paths") {
        has(path, &[("nodes", Is::List), ("visits", Is::Number)]);
        assert!(items(path, "nodes").iter().all(is_node), "{path}");
    }
}
