//! The text of one document by line and column, in time linear in the text: a cursor that moves with
//! the events, so that no line, however long, is counted from its start for every scalar on it.

/// A text and a cursor on it.
pub(super) struct YamlSource<'t> {
    text: &'t str,
    starts: Vec<usize>,
    line: usize,
    column: usize,
    byte: usize,
}

impl<'t> YamlSource<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let starts =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts, line: 0, column: 0, byte: 0 }
    }

    /// The text from a place (line one-based, column zero-based) to the end of that line. A place
    /// outside of the text is moved to the nearest one inside.
    pub(super) fn rest(&mut self, line: usize, column: usize) -> &'t str {
        let end = self.seek(line, column);
        self.text.get(self.byte..end).unwrap_or_default()
    }

    /// A column (zero-based) that the line has: past its end, its end.
    pub(super) fn clamp(&mut self, line: usize, column: usize) -> usize {
        self.seek(line, column);
        self.column
    }

    /// The text up to a place.
    pub(super) fn before(&mut self, line: usize, column: usize) -> &'t str {
        self.seek(line, column);
        self.text.get(..self.byte).unwrap_or_default()
    }

    /// The whole of a line, one-based.
    pub(super) fn line(&self, line: usize) -> &'t str {
        let index = self.index(line);
        let start = self.starts.get(index).copied().unwrap_or_default();
        self.text.get(start..self.end(index)).unwrap_or_default()
    }

    /// How many lines there are.
    pub(super) fn lines(&self) -> usize {
        self.starts.len()
    }

    fn seek(&mut self, line: usize, column: usize) -> usize {
        let index = self.index(line);
        if index != self.line {
            self.line = index;
            self.column = 0;
            self.byte = self.starts.get(index).copied().unwrap_or_default();
        }
        let end = self.end(index);
        let ahead = self.text.get(self.byte..end).unwrap_or_default();
        for character in ahead.chars().take(column.saturating_sub(self.column)) {
            self.byte += character.len_utf8();
            self.column += 1;
        }
        let behind = self.text.get(..self.byte).unwrap_or_default();
        let back = self.column.saturating_sub(column);
        for character in behind.chars().rev().take(back) {
            self.byte -= character.len_utf8();
            self.column -= 1;
        }
        end
    }

    fn index(&self, line: usize) -> usize {
        line.saturating_sub(1).min(self.starts.len().saturating_sub(1))
    }

    fn end(&self, index: usize) -> usize {
        match self.starts.get(index + 1) {
            Some(next) => next - 1,
            None => self.text.len(),
        }
    }
}

/// How many characters a quoted scalar takes on the line where it starts; `rest` starts with its
/// opening quote.
pub(super) fn quoted_width(rest: &str) -> usize {
    let double = rest.starts_with('"');
    let mut width = 1;
    let mut characters = rest.chars().skip(1).peekable();
    while let Some(character) = characters.next() {
        width += 1;
        match character {
            '\\' if double && characters.next().is_some() => width += 1,
            '\'' if !double && characters.peek() == Some(&'\'') => {
                characters.next();
                width += 1;
            }
            '"' if double => return width,
            '\'' if !double => return width,
            _ => {}
        }
    }
    text_width(rest)
}

/// How many characters `rest` has without the blanks at its end, but at least one.
pub(super) fn text_width(rest: &str) -> usize {
    rest.trim_end().chars().count().max(1)
}

/// How many characters an indicator such as `&name` takes.
pub(super) fn word_width(rest: &str) -> usize {
    rest.chars()
        .take_while(|c| !c.is_whitespace() && !matches!(c, ',' | '[' | ']' | '{' | '}'))
        .count()
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::{YamlSource, quoted_width};

    #[test]
    fn the_cursor_moves_both_ways_and_stays_inside() {
        let mut source = YamlSource::new("añb\n\nxyz");
        assert_eq!(source.lines(), 3);
        assert_eq!(source.rest(1, 2), "b");
        assert_eq!(source.rest(1, 1), "ñb");
        assert_eq!(source.rest(1, 2), "b");
        assert_eq!(source.rest(3, 1), "yz");
        assert_eq!(source.rest(2, 0), "");
        assert_eq!(source.rest(1, 0), "añb");
        assert_eq!(source.rest(1, 99), "");
        assert_eq!(source.rest(1, 2), "b");
        assert_eq!(source.rest(99, 0), "xyz");
        assert_eq!(source.line(1), "añb");
        assert_eq!(source.line(99), "xyz");
    }

    #[test]
    fn a_quoted_scalar_ends_at_its_quote() {
        assert_eq!(quoted_width(r#""a\"b" # c"#), 6);
        assert_eq!(quoted_width("'a''b', 'c'"), 6);
        assert_eq!(quoted_width("\"open  "), 5);
        assert_eq!(quoted_width(r#""a\"#), 3);
    }
}
