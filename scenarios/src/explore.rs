//! Exploration: histories that nobody wrote, judged by the laws, each finding shrunk to a scenario file.

use std::{collections::BTreeMap, ops::Range};

use futures_util::FutureExt as _;
use pgdrill_core::{Amendment, Amendments, Hook, Shape};
use serde_json::{Map, Value, json};

use crate::{
    judge::{Verdict, judge},
    law::Law,
    plan::{Plan, PlanStep},
    reason::Reason,
    run::{Run, run},
    shrink::{Failure, NotShrunk, Shrunk, shrink_tree},
    target::Target,
    yaml::injected,
};

mod drawn;

pub use drawn::drawn;

/// How many seeds one block has: blocks know nothing of each other, so they can run side by side and in any order.
pub const BLOCK: u64 = 1024;

/// What is searched, and for what.
#[derive(Debug, Clone)]
pub struct Search {
    /// How many units there are at first; drawn unless given.
    pub units: Option<u32>,
    /// Whether there is TLS; drawn unless given.
    pub tls: Option<bool>,
    /// At most so many events and changes between events.
    pub steps: usize,
    /// At most so many changes within one event.
    pub changes: usize,
    /// Amendments that are switched off.
    pub off: Vec<Amendment>,
    /// The laws to look for; every law where none is given.
    pub laws: Vec<Law>,
}

impl Default for Search {
    fn default() -> Self {
        Self { units: None, tls: None, steps: 9, changes: 2, off: Vec::new(), laws: Vec::new() }
    }
}

/// A history that breaks a law.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What is broken.
    pub failure: Failure,
    /// The least seed that shows it.
    pub seed: u64,
}

/// What came of a range of seeds.
#[derive(Debug, Clone, Default)]
pub struct Explored {
    /// How many histories ran to their end.
    pub runs: u64,
    /// How many were given up, as something in them could not come about.
    pub impossible: u64,
    /// How many firings there were.
    pub firings: u64,
    /// Every step from a shape to a shape that was taken, and how often.
    pub arrows: BTreeMap<(Hook, Shape, Option<bool>, Shape), u64>,
    /// What was found, each once, with the least seed.
    pub findings: BTreeMap<Failure, u64>,
}

impl Explored {
    /// Takes up what came of other seeds. In whatever order that is done, the result is the same.
    pub fn merge(&mut self, other: Self) {
        self.runs += other.runs;
        self.impossible += other.impossible;
        self.firings += other.firings;
        for (arrow, count) in other.arrows {
            *self.arrows.entry(arrow).or_default() += count;
        }
        for (failure, seed) in other.findings {
            let least = self.findings.entry(failure).or_insert(seed);
            *least = seed.min(*least);
        }
    }

    /// What was found, by the least seed.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self
            .findings
            .iter()
            .map(|(failure, seed)| Finding { failure: failure.clone(), seed: *seed })
            .collect();
        findings.sort_by(|one, other| (one.seed, &one.failure).cmp(&(other.seed, &other.failure)));
        findings
    }
}

impl Search {
    /// Runs the history of each of these seeds and judges it. The same seeds give the same result.
    #[must_use]
    pub fn explore(&self, seeds: Range<u64>) -> Explored {
        let mut explored = Explored::default();
        for seed in seeds {
            let plan = self.plan(seed);
            // Nothing in memory waits for anything else.
            let Some(run) = run(&plan).now_or_never() else { continue };
            self.take(seed, &plan, &run, &mut explored);
        }
        explored
    }

    /// The history of a seed.
    #[must_use]
    pub fn plan(&self, seed: u64) -> Plan {
        let amendments = self.off.iter().copied().fold(Amendments::all(), Amendments::without);
        Plan { amendments, ..drawn(seed, self) }
    }

    fn take(&self, seed: u64, plan: &Plan, run: &Run, explored: &mut Explored) {
        if run.broken.is_some() {
            explored.impossible += 1;
            return;
        }
        explored.runs += 1;
        explored.firings += u64::try_from(run.firings.len()).unwrap_or(u64::MAX);
        for step in &run.firings {
            let firing = &step.fired.firing;
            for pair in firing.trace.steps().windows(2) {
                if let [from, to] = pair {
                    let arrow = (firing.hook, from.shape, from.answer, to.shape);
                    *explored.arrows.entry(arrow).or_default() += 1;
                }
            }
        }
        let Verdict::Failed(reasons) = judge(plan, run).verdict else { return };
        for failure in reasons.iter().filter(|reason| self.wants(reason)).map(Failure::of) {
            explored.findings.entry(failure).or_insert(seed);
        }
    }

    fn wants(&self, reason: &Reason) -> bool {
        match reason.law() {
            Some(law) => self.laws.is_empty() || self.laws.contains(&law),
            None => matches!(reason, Reason::StopsEarly { .. }) && self.laws.is_empty(),
        }
    }

    /// The scenario file of a finding, from which nothing can be taken.
    ///
    /// # Errors
    ///
    /// A file can't say what the history did.
    pub fn shrink(&self, finding: &Finding) -> Result<Shrunk, NotShrunk> {
        let tree = tree(&self.plan(finding.seed), &self.off);
        let shrunk = shrink_tree(tree, finding.failure.clone()).now_or_never();
        shrunk.unwrap_or(Err(NotShrunk::NotWritable))
    }
}

/// A plan as the tree of its scenario file.
fn tree(plan: &Plan, off: &[Amendment]) -> Map<String, Value> {
    let given = serde_json::to_value(&plan.given).unwrap_or_default();
    let steps: Vec<Value> = plan.steps.iter().map(step).collect();
    let mut tree = Map::new();
    tree.insert("scenario".to_owned(), plan.title.as_str().into());
    tree.insert("given".to_owned(), given);
    tree.insert("fire".to_owned(), steps.into());
    if !off.is_empty() {
        let names: Vec<&str> = off.iter().map(|off| off.name()).collect();
        tree.insert("without".to_owned(), names.into());
    }
    tree
}

fn step(step: &PlanStep) -> Value {
    let (hook, unit, parameters, injections) = match step {
        PlanStep::Change(change) => return json!({ "do": change }),
        PlanStep::Settle => return json!({ "settle": true }),
        PlanStep::Fire { hook, unit, parameters, injections } => {
            (hook, unit, parameters, injections)
        }
    };
    let mut tree = Map::new();
    tree.insert("hook".to_owned(), hook.name().into());
    let unit = match unit {
        Target::Unit(unit) => json!(unit),
        Target::All => json!("all"),
    };
    tree.insert("unit".to_owned(), unit);
    if !parameters.is_empty() {
        tree.insert("params".to_owned(), json!(parameters));
    }
    if !injections.is_empty() {
        let items: Vec<Value> = injections.iter().map(injected).collect();
        tree.insert("meanwhile".to_owned(), items.into());
    }
    tree.into()
}
