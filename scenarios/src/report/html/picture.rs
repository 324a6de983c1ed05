//! One chart as an inline SVG.

use super::Painted;
use super::layout::{self, ArrowRoute, Drawing, PlacedShape, Tag, Trail, VerticalRun};
use super::text::{self, CAPTION, LABEL, LEADING, escape, flat, number};
use pgdrill_flow::{Arrow, Form};

/// The picture of a chart with its legend. Arrows lead to their rows in the table below.
pub(super) fn figure(chart: usize, painted: &Painted<'_>) -> String {
    let tags = (0..painted.chart.arrows.len()).map(|index| tag(painted, index)).collect();
    let drawing = layout::layout(painted.chart, tags);
    if drawing.places.is_empty() {
        return "<p class=\"empty\">This chart is empty.</p>\n".to_owned();
    }
    let (width, height) = (number(drawing.width), number(drawing.height));
    let mut svg = format!(
        "<figure>\n<a class=\"skip\" href=\"#chart-{chart}-cases\">Skip the picture</a>\n\
         <div class=\"canvas\" tabindex=\"0\" role=\"region\" aria-label=\"Picture of {}\" data-start=\"{}\">\
         <svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"group\" \
         aria-labelledby=\"chart-{chart}-title chart-{chart}-desc\">\n\
         <title id=\"chart-{chart}-title\">Flowchart {}</title>\n\
         <desc id=\"chart-{chart}-desc\">{}</desc>\n",
        escape(&painted.chart.name),
        number(start(painted, &drawing)),
        escape(&painted.chart.name),
        escape(&description(painted))
    );
    svg.push_str(&arrows(chart, painted, &drawing));
    svg.push_str(&nodes(chart, painted, &drawing));
    svg.push_str("</svg></div>\n");
    svg.push_str(LEGEND);
    svg.push_str("</figure>\n");
    svg
}

/// How far from the left the chart begins, where its reader wants to look first.
fn start(painted: &Painted<'_>, drawing: &Drawing) -> f64 {
    let first = painted.chart.starts().first().copied().unwrap_or_default();
    drawing.places.get(first).map_or(0.0, |place| place.x)
}

/// An arrow in words: `is_leader → defer (no)`.
pub(super) fn arrow_name(painted: &Painted<'_>, index: usize) -> String {
    let Some(arrow) = painted.chart.arrows.get(index) else {
        return String::new();
    };
    let label = label(arrow).map(|label| format!(" ({label})")).unwrap_or_default();
    format!("{} → {}{label}", painted.node_id(arrow.from), painted.node_id(arrow.to))
}

/// The label of an arrow on one line, if it says anything.
pub(super) fn label(arrow: &Arrow) -> Option<String> {
    arrow.label.as_deref().map(flat).filter(|label| !label.is_empty())
}

const LEGEND: &str = "<figcaption class=\"legend\">\
    <span class=\"key walked\">walked; 12× is how often</span>\
    <span class=\"key never\">never walked: 0×</span>\
    <span class=\"key dotted\">amendment: an arrow that the published chart lacks</span>\
    </figcaption>\n";

/// Length and half the width of an arrowhead.
const HEAD: (f64, f64) = (8.0, 4.5);
/// Widest line of a tag.
const TAG: f64 = 150.0;

fn description(painted: &Painted<'_>) -> String {
    let arrows = painted.chart.arrows.len();
    let missed = super::unwalked(painted).len();
    format!(
        "{} shapes and {arrows} arrows from top to bottom; {} arrows were walked, {missed} never. \
         The table after the picture lists them all.",
        painted.chart.nodes.len(),
        arrows - missed
    )
}

/// What stands on an arrow: its label and its visits, on one line if that is short.
fn tag(painted: &Painted<'_>, index: usize) -> Tag {
    let never = painted.visited(index) == 0;
    let visits = format!("{}×", painted.visited(index));
    let arrow = painted.chart.arrows.get(index);
    let lines = match arrow.and_then(label) {
        None => vec![visits],
        Some(label) => {
            let line = format!("{label} · {visits}");
            if text::width(&line, LABEL) <= TAG {
                vec![line]
            } else {
                let mut lines = text::wrap(&label, LABEL, TAG);
                lines.push(visits);
                lines
            }
        }
    };
    Tag::of(lines, never)
}

fn arrows(chart: usize, painted: &Painted<'_>, drawing: &Drawing) -> String {
    let mut svg = String::new();
    // Unwalked arrows come last: nothing may cover them.
    for unwalked in [false, true] {
        for (index, arrow) in painted.chart.arrows.iter().enumerate() {
            let visits = painted.visited(index);
            if let Some(Some(route)) = drawing.routes.get(index)
                && unwalked == (visits == 0)
            {
                let (line, head) = strokes(&route.trail);
                let name = escape(&format!("{}, walked {visits}×", arrow_name(painted, index)));
                let state = state(visits, arrow.dotted, painted.is_amendment(index));
                svg.push_str(&format!(
                    "<a class=\"arrow{state}\" id=\"chart-{chart}-arrow-{index}\" \
                     href=\"#chart-{chart}-row-{index}\" aria-label=\"{name}\"><title>{name}</title>\
                     <path class=\"hit\" d=\"{line}\"/><path class=\"line\" d=\"{line}\"/>\
                     <path class=\"head\" d=\"{head}\"/>{}</a>\n",
                    chip(route)
                ));
            }
        }
    }
    svg
}

/// The classes that say what an arrow is and how it fared.
pub(super) fn state(visits: u64, dotted: bool, amendment: bool) -> &'static str {
    match (visits == 0, dotted, amendment) {
        (false, false, _) => "",
        (false, true, false) => " dashed",
        (false, true, true) => " dotted",
        (true, false, _) => " never",
        (true, true, false) => " dashed never",
        (true, true, true) => " dotted never",
    }
}

fn chip(route: &ArrowRoute) -> String {
    let tag = &route.tag;
    format!(
        "<rect class=\"chip\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"7\"/>{}",
        number(route.x - tag.width / 2.0),
        number(route.y - tag.height / 2.0),
        number(tag.width),
        number(tag.height),
        lines(&tag.lines, route.x, route.y, LABEL)
    )
}

fn nodes(chart: usize, painted: &Painted<'_>, drawing: &Drawing) -> String {
    let mut svg = String::new();
    for (index, (node, place)) in painted.chart.nodes.iter().zip(&drawing.places).enumerate() {
        let visits = painted.node_visits(index);
        let (never, id) = (if visits == 0 { " never" } else { "" }, escape(&node.id));
        svg.push_str(&format!(
            "<g class=\"node {}{never}\" id=\"chart-{chart}-node-{index}\" aria-label=\"{id}, walked {visits}×\">\
             <title>{id}: visited {visits}×</title>{}{}{}</g>\n",
            kind(node.form),
            place.shape.outline(place.x, place.y),
            lines(&place.shape.lines, place.x + lean(node.form), place.y, CAPTION),
            if visits == 0 { badge(place) } else { String::new() }
        ));
    }
    svg
}

/// A flag's notch is on its left, so its text moves to the right.
fn lean(form: Form) -> f64 {
    if form == Form::Flag { 6.0 } else { 0.0 }
}

fn kind(form: Form) -> &'static str {
    match form {
        Form::Rectangle
        | Form::Rounded
        | Form::Subroutine
        | Form::Cylinder
        | Form::Hexagon
        | Form::LeanRight
        | Form::LeanLeft
        | Form::Trapezoid
        | Form::InvertedTrapezoid
        | Form::Ellipse => "action",
        Form::Stadium | Form::Circle | Form::DoubleCircle => "ending",
        Form::Flag => "flag",
        Form::Diamond => "question",
    }
}

/// `0×` on the upper right corner of a node that no case visits.
fn badge(place: &PlacedShape) -> String {
    let shape = &place.shape;
    let rise = shape.height / 2.0 * if shape.form == Form::Diamond { 0.55 } else { 1.0 };
    let (x, y) = (place.x + shape.run(rise) + 2.0, place.y - rise);
    format!(
        "<rect class=\"badge\" x=\"{}\" y=\"{}\" width=\"28\" height=\"18\" rx=\"9\"/>\
         <text class=\"count\" x=\"{}\" y=\"{}\">0×</text>",
        number(x - 14.0),
        number(y - 9.0),
        number(x),
        number(y + LABEL * 0.36)
    )
}

/// Lines of text around a point; an element each, as a space between spans would shift them.
fn lines(lines: &[String], x: f64, y: f64, size: f64) -> String {
    let step = size * LEADING;
    let first = y - (lines.len() as f64 - 1.0) * step / 2.0 + size * 0.36;
    let line = |(index, line): (usize, &String)| {
        let at = number(first + index as f64 * step);
        format!("<text x=\"{}\" y=\"{at}\">{}</text>", number(x), escape(line))
    };
    lines.iter().enumerate().map(line).collect()
}

/// The line of an arrow and its head, as path data.
fn strokes(trail: &Trail) -> (String, String) {
    match trail {
        Trail::Runs(runs) => (line(runs), runs.last().map(head).unwrap_or_default()),
        Trail::Loop { x, y, reach, spread } => {
            let (far, up, down) = (number(x + reach * 1.3), number(y - spread), number(y + spread));
            let wide = spread * 3.0 + 12.0;
            let line = format!(
                "M{} {up}C{far} {} {far} {} {} {down}",
                number(*x),
                number(y - wide),
                number(y + wide),
                number(x + HEAD.0 * 0.8)
            );
            let back = number(x + HEAD.0);
            let (above, below) = (number(y + spread - HEAD.1), number(y + spread + HEAD.1));
            (line, format!("M{} {down}L{back} {above}L{back} {below}Z", number(*x)))
        }
    }
}

/// Vertical through every run, an S from each run to the next; the end leaves room for the head.
fn line(runs: &[VerticalRun]) -> String {
    let mut path = String::new();
    let mut last: Option<VerticalRun> = None;
    for (index, run) in runs.iter().enumerate() {
        let mut run = *run;
        if index + 1 == runs.len() {
            let back = HEAD.0 * 0.8 * ahead(&run);
            run.to -= back;
        }
        match last {
            None => path.push_str(&format!("M{} {}", number(run.x), number(run.from))),
            Some(before) if (before.x - run.x).abs() < 0.05 => {}
            Some(before) => {
                let bend = number(f64::midpoint(before.to, run.from));
                path.push_str(&format!(
                    "C{} {bend} {} {bend} {} {}",
                    number(before.x),
                    number(run.x),
                    number(run.x),
                    number(run.from)
                ));
            }
        }
        path.push_str(&format!("V{}", number(run.to)));
        last = Some(run);
    }
    path
}

/// 1 for a run that goes down, -1 for one that goes up.
fn ahead(run: &VerticalRun) -> f64 {
    if run.to < run.from { -1.0 } else { 1.0 }
}

fn head(run: &VerticalRun) -> String {
    let back = number(run.to - HEAD.0 * ahead(run));
    let (left, right) = (number(run.x - HEAD.1), number(run.x + HEAD.1));
    format!("M{} {}L{left} {back}L{right} {back}Z", number(run.x), number(run.to))
}
