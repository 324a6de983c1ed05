//! Finds the flowcharts of a document and names them.

use std::collections::BTreeMap;

use super::names::{heading_name, kebab};
use super::parse::{begins_as_a_chart, looks_like_a_chart};
use super::{Chart, parse};
use crate::diagnostic::Diagnostic;

/// Endings of files that hold one bare chart.
const MERMAID_ENDINGS: [&str; 2] = [".mmd", ".mermaid"];

/// What a document says in flowcharts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MarkdownDocument {
    /// The charts that could be read, in the order of the document, each with a name of its own.
    pub charts: Vec<Chart>,
    /// What was not read as written, in the order of the document.
    pub warnings: Vec<Diagnostic>,
    /// Why charts could not be read: one complaint for each, in the order of the document.
    pub errors: Vec<Diagnostic>,
}

/// Reads every flowchart of a Markdown document, or the one of a bare Mermaid file.
///
/// In Markdown these are the code blocks fenced by three or more backticks or tildes, indented by
/// at most three spaces, that are marked `mermaid` and begin with `flowchart` or `graph` (or with a
/// misspelling, which is an error); other diagrams are passed over. A chart is named by the nearest
/// heading above it: `### On Create Backup Hook` names `create-backup`. Charts without one are
/// `chart-1`, `chart-2` and so on, and where a name would come twice the later one gets `-2`.
///
/// A file that ends in `.mmd` or `.mermaid`, or that begins as a flowchart and holds no fence, is
/// one chart, named by a comment `%% chart: NAME` or else by the file.
#[must_use]
pub fn charts_in_markdown(text: &str, file: &str) -> MarkdownDocument {
    let mut document = MarkdownDocument::default();
    let is_mermaid = MERMAID_ENDINGS.iter().any(|ending| file.ends_with(ending));
    let fenced = || lines(text).any(|(_, _, line)| Fence::opened_by(line).is_some());
    if is_mermaid || (begins_as_a_chart(text) && !fenced()) {
        if text.trim().is_empty() || looks_like_a_chart(text) {
            document.read(text, file, &bare_name(text, file), 1);
        }
        return document;
    }
    let mut names = TakenNames::default();
    let mut open: Option<Open<'_>> = None;
    for (number, (start, next, line)) in lines(text).enumerate() {
        let number = number + 1;
        if let Some(block) = &open {
            if block.fence.closed_by(line) {
                let content = text.get(block.start..start).unwrap_or_default();
                if block.fence.is_mermaid && looks_like_a_chart(content) {
                    let name = names.next();
                    document.read(content, file, &name, block.line + 1);
                }
                open = None;
            }
        } else if let Some(fence) = Fence::opened_by(line) {
            let (start, line) = (next, number);
            open = Some(Open { fence, start, line });
        } else if let Some(heading) = heading(line) {
            names.heading = heading_name(heading);
        }
    }
    if let Some(block) = open {
        document.errors.push(block.unclosed(text, file));
    }
    document
}

impl MarkdownDocument {
    fn read(&mut self, text: &str, file: &str, name: &str, first_line: usize) {
        match parse(text, file, name, first_line) {
            Ok(parsed) => {
                self.charts.push(parsed.chart);
                self.warnings.extend(parsed.warnings);
            }
            Err(complaint) => self.errors.push(complaint),
        }
    }
}

/// The names given so far in a document.
#[derive(Debug, Default)]
struct TakenNames {
    /// What the nearest heading above gives; empty where there is none.
    heading: String,
    /// How often each name was asked for.
    given: BTreeMap<String, usize>,
}

impl TakenNames {
    /// The name of the next chart, unlike every name before.
    fn next(&mut self) -> String {
        let (base, first) = match self.heading.as_str() {
            "" => ("chart", 1),
            heading => (heading, 0),
        };
        let base = base.to_owned();
        loop {
            let times = self.given.entry(base.clone()).or_insert(first);
            let number = *times + usize::from(*times > 0 && first == 0);
            *times += 1;
            if number == 0 {
                return base;
            }
            let name = format!("{base}-{number}");
            if !self.given.contains_key(&name) {
                self.given.insert(name.clone(), 1);
                return name;
            }
        }
    }
}

/// A code block that was not closed yet.
struct Open<'a> {
    fence: Fence<'a>,
    /// Where its content begins.
    start: usize,
    /// The line of the fence.
    line: usize,
}

impl Open<'_> {
    fn unclosed(&self, text: &str, file: &str) -> Diagnostic {
        let marks = self.fence.marks;
        let (_, _, source) = lines(text).nth(self.line - 1).unwrap_or_default();
        let column = source.chars().take_while(|c| *c == ' ').count() + 1;
        let what = format!("this code block is never closed, expected a line of `{marks}`");
        Diagnostic::error(file, what)
            .at(self.line, column, marks.len(), source)
            .hint("everything below it was taken for its content")
    }
}

/// The line that opens a code block.
#[derive(Debug, Clone, Copy)]
struct Fence<'a> {
    marks: &'a str,
    is_mermaid: bool,
}

impl<'a> Fence<'a> {
    fn opened_by(line: &'a str) -> Option<Self> {
        let (marks, info) = marks(line)?;
        if marks.starts_with('`') && info.contains('`') {
            return None;
        }
        let word = info.split_whitespace().next().unwrap_or_default();
        let is_mermaid = word.eq_ignore_ascii_case("mermaid");
        Some(Self { marks, is_mermaid })
    }

    fn closed_by(&self, line: &str) -> bool {
        marks(line)
            .is_some_and(|(marks, info)| marks.starts_with(self.marks) && info.trim().is_empty())
    }
}

/// The three or more backticks or tildes at the beginning of a line, and what follows them.
fn marks(line: &str) -> Option<(&str, &str)> {
    let inner = unindented(line)?;
    let mark = inner.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let after = inner.trim_start_matches(mark);
    let marks = inner.get(..inner.len() - after.len())?;
    (marks.len() >= 3).then_some((marks, after))
}

/// The text of a heading such as `## Text`.
fn heading(line: &str) -> Option<&str> {
    let inner = unindented(line)?;
    let text = inner.trim_start_matches('#');
    let level = inner.len() - text.len();
    let is_heading = (1..=6).contains(&level) && (text.is_empty() || text.starts_with([' ', '\t']));
    is_heading.then(|| text.trim())
}

/// The line without its indentation, if that is not the one of a code block.
fn unindented(line: &str) -> Option<&str> {
    let inner = line.trim_start_matches(' ');
    (line.len() - inner.len() <= 3).then_some(inner)
}

/// The lines of a text without their ends, each with the offsets of its beginning and of the next
/// line's.
fn lines(text: &str) -> impl Iterator<Item = (usize, usize, &str)> {
    let mut next = 0;
    text.split('\n').map(move |line| {
        let start = next;
        next += line.len() + 1;
        (start, next, line.strip_suffix('\r').unwrap_or(line))
    })
}

/// The name of the chart that is a whole file.
fn bare_name(text: &str, file: &str) -> String {
    let comments = text.lines().filter_map(|line| line.trim().strip_prefix("%%"));
    let named = comments.filter_map(|comment| comment.trim_start().strip_prefix("chart:"));
    if let Some(name) = named.map(str::trim).find(|name| !name.is_empty()) {
        return name.to_owned();
    }
    let base = file.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = base.rsplit_once('.').map_or(base, |(stem, _)| stem);
    match kebab(stem).as_str() {
        "" => "chart-1".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the charts and the number of errors.
    fn names(text: &str, file: &str) -> (Vec<String>, usize) {
        let document = charts_in_markdown(text, file);
        let charts = document.charts.into_iter();
        (charts.map(|chart| chart.name).collect(), document.errors.len())
    }

    const CHART: &str = "```mermaid\ngraph TD\na[A]\n```\n";

    #[test]
    fn charts_are_named_by_headings_and_never_twice() {
        let text = format!(
            "{CHART}{CHART}# On A Hook ##\n{CHART}{CHART}{CHART}## b\ntext\n #no\n{CHART}# A\n{CHART}# A 2\n{CHART}"
        );
        let expected = ["chart-1", "chart-2", "a", "a-2", "a-3", "b", "a-4", "a-2-2"];
        let (names, errors) = names(&text, "f.md");
        assert_eq!((names, errors), (expected.map(str::to_owned).to_vec(), 0));
    }

    #[test]
    fn a_numbered_name_gives_way_to_a_heading_above() {
        let text = format!("# A 2\n{CHART}# A\n{CHART}{CHART}");
        assert_eq!(names(&text, "f.md").0, ["a-2", "a", "a-3"]);
    }

    #[test]
    fn fences_are_found_as_markdown_has_them() {
        let count = |text: &str| charts_in_markdown(text, "f.md").charts.len();
        assert_eq!(count("~~~ mermaid x\ngraph TD\n```\n~~~~  \n"), 0);
        assert_eq!(count("   ~~~Mermaid\n   graph TD\n   a[A]\n  ~~~\n"), 1);
        assert_eq!(count("`````mermaid\r\ngraph TD\r\na[\"\r\n```\r\n\"]\r\n`````\r\n"), 1);
        assert_eq!(count("    ```mermaid\n    graph TD\n    ```\n"), 0);
        assert_eq!(count("````text\n```mermaid\ngraph TD\n```\n````\n"), 0);
        assert_eq!(count("```python\n# heading\n```\n```mermaid\ngraph TD\n```"), 1);
        assert_eq!(count("```mermaid `x`\ngraph TD\n"), 0);
    }

    #[test]
    fn a_comment_in_a_code_block_is_no_heading() {
        let text = format!("# One\n```sh\n# two\n```\n{CHART}");
        assert_eq!(names(&text, "f.md").0, ["one"]);
    }

    #[test]
    fn other_diagrams_are_passed_over_but_misspelt_ones_are_not() {
        let block = |first: &str| format!("```mermaid\n%% x\n{first}\n a[A]\n```\n");
        for other in ["sequenceDiagram", "gitGraph", "pie title x", "stateDiagram-v2", ""] {
            assert_eq!(names(&block(other), "f.md"), (vec![], 0), "{other}");
        }
        for wrong in ["flowchrt TD", "Graph TD", "flowchart XX"] {
            assert_eq!(names(&block(wrong), "f.md"), (vec![], 1), "{wrong}");
        }
    }

    #[test]
    fn complaints_count_lines_in_the_document() {
        let text = "# T\r\n\r\n```mermaid\r\nflowchart TD\r\n  a[A] --> b\r\n```\r\n~~~mermaid\r\ngraph TD\r\n  a --- b\r\n~~~\r\n";
        let document = charts_in_markdown(text, "f.md");
        let warning = &document.warnings[0];
        assert_eq!(
            (warning.line, warning.column, warning.source.as_str()),
            (5, 12, "  a[A] --> b")
        );
        let error = &document.errors[0];
        assert_eq!((error.line, error.column, error.file.as_str()), (9, 5, "f.md"));
    }

    #[test]
    fn an_unclosed_fence_is_an_error_where_it_opened() {
        let document =
            charts_in_markdown(&format!("{CHART}\n ```mermaid\r\ngraph TD\na[A]"), "f.md");
        assert_eq!(document.charts.len(), 1);
        let error = &document.errors[0];
        assert_eq!((error.line, error.column, error.width), (6, 2, 3));
        assert_eq!(error.source, " ```mermaid");
    }

    #[test]
    fn a_bare_file_is_one_chart() {
        let bare = "%% chart: my chart\n\ngraph TD\na[A]";
        assert_eq!(names(bare, "x/update_status.mmd").0, ["my chart"]);
        assert_eq!(names("graph TD\r\na[A]", "x/update_status.mmd").0, ["update-status"]);
        assert_eq!(names("graph TD\na[A]", "<stdin>").0, ["stdin"]);
        assert_eq!(names("graph TD\na[A]", "").0, ["chart-1"]);
        assert_eq!(names("flowchrt TD\na[A]", "x.mmd"), (vec![], 1));
        assert_eq!(names("", "x.mmd"), (vec![], 1));
        assert_eq!(names("pie", "x.mermaid"), (vec![], 0));
        assert_eq!(names(&format!("graph theory\n{CHART}"), "x.md").0, ["chart-1"]);
        assert_eq!(names("", "x.md"), (vec![], 0));
    }
}
