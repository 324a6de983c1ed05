//! One node as a figure: its size, its outline, and where arrows may touch it.

use super::text::{self, CAPTION, LEADING, number};
use pgdrill_flow::{Form, Node};

/// A node, measured; coordinates are relative to its centre.
#[derive(Debug, Clone)]
pub(super) struct ShapeView {
    pub(super) form: Form,
    pub(super) lines: Vec<String>,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl ShapeView {
    /// The smallest comfortable figure for a node which `ports` arrows enter or leave on one side.
    pub(super) fn of(node: &Node, ports: usize) -> Self {
        // Who breaks lines by hand wants them so.
        let limit = if node.caption.contains('\n') { 260.0 } else { 175.0 };
        let lines = text::wrap(&node.caption, CAPTION, limit);
        let (width, height) = extent(node.form, &lines);
        let mut shape = Self { form: node.form, lines, width, height };
        let wanted = ports.saturating_sub(1) as f64 * PORT_GAP;
        let spare = wanted - 2.0 * shape.reach(ports);
        if spare > 0.0 {
            shape.width += match node.form {
                Form::Diamond => spare / (2.0 * DIAMOND_REACH),
                Form::Rectangle
                | Form::Rounded
                | Form::Stadium
                | Form::Subroutine
                | Form::Cylinder
                | Form::Flag
                | Form::Hexagon
                | Form::LeanRight
                | Form::LeanLeft
                | Form::Trapezoid
                | Form::InvertedTrapezoid => spare,
                Form::Circle | Form::DoubleCircle | Form::Ellipse => spare * 2.0,
            };
        }
        shape
    }

    /// How far from the middle the outermost of `ports` arrows may touch the top or the bottom.
    pub(super) fn reach(&self, ports: usize) -> f64 {
        let (w, h) = (self.width / 2.0, self.height / 2.0);
        let reach = match self.form {
            Form::Rectangle | Form::Rounded | Form::Subroutine | Form::Cylinder => w - 14.0,
            Form::Stadium | Form::Hexagon => w - h,
            Form::Flag => w - 22.0,
            Form::LeanRight | Form::LeanLeft | Form::Trapezoid | Form::InvertedTrapezoid => {
                w - SLANT - 8.0
            }
            Form::Circle | Form::DoubleCircle | Form::Ellipse => w * 0.5,
            Form::Diamond if ports < 2 => 0.0,
            Form::Diamond => self.width * DIAMOND_REACH,
        };
        reach.max(0.0)
    }

    /// How far above and below the centre the outline is, `dx` from the middle.
    pub(super) fn rise(&self, dx: f64) -> f64 {
        let (w, h) = (self.width / 2.0, self.height / 2.0);
        let t = (dx.abs() / w).min(1.0);
        match self.form {
            Form::Rectangle | Form::Rounded | Form::Stadium | Form::Subroutine | Form::Flag => h,
            Form::Hexagon => h,
            Form::LeanRight | Form::LeanLeft | Form::Trapezoid | Form::InvertedTrapezoid => h,
            Form::Cylinder => h - LID + LID * (1.0 - t * t).sqrt(),
            Form::Circle | Form::DoubleCircle | Form::Ellipse => h * (1.0 - t * t).sqrt(),
            Form::Diamond => h * (1.0 - t),
        }
    }

    /// How far right of the centre the outline is, `dy` from the middle.
    pub(super) fn run(&self, dy: f64) -> f64 {
        let (w, h) = (self.width / 2.0, self.height / 2.0);
        let t = (dy.abs() / h).min(1.0);
        match self.form {
            Form::Rectangle | Form::Rounded | Form::Subroutine | Form::Cylinder | Form::Flag => w,
            Form::Stadium => w - h + h * (1.0 - t * t).sqrt(),
            Form::Hexagon => w - h * t / 2.0,
            Form::Circle | Form::DoubleCircle | Form::Ellipse => w * (1.0 - t * t).sqrt(),
            Form::Diamond => w * (1.0 - t),
            Form::LeanRight | Form::LeanLeft => w - SLANT / 2.0,
            Form::Trapezoid => w - SLANT * (1.0 - dy / h) / 2.0,
            Form::InvertedTrapezoid => w - SLANT * (1.0 + dy / h) / 2.0,
        }
    }

    /// The outline as SVG, around the point `x`, `y`.
    pub(super) fn outline(&self, x: f64, y: f64) -> String {
        let (w, h) = (self.width / 2.0, self.height / 2.0);
        let (left, right, top, bottom) = (x - w, x + w, y - h, y + h);
        match self.form {
            Form::Rectangle => self.block(x, y, 2.0),
            Form::Rounded => self.block(x, y, 9.0),
            Form::Stadium => self.block(x, y, h),
            Form::Subroutine => {
                let inner = [left + 7.0, right - 7.0]
                    .map(|at| format!("M{} {}V{}", number(at), number(top), number(bottom)));
                format!("{}<path d=\"{}\"/>", self.block(x, y, 2.0), inner.concat())
            }
            Form::Cylinder => {
                let (wide, lid) = (number(w), number(LID));
                let (first, last) = (number(left), number(right));
                let (up, down) = (number(top + LID), number(bottom - LID));
                format!(
                    "<path d=\"M{first} {up}A{wide} {lid} 0 0 1 {last} {up}V{down}A{wide} {lid} 0 0 1 \
                     {first} {down}ZM{first} {up}A{wide} {lid} 0 0 0 {last} {up}\"/>"
                )
            }
            Form::Circle | Form::Ellipse => ellipse(x, y, w, h),
            Form::DoubleCircle => ellipse(x, y, w, h) + &ellipse(x, y, w - RING, h - RING),
            Form::LeanRight => self.slanted(x, y, SLANT, 0.0),
            Form::LeanLeft => self.slanted(x, y, 0.0, SLANT),
            Form::Trapezoid => polygon(&[
                (left + SLANT, top),
                (right - SLANT, top),
                (right, bottom),
                (left, bottom),
            ]),
            Form::InvertedTrapezoid => polygon(&[
                (left, top),
                (right, top),
                (right - SLANT, bottom),
                (left + SLANT, bottom),
            ]),
            Form::Flag => polygon(&[
                (left, top),
                (right, top),
                (right, bottom),
                (left, bottom),
                (left + 14.0, y),
            ]),
            Form::Diamond => polygon(&[(x, top), (right, y), (x, bottom), (left, y)]),
            Form::Hexagon => polygon(&[
                (left + h / 2.0, top),
                (right - h / 2.0, top),
                (right, y),
                (right - h / 2.0, bottom),
                (left + h / 2.0, bottom),
                (left, y),
            ]),
        }
    }

    /// A block whose upper edge leans to the right by `above`, or to the left by `below`.
    fn slanted(&self, x: f64, y: f64, above: f64, below: f64) -> String {
        let (w, h) = (self.width / 2.0, self.height / 2.0);
        polygon(&[
            (x - w + above, y - h),
            (x + w - below, y - h),
            (x + w - above, y + h),
            (x - w + below, y + h),
        ])
    }

    fn block(&self, x: f64, y: f64, radius: f64) -> String {
        format!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\"/>",
            number(x - self.width / 2.0),
            number(y - self.height / 2.0),
            number(self.width),
            number(self.height),
            number(radius)
        )
    }
}

/// Distance between two arrows that touch the same side.
const PORT_GAP: f64 = 15.0;
/// How far from its vertex, as a share of its width, arrows may touch a diamond.
const DIAMOND_REACH: f64 = 0.27;
/// A diamond's width as a multiple of its height.
const DIAMOND_SLANT: f64 = 2.6;
/// How far the sides of slanted figures lean.
const SLANT: f64 = 14.0;
/// Between the two lines of a double circle.
const RING: f64 = 4.0;
/// Half the height of a cylinder's lid.
const LID: f64 = 7.0;

fn extent(form: Form, lines: &[String]) -> (f64, f64) {
    let widest = lines.iter().map(|line| text::width(line, CAPTION)).fold(20.0, f64::max);
    let tall = lines.len().max(1) as f64 * CAPTION * LEADING;
    match form {
        Form::Rectangle | Form::Rounded => (widest + 28.0, tall + 18.0),
        Form::Stadium => (widest + 36.0, tall + 18.0),
        Form::Subroutine => (widest + 42.0, tall + 18.0),
        Form::Cylinder => (widest + 28.0, tall + 18.0 + 3.0 * LID),
        Form::Flag => (widest + 44.0, tall + 18.0),
        Form::Hexagon => (widest + 28.0 + tall, tall + 18.0),
        Form::LeanRight | Form::LeanLeft | Form::Trapezoid | Form::InvertedTrapezoid => {
            (widest + 28.0 + 2.0 * SLANT, tall + 18.0)
        }
        Form::Circle => {
            let across = widest.hypot(tall) + 16.0;
            (across, across)
        }
        Form::DoubleCircle => {
            let across = widest.hypot(tall) + 16.0 + 2.0 * RING;
            (across, across)
        }
        Form::Ellipse => (widest * 1.5 + 28.0, tall * 1.5 + 18.0),
        Form::Diamond => diamond(lines, tall),
    }
}

/// The smallest diamond whose edges clear the corners of every line.
fn diamond(lines: &[String], tall: f64) -> (f64, f64) {
    let step = CAPTION * LEADING;
    let clear = |(index, line): (usize, &String)| {
        let top = (index as f64 * step - tall / 2.0).abs();
        let bottom = ((index + 1) as f64 * step - tall / 2.0).abs();
        (text::width(line, CAPTION) + 14.0) / DIAMOND_SLANT + 2.0 * top.max(bottom)
    };
    let height = lines.iter().enumerate().map(clear).fold(44.0, f64::max);
    (height * DIAMOND_SLANT, height)
}

fn ellipse(x: f64, y: f64, rx: f64, ry: f64) -> String {
    format!(
        "<ellipse cx=\"{}\" cy=\"{}\" rx=\"{}\" ry=\"{}\"/>",
        number(x),
        number(y),
        number(rx),
        number(ry)
    )
}

fn polygon(corners: &[(f64, f64)]) -> String {
    let points: Vec<String> =
        corners.iter().map(|&(x, y)| format!("{},{}", number(x), number(y))).collect();
    format!("<polygon points=\"{}\"/>", points.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(form: Form, caption: &str) -> Node {
        Node { id: "n".to_owned(), caption: caption.to_owned(), form, line: 1 }
    }

    #[test]
    fn every_form_holds_its_caption_and_its_ports() {
        for form in Form::ALL {
            let shape = ShapeView::of(&node(form, "Is this\na rather long caption?"), 8);
            let widest = shape.lines.iter().map(|l| text::width(l, CAPTION)).fold(0.0, f64::max);
            assert!(shape.width >= widest, "{form:?}");
            assert!(2.0 * shape.reach(8) >= 7.0 * PORT_GAP - 0.01, "{form:?}");
            let edge = shape.rise(shape.reach(8));
            assert!(edge > 0.0 && edge <= shape.height / 2.0, "{form:?}");
            assert!(shape.run(6.0) <= shape.width / 2.0, "{form:?}");
            assert!(!shape.outline(0.0, 0.0).contains("NaN"), "{form:?}");
        }
    }

    #[test]
    fn slanted_figures_narrow_where_they_are_narrow() {
        let side = |form: Form, dy: f64| {
            let shape = ShapeView::of(&node(form, "text"), 0);
            (shape.width / 2.0 - shape.run(dy * shape.height / 2.0)).round()
        };
        assert_eq!((side(Form::Trapezoid, -1.0), side(Form::Trapezoid, 1.0)), (14.0, 0.0));
        let inverted = Form::InvertedTrapezoid;
        assert_eq!((side(inverted, -1.0), side(inverted, 1.0)), (0.0, 14.0));
    }

    #[test]
    fn an_empty_caption_still_has_a_figure() {
        for form in Form::ALL {
            let shape = ShapeView::of(&node(form, ""), 0);
            assert!(shape.width > 20.0 && shape.height > 20.0, "{form:?}");
        }
    }
}
