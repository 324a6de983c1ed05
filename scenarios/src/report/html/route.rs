//! The lines of the arrows.
//!
//! An arrow runs vertically through every rank that it passes and bends only in the gaps between
//! ranks, where no node is, so it cannot cross one.

use super::layout::{ArrowRoute, Drawing, LAP, PlacedShape, RowPlan, TagLink, Trail, VerticalRun};
use super::ports;

impl RowPlan {
    /// Gives every rank its height and every arrow its line.
    pub(super) fn draw(&self) -> Drawing {
        let touch = ports::touch(&self.shapes, &self.spots, &self.links);
        let middles = self.middles(&touch);
        let places: Vec<PlacedShape> = self
            .shapes
            .iter()
            .zip(&self.spots)
            .map(|(shape, &(rank, x))| PlacedShape { x, y: middles[rank], shape: shape.clone() })
            .collect();
        let mut laps = vec![0; places.len()];
        let mut routes = Vec::new();
        for (index, link) in self.links.iter().enumerate() {
            routes.push(if link.routed() {
                Some(self.route(link, touch[index], &middles, &places))
            } else if link.known {
                laps[link.from] += 1;
                Some(lap(link, &places[link.from], laps[link.from]))
            } else {
                None
            });
        }
        let mut drawing = Drawing { width: 0.0, height: 0.0, places, routes };
        drawing.trim();
        drawing
    }

    /// The line of one arrow between two nodes.
    fn route(
        &self,
        link: &TagLink,
        touch: [f64; 2],
        middles: &[f64],
        places: &[PlacedShape],
    ) -> ArrowRoute {
        let (source, target) = (&places[link.from], &places[link.to]);
        let down = if link.upward { -1.0 } else { 1.0 };
        let band = |rank: usize| down * self.ranks[rank];
        let edge = |place: &PlacedShape, x: f64| down * place.shape.rise(x - place.x);
        let out = VerticalRun {
            x: touch[0],
            from: source.y + edge(source, touch[0]),
            to: source.y + band(self.spots[link.from].0),
        };
        let into = VerticalRun {
            x: touch[1],
            from: target.y - band(self.spots[link.to].0) - down * LEAD,
            to: target.y - edge(target, touch[1]),
        };
        let between = link.ways.iter().map(|&(rank, x)| VerticalRun {
            x,
            from: middles[rank] - band(rank),
            to: middles[rank] + band(rank),
        });
        let runs = std::iter::once(out).chain(between).chain(std::iter::once(into)).collect();
        let (rank, x) = link.ways.get(link.tagged).copied().unwrap_or_default();
        ArrowRoute { trail: Trail::Runs(runs), tag: link.tag.clone(), x, y: middles[rank] }
    }

    /// The middle of each rank: the further arrows travel sideways in a gap, the higher it is.
    fn middles(&self, touch: &[[f64; 2]]) -> Vec<f64> {
        let mut gaps = vec![GAP; self.ranks.len()];
        for (link, touch) in self.links.iter().zip(touch).filter(|(link, _)| link.routed()) {
            let first = (self.spots[link.from].0, touch[0]);
            let last = (self.spots[link.to].0, touch[1]);
            let stops: Vec<(usize, f64)> =
                std::iter::once(first).chain(link.ways.iter().copied()).chain([last]).collect();
            for (step, pair) in stops.windows(2).enumerate() {
                let lower = pair[0].0.max(pair[1].0);
                let aside = (pair[0].1 - pair[1].1).abs();
                let lead = if step + 2 == stops.len() && aside > 1.0 { LEAD } else { 0.0 };
                gaps[lower] = gaps[lower].max(GAP + lead + (aside * 0.1).min(26.0));
            }
        }
        let mut bottom = 0.0;
        let mut middles = Vec::new();
        for (half, gap) in self.ranks.iter().zip(gaps) {
            middles.push(bottom + gap + half);
            bottom += gap + 2.0 * half;
        }
        middles
    }
}

impl Drawing {
    /// Moves everything so that the picture starts at the margin, and measures it.
    fn trim(&mut self) {
        let mut low = (f64::MAX, f64::MAX);
        let mut high = (0.0_f64, 0.0_f64);
        let mut cover = |x: f64, y: f64, width: f64, height: f64| {
            low = (low.0.min(x - width / 2.0), low.1.min(y - height / 2.0));
            high = (high.0.max(x + width / 2.0), high.1.max(y + height / 2.0));
        };
        for place in &self.places {
            cover(place.x, place.y, place.shape.width, place.shape.height);
        }
        for route in self.routes.iter().flatten() {
            cover(route.x, route.y, route.tag.width, route.tag.height);
            if let Trail::Runs(runs) = &route.trail {
                runs.iter().for_each(|run| cover(run.x, run.to, 8.0, 0.0));
            }
        }
        if self.places.is_empty() {
            return;
        }
        let (dx, dy) = (MARGIN - low.0, MARGIN - low.1);
        for place in &mut self.places {
            place.x += dx;
            place.y += dy;
        }
        for route in self.routes.iter_mut().flatten() {
            route.x += dx;
            route.y += dy;
            match &mut route.trail {
                Trail::Runs(runs) => runs.iter_mut().for_each(|run| {
                    run.x += dx;
                    run.from += dy;
                    run.to += dy;
                }),
                Trail::Loop { x, y, .. } => {
                    *x += dx;
                    *y += dy;
                }
            }
        }
        self.width = high.0 + dx + MARGIN;
        self.height = high.1 + dy + MARGIN;
    }
}

/// Least distance between two ranks.
const GAP: f64 = 15.0;
/// How far before its rank an arrow is vertical already, so that its head does not lean.
const LEAD: f64 = 9.0;
/// Space around a picture.
const MARGIN: f64 = 18.0;

fn lap(link: &TagLink, place: &PlacedShape, turn: usize) -> ArrowRoute {
    let turn = turn as f64;
    let spread = (3.0 + 5.0 * turn).min(place.shape.height / 2.0 - 4.0);
    let x = place.x + place.shape.run(spread);
    let reach =
        place.shape.width / 2.0 + turn * (link.tag.width + LAP) - link.tag.width / 2.0 - 8.0;
    let trail = Trail::Loop { x, y: place.y, reach: place.x + reach - x, spread };
    ArrowRoute { trail, tag: link.tag.clone(), x: place.x + reach, y: place.y }
}
