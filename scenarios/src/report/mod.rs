//! Reports: each a view of the same results.

pub mod coverage;
pub mod html;
mod json;
mod junit;
mod text;

pub use json::json_lines;
pub use junit::junit;
pub use text::{Painter, run_text};

use crate::{
    judge::{Judged, Verdict},
    plan::Plan,
    run::{Backend, Run},
};

/// One scenario from its file to its verdict.
#[derive(Debug, Clone)]
pub struct Result {
    /// The case's name.
    pub name: String,
    /// The file as the user named it.
    pub file: String,
    /// Where it ran.
    pub backend: Backend,
    /// The S3 server that was used, where it was a real one.
    pub s3: Option<&'static str>,
    /// What was planned.
    pub plan: Plan,
    /// What happened.
    pub run: Run,
    /// The verdict.
    pub judged: Judged,
}

impl Result {
    /// The verdict.
    #[must_use]
    pub const fn verdict(&self) -> &Verdict {
        &self.judged.verdict
    }
}

/// How many scenarios had each verdict: passed, failed, skipped.
#[must_use]
pub fn counts(results: &[Result]) -> (usize, usize, usize) {
    let count = |name: &str| results.iter().filter(|r| r.verdict().name() == name).count();
    (count("passed"), count("failed"), count("skipped"))
}
