//! The text of one chart, the place that is being read, and complaints about places.

use crate::diagnostic::Diagnostic;

/// A longer line is not repeated in a complaint; its line and column still name the place.
const LONGEST_SHOWN_LINE: usize = 400;

/// A longer piece of text is cut off where a message names it.
const LONGEST_SHOWN_TEXT: usize = 60;

/// Of marks between words, such as arrows, no more are named in a message.
const LONGEST_SHOWN_MARKS: usize = 6;

/// What reading gives; the complaint is boxed because it is much larger than what is read.
pub(crate) type ReadResult<T> = Result<T, Box<Diagnostic>>;

/// A place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SourcePosition {
    at: usize,
    /// One-based, counted in the whole file.
    pub(crate) line: usize,
    line_start: usize,
}

/// A text that is read from front to back.
#[derive(Debug, Clone)]
pub(crate) struct SourceText<'a> {
    text: &'a str,
    file: &'a str,
    here: SourcePosition,
}

impl<'a> SourceText<'a> {
    /// A text of `file` whose first line is the file's line `first_line`.
    pub(crate) fn new(text: &'a str, file: &'a str, first_line: usize) -> Self {
        let here = SourcePosition { at: 0, line: first_line, line_start: 0 };
        Self { text, file, here }
    }

    pub(crate) fn here(&self) -> SourcePosition {
        self.here
    }

    pub(crate) fn rest(&self) -> &'a str {
        self.text.get(self.here.at..).unwrap_or_default()
    }

    /// What was read since a place.
    pub(crate) fn since(&self, place: SourcePosition) -> &'a str {
        self.text.get(place.at..self.here.at).unwrap_or_default()
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(crate) fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.here.at += next.len_utf8();
        if next == '\n' {
            self.here.line += 1;
            self.here.line_start = self.here.at;
        }
        Some(next)
    }

    /// Reads `token`, which holds no newline, if it comes next.
    pub(crate) fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.here.at += token.len();
        }
        found
    }

    pub(crate) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let from = self.here;
        while self.peek().is_some_and(&wanted) {
            self.bump();
        }
        self.since(from)
    }

    /// Reads up to the end of the line, which stays.
    pub(crate) fn take_line(&mut self) -> &'a str {
        self.take_while(|c| c != '\n')
    }

    /// Reads white space within the line.
    pub(crate) fn skip_blanks(&mut self) {
        self.take_while(is_blank);
    }

    /// Reads white space, newlines included.
    pub(crate) fn skip_space(&mut self) {
        self.take_while(|c| c == '\n' || is_blank(c));
    }

    /// The id that comes next, or nothing. A dash, a dot or a slash belongs to an id only between two of
    /// its other characters, so that `a-->b`, `a-.->b` and `a--text-->b` are arrows.
    pub(crate) fn peek_id(&self) -> &'a str {
        let rest = self.rest();
        let mut end = 0;
        let mut chars = rest.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let joins = matches!(c, '-' | '.' | '/')
                && at > 0
                && chars.peek().is_some_and(|(_, next)| is_id_char(*next));
            if !joins && !is_id_char(c) {
                break;
            }
            end = at + c.len_utf8();
        }
        rest.get(..end).unwrap_or_default()
    }

    /// Reads the name of an arrow, which stands before it, if it comes next: `e1` of `e1@-->`.
    pub(crate) fn arrow_id(&mut self) -> Option<&'a str> {
        let id = self.peek_id();
        let after = self.rest().strip_prefix(id)?.strip_prefix('@')?;
        if id.is_empty() || !after.starts_with(['-', '=', '<', '~', 'x', 'o']) {
            return None;
        }
        self.here.at += id.len() + 1;
        Some(id)
    }

    /// Whether the statement ends here: at a `;`, a comment, the end of the line or of the text.
    pub(crate) fn at_end_of_statement(&self) -> bool {
        matches!(self.peek(), None | Some('\n' | ';')) || self.rest().starts_with("%%")
    }

    /// Reads white space, comments, directives and, with `semicolons`, semicolons.
    pub(crate) fn skip_ignored(&mut self, semicolons: bool) -> ReadResult<()> {
        loop {
            self.skip_space();
            let opened = self.here;
            if self.eat("%%{") {
                let Some(length) = self.rest().find("}%%") else {
                    return Err(self
                        .complain(opened, 3, "directive `%%{` is never closed by `}%%`")
                        .into());
                };
                let end = self.here.at + length + 3;
                while self.here.at < end && self.bump().is_some() {}
            } else if self.eat("%%") {
                self.take_line();
            } else if !(semicolons && self.eat(";")) {
                return Ok(());
            }
        }
    }

    /// Reads what may come before the word that says what kind of diagram this is: a byte order
    /// mark, front matter between two lines of `---`, once or more often, comments and directives.
    pub(crate) fn skip_preamble(&mut self) -> ReadResult<()> {
        self.eat("\u{feff}");
        self.skip_space();
        let opened = self.here;
        // Twice, as a directive's options can be written so, too.
        while self.eat("---") {
            self.take_line();
            loop {
                self.bump();
                if self.take_line().trim_end() == "---" {
                    break;
                }
                if self.peek().is_none() {
                    let what = "front matter `---` is never closed by a line of `---`";
                    return Err(self.complain(opened, 3, what).into());
                }
            }
            self.skip_space();
        }
        self.skip_ignored(false)
    }

    /// What comes next, for a message: a word, a few marks, or where the text ends.
    pub(crate) fn found(&self) -> String {
        match self.peek() {
            None => "the end of the chart".to_owned(),
            Some('\n' | '\r') => "the end of the line".to_owned(),
            Some(c) if c.is_whitespace() => "white space".to_owned(),
            Some(_) => quote(self.token()),
        }
    }

    /// A complaint about what comes next.
    pub(crate) fn complain_here(&self, what: impl Into<String>) -> Diagnostic {
        self.complain(self.here, self.token().chars().count(), what)
    }

    /// A complaint about `width` characters at a place.
    pub(crate) fn complain(
        &self,
        place: SourcePosition,
        width: usize,
        what: impl Into<String>,
    ) -> Diagnostic {
        let before = self.text.get(place.line_start..place.at).unwrap_or_default();
        let line = self.text.get(place.line_start..).unwrap_or_default();
        let line = line.split('\n').next().unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        let (column, length) = (before.chars().count() + 1, line.chars().count());
        let width = width.min((length + 1).saturating_sub(column)).max(1);
        let shown = if length > LONGEST_SHOWN_LINE { "" } else { line };
        Diagnostic::error(self.file, what).at(place.line, column, width, shown)
    }

    /// The id or the run of marks that comes next; empty before white space.
    fn token(&self) -> &'a str {
        let id = self.peek_id();
        if !id.is_empty() {
            return id;
        }
        let marks = |c: &char| !c.is_whitespace() && !is_id_char(*c);
        let marks = self.rest().chars().take_while(marks).take(LONGEST_SHOWN_MARKS);
        let length = marks.map(char::len_utf8).sum();
        self.rest().get(..length).unwrap_or_default()
    }
}

/// Text in backticks for a message, cut off when long.
pub(crate) fn quote(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST_SHOWN_TEXT).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("`{}`", shown.replace('\n', "\\n"))
}

/// How many characters of a piece of text a complaint underlines: those of its first line.
pub(crate) fn complaint_width(text: &str) -> usize {
    text.chars().take_while(|c| *c != '\n').count()
}

pub(crate) fn is_id_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_blank(c: char) -> bool {
    c != '\n' && c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> SourceText<'_> {
        SourceText::new(text, "t.mmd", 1)
    }

    #[test]
    fn an_id_stops_before_an_arrow() {
        let id = |text| source(text).peek_id();
        assert_eq!(id("a-->b"), "a");
        assert_eq!(id("a--text-->b"), "a");
        assert_eq!(id("a-.->b"), "a");
        assert_eq!(id("a->b"), "a");
        assert_eq!(id("a-b_2-c-->d"), "a-b_2-c");
        assert_eq!(id("-a"), "");
        assert_eq!(id("é1-->b"), "é1");
        assert_eq!(id("v1.2/x.->b"), "v1.2/x");
        assert_eq!(id("×"), "");
    }

    #[test]
    fn a_complaint_counts_characters_and_lines() {
        let mut source = SourceText::new("x\r\néé bad\r\n", "f.md", 10);
        source.take_line();
        source.bump();
        source.eat("éé ");
        let complaint = source.complain_here("what");
        assert_eq!((complaint.line, complaint.column, complaint.width), (11, 4, 3));
        assert_eq!(complaint.source, "éé bad");
    }

    #[test]
    fn a_very_long_line_is_not_repeated() {
        let text = "x".repeat(LONGEST_SHOWN_LINE + 1);
        assert_eq!(source(&text).complain_here("what").source, "");
    }

    #[test]
    fn the_preamble_is_skipped() {
        let rest = |text| {
            let mut source = source(text);
            source.skip_preamble().map(|()| source.rest())
        };
        assert_eq!(rest("\u{feff}%% hi\n%%{init: {\n}}%% x"), Ok("x"));
        assert_eq!(rest("---\ntitle: T\n---\ngraph TD"), Ok("graph TD"));
        assert_eq!(rest("---\nalign: left\n---\n---\ntitle: T\n---\ngraph TD"), Ok("graph TD"));
        assert_eq!(rest("---\ntitle: T\n").unwrap_err().line, 1);
        assert_eq!(rest("\n%%{init").unwrap_err().line, 2);
    }
}
