//! Lists the ways through a chart, from its starts to its ends.

use std::collections::BTreeSet;
use std::fmt;

use super::Chart;

/// One way through a chart: each arrow leads from the node at its position to the next one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChartPath {
    /// Indices in [`Chart::nodes`], from a start to an end.
    pub nodes: Vec<usize>,
    /// Indices in [`Chart::arrows`] of the arrows taken; one fewer than the nodes.
    pub arrows: Vec<usize>,
}

/// The ways through a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartPaths {
    /// The first of them, in the order of the starts and of the arrows: all, or as many as the bound allows.
    pub listed: Vec<ChartPath>,
    /// How many there are.
    pub count: PathCount,
    /// Where they begin: [`Chart::starts`].
    pub starts: Vec<usize>,
    /// The nodes of a loop that some of them pass, in the order of its arrows; empty if there is none.
    pub cycle: Vec<usize>,
}

/// How many paths a chart has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathCount {
    /// So many.
    Exactly(u64),
    /// More than so many: counting was given up.
    MoreThan(u64),
}

impl Chart {
    /// The ways from the starts to the nodes that no solid arrow leaves, by solid arrows alone. A way takes each
    /// loop at most once: the arrow that closes it, which leads back to a node on the way there from a start.
    ///
    /// Paths are listed while they have no more than `most` nodes in all. They are counted beyond that if the
    /// chart has no loop, and else until the search has gone a few times as far.
    #[must_use]
    pub fn paths(&self, most: usize) -> ChartPaths {
        let onward = self.onward();
        let starts = self.starts();
        let Loops { first: cycle, closing } = loops(&onward, &starts);
        let ends = leading_to_ends(&onward);
        let mut search = Search {
            onward: &onward,
            leads_on: &ends,
            closing: &closing,
            listed: Vec::new(),
            room: most,
            effort: most.saturating_mul(EFFORT),
        };
        let all_listed = starts.iter().all(|start| search.from(*start));
        let listed = search.listed;
        let found = u64::try_from(listed.len()).unwrap_or(u64::MAX);
        let count = if all_listed {
            PathCount::Exactly(found)
        } else if cycle.is_empty() {
            count_without_loops(&onward, &starts)
        } else {
            PathCount::MoreThan(found)
        };
        ChartPaths { listed, count, starts, cycle }
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
}

impl ChartPath {
    /// The path for a reader, each node with the label of the arrow taken after it:
    /// `hook_fired > is_blocked:no > rtn`.
    #[must_use]
    pub fn display<'a>(&'a self, chart: &'a Chart) -> impl fmt::Display + 'a {
        PathText { path: self, chart }
    }
}

impl PathCount {
    /// The number, of which there may be more.
    #[must_use]
    pub const fn at_least(self) -> u64 {
        match self {
            Self::Exactly(count) | Self::MoreThan(count) => count,
        }
    }

    /// The paths of both.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Exactly(one), Self::Exactly(two)) => match one.checked_add(two) {
                Some(sum) => Self::Exactly(sum),
                None => Self::MoreThan(u64::MAX),
            },
            (one, two) => Self::MoreThan(one.at_least().saturating_add(two.at_least())),
        }
    }
}

impl fmt::Display for PathCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(count) => write!(f, "{count}"),
            Self::MoreThan(count) => write!(f, "more than {count}"),
        }
    }
}

/// How many times as far as what may be listed a search for paths goes.
const EFFORT: usize = 10;

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

/// A search for paths that is given up when it costs too much.
struct Search<'a> {
    onward: &'a Onward,
    /// For each node, whether an end can be reached from it.
    leads_on: &'a [bool],
    /// The arrows that no path takes twice.
    closing: &'a BTreeSet<usize>,
    listed: Vec<ChartPath>,
    /// How many nodes the listed paths may still have.
    room: usize,
    /// How many steps the search may still take.
    effort: usize,
}

impl Search<'_> {
    /// Lists the paths from a node; `false` if it was given up.
    fn from(&mut self, start: usize) -> bool {
        let onward = self.onward;
        if self.leads_on.get(start) != Some(&true) {
            return true;
        }
        let mut path = ChartPath { nodes: vec![start], arrows: Vec::new() };
        // For each node of the path, which of its arrows to take next.
        let mut next = vec![0];
        let mut taken = BTreeSet::new();
        while let (Some(node), Some(turn)) = (path.nodes.last(), next.last_mut()) {
            let arrows = onward.get(*node).map_or(&[][..], Vec::as_slice);
            if let Some((arrow, to)) = arrows.get(*turn) {
                *turn += 1;
                if self.effort == 0 {
                    return false;
                }
                self.effort -= 1;
                let free = self.leads_on.get(*to) == Some(&true)
                    && (!self.closing.contains(arrow) || taken.insert(*arrow));
                if free {
                    path.nodes.push(*to);
                    path.arrows.push(*arrow);
                    next.push(0);
                }
                continue;
            }
            if arrows.is_empty() && !self.list(&path) {
                return false;
            }
            path.nodes.pop();
            if let Some(arrow) = path.arrows.pop() {
                taken.remove(&arrow);
            }
            next.pop();
        }
        true
    }

    /// Lists a path if there is room.
    fn list(&mut self, path: &ChartPath) -> bool {
        let Some(room) = self.room.checked_sub(path.nodes.len()) else { return false };
        self.room = room;
        self.listed.push(path.clone());
        true
    }
}

/// For each node, whether it is an end or leads to one.
fn leading_to_ends(onward: &Onward) -> Vec<bool> {
    let mut back = vec![Vec::new(); onward.len()];
    for (from, arrows) in onward.iter().enumerate() {
        for (_, to) in arrows {
            if let Some(list) = back.get_mut(*to) {
                list.push(from);
            }
        }
    }
    let mut leads: Vec<bool> = onward.iter().map(Vec::is_empty).collect();
    let mut left: Vec<usize> =
        leads.iter().enumerate().filter(|(_, end)| **end).map(|(node, _)| node).collect();
    while let Some(node) = left.pop() {
        for before in back.get(node).into_iter().flatten() {
            if let Some(mark) = leads.get_mut(*before).filter(|mark| !**mark) {
                *mark = true;
                left.push(*before);
            }
        }
    }
    leads
}

/// Counts the paths from the starts of a chart in which no loop can be reached from them.
fn count_without_loops(onward: &Onward, starts: &[usize]) -> PathCount {
    let mut counts: Vec<Option<PathCount>> = vec![None; onward.len()];
    let mut all = PathCount::Exactly(0);
    for start in starts {
        let mut way = vec![(*start, 0)];
        while let Some((node, turn)) = way.last_mut() {
            let arrows = onward.get(*node).map_or(&[][..], Vec::as_slice);
            let known = |node: usize| counts.get(node).copied().flatten();
            if let Some((_, to)) = arrows.get(*turn) {
                *turn += 1;
                if known(*to).is_none() {
                    way.push((*to, 0));
                }
                continue;
            }
            let beyond = arrows.iter().filter_map(|(_, to)| known(*to));
            let own = PathCount::Exactly(u64::from(arrows.is_empty()));
            let count = beyond.fold(own, PathCount::plus);
            if let Some(place) = counts.get_mut(*node) {
                *place = Some(count);
            }
            way.pop();
        }
        all = all.plus(counts.get(*start).copied().flatten().unwrap_or(PathCount::Exactly(0)));
    }
    all
}

/// The loops of a chart.
#[derive(Debug, Default)]
struct Loops {
    /// The nodes of the first, in the order of its arrows; empty if there is none.
    first: Vec<usize>,
    /// For each loop the arrow that closes it.
    closing: BTreeSet<usize>,
}

/// The loops that can be reached from the starts.
fn loops(onward: &Onward, starts: &[usize]) -> Loops {
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Visit {
        Never,
        OnTheWay,
        Done,
    }
    let mut found = Loops::default();
    let mut seen = vec![Visit::Never; onward.len()];
    for root in starts {
        if seen.get(*root) != Some(&Visit::Never) {
            continue;
        }
        let mut way = vec![(*root, 0)];
        while let Some((node, turn)) = way.last_mut() {
            let node = *node;
            let leads = onward.get(node).and_then(|arrows| arrows.get(*turn));
            *turn += 1;
            let Some(state) = seen.get_mut(node) else { break };
            let Some((arrow, to)) = leads else {
                *state = Visit::Done;
                way.pop();
                continue;
            };
            *state = Visit::OnTheWay;
            match seen.get(*to) {
                Some(Visit::OnTheWay) => {
                    if found.closing.is_empty() {
                        let nodes = way.iter().map(|(node, _)| *node);
                        found.first = nodes.skip_while(|node| node != to).collect();
                    }
                    found.closing.insert(*arrow);
                }
                Some(Visit::Never) => way.push((*to, 0)),
                Some(Visit::Done) | None => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
