//! Reads the statements of a chart, one after another, into chains and a table of ids.

use std::collections::{BTreeMap, BTreeSet};

use super::link::link;
use super::shape::{Shape, ShapeData, shape};
use super::source::{ReadResult, SourcePosition, SourceText, is_id_char};
use super::table::{Chain, Declared, Group, LinkStep, Redeclared, Table};
use super::{Direction, Form, text};

/// One arrow between groups stands for at most so many arrows between nodes.
const MOST_ARROWS_PER_LINK: usize = 1000;

/// Statements about looks, which are read over.
const LOOKS: [&str; 5] = ["classDef", "class", "style", "linkStyle", "click"];

/// Other words that begin a statement and therefore name no node.
const STRUCTURE: [&str; 4] = ["subgraph", "end", "flowchart", "graph"];

/// A chart while its statements are read.
#[derive(Debug)]
pub(crate) struct StatementReader<'a> {
    pub(crate) source: SourceText<'a>,
    pub(crate) table: Table<'a>,
    pub(crate) chains: Vec<Chain>,
    /// The titles of the groupings by their ids, and where those stand.
    pub(crate) subgraphs: BTreeMap<&'a str, (String, SourcePosition)>,
    /// The ids of nodes that were given another shape later on.
    pub(crate) redeclared: Vec<Redeclared>,
    /// Names of shapes that Mermaid lacks, and where they stand.
    pub(crate) strange: Vec<(SourcePosition, String)>,
    /// The names that arrows were given, as in `a e1@--> b`.
    arrow_ids: BTreeSet<&'a str>,
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
            subgraphs: BTreeMap::new(),
            redeclared: Vec::new(),
            strange: Vec::new(),
            arrow_ids: BTreeSet::new(),
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
        } else if self.arrow_ids.contains(word) && after.rest().starts_with("@{") {
            self.source = after;
            shape(&mut self.source)?;
        } else {
            let chain = self.chain()?;
            self.chains.push(chain);
        }
        Ok(true)
    }

    /// Reads what follows the word `subgraph`: an id, a title, or both.
    fn subgraph_title(&mut self) {
        let place = self.source.here();
        let id = self.source.peek_id();
        self.source.eat(id);
        self.source.skip_blanks();
        let from = self.source.here();
        let titled = self.source.peek() == Some('[');
        let named = !id.is_empty() && (titled || self.source.at_end_of_statement());
        self.skip_statement();
        if !named {
            return;
        }
        let title = self.source.since(from).trim().trim_matches(['[', ']', '"']);
        let title = if title.is_empty() { id } else { title };
        self.subgraphs.entry(id).or_insert_with(|| (text::decode(title), place));
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
            if self.source.at_end_of_statement() && !self.goes_on() {
                return Ok(Chain { first, steps });
            }
            if let Some(name) = self.source.arrow_id() {
                self.arrow_ids.insert(name);
            }
            let link = link(&mut self.source)?;
            self.source.skip_ignored(false)?;
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

    /// Whether a later line begins with an arrow and so goes on with the statement; reads up to there.
    fn goes_on(&mut self) -> bool {
        let mut after = self.source.clone();
        let links = ["--", "-.", "==", "<--", "<-.", "<==", "~~~"];
        let goes_on = after.skip_ignored(false).is_ok()
            && links.iter().any(|link| after.rest().starts_with(link));
        if goes_on {
            self.source = after;
        }
        goes_on
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
        match shape(&mut self.source)? {
            Some(Shape::Bracketed(form, caption)) => {
                self.declare(index, Declared { form, caption, place });
            }
            Some(Shape::Data(data)) => self.amend(index, data, place),
            None => {}
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

    /// Keeps the shape of an id: as Mermaid does, the last one that it is given.
    fn declare(&mut self, index: usize, new: Declared) {
        let Some(entry) = self.table.entries.get_mut(index) else { return };
        if let Some(old) = &entry.declared {
            if old.caption == new.caption && old.form == new.form {
                return;
            }
            let (old, new) = (old.clone(), new.clone());
            self.redeclared.push(Redeclared { index, old, new });
        }
        entry.declared = Some(new);
    }

    /// Lets `@{ … }` say more of an id.
    fn amend(&mut self, index: usize, data: ShapeData, place: SourcePosition) {
        let Some(entry) = self.table.entries.get_mut(index) else { return };
        let known = entry.declared.take();
        let caption =
            || known.as_ref().map_or_else(|| entry.id.to_owned(), |known| known.caption.clone());
        let form = known.as_ref().map_or(Form::Rectangle, |known| known.form);
        entry.declared = Some(Declared {
            form: data.form.unwrap_or(form),
            caption: data.caption.unwrap_or_else(caption),
            place: known.as_ref().map_or(place, |known| known.place),
        });
        self.strange.extend(data.strange);
    }
}
