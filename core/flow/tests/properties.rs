//! What holds for every text and for every chart.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use pgdrill_flow::{Arrow, Chart, Direction, Form, Node, charts_in_markdown, mermaid, parse};
use proptest::prelude::*;

const PUBLISHED: &str = include_str!("../../tests/fixtures/backups.md");

/// Pieces that charts are made of, to be put together at random.
const PIECES: [&str; 72] = [
    "flowchart TD\n",
    "graph ",
    "LR",
    "\n",
    "\r\n",
    ";",
    " ",
    "a",
    "b",
    "no",
    "yes",
    "end",
    "-->",
    "--",
    "-.->",
    "-.",
    ".->",
    "==>",
    "---",
    "|",
    "\"",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    ">",
    "[[",
    "((",
    "{{",
    "&",
    "%%",
    "%%{",
    "}%%",
    "---\n",
    "```mermaid\n",
    "```\n",
    "~~~",
    "# On X Hook\n",
    "subgraph x",
    "class ",
    ":::",
    "#quot;",
    "#35;",
    "<br/>",
    "\\n",
    "é×",
    "<-->",
    "<",
    "x",
    "o",
    "~~~",
    "@{",
    "shape: hex",
    "label: ",
    "[/",
    "/]",
    "\\]",
    "(((",
    ")))",
    "(-",
    "> ",
    "- ",
    "1. ",
    "    ",
    "\t",
    ":::{mermaid}\n",
    ":name: x\n",
    "```{mermaid}\n",
    "===\n",
    "<!--",
];

fn read_all(text: &str) {
    let document = charts_in_markdown(text, "t.md");
    let whole = parse(text, "t.mmd", "t", 1);
    let charts = document.charts.iter().chain(whole.as_ref().map(|parsed| &parsed.chart));
    for chart in charts {
        let paths = chart.paths(1000);
        assert!(paths.listed.iter().all(|path| path.nodes.len() == path.arrows.len() + 1));
        assert!(paths.listed.iter().map(|path| path.nodes.len()).sum::<usize>() <= 1000);
        assert_round_trip(chart, &[]);
    }
    let complaints = document.errors.iter().chain(&document.warnings).chain(whole.as_ref().err());
    for complaint in complaints {
        let line = text.split('\n').nth(complaint.line - 1).unwrap();
        assert!(complaint.column >= 1 && complaint.column <= line.chars().count() + 1);
    }
}

fn assert_round_trip(chart: &Chart, visits: &[u64]) {
    let painted = mermaid(chart, visits);
    let again =
        parse(&painted, "t.mmd", &chart.name, 1).unwrap_or_else(|why| panic!("{why}\n{painted}"));
    assert_eq!(again.warnings, [], "{painted}");
    let again = again.chart;
    assert_eq!((&again.name, again.direction), (&chart.name, chart.direction));
    let nodes = |chart: &Chart| -> Vec<(String, String, Form)> {
        let nodes = chart.nodes.iter();
        nodes.map(|node| (node.id.clone(), node.caption.clone(), node.form)).collect()
    };
    assert_eq!(nodes(&again), nodes(chart), "{painted}");
    let arrows = |chart: &Chart| -> Vec<(usize, usize, bool)> {
        let arrows = chart.arrows.iter();
        arrows.map(|arrow| (arrow.from, arrow.to, arrow.dotted)).collect()
    };
    assert_eq!(arrows(&again), arrows(chart), "{painted}");
    for (index, (one, other)) in again.arrows.iter().zip(&chart.arrows).enumerate() {
        let count = format!("{}×", visits.get(index).unwrap_or(&0));
        let label =
            other.label.as_ref().map_or(count.clone(), |label| format!("{label} · {count}"));
        assert_eq!(one.label.as_ref(), Some(&label), "{painted}");
    }
}

prop_compose! {
    fn charts()(
        nodes in prop::collection::vec((any::<String>(), prop::sample::select(Form::ALL.to_vec())), 1..12),
        ends in prop::collection::vec((any::<usize>(), any::<usize>(), prop::option::of(".+"), any::<bool>()), 0..20),
        direction in prop::sample::select(vec![
            Direction::TopDown, Direction::BottomUp, Direction::LeftRight, Direction::RightLeft,
        ]),
    ) -> Chart {
        let count = nodes.len();
        let arrow = |(from, to, label, dotted): (usize, usize, Option<String>, bool)| Arrow {
            from: from % count, to: to % count, label, dotted, line: 1,
        };
        let node = |(n, (caption, form)): (usize, (String, Form))| Node {
            id: format!("n-{n}"), caption, form, line: 1,
        };
        Chart {
            name: "t".to_owned(),
            direction,
            nodes: nodes.into_iter().enumerate().map(node).collect(),
            arrows: ends.into_iter().map(arrow).collect(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        read_all(&text);
        read_all(&format!("flowchart TD\n{text}"));
    }

    #[test]
    fn any_pieces_are_read_or_refused(pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..60)) {
        let text = pieces.concat();
        read_all(&text);
        read_all(&format!("flowchart TD\n{text}"));
    }

    #[test]
    fn a_mutated_document_is_read_or_refused(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..4_usize, prop::sample::select(PIECES.to_vec())), 1..12),
    ) {
        let mut text: Vec<char> = PUBLISHED.chars().collect();
        for (place, removed, piece) in edits {
            let at = place.index(text.len());
            let end = (at + removed).min(text.len());
            text.splice(at..end, piece.chars());
        }
        read_all(&text.into_iter().collect::<String>());
    }

    #[test]
    fn a_painted_chart_is_the_same_chart(chart in charts(), visits in prop::collection::vec(any::<u64>(), 0..20)) {
        assert_round_trip(&chart, &visits);
        prop_assert_eq!(mermaid(&chart, &visits), mermaid(&chart, &visits));
    }
}

/// Texts of `size` parts that a reader which goes over them again would take hours to read.
fn huge_texts(size: usize) -> Vec<String> {
    let each = |part: fn(usize) -> String| (0..size).map(part).collect::<Vec<_>>();
    let labelled = each(|n| format!("n{n}[N] -- no --> n{}", n + 1));
    let undeclared = each(|n| format!("n{n} --> n{}", n + 1));
    vec![
        format!("graph TD\n{}", labelled.join("\n")),
        format!("graph TD\n{}", undeclared.join(";")),
        format!("graph TD\nn0{}", " --> n0".repeat(size)),
        format!("graph TD\na[{}", "\"".repeat(size)),
        format!("graph TD\n{}", "subgraph x\n".repeat(size)),
        format!("graph TD\na -. {}", ".".repeat(size)),
        format!("graph TD\na -- {}", "- ".repeat(size)),
        format!("graph TD\na@{{{}", "shape: x,".repeat(size)),
        format!("graph TD\n{}", "a[A]\na(A)\n".repeat(size)),
        "> ".repeat(size),
        "- ".repeat(size),
        "<!--\n```\n-->\n".repeat(size),
        "<!--\n".repeat(size),
        "text\n".repeat(size),
        "````{note}\n".repeat(size),
        format!("- a\n  ```mermaid\n  graph TD\n{}", "  a --> b\n".repeat(size)),
        format!("graph TD\na[\"{}\"]", "<br ".repeat(size)),
        format!("graph TD\n{}", "%%{\n}%%".repeat(size)),
        format!("graph TD\nclick a {}", "\";".repeat(size)),
        "```mermaid\ngraph TD\n```\n".repeat(size),
        "-".repeat(size * 10),
    ]
}

#[test]
fn huge_texts_are_read_or_refused() {
    for text in huge_texts(100_000) {
        let _ = charts_in_markdown(&text, "t.md");
        let _ = parse(&text, "t.mmd", "t", 1);
    }
}
