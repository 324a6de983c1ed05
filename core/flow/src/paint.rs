//! Writes a chart as Mermaid, with the visits that its arrows had.

use std::fmt::Write;

use super::text::encode;
use super::{Arrow, Chart, Node, shown};

/// How arrows without visits are drawn.
const UNVISITED_ARROW: &str = "stroke:red,stroke-width:4px";

/// How nodes without visits are drawn.
const UNVISITED_NODE: &str = "stroke:red,stroke-width:4px,color:red";

/// The chart as Mermaid, the arrow at each position labelled with the visits at that position
/// (`no · 12×`), arrows and nodes without visits in red. Missing visits count as none.
///
/// A node counts as visited when an arrow that touches it was; one that no arrow touches is left as
/// it is. Reading the result gives the same nodes and the same arrows, apart from the visits in the
/// labels. Ids are written as they are, so that they must be ids that [`parse`](super::parse())
/// accepts.
#[must_use]
pub fn mermaid(chart: &Chart, visits: &[u64]) -> String {
    let mut painted = format!("flowchart {}\n", chart.direction.word());
    let name: String = chart.name.split_whitespace().collect::<Vec<_>>().join(" ");
    if !name.is_empty() {
        push(&mut painted, format_args!("  %% chart: {}\n", shown(&name)));
    }
    for node in &chart.nodes {
        push_node(&mut painted, node);
    }
    let mut drawn = 0_usize;
    let mut unvisited: Vec<String> = Vec::new();
    for (index, arrow) in chart.arrows.iter().enumerate() {
        let visits = visits_of(visits, index);
        if push_arrow(&mut painted, chart, arrow, visits) {
            if visits == 0 {
                unvisited.push(drawn.to_string());
            }
            drawn += 1;
        }
    }
    if !unvisited.is_empty() {
        let list = unvisited.join(",");
        push(&mut painted, format_args!("  linkStyle {list} {UNVISITED_ARROW}\n"));
    }
    let unvisited = unvisited_nodes(chart, visits);
    if !unvisited.is_empty() {
        let list = unvisited.join(",");
        push(&mut painted, format_args!("  classDef unvisited {UNVISITED_NODE}\n"));
        push(&mut painted, format_args!("  class {list} unvisited\n"));
    }
    painted
}

fn push_node(painted: &mut String, node: &Node) {
    let (open, close) = node.form.brackets();
    let caption = encode(&node.caption);
    push(painted, format_args!("  {}{open}\"{caption}\"{close}\n", node.id));
}

/// Draws an arrow, unless one of its ends is no node.
fn push_arrow(painted: &mut String, chart: &Chart, arrow: &Arrow, visits: u64) -> bool {
    let (Some(from), Some(to)) = (chart.nodes.get(arrow.from), chart.nodes.get(arrow.to)) else {
        return false;
    };
    let line = if arrow.dotted { "-.->" } else { "-->" };
    let label = match &arrow.label {
        Some(label) => format!("{label} · {visits}×"),
        None => format!("{visits}×"),
    };
    let label = encode(&label);
    push(painted, format_args!("  {} {line}|\"{label}\"| {}\n", from.id, to.id));
    true
}

fn visits_of(visits: &[u64], arrow: usize) -> u64 {
    visits.get(arrow).copied().unwrap_or(0)
}

/// The ids of the nodes that arrows touch, but no visited one.
fn unvisited_nodes<'a>(chart: &'a Chart, visits: &[u64]) -> Vec<&'a str> {
    // For each node, the visits of the most visited arrow that touches it.
    let mut most: Vec<Option<u64>> = vec![None; chart.nodes.len()];
    for (index, arrow) in chart.arrows.iter().enumerate() {
        for end in [arrow.from, arrow.to] {
            if let Some(most) = most.get_mut(end) {
                *most = (*most).max(Some(visits_of(visits, index)));
            }
        }
    }
    let nodes = chart.nodes.iter().zip(most);
    let unvisited = nodes.filter(|(_, most)| *most == Some(0));
    unvisited.map(|(node, _)| node.id.as_str()).collect()
}

fn push(painted: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = painted.write_fmt(line);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    fn painted(body: &str, visits: &[u64]) -> String {
        let text = format!("flowchart LR\n{body}");
        mermaid(&parse(&text, "t.mmd", "my t", 1).unwrap().chart, visits)
    }

    #[test]
    fn no_name_is_obeyed_where_it_is_shown() {
        let parsed = parse("flowchart LR\na --> b", "t.mmd", "a\u{90}q\u{202e} b", 1).unwrap();
        let painted = mermaid(&parsed.chart, &[1]);
        assert!(painted.contains("%% chart: a\\u{90}q\\u{202e} b\n"), "{painted}");
    }

    #[test]
    fn visits_stand_on_every_arrow() {
        let body = "s([S]) --> q{Is it\\nso?}\nq -- no --> x>X]\nq -. yes .-> y[[Y]]";
        let expected = "flowchart LR
  %% chart: my t
  s([\"S\"])
  q{\"Is it<br/>so?\"}
  x>\"X\"]
  y[[\"Y\"]]
  s -->|\"12×\"| q
  q -->|\"no · 12×\"| x
  q -.->|\"yes · 0×\"| y
  linkStyle 2 stroke:red,stroke-width:4px
  classDef unvisited stroke:red,stroke-width:4px,color:red
  class y unvisited
";
        assert_eq!(painted(body, &[12, 12]), expected);
    }

    #[test]
    fn a_fully_visited_chart_has_nothing_in_red() {
        let all = painted("a[A] --> b[B]", &[1]);
        assert!(!all.contains("linkStyle") && !all.contains("class"), "{all}");
        assert!(!painted("a[A]", &[]).contains("class"));
    }

    #[test]
    fn captions_are_escaped() {
        let text = painted("a[\"<b> #quot;x#quot; #35;1 & y\"]", &[]);
        assert!(text.contains("a[\"#lt;b#gt; #quot;x#quot; #35;1 #amp; y\"]"), "{text}");
    }
}
