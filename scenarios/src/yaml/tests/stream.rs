//! Streams of documents, encodings, and what the parser refuses.

use super::super::{MAX_BYTES, MAX_DOCUMENT_BYTES, MAX_DOCUMENTS, documents, documents_from_bytes};
use super::{line, only, read, refused};
use pgdrill_core::{Diagnostic, Severity};

#[test]
fn a_complaint_carries_file_and_source_line() {
    let complaint = only("# c\r\na: 1\r\na: 2\r\n").unwrap_err();
    assert_eq!(
        complaint,
        Diagnostic {
            severity: Severity::Error,
            what: "the key `a` is given twice, first in line 2".into(),
            file: "case.yaml".into(),
            line: 3,
            column: 1,
            source: "a: 2".into(),
            width: 1,
            hint: Some("keep one of them, or put `---` between two documents".into()),
        }
    );
}

#[test]
fn one_broken_document_does_not_hide_the_others() {
    let text =
        "a: 1\n---\nb: [\n--- # third\nc: 3\n...\n\n---\n\nd: 'x\n...\n--- |\n - text\n---\n";
    let said: Vec<String> = documents(text, "f")
        .iter()
        .map(|document| match document {
            Ok(document) => format!("{}", document.line()),
            Err(complaint) => line(complaint),
        })
        .collect();
    assert_eq!(
        said,
        [
            "1",
            "3:5+1 expected a value | write one, or quote the text if it is meant literally",
            "5",
            "10:4+2 this quote is never closed | close it in the same document",
            "13",
        ]
    );
}

#[test]
fn documents_without_content_are_left_out() {
    for text in
        ["", "\n\n", "# c\n", "---\n", "---\n---\n...\n...\n", "\u{feff}", "--- # c\n  # d\n"]
    {
        assert_eq!(documents(text, "f"), [], "{text:?}");
    }
    assert_eq!(documents("---\n~\n---\n''\n", "f").len(), 2);
}

#[test]
fn directives_belong_to_the_document_below() {
    let text = "# c\n%YAML 1.2\n---\na: 1\n...\n%YAML 1.2\n--- \nb: 2\n";
    let lines: Vec<usize> =
        documents(text, "f").iter().map(|document| document.as_ref().unwrap().line()).collect();
    assert_eq!(lines, [4, 8]);
}

#[test]
fn markers_count_at_the_start_of_a_line_only() {
    assert_eq!(read::<String>("---a").unwrap(), "---a");
    assert_eq!(documents("a: |\n  ---\n  ...\n", "f").len(), 1);
    assert_eq!(documents("a: |\n x\n---\tb\n", "f").len(), 2);
}

#[test]
fn line_breaks_and_byte_order_marks_do_not_shift_places() {
    for text in [
        "a: 1\nb: 2\n---\nc: *x\n",
        "a: 1\r\nb: 2\r\n---\r\nc: *x\r\n",
        "a: 1\rb: 2\r---\rc: *x\r",
        "\u{feff}a: 1\nb: 2\n\u{feff}---\nc: *x\n",
    ] {
        let read = documents(text, "f");
        assert_eq!(read.len(), 2, "{text:?}");
        assert_eq!(read[0].as_ref().unwrap().line(), 1, "{text:?}");
        let complaint = read[1].as_ref().unwrap_err();
        assert_eq!(
            line(complaint),
            "4:4+2 aliases are not supported: `*x` | write the value out in each place"
        );
        assert_eq!(complaint.source, "c: *x");
    }
    refused(
        "a: \u{feff}b\n",
        "1:4+2 a byte order mark stands inside of the document | delete the invisible character",
    );
}

#[test]
fn a_place_that_the_parser_miscounts_stays_on_its_line() {
    refused(
        "%éé a\u{feff}\n",
        "1:7+1 a byte order mark stands inside of the document | delete the invisible character",
    );
}

#[test]
fn bytes_that_are_not_utf8_are_located() {
    let read = documents_from_bytes(b"a: 1\n---\n\xc3\xa9: b\xff\n---\nc: 3\n", "f");
    assert_eq!(read.len(), 3);
    let complaint = read[1].as_ref().unwrap_err();
    assert_eq!(line(complaint), "3:5+1 byte 0xff is not UTF-8 | save the file as UTF-8");
    assert_eq!(complaint.source, "é: b\u{fffd}");
    let utf16 = documents_from_bytes(b"\xff\xfea\0", "f");
    assert_eq!(
        line(utf16[0].as_ref().unwrap_err()),
        "0:0+0 the file is UTF-16 | save the file as UTF-8"
    );
}

#[test]
fn control_characters_are_refused_before_the_parser_sees_them() {
    refused(
        "a: 1\nb: x\u{7}y\n",
        "2:5+1 the control character U+0007 cannot stand here | in a double-quoted text it is written \\x07",
    );
    assert_eq!(read::<String>("\"\\x07\"").unwrap(), "\u{7}");
}

#[test]
fn a_text_that_is_too_long_is_refused_at_once() {
    let long = " ".repeat(MAX_BYTES + 1);
    let read = documents(&long, "f");
    assert_eq!(read.len(), 1);
    assert_eq!(
        line(read[0].as_ref().unwrap_err()),
        "0:0+0 the file has more than 4194304 bytes (4 MiB), the most that are read | split it into several files"
    );
    let half = &long[..=MAX_DOCUMENT_BYTES];
    let read = documents(&format!("a: 1\n---\n{half}\n---\nb: 1\n"), "f");
    assert_eq!(read.len(), 3);
    assert_eq!(
        line(read[1].as_ref().unwrap_err()),
        "2:0+0 the document has 1048582 bytes: at most 1048576 (1 MiB) are read | split it into several documents"
    );
    assert_eq!(documents(&long[..MAX_DOCUMENT_BYTES], "f"), []);
}

#[test]
fn a_stream_of_too_many_documents_is_refused_at_once() {
    let many = "--- [\n".repeat(MAX_DOCUMENTS);
    assert_eq!(documents(&many, "f").len(), MAX_DOCUMENTS);
    let read = documents(&format!("{many}---\n"), "f");
    assert_eq!(read.len(), 1);
    assert_eq!(
        line(read[0].as_ref().unwrap_err()),
        "0:0+0 the file has 10001 documents: at most 10000 are read | split it into several files"
    );
}

#[test]
fn what_the_parser_finds_is_put_into_words() {
    for (text, expected) in FOUND_BY_THE_PARSER {
        refused(text, expected);
    }
}

/// One text for each wording, so that a parser that words its complaints in another way is noticed.
const FOUND_BY_THE_PARSER: &[(&str, &str)] = &[
    (
        "a: 1\nfoo\n# c\n\nb: 2\n",
        "2:1+3 expected `:` after this key | write `key: value`; what continues a text is indented deeper",
    ),
    (
        "a: 1\nfoo",
        "2:1+3 expected `:` after this key | write `key: value`; what continues a text is indented deeper",
    ),
    ("a: \"x\n", "1:4+2 this quote is never closed | close it in the same document"),
    (
        "a: \"x\" y\n",
        "1:8+1 expected the end of the line after the closing quote | put the whole text between the quotes",
    ),
    (
        "a: \"x\ny\"\n",
        "1:4+2 the quoted text goes on in a line that is not indented enough | indent its lines deeper than its key",
    ),
    ("a:\n  b: 1\n\tc: 2\n", "3:1+1 a tab cannot be used for indentation | indent with spaces"),
    ("a:\n\t- 1\n", "2:1+1 a tab cannot be used for indentation | indent with spaces"),
    (
        "a: \"\\q\"\n",
        "1:4+4 the double-quoted text holds an escape that YAML does not know | use single quotes, or write `\\\\` for a backslash",
    ),
    ("- a\n}\n", "2:1+1 this bracket closes nothing | quote the text if it is meant literally"),
    (
        "- a\nb: 1\n",
        "2:1+2 expected `- ` in the column of the items above | what belongs together starts in the same column",
    ),
    (
        "a: b: c\n",
        "1:5+1 a `:` that makes a mapping cannot stand here | put the mapping on a line of its own, or quote the text that holds `: `",
    ),
    (
        "a:\n  - 1\n b: 2\n",
        "3:2+2 expected a key in the column of the keys above | what belongs together starts in the same column",
    ),
    (
        "a: [\n1\n]\n",
        "2:1+1 what stands in brackets is not indented enough | indent it deeper than its key, the closing bracket too",
    ),
    ("a: - b\n", "1:4+1 a list item cannot start here | start the list on a line of its own"),
    ("a: [- b]\n", "1:5+1 `- ` cannot stand between brackets | separate the items by commas"),
    ("a: {x: 1\nb: 2\n", "2:2+1 expected `,` or `}` | close the mapping with `}`"),
    ("a: [1, 2\n", "1:9+1 expected `,` or `]` | close the list with `]`"),
    (
        "a: [1, 2\nb: 3\n",
        "2:2+1 a `:` cannot stand here: a bracket above is not closed | close the list with `]`",
    ),
    (
        "a: @x\n",
        "1:4+2 a plain text cannot start with this character | quote the text if it is meant literally",
    ),
    (
        "a: *\n",
        "1:4+1 a plain text cannot start with this character | quote the text if it is meant literally",
    ),
    (
        "a: |x\n",
        "1:4+2 expected the end of the line after `|` or `>` | quote the text if it is meant literally",
    ),
    (
        "a: {x: 1, ",
        "1:10+1 expected a value | write one, or quote the text if it is meant literally",
    ),
    (
        "a: x # c\n  y\n",
        "1:6+1 a comment stands inside of a text of several lines | move the comment above the text",
    ),
    (
        "a: 1\n... b\n",
        "2:5+1 expected the end of the line after `...` | start the next document with `---`",
    ),
    (
        "% x\n---\na: 1\n",
        "1:2+1 a line that starts with `%` is an instruction to YAML, and this is none | quote the text if it is meant literally",
    ),
    (
        "[a]\nb\n",
        "2:1+1 this does not continue what stands above it | check the indentation; documents are separated by a line `---`",
    ),
];
