//! Finds the headings and the diagrams of a Markdown document.
//!
//! Line by line, as what is looked for begins and ends with lines. Known are block quotes, lists, headings of
//! both kinds, fences, HTML comments, front matter, and what MyST and MkDocs add to them.

use super::fence::{Content, Fence};

/// Quotes and lists within each other are followed so deep.
const DEEPEST: usize = 100;

/// What is looked for in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Block<'a> {
    /// The text of a heading.
    Heading(String),
    /// A Mermaid diagram.
    Diagram(CodeBlock<'a>),
    /// A code block or a diagram that the document never closes.
    Unclosed(CodeBlock<'a>),
}

/// The content of a fence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CodeBlock<'a> {
    /// What opened it.
    pub(crate) fence: Fence<'a>,
    /// The one-based line of the fence.
    pub(crate) line: usize,
    /// How many characters stand before the fence.
    pub(crate) before: usize,
    /// The text of a diagram, without what its quotes and lists put before each line.
    pub(crate) text: String,
    /// For each line of the text, how many characters stand before it.
    pub(crate) cuts: Vec<usize>,
    /// How many columns the fence is indented.
    indent: usize,
    /// In how many quotes and lists it stands.
    depth: usize,
}

/// What a line may stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    /// A block quote: `> ` before each line.
    Quote,
    /// An item of a list, or a block of MkDocs: so many columns before each line.
    Indented(usize),
}

struct BlockReader<'a> {
    lines: Vec<&'a str>,
    containers: Vec<Container>,
    open: Option<CodeBlock<'a>>,
    /// The directives around this line that hold Markdown, and that backticks or tildes close.
    directives: Vec<Fence<'a>>,
    /// The lines of text right above, which become a heading if they are underlined.
    paragraph: Vec<&'a str>,
    /// No comment that is still to come ends behind a fence.
    plain_comments: bool,
    found: Vec<Block<'a>>,
}

/// The headings and diagrams of a document, in its order.
pub(crate) fn blocks(text: &str) -> Vec<Block<'_>> {
    let lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
    let mut reader = BlockReader {
        lines,
        containers: Vec::new(),
        open: None,
        directives: Vec::new(),
        paragraph: Vec::new(),
        plain_comments: false,
        found: Vec::new(),
    };
    let mut next = reader.front_matter();
    while let Some(line) = reader.lines.get(next).copied() {
        next = reader.line(line, next);
    }
    if let Some(block) = reader.open {
        reader.found.push(Block::Unclosed(block));
    }
    reader.found
}

impl<'a> BlockReader<'a> {
    /// Where the document begins behind its front matter, if it has any.
    fn front_matter(&self) -> usize {
        if self.lines.first().is_none_or(|line| line.trim_end() != "---") {
            return 0;
        }
        let mut lines = self.lines.iter().skip(1);
        lines.position(|line| matches!(line.trim_end(), "---" | "...")).map_or(0, |at| at + 2)
    }

    /// Reads the line at an index; the index of the next line to read.
    fn line(&mut self, line: &'a str, index: usize) -> usize {
        let mut rest = self.inside(line);
        if self.open.is_some() {
            self.content(line, rest);
            return index + 1;
        }
        while let Some(inner) = self.enter(rest) {
            rest = inner;
        }
        let inner = rest.trim_start();
        if inner.is_empty() {
            self.paragraph.clear();
        } else if columns(rest) > 3 {
            // Code, unless it goes on with a paragraph.
            if !self.paragraph.is_empty() {
                self.paragraph.push(inner);
            }
        } else if !self.paragraph.is_empty() && is_underline(inner) {
            let text = self.paragraph.join(" ");
            self.heading(&text);
        } else if is_break(inner) || is_target(inner) {
            self.paragraph.clear();
        } else if inner.starts_with("<!--") {
            self.paragraph.clear();
            return self.comment_end(index) + 1;
        } else if let Some(text) = heading(inner) {
            self.heading(text);
        } else if !self.fence(line, rest, index) {
            self.paragraph.push(inner);
        }
        index + 1
    }

    /// What a line holds within the quotes and lists that go on with it; those that do not have ended.
    fn inside(&mut self, line: &'a str) -> &'a str {
        let mut rest = line;
        let mut within = 0;
        for container in &self.containers {
            let inner = match container {
                Container::Quote => after_quote(rest),
                Container::Indented(indent) => {
                    let goes_on = rest.trim().is_empty() || columns(rest) >= *indent;
                    goes_on.then(|| without_columns(rest, *indent))
                }
            };
            let Some(inner) = inner else { break };
            rest = inner;
            within += 1;
        }
        if within < self.containers.len() {
            self.containers.truncate(within);
            self.paragraph.clear();
        }
        if let Some(block) = self.open.take_if(|block| block.depth > within) {
            self.close(block);
        }
        rest
    }

    /// Enters the quote, the item or the block of MkDocs that begins here; what it holds in this line.
    fn enter(&mut self, rest: &'a str) -> Option<&'a str> {
        let (indent, inner) = (columns(rest), rest.trim_start());
        let underlines = !self.paragraph.is_empty() && is_underline(inner);
        let deep = self.containers.len() >= DEEPEST;
        if deep || indent > 3 || inner.is_empty() || is_break(inner) || underlines {
            return None;
        }
        let (container, after) = if let Some(after) = after_quote(rest) {
            (Container::Quote, after)
        } else if let Some((width, after)) = item(inner) {
            (Container::Indented(indent + width), after)
        } else if ["!!! ", "??? ", "???+ ", "=== \""].iter().any(|mark| inner.starts_with(mark)) {
            (Container::Indented(indent + 4), "")
        } else {
            return None;
        };
        self.containers.push(container);
        self.paragraph.clear();
        Some(after)
    }

    fn heading(&mut self, text: &str) {
        self.found.push(Block::Heading(text.to_owned()));
        self.paragraph.clear();
    }

    /// Reads a line that opens a fence, or that closes a directive; `false` if it does neither.
    fn fence(&mut self, line: &'a str, rest: &'a str, index: usize) -> bool {
        let inner = rest.trim_start();
        if self.directives.last().is_some_and(|directive| directive.closed_by(inner)) {
            self.directives.pop();
        } else if let Some(fence) = Fence::opened_by(inner) {
            if fence.content != Content::Markdown {
                self.open = Some(CodeBlock {
                    fence,
                    line: index + 1,
                    before: characters_before(line, inner),
                    text: String::new(),
                    cuts: Vec::new(),
                    indent: columns(rest),
                    depth: self.containers.len(),
                });
            } else if !fence.marks.starts_with(':') {
                self.directives.push(fence);
            }
        } else if !inner.starts_with(":::") {
            return false;
        }
        self.paragraph.clear();
        true
    }

    /// Reads a line of the open fence.
    fn content(&mut self, line: &str, rest: &str) {
        let Some(mut block) = self.open.take() else { return };
        if columns(rest) <= 3 && block.fence.closed_by(rest.trim_start()) {
            self.close(block);
            return;
        }
        if block.fence.content != Content::Verbatim {
            let inner = without_columns(rest, block.indent);
            block.cuts.push(characters_before(line, inner));
            block.text.push_str(inner);
            block.text.push('\n');
        }
        self.open = Some(block);
    }

    fn close(&mut self, block: CodeBlock<'a>) {
        if block.fence.content != Content::Verbatim {
            self.found.push(Block::Diagram(block));
        }
    }

    /// The last line of the comment that begins in a line.
    ///
    /// Markdown ends it at the first `-->`. But an arrow looks alike, and who puts a chart into a comment
    /// means all of it: a fence that the comment opens belongs to it, if it ends behind that.
    fn comment_end(&mut self, first: usize) -> usize {
        let ends = |at: usize, line: &str| match line.split_once("<!--") {
            Some((_, text)) if at == first => text.contains("-->"),
            _ => line.contains("-->"),
        };
        let lines = self.lines.iter().copied().enumerate().skip(first);
        if !self.plain_comments {
            let mut open: Option<Fence<'a>> = None;
            for (at, line) in lines.clone() {
                let inner = line.trim_start_matches([' ', '\t', '>']);
                match open {
                    Some(fence) if fence.closed_by(inner) => open = None,
                    Some(_) => {}
                    None if ends(at, line) => return at,
                    None => {
                        let opened = Fence::opened_by(inner);
                        open = opened.filter(|fence| fence.content != Content::Markdown);
                    }
                }
            }
            self.plain_comments = true;
        }
        let end = lines.into_iter().find(|(at, line)| ends(*at, line));
        end.map_or(self.lines.len(), |(at, _)| at)
    }
}

impl CodeBlock<'_> {
    /// The text without the lines of options that a directive may begin with, such as `:name: x`, and how
    /// many those are.
    pub(crate) fn without_options(&self) -> (&str, usize) {
        let mut rest = self.text.as_str();
        let mut lines = 0;
        let is_directive = self.fence.content == Content::Mermaid { directive: true };
        while let Some((line, after)) = rest.split_once('\n')
            && is_directive
            && line.trim_start().starts_with(':')
        {
            rest = after;
            lines += 1;
        }
        (rest, lines)
    }
}

/// How many columns of white space a line begins with; tabs stop at every fourth.
fn columns(line: &str) -> usize {
    columns_after(0, line)
}

/// How many columns of white space a text begins with that stands in a column.
fn columns_after(column: usize, text: &str) -> usize {
    let blanks = text.chars().take_while(|c| matches!(c, ' ' | '\t'));
    blanks.fold(column, |at, c| if c == '\t' { at / 4 * 4 + 4 } else { at + 1 }) - column
}

/// A line without so many columns of white space, or without as many as it has.
fn without_columns(line: &str, wanted: usize) -> &str {
    let mut rest = line;
    let mut at = 0;
    while at < wanted {
        let Some(after) = rest.strip_prefix([' ', '\t']) else { break };
        at = if rest.starts_with('\t') { at / 4 * 4 + 4 } else { at + 1 };
        rest = after;
    }
    rest
}

/// How many characters of a line come before its end `rest`.
fn characters_before(line: &str, rest: &str) -> usize {
    line.get(..line.len().saturating_sub(rest.len())).unwrap_or_default().chars().count()
}

/// What follows `>` and the space after it.
fn after_quote(line: &str) -> Option<&str> {
    let inner = (columns(line) <= 3).then(|| line.trim_start_matches(' '))?.strip_prefix('>')?;
    Some(inner.strip_prefix(' ').unwrap_or(inner))
}

/// How many columns the marker of an item takes with the space behind it, 2 of `- a` and 3 of `1. a`, and
/// what follows.
fn item(line: &str) -> Option<(usize, &str)> {
    let digits = line.bytes().take(10).take_while(u8::is_ascii_digit).count();
    let (marker, after) = match digits {
        0 => (1, line.strip_prefix(['-', '+', '*'])?),
        1..=9 => (digits + 1, line.get(digits..)?.strip_prefix(['.', ')'])?),
        _ => return None,
    };
    let space = match columns_after(marker, after) {
        _ if after.trim().is_empty() => return Some((marker + 1, "")),
        0 => return None,
        space @ 1..=4 => space,
        _ => return Some((marker + 1, after.get(1..).unwrap_or_default())),
    };
    Some((marker + space, after.trim_start_matches([' ', '\t'])))
}

/// The text of a heading such as `## Text`.
fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    let is_heading = (1..=6).contains(&level) && (text.is_empty() || text.starts_with([' ', '\t']));
    is_heading.then(|| text.trim())
}

/// Whether a line makes a heading of the text above it.
fn is_underline(line: &str) -> bool {
    let line = line.trim_end();
    ['=', '-'].iter().any(|mark| !line.is_empty() && line.chars().all(|c| c == *mark))
}

/// Whether a line is a break between two parts, such as `***`.
fn is_break(line: &str) -> bool {
    let mut marks = line.chars().filter(|c| !matches!(c, ' ' | '\t'));
    let Some(first) = marks.next().filter(|c| matches!(c, '*' | '-' | '_')) else { return false };
    let more = marks.clone().count();
    more >= 2 && marks.all(|c| c == first)
}

/// Whether a line names the place below it, as MyST does: `(name)=`.
fn is_target(line: &str) -> bool {
    line.starts_with('(') && line.trim_end().ends_with(")=")
}

#[cfg(test)]
mod tests;
