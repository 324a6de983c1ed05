//! Texts made to exhaust a parser's stack, time or patience.

use super::super::{MAX_BYTES, MAX_DOCUMENT_BYTES, documents, from_document};
use super::line;

/// As long as is allowed; a debug build, which only shows that it ends, gets less.
const LENGTH: usize =
    if cfg!(debug_assertions) { MAX_DOCUMENT_BYTES / 8 } else { MAX_DOCUMENT_BYTES };

const MANY: usize = 100_000;

/// What is said first, read into a type that looks at everything.
fn said(text: &str) -> String {
    let first = documents(text, "f").into_iter().next();
    match first {
        None => "nothing".to_owned(),
        Some(Err(complaint)) => line(&complaint),
        Some(Ok(document)) => match from_document::<super::Scenario>(&document) {
            Ok(_) => "read".to_owned(),
            Err(complaint) => line(&complaint),
        },
    }
}

#[test]
fn deep_nesting_is_refused_at_the_same_place_however_deep() {
    for (open, place) in
        [("[", "1:65+1"), ("- ", "1:129+1"), ("[{a: ", "1:161+1"), ("{a: ", "1:257+1")]
    {
        let expected = format!("{place} nested deeper than 64 levels | -");
        assert_eq!(said(&open.repeat(MANY)), expected, "{open}");
    }
    let key = "1:2+1 a key must be text, not a list or a mapping | quote the key if it is meant literally";
    assert_eq!(said(&"{".repeat(MANY)), key);
    let indented: Vec<String> = (0..1000).map(|n| " ".repeat(n) + "a:\n").collect();
    assert_eq!(said(&indented.concat()), "65:65+1 nested deeper than 64 levels | -");
    said(&"? ".repeat(MANY));
    said(&"]".repeat(MANY));
    said(&"a: ".repeat(MANY));
    said(&"[a: ".repeat(MANY));
    said(&"{? ".repeat(MANY));
}

#[test]
fn huge_texts_are_read_or_refused() {
    let full = |unit: &str| unit.repeat(LENGTH / unit.len());
    for unit in [
        "x",
        "x ",
        "x\n",
        "\n",
        " ",
        "\t",
        "#",
        "# x\n",
        "\"",
        "'",
        "''",
        "\\",
        ":",
        ": ",
        "a: 1\n",
        "-\n",
        "- x\n",
        "---\n",
        "...\n",
        "---\nx\n",
        "é",
        "\u{feff}",
        "\r",
        "%",
        "%a\n",
        "!",
        "&a ",
        "*a ",
        "|\n",
        ">\n",
        "? ",
        ",",
        "--- [\n",
        "\u{85}",
        "- - x\n",
        "a:\n- b\n---\n",
    ] {
        said(&full(unit));
    }
    for (before, unit) in [
        ("[", "'a',"),
        ("[", "é,"),
        ("[", "[],"),
        ("[", "a: b,"),
        ("[", "\n"),
        ("{", "a,"),
        ("\"", "\\x41"),
        ("\"", "\n"),
        ("|\n ", "\n "),
        ("a: |\n", " x\n"),
        ("covers: [", "\"é\", "),
        ("? ", "- x\n  "),
    ] {
        let unit = unit.repeat((LENGTH - before.len()) / unit.len());
        said(&format!("{before}{unit}"));
    }
    let keys = |end: &str| {
        let keys: Vec<String> = (0..80_000).map(|n| format!("k{n}: 1{end}")).collect();
        keys.concat()
    };
    said(&keys("\n"));
    said(&format!("{{{}}}", keys(",")));
    let file = format!("---\n[{}", "a: b,".repeat(LENGTH / 5 - 1));
    said(&file.repeat(MAX_BYTES / file.len()));
}

#[test]
fn a_long_wrong_name_is_neither_compared_nor_shown_whole() {
    let complaint = said(&format!("? {}\n: 1\n", "scenario".repeat(LENGTH / 16)));
    assert!(complaint.len() < 200, "{}", complaint.len());
    assert!(complaint.contains("…` | expected one of: scenario, "));
    let items = format!("covers: [{}]", "'é', ".repeat(LENGTH / 8));
    assert!(said(&items).contains("lacks the key `scenario`"));
}
