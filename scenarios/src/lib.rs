//! Scenarios: read, planned, run, judged, reported.
//!
//! ```text
//! case.yaml ─parse→ Scenario ─plan→ Plan ─run→ Run ─judge→ Verdict ─report→ text · JUnit · JSON · charts
//! ```
//!
//! Each arrow is one function from one plain value to the next; `run` alone is async. Only this crate
//! knows file formats, and only its binary prints or exits.
//!
//! ```
//! use pgdrill_scenarios::{Verdict, judge, plan, read_text, run};
//!
//! let text = b"scenario: nothing to list\nfire: [{ hook: list-backups }]\nthen: { outcome: failed }";
//! let scenario = read_text(text, "mine.yaml").remove(0)?;
//! let plan = plan(scenario, &[]);
//! let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
//! assert_eq!(judge(&plan, &runtime.block_on(run(&plan))).verdict, Verdict::Passed);
//! # Ok::<(), pgdrill_scenarios::Refusal>(())
//! ```

mod beside;
mod charts;
mod check;
mod corpus;
mod coverage;
mod digest;
mod expect;
mod explain;
pub mod explore;
mod files;
mod filter;
mod guide;
mod input;
mod judge;
mod law;
mod laws;
mod location;
mod merge;
pub mod mutate;
mod names;
mod part;
mod partition;
mod plan;
mod reason;
mod refusal;
mod regular;
pub mod report;
mod run;
mod scenario;
mod schema;
mod settle;
mod shrink;
mod side_by_side;
mod snapshot;
mod snapshot_file;
mod target;
mod template;
mod testbed;
mod then;
mod timed;
mod tokens;
mod topology;
mod unexpected;
mod words;
pub mod yaml;

pub use charts::{PUBLISHED, all as charts, chart};
pub use check::{BadParameter, bad_parameter, check, check_change, read_change};
pub use corpus::{Corpus, corpus};
pub use coverage::{ArrowCover, ChartCover, ChartFault, Coverage, PathCover};
pub use digest::digest_of_texts;
pub use explain::{Explainer, explain};
pub use files::{ScenarioFiles, is_same};
pub use filter::Filter;
pub use guide::{TOPICS, Topic, reference};
pub use input::{Input, Source, read_corpus, read_document, read_stdin, read_text};
pub use judge::{Judged, Verdict, judge};
pub use law::{JudgedAt, Law, Violation};
pub use laws::{NotSo, Remembered, holds, judge_laws, left_by};
pub use location::{Location, Positions};
pub use merge::{Merged, MergedFormat, merge};
pub use names::{ChartShape, Name, Named, OutcomeName};
pub use partition::Partition;
pub use plan::{EventInTurns, Plan, PlanStep, plan};
pub use reason::{FiringRef, Reason, Skip};
pub use refusal::Refusal;
pub use regular::read_file;
pub use run::{
    Backend, FiredStep, Missed, MissedWhat, Run, SeenAfter, SeenAround, filled_in, run, run_in,
    run_mutated,
};
pub use scenario::{Damage, FireStep, KnownDamage, Meanwhile, Scenario};
pub use schema::schema;
pub use settle::{Remedy, RemedyTried, Settled};
pub use shrink::{Failure, NotShrunk, Shrunk, shrink};
pub use side_by_side::{each, run_all, run_each};
pub use snapshot::{firings, transcript};
pub use snapshot_file::{Outdated, SNAPSHOT_FORMATS, Snapshot, SnapshotFormat};
pub use target::Target;
pub use template::template;
pub use testbed::{Cause, Delivered, Prevented, Testbed};
pub use then::{Connections, ExpectedPrimary, ExpectedServices, ExpectedStatus, Presence, Then};
pub use timed::{TimedRun, stopwatch};
pub use topology::{
    BackupThere, ContainerSeen, FaultsInForce, MemoryTopology, TopologyError, TopologySeen,
    UnitThere, Unreadable, check_parameters, check_unit, fill_in, member_name, service_name,
};
pub use unexpected::{Difference, StepKind, StepRef, Unexpected};
pub use words::{Word, find as find_words, lacking as lacking_words, words};
