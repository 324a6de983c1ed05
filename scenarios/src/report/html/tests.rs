//! The page as a whole, and the geometry of its pictures.

use proptest::prelude::*;

use super::layout::{self, Drawing, Tag, Trail};
use super::{CaseRow, CaseVerdict, Page, Painted, PathRow, page, sample};
use pgdrill_flow::{Arrow, Chart, Direction, Form, Node, PathCount};

const FORMS: [Form; 9] = [
    Form::Diamond,
    Form::Rectangle,
    Form::Stadium,
    Form::Circle,
    Form::Flag,
    Form::LeanRight,
    Form::Trapezoid,
    Form::DoubleCircle,
    Form::Ellipse,
];

fn chart(captions: &[&str], arrows: &[(usize, usize)]) -> Chart {
    let node = |(index, caption): (usize, &&str)| Node {
        id: format!("n{index}"),
        caption: (*caption).to_owned(),
        form: FORMS[index % FORMS.len()],
        line: index,
    };
    let arrow = |(index, &(from, to)): (usize, &(usize, usize))| Arrow {
        from,
        to,
        label: (index % 3 != 0).then(|| format!("answer {index}")),
        dotted: index % 4 == 1,
        line: index,
    };
    Chart {
        name: "sample".to_owned(),
        direction: Direction::TopDown,
        nodes: captions.iter().enumerate().map(node).collect(),
        arrows: arrows.iter().enumerate().map(arrow).collect(),
    }
}

fn paint(chart: &Chart) -> Painted<'_> {
    let visits = (0..chart.arrows.len() as u64).map(|index| index % 5).collect();
    let cases = chart.arrows.iter().map(|_| vec!["one", "two"]).collect();
    let paths = vec![PathRow { text: "n0 → n1".to_owned(), visits: 0 }];
    let amendments = chart.arrows.iter().map(|arrow| arrow.dotted).collect();
    let (drawn_paths, remarks) = (PathCount::Exactly(1), vec!["a < b".to_owned()]);
    Painted { chart, amendments, visits, cases, paths, drawn_paths, remarks, ended_at: None }
}

fn page_of(chart: &Chart) -> String {
    page(&Page {
        title: "A <page>",
        summary: vec![("arrows".to_owned(), "1 of 2".to_owned())],
        charts: vec![paint(chart)],
        cases: vec![CaseRow { name: "one", verdict: CaseVerdict::Failed, note: "1 < 2" }],
    })
}

fn drawing(chart: &Chart) -> Drawing {
    let tag = |_: &Arrow| Tag::of(vec!["answer · 12×".to_owned()], false);
    layout::layout(chart, chart.arrows.iter().map(tag).collect())
}

/// A box, as its centre and its size.
type Box4 = (f64, f64, f64, f64);

fn boxes(drawing: &Drawing) -> Vec<Box4> {
    let places = drawing.places.iter().map(|p| (p.x, p.y, p.shape.width, p.shape.height));
    let tags = drawing.routes.iter().flatten().map(|r| (r.x, r.y, r.tag.width, r.tag.height));
    places.chain(tags).collect()
}

fn overlap(a: Box4, b: Box4) -> bool {
    (a.0 - b.0).abs() < (a.2 + b.2) / 2.0 - 0.5 && (a.1 - b.1).abs() < (a.3 + b.3) / 2.0 - 0.5
}

/// Points along the arrows between nodes, bends included, with the index of the arrow.
fn points(drawing: &Drawing) -> Vec<(usize, f64, f64)> {
    let mut points = Vec::new();
    for (index, route) in drawing.routes.iter().enumerate() {
        let Some(Trail::Runs(runs)) = route.as_ref().map(|route| &route.trail) else {
            continue;
        };
        for run in runs {
            points.extend([(index, run.x, run.from), (index, run.x, run.to)]);
        }
        for pair in runs.windows(2) {
            for step in 1..10 {
                // The bend that the picture draws: x eases over, y follows the same Bézier curve.
                let t = f64::from(step) / 10.0;
                let ease = t * t * (3.0 - 2.0 * t);
                let x = pair[0].x + (pair[1].x - pair[0].x) * ease;
                let (from, to) = (pair[0].to, pair[1].from);
                let y = from
                    + (to - from)
                        * (1.5 * t * (1.0 - t) * (1.0 - t) + 1.5 * t * t * (1.0 - t) + t * t * t);
                points.push((index, x, y));
            }
        }
    }
    points
}

/// Nothing overlaps, and no arrow runs through a node or through another arrow's tag.
fn check_geometry(chart: &Chart) {
    let drawing = drawing(chart);
    let boxes = boxes(&drawing);
    for (index, a) in boxes.iter().enumerate() {
        assert!(a.0.is_finite() && a.1.is_finite());
        assert!(a.0 - a.2 / 2.0 >= 0.0 && a.0 + a.2 / 2.0 <= drawing.width, "{a:?} is outside");
        for b in &boxes[index + 1..] {
            assert!(!overlap(*a, *b), "{a:?} lies on {b:?}");
        }
    }
    for (arrow, x, y) in points(&drawing) {
        for place in &drawing.places {
            let (dx, dy) = (x - place.x, y - place.y);
            let inside =
                dx.abs() < place.shape.width / 2.0 && dy.abs() < place.shape.rise(dx) - 0.5;
            assert!(!inside, "arrow {arrow} runs through a node at {x}, {y}");
        }
        for (other, route) in drawing.routes.iter().enumerate() {
            let Some(route) = route.as_ref().filter(|_| other != arrow) else {
                continue;
            };
            let (dx, dy) = ((x - route.x).abs(), (y - route.y).abs());
            assert!(
                dx >= route.tag.width / 2.0 || dy >= route.tag.height / 2.0,
                "arrow {arrow} runs through a tag"
            );
        }
    }
}

#[test]
fn captions_and_names_are_escaped() {
    let mut chart = chart(&["<script>alert(1)</script>", "b & \"c\""], &[(0, 1)]);
    chart.name = "<img src=x>".to_owned();
    chart.nodes[0].id = "<b>".to_owned();
    chart.arrows[0].label = Some("'><svg onload=1>".to_owned());
    let html = page_of(&chart);
    assert!(html.contains("&lt;script&gt;alert(1)"));
    for raw in ["<script>alert", "<img", "<svg onload", "<code><b>", "A <page>"] {
        assert!(!html.contains(raw), "{raw}");
    }
}

#[test]
fn the_page_needs_nothing_from_outside() {
    let html = page_of(&chart(&["a", "b"], &[(0, 1)]));
    for outside in ["http://", "https://", "url(", "@import", "src="] {
        assert!(!html.contains(outside), "{outside}");
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let write = || {
        let charts = sample::charts();
        let painted = |chart| Painted { visits: sample::visits(chart), ..paint(chart) };
        page(&Page {
            title: "t",
            summary: Vec::new(),
            charts: charts.iter().map(painted).collect(),
            cases: Vec::new(),
        })
    };
    assert_eq!(write(), write());
}

#[test]
fn every_arrow_has_its_path_and_its_row() {
    let mut arrows = 0;
    for chart in sample::charts() {
        let html = page_of(&chart);
        for index in 0..chart.arrows.len() {
            assert!(
                html.contains(&format!(
                    "id=\"chart-0-arrow-{index}\" href=\"#chart-0-row-{index}\""
                ))
            );
            assert!(html.contains(&format!("<tr id=\"chart-0-row-{index}\"")));
        }
        assert_eq!(html.matches("<path class=\"line\" d=\"M").count(), chart.arrows.len());
        arrows += chart.arrows.len();
    }
    let drawn: usize = crate::charts::all().iter().map(|(_, chart)| chart.arrows.len()).sum();
    assert_eq!(arrows, drawn);
}

#[test]
fn what_was_never_walked_is_marked_in_words_too() {
    let chart = chart(&["a", "b", "c"], &[(0, 1), (1, 2)]);
    let html = page_of(&chart);
    assert!(html.contains("class=\"arrow never\" id=\"chart-0-arrow-0\""));
    assert!(html.contains(">0×</text>"));
    assert!(html.contains("class=\"arrow dotted\" id=\"chart-0-arrow-1\""));
    assert!(html.contains("answer 1 · 1×"));
    assert!(html.contains("class=\"node question never\" id=\"chart-0-node-0\""));
    assert!(html.contains("Never walked"));
    assert!(html.contains("1 of 2 arrows walked, 0 of 1 paths; a &lt; b</span>"));
}

#[test]
fn a_dotted_arrow_that_is_no_amendment_is_not_called_one() {
    let chart = chart(&["a", "b", "c"], &[(0, 1), (1, 2)]);
    let painted = Painted { amendments: Vec::new(), ..paint(&chart) };
    let html =
        page(&Page { title: "t", summary: Vec::new(), charts: vec![painted], cases: Vec::new() });
    assert!(html.contains("class=\"arrow dashed\" id=\"chart-0-arrow-1\""));
    assert!(!html.contains("class=\"amendment\""));
    assert!(page_of(&chart).contains("class=\"amendment\""));
}

#[test]
fn a_chart_that_takes_too_long_is_listed_and_not_drawn() {
    let arrows: Vec<(usize, usize)> = (0..399).flat_map(|n| [(n, n + 1), (n, 399)]).collect();
    let chart = chart(&["a"; 400], &arrows);
    let html = page_of(&chart);
    assert!(html.contains("Not drawn: 400 shapes and 798 arrows are more than this page draws"));
    assert!(!html.contains("<svg"));
    assert_eq!(html.matches("<tr id=\"chart-0-row-").count(), 798);
}

#[test]
fn missing_visits_count_as_none_and_strange_arrows_keep_their_row() {
    let chart = chart(&["a"], &[(0, 7), (0, 0)]);
    let painted =
        Painted { visits: Vec::new(), cases: Vec::new(), paths: Vec::new(), ..paint(&chart) };
    let html =
        page(&Page { title: "t", summary: Vec::new(), charts: vec![painted], cases: Vec::new() });
    assert!(html.contains("<code>n0</code> → <code>?</code>"));
    assert!(html.contains("id=\"chart-0-arrow-1\""));
}

/// The value of an attribute of a tag, as a number.
fn measured(tag: &str, attribute: &str) -> f64 {
    let (_, rest) = tag.split_once(&format!(" {attribute}=\"")).unwrap();
    rest.split('"').next().unwrap().split(' ').next_back().unwrap().parse().unwrap()
}

/// The sizes, in CSS pixels, of the text in the pictures of a page before its reader zooms.
fn sizes_of_text(html: &str, page_width: f64) -> Vec<f64> {
    let (_, style) = html.split_once("<style>").unwrap();
    let style = style.split("@media print").next().unwrap();
    let rules: Vec<&str> = style.lines().filter(|line| line.contains('{')).collect();
    let shrinks = rules.iter().any(|rule| {
        rule.split('{').next().unwrap().contains("svg") && rule.contains("width: 100%")
    });
    let of_text = rules.iter().filter(|rule| rule.split('{').next().unwrap().contains("text"));
    let size = |rule: &str| rule.split_once("font-size: ")?.1.split("px").next()?.parse().ok();
    let fonts: Vec<f64> = of_text.filter_map(|rule| size(rule)).collect();
    assert!(fonts.len() >= 2, "the style gives no sizes");
    let mut sizes = Vec::new();
    for tag in html.split("<svg").skip(1).map(|rest| rest.split('>').next().unwrap()) {
        let wide = measured(tag, "width");
        let shown = if shrinks { wide.min(page_width) } else { wide };
        let (_, _, drawn, _) = view_box(tag);
        sizes.extend(fonts.iter().map(|font| font * shown / drawn));
    }
    sizes
}

fn view_box(tag: &str) -> Box4 {
    let (_, rest) = tag.split_once("viewBox=\"").unwrap();
    let parts: Vec<f64> =
        rest.split('"').next().unwrap().split(' ').map(|part| part.parse().unwrap()).collect();
    (parts[0], parts[1], parts[2], parts[3])
}

#[test]
fn text_in_pictures_can_be_read_on_wide_and_on_narrow_screens() {
    let mut widest: f64 = 0.0;
    for chart in sample::charts() {
        let html = page_of(&chart);
        for page_width in [1280.0, 400.0] {
            let sizes = sizes_of_text(&html, page_width);
            assert!(!sizes.is_empty());
            let least = sizes.iter().copied().fold(f64::MAX, f64::min);
            assert!(least >= 11.0, "{} at {page_width}: {least}", chart.name);
        }
        widest = widest.max(measured(html.split("<svg").nth(1).unwrap(), "width"));
        assert!(html.contains(".canvas { overflow: auto;"), "what is too wide must scroll");
    }
    assert!(widest > 1280.0, "no chart is wider than a screen: {widest}");
}

#[test]
fn the_cases_of_a_chart_stand_below_its_picture_each_once() {
    let html = page_of(&chart(&["a", "b"], &[(0, 1), (1, 0)]));
    let (picture, below) = html.split_once("</figure>").unwrap();
    assert!(!picture.contains("class=\"names\""));
    assert!(below.contains("<summary>2 cases walk this chart</summary>"));
    let names = below.split("<ul class=\"names\">").nth(1).unwrap().split("</ul>").next().unwrap();
    assert_eq!(names, "<li><a href=\"#case-0\">one</a></li><li>two</li>");
}

#[test]
fn a_chart_that_is_not_walked_whole_is_open_as_is_the_first() {
    let chart = chart(&["a", "b"], &[(0, 1)]);
    let walked = Painted { visits: vec![1], ..paint(&chart) };
    let charts = vec![walked.clone(), walked, paint(&chart)];
    let html = page(&Page { title: "t", summary: Vec::new(), charts, cases: Vec::new() });
    let is_open = |number: usize| {
        html.contains(&format!("<details id=\"chart-{number}\" class=\"part chart\" open>"))
    };
    assert_eq!([0, 1, 2].map(is_open), [true, false, true]);
}

#[test]
fn an_empty_chart_says_so() {
    assert!(page_of(&chart(&[], &[])).contains("This chart is empty."));
}

#[test]
fn the_published_charts_are_drawn_without_collisions() {
    for chart in sample::charts() {
        check_geometry(&chart);
    }
}

#[test]
fn an_arrow_back_points_up() {
    let chart = chart(&["a", "b"], &[(0, 1), (1, 0)]);
    let drawing = drawing(&chart);
    let Some(Trail::Runs(runs)) = drawing.routes[1].as_ref().map(|route| &route.trail) else {
        panic!("no way back");
    };
    assert!(runs[0].from > runs[runs.len() - 1].to);
    assert!(drawing.places[0].y < drawing.places[1].y);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn strange_charts_are_drawn_without_collisions(
        nodes in 1_usize..10,
        ends in prop::collection::vec((0_usize..10, 0_usize..10), 0..22),
    ) {
        let captions: Vec<&str> = ["a", "Is it\nso?", "", "a rather long caption on one line"].into_iter().cycle().take(nodes).collect();
        let arrows: Vec<(usize, usize)> = ends.iter().map(|&(from, to)| (from % nodes, to % nodes)).collect();
        let chart = chart(&captions, &arrows);
        check_geometry(&chart);
        let html = page_of(&chart);
        prop_assert_eq!(html.matches("<path class=\"line\"").count(), arrows.len());
        prop_assert!(!html.contains("NaN"));
    }
}
