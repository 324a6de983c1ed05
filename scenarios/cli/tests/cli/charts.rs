//! `pgdrill coverage`, of its own charts and of a document from elsewhere.

use pgdrill_flow::charts_in_markdown;
use pgdrill_scenarios::{Coverage, report};
use serde_json::Value;

use crate::session::{PUBLISHED, Session, ended};

fn changed(from: &str, to: &str) -> String {
    assert!(PUBLISHED.contains(from), "{from}");
    PUBLISHED.replace(from, to)
}

/// `missing_in_core` and `missing_in_chart` of a document, with the exit code.
fn missing(document: &str) -> (i32, Value, Value) {
    let session = Session::new().file("charts.md", document);
    let ended = session.ended("coverage --charts charts.md --format json", b"");
    let whole: Value =
        serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{}", ended.stderr));
    (ended.code, whole["missing_in_core"].clone(), whole["missing_in_chart"].clone())
}

#[test]
fn the_document_of_upstream_is_covered_whole_and_its_two_slips_are_located() {
    Session::new()
        .file("backups.md", PUBLISHED)
        .run("coverage --charts backups.md")
        .holds("coverage_of_the_published_document");
}

#[test]
fn its_own_charts_are_covered_whole() {
    Session::new().run("coverage").holds("coverage_of_its_own_charts");
}

#[test]
fn an_arrow_that_the_document_lacks_is_reported_by_its_name() {
    let less = changed("  fail_action2 --> is_replica2{Is current\\nunit a replica?}\n", "");
    assert_eq!(
        missing(&less),
        (
            1,
            Value::from(Vec::<Value>::new()),
            vec!["create-backup: fail_action2 --> is_replica2"].into()
        )
    );
    let session = Session::new().file("charts.md", less);
    session.run("coverage --charts charts.md").holds("coverage_one_arrow_less");
}

#[test]
fn a_shape_that_the_document_lacks_is_reported_by_its_arrows() {
    let lines = PUBLISHED.lines().filter(|line| !line.contains("upload_error_logs_s3"));
    let less = lines.collect::<Vec<_>>().join("\n");
    let expected = vec![
        "create-backup: has_backup_creation_succeeded -- no --> upload_error_logs_s3",
        "create-backup: upload_error_logs_s3 --> fail_action2",
    ];
    assert_eq!(missing(&less), (1, Value::Array(Vec::new()), expected.into()));
}

#[test]
fn an_arrow_or_a_shape_that_the_core_lacks_is_reported_by_its_name_and_place() {
    let more = changed(
        "  set_blocked --> rtn\n",
        "  set_blocked --> rtn\n  set_blocked -- later --> make_coffee[Make coffee]\n  is_leadr[Typo]\n  set_blocked --> defer\n",
    );
    let expected = vec![
        "s3-credentials-changed: is_leadr",
        "s3-credentials-changed: set_blocked -- later --> make_coffee",
        "s3-credentials-changed: set_blocked --> defer",
    ];
    assert_eq!(missing(&more), (1, expected.into(), Value::Array(Vec::new())));
    let session = Session::new().file("charts.md", more);
    session.run("coverage --charts charts.md").holds("coverage_one_arrow_more");
}

#[test]
fn a_second_entry_and_a_loop_are_counted_and_located_as_what_the_core_lacks() {
    let typo = changed("  is_leader -- no --> rtn\n", "  is_leadr -- no --> rtn\n");
    let cycle = changed("  set_blocked --> rtn\n", "  set_blocked --> is_leader\n");
    Session::new()
        .file("typo.md", typo)
        .file("cycle.md", cycle)
        .run("coverage --charts typo.md")
        .run("coverage --charts cycle.md")
        .holds("coverage_of_entries_and_loops");
}

/// A document with every form of a chart that others draw.
const WILD: &str = include_str!("../fixtures/wild.md");

#[test]
fn charts_as_others_draw_them_are_read_counted_and_no_error() {
    let session = Session::new().file("wild.md", WILD);
    session.run("coverage --charts wild.md").holds("coverage_of_charts_from_elsewhere");
}

#[test]
fn charts_from_elsewhere_are_drawn_and_none_of_their_arrows_is_an_amendment() {
    let session = Session::new().file("wild.md", WILD);
    for format in ["mermaid", "html"] {
        let drawn = session.ended(&format!("coverage --charts wild.md --format {format}"), b"");
        assert_eq!((drawn.code, drawn.stderr.as_str()), (0, ""), "{format}");
        for name in ["every-shape", "retry-loop", "two-ways-in", "quoted"] {
            assert!(drawn.stdout.contains(name), "{format} lacks {name}");
        }
        assert!(!drawn.stdout.contains("<small class=\"amendment\">"), "{format}");
        assert!(!drawn.stdout.contains("not-live"), "{format}");
    }
    let whole = session.ended("coverage --charts wild.md --format json", b"");
    let whole: Value = serde_json::from_str(&whole.stdout).expect("JSON");
    assert_eq!(whole["amended_arrows"], serde_json::json!({ "drawn": 0, "walked": 0 }));
    let charts = whole["charts"].as_array().expect("a list");
    let of = |name: &str| charts.iter().find(|chart| chart["name"] == name).expect(name);
    assert_eq!(of("retry-loop")["loop"], serde_json::json!(["try_it", "wait"]));
    assert_eq!(of("two-ways-in")["starts"], serde_json::json!(["by_hand", "by_timer"]));
    assert!(charts.iter().all(|chart| chart["hook"].is_null()));
}

#[test]
fn the_document_is_read_in_the_dialect_of_upstream() {
    let myst = PUBLISHED.replace("```mermaid", "```{mermaid}\n:name: a chart\n");
    assert_ne!(myst, PUBLISHED);
    let colons = myst.replace("```{mermaid}", ":::{mermaid}").replace("```", ":::");
    for document in [myst, colons, format!("\u{feff}{PUBLISHED}")] {
        let session = Session::new().file("charts.md", document);
        let ended = session.ended("coverage --charts charts.md", b"");
        let last = "\nall charts: 80 of 80 arrows, 42 of 42 paths\nwalked by the cases that come with pgdrill\n";
        assert!(
            ended.code == 0 && ended.stdout.ends_with(last),
            "{}{}",
            ended.stdout,
            ended.stderr
        );
    }
}

#[test]
fn a_dotted_arrow_of_a_document_is_an_amendment_only_by_its_name() {
    let dotted = changed("  set_blocked --> rtn\n", "  set_blocked -.-> rtn\n");
    assert_eq!(missing(&dotted), (0, Value::Array(Vec::new()), Value::Array(Vec::new())));
    let more =
        changed("  set_blocked --> rtn\n", "  set_blocked --> rtn\n  set_blocked -. x .-> defer\n");
    let expected = vec!["s3-credentials-changed: set_blocked -- x --> defer"];
    assert_eq!(missing(&more), (1, expected.into(), Value::Array(Vec::new())));
}

#[test]
fn what_is_listed_and_drawn_of_a_chart_is_bounded_and_the_bound_is_told() {
    let diamond = |n: usize| {
        format!("d{n} -- no --> x{n}\nd{n} -- yes --> y{n}\nx{n} & y{n} --> d{}\n", n + 1)
    };
    let step = |n: usize| format!("d{n} --> d{}\n", n + 1);
    let diamonds: String = (0..16).map(diamond).chain((16..316).map(step)).collect();
    let ladder = |n: usize| {
        format!("a{n} --> b{n}\na{n} --> a{m}\nb{n} --> b{m}\na{n} --> fail\n", m = n + 1)
    };
    let ladder: String = (0..400).map(ladder).collect();
    let session = Session::new()
        .file("diamonds.mmd", format!("graph TD\n{diamonds}"))
        .file("ladder.mmd", format!("graph TD\n{ladder}"));
    let counted = session.ended("coverage --charts diamonds.mmd", b"");
    let told = "0 of 65536 paths (the core has no such chart; no more than 60 paths are listed)";
    assert!(counted.stdout.contains(told), "{}", counted.stdout);
    for (file, told) in
        [("diamonds.mmd", told), ("ladder.mmd", "Not drawn: 803 shapes and 1600 arrows")]
    {
        for format in ["text", "json", "html", "mermaid"] {
            let ended = session.ended(&format!("coverage --charts {file} --format {format}"), b"");
            assert!(ended.stdout.len() < 3_000_000, "{file} as {format}: {}", ended.stdout.len());
            assert!(
                format != "html" || file != "ladder.mmd" || ended.stdout.contains(told),
                "{file}"
            );
        }
    }
}

#[test]
fn a_chart_that_the_core_lacks_is_reported_with_every_one_that_the_document_lacks() {
    let other = "### On Creat Backup Hook\n\n```mermaid\nflowchart TD\n  hook_fired([go]) --> rtn([return])\n```\n";
    let session = Session::new().file("other.md", other);
    session.run("coverage --charts other.md").holds("coverage_of_an_unknown_chart");
    let (code, core, chart) = missing(&format!("{PUBLISHED}\n{other}"));
    assert_eq!((code, core), (1, vec!["chart creat-backup"].into()));
    assert_eq!(chart, Value::Array(Vec::new()));
}

#[test]
fn a_chart_that_cannot_be_read_is_told_with_its_place_and_the_others_are_counted() {
    let syntax = changed("is_leader -- no --> rtn", "is_leader -- no -> rtn");
    let foreign = "### Other\n\n> ```mermaid\n> graph TD\n>   a[A] - b\n> ```\n";
    Session::new()
        .file("syntax.md", syntax)
        .file("foreign.md", format!("{PUBLISHED}\n{foreign}"))
        .run("coverage --charts syntax.md")
        .run("coverage --charts foreign.md")
        .holds("coverage_of_a_chart_that_cannot_be_read");
}

#[test]
fn what_is_no_document_with_charts_is_refused_at_its_place() {
    Session::new()
        .file("bytes.md", b"# Charts\n\ncaf\xe9\n")
        .file("none.md", "# Nothing\n")
        .file("empty.md", "")
        .run("coverage --charts bytes.md")
        .file("unread.mmd", "graph TD\n  a -- b\n")
        .run("coverage --charts unread.mmd")
        .run("coverage --charts none.md")
        .run("coverage --charts empty.md")
        .run("coverage --charts nowhere.md")
        .holds("coverage_of_no_document");
}

#[test]
fn the_painted_charts_can_be_read_again_and_carry_their_visits() {
    let session = Session::new().file("backups.md", PUBLISHED);
    let painted = session.ended("coverage --charts backups.md --format mermaid", b"");
    assert_eq!(painted.code, 0);
    let (again, drawn) = (
        charts_in_markdown(&painted.stdout, "painted"),
        charts_in_markdown(PUBLISHED, "backups.md"),
    );
    assert_eq!((again.errors, again.warnings), (Vec::new(), Vec::new()));
    assert_eq!(again.charts.len(), drawn.charts.len());
    for (painted, drawn) in again.charts.iter().zip(&drawn.charts) {
        assert_eq!(painted.name, drawn.name);
        assert_eq!(painted.nodes.len(), drawn.nodes.len());
        let visits = painted.arrows.iter().map(|arrow| arrow.label.clone().unwrap_or_default());
        for visit in visits {
            let number: String = visit.chars().filter(char::is_ascii_digit).collect();
            assert!(
                number.parse::<u64>().is_ok_and(|visits| visits > 0),
                "{}: {visit}",
                painted.name
            );
        }
    }
}

#[test]
fn the_page_stands_alone() {
    let ended = ended("coverage --format html");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert!(ended.stdout.starts_with("<!DOCTYPE html>"));
    assert!(ended.stdout.contains("111 of 111"), "the arrows of all six charts");
    for outside in ["http://", "https://", "src=", "url(", "@import", "<link", "<iframe", "fetch("]
    {
        assert!(!ended.stdout.contains(outside), "the page reaches out with {outside}");
    }
}

#[test]
fn painted_charts_are_held_against_the_code_as_if_they_were_not_painted() {
    let mut coverage = Coverage::of_own_charts();
    for cover in &mut coverage.charts {
        cover.arrows.iter_mut().enumerate().for_each(|(index, arrow)| arrow.visits = index as u64);
    }
    let painted = charts_in_markdown(&report::coverage::painted(&coverage), "painted.md");
    let read = Coverage::of_document(painted);
    assert_eq!((read.missing_in_core.len(), read.missing_in_chart.len()), (0, 0), "{read:?}");
    assert_eq!(read.paths().0, coverage.paths().0);
}
