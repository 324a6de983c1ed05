//! Turns what was read into nodes and arrows, once every id of the chart is known.

use super::names::{Tolerance, did_you_mean};
use super::shape;
use super::source::{SourcePosition, complaint_width, quote};
use super::statement::StatementReader;
use super::table::{Declared, Link, LinkStep, Redeclared, Ways};
use super::{Arrow, Form, Node};
use crate::diagnostic::Diagnostic;

/// The answers that are read as labels where they stand as nodes between two arrows.
const ANSWERS: [&str; 2] = ["no", "yes"];

/// More warnings than this are counted instead of given.
const MOST_WARNINGS: usize = 100;

/// In a chart with more ids than this no nearest one is looked for.
const MOST_IDS_COMPARED: usize = 1000;

/// The parts of a chart.
pub(crate) struct Resolved {
    pub(crate) nodes: Vec<Node>,
    pub(crate) arrows: Vec<Arrow>,
    pub(crate) warnings: Vec<Diagnostic>,
}

/// Something that was not read as written.
#[derive(Debug, Clone, Copy)]
enum Notice {
    /// An answer that stands as a node: the table's entries before it, of it and after it.
    Answer([usize; 3]),
    /// An entry without a shape.
    Undeclared(usize),
    /// An entry with two shapes, by its place in the reader's list.
    Redeclared(usize),
    /// A shape that Mermaid lacks, by its place in the reader's list.
    Strange(usize),
}

struct Resolver<'r, 'a> {
    reader: &'r StatementReader<'a>,
    /// For each of the table's entries, whether it is a node.
    is_node: Vec<bool>,
    arrows: Vec<Arrow>,
    notices: Vec<(SourcePosition, Notice)>,
}

/// Makes the nodes and arrows of a chart whose header stands at `header`.
pub(crate) fn resolve(reader: &StatementReader<'_>, header: SourcePosition) -> Resolved {
    let mut resolver = Resolver {
        reader,
        is_node: vec![false; reader.table.entries.len()],
        arrows: Vec::new(),
        notices: Vec::new(),
    };
    resolver.chains();
    let nodes = resolver.nodes();
    let warnings = resolver.warnings(header);
    let arrows = resolver.arrows;
    Resolved { nodes, arrows, warnings }
}

impl Resolver<'_, '_> {
    /// Makes the arrows, with entries of the table for their ends.
    fn chains(&mut self) {
        let reader = self.reader;
        for chain in &reader.chains {
            self.mark(&chain.first);
            let mut from = &chain.first;
            let mut steps = chain.steps.iter().peekable();
            while let Some(step) = steps.next() {
                let answer = steps.peek().and_then(|next| self.answer(step, next));
                let answered = answer.and_then(|answer| Some((answer, steps.next()?)));
                let (label, to) = match answered {
                    Some((answer, next)) => {
                        let first = |group: &[usize]| group.first().copied().unwrap_or(answer);
                        let around = [first(from), answer, first(&next.to)];
                        self.notices.push((step.place, Notice::Answer(around)));
                        (Some(reader.table.id(answer).to_owned()), &next.to)
                    }
                    None => (step.link.label.clone(), &step.to),
                };
                self.mark(to);
                self.join(from, to, label.as_deref(), &step.link);
                from = to;
            }
        }
    }

    /// The entry of an answer that stands as a node between two arrows without labels.
    fn answer(&self, step: &LinkStep, next: &LinkStep) -> Option<usize> {
        let [only] = step.to.as_slice() else {
            return None;
        };
        let id = self.reader.table.id(*only);
        let plain = step.link.label.is_none()
            && next.link.label.is_none()
            && step.link.dotted == next.link.dotted
            && step.link.ways == Ways::Onward
            && next.link.ways == Ways::Onward;
        let is_answer = ANSWERS.iter().any(|answer| answer.eq_ignore_ascii_case(id));
        (plain && is_answer && !self.reader.table.is_declared(*only)).then_some(*only)
    }

    fn mark(&mut self, group: &[usize]) {
        for index in group {
            if let Some(is_node) = self.is_node.get_mut(*index) {
                *is_node = true;
            }
        }
    }

    fn join(&mut self, from: &[usize], to: &[usize], label: Option<&str>, link: &Link) {
        let ends = from.iter().flat_map(|from| to.iter().map(|to| (*from, *to)));
        for (from, to) in ends {
            let ways = match link.ways {
                Ways::Onward => &[(from, to)][..],
                Ways::Both => &[(from, to), (to, from)],
                Ways::Unseen => &[],
            };
            self.arrows.extend(ways.iter().map(|(from, to)| Arrow {
                from: *from,
                to: *to,
                label: label.map(str::to_owned),
                dotted: link.dotted,
                line: link.place.line,
            }));
        }
    }

    /// Makes the nodes, and lets the arrows point to them instead of the table's entries.
    fn nodes(&mut self) -> Vec<Node> {
        let mut nodes = Vec::new();
        let mut node_of_entry = Vec::new();
        let entries = self.reader.table.entries.iter();
        for (index, (entry, is_node)) in entries.zip(&self.is_node).enumerate() {
            node_of_entry.push(nodes.len());
            if !is_node {
                continue;
            }
            let (form, caption, place) =
                match (&entry.declared, self.reader.subgraphs.get(entry.id)) {
                    (Some(declared), _) => {
                        (declared.form, declared.caption.clone(), declared.place)
                    }
                    (None, Some((title, place))) => (Form::Rectangle, title.clone(), *place),
                    (None, None) => {
                        self.notices.push((entry.first, Notice::Undeclared(index)));
                        (Form::Rectangle, entry.id.to_owned(), entry.first)
                    }
                };
            let id = entry.id.to_owned();
            let line = place.line;
            nodes.push(Node { id, caption, form, line });
        }
        for arrow in &mut self.arrows {
            for end in [&mut arrow.from, &mut arrow.to] {
                *end = node_of_entry.get(*end).copied().unwrap_or(*end);
            }
        }
        nodes
    }

    /// Words the notices in the order of the text.
    fn warnings(&mut self, header: SourcePosition) -> Vec<Diagnostic> {
        let reader = self.reader;
        let redeclared = reader.redeclared.iter().enumerate();
        self.notices.extend(redeclared.map(|(n, two)| (two.new.place, Notice::Redeclared(n))));
        let strange = reader.strange.iter().enumerate();
        self.notices.extend(strange.map(|(n, (place, _))| (*place, Notice::Strange(n))));
        self.notices.sort_by_key(|(place, _)| *place);
        let given = self.notices.iter().take(MOST_WARNINGS);
        let mut warnings: Vec<Diagnostic> = given
            .filter_map(|(place, notice)| match notice {
                Notice::Answer(around) => Some(self.answer_warning(*place, *around)),
                Notice::Undeclared(index) => Some(self.undeclared_warning(*place, *index)),
                Notice::Redeclared(n) => {
                    reader.redeclared.get(*n).map(|two| self.redeclared_warning(two))
                }
                Notice::Strange(n) => reader
                    .strange
                    .get(*n)
                    .map(|(place, name)| shape::strange(&reader.source, *place, name)),
            })
            .collect();
        let more = self.notices.len().saturating_sub(MOST_WARNINGS);
        if more > 0 {
            let what = format!("{more} more warnings about this chart are left out");
            let complaint = self.reader.source.complain(header, 1, what);
            warnings.push(complaint.into_warning());
        }
        warnings
    }

    fn answer_warning(&self, place: SourcePosition, around: [usize; 3]) -> Diagnostic {
        let [from, answer, to] = around.map(|index| self.reader.table.id(index));
        let what = format!(
            "`--> {answer} -->` makes a node of the answer `{answer}`: read as {}",
            quote(&format!("{from} -- {answer} --> {to}")),
        );
        let complaint = self.reader.source.complain(place, answer.len(), what);
        let hint = format!("write `-- {answer} -->`");
        complaint.hint(hint).into_warning()
    }

    fn redeclared_warning(&self, two: &Redeclared) -> Diagnostic {
        let shown = |declared: &Declared| {
            let (open, close) = declared.form.brackets();
            quote(&format!("{open}{}{close}", declared.caption))
        };
        let id = self.reader.table.id(two.index);
        let what = format!(
            "{} is declared again as {}, expected {} as in line {}: read as the last",
            quote(id),
            shown(&two.new),
            shown(&two.old),
            two.old.place.line,
        );
        let hint = "give the shape once and refer to it by its id, or choose another id";
        let complaint = self.reader.source.complain(two.new.place, complaint_width(id), what);
        complaint.hint(hint).into_warning()
    }

    fn undeclared_warning(&self, place: SourcePosition, index: usize) -> Diagnostic {
        let table = &self.reader.table;
        let id = table.id(index);
        let what = format!(
            "{} is given a shape nowhere in this chart: read as a rectangle with its id for a caption",
            quote(id),
        );
        let few = table.entries.len() <= MOST_IDS_COMPARED;
        let declared = table.entries.iter().filter(|entry| few && entry.declared.is_some());
        let otherwise = "give it one where it stands first: `id[caption]`";
        let ids = declared.map(|entry| entry.id);
        let hint = did_you_mean(id, ids, Tolerance::OneToThree, otherwise);
        let complaint = self.reader.source.complain(place, complaint_width(id), what);
        complaint.hint(hint).into_warning()
    }
}

#[cfg(test)]
mod tests {
    use crate::{Form, Parsed, parse};

    fn read(body: &str) -> Parsed {
        parse(&format!("flowchart TD\n{body}"), "t.mmd", "t", 1).unwrap()
    }

    fn labels(body: &str) -> Vec<String> {
        let arrows = read(body).chart.arrows;
        arrows.iter().map(|arrow| arrow.label.clone().unwrap_or_default()).collect()
    }

    #[test]
    fn an_answer_between_arrows_is_their_label() {
        let parsed = read("a{A?} --> b[B]\n  a --> no --> b");
        let ids: Vec<&str> = parsed.chart.nodes.iter().map(|node| node.id.as_str()).collect();
        assert_eq!(ids, ["a", "b"]);
        let arrow = &parsed.chart.arrows[1];
        assert_eq!(
            (arrow.from, arrow.to, arrow.label.as_deref(), arrow.line),
            (0, 1, Some("no"), 3)
        );
        let [warning] = parsed.warnings.as_slice() else { panic!("{:?}", parsed.warnings) };
        assert_eq!((warning.line, warning.column, warning.width), (3, 9, 2));
        assert!(warning.what.contains("read as `a -- no --> b`"), "{warning}");
    }

    #[test]
    fn answers_are_labels_in_chains_and_groups() {
        assert_eq!(labels("a[A] --> yes --> b[B] --> No --> c[C] --> d[D]"), ["yes", "No", ""]);
        assert_eq!(labels("a[A] & b[B] --> no --> c[C]"), ["no", "no"]);
        assert_eq!(labels("a[A] -.-> no -.-> b[B]"), ["no"]);
    }

    #[test]
    fn an_answer_with_a_shape_or_a_label_is_a_node() {
        for body in [
            "a[A] --> no --> b[B]\nno[Never]",
            "no[Never]\na[A] --> no --> b[B]",
            "a[A] -- x --> no --> b[B]",
            "a[A] --> no -- x --> b[B]",
            "a[A] -.-> no --> b[B]",
            "a[A] --> no\nno --> b[B]",
        ] {
            let chart = read(body).chart;
            assert_eq!((chart.nodes.len(), chart.arrows.len()), (3, 2), "{body}");
        }
    }

    #[test]
    fn an_id_without_a_shape_is_a_rectangle_and_a_warning() {
        let parsed = read("start[S] --> strat & x2");
        let node = &parsed.chart.nodes[1];
        assert_eq!((node.caption.as_str(), node.form, node.line), ("strat", Form::Rectangle, 2));
        let [near, far] = parsed.warnings.as_slice() else { panic!("{:?}", parsed.warnings) };
        assert_eq!((near.line, near.column, near.width), (2, 14, 5));
        assert_eq!(near.hint.as_deref(), Some("did you mean `start`?"));
        assert_eq!((far.line, far.column, far.width), (2, 22, 2));
    }

    #[test]
    fn warnings_stand_in_the_order_of_the_text_and_are_not_endless() {
        let parsed = read("b --> a{A?}\na --> yes --> c");
        let lines: Vec<usize> = parsed.warnings.iter().map(|warning| warning.line).collect();
        assert_eq!(lines, [2, 3, 3]);
        let many = (0..150).map(|n| format!("n{n}")).collect::<Vec<_>>().join("\n");
        let warnings = read(&many).warnings;
        assert_eq!(warnings.len(), 101);
        assert!(warnings[100].what.starts_with("50 more warnings"));
    }
}
