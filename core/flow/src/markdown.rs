//! Finds the flowcharts of a document and names them.

mod blocks;
mod fence;

use std::collections::BTreeMap;

use self::blocks::{Block, CodeBlock, blocks};
use self::fence::Fence;
use super::names::{heading_name, kebab};
use super::parse::{begins_as_a_chart, looks_like_a_chart};
use super::{Chart, Parsed, parse};
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
/// In Markdown these are the code blocks between three or more backticks or tildes that are marked `mermaid`,
/// as MyST (`{mermaid}`, between colons too, with lines of options) or as MkDocs do it (`{ .mermaid }`), and
/// that begin with `flowchart` or `graph` (or with a misspelling, which is an error); other diagrams are passed
/// over. They may stand in lists, block quotes and directives that hold Markdown. What is indented as code or
/// stands in an HTML comment is not read.
///
/// A chart is named by the nearest heading above it, with `#` before or a line of `=` or `-` below:
/// `### On Create Backup Hook` names `create-backup`. Charts without one are `chart-1`, `chart-2` and so on,
/// and where a name would come twice the later one gets `-2`. A chart that can't be read keeps its name.
///
/// A file that ends in `.mmd` or `.mermaid`, or that begins as a flowchart and holds no fence, is
/// one chart, named by a comment `%% chart: NAME` or else by the file.
#[must_use]
pub fn charts_in_markdown(text: &str, file: &str) -> MarkdownDocument {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut document = MarkdownDocument::default();
    let is_mermaid = MERMAID_ENDINGS.iter().any(|ending| file.ends_with(ending));
    let fenced = || text.lines().any(|line| Fence::opened_by(line.trim_start()).is_some());
    if is_mermaid || (begins_as_a_chart(text) && !fenced()) {
        if text.trim().is_empty() || looks_like_a_chart(text) {
            document.take(parse(text, file, &bare_name(text, file), 1));
        }
        return document;
    }
    let mut names = TakenNames::default();
    let lines: Vec<&str> = text.split('\n').collect();
    for block in blocks(text) {
        match block {
            Block::Heading(text) => names.heading = heading_name(&text),
            Block::Unclosed(block) => document.errors.push(unclosed(&block, &lines, file)),
            Block::Diagram(block) => {
                let (content, options) = block.without_options();
                if looks_like_a_chart(content) {
                    let read = parse(content, file, &names.next(), block.line + 1 + options);
                    document.take(in_the_document(read, &block, &lines));
                }
            }
        }
    }
    document
}

impl MarkdownDocument {
    fn take(&mut self, read: Result<Parsed, Diagnostic>) {
        match read {
            Ok(parsed) => {
                self.charts.push(parsed.chart);
                self.warnings.extend(parsed.warnings);
            }
            Err(complaint) => self.errors.push(complaint),
        }
    }
}

/// Lets complaints about a block point to where its text stands in the document.
fn in_the_document(
    mut read: Result<Parsed, Diagnostic>,
    block: &CodeBlock<'_>,
    lines: &[&str],
) -> Result<Parsed, Diagnostic> {
    let complaints = match &mut read {
        Ok(parsed) => parsed.warnings.as_mut_slice(),
        Err(complaint) => std::slice::from_mut(complaint),
    };
    for complaint in complaints {
        // The end of a block is the line that closes it, or that of its last line.
        let at = complaint.line.saturating_sub(block.line + 1);
        let cut = block.cuts.get(at).copied().unwrap_or_default();
        if complaint.column > 0 {
            complaint.column += cut;
        }
        if !complaint.source.is_empty() {
            complaint.source = source_line(lines, complaint.line);
        }
    }
    read
}

fn unclosed(block: &CodeBlock<'_>, lines: &[&str], file: &str) -> Diagnostic {
    let marks = block.fence.marks;
    let what = format!("this code block is never closed, expected a line of `{marks}`");
    Diagnostic::error(file, what)
        .at(block.line, block.before + 1, marks.len(), &source_line(lines, block.line))
        .hint("everything below it was taken for its content")
}

fn source_line(lines: &[&str], number: usize) -> String {
    let line = lines.get(number.saturating_sub(1)).copied().unwrap_or_default();
    line.strip_suffix('\r').unwrap_or(line).to_owned()
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
        let text = "# T\r\n\r\n```mermaid\r\nflowchart TD\r\n  a[A] --> b\r\n```\r\n~~~mermaid\r\ngraph TD\r\n  a -- b\r\n~~~\r\n";
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
    fn complaints_in_lists_and_quotes_point_into_the_document() {
        let text =
            "# T\n- x\n  > ```{mermaid}\n  > :name: x\n  > graph TD\n  >   a[A] --> b\n  > ```\n";
        let document = charts_in_markdown(text, "f.md");
        let warning = &document.warnings[0];
        assert_eq!((warning.line, warning.column, warning.width), (6, 16, 1));
        assert_eq!(warning.source, "  >   a[A] --> b");
        let open = charts_in_markdown("1. > ~~~~mermaid\n   > graph TD", "f.md");
        assert_eq!((open.errors[0].line, open.errors[0].column, open.errors[0].width), (1, 6, 4));
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
