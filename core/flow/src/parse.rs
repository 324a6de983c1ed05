//! Reads one Mermaid flowchart.

use super::names::{Tolerance, did_you_mean, nearest_name};
use super::resolve::resolve;
use super::source::{ReadResult, SourceText, complaint_width, quote};
use super::statement::StatementReader;
use super::{Chart, Direction};
use crate::diagnostic::Diagnostic;

/// The words that begin a flowchart.
const HEADERS: [&str; 3] = ["flowchart", "graph", "flowchart-elk"];

/// The directions of a flowchart.
const DIRECTIONS: [&str; 5] = ["TD", "TB", "BT", "LR", "RL"];

/// A chart that was read, and what its author should know about how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The chart.
    pub chart: Chart,
    /// What was not read as written, in the order of the text. Past a hundred they are only
    /// counted, in one last warning about the whole file.
    pub warnings: Vec<Diagnostic>,
}

/// Reads one Mermaid flowchart, to be called `name`, whose first line is line `first_line` of
/// `file`.
///
/// What Mermaid draws without a word gives a warning where it is probably a slip. `a --> no --> b`, where
/// `no` (or `yes`) is given a shape nowhere, is read as `a -- no --> b`. Any other id without a shape is
/// read as Mermaid does, as a rectangle with the id for its caption; one with two shapes has the last.
///
/// A line without a head (`---`), or one that ends in a cross or a circle, is an arrow in the direction in
/// which it is written. One with heads at both ends (`<-->`) is two arrows, one each way. An invisible one
/// (`~~~`) is none. A shape that is given by a name has the form that is nearest to it, or a rectangle's.
///
/// Statements about looks (`classDef`, `class`, `style`, `linkStyle`, `click`, `:::class`) and
/// groupings (`subgraph` … `end`) are read over. A grouping that an arrow leaves or enters is a node, with
/// its title for a caption.
///
/// # Errors
///
/// The first place that is not a flowchart as Mermaid has them.
pub fn parse(text: &str, file: &str, name: &str, first_line: usize) -> Result<Parsed, Diagnostic> {
    read(SourceText::new(text, file, first_line), name).map_err(|complaint| *complaint)
}

/// Whether a text of some diagram is a flowchart, or was probably meant to be one.
pub(crate) fn looks_like_a_chart(text: &str) -> bool {
    first_word(text).is_none_or(|word| nearest_name(word, HEADERS, Tolerance::OneToThree).is_some())
}

/// Whether a text begins exactly as a flowchart does.
pub(crate) fn begins_as_a_chart(text: &str) -> bool {
    first_word(text).is_some_and(|word| HEADERS.contains(&word))
}

/// The word that says what kind of diagram a text is. `None` when what comes before is malformed.
fn first_word(text: &str) -> Option<&str> {
    let mut source = SourceText::new(text, "", 1);
    source.skip_preamble().ok()?;
    Some(source.peek_id())
}

fn read(mut source: SourceText<'_>, name: &str) -> ReadResult<Parsed> {
    source.skip_preamble()?;
    let header = source.here();
    let direction = direction(&mut source)?;
    let mut reader = StatementReader::new(source);
    while reader.statement()? {}
    let resolved = resolve(&reader, header);
    let chart =
        Chart { name: name.to_owned(), direction, nodes: resolved.nodes, arrows: resolved.arrows };
    let warnings = resolved.warnings;
    Ok(Parsed { chart, warnings })
}

/// Reads the line that begins the chart.
fn direction(source: &mut SourceText<'_>) -> ReadResult<Direction> {
    let word = source.peek_id();
    if !HEADERS.contains(&word) {
        let found = source.found();
        let what = format!("found {found}, expected `flowchart` or `graph` and a direction");
        let otherwise = "a chart begins with a line such as `flowchart TD`";
        let hint = did_you_mean(word, HEADERS, Tolerance::OneToThree, otherwise);
        return Err(source.complain_here(what).hint(hint).into());
    }
    source.eat(word);
    source.skip_blanks();
    if source.at_end_of_statement() {
        return Ok(Direction::TopDown);
    }
    let place = source.here();
    let found = source.found();
    let word = source.take_while(|c| c != ';' && !c.is_whitespace());
    let Some(direction) = Direction::from_word(word) else {
        let what = format!("found {}, expected a direction: TD, TB, BT, LR or RL", quote(word));
        let otherwise = format!("write `flowchart TD` on a line of its own, before {found}");
        let hint = did_you_mean(word, DIRECTIONS, Tolerance::OneToThree, &otherwise);
        let width = complaint_width(word);
        return Err(source.complain(place, width, what).hint(hint).into());
    };
    source.skip_blanks();
    if source.at_end_of_statement() {
        return Ok(direction);
    }
    let what = format!(
        "found {} after the direction, expected the end of the line or `;`",
        source.found(),
    );
    Err(source.complain_here(what).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Form;

    fn chart(body: &str) -> Chart {
        let text = format!("flowchart TD\n{body}");
        let parsed = parse(&text, "t.mmd", "t", 1).unwrap_or_else(|why| panic!("{body}: {why}"));
        parsed.chart
    }

    /// The arrows as `from>to:label`, in chart order.
    fn arrows(body: &str) -> String {
        let chart = chart(body);
        let shown = chart.arrows.iter().map(|arrow| {
            let label = arrow.label.as_ref().map_or(String::new(), |label| format!(":{label}"));
            format!("{}>{}{label}", chart.nodes[arrow.from].id, chart.nodes[arrow.to].id)
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    fn refused(text: &str) -> (String, usize, usize, usize) {
        let complaint = parse(text, "t.mmd", "t", 1).expect_err(text);
        let says = format!("{} {}", complaint.what, complaint.hint.unwrap_or_default());
        (says, complaint.line, complaint.column, complaint.width)
    }

    #[test]
    fn the_header_gives_the_direction() {
        let direction = |text| parse(text, "t", "t", 1).unwrap().chart.direction;
        assert_eq!(direction("flowchart TD"), Direction::TopDown);
        assert_eq!(direction("graph TB\n"), Direction::TopDown);
        assert_eq!(direction("graph\n"), Direction::TopDown);
        assert_eq!(direction("\u{feff}%% hi\n\n  graph LR; a[A]"), Direction::LeftRight);
        assert_eq!(direction("---\ntitle: x\n---\nflowchart RL %% x"), Direction::RightLeft);
        assert_eq!(direction("%%{init: {}}%%\nflowchart BT\r\n"), Direction::BottomUp);
        assert_eq!(direction("graph ^\n"), Direction::BottomUp);
    }

    #[test]
    fn a_wrong_header_is_refused_with_the_nearest_word() {
        let (says, line, column, width) = refused("\n flowchrt TD");
        assert!(says.contains("found `flowchrt`") && says.contains("did you mean `flowchart`?"));
        assert_eq!((line, column, width), (2, 2, 8));
        let (says, line, column, width) = refused("flowchart DT\n");
        assert!(says.contains("found `DT`") && says.contains("did you mean `TD`?"), "{says}");
        assert_eq!((line, column, width), (1, 11, 2));
        assert!(refused("").0.contains("found the end of the chart"));
        assert!(refused("sequenceDiagram").0.contains("found `sequenceDiagram`"));
        assert!(refused("graph TD a[A]").0.contains("found `a` after the direction"));
        assert!(refused("graph a[A]").0.contains("expected a direction"));
    }

    #[test]
    fn captions_keep_what_quotes_hold_and_go_on_over_lines() {
        let caption = |body| chart(body).nodes[0].caption.clone();
        assert_eq!(caption("a[\"x] --> b{(|y;%%\"]"), "x] --> b{(|y;%%");
        assert_eq!(caption("a{Is\\n it\r\n   so<br/>now?}"), "Is\nit\nso\nnow?");
        assert_eq!(caption("a[\"`x`\"]"), "x");
        assert_eq!(caption("a[ ]"), "");
        assert_eq!(caption("a[don't; 50% > #quot;x#quot;]"), "don't; 50% > \"x\"");
    }

    #[test]
    fn captions_that_mermaid_refuses_are_refused() {
        let (says, line, column, _) = refused("graph TD\na[x (y)]");
        assert!(says.contains("found `(`") && says.contains("in quotes"), "{says}");
        assert_eq!((line, column), (2, 5));
        let (says, line, column, _) = refused("graph TD\n a[x\nb --> c[C]");
        assert!(says.contains("`[` is never closed"), "{says}");
        assert_eq!((line, column), (2, 3));
        let (says, line, column, _) = refused("graph TD\n a[\"x]\n");
        assert!(says.contains("`\"` is never closed"), "{says}");
        assert_eq!((line, column), (2, 4));
        for (body, what) in [
            ("a[]", "empty caption"),
            ("a[\"\"]", "empty text"),
            ("a(x]", "found `]`"),
            ("a[\"x\" y]", "found `y`"),
            ("a[x]&b[x]", "found `&` without white space"),
            ("a& b", "found `&` without white space"),
            ("a &b", "found `&` without white space"),
            ("a [x]", "expected an arrow"),
            ("a[x]:::", "after `:::`"),
        ] {
            let says = refused(&format!("graph TD\n{body}")).0;
            assert!(says.contains(what), "{body}: {says}");
        }
    }

    #[test]
    fn chains_and_groups_make_their_arrows() {
        assert_eq!(arrows("a[A]-->b[B]--text-->c[C]-.->d-e[D]"), "a>b b>c:text c>d-e");
        assert_eq!(arrows("a[A] & b[B] -- x --> c[C] & d[D]"), "a>c:x a>d:x b>c:x b>d:x");
        assert_eq!(arrows("a[A] & b[B]-->c[C]; c --> a;;"), "a>c b>c c>a");
        assert_eq!(arrows("a[A]-->|\"x\"|b[B]:::k-->c[C] %% note"), "a>b:x b>c");
        let groups = format!("graph TD\n{0} --> {0}", vec!["a[A]"; 32].join(" & "));
        assert!(refused(&groups).0.contains("at most 1000"));
    }

    #[test]
    fn of_two_shapes_the_last_counts_and_that_is_told() {
        assert_eq!(arrows("a --> b\na[A]\nb{B?}\na[\"A\"] --> b{ B? }"), "a>b a>b");
        let parsed = parse("graph TD\naa[A]\n aa[B]\naa(B)", "t.mmd", "t", 1).unwrap();
        let [first, second] = parsed.warnings.as_slice() else { panic!("{:?}", parsed.warnings) };
        assert!(first.what.contains("`[B]`, expected `[A]` as in line 2"), "{first}");
        assert_eq!((first.line, first.column, first.width), (3, 2, 2));
        assert!(second.what.contains("`(B)`, expected `[B]` as in line 3"), "{second}");
        let node = &parsed.chart.nodes[0];
        assert_eq!((node.caption.as_str(), node.form, node.line), ("B", Form::Rounded, 4));
    }

    #[test]
    fn a_node_keeps_the_line_of_its_shape_and_an_arrow_its_own() {
        let text = "flowchart TD\na --> b[B]\n\na[\"A\n\nA\"] --> b";
        let chart = parse(text, "t.mmd", "t", 11).unwrap().chart;
        assert_eq!((chart.nodes[0].line, chart.nodes[1].line), (14, 12));
        assert_eq!((chart.arrows[0].line, chart.arrows[1].line), (12, 16));
    }

    #[test]
    fn looks_and_groupings_are_read_over() {
        let body = "classDef red fill:#f00,stroke:#000;\nclass a,b red\nstyle a fill:#fff\nlinkStyle 0 stroke:red; a[A] --> b[B]\n\
            click a \"https://x;y\" \"tip\"\nclick b call f()\nsubgraph one [T]\ndirection LR\nsubgraph \"two\"\nb --> c[C]\nend\nend\n\
            accTitle: x --> y\naccDescr { x\ny }\nc --> direction[D]";
        assert_eq!(arrows(body), "a>b b>c c>direction");
    }

    #[test]
    fn groupings_must_fit() {
        assert!(refused("graph TD\nend").0.contains("without a `subgraph`"));
        let (says, line, ..) = refused("graph TD\nsubgraph x\nsubgraph y\nend\n");
        assert!(says.contains("never closed"));
        assert_eq!(line, 2);
    }

    #[test]
    fn a_grouping_that_arrows_touch_is_a_node() {
        let text = "graph TD\na[A] --> one\nsubgraph one [\"The first\"]\nb[B] --> c[C]\nend\n\
            subgraph two\nd[D]\nend\none --> two\nsubgraph three\nend";
        let parsed = parse(text, "t.mmd", "t", 1).unwrap();
        assert_eq!(parsed.warnings, []);
        let nodes = parsed.chart.nodes.iter();
        let nodes: Vec<_> = nodes.map(|n| (n.id.as_str(), n.caption.as_str(), n.line)).collect();
        let expected = [("a", "A", 2), ("one", "The first", 3), ("b", "B", 4), ("c", "C", 4)];
        assert_eq!(nodes, [&expected[..], &[("d", "D", 7), ("two", "two", 6)]].concat());
        assert_eq!(parsed.chart.arrows.len(), 3);
    }

    #[test]
    fn lines_of_every_kind_are_arrows() {
        assert_eq!(arrows("a --- b -- x --- c"), "a>b b>c:x");
        assert_eq!(arrows("a <--> b <== x ==> c"), "a>b b>a b>c:x c>b:x");
        assert_eq!(arrows("a --x b x--x c o-.-o d"), "a>b b>c c>d");
        assert_eq!(arrows("a ~~~ b --> c"), "b>c");
        assert_eq!(arrows("a e1@--> b\ne1@{ animate: true }"), "a>b");
        assert_eq!(chart("a ~~~ b").nodes.len(), 2);
    }

    #[test]
    fn an_arrow_may_stand_on_a_line_of_its_own() {
        assert_eq!(
            arrows("a[A] -->\n  b[B]\n\n  -- x --> c[C]\n  %% note\n  --- d & e"),
            "a>b b>c:x c>d c>e"
        );
        assert_eq!(arrows("a --> b;\nb --> c\nx--x d"), "a>b b>c x>d");
        let (says, line, column, _) = refused("graph TD\na[A] -->");
        assert!(says.contains("found the end of the chart, expected the id of a node"), "{says}");
        assert_eq!((line, column), (2, 9));
    }

    #[test]
    fn what_is_no_statement_is_refused() {
        for (body, what, column) in [
            ("a[A] --> end", "found `end`, a word of Mermaid's own", 10),
            ("class --> a[A]", "found `class`, a word", 1),
            ("flowchart TD", "found `flowchart`, a word", 1),
            ("a[A] b[B]", "found `b`, expected an arrow", 6),
            ("×[A]", "found `×[`, expected the id of a node", 1),
            ("a[A] & --> b", "found `-->`, expected the id of a node", 8),
            ("%%{init", "directive `%%{` is never closed", 1),
        ] {
            let (says, line, at, _) = refused(&format!("graph TD\n{body}\n"));
            assert!(says.contains(what), "{body}: {says}");
            assert_eq!((line, at), (2, column), "{body}");
        }
    }
}
