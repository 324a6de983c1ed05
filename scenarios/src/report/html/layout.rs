//! Where everything in a picture goes.
//!
//! `dagre` decides ranks, order and horizontal positions. It is fed the tamest of graphs: loops are
//! left out, cycles are opened here, and the tag of every arrow (`no · 12×`) is a node of its own,
//! which keeps tags apart from everything else and close to the shape that asks the question.
//! Heights and lines are made in [`super::route`].

use dagre::graph::{Graph, GraphOptions};
use dagre::{Align, EdgeLabel, LayoutOptions, NodeLabel, Ranker};

use super::ports;
use super::shape::ShapeView;
use super::text::{self, LABEL, LEADING};
use pgdrill_flow::{Arrow, Chart};

/// A chart with a place for everything.
#[derive(Debug)]
pub(super) struct Drawing {
    pub(super) width: f64,
    pub(super) height: f64,
    /// One for each node of the chart.
    pub(super) places: Vec<PlacedShape>,
    /// One for each arrow of the chart; `None` for an arrow whose end is no node.
    pub(super) routes: Vec<Option<ArrowRoute>>,
}

/// A shape and its centre.
#[derive(Debug)]
pub(super) struct PlacedShape {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) shape: ShapeView,
}

/// The way of an arrow, and its tag.
#[derive(Debug)]
pub(super) struct ArrowRoute {
    pub(super) trail: Trail,
    pub(super) tag: Tag,
    pub(super) x: f64,
    pub(super) y: f64,
}

/// The line of an arrow.
#[derive(Debug)]
pub(super) enum Trail {
    /// Vertical runs, joined by bends.
    Runs(Vec<VerticalRun>),
    /// From a node's right side, out to `reach` and back `2 * spread` lower.
    Loop { x: f64, y: f64, reach: f64, spread: f64 },
}

/// A vertical piece of an arrow.
#[derive(Debug, Clone, Copy)]
pub(super) struct VerticalRun {
    pub(super) x: f64,
    pub(super) from: f64,
    pub(super) to: f64,
}

/// The text that sits on an arrow.
#[derive(Debug, Clone)]
pub(super) struct Tag {
    pub(super) lines: Vec<String>,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Tag {
    /// Measures a text, broken where its lines break.
    pub(super) fn of(lines: Vec<String>, bold: bool) -> Self {
        let weight = if bold { 1.14 } else { 1.0 };
        let widest = lines.iter().map(|line| text::width(line, LABEL)).fold(14.0, f64::max);
        let height = lines.len().max(1) as f64 * LABEL * LEADING + 5.0;
        Self { lines, width: widest * weight + 12.0, height }
    }
}

/// Lays a chart out; `tags` holds one tag for each arrow.
pub(super) fn layout(chart: &Chart, tags: Vec<Tag>) -> Drawing {
    let ends = |arrow: &Arrow| arrow.from.max(arrow.to) < chart.nodes.len();
    let links: Vec<TagLink> = chart
        .arrows
        .iter()
        .zip(tags)
        .map(|(arrow, tag)| TagLink {
            from: arrow.from,
            to: arrow.to,
            known: ends(arrow),
            upward: false,
            tag,
            ways: Vec::new(),
            tagged: 0,
        })
        .collect();
    let shapes = chart
        .nodes
        .iter()
        .enumerate()
        .map(|(index, node)| ShapeView::of(node, ports::crowd(&links, index)))
        .collect();
    let mut plan = RowPlan { shapes, links, spots: Vec::new(), ranks: Vec::new() };
    plan.open_cycles();
    plan.place();
    plan.draw()
}

/// An arrow on its way through the layout.
#[derive(Debug)]
pub(super) struct TagLink {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Whether both ends are nodes.
    pub(super) known: bool,
    /// Whether its target lies above its source.
    pub(super) upward: bool,
    pub(super) tag: Tag,
    /// Rank and x of everything between its ends, in the direction of the arrow.
    pub(super) ways: Vec<(usize, f64)>,
    /// Which of the ways is the tag.
    pub(super) tagged: usize,
}

impl TagLink {
    /// Whether the picture has a route through the ranks for it.
    pub(super) fn routed(&self) -> bool {
        self.known && self.from != self.to
    }
}

/// Everything but heights and lines.
#[derive(Debug)]
pub(super) struct RowPlan {
    pub(super) shapes: Vec<ShapeView>,
    pub(super) links: Vec<TagLink>,
    /// Rank and x of each node.
    pub(super) spots: Vec<(usize, f64)>,
    /// Half the height of each rank.
    pub(super) ranks: Vec<f64>,
}

impl RowPlan {
    /// Turns around the arrows that close a cycle when the chart is read from its starts.
    fn open_cycles(&mut self) {
        let count = self.shapes.len();
        let mut leaving = vec![Vec::new(); count];
        let mut entered = vec![false; count];
        for (index, link) in self.links.iter().enumerate().filter(|(_, link)| link.routed()) {
            leaving[link.from].push(index);
            entered[link.to] = true;
        }
        let starts = (0..count).filter(|&node| !entered[node]);
        let order: Vec<usize> = starts.chain(0..count).collect();
        let (mut seen, mut open) = (vec![false; count], vec![false; count]);
        for start in order {
            let mut path = if seen[start] { Vec::new() } else { vec![(start, 0)] };
            while let Some((node, next)) = path.pop() {
                seen[node] = true;
                open[node] = next < leaving[node].len();
                if let Some(&index) = leaving[node].get(next) {
                    path.push((node, next + 1));
                    let to = self.links[index].to;
                    self.links[index].upward = open[to];
                    if !seen[to] {
                        path.push((to, 0));
                    }
                }
            }
        }
    }

    /// Asks `dagre` for ranks and horizontal positions.
    fn place(&mut self) {
        let mut graph: Graph<NodeLabel, EdgeLabel> = Graph::with_options(GraphOptions {
            directed: true,
            multigraph: false,
            compound: false,
        });
        for (index, shape) in self.shapes.iter().enumerate() {
            let room = shape.width + 2.0 * self.loops_beside(index);
            graph.set_node(node_name(index), Some(sized(room, shape.height)));
        }
        for (index, link) in self.links.iter().enumerate().filter(|(_, link)| link.routed()) {
            let tag = tag_name(index);
            graph.set_node(tag.clone(), Some(sized(link.tag.width, link.tag.height)));
            // The heavy half is the short one: a tag belongs beside the shape it answers.
            let (source, target) = (node_name(link.from), node_name(link.to));
            if link.upward {
                graph.set_edge(&target, &tag, Some(weighing(1)), None);
                graph.set_edge(&tag, &source, Some(weighing(3)), None);
            } else {
                graph.set_edge(&source, &tag, Some(weighing(3)), None);
                graph.set_edge(&tag, &target, Some(weighing(1)), None);
            }
        }
        let large = self.shapes.len() + self.links.len() > LARGE;
        let ranker = if large { Ranker::LongestPath } else { Ranker::NetworkSimplex };
        // One alignment instead of the median of four: the main way down is a straight line.
        dagre::layout(
            &mut graph,
            Some(LayoutOptions {
                nodesep: 26.0,
                edgesep: 16.0,
                align: Some(Align::UL),
                ranker,
                ..LayoutOptions::default()
            }),
        );
        self.read(&graph);
    }

    /// Reads positions out of the finished graph.
    fn read(&mut self, graph: &Graph<NodeLabel, EdgeLabel>) {
        let spot = |name: &str| {
            let node = graph.node(name);
            node.map_or((0.0, 0.0), |n| (n.x.unwrap_or_default(), n.y.unwrap_or_default()))
        };
        let bends = |from: &str, to: &str| -> Vec<(f64, f64)> {
            let points = graph.edge(from, to, None).map_or(&[][..], |edge| &edge.points);
            let inner = points.get(1..points.len().saturating_sub(1)).unwrap_or_default();
            inner.iter().map(|point| (point.x, point.y)).collect()
        };
        let nodes: Vec<(f64, f64)> = (0..self.shapes.len()).map(|n| spot(&node_name(n))).collect();
        let mut ways: Vec<Vec<(f64, f64)>> = vec![Vec::new(); self.links.len()];
        for (index, link) in self.links.iter_mut().enumerate().filter(|(_, link)| link.routed()) {
            let (tag, from, to) = (tag_name(index), node_name(link.from), node_name(link.to));
            let (upper, lower) = if link.upward { (to, from) } else { (from, to) };
            ways[index] = bends(&upper, &tag);
            link.tagged = ways[index].len();
            ways[index].push(spot(&tag));
            ways[index].extend(bends(&tag, &lower));
            if link.upward {
                ways[index].reverse();
                link.tagged = ways[index].len() - 1 - link.tagged;
            }
        }
        let mut levels: Vec<f64> =
            nodes.iter().chain(ways.iter().flatten()).map(|at| at.1).collect();
        levels.sort_by(f64::total_cmp);
        levels.dedup_by(|a, b| (*a - *b).abs() < 0.5);
        let rank = |y: f64| {
            levels.partition_point(|&level| level < y - 0.5).min(levels.len().saturating_sub(1))
        };
        self.spots = nodes.iter().map(|&(x, y)| (rank(y), x)).collect();
        for (link, way) in self.links.iter_mut().zip(ways) {
            link.ways = way.iter().map(|&(x, y)| (rank(y), x)).collect();
        }
        self.measure(levels.len());
    }

    /// Gives every rank the height of the highest thing in it.
    fn measure(&mut self, ranks: usize) {
        self.ranks = vec![0.0; ranks];
        for (shape, &(rank, _)) in self.shapes.iter().zip(&self.spots) {
            self.ranks[rank] = self.ranks[rank].max(shape.height / 2.0);
        }
        for link in &self.links {
            if let Some(&(rank, _)) = link.ways.get(link.tagged) {
                self.ranks[rank] = self.ranks[rank].max(link.tag.height / 2.0);
            }
        }
    }

    /// The room that the loops of a node need beside it.
    fn loops_beside(&self, node: usize) -> f64 {
        let own =
            self.links.iter().filter(|link| link.known && link.from == node && link.to == node);
        own.map(|link| link.tag.width + LAP).sum()
    }
}

/// With more shapes and arrows than this, ranks are found in the quick way, which makes longer arrows.
const LARGE: usize = 150;

/// What a loop needs beside its tag.
pub(super) const LAP: f64 = 44.0;

fn sized(width: f64, height: f64) -> NodeLabel {
    NodeLabel { width, height, ..NodeLabel::default() }
}

fn weighing(weight: i32) -> EdgeLabel {
    EdgeLabel { weight, ..EdgeLabel::default() }
}

fn node_name(index: usize) -> String {
    format!("n{index}")
}

fn tag_name(index: usize) -> String {
    format!("t{index}")
}
