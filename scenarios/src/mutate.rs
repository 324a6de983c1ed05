//! Mutation at the walker: would anybody notice if a hook did otherwise than its chart has it?
//!
//! A [`Mutant`] is put in the place of the hooks while they run, and every case that gets to its place runs with it. What is
//! different is held against the laws, against what the case says, and against its snapshot. A mutant of which no run is
//! different is equivalent.
//!
//! The trace of a mutant is the way that it took; of an action or an ending it has what the chart says, whatever was done. A
//! flipped answer may leave its chart. That is counted, and counts against no mutant: it says nothing about who would see what
//! comes of it.

use futures_util::FutureExt as _;
use pgdrill_core::Amendments;

use crate::{
    explore::Search,
    input::Input,
    judge::{Verdict, judge},
    law::{Law, Violation},
    plan::{Plan, plan},
    reason::Reason,
    report::JudgedCase,
    run::{Backend, Run, run, run_mutated},
    snapshot::transcript,
};

mod altered;
mod mutant;
mod told;
mod visits;

pub(crate) use altered::MutantProbe;
pub use mutant::{Mutant, Mutation, Unmutated, arrow_text};

use self::{
    told::{first_difference, told, untraced},
    visits::Visits,
};

/// A case, and what it shows with the hooks as they are.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// The file as the user named it.
    pub file: String,
    /// Whether it passes.
    pub passes: bool,
    plan: Plan,
    run: Run,
    /// What of the run matters.
    told: Run,
    /// What its snapshot holds; `None` where it has none that the run shows.
    transcript: Option<String>,
    reasons: Vec<Reason>,
    broken: Vec<Violation>,
    visits: Visits,
}

/// A history from a seed, and what it shows with the hooks as they are.
#[derive(Debug, Clone)]
pub struct History {
    seed: u64,
    plan: Plan,
    /// What of its run matters.
    told: Run,
    broken: Vec<Violation>,
    visits: Visits,
}

/// Who noticed a mutant first, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noticed {
    /// The index of the case, or the seed.
    pub by: u64,
    /// What was found, in one line.
    pub what: String,
}

/// What came of a mutant.
#[derive(Debug, Clone)]
pub struct Tested {
    /// The mutant.
    pub mutant: Mutant,
    /// The indices of the cases that get to its place.
    pub covered: Vec<usize>,
    /// What is different of its runs.
    pub difference: Difference,
    /// Every law that some case breaks with it and not without it, with the first such case.
    pub laws: Vec<(Law, Noticed)>,
    /// The first case of which a trace is no path of its chart.
    pub walk: Option<Noticed>,
    /// The first case that does not get what it says.
    pub then: Option<Noticed>,
    /// The first case that shows something else than its snapshot.
    pub snapshot: Option<Noticed>,
    /// The first seed that breaks a law with it and not without it.
    pub explorer: Option<Noticed>,
}

/// What is different of the runs of a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// Nothing.
    None,
    /// The way that a firing took, and nothing that came of it.
    Trace,
    /// What came of it.
    World,
}

/// Who may notice a mutant, beside the laws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judges {
    /// What the cases say: under `then`, under `covers`, and what is to happen at a shape.
    pub then: bool,
    /// The snapshots of the cases.
    pub snapshots: bool,
}

/// How a mutant ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// A case breaks a law with it.
    Law,
    /// No case breaks a law, and one does not get what it says.
    Then,
    /// Nothing but the snapshot of a case is against it.
    Snapshot,
    /// No case has anything against it, and a history from a seed breaks a law.
    Explorer,
    /// Nobody noticed.
    Survived,
    /// No run of it is another one.
    Equivalent,
    /// No case gets to its place.
    NoCoverage,
}

impl Case {
    /// The case, run with the hooks as they are. `None`: it can't be read.
    #[must_use]
    pub fn new(input: &Input) -> Option<Self> {
        let plan = plan(input.scenario.clone().ok()?, &[]);
        let run = run(&plan).now_or_never()?;
        let case = JudgedCase::new(input, plan, run, Backend::Memory, None);
        let (plan, run, judged) = (case.plan, case.run, case.judged);
        let reasons = match &judged.verdict {
            Verdict::Failed(reasons) => reasons.clone(),
            Verdict::Passed | Verdict::Skipped(_) => Vec::new(),
        };
        let shows = !reasons.iter().any(Reason::is_of_snapshot);
        let has_snapshot = matches!(input.snapshot, Ok(Some(_))) && shows;
        Some(Self {
            name: case.name,
            file: case.file,
            passes: judged.verdict == Verdict::Passed,
            transcript: has_snapshot.then(|| transcript(&run)),
            reasons,
            broken: judged.broken,
            visits: Visits::of(&run),
            told: told(&run),
            plan,
            run,
        })
    }

    /// What it shows.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.plan.title
    }
}

impl History {
    /// The history of a seed, run with the hooks as they are. `None`: something in it can't come about.
    #[must_use]
    pub fn new(search: &Search, seed: u64) -> Option<Self> {
        let plan = search.plan(seed);
        let run = run(&plan).now_or_never()?;
        if run.broken.is_some() {
            return None;
        }
        let (broken, visits) = (judge(&plan, &run).broken, Visits::of(&run));
        Some(Self { told: told(&run), seed, plan, broken, visits })
    }
}

impl Tested {
    /// Runs every case that gets to the place of a mutant with it.
    #[must_use]
    pub fn new(mutant: Mutant, cases: &[Case]) -> Self {
        let mut tested = Self {
            mutant,
            covered: Vec::new(),
            difference: Difference::None,
            laws: Vec::new(),
            walk: None,
            then: None,
            snapshot: None,
            explorer: None,
        };
        for (index, case) in cases.iter().enumerate() {
            if case.visits.get_to(&mutant, case.plan.amendments) {
                tested.covered.push(index);
                tested.take(index as u64, case);
            }
        }
        tested.laws.sort_by_key(|(law, noticed)| (noticed.by, *law));
        tested
    }

    fn take(&mut self, index: u64, case: &Case) {
        let Some(run) = run_mutated(&case.plan, self.mutant).now_or_never() else { return };
        if run == case.run {
            return;
        }
        self.compare(&run, &case.told);
        if self.difference == Difference::None {
            return;
        }
        let noticed = |what: String| Noticed { by: index, what };
        let judged = judge(&case.plan, &run);
        for broken in new(&judged.broken, &case.broken) {
            if !self.laws.iter().any(|(law, _)| *law == broken.law) {
                self.laws.push((broken.law, noticed(broken.to_string())));
            }
        }
        if let Verdict::Failed(reasons) = judged.verdict {
            for reason in reasons.iter().filter(|reason| !case.reasons.contains(reason)) {
                let place = match reason {
                    Reason::LawBroken(_) => continue,
                    Reason::OffChart { .. } | Reason::StopsEarly { .. } => &mut self.walk,
                    Reason::LawKept { .. }
                    | Reason::Broken { .. }
                    | Reason::Missed(_)
                    | Reason::NotCovered { .. }
                    | Reason::Unexpected(_)
                    | Reason::SnapshotDiffers { .. }
                    | Reason::SnapshotUnreadable { .. }
                    | Reason::NoSnapshot
                    | Reason::SkippedButRequired(_) => &mut self.then,
                };
                place.get_or_insert_with(|| noticed(reason.to_string()));
            }
        }
        if self.snapshot.is_none()
            && let Some(before) = &case.transcript
        {
            let after = transcript(&run);
            self.snapshot = first_difference(before, &after).map(noticed);
        }
    }

    fn compare(&mut self, run: &Run, before: &Run) {
        if self.difference == Difference::World {
            return;
        }
        let run = told(run);
        if run == *before {
            return;
        }
        let is_same_world = untraced(run) == untraced(before.clone());
        self.difference = if is_same_world { Difference::Trace } else { Difference::World };
    }

    /// Tries the histories on a mutant with which no case breaks a law, until one does. One that makes no difference to any
    /// case may make one to a history.
    pub fn explore(&mut self, histories: &[History]) {
        if !self.laws.is_empty() {
            return;
        }
        let (mutant, amendments) = (self.mutant, Amendments::all());
        for history in histories.iter().filter(|it| it.visits.get_to(&mutant, amendments)) {
            let Some(run) = run_mutated(&history.plan, mutant).now_or_never() else {
                continue;
            };
            if run.broken.is_some() {
                continue;
            }
            self.compare(&run, &history.told);
            let broken = judge(&history.plan, &run).broken;
            if let Some(broken) = new(&broken, &history.broken).next() {
                let what = broken.to_string();
                self.explorer = Some(Noticed { by: history.seed, what });
                return;
            }
        }
    }

    /// How it ended, as these see it.
    #[must_use]
    pub fn end(&self, judges: Judges) -> End {
        if !self.laws.is_empty() {
            End::Law
        } else if judges.then && self.then.is_some() {
            End::Then
        } else if judges.snapshots && self.snapshot.is_some() {
            End::Snapshot
        } else if self.explorer.is_some() {
            End::Explorer
        } else if self.covered.is_empty() {
            End::NoCoverage
        } else if self.difference == Difference::None {
            End::Equivalent
        } else {
            End::Survived
        }
    }
}

/// What is broken, and was not before.
fn new<'a>(
    broken: &'a [Violation],
    before: &'a [Violation],
) -> impl Iterator<Item = &'a Violation> {
    let is_one =
        |one: &Violation, other: &Violation| (one.law, one.unit) == (other.law, other.unit);
    broken.iter().filter(move |broken| !before.iter().any(|before| is_one(before, broken)))
}
