//! The tree of one document, every node with its place, built from the parser's events without
//! recursion.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span as Marks};

use super::scalar::canonical;
use super::source::{YamlSource, quoted_width, text_width, word_width};
use super::wording::{self, ParserFault, settle};

/// How many mappings and lists may stand inside of one another.
pub const MAX_DEPTH: usize = 64;

/// A place in a file: the first line of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// One-based line in the file.
    pub line: usize,
    /// One-based column, counted in characters.
    pub column: usize,
    /// How many characters of that line the value takes: all of a scalar or of a bracketed
    /// collection, the first key of a mapping, the dash of a list.
    pub width: usize,
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlNode {
    /// Where it was written.
    pub span: Span,
    /// What was written.
    pub value: Value,
}

impl YamlNode {
    /// What stands in the place of an item that was left out.
    pub(super) fn left_out(span: Span) -> Self {
        let value = Value::Scalar { text: String::new(), quoted: false };
        Self { span: Span { width: 0, ..span }, value }
    }

    /// Whether it stands in the place of an item that was left out; whatever is written takes a character.
    pub(super) fn is_left_out(&self) -> bool {
        self.span.width == 0
    }
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text, not yet interpreted.
    Scalar {
        /// The text without its quotes, escapes resolved.
        text: String,
        /// Whether it is text whatever it looks like: quoted, or a block scalar.
        quoted: bool,
    },
    /// A list.
    Sequence(Vec<YamlNode>),
    /// Keys, each a scalar and given once, with their values, in the order written.
    Mapping(Vec<(YamlNode, YamlNode)>),
}

/// Parses the text of one document, which starts at `first_line` of its file; `None` if it is empty.
pub(super) fn build(text: &str, first_line: usize) -> Result<Option<YamlNode>, ParserFault> {
    let mut builder = Builder::new(text, first_line);
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, marks)) => builder.event(event, marks)?,
            Err(error) if wording::is_parser_limit(&error) => {
                let mark = error.marker();
                let before = builder.source.before(mark.line(), mark.col());
                // Cut short of the parser's limit, the same text shows where it passes this one's.
                return build(before, first_line)
                    .and(Err(builder.too_deep(mark.line(), mark.col())));
            }
            Err(error) if wording::is_unsupported(&error) => {
                return Err(builder.unsupported(*error.marker()));
            }
            Err(error) => return Err(wording::fault(&error, &mut builder.source)),
        }
    }
    Ok(builder.root.filter(|root| !is_nothing(root)))
}

/// Whether a node is what YAML puts where nothing is written.
fn is_nothing(node: &YamlNode) -> bool {
    matches!(&node.value, Value::Scalar { text, quoted: false } if text.is_empty())
}

struct Builder<'t> {
    source: YamlSource<'t>,
    first_line: usize,
    open: Vec<Frame>,
    root: Option<YamlNode>,
}

/// A collection that has started and not ended.
struct Frame {
    span: Span,
    brackets: bool,
    held: Held,
}

enum Held {
    Sequence(Vec<YamlNode>),
    Mapping {
        entries: Vec<(YamlNode, YamlNode)>,
        key: Option<YamlNode>,
        seen: BTreeMap<String, usize>,
    },
}

impl<'t> Builder<'t> {
    fn new(text: &'t str, first_line: usize) -> Self {
        Self { source: YamlSource::new(text), first_line, open: Vec::new(), root: None }
    }

    fn event(&mut self, event: Event<'_>, marks: Marks) -> Result<(), ParserFault> {
        match event {
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
            Event::Alias(_) => Err(self.unsupported(marks.start)),
            Event::Scalar(text, style, anchor, tag) => {
                if anchor > 0 || tag.is_some() {
                    return Err(self.unsupported(marks.start));
                }
                let node = YamlNode {
                    span: self.scalar_span(&text, style, marks),
                    value: Value::Scalar {
                        text: text.into_owned(),
                        quoted: style != ScalarStyle::Plain,
                    },
                };
                self.push(node)
            }
            Event::SequenceStart(anchor, tag) => {
                if anchor > 0 || tag.is_some() {
                    return Err(self.unsupported(marks.start));
                }
                self.start(marks.start, Held::Sequence(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                if anchor > 0 || tag.is_some() {
                    return Err(self.unsupported(marks.start));
                }
                let held = Held::Mapping { entries: Vec::new(), key: None, seen: BTreeMap::new() };
                self.start(marks.start, held)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(marks.start),
        }
    }

    fn start(&mut self, mark: Marker, held: Held) -> Result<(), ParserFault> {
        let (line, mut column) = settle(&mut self.source, mark.line(), mark.col());
        let rest = self.source.rest(line, column);
        let brackets = rest.starts_with(['[', '{']);
        let mut value_of_mapping = false;
        if let Some(Frame { held, .. }) = self.open.last()
            && let Held::Mapping { key, .. } = held
        {
            if key.is_none() {
                return Err(ParserFault {
                    line,
                    column: column + 1,
                    width: 1,
                    what: "a key must be text, not a list or a mapping".to_owned(),
                    hint: Some("quote the key if it is meant literally".to_owned()),
                });
            }
            value_of_mapping = true;
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(self.too_deep(line, column));
        }
        if value_of_mapping && !brackets && matches!(held, Held::Sequence(_)) {
            column = dash_column(self.source.line(line)).unwrap_or(column);
        }
        let span = self.span(line, column, 1);
        self.open.push(Frame { span, brackets, held });
        Ok(())
    }

    fn end(&mut self, mark: Marker) -> Result<(), ParserFault> {
        let Some(mut frame) = self.open.pop() else {
            return Ok(());
        };
        if frame.brackets && mark.line() + self.first_line - 1 == frame.span.line {
            frame.span.width = self.bracket_end(mark).saturating_sub(frame.span.column) + 1;
        }
        let value = match frame.held {
            Held::Sequence(items) => Value::Sequence(items),
            Held::Mapping { entries, .. } => {
                if let (false, Some((first, _))) = (frame.brackets, entries.first()) {
                    frame.span.width = first.span.width;
                }
                Value::Mapping(entries)
            }
        };
        self.push(YamlNode { span: frame.span, value })
    }

    fn push(&mut self, node: YamlNode) -> Result<(), ParserFault> {
        let Some(frame) = self.open.last_mut() else {
            if self.root.is_some() {
                return Err(self.fault(node.span, "expected the end of the document", ""));
            }
            self.root = Some(node);
            return Ok(());
        };
        let (entries, key, seen) = match &mut frame.held {
            Held::Sequence(items) => {
                items.push(node);
                return Ok(());
            }
            Held::Mapping { entries, key, seen } => (entries, key, seen),
        };
        if let Some(key) = key.take() {
            entries.push((key, node));
            return Ok(());
        }
        if is_nothing(&node) {
            return Err(self.fault(node.span, "expected a key before `:`", "write `key: value`"));
        }
        if let Value::Scalar { text, quoted } = &node.value
            && let Some(line) = seen.insert(canonical(text, *quoted), node.span.line)
        {
            let what = format!(
                "the key `{}` is given twice, first in line {line}",
                super::error::shorten(text)
            );
            return Err(self.fault(
                node.span,
                &what,
                "keep one of them, or put `---` between two documents",
            ));
        }
        *key = Some(node);
        Ok(())
    }

    fn scalar_span(&mut self, text: &str, style: ScalarStyle, marks: Marks) -> Span {
        let (line, column) = settle(&mut self.source, marks.start.line(), marks.start.col());
        let rest = self.source.rest(line, column);
        let width = match style {
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => quoted_width(rest),
            ScalarStyle::Plain if text.is_empty() => 1,
            ScalarStyle::Plain if marks.end.line() == marks.start.line() => {
                marks.end.col().saturating_sub(marks.start.col()).max(1)
            }
            ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => text_width(rest),
        };
        self.span(line, column, width)
    }

    /// The one-based column of a closing bracket. After a comma the parser gives the comma's place.
    fn bracket_end(&mut self, mark: Marker) -> usize {
        let rest = self.source.rest(mark.line(), mark.col());
        let blank = |c: &char| matches!(c, ',' | ' ' | '\t');
        let skipped = rest.chars().take_while(blank).count();
        match rest.chars().nth(skipped) {
            Some(']' | '}') => mark.col() + skipped + 1,
            Some(_) | None => mark.col() + 1,
        }
    }

    /// An anchor, an alias or a tag.
    fn unsupported(&mut self, mark: Marker) -> ParserFault {
        let (line, column) = settle(&mut self.source, mark.line(), mark.col());
        let rest = self.source.rest(line, column);
        let width = word_width(rest);
        let word: String = rest.chars().take(width).collect();
        let (kind, hint) = match word.chars().next() {
            Some('&') => ("anchors", "write the value out in each place"),
            Some('*') => ("aliases", "write the value out in each place"),
            Some(_) | None => {
                ("tags", "quote a value to make it text; other types follow from the key")
            }
        };
        let what = format!("{kind} are not supported: `{}`", super::error::shorten(&word));
        ParserFault { line, column: column + 1, width, what, hint: Some(hint.to_owned()) }
    }

    fn too_deep(&self, line: usize, column: usize) -> ParserFault {
        let what = format!("nested deeper than {MAX_DEPTH} levels");
        let span = self.span(line, column, 1);
        self.fault(span, &what, "")
    }

    /// A span of the file from a place in the text, line one-based, column zero-based.
    fn span(&self, line: usize, column: usize, width: usize) -> Span {
        Span { line: line + self.first_line - 1, column: column + 1, width }
    }

    fn fault(&self, span: Span, what: &str, hint: &str) -> ParserFault {
        ParserFault {
            line: span.line + 1 - self.first_line,
            column: span.column,
            width: span.width,
            what: what.to_owned(),
            hint: (!hint.is_empty()).then(|| hint.to_owned()),
        }
    }
}

/// The parser places a list that is not indented below its key behind its dash.
fn dash_column(line: &str) -> Option<usize> {
    let content = line.trim_start_matches(' ');
    let dash = content.strip_prefix('-')?;
    (dash.is_empty() || dash.starts_with([' ', '\t'])).then(|| line.len() - content.len())
}
