//! Text from outside that a terminal would obey: it is shown, and never obeyed.

use std::fs;

use pgdrill_core::{FiringLine, Outcome};
use pgdrill_scenarios::{plan, read_text, run};

use crate::session::{Ended, Session, feed, pgdrill};

/// Clears a screen, turns the direction of reading, ends a line, is no character: each in the form of YAML and JSON.
const EVIL: &str = r"x\u001b[2J\u202e\u009b\n   at: here\u2028\ufffe\u007f";

/// What is shown of it in one line.
const SHOWN: &str = r"x\u{1b}[2J\u{202e}\u{9b}\n   at: here\u{2028}\u{fffe}\u{7f}";

/// A call in which colours are shown although nobody looks, so that nothing is taken out of what is printed.
pub(crate) fn in_colour(session: &Session, words: &[&str], stdin: &[u8]) -> Ended {
    let mut command = pgdrill();
    command.args(words).current_dir(session.folder()).env("CLICOLOR_FORCE", "1");
    Ended::of(feed(command, stdin))
}

/// What is left once the colours are gone that pgdrill itself gives to words.
pub(crate) fn without_colours(text: &str) -> String {
    let ours = ["0m", "1m", "4m", "31m", "32m", "33m"];
    ours.iter().fold(text.to_owned(), |text, code| text.replace(&format!("\u{1b}[{code}"), ""))
}

#[track_caller]
fn is_shown(text: &str) {
    let text = without_colours(text);
    // Told here once more, as this is what is held against the one place that knows it.
    let is_obeyed = |c: &char| c.is_control() || "\u{202e}\u{2028}\u{fffe}".contains(*c);
    let unseen: Vec<char> = text.chars().filter(|c| *c != '\n' && is_obeyed(c)).collect();
    assert!(unseen.is_empty(), "{unseen:?} in {text:?}");
    assert!(!text.lines().any(|line| line == "   at: here"), "a line was forged: {text}");
}

/// A scenario with this text wherever a scenario can have one, that fails in as many ways.
fn evil_scenario() -> String {
    format!(
        r#"scenario: "{EVIL}"
given:
  units: 1
  s3: {{ path: "/{EVIL}", region: "{EVIL}" }}
  statuses: {{ 0: {{ name: blocked, message: "{EVIL}" }} }}
fire:
  - hook: list-backups
    then: {{ message: "{EVIL}", results: {{ "{EVIL}": "{EVIL}" }}, objects: {{ "{EVIL}": present }} }}
  - hook: restore
    params: {{ backup-id: "{EVIL}" }}
  - hook: s3-credentials-changed
then:
  message: "{EVIL}"
  statuses: {{ 0: {{ name: active, message: "{EVIL}" }} }}
known: [{{ law: left-closed, because: "{EVIL}" }}]
"#
    )
}

#[test]
fn what_a_scenario_says_is_shown_in_every_report() {
    let session = Session::new().file("evil.yaml", evil_scenario());
    let reports = ["run evil.yaml", "run evil.yaml --format json --junit report.xml"];
    for words in reports.iter().chain(&["check evil.yaml", "laws --known evil.yaml"]) {
        let words: Vec<&str> = words.split(' ').collect();
        let ended = in_colour(&session, &words, b"");
        is_shown(&ended.stdout);
        is_shown(&ended.stderr);
        assert!(!ended.stdout.is_empty(), "{words:?}: {}", ended.stderr);
    }
    let text = in_colour(&session, &["run", "evil.yaml"], b"").stdout;
    assert!(text.contains(SHOWN), "{text}");
    let xml = session.read("report.xml");
    is_shown(&xml);
    assert!(xml.contains(r"x\u{1b}[2J\u{202e}\u{9b}"), "{xml}");
    // In JSON it still means what it is.
    let json = in_colour(&session, &["run", "evil.yaml", "--format", "json"], b"").stdout;
    let line: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    let title: String = serde_json::from_str(&format!("\"{EVIL}\"")).unwrap();
    assert_eq!(line["scenario"], title);
}

#[test]
fn what_a_snapshot_holds_is_shown_where_it_differs() {
    let good = "scenario: x\ngiven: { statuses: { 0: { name: blocked, message: MESSAGE } } }\n\
                fire: [{ hook: list-backups }]\n";
    let session = Session::new().file("a.yaml", good.replace("MESSAGE", &format!("\"{EVIL}\"")));
    assert_eq!(session.ended("run a.yaml --update", b"").code, 0);
    is_shown(&session.read("a.snap"));
    let title: String = serde_json::from_str(&format!("\"{EVIL}\"")).unwrap();
    let snapshot = session.read("a.snap").replace("member running", &title);
    let session = session.file("a.snap", snapshot);
    let ended = in_colour(&session, &["run", "a.yaml"], b"");
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    is_shown(&ended.stdout);
}

#[test]
fn what_is_refused_is_shown() {
    let session = Session::new();
    for text in [
        "scenario: x\ngiven: { \"EVIL\": 1 }\nfire: [{ hook: restore }]",
        "scenario: x\nfire: [{ hook: \"EVIL\" }]",
        "scenario: x\nfire: [{ hook: restore, params: { \"EVIL\": x } }]",
        "scenario: x\nfire: [{ hook: create-backup, params: { type: \"EVIL\" } }]",
        "scenario: x\ngiven: { units: \"EVIL\" }\nfire: [{ hook: restore }]",
        "scenario: x\nfire: [{ hook: restore }]\nthen: { message: \"${EVIL\" }",
        "\u{202e}scenario: &x\u{202e}\u{2028}\n",
        "scenario: \u{1b}[2J\nfire: []",
        "? \u{202e}\n: [",
    ] {
        let ended = in_colour(&session, &["run", "-"], text.replace("EVIL", EVIL).as_bytes());
        assert_eq!(ended.code, 2, "{text}: {}", ended.stdout);
        is_shown(&ended.stderr);
        is_shown(&ended.stdout);
    }
}

#[test]
fn names_of_files_and_words_of_the_command_line_are_shown() {
    let session = Session::new();
    let name: String = serde_json::from_str(&format!("\"{EVIL}\"")).unwrap();
    let (file, missing) = (format!("{name}.yaml"), format!("no {name}.yaml"));
    let folder = session.folder();
    fs::write(folder.join(&file), evil_scenario()).unwrap();
    fs::write(folder.join(format!("{name}.1.snap")), "---\nsource: pgdrill\n---\n").unwrap();
    fs::write(folder.join(format!("{name}.md")), "no chart").unwrap();
    let chart = format!("{name}.md");
    for words in [
        &["run", &*file] as &[&str],
        &["run", "."],
        &["run", &*file, "--format", "json"],
        &["run", &*file, "--junit", &*file],
        &["run", &*file, "--filter", &*name],
        &["run", "--filter", &*missing],
        &["run", &*missing],
        &["check", "."],
        &["explain", &*missing],
        &["coverage", "--charts", &*chart],
        &["coverage", "--charts", &*missing],
        &["run", "--backend", &*name],
        &["run", &*format!("--{name}")],
        &["new", &*name],
        &["up", "--name", &*name],
        &["fire", "restore", "--param", &*name],
    ] {
        let ended = in_colour(&session, words, b"");
        assert_ne!(ended.code, -1, "{words:?}");
        assert!(!(ended.stdout.is_empty() && ended.stderr.is_empty()), "{words:?}");
        is_shown(&ended.stdout);
        is_shown(&ended.stderr);
    }
}

#[test]
fn labels_of_charts_are_shown_also_those_that_entities_spell() {
    let evil = "x#27;[2J#x202e;#x9b;#8232;#xfffe;<br/>#127;";
    let session = Session::new().file(
        "charts.md",
        format!(
            "# E\u{202e}\n```mermaid\nflowchart TD\n a[\"{evil}\"] -- \"{evil}\" --> b[\"{evil}\"]\n \
             a -- \"no {evil}\" --> c[c]\n b -. \"{evil}\" .-> c\n```\n## create-backup\n```mermaid\n\
             flowchart TD\n hook_fired[x] --> is_blocked{{\"{evil}\"}}\n is_blocked -- \"{evil}\" --> z[z]\n\
             is_blocked -- \"no {evil}\" --> y[y]\n```\n"
        ),
    );
    for format in ["text", "json", "mermaid", "html"] {
        let words = ["coverage", "--charts", "charts.md", "--format", format];
        let ended = in_colour(&session, &words, b"");
        assert_eq!(ended.code, 1, "{}", ended.stderr);
        is_shown(&ended.stdout);
        is_shown(&ended.stderr);
    }
    let only = "## create-backup\n```mermaid\nflowchart TD\n a[\"#27;[2J\"] --> b\n b -- \"\u{1b}[2J #27;\" --> c\n```\n";
    let session = session.file("only.md", only);
    is_shown(&in_colour(&session, &["coverage", "--charts", "only.md"], b"").stderr);
}

#[test]
fn what_a_log_says_is_shown_and_begins_no_line() {
    let text = "scenario: x\nfire: [{ hook: create-backup }]\n";
    let plan = plan(read_text(text.as_bytes(), "x").remove(0).unwrap(), &[]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut firing = runtime.block_on(run(&plan)).firings.remove(0).fired.firing;
    let evil: String = serde_json::from_str(&format!("\"{EVIL}\"")).unwrap();
    firing.outcome = Outcome::Failed(evil);
    let line = FiringLine { firing, is_refired: false }.line();
    let log = format!("\u{1b}[2J {line}\n\u{1b}[2J {}\n", &line[..line.len() - 2]);
    let ended = in_colour(&Session::new(), &["explain"], log.as_bytes());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    is_shown(&ended.stdout);
    is_shown(&ended.stderr);
    assert!(ended.stdout.contains("\n         at: here"), "{}", ended.stdout);
    assert!(ended.stderr.contains("1 firing is missing here"), "{}", ended.stderr);
}
