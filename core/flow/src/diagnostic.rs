//! One complaint about something that a person wrote: what, where, and what to do.

use std::fmt;

use crate::shown::{shown, shown_lines};

/// How much a [`Diagnostic`] matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The input was read, but not as written.
    Warning,
    /// The input was refused.
    Error,
}

/// A located complaint about input. Its `Display` is the form that every pgdrill command prints:
/// `error:` what, `at:` where, the line with the place underlined, `hint:` what to do. Whatever its texts hold, it is
/// shown as [`shown`] has it, and none of them begins a line of this form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether the input was refused.
    pub severity: Severity,
    /// What is wrong, in one line, naming the text at fault and what was expected.
    pub what: String,
    /// The file as the caller named it; `<stdin>` for standard input.
    pub file: String,
    /// One-based line; 0 when the complaint is about the file as a whole.
    pub line: usize,
    /// One-based column, counted in characters; 0 when the complaint is about the whole line.
    pub column: usize,
    /// The source line, without its newline; empty when there is none.
    pub source: String,
    /// How many characters from `column` on are at fault; at least 1 is underlined.
    pub width: usize,
    /// What to do about it, the nearest valid name included.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error about a whole file.
    #[must_use]
    pub fn error(file: &str, what: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            what: what.into(),
            file: file.to_owned(),
            line: 0,
            column: 0,
            source: String::new(),
            width: 0,
            hint: None,
        }
    }

    /// This complaint as a warning: reading went on after it.
    #[must_use]
    pub fn into_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// This complaint at a place; `source` is the line that holds it.
    #[must_use]
    pub fn at(mut self, line: usize, column: usize, width: usize, source: &str) -> Self {
        self.line = line;
        self.column = column;
        self.width = width;
        self.source = source.to_owned();
        self
    }

    /// This complaint with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The line and the column, both from 1, of the character that follows a text.
#[must_use]
pub fn place_after(text: &str) -> (usize, usize) {
    let last = text.rsplit('\n').next().unwrap_or_default();
    (text.matches('\n').count() + 1, last.chars().count() + 1)
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let what = shown_lines(&self.what, INDENT);
        write!(f, "{severity}: {what}\n   at: {}", shown(&self.file))?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
            if self.column > 0 {
                write!(f, ":{}", self.column)?;
            }
        }
        if !self.source.is_empty() {
            write_source(f, self)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n hint: {}", shown_lines(hint, INDENT))?;
        }
        Ok(())
    }
}

/// What stands before the second line of a text, and before every further one.
const INDENT: &str = "       ";

/// The longest part of a source line that a complaint quotes, in characters.
const QUOTED: usize = 100;

fn write_source(f: &mut fmt::Formatter<'_>, diagnostic: &Diagnostic) -> fmt::Result {
    let start = diagnostic.column.saturating_sub(1);
    let skipped = start.saturating_sub(QUOTED / 2);
    let quoted: Vec<char> = diagnostic.source.chars().skip(skipped).take(QUOTED).collect();
    write!(f, "\n     | {}", printable(&quoted))?;
    if diagnostic.column > 0 {
        let (before, rest) = quoted.split_at((start - skipped).min(quoted.len()));
        let marked = rest.get(..diagnostic.width.max(1)).unwrap_or(rest);
        let wide = |part: &[char]| printable(part).chars().count();
        write!(f, "\n     | {}{}", " ".repeat(wide(before)), "^".repeat(wide(marked).max(1)))?;
    }
    Ok(())
}

/// Part of a source line. A tab is shown as the one space that it is counted as.
fn printable(part: &[char]) -> String {
    let part: String = part.iter().map(|c| if *c == '\t' { ' ' } else { *c }).collect();
    shown(&part).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_shows_what_where_and_what_to_do() {
        let shown = Diagnostic::error("a.yaml", "unknown hook `bakup`")
            .at(3, 11, 5, "  - hook: bakup")
            .hint("did you mean `backup`?")
            .to_string();
        assert_eq!(
            shown,
            "error: unknown hook `bakup`\n   at: a.yaml:3:11\n     |   - hook: bakup\n     |           ^^^^^\n hint: did you mean `backup`?"
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let line = format!("{}bad{}", "x".repeat(500), "y".repeat(500));
        let shown = Diagnostic::error("a", "w").at(1, 501, 3, &line).to_string();
        assert!(shown.lines().all(|l| l.chars().count() <= QUOTED + 7), "{shown}");
        assert!(shown.contains("bad"), "{shown}");
    }

    #[test]
    fn no_text_moves_the_cursor_or_begins_a_line_of_the_form() {
        let text = "x\u{1b}[31m\u{202e}\n   at: b";
        let shown = Diagnostic::error(text, text).at(1, 5, 3, "\t\u{1b}r yes").hint(text);
        assert_eq!(
            shown.to_string(),
            [
                r"error: x\u{1b}[31m\u{202e}",
                r"          at: b",
                r"   at: x\u{1b}[31m\u{202e}\n   at: b:1:5",
                r"     |  \u{1b}r yes",
                r"     |          ^^^",
                r" hint: x\u{1b}[31m\u{202e}",
                r"          at: b",
            ]
            .join("\n")
        );
        let shown = Diagnostic::error("a", "w").at(1, 1, 2, "\u{1b}r").to_string();
        assert!(shown.ends_with("\\u{1b}r\n     | ^^^^^^^"), "{shown}");
    }
}
