//! Reads what stands between two nodes: the arrow and its label.

use super::source::{ReadResult, SourcePosition, SourceText, complaint_width};
use super::table::{Link, Ways};
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The rest of a line, with what it ends in: `>`, `x`, `o`, or nothing.
    Head(Option<char>),
    /// The marks of a line, but too few to end it.
    Short,
    /// Something else: the line goes on with a label.
    Elsewhere,
}

/// Reads one link, its label included.
pub(crate) fn link(source: &mut SourceText<'_>) -> ReadResult<Link> {
    let place = source.here();
    if source.rest().starts_with("~~~") {
        source.take_while(|c| c == '~');
        piped_label(source)?;
        return Ok(Link { label: None, dotted: false, ways: Ways::Unseen, place });
    }
    let tail = tail(source);
    let styles = [Style::Solid, Style::Dotted, Style::Thick];
    let Some(style) = styles.into_iter().find(|style| source.eat(style.opener())) else {
        return Err(not_a_link(source).into());
    };
    let (inner, head) = match end(source, style, 0) {
        End::Head(head) => (None, head),
        End::Short => return Err(unclosed(source, style, place).into()),
        End::Elsewhere => {
            let (label, head) = inner_label(source, style, place)?;
            (Some(label), head)
        }
    };
    let ways = match (tail, head) {
        (Some('<'), Some('>')) => Ways::Both,
        (Some('<'), _) => return Err(backwards(source, style, place).into()),
        _ => Ways::Onward,
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
        ways,
        place,
    })
}

/// Reads what a line may begin with, as in `<-->`, `x--x` and `o--o`.
fn tail(source: &mut SourceText<'_>) -> Option<char> {
    source.peek().filter(|c| matches!(c, '<' | 'x' | 'o'))?;
    let line = source.rest().get(1..).unwrap_or_default();
    let is_line = ["--", "-.", "=="].iter().any(|opener| line.starts_with(opener));
    is_line.then(|| source.bump())?
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

/// Reads the end of a line, of at least so many marks if it begins there. Of what is no end, the marks
/// are read.
fn end(source: &mut SourceText<'_>, style: Style, least: usize) -> End {
    let marks = source.take_while(|c| c == style.mark()).len();
    let line = match style {
        Style::Dotted => marks >= least && source.eat("-"),
        Style::Solid | Style::Thick => marks >= least,
    };
    if !line {
        return End::Elsewhere;
    }
    let head = source.peek().filter(|c| matches!(c, '>' | 'x' | 'o'));
    if head.is_some() {
        source.bump();
        return End::Head(head);
    }
    // A line without a head has one mark more instead.
    match style {
        Style::Dotted => End::Head(None),
        Style::Solid | Style::Thick if marks > least => End::Head(None),
        Style::Solid | Style::Thick if least == 0 => End::Elsewhere,
        Style::Solid | Style::Thick => End::Short,
    }
}

/// Reads the label and the end of an arrow such as `-- text -->`, after the opener.
fn inner_label(
    source: &mut SourceText<'_>,
    style: Style,
    place: SourcePosition,
) -> ReadResult<(String, Option<char>)> {
    let least = style.opener().matches(style.mark()).count();
    source.skip_blanks();
    if source.peek() == Some('"') {
        let label = quoted(source)?;
        source.skip_blanks();
        return match end(source, style, least) {
            End::Head(head) => Ok((label, head)),
            End::Short | End::Elsewhere => Err(unclosed(source, style, place).into()),
        };
    }
    let from = source.here();
    loop {
        let before = source.clone();
        match end(source, style, least) {
            End::Head(head) => {
                let raw = before.since(from);
                if !raw.trim().is_empty() {
                    return Ok((text::decode(raw), head));
                }
                let expected = style.expected();
                let what = format!("the label of this arrow is empty, expected {expected}");
                let width = complaint_width(source.since(place));
                return Err(source.complain(place, width, what).into());
            }
            End::Short => return Err(unclosed(source, style, place).into()),
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

fn backwards(source: &SourceText<'_>, style: Style, place: SourcePosition) -> Diagnostic {
    let what = format!("found an arrow that only leads back, expected {}", style.expected());
    let complaint = source.complain(place, complaint_width(source.since(place)), what);
    complaint.hint("Mermaid draws no head at its beginning alone: write it the other way round")
}

/// What to say where an arrow was expected and something else was found.
fn not_a_link(source: &SourceText<'_>) -> Diagnostic {
    let expected = "expected an arrow such as `-->`, `&`, `;` or the end of the line";
    let complaint = source.complain_here(format!("found {}, {expected}", source.found()));
    let hint = match source.peek() {
        Some('[' | '(' | '{' | '>') => {
            "a node's shape follows its id without a space: `id[caption]`"
        }
        Some('<') => "write `<-->` for both ways, or the arrow the other way round",
        Some('-') => "write `-->`",
        Some('=') => "write `==>` or `-->`",
        Some('~') => "an invisible line is `~~~`",
        Some('@') => "a shape follows its id without a space: `id@{ shape: diamond }`",
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

    /// Which ways a link leads, and the text behind it.
    fn ways(text: &str) -> (Ways, &str) {
        let mut source = SourceText::new(text, "t.mmd", 1);
        let link = link(&mut source).unwrap_or_else(|complaint| panic!("{text}: {complaint}"));
        (link.ways, source.rest())
    }

    #[test]
    fn lines_with_other_heads_or_none_lead_onward() {
        for text in
            ["---", "-----", "===", "-.-", "--x", "--o", "==x", "-.-o", "x--x", "o==o", "o-.-x"]
        {
            assert_eq!(ways(text), (Ways::Onward, ""), "{text}");
        }
        for text in ["-- no ---", "-. no .-", "== no ===", "-- no --x", "x-- no --x", "---|no|"] {
            assert_eq!(read(text).0.as_deref(), Some("no"), "{text}");
        }
        assert_eq!(ways("--- b"), (Ways::Onward, " b"));
        assert_eq!(ways("--ok--> b"), (Ways::Onward, "k--> b"), "as Mermaid has it");
        assert_eq!(read("-- ok -->"), (Some("ok".to_owned()), false));
    }

    #[test]
    fn lines_with_two_heads_lead_both_ways_and_invisible_ones_nowhere() {
        for text in ["<-->", "<---->", "<==>", "<-.->", "<-- no -->", "<-->|no|", "<-. no .->"] {
            assert_eq!(ways(text), (Ways::Both, ""), "{text}");
        }
        for text in ["~~~", "~~~~~", "~~~|no|"] {
            assert_eq!(ways(text), (Ways::Unseen, ""), "{text}");
        }
        for text in ["<---", "<-- no ---", "<==="] {
            assert!(refused(text).what.contains("only leads back"), "{text}");
        }
    }

    #[test]
    fn labels_that_do_not_end_or_say_nothing_are_refused() {
        let cases = [
            ("-- no\n-->", "found the end of the line after `--` and a label"),
            ("-. no", "found the end of the chart after `-.` and a label"),
            ("-- \"no\" b", "found `b` after `--` and a label"),
            ("-- no -- b", "found white space after `--` and a label"),
            ("== no == b", "found white space after `==` and a label"),
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
        for (text, hint) in [
            ("->", "`-->`"),
            ("<-", "both ways"),
            ("~~", "invisible"),
            ("[A]", "space"),
            ("@{", "space"),
        ] {
            let complaint = refused(text);
            assert!(complaint.what.contains("expected an arrow"), "{complaint}");
            assert!(complaint.hint.as_ref().unwrap().contains(hint), "{complaint}");
        }
    }
}
