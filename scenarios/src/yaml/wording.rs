//! What the parser complains about, in words for people who write scenarios.

use pgdrill_flow::place_after;
use saphyr_parser::ScanError;

use super::source::{YamlSource, text_width, word_width};

/// A complaint about one document; its line is counted from the start of the document's text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ParserFault {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) width: usize,
    pub(super) what: String,
    pub(super) hint: Option<String>,
}

impl ParserFault {
    /// A fault at the character that follows a text.
    pub(super) fn after(text: &str, what: String, hint: &str) -> Self {
        let (line, column) = place_after(text);
        Self { line, column, width: 1, what, hint: Some(hint.to_owned()) }
    }
}

/// The parser's own limit on brackets; it comes before this module's depth limit can be seen.
pub(super) fn is_parser_limit(error: &ScanError) -> bool {
    error.info() == "recursion limit exceeded"
}

/// What the parser says about an alias, anchor or tag, none of which is read here anyway.
pub(super) fn is_unsupported(error: &ScanError) -> bool {
    [
        "unknown anchor",
        "invalid indentation for anchor",
        "the handle wasn't declared",
        "while scanning a tag",
        "while parsing a tag,",
        "while scanning a verbatim tag",
    ]
    .iter()
    .any(|part| error.info().contains(part))
}

/// A complaint of the parser, at a place inside of the text.
pub(super) fn fault(error: &ScanError, source: &mut YamlSource<'_>) -> ParserFault {
    let wording = WORDINGS.iter().find(|wording| error.info().contains(wording.parser));
    let mark = error.marker();
    let (mut line, mut column) = settle(source, mark.line(), mark.col());
    match wording.map(|wording| wording.place) {
        Some(MarkOffset::LineAbove) => (line, column) = line_above(source, line, column),
        Some(MarkOffset::NextTab) => (line, column) = next_tab(source, line, column),
        Some(MarkOffset::Mark) | None => {}
    }
    let rest = source.rest(line, column);
    let (what, hint) = match wording {
        Some(wording) => (wording.what.to_owned(), wording.hint),
        None => (
            format!("this is not valid YAML: {}", error.info()),
            "quote the text if it is meant literally",
        ),
    };
    ParserFault {
        line,
        column: column + 1,
        width: match wording.map(|wording| wording.place) {
            Some(MarkOffset::LineAbove) => text_width(rest),
            Some(MarkOffset::Mark | MarkOffset::NextTab) | None => word_width(rest),
        },
        what,
        hint: Some(hint.to_owned()),
    }
}

/// A place inside of the text: what lies behind the last line that holds anything is moved to the
/// end of that line. Lines are one-based, columns zero-based.
pub(super) fn settle(source: &mut YamlSource<'_>, line: usize, column: usize) -> (usize, usize) {
    if line <= source.lines() && !source.line(line).trim().is_empty() {
        // The parser counts bytes, not characters, in directives.
        return (line, source.clamp(line, column));
    }
    match filled_line_before(source, line, |_| true) {
        Some(line) => (line, source.line(line).trim_end().chars().count()),
        None => (1, 0),
    }
}

/// The parser notices a key without its colon on the line after it.
fn line_above(source: &YamlSource<'_>, line: usize, column: usize) -> (usize, usize) {
    let indent = |text: &str| text.chars().take_while(|c| c.is_whitespace()).count();
    if column > indent(source.line(line)) {
        let start = indent(source.line(line));
        return (line, start);
    }
    let not_a_comment = |text: &str| !text.trim_start().starts_with('#');
    match filled_line_before(source, line, not_a_comment) {
        Some(above) => (above, indent(source.line(above))),
        None => (line, column),
    }
}

/// The parser notices a tab where the text started that goes on behind it.
fn next_tab(source: &YamlSource<'_>, line: usize, column: usize) -> (usize, usize) {
    (line..=source.lines())
        .find_map(|below| {
            let text = source.line(below);
            let indent = text.len() - text.trim_start_matches([' ', '\t']).len();
            Some((below, text.get(..indent)?.find('\t')?))
        })
        .unwrap_or((line, column))
}

fn filled_line_before(
    source: &YamlSource<'_>,
    line: usize,
    wanted: impl Fn(&str) -> bool,
) -> Option<usize> {
    (1..line.min(source.lines() + 1)).rev().find(|&above| {
        let text = source.line(above);
        !text.trim().is_empty() && wanted(text)
    })
}

struct Wording {
    parser: &'static str,
    what: &'static str,
    hint: &'static str,
    place: MarkOffset,
}

/// Where a complaint belongs, seen from the parser's mark.
#[derive(Clone, Copy)]
enum MarkOffset {
    Mark,
    LineAbove,
    NextTab,
}

const fn at(parser: &'static str, what: &'static str, hint: &'static str) -> Wording {
    Wording { parser, what, hint, place: MarkOffset::Mark }
}

const fn above(parser: &'static str, what: &'static str, hint: &'static str) -> Wording {
    Wording { parser, what, hint, place: MarkOffset::LineAbove }
}

const QUOTE: &str = "quote the text if it is meant literally";
const ALIGN: &str = "what belongs together starts in the same column";

/// By a part of the parser's text, the first that fits. `FOUND_BY_THE_PARSER` in the tests holds a
/// text for each, so that a change in the parser's wording is noticed.
const WORDINGS: &[Wording] = &[
    above(
        "simple key expect",
        "expected `:` after this key",
        "write `key: value`; what continues a text is indented deeper",
    ),
    at(
        "found unexpected end of stream",
        "this quote is never closed",
        "close it in the same document",
    ),
    at(
        "found unexpected document indicator",
        "this quote is never closed",
        "close it in the same document",
    ),
    at(
        "invalid trailing content after double-quoted scalar",
        "expected the end of the line after the closing quote",
        "put the whole text between the quotes",
    ),
    at(
        "invalid indentation in quoted scalar",
        "the quoted text goes on in a line that is not indented enough",
        "indent its lines deeper than its key",
    ),
    Wording {
        parser: "tab",
        what: "a tab cannot be used for indentation",
        hint: "indent with spaces",
        place: MarkOffset::NextTab,
    },
    at(
        "while parsing a quoted scalar",
        "the double-quoted text holds an escape that YAML does not know",
        "use single quotes, or write `\\\\` for a backslash",
    ),
    at(
        "did not find expected <document start>",
        "this does not continue what stands above it",
        "check the indentation; documents are separated by a line `---`",
    ),
    at(
        "mapping values are not allowed in this context",
        "a `:` that makes a mapping cannot stand here",
        "put the mapping on a line of its own, or quote the text that holds `: `",
    ),
    at("while parsing a block mapping", "expected a key in the column of the keys above", ALIGN),
    at("while parsing a block collection", "expected `- ` in the column of the items above", ALIGN),
    at(
        "invalid indentation",
        "what stands in brackets is not indented enough",
        "indent it deeper than its key, the closing bracket too",
    ),
    at(
        "illegal placement of ':' indicator",
        "a `:` cannot stand here: a bracket above is not closed",
        "close the list with `]`",
    ),
    at("while scanning a block scalar", "expected the end of the line after `|` or `>`", QUOTE),
    at(
        "while scanning a directive",
        "a line that starts with `%` is an instruction to YAML, and this is none",
        QUOTE,
    ),
    at("while scanning an anchor or alias", "a plain text cannot start with this character", QUOTE),
    at(
        "block sequence entries are not allowed in this context",
        "a list item cannot start here",
        "start the list on a line of its own",
    ),
    at(
        "is only valid inside a block",
        "`- ` cannot stand between brackets",
        "separate the items by commas",
    ),
    at("while parsing a flow mapping", "expected `,` or `}`", "close the mapping with `}`"),
    at("while parsing a flow sequence", "expected `,` or `]`", "close the list with `]`"),
    at("misplaced bracket", "this bracket closes nothing", QUOTE),
    at("unexpected character", "a plain text cannot start with this character", QUOTE),
    at(
        "did not find expected node content",
        "expected a value",
        "write one, or quote the text if it is meant literally",
    ),
    at(
        "a byte order mark must not appear inside a document",
        "a byte order mark stands inside of the document",
        "delete the invisible character",
    ),
    at(
        "comment intercepting the multiline text",
        "a comment stands inside of a text of several lines",
        "move the comment above the text",
    ),
    at(
        "invalid content after document end marker",
        "expected the end of the line after `...`",
        "start the next document with `---`",
    ),
];
