//! Where arrows touch nodes: spread along the top and the bottom, in the order in which they come.

use super::layout::TagLink;
use super::shape::ShapeView;

/// The side of a node that an arrow touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// The upper side.
    Top,
    /// The lower side.
    Bottom,
}

/// How many arrows touch a node, on the side with more of them.
pub(super) fn crowd(links: &[TagLink], node: usize) -> usize {
    let leaving = links.iter().filter(|link| link.routed() && link.from == node).count();
    let entering = links.iter().filter(|link| link.routed() && link.to == node).count();
    leaving.max(entering)
}

/// For each link the x at which it leaves its source and the x at which it enters its target.
pub(super) fn touch(
    shapes: &[ShapeView],
    spots: &[(usize, f64)],
    links: &[TagLink],
) -> Vec<[f64; 2]> {
    let mut touch = vec![[0.0; 2]; links.len()];
    for (node, (shape, &(_, middle))) in shapes.iter().zip(spots).enumerate() {
        for side in [Side::Top, Side::Bottom] {
            let mut wishes = wishes(links, node, side);
            wishes.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let reach = shape.reach(wishes.len());
            let wanted: Vec<f64> = wishes.iter().map(|wish| wish.0).collect();
            let granted = spread(&wanted, middle - reach, middle + reach);
            for (&(_, link, end), x) in wishes.iter().zip(granted) {
                touch[link][end] = x;
            }
        }
    }
    touch
}

/// The arrows on one side of a node: the x each comes from, its index, and which end it is.
fn wishes(links: &[TagLink], node: usize, side: Side) -> Vec<(f64, usize, usize)> {
    let mut wishes = Vec::new();
    for (index, link) in links.iter().enumerate().filter(|(_, link)| link.routed()) {
        let (out, into) =
            if link.upward { (Side::Top, Side::Bottom) } else { (Side::Bottom, Side::Top) };
        if link.from == node && side == out {
            wishes.push((link.ways.first().map_or(0.0, |way| way.1), index, 0));
        }
        if link.to == node && side == into {
            wishes.push((link.ways.last().map_or(0.0, |way| way.1), index, 1));
        }
    }
    wishes
}

/// The wanted positions, in ascending order, moved as little as keeps them apart and within bounds.
fn spread(wanted: &[f64], low: f64, high: f64) -> Vec<f64> {
    let apart = (high - low) / wanted.len().saturating_sub(1).max(1) as f64;
    let apart = apart.min(APART);
    let mut granted: Vec<f64> = Vec::with_capacity(wanted.len());
    for want in wanted {
        let least = granted.last().map_or(low, |last| last + apart);
        granted.push(want.max(low).min(high).max(least));
    }
    let mut most = high;
    for x in granted.iter_mut().rev() {
        *x = x.min(most);
        most = *x - apart;
    }
    granted
}

/// Distance that two arrows on one side keep, room permitting.
const APART: f64 = 24.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_get_what_they_want_when_there_is_room() {
        assert_eq!(spread(&[10.0, 50.0], 0.0, 100.0), [10.0, 50.0]);
    }

    #[test]
    fn crowded_arrows_share_the_side_evenly_and_in_order() {
        assert_eq!(spread(&[-90.0, -80.0, -70.0], 0.0, 20.0), [0.0, 10.0, 20.0]);
        assert_eq!(spread(&[300.0, 400.0], 0.0, 100.0), [76.0, 100.0]);
        assert!(spread(&[], 0.0, 0.0).is_empty());
    }
}
