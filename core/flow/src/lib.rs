//! Flowcharts as data: read from Mermaid or Markdown, counted into paths, painted with visits.
//!
//! [`parse()`] reads one Mermaid flowchart, [`charts_in_markdown`] every one of a document,
//! [`Chart::paths`] lists the ways from its starts to its ends, and [`mermaid`] writes it back with
//! the visits on its arrows. Nothing here touches a file: texts come in, values go out.

mod counted;
mod diagnostic;
mod link;
mod markdown;
mod names;
mod paint;
mod parse;
mod paths;
mod resolve;
mod shape;
mod shown;
mod source;
mod starts;
mod statement;
mod table;
mod text;
mod words;

pub use counted::counted;
pub use diagnostic::{Diagnostic, Severity, place_after};
pub use markdown::{MarkdownDocument, charts_in_markdown};
pub use names::{Tolerance, did_you_mean, nearest_name};
pub use paint::mermaid;
pub use parse::{Parsed, parse};
pub use paths::{ChartPath, ChartPaths, PathCount};
pub use shown::{is_unseen, shown, shown_json, shown_lines};

/// One flowchart: its shapes and the arrows between them, both in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// What the chart is called, such as `create-backup`.
    pub name: String,
    /// Which way it is drawn.
    pub direction: Direction,
    /// The shapes, in the order in which their ids first appear.
    pub nodes: Vec<Node>,
    /// The arrows, in the order of the text; those of `a & b --> c & d` go a-c, a-d, b-c, b-d.
    pub arrows: Vec<Arrow>,
}

/// One shape of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The name by which arrows refer to it, unique in its chart.
    pub id: String,
    /// What a reader sees in the shape, with real newlines.
    pub caption: String,
    /// How the shape is drawn.
    pub form: Form,
    /// One-based line of the file where the caption is given, or else where the id first appears.
    pub line: usize,
}

/// The outline of a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// `id[caption]`
    Rectangle,
    /// `id(caption)`
    Rounded,
    /// `id([caption])`
    Stadium,
    /// `id[[caption]]`
    Subroutine,
    /// `id[(caption)]`
    Cylinder,
    /// `id((caption))`
    Circle,
    /// `id>caption]`
    Flag,
    /// `id{caption}`
    Diamond,
    /// `id{{caption}}`
    Hexagon,
    /// `id[/caption/]`
    LeanRight,
    /// `id[\caption\]`
    LeanLeft,
    /// `id[/caption\]`: wide below
    Trapezoid,
    /// `id[\caption/]`: wide above
    InvertedTrapezoid,
    /// `id(((caption)))`
    DoubleCircle,
    /// `id(-caption-)`
    Ellipse,
}

/// One arrow of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrow {
    /// Index in [`Chart::nodes`] of the shape that it leaves.
    pub from: usize,
    /// Index in [`Chart::nodes`] of the shape that it enters.
    pub to: usize,
    /// What is written on it, with real newlines.
    pub label: Option<String>,
    /// Whether it is drawn dotted; thick arrows and lines without a head count as solid.
    pub dotted: bool,
    /// One-based line of the file where the arrow is drawn.
    pub line: usize,
}

/// Which way a chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// `TD`, `TB` or `v`
    TopDown,
    /// `BT` or `^`
    BottomUp,
    /// `LR` or `>`
    LeftRight,
    /// `RL` or `<`
    RightLeft,
}

impl Chart {
    /// The index of the node with this id. Looks at every node: keep a map for many look-ups.
    #[must_use]
    pub fn node(&self, id: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.id == id)
    }

    /// The arrows, dotted ones included, that leave a node, each with its index in
    /// [`Chart::arrows`], in chart order.
    pub fn arrows_from(&self, node: usize) -> impl Iterator<Item = (usize, &Arrow)> {
        self.arrows.iter().enumerate().filter(move |(_, arrow)| arrow.from == node)
    }

    /// The arrows, dotted ones included, that enter a node, each with its index in
    /// [`Chart::arrows`], in chart order.
    pub fn arrows_to(&self, node: usize) -> impl Iterator<Item = (usize, &Arrow)> {
        self.arrows.iter().enumerate().filter(move |(_, arrow)| arrow.to == node)
    }
}

impl Form {
    /// Every form, in the order of the enum.
    pub const ALL: [Self; 15] = [
        Self::Rectangle,
        Self::Rounded,
        Self::Stadium,
        Self::Subroutine,
        Self::Cylinder,
        Self::Circle,
        Self::Flag,
        Self::Diamond,
        Self::Hexagon,
        Self::LeanRight,
        Self::LeanLeft,
        Self::Trapezoid,
        Self::InvertedTrapezoid,
        Self::DoubleCircle,
        Self::Ellipse,
    ];

    /// The brackets around the caption, as Mermaid writes them.
    #[must_use]
    pub const fn brackets(self) -> (&'static str, &'static str) {
        match self {
            Self::Rectangle => ("[", "]"),
            Self::Rounded => ("(", ")"),
            Self::Stadium => ("([", "])"),
            Self::Subroutine => ("[[", "]]"),
            Self::Cylinder => ("[(", ")]"),
            Self::Circle => ("((", "))"),
            Self::Flag => (">", "]"),
            Self::Diamond => ("{", "}"),
            Self::Hexagon => ("{{", "}}"),
            Self::LeanRight => ("[/", "/]"),
            Self::LeanLeft => ("[\\", "\\]"),
            Self::Trapezoid => ("[/", "\\]"),
            Self::InvertedTrapezoid => ("[\\", "/]"),
            Self::DoubleCircle => ("(((", ")))"),
            Self::Ellipse => ("(-", "-)"),
        }
    }
}

impl Direction {
    /// The direction as Mermaid writes it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::TopDown => "TD",
            Self::BottomUp => "BT",
            Self::LeftRight => "LR",
            Self::RightLeft => "RL",
        }
    }

    /// The direction that Mermaid means by this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "TD" | "TB" | "v" => Some(Self::TopDown),
            "BT" | "^" => Some(Self::BottomUp),
            "LR" | ">" => Some(Self::LeftRight),
            "RL" | "<" => Some(Self::RightLeft),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(text: &str) -> Chart {
        parse(text, "t.mmd", "t", 1).unwrap().chart
    }

    #[test]
    fn a_node_is_found_by_its_id() {
        let chart = chart("flowchart TD\na[A] --> b[B]");
        assert_eq!(chart.node("b"), Some(1));
        assert_eq!(chart.node("B"), None);
    }

    #[test]
    fn arrows_are_listed_by_their_ends() {
        let chart = chart("flowchart TD\na[A] --> b[B]\na -.-> c[C]\nb --> c");
        let from: Vec<usize> = chart.arrows_from(0).map(|(ix, _)| ix).collect();
        let to: Vec<usize> = chart.arrows_to(2).map(|(ix, _)| ix).collect();
        assert_eq!((from, to), (vec![0, 1], vec![1, 2]));
    }
}
