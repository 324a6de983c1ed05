//! Lists the ways through a chart, from its start to its ends.

use std::error::Error;
use std::fmt;

use super::Chart;

/// One way through a chart: each arrow leads from the node at its position to the next one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChartPath {
    /// Indices in [`Chart::nodes`], from the start to an end.
    pub nodes: Vec<usize>,
    /// Indices in [`Chart::arrows`] of the arrows taken; one fewer than the nodes.
    pub arrows: Vec<usize>,
}

/// Why the paths of a chart could not be listed. Nodes are named by their ids, in chart order or,
/// on a cycle, in the order of its arrows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathsError {
    /// Every node has an arrow that enters it, or there are no nodes.
    NoStart,
    /// More than one node has no arrow that enters it.
    SeveralStarts(Vec<String>),
    /// The solid arrows lead from these nodes round to the first of them again.
    Cycle(Vec<String>),
    /// There are more paths than the limit, which is given.
    TooMany(usize),
}

impl Chart {
    /// The ways from the start to the nodes that no solid arrow leaves, by solid arrows alone, in
    /// the order of the arrows.
    ///
    /// # Errors
    ///
    /// The solid arrows make a cycle; there is not exactly one start (see [`Chart::starts`]); there
    /// are more than `limit` paths.
    pub fn paths(&self, limit: usize) -> Result<Vec<ChartPath>, PathsError> {
        let onward = self.onward();
        if let Some(cycle) = find_cycle(&onward) {
            return Err(PathsError::Cycle(self.ids(&cycle)));
        }
        match self.starts().as_slice() {
            [] => Err(PathsError::NoStart),
            [start] => walk(&onward, *start, limit),
            several => Err(PathsError::SeveralStarts(self.ids(several))),
        }
    }

    /// For each node, the solid arrows that leave it and where they lead.
    fn onward(&self) -> Onward {
        let mut onward = vec![Vec::new(); self.nodes.len()];
        for (index, arrow) in self.arrows.iter().enumerate() {
            if !arrow.dotted
                && arrow.to < self.nodes.len()
                && let Some(leaving) = onward.get_mut(arrow.from)
            {
                leaving.push((index, arrow.to));
            }
        }
        onward
    }

    fn ids(&self, nodes: &[usize]) -> Vec<String> {
        let nodes = nodes.iter().filter_map(|node| self.nodes.get(*node));
        nodes.map(|node| node.id.clone()).collect()
    }
}

impl ChartPath {
    /// The path for a reader, each node with the label of the arrow taken after it:
    /// `hook_fired > is_blocked:no > rtn`.
    #[must_use]
    pub fn display<'a>(&'a self, chart: &'a Chart) -> impl fmt::Display + 'a {
        PathText { path: self, chart }
    }
}

impl fmt::Display for PathsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStart => f.write_str("no node is a start: an arrow enters every one"),
            Self::SeveralStarts(ids) => {
                write!(f, "several nodes are starts, expected one: {}", ids.join(", "))
            }
            Self::Cycle(ids) => {
                let first = ids.first().map_or("", String::as_str);
                write!(f, "the arrows make a cycle: {} > {first}", ids.join(" > "))
            }
            Self::TooMany(limit) => write!(f, "there are more than {limit} paths"),
        }
    }
}

impl Error for PathsError {}

/// For each node, the solid arrows that leave it, each with the node that it enters.
type Onward = Vec<Vec<(usize, usize)>>;

struct PathText<'a> {
    path: &'a ChartPath,
    chart: &'a Chart,
}

impl fmt::Display for PathText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, node) in self.path.nodes.iter().enumerate() {
            if position > 0 {
                f.write_str(" > ")?;
            }
            f.write_str(self.chart.nodes.get(*node).map_or("?", |node| &node.id))?;
            let taken = self.path.arrows.get(position);
            let taken = taken.and_then(|arrow| self.chart.arrows.get(*arrow));
            if let Some(label) = taken.and_then(|arrow| arrow.label.as_ref()) {
                write!(f, ":{}", label.replace('\n', " "))?;
            }
        }
        Ok(())
    }
}

/// Lists the paths from a node; there is no cycle, so that each step leads towards an end.
fn walk(onward: &Onward, start: usize, limit: usize) -> Result<Vec<ChartPath>, PathsError> {
    let leaving = |node: usize| onward.get(node).map_or(&[][..], Vec::as_slice);
    let mut found: Vec<ChartPath> = Vec::new();
    let mut path = ChartPath { nodes: vec![start], arrows: Vec::new() };
    // For each node of the path, which of its arrows to take next.
    let mut next = vec![0];
    while let (Some(node), Some(turn)) = (path.nodes.last(), next.last_mut()) {
        let arrows = leaving(*node);
        if let Some((arrow, to)) = arrows.get(*turn) {
            *turn += 1;
            path.nodes.push(*to);
            path.arrows.push(*arrow);
            next.push(0);
            continue;
        }
        if arrows.is_empty() {
            if found.len() >= limit {
                return Err(PathsError::TooMany(limit));
            }
            found.push(path.clone());
        }
        path.nodes.pop();
        path.arrows.pop();
        next.pop();
    }
    Ok(found)
}

/// The nodes of some cycle, in the order of its arrows, if there is one.
fn find_cycle(onward: &Onward) -> Option<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Visit {
        Never,
        OnTheWay,
        Done,
    }
    let mut seen = vec![Visit::Never; onward.len()];
    for root in 0..onward.len() {
        if seen.get(root) != Some(&Visit::Never) {
            continue;
        }
        let mut way = vec![(root, 0)];
        while let Some((node, turn)) = way.last_mut() {
            let node = *node;
            let leads = onward.get(node).and_then(|arrows| arrows.get(*turn));
            *turn += 1;
            let state = seen.get_mut(node)?;
            let Some((_, to)) = leads else {
                *state = Visit::Done;
                way.pop();
                continue;
            };
            *state = Visit::OnTheWay;
            match seen.get(*to) {
                Some(Visit::OnTheWay) => {
                    let nodes = way.iter().map(|(node, _)| *node);
                    return Some(nodes.skip_while(|node| node != to).collect());
                }
                Some(Visit::Never) => way.push((*to, 0)),
                Some(Visit::Done) | None => {}
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    fn chart(lines: &str) -> Chart {
        let text = format!("flowchart TD\n{lines}");
        parse(&text, "t.mmd", "t", 1).unwrap().chart
    }

    fn shown(lines: &str) -> Vec<String> {
        let chart = chart(lines);
        let paths = chart.paths(100).unwrap();
        paths.iter().map(|path| path.display(&chart).to_string()).collect()
    }

    #[test]
    fn paths_follow_the_order_of_the_arrows() {
        let text =
            "s[S] --> q{Q}\nq -- no --> x[X]\nq -- yes --> r{R}\nr -- yes --> y[Y]\nr -- no --> x";
        assert_eq!(shown(text), ["s > q:no > x", "s > q:yes > r:yes > y", "s > q:yes > r:no > x"]);
    }

    #[test]
    fn a_path_keeps_its_nodes_and_arrows() {
        let paths = chart("a[A] --> b[B] --> c[C]").paths(1).unwrap();
        assert_eq!(paths, [ChartPath { nodes: vec![0, 1, 2], arrows: vec![0, 1] }]);
        assert_eq!(shown("a[A]"), ["a"]);
    }

    #[test]
    fn parallel_arrows_are_different_paths() {
        assert_eq!(shown("a[A] -- no --> b[B]\na -- yes --> b"), ["a:no > b", "a:yes > b"]);
    }

    #[test]
    fn dotted_arrows_are_not_taken_but_make_no_starts() {
        assert_eq!(shown("a[A] --> b[B]\nb -.-> c[C]\nc --> d[D]\nd -.-> a2[A2]"), ["a > b"]);
        assert_eq!(shown("a[A] --> b[B]\nb -.-> c[C] -.-> b"), ["a > b"]);
    }

    #[test]
    fn a_cycle_is_named() {
        let cycle = |text| chart(text).paths(9).unwrap_err().to_string();
        assert_eq!(cycle("a[A] --> b[B] --> c[C] --> b"), "the arrows make a cycle: b > c > b");
        assert_eq!(cycle("a[A] --> a"), "the arrows make a cycle: a > a");
        assert_eq!(
            cycle("s[S] --> e[E]\nb[B] --> c[C] --> b"),
            "the arrows make a cycle: b > c > b"
        );
    }

    #[test]
    fn there_must_be_one_start() {
        assert_eq!(chart("").paths(9), Err(PathsError::NoStart));
        assert_eq!(chart("a[A] -.-> b[B] -.-> a").paths(9), Err(PathsError::NoStart));
        let several = chart("a[A] --> c[C]\nb[B] --> c").paths(9);
        assert_eq!(several, Err(PathsError::SeveralStarts(vec!["a".into(), "b".into()])));
    }

    #[test]
    fn the_limit_holds_before_the_paths_are_listed() {
        let diamond = |n| format!("n{n}[N] --> x{n}[X] & y{n}[Y] --> n{m}\n", m = n + 1);
        let text: String = (0..60).map(diamond).collect();
        let chart = chart(&format!("{text}n60[N]"));
        assert_eq!(chart.paths(1000), Err(PathsError::TooMany(1000)));
        let two = self::chart("a[A] --> b[B]\na --> c[C]");
        assert_eq!(two.paths(1), Err(PathsError::TooMany(1)));
        assert_eq!(two.paths(2).unwrap().len(), 2);
    }

    #[test]
    fn depth_costs_no_stack() {
        let lines = (0..100_000).map(|n| format!("n{n}[N] --> n{}", n + 1));
        let text = lines.collect::<Vec<_>>().join("\n");
        let chart = chart(&format!("{text}\nn100000[N]"));
        assert_eq!(chart.paths(1).unwrap()[0].nodes.len(), 100_001);
    }
}
