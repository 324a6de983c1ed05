//! Every history within a bound: breadth first over worlds, each world once.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use pgdrill_core::{Hook, Shape};
use pgdrill_sim::{Change, Given, Observation, World};

use super::{
    Search,
    alphabet::{self, PlannedEvent},
};
use crate::{
    laws::Remembered,
    plan::{Plan, PlanStep},
    shrink::{Failure, NotShrunk, Shrunk},
};

mod expand;
mod judged;

/// How many pieces of work are done before their results are taken up, whatever the number of threads.
const CHUNK: usize = 32;

/// How often a failure is looked for in the whole of a history before it counts as one of its last event alone.
const CONFIRMATIONS: u64 = 200;

/// A search of every history up to a bound.
#[derive(Debug, Clone)]
pub struct Exhaustive {
    /// What is searched for; `changes` is the most that happen with one event, before it or within it.
    pub search: Search,
    /// At most so many events.
    pub events: usize,
    /// At most so many changes in the whole history; as many as the events allow unless given.
    pub all_changes: Option<usize>,
    /// At most so many worlds are kept to go on from.
    pub worlds: usize,
    /// Whether a world that was seen before is not gone on from again.
    pub merges: bool,
    /// On how many threads.
    pub jobs: usize,
    /// What of everything that can happen is to happen.
    pub alphabet: Alphabet,
}

/// What of everything that can happen is to happen.
#[derive(Debug, Clone, Copy)]
pub struct Alphabet {
    /// Whether an event is one of it.
    pub has_event: fn(&PlannedEvent) -> bool,
    /// Whether a change is one of it.
    pub has_change: fn(&Change) -> bool,
}

impl Alphabet {
    /// Everything.
    pub const WHOLE: Self = Self { has_event: |_| true, has_change: |_| true };
}

/// A history that breaks a law, of as few events and changes as any that was found.
#[derive(Debug, Clone)]
pub struct FoundHistory {
    /// What is broken.
    pub failure: Failure,
    /// The history.
    pub plan: Plan,
}

impl FoundHistory {
    /// How many events it has, and how many changes.
    #[must_use]
    pub fn length(&self) -> (usize, usize) {
        let mut length = (0, 0);
        for step in &self.plan.steps {
            match step {
                PlanStep::Fire { injections, .. } => {
                    length = (length.0 + 1, length.1 + injections.len());
                }
                PlanStep::Together { events, .. } => {
                    length = (length.0 + events.len(), length.1 + step.injections().count());
                }
                PlanStep::Change(_) => length.1 += 1,
                PlanStep::Settle => {}
            }
        }
        length
    }
}

/// What came of the search.
#[derive(Debug, Clone, Default)]
pub struct Exhausted {
    /// How many worlds there were to begin with.
    pub starts: usize,
    /// How many events came to the longest histories that were all tried.
    pub depth: usize,
    /// How many events with their changes, and changes between events, were tried.
    pub transitions: u64,
    /// How many more could not come about.
    pub impossible: u64,
    /// How many firings there were.
    pub firings: u64,
    /// How many different worlds were reached.
    pub worlds: u64,
    /// How many worlds, once every fault is undone, were brought everything that Juju owes.
    pub settled: u64,
    /// The worlds that were reached, by the number of events; the first are those to begin with.
    pub levels: Vec<u64>,
    /// How many worlds were not gone on from, as too many were kept.
    pub dropped: u64,
    /// Whether every history within the bound was tried.
    pub is_exhausted: bool,
    /// Every step from a shape to a shape that was taken, and how often.
    pub arrows: BTreeMap<(Hook, Shape, Option<bool>, Shape), u64>,
    /// What was found, each once, the shortest first.
    pub findings: Vec<FoundHistory>,
    /// What one event breaks by itself, and no history that was looked at as a whole.
    pub unconfirmed: BTreeMap<Failure, u64>,
}

impl Exhausted {
    /// Everything that an event or its settled end breaks by itself.
    #[must_use]
    pub fn failures(&self) -> Vec<Failure> {
        let found = self.findings.iter().map(|found| found.failure.clone());
        let mut all: Vec<Failure> = found.chain(self.unconfirmed.keys().cloned()).collect();
        all.sort();
        all.dedup();
        all
    }

    /// The share of the transitions that led to a world that was seen before.
    #[must_use]
    pub fn merged(&self) -> f64 {
        let new = self.worlds.saturating_sub(self.starts as u64);
        1.0 - new as f64 / self.transitions.max(1) as f64
    }
}

/// A world from which histories go on.
struct Node {
    world: World,
    seen: Arc<Observation>,
    remembered: Remembered,
    spent: Spent,
    /// The changes that can make a difference within an event.
    changes: OnceLock<Vec<Change>>,
    /// The last step to it, in what was walked.
    step: usize,
}

/// The changes so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Spent {
    /// In the whole history, where that is bounded.
    in_all: u8,
    /// Since the last event.
    now: u8,
}

impl Spent {
    /// Every number of changes that leaves at least as much to come.
    fn bits_of_less(self) -> u64 {
        let mut bits = 0;
        for in_all in 0..=self.in_all {
            (0..=self.now).for_each(|now| bits |= Self { in_all, now }.bit());
        }
        bits
    }

    const fn bit(self) -> u64 {
        1 << (self.in_all * 8 + self.now)
    }
}

/// A step of a history, and the one before it.
struct Walked {
    before: Option<usize>,
    step: Option<PlanStep>,
    given: usize,
}

/// A world that was reached, and how.
struct Reached {
    print: u128,
    world: World,
    seen: Arc<Observation>,
    remembered: Remembered,
    spent: Spent,
    step: PlanStep,
}

/// The search while it runs.
struct Run<'s> {
    search: &'s Exhaustive,
    /// With the amendments of the search, and nothing in it.
    plan: Plan,
    starts: Vec<Given>,
    walked: Vec<Walked>,
    /// For each world, with how many changes it was gone on from.
    seen: BTreeMap<u128, u64>,
    settled: BTreeMap<u128, ()>,
    kept: usize,
    tried: BTreeMap<Failure, u64>,
    result: Exhausted,
}

impl Exhaustive {
    /// The most changes that this search can count.
    pub const MOST_CHANGES: usize = 7;

    /// Tries every history within the bound, until `stop` says otherwise; `progress` is told what there is so far. The result
    /// is the same for any number of threads, unless it was stopped.
    pub fn run(&self, stop: &AtomicBool, progress: &mut dyn FnMut(&Exhausted)) -> Exhausted {
        let starts = alphabet::starts(&self.search);
        let plan = Plan { amendments: self.search.amendments(), ..empty() };
        let mut run = Run {
            search: self,
            plan,
            starts,
            walked: Vec::new(),
            seen: BTreeMap::new(),
            settled: BTreeMap::new(),
            kept: 0,
            tried: BTreeMap::new(),
            result: Exhausted { is_exhausted: true, ..Exhausted::default() },
        };
        run.all(stop, progress);
        run.result
    }

    /// The scenario file of a finding, from which nothing can be taken.
    ///
    /// # Errors
    ///
    /// A file can't say what the history did.
    pub fn shrink(&self, found: &FoundHistory) -> Result<Shrunk, NotShrunk> {
        self.search.shrink_plan(&found.plan, &found.failure)
    }
}

fn empty() -> Plan {
    Plan::of("exhaustive".to_owned(), Given::default(), Vec::new())
}

impl Run<'_> {
    fn all(&mut self, stop: &AtomicBool, progress: &mut dyn FnMut(&Exhausted)) {
        let mut level = self.begin();
        self.result.starts = level.len();
        self.result.levels = vec![0; self.search.events + 1];
        if let Some(first) = self.result.levels.first_mut() {
            *first = level.len() as u64;
        }
        for events in 0..=self.search.events {
            if events == self.search.events || level.is_empty() {
                return;
            }
            // Worlds after the last event are not gone on from.
            let is_last = events + 1 == self.search.events;
            let (mut wave, mut next) = (0, Vec::new());
            // A change between events makes more worlds of this level.
            while wave < level.len() {
                let until = level.len();
                let items: Vec<(usize, expand::Item)> = (wave..until)
                    .filter_map(|index| Some((index, level.get(index)?)))
                    .flat_map(|(index, node)| {
                        expand::items(self.search, node).into_iter().map(move |item| (index, item))
                    })
                    .collect();
                for chunk in items.chunks(CHUNK) {
                    if stop.load(Ordering::Relaxed) {
                        self.result.is_exhausted = false;
                        return;
                    }
                    let made = self.chunk(&level, chunk);
                    for (node, is_event) in made {
                        let number = events + usize::from(is_event);
                        if let Some(count) = self.result.levels.get_mut(number) {
                            *count += 1;
                        }
                        match (is_event, is_last) {
                            (true, true) => {}
                            (true, false) => self.keep(node, &mut next),
                            (false, _) => self.keep(node, &mut level),
                        }
                    }
                    progress(&self.result);
                }
                wave = until;
            }
            self.kept -= level.len().min(self.kept);
            level = next;
            // What was dropped was not tried.
            if self.result.dropped == 0 {
                self.result.depth = events + 1;
            }
        }
    }

    fn keep(&mut self, node: Node, nodes: &mut Vec<Node>) {
        if self.kept >= self.search.worlds {
            self.result.dropped += 1;
            self.result.is_exhausted = false;
            return;
        }
        self.kept += 1;
        nodes.push(node);
    }

    /// The worlds to begin with.
    fn begin(&mut self) -> Vec<Node> {
        let mut nodes = Vec::new();
        for (given, start) in self.starts.clone().iter().enumerate() {
            let mut world = World::new(start);
            world.forget_statuses();
            let remembered = Remembered::default();
            let print = world.fingerprint(|to| remembered.fingerprint(to));
            self.walked.push(Walked { before: None, step: None, given });
            self.seen.insert(print, Spent::default().bit());
            self.result.worlds += 1;
            self.kept += 1;
            let (seen, step) = (Arc::new(world.observe()), self.walked.len() - 1);
            let (spent, changes) = (Spent::default(), OnceLock::new());
            nodes.push(Node { world, seen, remembered, spent, changes, step });
        }
        nodes
    }

    /// The history that ends in this step.
    fn plan_to(&self, before: usize, last: &PlanStep) -> Plan {
        let mut steps = vec![last.clone()];
        let mut at = self.walked.get(before);
        let mut given = 0;
        while let Some(walked) = at {
            given = walked.given;
            steps.extend(walked.step.clone());
            at = walked.before.and_then(|before| self.walked.get(before));
        }
        steps.reverse();
        let given = self.starts.get(given).cloned().unwrap_or_default();
        Plan { given, steps, ..self.plan.clone() }
    }

    /// Takes up what a step broke: a finding, if the whole history breaks it, too.
    fn take(&mut self, failures: Vec<Failure>, before: usize, last: &PlanStep) {
        for failure in failures {
            if self.result.findings.iter().any(|found| found.failure == failure) {
                continue;
            }
            let tried = self.tried.entry(failure.clone()).or_default();
            *tried += 1;
            if *tried > CONFIRMATIONS {
                *self.result.unconfirmed.entry(failure).or_default() += 1;
                continue;
            }
            let plan = self.plan_to(before, last);
            if judged::breaks(&plan, &failure) {
                self.result.unconfirmed.remove(&failure);
                self.result.findings.push(FoundHistory { failure, plan });
            } else {
                *self.result.unconfirmed.entry(failure).or_default() += 1;
            }
        }
    }
}
