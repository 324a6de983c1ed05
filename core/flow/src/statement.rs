//! Reads the statements of a chart, one after another, into chains and a table of ids.

use std::collections::BTreeSet;

use super::link::{link, needs_quotes, quoted};
use super::source::{ReadResult, SourcePosition, SourceText, complaint_width, is_id_char, quote};
use super::table::{Chain, Declared, Group, LinkStep, Table};
use super::text;
use super::{Direction, Form};

/// One arrow between groups stands for at most so many arrows between nodes.
const MOST_ARROWS_PER_LINK: usize = 1000;

/// Statements about looks, which are read over.
const LOOKS: [&str; 5] = ["classDef", "class", "style", "linkStyle", "click"];

/// Other words that begin a statement and therefore name no node.
const STRUCTURE: [&str; 4] = ["subgraph", "end", "flowchart", "graph"];

/// Shapes of Mermaid that are not among [`Form::ALL`], by how they begin.
const OTHER_SHAPES: [&str; 5] = ["(((", "(-", "[/", "[\\", "@{"];

/// The forms by opening bracket, longer ones first.
const FORMS: [Form; 9] = [
    Form::Stadium,
    Form::Circle,
    Form::Subroutine,
    Form::Cylinder,
    Form::Hexagon,
    Form::Rectangle,
    Form::Rounded,
    Form::Diamond,
    Form::Flag,
];

/// A chart while its statements are read.
#[derive(Debug)]
pub(crate) struct StatementReader<'a> {
    pub(crate) source: SourceText<'a>,
    pub(crate) table: Table<'a>,
    pub(crate) chains: Vec<Chain>,
    /// The ids of the groupings, which are not nodes.
    pub(crate) subgraphs: BTreeSet<&'a str>,
    /// Where the groupings that are still open began.
    open: Vec<SourcePosition>,
}

impl<'a> StatementReader<'a> {
    /// A chart of which the header was read.
    pub(crate) fn new(source: SourceText<'a>) -> Self {
        Self {
            source,
            table: Table::default(),
            chains: Vec::new(),
            subgraphs: BTreeSet::new(),
            open: Vec::new(),
        }
    }

    /// Reads one statement; `false` at the end of the chart.
    pub(crate) fn statement(&mut self) -> ReadResult<bool> {
        self.source.skip_ignored(true)?;
        if self.source.peek().is_none() {
            return match self.open.pop() {
                None => Ok(false),
                Some(place) => {
                    let what = "this `subgraph` is never closed, expected `end`";
                    Err(self.source.complain(place, 8, what).into())
                }
            };
        }
        let word = self.source.peek_id();
        let mut after = self.source.clone();
        after.eat(word);
        let adjacent = after.peek();
        after.skip_blanks();
        let goes_on =
            adjacent != after.peek() && after.peek().is_some_and(|c| is_id_char(c) || c == '"');
        let is_direction = word == "direction" && Direction::from_word(after.peek_id()).is_some();
        if word == "subgraph" && (goes_on || after.at_end_of_statement()) {
            self.open.push(self.source.here());
            self.source = after;
            self.subgraph_title();
        } else if word == "end" && after.at_end_of_statement() {
            if self.open.pop().is_none() {
                let complaint =
                    self.source.complain_here("found `end` without a `subgraph` before it");
                return Err(complaint.hint("as the id of a node, write `End` or `the_end`").into());
            }
            self.source = after;
        } else if (LOOKS.contains(&word) && goes_on) || is_direction {
            self.source = after;
            self.skip_statement();
        } else if (word == "accTitle" || word == "accDescr") && after.eat(":") {
            self.source = after;
            self.source.take_line();
        } else if word == "accDescr" && after.eat("{") {
            self.source = after;
            self.source.take_while(|c| c != '}');
            self.source.eat("}");
        } else {
            let chain = self.chain()?;
            self.chains.push(chain);
        }
        Ok(true)
    }

    /// Reads what follows the word `subgraph`: an id, a title, or both.
    fn subgraph_title(&mut self) {
        let id = self.source.peek_id();
        self.source.eat(id);
        self.source.skip_blanks();
        if !id.is_empty() && (self.source.at_end_of_statement() || self.source.peek() == Some('['))
        {
            self.subgraphs.insert(id);
        }
        self.skip_statement();
    }

    /// Reads the rest of a statement without looking at it, save for `;` in quotes.
    fn skip_statement(&mut self) {
        loop {
            self.source.take_while(|c| !matches!(c, '\n' | ';' | '"'));
            if self.source.peek() != Some('"') {
                return;
            }
            self.source.bump();
            let before = self.source.clone();
            self.source.take_while(|c| !matches!(c, '\n' | '"'));
            if !self.source.eat("\"") {
                self.source = before;
                self.source.take_while(|c| !matches!(c, '\n' | ';'));
                return;
            }
        }
    }

    fn chain(&mut self) -> ReadResult<Chain> {
        let first = self.group()?;
        let mut from = first.len();
        let mut steps = Vec::new();
        loop {
            self.source.skip_blanks();
            if self.source.at_end_of_statement() {
                return Ok(Chain { first, steps });
            }
            let link = link(&mut self.source)?;
            self.source.skip_blanks();
            let place = self.source.here();
            let to = self.group()?;
            if from.saturating_mul(to.len()) > MOST_ARROWS_PER_LINK {
                let what = format!(
                    "this arrow joins {from} nodes to {}, expected at most {MOST_ARROWS_PER_LINK} arrows",
                    to.len(),
                );
                return Err(self.source.complain(link.place, 1, what).into());
            }
            from = to.len();
            steps.push(LinkStep { link, to, place });
        }
    }

    /// Reads nodes with `&` between them.
    fn group(&mut self) -> ReadResult<Group> {
        let mut group = vec![self.node()?];
        loop {
            let before = self.source.clone();
            self.source.skip_blanks();
            let place = self.source.here();
            if !self.source.eat("&") {
                self.source = before;
                return Ok(group);
            }
            let after = self.source.here();
            self.source.skip_blanks();
            if before.here() == place || after == self.source.here() {
                let what = "found `&` without white space around it, expected ` & `";
                let complaint = self.source.complain(place, 1, what);
                return Err(complaint.hint("Mermaid takes `a&b` for one id").into());
            }
            group.push(self.node()?);
        }
    }

    /// Reads an id with the shape and the class that may follow it.
    fn node(&mut self) -> ReadResult<usize> {
        let place = self.source.here();
        let id = self.source.peek_id();
        if id.is_empty() {
            let what = format!("found {}, expected the id of a node", self.source.found());
            let hint = "an id is made of letters, digits, `_` and `-`, as in `id[caption]`";
            return Err(self.source.complain_here(what).hint(hint).into());
        }
        if LOOKS.contains(&id) || STRUCTURE.contains(&id) {
            let what = format!("found `{id}`, a word of Mermaid's own, expected the id of a node");
            let hint = format!("write the id as `{id}_` or with a capital letter");
            return Err(self.source.complain_here(what).hint(hint).into());
        }
        self.source.eat(id);
        let index = self.table.mention(id, place);
        if let Some((form, caption)) = self.shape()? {
            self.declare(index, Declared { form, caption, place })?;
        }
        if self.source.eat(":::") {
            let class = self.source.peek_id();
            if class.is_empty() {
                let what = format!(
                    "found {} after `:::`, expected the name of a class",
                    self.source.found()
                );
                return Err(self.source.complain_here(what).into());
            }
            self.source.eat(class);
        }
        Ok(index)
    }

    /// Reads the shape that follows an id, if one does.
    fn shape(&mut self) -> ReadResult<Option<(Form, String)>> {
        let rest = self.source.rest();
        if let Some(other) = OTHER_SHAPES.iter().find(|other| rest.starts_with(**other)) {
            let forms =
                Form::ALL.map(|form| format!("{}text{}", form.brackets().0, form.brackets().1));
            let what = format!(
                "found a shape `{other}` that is not read here, expected one of those in the hint"
            );
            let hint = format!("write one of {}", forms.join("  "));
            return Err(self
                .source
                .complain(self.source.here(), other.len(), what)
                .hint(hint)
                .into());
        }
        let opened = self.source.here();
        let form = FORMS.into_iter().find(|form| self.source.eat(form.brackets().0));
        match form {
            None => Ok(None),
            Some(form) => self.caption(form, opened).map(|caption| Some((form, caption))),
        }
    }

    /// Reads a caption and the bracket that closes it.
    fn caption(&mut self, form: Form, opened: SourcePosition) -> ReadResult<String> {
        let (open, close) = form.brackets();
        let before = self.source.clone();
        self.source.skip_space();
        let caption = if self.source.peek() == Some('"') {
            let caption = quoted(&mut self.source)?;
            self.source.skip_space();
            caption
        } else {
            self.source = before.clone();
            let raw = self.source.take_while(|c| !needs_quotes(c));
            if raw.is_empty() && self.source.rest().starts_with(close) {
                let what = format!("found an empty caption `{open}{close}`, expected text");
                let complaint = self.source.complain(opened, open.len() + close.len(), what);
                return Err(complaint
                    .hint(format!("write `{open}\" \"{close}` for a blank"))
                    .into());
            }
            text::decode(raw)
        };
        if self.source.eat(close) {
            return Ok(caption);
        }
        let found = self.source.found();
        if self.source.here().line != opened.line || self.source.peek().is_none() {
            let what = format!("`{open}` is never closed: found {found}, expected `{close}`");
            let width = complaint_width(open);
            return Err(self.source.complain(opened, width, what).into());
        }
        let what =
            format!("found {found} in a caption that `{open}` opened, expected text and `{close}`");
        let hint =
            format!("put a caption with brackets, bars or quotes in quotes: `{open}\"…\"{close}`");
        Err(self.source.complain_here(what).hint(hint).into())
    }

    /// Keeps the shape of an id, or refuses a second and different one.
    fn declare(&mut self, index: usize, new: Declared) -> ReadResult<()> {
        let Some(entry) = self.table.entries.get_mut(index) else {
            return Ok(());
        };
        let Some(old) = &entry.declared else {
            entry.declared = Some(new);
            return Ok(());
        };
        if old.caption == new.caption && old.form == new.form {
            return Ok(());
        }
        let shown = |declared: &Declared| {
            let (open, close) = declared.form.brackets();
            quote(&format!("{open}{}{close}", declared.caption))
        };
        let what = format!(
            "{} is declared again as {}, expected {} as in line {}",
            quote(entry.id),
            shown(&new),
            shown(old),
            old.place.line,
        );
        let hint = "give the shape once and refer to it by its id, or choose another id";
        let width = complaint_width(entry.id);
        Err(self.source.complain(new.place, width, what).hint(hint).into())
    }
}
