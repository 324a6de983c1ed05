//! The lines that open and close code blocks and directives.

/// Directives whose content is shown as it stands.
const VERBATIM: [&str; 9] = [
    "code",
    "code-block",
    "code-cell",
    "eval-rst",
    "literalinclude",
    "math",
    "parsed-literal",
    "raw",
    "sourcecode",
];

/// Directives between backticks whose content is Markdown. Between colons every one that is not
/// [`VERBATIM`] is such.
const HOLDING_MARKDOWN: [&str; 24] = [
    "admonition",
    "attention",
    "card",
    "caution",
    "container",
    "danger",
    "details",
    "div",
    "dropdown",
    "error",
    "grid",
    "grid-item",
    "grid-item-card",
    "hint",
    "important",
    "margin",
    "note",
    "only",
    "seealso",
    "sidebar",
    "tab-item",
    "tab-set",
    "tip",
    "warning",
];

/// A line that opens a code block or a directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fence<'a> {
    /// The backticks, tildes or colons; as many or more close it.
    pub(crate) marks: &'a str,
    /// What stands between it and the line that closes it.
    pub(crate) content: Content,
}

/// What a fence holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// A Mermaid diagram; that of a directive may begin with lines of options.
    Mermaid {
        /// Whether it is a directive's.
        directive: bool,
    },
    /// Text that is shown as it stands.
    Verbatim,
    /// Markdown.
    Markdown,
}

impl<'a> Fence<'a> {
    /// The fence that a line without its indentation opens.
    pub(crate) fn opened_by(line: &'a str) -> Option<Self> {
        let (marks, info) = marks(line)?;
        let colons = marks.starts_with(':');
        let info = info.trim();
        if (marks.starts_with('`') && info.contains('`')) || (colons && info.is_empty()) {
            return None;
        }
        Some(Self { marks, content: content(info, colons) })
    }

    /// Whether a line without its indentation closes this fence.
    pub(crate) fn closed_by(&self, line: &str) -> bool {
        marks(line)
            .is_some_and(|(marks, info)| marks.starts_with(self.marks) && info.trim().is_empty())
    }
}

/// What is announced by the words behind the marks: `mermaid`, `{mermaid} options`, `{ .mermaid }`,
/// the name of a language or that of another directive.
fn content(info: &str, colons: bool) -> Content {
    let braced = info.strip_prefix('{').and_then(|rest| rest.split_once('}'));
    let between = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | ',');
    let mut words = info.split(between).filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default();
    let is_class = |word: &str| word.eq_ignore_ascii_case(".mermaid");
    let has_class = |(classes, _): (&str, &str)| classes.split(between).any(is_class);
    if first.eq_ignore_ascii_case("mermaid") {
        Content::Mermaid { directive: braced.is_some() }
    } else if braced.is_some_and(has_class) {
        Content::Mermaid { directive: false }
    } else if colons {
        let verbatim = VERBATIM.contains(&first);
        if verbatim { Content::Verbatim } else { Content::Markdown }
    } else if braced.is_some() && HOLDING_MARKDOWN.contains(&first) {
        Content::Markdown
    } else {
        Content::Verbatim
    }
}

/// The three or more marks at the beginning of a line, and what follows them.
fn marks(line: &str) -> Option<(&str, &str)> {
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~' | ':'))?;
    let after = line.trim_start_matches(mark);
    let marks = line.get(..line.len() - after.len())?;
    (marks.len() >= 3).then_some((marks, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(line: &str) -> Option<Content> {
        Fence::opened_by(line).map(|fence| fence.content)
    }

    #[test]
    fn every_way_to_announce_a_diagram_is_known() {
        for line in ["```mermaid", "~~~~ Mermaid x", "``` mermaid {init}", "::: mermaid"] {
            assert_eq!(opened(line), Some(Content::Mermaid { directive: false }), "{line}");
        }
        for line in
            ["```{mermaid}", "```{mermaid} ", ":::{mermaid}", "::::{mermaid} x", "~~~{mermaid}"]
        {
            assert_eq!(opened(line), Some(Content::Mermaid { directive: true }), "{line}");
        }
        for line in ["``` { .mermaid }", "```{.mermaid #id}", "``` {#id .wide .mermaid}"] {
            assert_eq!(opened(line), Some(Content::Mermaid { directive: false }), "{line}");
        }
    }

    #[test]
    fn what_shows_or_names_a_diagram_announces_none() {
        for line in [
            "```",
            "```python",
            "```{code-block} mermaid",
            ":::{code-block} mermaid",
            "```{python}",
        ] {
            assert_eq!(opened(line), Some(Content::Verbatim), "{line}");
        }
        for line in ["````{note}", ":::{tab-set}", ":::note", "::: {.mine}"] {
            assert_eq!(opened(line), Some(Content::Markdown), "{line}");
        }
        for line in ["``", "```a`b", ":::", "::", "text", ""] {
            assert_eq!(opened(line), None, "{line}");
        }
    }

    #[test]
    fn a_fence_is_closed_by_as_many_of_its_marks() {
        let fence = Fence::opened_by("````x").unwrap();
        assert!(fence.closed_by("```` ") && fence.closed_by("`````"));
        assert!(!fence.closed_by("```") && !fence.closed_by("````x") && !fence.closed_by("~~~~"));
    }
}
