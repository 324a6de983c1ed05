//! What is to be looked at: the picture of the README, the coverage of one's own scenarios, the page of a run.

use std::path::Path;

use crate::session::{GOOD, Session, ended};

/// What the README shows, and the command that draws it.
const PICTURE: &str = "../doc/certificates-changed.svg";
const DRAWN_BY: &str = "coverage --chart certificates-changed --format svg";

const FAILING: &str = "\
scenario: S3 goes down while a <replica> takes a backup
given: { units: 2, tls: true, s3: { related: true }, stanza: initialised }
fire:
  - hook: create-backup
    unit: 1
    meanwhile:
      - { at: has_backup_creation_succeeded, do: { s3-server: down } }
then: { outcome: finished }
";

/// `INSTA_UPDATE=always` draws it anew.
#[test]
fn the_picture_of_the_readme_is_what_the_command_draws() {
    let drawn = ended(DRAWN_BY);
    assert_eq!((drawn.code, drawn.stderr.as_str()), (0, ""));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PICTURE);
    #[expect(clippy::disallowed_methods, reason = "by this variable every snapshot is asked for")]
    let update = std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always");
    if update {
        std::fs::write(&path, &drawn.stdout).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == drawn.stdout, "{PICTURE} is not what `pgdrill {DRAWN_BY}` draws");
    for outside in ["<script", "href", "url(", "@import", "http://www.w3.org/1999"] {
        assert!(!kept.contains(outside), "the picture has {outside}");
    }
    let (_, width) = kept.split_once(" width=\"").unwrap();
    let width: f64 = width.split('"').next().unwrap().parse().unwrap();
    assert!(width < 830.0, "a README has no room for {width} pixels, and would shrink the text");
    assert!(kept.contains("@media (prefers-color-scheme: dark)"));
    let readme = include_str!("../../../../README.md");
    assert!(
        readme.contains("](scenarios/doc/certificates-changed.svg)"),
        "the README lacks its picture"
    );
    assert!(readme.contains(&format!("pgdrill {DRAWN_BY}")), "nor does it say what draws it");
}

#[test]
fn an_svg_picture_is_of_one_chart_that_exists() {
    Session::new()
        .run("coverage --format svg")
        .run("coverage --format svg --chart list-backup")
        .run("coverage --format mermaid --chart nothing-of-the-kind")
        .holds("coverage_chart_names");
    let one = Session::new().file("one.mmd", "flowchart TD\n  a[A] --> b[B]\n");
    let drawn = one.ended("coverage --charts one.mmd --format svg", b"");
    assert_eq!((drawn.code, drawn.stderr.as_str()), (0, ""));
    assert!(drawn.stdout.starts_with("<svg xmlns="), "{}", drawn.stdout);
}

#[test]
fn one_chart_alone_is_shown_in_every_format() {
    for format in ["text", "json", "mermaid", "html"] {
        let shown = ended(&format!("coverage --chart list-backups --format {format}"));
        assert_eq!((shown.code, shown.stderr.as_str()), (0, ""), "{format}");
        assert!(shown.stdout.contains("list-backups"), "{format}");
        let other = "chart update-status";
        assert!(!shown.stdout.contains(other), "{format} shows another chart");
    }
}

#[test]
fn own_scenarios_need_not_walk_everything_unless_required() {
    Session::new()
        .file("good.yaml", GOOD)
        .run("coverage good.yaml --chart list-backups")
        .run("coverage good.yaml --chart list-backups --require-complete")
        .run_with("coverage - --chart certificates-changed", GOOD)
        .holds("coverage_of_own_scenarios");
}

#[test]
fn the_coverage_of_own_scenarios_ends_as_their_run_does() {
    let session = Session::new()
        .file("cases/good.yaml", GOOD)
        .file("cases/failing.yaml", FAILING)
        .file("wrong/wrong.yaml", "scenario: x\nfire:\n  - hook: restor\n")
        .file("none/none.txt", "");
    for (words, code, said) in [
        ("coverage cases/good.yaml", 0, ""),
        ("coverage cases --filter listed", 0, ""),
        ("coverage --filter =restore/without-id", 0, ""),
        ("coverage --filter =restore/without-id --require-complete", 1, ""),
        ("coverage cases", 1, "1 case failed"),
        ("coverage cases wrong", 2, "restor"),
        ("coverage nowhere.yaml", 2, "nowhere.yaml"),
        ("coverage cases --filter nothing", 3, "no scenario is selected"),
        ("coverage none", 3, "no scenario file"),
    ] {
        let ended = session.ended(words, b"");
        assert_eq!(ended.code, code, "{words}: {}", ended.stderr);
        assert!(ended.stderr.contains(said), "{words}: {}", ended.stderr);
    }
    let page = session.ended("coverage cases/good.yaml --format html", b"").stdout;
    assert!(page.contains("1 passed, 0 failed, 0 skipped"), "the page is of other cases");
}

#[test]
fn the_page_of_a_run_shows_what_failed_first_and_its_walk() {
    let session = Session::new()
        .file("a-good.yaml", GOOD)
        .file("lost.yaml", FAILING)
        .file("wrong.yaml", "scenario: x\nfire:\n  - hook: restor\n");
    let run = session.ended("run a-good.yaml lost.yaml wrong.yaml --html run.html", b"");
    assert_eq!(run.code, 2, "{}", run.stderr);
    let page = session.read("run.html");
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text}"));
    let order = [
        place("<span class=\"lead\">refused</span>"),
        place("failed: S3 goes down while a &lt;replica&gt; takes a backup"),
        place("the outcome is failed, expected finished"),
        place("line 8 of the file · firing 1 · unit 1"),
        place("<code>pgdrill run lost.yaml</code>"),
        place("<h3>1. create-backup on unit 1: failed</h3>"),
        place("<svg class=\"way\""),
        place("What the run showed"),
        place("<td>lost</td><td class=\"verdict\">✗ failed"),
        place("<td>a-good</td><td class=\"verdict\">✓ passed"),
    ];
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(page.matches(" last\"><title>set_active").count(), 1, "the last shape is marked");
    let missed = "has_backup_creation_succeeded → upload_error_logs_s3 (no), walked 1×";
    assert!(page.contains(missed), "the arrows are those of the walk");
    for raw in ["<replica>", "http://", "https://", "src=", "url("] {
        assert!(!page.contains(raw), "{raw}");
    }
}

#[test]
fn the_page_of_a_run_overwrites_nothing_that_is_read() {
    let session = Session::new().file("good.yaml", GOOD);
    session
        .run("run good.yaml --html good.yaml")
        .run("run good.yaml --html good.snap --update")
        .run("run good.yaml --junit report --html ./report")
        .run("run good.yaml --html nowhere/run.html")
        .show("good.yaml")
        .holds("html_over_a_scenario");
}
