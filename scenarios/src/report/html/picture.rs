//! One chart as an inline SVG.

use super::Painted;
use super::layout::{self, ArrowRoute, Drawing, PlacedShape, Tag, Trail, VerticalRun};
use super::text::{self, CAPTION, LABEL, LEADING, escape, flat, number};
use pgdrill_flow::{Arrow, Form};

/// The picture of a chart with its legend. Arrows lead to their rows in the table below.
pub(super) fn figure(chart: usize, painted: &Painted<'_>) -> String {
    let Some(drawing) = draw(painted) else {
        return "<p class=\"empty\">This chart is empty.</p>\n".to_owned();
    };
    let (width, height) = (number(drawing.width), number(drawing.height));
    let mut svg = format!(
        "<figure{}>\n<a class=\"skip\" href=\"#chart-{chart}-cases\">Skip the picture</a>\n\
         <div class=\"canvas\" tabindex=\"0\" role=\"region\" aria-label=\"Picture of {}\" data-start=\"{}\">\
         <svg{} viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"group\" \
         aria-labelledby=\"chart-{chart}-title chart-{chart}-desc\">\n\
         <title id=\"chart-{chart}-title\">Flowchart {}</title>\n\
         <desc id=\"chart-{chart}-desc\">{}</desc>\n",
        if painted.ended_at.is_some() { " class=\"still\"" } else { "" },
        escape(&painted.chart.name),
        number(start(painted, &drawing)),
        way(painted),
        escape(&painted.chart.name),
        escape(&description(painted))
    );
    let place = if painted.ended_at.is_some() { None } else { Some(chart) };
    svg.push_str(&arrows(place, painted, &drawing));
    svg.push_str(&nodes(place, painted, &drawing));
    svg.push_str("</svg></div>\n");
    svg.push_str(if painted.ended_at.is_some() { LEGEND_OF_A_WALK } else { LEGEND });
    svg.push_str("</figure>\n");
    svg
}

/// The picture of a chart as a document of its own, with this style. `None`: the chart is empty.
pub(super) fn alone(painted: &Painted<'_>, style: &str) -> Option<String> {
    let drawing = draw(painted)?;
    let (width, height) = (number(drawing.width), number(drawing.height));
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\"{} viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-labelledby=\"title desc\">\n<title id=\"title\">Flowchart {}</title>\n\
         <desc id=\"desc\">{}</desc>\n<style>\n{style}</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"10\" style=\"fill: var(--card)\"/>\n{}{}</svg>\n",
        way(painted),
        escape(&painted.chart.name),
        escape(&counts(painted)),
        arrows(None, painted, &drawing),
        nodes(None, painted, &drawing)
    ))
}

/// The class of a picture that shows one walk.
fn way(painted: &Painted<'_>) -> &'static str {
    if painted.ended_at.is_some() { " class=\"way\"" } else { "" }
}

/// Where everything goes. `None`: the chart is empty.
fn draw(painted: &Painted<'_>) -> Option<Drawing> {
    let tags = (0..painted.chart.arrows.len()).map(|index| tag(painted, index)).collect();
    let drawing = layout::layout(painted.chart, tags);
    (!drawing.places.is_empty()).then_some(drawing)
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

const LEGEND_OF_A_WALK: &str = "<figcaption class=\"legend\">\
    <span class=\"key way\">walked</span><span class=\"key end\">where it ended</span>\
    <span class=\"key other\">not walked</span></figcaption>\n";

/// Length and half the width of an arrowhead.
const HEAD: (f64, f64) = (8.0, 4.5);
/// Widest line of a tag.
const TAG: f64 = 150.0;

fn description(painted: &Painted<'_>) -> String {
    let table = if painted.ended_at.is_some() {
        ""
    } else {
        " The table after the picture lists them all."
    };
    counts(painted) + table
}

fn counts(painted: &Painted<'_>) -> String {
    let arrows = painted.chart.arrows.len();
    let missed = super::unwalked(painted).len();
    format!(
        "{} shapes and {arrows} arrows from top to bottom; {} arrows were walked, {missed} never.",
        painted.chart.nodes.len(),
        arrows - missed
    )
}

/// What stands on an arrow: its label and its visits, on one line if that is short.
fn tag(painted: &Painted<'_>, index: usize) -> Tag {
    let never = painted.visited(index) == 0;
    let arrow = painted.chart.arrows.get(index);
    // Of one walk it says enough which arrows it took.
    let is_plain = painted.ended_at.is_some() && painted.visited(index) < 2;
    let visits = if is_plain { String::new() } else { format!("{}×", painted.visited(index)) };
    let lines = match arrow.and_then(label) {
        Some(label) if is_plain => text::wrap(&label, LABEL, TAG),
        None if is_plain => Vec::new(),
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

/// The arrows, as links to their rows in the tables of this chart of a page, if there are any.
fn arrows(chart: Option<usize>, painted: &Painted<'_>, drawing: &Drawing) -> String {
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
                let class = state(visits, arrow.dotted, painted.is_amendment(index));
                let (begin, end) = match chart {
                    Some(chart) => (
                        format!(
                            "a class=\"arrow{class}\" id=\"chart-{chart}-arrow-{index}\" \
                             href=\"#chart-{chart}-row-{index}\" aria-label=\"{name}\""
                        ),
                        "a",
                    ),
                    None => (format!("g class=\"arrow{class}\""), "g"),
                };
                svg.push_str(&format!(
                    "<{begin}><title>{name}</title>{}<path class=\"line\" d=\"{line}\"/>\
                     <path class=\"head\" d=\"{head}\"/>{}</{end}>\n",
                    // What is pointed at is wider than the line.
                    chart
                        .map(|_| format!("<path class=\"hit\" d=\"{line}\"/>"))
                        .unwrap_or_default(),
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
    if tag.lines.is_empty() {
        return String::new();
    }
    format!(
        "<rect class=\"chip\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"7\"/>{}",
        number(route.x - tag.width / 2.0),
        number(route.y - tag.height / 2.0),
        number(tag.width),
        number(tag.height),
        lines(&tag.lines, route.x, route.y, LABEL)
    )
}

fn nodes(chart: Option<usize>, painted: &Painted<'_>, drawing: &Drawing) -> String {
    let mut svg = String::new();
    for (index, (node, place)) in painted.chart.nodes.iter().zip(&drawing.places).enumerate() {
        let visits = painted.node_visits(index);
        let is_last = painted.ended_at == Some(index);
        let never = match (is_last, visits) {
            (true, _) => " last",
            (false, 0) => " never",
            (false, _) => "",
        };
        let id = escape(&node.id);
        let named = |chart| {
            format!(" id=\"chart-{chart}-node-{index}\" aria-label=\"{id}, walked {visits}×\"")
        };
        svg.push_str(&format!(
            "<g class=\"node {}{never}\"{}><title>{id}: visited {visits}×</title>{}{}{}</g>\n",
            kind(node.form),
            chart.map(named).unwrap_or_default(),
            place.shape.outline(place.x, place.y),
            lines(&place.shape.lines, place.x + lean(node.form), place.y, CAPTION),
            if visits == 0 && !is_last { badge(place) } else { String::new() }
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
