//! Reads what stands between two nodes: the arrow and its label.

use super::source::{ReadResult, SourcePosition, SourceText, complaint_width};
use super::table::Link;
use super::text;
use crate::diagnostic::Diagnostic;

/// How the line of an arrow is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Solid,
    Dotted,
    Thick,
}

/// What stands where a line may end.
enum End {
    /// The rest of a line and an arrowhead.
    Head,
    /// The rest of a line without an arrowhead.
    Bare,
    /// Something else: the line goes on with a label.
    Elsewhere,
}

/// Reads one link, its label included.
pub(crate) fn link(source: &mut SourceText<'_>) -> ReadResult<Link> {
    let place = source.here();
    let styles = [Style::Solid, Style::Dotted, Style::Thick];
    let Some(style) = styles.into_iter().find(|style| source.eat(style.opener())) else {
        return Err(not_a_link(source).into());
    };
    let inner = match end(source, style, 0) {
        End::Head => None,
        End::Bare => return Err(headless(source, style, place).into()),
        End::Elsewhere => Some(inner_label(source, style, place)?),
    };
    let before = source.clone();
    let piped = piped_label(source)?;
    if inner.is_some() && piped.is_some() {
        let complaint = before.complain_here("this arrow has two labels, expected one");
        return Err(complaint.hint("keep `-- text -->` or `-->|text|`").into());
    }
    Ok(Link {
        label: inner.or(piped).filter(|label| !label.is_empty()),
        dotted: style == Style::Dotted,
        place,
    })
}

impl Style {
    /// What begins the line, and with it a label that stands in the line.
    const fn opener(self) -> &'static str {
        match self {
            Self::Solid => "--",
            Self::Dotted => "-.",
            Self::Thick => "==",
        }
    }

    /// The ways to write the arrow, for a message.
    const fn expected(self) -> &'static str {
        match self {
            Self::Solid => "`-->` or `-- text -->`",
            Self::Dotted => "`-.->` or `-. text .->`",
            Self::Thick => "`==>` or `== text ==>`",
        }
    }

    /// The mark that a line of this kind repeats.
    const fn mark(self) -> char {
        match self {
            Self::Solid => '-',
            Self::Dotted => '.',
            Self::Thick => '=',
        }
    }
}

/// Reads the end of a line, of at least so many marks. Of what is no end, the marks are read.
fn end(source: &mut SourceText<'_>, style: Style, least: usize) -> End {
    let marks = source.take_while(|c| c == style.mark()).len();
    let line = match style {
        Style::Dotted => marks >= least && source.eat("-"),
        Style::Solid | Style::Thick => marks >= least.max(1),
    };
    let may_end = line || (least == 0 && style != Style::Dotted);
    if may_end && source.eat(">") {
        End::Head
    } else if line {
        End::Bare
    } else {
        End::Elsewhere
    }
}

/// Reads the label and the end of an arrow such as `-- text -->`, after the opener.
fn inner_label(
    source: &mut SourceText<'_>,
    style: Style,
    place: SourcePosition,
) -> ReadResult<String> {
    if style != Style::Dotted && matches!(source.peek(), Some('x' | 'o')) {
        source.bump();
        let read = source.since(place);
        let expected = style.expected();
        let what = format!("Mermaid gives `{read}` an arrowhead of its own, expected {expected}");
        let complaint = source.complain(place, complaint_width(read), what);
        return Err(complaint.hint("put a space before the label").into());
    }
    let least = style.opener().matches(style.mark()).count();
    source.skip_blanks();
    if source.peek() == Some('"') {
        let label = quoted(source)?;
        source.skip_blanks();
        return match end(source, style, least) {
            End::Head => Ok(label),
            End::Bare => Err(headless(source, style, place).into()),
            End::Elsewhere => Err(unclosed(source, style, place).into()),
        };
    }
    let from = source.here();
    loop {
        let before = source.clone();
        match end(source, style, least) {
            End::Head => {
                let raw = before.since(from);
                if !raw.trim().is_empty() {
                    return Ok(text::decode(raw));
                }
                let expected = style.expected();
                let what = format!("the label of this arrow is empty, expected {expected}");
                let width = complaint_width(source.since(place));
                return Err(source.complain(place, width, what).into());
            }
            End::Bare => return Err(headless(source, style, place).into()),
            End::Elsewhere if matches!(source.peek(), None | Some('\n')) => {
                return Err(unclosed(source, style, place).into());
            }
            End::Elsewhere => {
                source.bump();
            }
        }
    }
}

/// Reads `|text|` or `|"text"|`, if it comes next.
fn piped_label(source: &mut SourceText<'_>) -> ReadResult<Option<String>> {
    let before = source.clone();
    source.skip_blanks();
    let opened = source.here();
    if !source.eat("|") {
        *source = before;
        return Ok(None);
    }
    source.skip_blanks();
    let label = if source.peek() == Some('"') {
        let label = quoted(source)?;
        source.skip_blanks();
        label
    } else {
        let raw = source.take_while(|c| c != '\n' && !needs_quotes(c));
        if raw.trim().is_empty() && source.peek() == Some('|') {
            let what = "the label `||` is empty, expected `|text|`";
            let complaint = source.complain(opened, 2, what);
            return Err(complaint.hint("leave the bars out for an arrow without a label").into());
        }
        text::decode(raw)
    };
    if !source.eat("|") {
        let what = format!("found {} in a label, expected the `|` that closes it", source.found());
        return Err(source.complain(opened, 1, what).hint("write `|text|` or `|\"text\"|`").into());
    }
    Ok(Some(label))
}

/// Whether Mermaid takes a character for text only between quotes.
pub(crate) fn needs_quotes(c: char) -> bool {
    matches!(c, '[' | ']' | '(' | ')' | '{' | '}' | '|' | '"')
}

/// Reads text between double quotes, which comes next; it may go on over several lines.
pub(crate) fn quoted(source: &mut SourceText<'_>) -> ReadResult<String> {
    let opened = source.here();
    source.eat("\"");
    let raw = source.take_while(|c| c != '"');
    if !source.eat("\"") {
        let complaint =
            source.complain(opened, 1, "this `\"` is never closed, expected another `\"`");
        return Err(complaint.hint("inside quotes, write `#quot;` for a quote").into());
    }
    if raw.is_empty() {
        let complaint = source.complain(opened, 2, "found empty text `\"\"`, expected some text");
        return Err(complaint.hint("Mermaid refuses `\"\"`; write `\" \"` for a blank").into());
    }
    // Backticks inside the quotes mark text as Markdown, which is read as it stands.
    let marked = raw.strip_prefix('`').and_then(|raw| raw.strip_suffix('`'));
    Ok(text::decode(marked.unwrap_or(raw)))
}

fn unclosed(source: &SourceText<'_>, style: Style, place: SourcePosition) -> Diagnostic {
    let what = format!(
        "found {} after `{}` and a label, expected {}",
        source.found(),
        style.opener(),
        style.expected(),
    );
    let complaint = source.complain(place, complaint_width(style.opener()), what);
    let hint = "a label ends on its own line, with the arrow's head";
    complaint.hint(hint)
}

fn headless(source: &SourceText<'_>, style: Style, place: SourcePosition) -> Diagnostic {
    let expected = style.expected();
    let what = format!("found a line without an arrowhead, expected {expected}");
    let complaint = source.complain(place, complaint_width(source.since(place)), what);
    complaint.hint("a path needs to know which way it goes: end the line with `>`")
}

/// What to say where an arrow was expected and something else was found.
fn not_a_link(source: &SourceText<'_>) -> Diagnostic {
    let expected = "expected an arrow such as `-->`, `&`, `;` or the end of the line";
    let complaint = source.complain_here(format!("found {}, {expected}", source.found()));
    let hint = match source.peek() {
        Some('[' | '(' | '{' | '>') => {
            "a node's shape follows its id without a space: `id[caption]`"
        }
        Some('<') => "draw an arrow for each way",
        Some('-') => "write `-->`",
        Some('=') => "write `==>` or `-->`",
        Some('~') => "a chart that is walked has no invisible lines",
        Some('@') => "give the shape in brackets: `id[caption]`, `id{question?}`",
        Some('"' | '|') => "a label stands on an arrow: `a -- text --> b` or `a -->|text| b`",
        _ => "an id is made of letters, digits, `_` and `-`",
    };
    complaint.hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The label and whether the link is dotted, of a link that is read to its end.
    fn read(text: &str) -> (Option<String>, bool) {
        let mut source = SourceText::new(text, "t.mmd", 1);
        let link = link(&mut source).unwrap_or_else(|complaint| panic!("{text}: {complaint}"));
        assert_eq!(source.rest(), "", "{text}");
        (link.label, link.dotted)
    }

    fn refused(text: &str) -> Diagnostic {
        let mut source = SourceText::new(text, "t.mmd", 1);
        *link(&mut source).expect_err(text)
    }

    #[test]
    fn arrows_without_labels_are_read() {
        for solid in ["-->", "---->", "==>", "=====>"] {
            assert_eq!(read(solid), (None, false));
        }
        assert_eq!(read("-.->"), (None, true));
        assert_eq!(read("-...->"), (None, true));
    }

    #[test]
    fn every_way_to_write_a_label_is_read() {
        let label = |text: &str| (Some(text.to_owned()), false);
        for no in ["-- no -->", "--no-->", "-->|no|", "--> | no |", "== no ==>", "==>|no|"] {
            assert_eq!(read(no), label("no"), "{no}");
        }
        for quoted in ["-- \"a --> b\" -->", "-->|\"a --> b\"|", "--\"a --> b\"--->"] {
            assert_eq!(read(quoted), label("a --> b"), "{quoted}");
        }
        assert_eq!(read("-- \"a|b\nc\" -->"), label("a|b\nc"));
        assert_eq!(read("-- a-b -> c ---->"), label("a-b -> c"));
        assert_eq!(read("-->|a<br/>b|"), label("a\nb"));
        assert_eq!(read("-- \" \" -->"), (None, false));
    }

    #[test]
    fn dotted_labels_are_read() {
        let label = |text: &str| (Some(text.to_owned()), true);
        for no in ["-. no .->", "-.no.->", "-. no ...->", "-.->|no|", "-. \"no\" .->"] {
            assert_eq!(read(no), label("no"), "{no}");
        }
        assert_eq!(read("-. v1.2 - x .->"), label("v1.2 - x"));
    }

    #[test]
    fn lines_without_arrowheads_are_refused() {
        for text in ["--- b", "-----", "===", "-.-", "-- no ---", "-. no .- b", "== no === b"] {
            let complaint = refused(text);
            assert!(complaint.what.contains("without an arrowhead"), "{complaint}");
            assert!(complaint.hint.is_some());
        }
        assert_eq!(refused("--- b").width, 3);
    }

    #[test]
    fn other_arrowheads_are_refused() {
        for text in ["--x b", "--ok--> b", "==o b"] {
            assert!(refused(text).what.contains("arrowhead of its own"), "{text}");
        }
        assert_eq!(read("-- ok -->"), (Some("ok".to_owned()), false));
    }

    #[test]
    fn labels_that_do_not_end_or_say_nothing_are_refused() {
        let cases = [
            ("-- no\n-->", "found the end of the line after `--` and a label"),
            ("-. no", "found the end of the chart after `-.` and a label"),
            ("-- \"no\" b", "found `b` after `--` and a label"),
            ("-->|no", "found the end of the chart in a label"),
            ("-->|no\n|", "found the end of the line in a label"),
            ("-->||", "the label `||` is empty"),
            ("-->|is (x)|", "found `(` in a label"),
            ("-->|\"\"|", "found empty text"),
            ("-->|\"no|", "this `\"` is never closed"),
            ("-- -->", "the label of this arrow is empty"),
            ("-- a -->|b|", "two labels"),
        ];
        for (text, what) in cases {
            let complaint = refused(text);
            assert!(complaint.what.contains(what), "{text}: {complaint}");
            assert_eq!(complaint.line, 1, "{text}");
        }
    }

    #[test]
    fn what_is_no_arrow_is_refused_with_a_hint() {
        for (text, hint) in
            [("->", "`-->`"), ("<-->", "each way"), ("~~~", "invisible"), ("[A]", "space")]
        {
            let complaint = refused(text);
            assert!(complaint.what.contains("expected an arrow"), "{complaint}");
            assert!(complaint.hint.as_ref().unwrap().contains(hint), "{complaint}");
        }
    }
}
