//! Exploration: histories that nobody wrote, judged by the laws, each finding shrunk to a scenario file.

use std::{collections::BTreeMap, ops::Range};

use futures_util::FutureExt as _;
use pgdrill_core::{Amendment, Amendments, Hook, Shape};
use pgdrill_sim::Injection;
use serde_json::{Map, Value, json};

use crate::{
    judge::{Verdict, judge},
    law::Law,
    plan::{EventInTurns, Plan, PlanStep},
    reason::Reason,
    run::{Run, run},
    shrink::{Failure, NotShrunk, Shrunk, shrink_tree},
    target::Target,
    yaml::{injected, ordered},
};

pub mod alphabet;
mod drawn;
mod exhaustive;
mod overlap;

pub use drawn::drawn;
pub use exhaustive::{Alphabet, Exhausted, Exhaustive, FoundHistory};

/// The most units that a history comes to have.
const MOST_UNITS: u32 = 3;

/// The texts in keys that the S3 server comes to refuse.
const REFUSED: [&str; 4] = ["", "/latest", "/backup.log", "/archive/"];

/// The words of the vocabulary that no history has, so that each seed stays the history that it is: changes, and values of
/// changes.
pub const NOT_DRAWN: &[&str] = &["backup-is-killed", "await: lock-free"];

/// A backup that no repository holds.
const NO_BACKUP: &str = "2020-01-01T00:00:00Z";

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
    /// At most so many pairs of hooks that run at the same time.
    pub overlap: usize,
    /// Amendments that are switched off.
    pub off: Vec<Amendment>,
    /// The laws to look for; every law where none is given.
    pub laws: Vec<Law>,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            units: None,
            tls: None,
            steps: 9,
            changes: 2,
            overlap: 1,
            off: Vec::new(),
            laws: Vec::new(),
        }
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
        Plan { amendments: self.amendments(), ..drawn(seed, self) }
    }

    fn amendments(&self) -> Amendments {
        self.off.iter().copied().fold(Amendments::all(), Amendments::without)
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
        self.shrink_plan(&self.plan(finding.seed), &finding.failure)
    }

    fn shrink_plan(&self, plan: &Plan, failure: &Failure) -> Result<Shrunk, NotShrunk> {
        let shrunk = shrink_tree(tree(plan, &self.off), failure.clone()).now_or_never();
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
    match step {
        PlanStep::Change(change) => json!({ "do": change }),
        PlanStep::Settle => json!({ "settle": true }),
        PlanStep::Together { events, order } => {
            let of =
                |it: &EventInTurns| event(it.hook, json!(it.unit), &it.parameters, &it.injections);
            let (events, order): (Vec<Value>, Vec<Value>) =
                (events.iter().map(of).collect(), order.iter().map(ordered).collect());
            json!({ "together": events, "order": order })
        }
        PlanStep::Fire { hook, unit, parameters, injections } => {
            let unit = match unit {
                Target::Unit(unit) => json!(unit),
                Target::All => json!("all"),
            };
            event(*hook, unit, parameters, injections)
        }
    }
}

fn event(
    hook: Hook,
    unit: Value,
    parameters: &BTreeMap<String, String>,
    injections: &[Injection],
) -> Value {
    let mut tree = Map::new();
    tree.insert("hook".to_owned(), hook.name().into());
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

#[cfg(test)]
mod tests {
    use pgdrill_core::{Action, Ending};
    use pgdrill_sim::{At, Change, DcsState, Given, Injection, Moment, S3Given, StanzaGiven};

    use super::*;
    use crate::{input::read_text, yaml::scenario_text};

    #[test]
    fn what_a_history_showed_before_it_was_given_up_is_a_file() {
        let (parameters, injections) = (BTreeMap::new(), Vec::new());
        let (hook, unit) = (Hook::CreateBackup, 1.into());
        let steps = vec![
            PlanStep::Fire { hook, unit, parameters, injections },
            PlanStep::Change(Change::Dcs(DcsState::Down)),
            PlanStep::Change(Change::PrimaryMovesTo(1)),
        ];
        assert_eq!(shrunk_steps(steps), Ok((2, 1)));
    }

    /// The steps of a history in which a replica's backup leaves Maintenance, as its file has them, and as it is shrunk.
    fn shrunk_steps(steps: Vec<PlanStep>) -> Result<(usize, usize), NotShrunk> {
        let given = Given {
            units: 2,
            tls: true,
            s3: Some(S3Given::default()),
            stanza: StanzaGiven::Initialised,
            ..Given::default()
        };
        let failure = Failure {
            kind: "law-broken",
            law: Some(Law::MaintenanceOutlivesAction),
            hook: Some(Hook::CreateBackup),
            shape: Some(Shape::Action(Action::SetMaintenance)),
        };
        let search = Search { off: vec![Amendment::ReplicaEndsActive], ..Search::default() };
        let shrunk = search.shrink_plan(&Plan::of("x".to_owned(), given, steps), &failure);
        shrunk.map(|it| it.steps)
    }

    #[test]
    fn what_a_history_never_came_to_is_not_in_its_file() {
        // Where nothing is deferred nobody comes to it, and a file in which it may come about is refused.
        let never = |to: u32| Injection::Change {
            at: At::Shape(Shape::Ending(Ending::Defer)),
            moment: Moment::Before,
            change: Change::PrimaryMovesTo(to),
        };
        let fire = |hook, unit: u32, injections| PlanStep::Fire {
            hook,
            unit: unit.into(),
            parameters: BTreeMap::new(),
            injections,
        };
        let steps = vec![
            PlanStep::Change(Change::Dcs(DcsState::Down)),
            fire(Hook::CertificatesChanged, 0, vec![never(1), never(0)]),
            PlanStep::Change(Change::Dcs(DcsState::Up)),
            fire(Hook::CreateBackup, 1, Vec::new()),
        ];
        assert_eq!(shrunk_steps(steps).map(|(_, left)| left), Ok(1));
    }

    /// Why a file is refused whose history is given up as well, or has nothing to judge.
    const GIVEN_UP: [&str; 3] =
        ["can't become the primary", "no member can become the primary", "nothing fires"];

    #[test]
    fn every_history_that_comes_to_its_end_can_be_written_as_a_file() {
        for seed in 0..2000 {
            let text = scenario_text(&tree(&Search::default().plan(seed), &[]));
            for read in read_text(text.as_bytes(), "<drawn>") {
                let refused = read.err().map(|why| format!("{why:?}")).unwrap_or_default();
                let is_given_up = GIVEN_UP.iter().any(|why| refused.contains(why));
                assert!(refused.is_empty() || is_given_up, "seed {seed}: {refused}\n{text}");
            }
        }
    }
}
