//! Flowcharts as data: read from Mermaid or Markdown, counted into paths, painted with visits.
//!
//! [`parse()`] reads one Mermaid flowchart, [`charts_in_markdown`] every one of a document,
//! [`Chart::paths`] lists the ways from its start to its ends, and [`mermaid`] writes it back with
//! the visits on its arrows. Nothing here touches a file: texts come in, values go out.

mod diagnostic;
mod link;
mod markdown;
mod names;
mod paint;
mod parse;
mod paths;
mod resolve;
mod shown;
mod source;
mod statement;
mod table;
mod text;

pub use diagnostic::{Diagnostic, Severity};
pub use markdown::{MarkdownDocument, charts_in_markdown};
pub use names::{Tolerance, nearest_name};
pub use paint::mermaid;
pub use parse::{Parsed, parse};
pub use paths::{ChartPath, PathsError};
pub use shown::{is_unseen, shown, shown_lines};

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
    /// Whether it is drawn dotted; thick arrows count as solid.
    pub dotted: bool,
    /// One-based line of the file where the arrow is drawn.
    pub line: usize,
}

/// Which way a chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// `TD` or `TB`
    TopDown,
    /// `BT`
    BottomUp,
    /// `LR`
    LeftRight,
    /// `RL`
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

    /// The nodes that no arrow enters, dotted or solid, in chart order. One that only dotted arrows leave
    /// is where an amendment sets in, not a start; nor is one that no arrow touches, in a chart with arrows.
    #[must_use]
    pub fn starts(&self) -> Vec<usize> {
        let mut entered = vec![false; self.nodes.len()];
        let mut left_solid = vec![false; self.nodes.len()];
        for arrow in &self.arrows {
            if let Some(mark) = entered.get_mut(arrow.to) {
                *mark = true;
            }
            if let Some(mark) = left_solid.get_mut(arrow.from) {
                *mark |= !arrow.dotted;
            }
        }
        let no_arrows = self.arrows.is_empty();
        let marks = entered.into_iter().zip(left_solid).enumerate();
        let free = marks.filter(|(_, (entered, left))| !entered && (*left || no_arrows));
        free.map(|(node, _)| node).collect()
    }

    /// The one node that no arrow enters: where the chart begins. `None` if there are none or
    /// several, see [`Chart::starts`].
    #[must_use]
    pub fn start(&self) -> Option<usize> {
        match self.starts().as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }
}

impl Form {
    /// Every form, in the order of the enum.
    pub const ALL: [Self; 9] = [
        Self::Rectangle,
        Self::Rounded,
        Self::Stadium,
        Self::Subroutine,
        Self::Cylinder,
        Self::Circle,
        Self::Flag,
        Self::Diamond,
        Self::Hexagon,
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
            "TD" | "TB" => Some(Self::TopDown),
            "BT" => Some(Self::BottomUp),
            "LR" => Some(Self::LeftRight),
            "RL" => Some(Self::RightLeft),
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

    #[test]
    fn the_start_is_what_nothing_enters() {
        assert_eq!(chart("graph TD\nb[B]\na[A] --> b").start(), Some(1));
        assert_eq!(chart("graph TD\na[A] --> c[C]\nb[B] --> c").starts(), [0, 2]);
        assert_eq!(chart("graph TD\na[A] --> c[C]\nb[B] --> c").start(), None);
    }

    #[test]
    fn where_an_amendment_sets_in_is_no_start() {
        assert_eq!(chart("graph TD\na[A] -.-> b[B]\nc[C] --> b").starts(), [2]);
        assert_eq!(chart("graph TD\na[A]").starts(), [0], "a chart of one node starts there");
    }
}
