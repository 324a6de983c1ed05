//! Where a chart begins.

use super::Chart;

/// For each node, the nodes next to it, over the arrows of a chart.
type Neighbours = Vec<Vec<usize>>;

impl Chart {
    /// Where the chart begins, in chart order: the nodes that no arrow enters, dotted or solid, and of each
    /// loop that no arrow enters from elsewhere the node that comes first.
    ///
    /// What only dotted arrows leave is where an amendment sets in, not a start; nor is a node that no arrow
    /// touches, in a chart with arrows.
    #[must_use]
    pub fn starts(&self) -> Vec<usize> {
        let count = self.nodes.len();
        let (mut onward, mut back): (Neighbours, Neighbours) =
            (vec![Vec::new(); count], vec![Vec::new(); count]);
        let mut left_solid = vec![false; count];
        for arrow in self.arrows.iter().filter(|arrow| arrow.from.max(arrow.to) < count) {
            link(&mut onward, arrow.from, arrow.to);
            link(&mut back, arrow.to, arrow.from);
            if let Some(mark) = left_solid.get_mut(arrow.from) {
                *mark |= !arrow.dotted;
            }
        }
        let (mut reached, mut ranked) = (vec![false; count], vec![false; count]);
        let mut order: Vec<usize> =
            (0..count).flat_map(|node| finished(&onward, node, &mut ranked)).collect();
        order.reverse();
        // Whoever finishes last of all that is left is entered by nothing but its own loop, and whoever leads
        // to it is in that loop.
        let mut looped = vec![false; count];
        let mut starts: Vec<usize> = Vec::new();
        for node in order {
            if reached.get(node) != Some(&false) {
                continue;
            }
            finished(&onward, node, &mut reached);
            let within = finished(&back, node, &mut looped);
            let leaves = within.iter().any(|node| left_solid.get(*node) == Some(&true));
            if leaves || self.arrows.is_empty() {
                starts.extend(within.iter().min());
            }
        }
        starts.sort_unstable();
        starts
    }

    /// The one node where the chart begins. `None` if there are none or several, see
    /// [`Chart::starts`].
    #[must_use]
    pub fn start(&self) -> Option<usize> {
        match self.starts().as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }
}

fn link(neighbours: &mut Neighbours, from: usize, to: usize) {
    if let Some(list) = neighbours.get_mut(from) {
        list.push(to);
    }
}

/// The nodes that can be reached from one and were not seen before, itself included, in the order in which a
/// search that goes deep first is done with them.
fn finished(neighbours: &Neighbours, from: usize, seen: &mut [bool]) -> Vec<usize> {
    let mut done = Vec::new();
    let mut way: Vec<(usize, usize)> = Vec::new();
    let mut visit = |node: usize, way: &mut Vec<(usize, usize)>| {
        if let Some(mark) = seen.get_mut(node).filter(|mark| !**mark) {
            *mark = true;
            way.push((node, 0));
        }
    };
    visit(from, &mut way);
    while let Some((node, turn)) = way.last_mut() {
        let next = neighbours.get(*node).and_then(|list| list.get(*turn)).copied();
        *turn += 1;
        match next {
            Some(next) => visit(next, &mut way),
            None => done.extend(way.pop().map(|(node, _)| node)),
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use crate::{Chart, parse};

    fn chart(body: &str) -> Chart {
        parse(&format!("graph TD\n{body}"), "t.mmd", "t", 1).unwrap().chart
    }

    #[test]
    fn the_start_is_what_nothing_enters() {
        assert_eq!(chart("b[B]\na[A] --> b").start(), Some(1));
        assert_eq!(chart("a[A] --> c[C]\nb[B] --> c").starts(), [0, 2]);
        assert_eq!(chart("a[A] --> c[C]\nb[B] --> c").start(), None);
    }

    #[test]
    fn where_an_amendment_sets_in_is_no_start() {
        assert_eq!(chart("a[A] -.-> b[B]\nc[C] --> b").starts(), [2]);
        assert_eq!(chart("a[A]").starts(), [0], "a chart of one node starts there");
        assert_eq!(chart("a[A]\nb[B] --> c[C]").starts(), [1]);
        assert_eq!(chart("a[A] -.-> b[B] -.-> a").starts(), []);
        assert_eq!(chart("").starts(), []);
    }

    #[test]
    fn a_loop_that_nothing_enters_starts_at_its_first_node() {
        assert_eq!(chart("a[A] --> b[B] --> a\nb --> c[C]").starts(), [0]);
        assert_eq!(chart("c[C]\nb[B] --> a[A] --> b --> c").starts(), [1]);
        assert_eq!(chart("a[A] --> a\na --> b[B]").starts(), [0]);
        assert_eq!(chart("s[S] --> a[A] --> b[B] --> a").starts(), [0], "this loop is entered");
        assert_eq!(chart("a[A] <--> b[B]\nc[C] <--> d[D]\nd --> b").starts(), [2]);
    }

    #[test]
    fn many_starts_and_long_ways_cost_little() {
        let way = (0..100_000).map(|n| format!("n{n} --> n{}\n", n + 1)).collect::<String>();
        assert_eq!(chart(&way).starts(), [0]);
        let fan = (0..100_000).map(|n| format!("n{n} --> x\n")).collect::<String>();
        assert_eq!(chart(&fan).starts().len(), 100_000);
    }
}
