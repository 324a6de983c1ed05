//! Reads the shape that follows the id of a node: `[caption]` and the like, or `@{ shape: … }`.

use super::Form;
use super::link::{needs_quotes, quoted};
use super::names::{Tolerance, did_you_mean};
use super::source::{ReadResult, SourcePosition, SourceText, complaint_width, quote};
use super::text;
use crate::diagnostic::Diagnostic;

/// The forms by opening bracket, longer ones first; forms that open alike stand next to each other.
const FORMS: [Form; 15] = [
    Form::DoubleCircle,
    Form::Stadium,
    Form::Circle,
    Form::Ellipse,
    Form::Subroutine,
    Form::Cylinder,
    Form::LeanRight,
    Form::Trapezoid,
    Form::LeanLeft,
    Form::InvertedTrapezoid,
    Form::Hexagon,
    Form::Rectangle,
    Form::Rounded,
    Form::Diamond,
    Form::Flag,
];

/// The names that Mermaid has for shapes after `@`, with the form that is nearest to it.
const NAMES: [(Form, &[&str]); 12] = [
    (Form::Rounded, &["rounded", "event"]),
    (Form::Stadium, &["stadium", "pill", "terminal"]),
    (Form::Subroutine, &["fr-rect", "framed-rectangle", "subproc", "subprocess", "subroutine"]),
    (
        Form::Cylinder,
        &[
            "cyl",
            "cylinder",
            "database",
            "db",
            "datastore",
            "data-store",
            "das",
            "h-cyl",
            "horizontal-cylinder",
            "disk",
            "lin-cyl",
            "lined-cylinder",
        ],
    ),
    (
        Form::Circle,
        &[
            "circle",
            "circ",
            "sm-circ",
            "small-circle",
            "start",
            "f-circ",
            "filled-circle",
            "junction",
            "cross-circ",
            "crossed-circle",
            "summary",
        ],
    ),
    (Form::DoubleCircle, &["dbl-circ", "double-circle", "fr-circ", "framed-circle", "stop"]),
    (Form::Flag, &["odd"]),
    (Form::Diamond, &["diam", "decision", "diamond", "question"]),
    (Form::Hexagon, &["hex", "hexagon", "prepare"]),
    (Form::LeanRight, &["lean-r", "lean-right", "in-out"]),
    (Form::LeanLeft, &["lean-l", "lean-left", "out-in"]),
    (Form::Trapezoid, &["trap-b", "trapezoid", "trapezoid-bottom", "priority"]),
];

/// The names for shapes that are wide above.
const INVERTED: [&str; 4] = ["trap-t", "inv-trapezoid", "trapezoid-top", "manual"];

/// The names for shapes that are read as rectangles: rectangles, and those that nothing here resembles.
const RECTANGLES: [&str; 79] = [
    "rect",
    "rectangle",
    "proc",
    "process",
    "bang",
    "bolt",
    "bow-rect",
    "bow-tie-rectangle",
    "brace",
    "brace-l",
    "brace-r",
    "braces",
    "card",
    "cloud",
    "collate",
    "com-link",
    "comment",
    "curv-trap",
    "curved-trapezoid",
    "delay",
    "display",
    "div-proc",
    "div-rect",
    "divided-process",
    "divided-rectangle",
    "doc",
    "docs",
    "document",
    "documents",
    "extract",
    "flag",
    "flip-tri",
    "flipped-triangle",
    "fork",
    "half-rounded-rectangle",
    "hourglass",
    "internal-storage",
    "join",
    "lightning-bolt",
    "lin-doc",
    "lin-proc",
    "lin-rect",
    "lined-document",
    "lined-process",
    "lined-rectangle",
    "loop-limit",
    "manual-file",
    "manual-input",
    "notch-pent",
    "notch-rect",
    "notched-pentagon",
    "notched-rectangle",
    "paper-tape",
    "processes",
    "procs",
    "shaded-process",
    "sl-rect",
    "sloped-rectangle",
    "st-doc",
    "st-rect",
    "stacked-document",
    "stacked-rectangle",
    "stored-data",
    "tag-doc",
    "tag-proc",
    "tag-rect",
    "tagged-document",
    "tagged-process",
    "tagged-rectangle",
    "text",
    "tri",
    "triangle",
    "win-pane",
    "window-pane",
    "icon",
    "image",
    "anchor",
    "ellipse",
    "squareRect",
];

/// What stands after an id.
#[derive(Debug)]
pub(crate) enum Shape {
    /// A form and a caption, in brackets.
    Bracketed(Form, String),
    /// What `@{ … }` says of them, which may be neither.
    Data(ShapeData),
}

/// What `@{ … }` says of a node.
#[derive(Debug, Default)]
pub(crate) struct ShapeData {
    pub(crate) form: Option<Form>,
    pub(crate) caption: Option<String>,
    /// A name of a shape that Mermaid lacks, and where it stands.
    pub(crate) strange: Option<(SourcePosition, String)>,
}

/// Reads the shape that comes next, if one does.
pub(crate) fn shape(source: &mut SourceText<'_>) -> ReadResult<Option<Shape>> {
    let opened = source.here();
    if source.eat("@{") {
        return data(source, opened).map(|data| Some(Shape::Data(data)));
    }
    let Some(first) = FORMS.into_iter().find(|form| source.eat(form.brackets().0)) else {
        return Ok(None);
    };
    let (form, caption) = bracketed(source, first.brackets().0, opened)?;
    Ok(Some(Shape::Bracketed(form, caption)))
}

/// Reads a caption and the bracket that closes it, after the one that opened it.
fn bracketed(
    source: &mut SourceText<'_>,
    open: &'static str,
    opened: SourcePosition,
) -> ReadResult<(Form, String)> {
    let forms: Vec<Form> = FORMS.into_iter().filter(|form| form.brackets().0 == open).collect();
    let closes: Vec<String> = forms.iter().map(|f| format!("`{}`", f.brackets().1)).collect();
    let close = closes.join(" or ");
    let before = source.clone();
    source.skip_space();
    let is_quoted = source.peek() == Some('"');
    let (caption, raw) = if is_quoted {
        let caption = quoted(source)?;
        source.skip_space();
        (caption, "")
    } else {
        *source = before.clone();
        (String::new(), source.take_while(|c| !needs_quotes(c)))
    };
    for form in forms {
        let closing = form.brackets().1;
        // The marks before the last bracket are text to whoever reads up to that.
        let marks = closing.trim_end_matches([']', ')', '}']);
        if is_quoted && source.eat(closing) {
            return Ok((form, caption));
        }
        let bracket = closing.strip_prefix(marks).unwrap_or_default();
        if let Some(raw) = raw.strip_suffix(marks).filter(|_| !is_quoted)
            && source.rest().starts_with(bracket)
        {
            if raw.is_empty() {
                let what = format!("found an empty caption `{open}{closing}`, expected text");
                let complaint = source.complain(opened, open.len() + closing.len(), what);
                let hint = format!("write `{open}\" \"{closing}` for a blank");
                return Err(complaint.hint(hint).into());
            }
            source.eat(bracket);
            return Ok((form, text::decode(raw)));
        }
    }
    let found = source.found();
    if source.here().line != opened.line || source.peek().is_none() {
        let what = format!("`{open}` is never closed: found {found}, expected {close}");
        return Err(source.complain(opened, complaint_width(open), what).into());
    }
    let what =
        format!("found {found} in a caption that `{open}` opened, expected text and {close}");
    let closing = forms_first_close(open);
    let hint =
        format!("put a caption with brackets, bars or quotes in quotes: `{open}\"…\"{closing}`");
    Err(source.complain_here(what).hint(hint).into())
}

fn forms_first_close(open: &str) -> &'static str {
    let mut forms = FORMS.into_iter().map(Form::brackets);
    forms.find(|(other, _)| *other == open).map_or("", |(_, close)| close)
}

/// Reads the keys and values up to the `}`, after `@{`.
fn data(source: &mut SourceText<'_>, opened: SourcePosition) -> ReadResult<ShapeData> {
    let mut data = ShapeData::default();
    loop {
        source.take_while(|c| c == ',' || c.is_whitespace());
        if source.eat("}") {
            return Ok(data);
        }
        let key = source.take_while(|c| !matches!(c, ':' | ',' | '}' | '\n')).trim();
        if !source.eat(":") {
            let found = source.found();
            let what = format!("found {found} after `@{{`, expected `key: value` or `}}`");
            let hint = "write `id@{ shape: diamond, label: \"text\" }`";
            return Err(source.complain(opened, 2, what).hint(hint).into());
        }
        source.skip_blanks();
        let place = source.here();
        let value = value(source)?;
        match key {
            "shape" => {
                data.form = Some(form(&value).unwrap_or(Form::Rectangle));
                data.strange = form(&value).is_none().then_some((place, value));
            }
            "label" => data.caption = Some(value),
            _ => {}
        }
    }
}

/// Reads the value of a key: text in quotes, or up to the next comma, brace or line.
fn value(source: &mut SourceText<'_>) -> ReadResult<String> {
    match source.peek() {
        Some('"') => quoted(source),
        Some('\'') => {
            source.bump();
            let raw = source.take_while(|c| c != '\'');
            source.eat("'");
            Ok(text::decode(raw))
        }
        _ => Ok(text::decode(source.take_while(|c| !matches!(c, ',' | '}' | '\n')))),
    }
}

/// The form that Mermaid draws under a name, or the one nearest to it.
fn form(name: &str) -> Option<Form> {
    let known = NAMES.iter().find(|(_, names)| names.contains(&name)).map(|(form, _)| *form);
    let inverted = INVERTED.contains(&name).then_some(Form::InvertedTrapezoid);
    let rectangle = RECTANGLES.contains(&name).then_some(Form::Rectangle);
    known.or(inverted).or(rectangle)
}

/// The warning that Mermaid lacks a shape of this name.
pub(crate) fn strange(source: &SourceText<'_>, place: SourcePosition, name: &str) -> Diagnostic {
    let what = format!("Mermaid has no shape {}: read as a rectangle", quote(name));
    let names = NAMES.iter().flat_map(|(_, names)| names.iter());
    let names = names.chain(&INVERTED).chain(&RECTANGLES).copied();
    let otherwise = "write one of `rect`, `rounded`, `stadium`, `diam`, `circle`, `cyl`";
    let hint = did_you_mean(name, names, Tolerance::OneToThree, otherwise);
    source.complain(place, complaint_width(name), what).hint(hint).into_warning()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chart, Parsed, parse};

    fn read(body: &str) -> Parsed {
        let text = format!("flowchart TD\n{body}");
        parse(&text, "t.mmd", "t", 1).unwrap_or_else(|why| panic!("{body}: {why}"))
    }

    fn first(chart: &Chart) -> (Form, &str) {
        (chart.nodes[0].form, chart.nodes[0].caption.as_str())
    }

    #[test]
    fn every_form_is_read() {
        for form in Form::ALL {
            let (open, close) = form.brackets();
            for caption in ["Has x?", "\"Has x?\"", "\n  \"Has x?\"\n"] {
                let chart = read(&format!("a{open}{caption}{close} --> b[B]")).chart;
                assert_eq!(first(&chart), (form, "Has x?"), "{open}{close}");
            }
        }
    }

    #[test]
    fn slanted_captions_keep_their_slashes() {
        let slanted = |body| first(&read(body).chart).1.to_owned();
        assert_eq!(slanted("a[/and/or/]"), "and/or");
        assert_eq!(slanted("a[\\c:\\x\\]"), "c:\\x");
        assert_eq!(slanted("a[\"/x/\"]"), "/x/");
        for (body, what) in
            [("a[/x]", "expected text and `/]` or `\\]`"), ("a[//]", "empty caption `[//]`")]
        {
            let complaint = parse(&format!("graph TD\n{body}"), "t", "t", 1).unwrap_err();
            assert!(complaint.what.contains(what), "{complaint}");
        }
    }

    #[test]
    fn shapes_by_name_are_read() {
        for (body, form, caption) in [
            ("a@{ shape: diamond, label: \"Is it, so?\" }", Form::Diamond, "Is it, so?"),
            ("a@{shape: hex}", Form::Hexagon, "a"),
            ("a@{\n  shape: trap-t\n  label: 'x: y'\n}", Form::InvertedTrapezoid, "x: y"),
            ("a@{ label: Some text }", Form::Rectangle, "Some text"),
            ("a@{ img: \"x.png\", w: 60, h: 60 }", Form::Rectangle, "a"),
            ("a@{ shape: docs, label: \"D\" }", Form::Rectangle, "D"),
            ("a([A])\na@{ shape: dbl-circ }", Form::DoubleCircle, "A"),
            ("a([A])\na@{ label: B }", Form::Stadium, "B"),
            ("a@{}", Form::Rectangle, "a"),
        ] {
            let parsed = read(&format!("{body} --> b[B]"));
            assert_eq!(first(&parsed.chart), (form, caption), "{body}");
            assert_eq!(parsed.warnings, [], "{body}");
        }
    }

    #[test]
    fn a_shape_that_mermaid_lacks_is_told() {
        let parsed = read("a[A] --> b@{ shape: diamnd } --> c@{ shape: x }");
        let [near, far] = parsed.warnings.as_slice() else { panic!("{:?}", parsed.warnings) };
        assert_eq!((near.line, near.column, near.width), (2, 21, 6));
        assert_eq!(near.hint.as_deref(), Some("did you mean `diamond`?"));
        assert!(far.what.contains("Mermaid has no shape `x`"), "{far}");
        for body in ["a@{ shape diamond }", "a@{", "a@{ shape: hex"] {
            let complaint = parse(&format!("graph TD\n{body}"), "t", "t", 1).unwrap_err();
            assert!(complaint.what.contains("after `@{`, expected `key: value`"), "{complaint}");
        }
    }
}
