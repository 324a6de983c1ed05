//! Takes away from a scenario that fails everything without which it fails all the same.

use std::fmt;

use pgdrill_core::{Amendment, Hook, Shape};
use serde_json::{Map, Value};

use crate::{
    input::{Input, read_text},
    judge::{Verdict, judge},
    law::Law,
    plan::plan,
    reason::Reason,
    run::{Run, run},
    snapshot::transcript,
    snapshot_file::Snapshot,
    yaml::scenario_text,
};

mod edits;

use self::edits::Edit;

/// Why a scenario fails, so far as it has to stay: a law that is broken by the same hook at the same shape, or an expectation of
/// the same kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    /// The kind of the reason, as reports name it.
    pub kind: &'static str,
    /// The law, where one is broken.
    pub law: Option<Law>,
    /// The hook that did it, where one can be named.
    pub hook: Option<Hook>,
    /// The shape at which it did, where one can be named.
    pub shape: Option<Shape>,
}

impl Failure {
    /// What has to stay of a reason.
    #[must_use]
    pub fn of(reason: &Reason) -> Self {
        let at = reason.location();
        Self { kind: reason.kind(), law: reason.law(), hook: at.hook, shape: at.shape }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&failure_text(self.kind, self.law, self.hook, self.shape))
    }
}

/// How a failure is named.
pub(crate) fn failure_text(
    kind: &str,
    law: Option<Law>,
    hook: Option<Hook>,
    shape: Option<Shape>,
) -> String {
    let what = law.map_or(kind, |law| law.name());
    match (hook, shape) {
        (Some(hook), Some(shape)) => format!("{what} at {hook}/{shape}"),
        (Some(hook), None) => format!("{what} in {hook}"),
        (None, _) => what.to_owned(),
    }
}

/// A scenario from which nothing can be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shrunk {
    /// Its title, which says why it fails.
    pub title: String,
    /// The text of its file.
    pub text: String,
    /// What it showed, as its snapshot has it.
    pub transcript: String,
    /// Why it fails.
    pub failure: Failure,
    /// How many steps it had, and has.
    pub steps: (usize, usize),
    /// How many values and keys it had, and has.
    pub size: (usize, usize),
    /// How many scenarios were run for it.
    pub runs: usize,
}

impl Shrunk {
    /// The file that keeps what it showed, as `--update` writes it.
    #[must_use]
    pub fn snapshot(&self) -> String {
        Snapshot::file(&self.title, &self.transcript)
    }
}

/// Why there is nothing to take away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotShrunk {
    /// It does not fail in memory.
    Passes,
    /// It fails by its snapshot alone, which is of this very scenario.
    OnlySnapshot,
    /// What was read can't be written as a file that fails in the same way.
    NotWritable,
}

impl fmt::Display for NotShrunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passes => "it does not fail in memory, so there is nothing to shrink",
            Self::OnlySnapshot => "it differs from its snapshot, and breaks nothing else: a snapshot is of the whole scenario",
            Self::NotWritable => "written as a file it does not fail in the same way",
        })
    }
}

/// Shrinks a scenario that fails, with these amendments switched off. Nothing is written.
///
/// # Errors
///
/// Why there is nothing to take away.
pub async fn shrink(input: &Input, off: &[Amendment]) -> Result<Shrunk, NotShrunk> {
    let mut tree = input.positions.tree().ok_or(NotShrunk::NotWritable)?;
    switch_off(&mut tree, off);
    let (reasons, _) = outcome(&tree).await.ok_or(NotShrunk::NotWritable)?;
    let failure = reasons.iter().find(|reason| !reason.is_of_snapshot()).map(Failure::of);
    match failure {
        Some(failure) => shrink_tree(tree, failure).await,
        None if matches!(input.snapshot, Ok(Some(_))) => Err(NotShrunk::OnlySnapshot),
        None => Err(NotShrunk::Passes),
    }
}

/// The scenario says itself which amendments are off.
fn switch_off(tree: &mut Map<String, Value>, off: &[Amendment]) {
    if off.is_empty() {
        return;
    }
    let without = tree.entry("without").or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(names) = without {
        let new = off.iter().map(|off| Value::from(off.name()));
        let new: Vec<Value> = new.filter(|name| !names.contains(name)).collect();
        names.extend(new);
    }
}

/// Shrinks the scenario of a tree, as long as it fails in this way.
pub(crate) async fn shrink_tree(
    tree: Map<String, Value>,
    failure: Failure,
) -> Result<Shrunk, NotShrunk> {
    let mut search = Search { runs: 0, failure };
    let tree = search.first(tree).await.ok_or(NotShrunk::NotWritable)?;
    let (steps, size) = (steps(&tree), size(&tree));
    let mut tree = search.smallest(tree).await;
    search.runs += 1;
    let (reasons, run) = outcome(&tree).await.ok_or(NotShrunk::NotWritable)?;
    let mut why = reasons.iter().filter(|reason| Failure::of(reason) == search.failure);
    let title = why.next().map(title).ok_or(NotShrunk::NotWritable)?;
    tree.insert("scenario".to_owned(), title.as_str().into());
    let (after, left) = (self::steps(&tree), self::size(&tree));
    Ok(Shrunk {
        title,
        text: scenario_text(&tree),
        transcript: transcript(&run),
        failure: search.failure,
        steps: (steps, after),
        size: (size, left),
        runs: search.runs,
    })
}

struct Search {
    runs: usize,
    failure: Failure,
}

impl Search {
    /// The tree with as little taken away as makes it a file that fails in this way: nothing, its last steps, or one thing. A
    /// history can have what its file is refused for: a last step with which it was given up, or a change at a place to
    /// which it never came.
    async fn first(&mut self, tree: Map<String, Value>) -> Option<Map<String, Value>> {
        let steps = steps(&tree);
        for from in (1..=steps).rev() {
            let without = Edit::Steps { from, count: steps - from };
            let less = without.applied(&tree)?;
            if self.fails(&less).await {
                return Some(less);
            }
        }
        for edit in Edit::all(&tree) {
            match edit.applied(&tree) {
                Some(less) if self.fails(&less).await => return Some(less),
                Some(_) | None => {}
            }
        }
        None
    }

    /// Takes away as long as something can be taken.
    async fn smallest(&mut self, mut tree: Map<String, Value>) -> Map<String, Value> {
        loop {
            let mut is_smaller = false;
            let mut next = 0;
            // What stood behind what was taken stands in its place then, so the number of the edit stays.
            while let Some(edit) = Edit::all(&tree).into_iter().nth(next) {
                match edit.applied(&tree) {
                    Some(less) if self.fails(&less).await => {
                        tree = less;
                        is_smaller = true;
                    }
                    Some(_) | None => next += 1,
                }
            }
            if !is_smaller {
                return tree;
            }
        }
    }

    async fn fails(&mut self, tree: &Map<String, Value>) -> bool {
        self.runs += 1;
        let Some((reasons, _)) = outcome(tree).await else { return false };
        reasons.iter().any(|reason| Failure::of(reason) == self.failure)
    }
}

/// Why the scenario of a tree fails, and its run. `None`: it is refused.
async fn outcome(tree: &Map<String, Value>) -> Option<(Vec<Reason>, Run)> {
    let text = scenario_text(tree);
    let scenario = read_text(text.as_bytes(), "<shrunk>").pop()?.ok()?;
    let plan = plan(scenario, &[]);
    let run = run(&plan).await;
    match judge(&plan, &run).verdict {
        Verdict::Failed(reasons) => Some((reasons, run)),
        Verdict::Passed | Verdict::Skipped(_) => Some((Vec::new(), run)),
    }
}

/// Why it fails, in one line.
fn title(reason: &Reason) -> String {
    let said = if let Reason::LawBroken(broken) = reason {
        format!("{}: {}", broken.law, broken.found)
    } else {
        reason.to_string()
    };
    said.lines().next().unwrap_or_default().to_owned()
}

fn steps(tree: &Map<String, Value>) -> usize {
    tree.get("fire").and_then(Value::as_array).map_or(0, Vec::len)
}

/// How many keys and values a tree has, its title aside.
fn size(tree: &Map<String, Value>) -> usize {
    fn count(value: &Value) -> usize {
        match value {
            Value::Object(entries) => entries.values().map(|value| 1 + count(value)).sum(),
            Value::Array(items) => items.iter().map(count).sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
        }
    }
    tree.iter().filter(|(key, _)| *key != "scenario").map(|(_, value)| 1 + count(value)).sum()
}
