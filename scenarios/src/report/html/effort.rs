//! How much it takes to draw a chart, and how much of that a page has.
//!
//! What takes long is the layout, and that grows with what is laid out: the shapes, the tags of the arrows, and a
//! bend of an arrow for every rank that it passes.

use pgdrill_flow::Chart;

/// A chart that takes more is not drawn.
const MOST_OF_A_CHART: usize = 1500;

/// What all charts of a page may take together, as the sum of their squares: the time grows so.
const MOST_OF_A_PAGE: usize = 3 * MOST_OF_A_CHART * MOST_OF_A_CHART;

/// What is left for the charts of a page.
#[derive(Debug)]
pub(super) struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Self(MOST_OF_A_PAGE)
    }
}

impl Room {
    /// Whether there is room for this chart, which it then takes.
    pub(super) fn takes(&mut self, chart: &Chart) -> bool {
        let effort = effort(chart);
        if effort > MOST_OF_A_CHART {
            return false;
        }
        let left = self.0.checked_sub(effort.saturating_mul(effort));
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

/// How many things a layout has to find places for.
fn effort(chart: &Chart) -> usize {
    let ranks = ranks(chart);
    let rank = |node: usize| ranks.get(node).copied().unwrap_or_default();
    // Each half of an arrow, before and behind its tag, passes as many ranks as there are shapes on the way.
    let bends = chart.arrows.iter().map(|arrow| 2 * rank(arrow.from).abs_diff(rank(arrow.to)));
    chart.nodes.len() + chart.arrows.len() + bends.sum::<usize>()
}

/// For each node how many lie above it, if every arrow that does not close a loop leads down.
fn ranks(chart: &Chart) -> Vec<usize> {
    let count = chart.nodes.len();
    let mut next_to: Vec<Vec<usize>> = vec![Vec::new(); count];
    for arrow in &chart.arrows {
        if let Some(list) = next_to.get_mut(arrow.from).filter(|_| arrow.to < count) {
            list.push(arrow.to);
        }
    }
    let order = order(chart, &next_to);
    let mut place = vec![0; count];
    for (at, node) in order.iter().enumerate() {
        if let Some(place) = place.get_mut(*node) {
            *place = at;
        }
    }
    // Arrows that close a loop are turned around, so that all lead from earlier to later nodes.
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (from, to) in
        next_to.iter().enumerate().flat_map(|(from, to)| to.iter().map(move |to| (from, *to)))
    {
        let upper = if place.get(from) <= place.get(to) { from } else { to };
        if let Some(list) = below.get_mut(upper).filter(|_| from != to) {
            list.push(if upper == from { to } else { from });
        }
    }
    let mut ranks = vec![0; count];
    for node in order {
        let rank = ranks.get(node).copied().unwrap_or_default() + 1;
        for lower in below.get(node).into_iter().flatten() {
            if let Some(lower) = ranks.get_mut(*lower) {
                *lower = rank.max(*lower);
            }
        }
    }
    ranks
}

/// The nodes in an order in which every arrow that does not close a loop leads to a later one.
fn order(chart: &Chart, next_to: &[Vec<usize>]) -> Vec<usize> {
    let mut seen = vec![false; next_to.len()];
    let mut order = Vec::new();
    for root in chart.starts().into_iter().chain(0..next_to.len()) {
        let mut way = vec![(root, 0)];
        while let Some((node, turn)) = way.pop() {
            if turn == 0 && seen.get_mut(node).is_none_or(|seen| std::mem::replace(seen, true)) {
                continue;
            }
            match next_to.get(node).and_then(|list| list.get(turn)) {
                Some(next) => way.extend([(node, turn + 1), (*next, 0)]),
                None => order.push(node),
            }
        }
    }
    order.reverse();
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use pgdrill_flow::parse;

    fn chart(body: &str) -> Chart {
        parse(&format!("graph TD\n{body}"), "t", "t", 1).unwrap().chart
    }

    /// A chart that asks one question after the other, each with a way to the same end.
    fn questions(count: usize) -> Chart {
        let question = |n| format!("n{n} -- yes --> n{}\nn{n} -- no --> fail\n", n + 1);
        chart(&(0..count).map(question).collect::<String>())
    }

    #[test]
    fn the_effort_is_what_is_laid_out() {
        assert_eq!(effort(&chart("a --> b")), 2 + 1 + 2);
        assert_eq!(effort(&chart("a --> b --> c\na --> c")), 3 + 3 + 2 + 2 + 4);
        assert_eq!(effort(&chart("a --> b --> a\na --> a")), 2 + 3 + 2 + 2);
        assert_eq!(effort(&questions(10)), 12 + 20 + 20 + 2 * (1..=10).sum::<usize>());
    }

    #[test]
    fn what_takes_too_long_is_not_drawn() {
        let mut room = Room::default();
        assert!(room.takes(&questions(20)));
        assert!(!room.takes(&questions(100)));
        assert!(room.takes(&questions(20)), "what was not drawn takes no room");
        let drawn = (0..1000).filter(|_| room.takes(&questions(20))).count();
        assert!((10..100).contains(&drawn), "{drawn}");
    }

    #[test]
    fn the_own_charts_take_little_of_a_page() {
        let mut room = Room::default();
        assert!(super::super::sample::charts().iter().all(|chart| room.takes(chart)));
        assert!(room.0 > MOST_OF_A_PAGE / 2, "{}", room.0);
    }

    #[test]
    fn a_huge_chart_is_measured_at_once() {
        assert!(effort(&questions(50_000)) > MOST_OF_A_CHART);
    }
}
