//! A contract is the list of promises that a port makes in its doc comments, each a function over a
//! [`Subject`]: one backend, set up so that a [`Given`] is true.
//!
//! A backend joins by implementing [`Subject`] and [`Subjects`]; the promises name no backend. What a backend
//! can't make true skips the promise, with its reason: it is never counted as held.

mod clock;
mod cluster;
mod cluster_record;
mod object_store;
mod repository;
mod subject;
mod unit;
mod workload;

use std::fmt;

use futures_util::future::BoxFuture;
use pgdrill_core::{PortError, PortErrorKind, ports::PortResult};
use pgdrill_sim::Given;

pub use clock::CLOCK;
pub use cluster::CLUSTER;
pub use cluster_record::CLUSTER_RECORD;
pub use object_store::OBJECT_STORE;
pub use repository::REPOSITORY;
pub use subject::{Subject, Subjects, Unable};
pub use unit::UNIT;
pub use workload::WORKLOAD;

/// A text that every credential of a subject contains, so that one that leaks is seen.
pub const CANARY: &str = "canary";

/// One promise of a port.
#[derive(Debug, Clone, Copy)]
pub struct Promise {
    /// The promise, as a sentence.
    pub name: &'static str,
    /// What is true before it is checked.
    pub given: fn() -> Given,
    /// Checks it.
    pub check: for<'a> fn(&'a dyn Subject) -> BoxFuture<'a, PromiseResult>,
}

/// What the check of a promise found.
pub type PromiseResult = Result<(), PromiseFailure>;

/// Why a promise was not seen to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromiseFailure {
    /// It is broken: this was seen instead.
    Broken(String),
    /// The backend can't show it.
    Unable(Unable),
}

impl From<PortError> for PromiseFailure {
    fn from(error: PortError) -> Self {
        Self::Broken(format!("failed unexpectedly: {error}"))
    }
}

impl From<Unable> for PromiseFailure {
    fn from(unable: Unable) -> Self {
        Self::Unable(unable)
    }
}

/// What became of the promises of one port on one backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The backend's name.
    pub backend: &'static str,
    /// The promises that it keeps.
    pub held: Vec<&'static str>,
    /// Those that it can't show, each with the reason.
    pub skipped: Vec<(&'static str, String)>,
    /// Those that it breaks, each with what was seen instead.
    pub broken: Vec<(&'static str, String)>,
}

impl Report {
    /// The report of a backend of which nothing was checked yet.
    #[must_use]
    pub const fn new(backend: &'static str) -> Self {
        Self { backend, held: Vec::new(), skipped: Vec::new(), broken: Vec::new() }
    }

    /// Adds what another report says.
    pub fn add(&mut self, more: Self) {
        self.held.extend(more.held);
        self.skipped.extend(more.skipped);
        self.broken.extend(more.broken);
    }
}

impl fmt::Display for Report {
    /// The counts, then each promise that does not hold by its name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (held, skipped) = (self.held.len(), self.skipped.len());
        write!(f, "{}: {held} promises kept, {skipped} skipped", self.backend)?;
        if !self.broken.is_empty() {
            write!(f, ", {} broken", self.broken.len())?;
        }
        let lines = self.broken.iter().map(|(name, seen)| ("broken", name, seen));
        let skips = self.skipped.iter().map(|(name, why)| ("skipped", name, why));
        for (what, name, why) in lines.chain(skips) {
            write!(f, "\n  {what}: {name}\n      {why}")?;
        }
        Ok(())
    }
}

/// Checks every promise, each on a stand of its own, and goes on after a broken one.
pub async fn run(promises: &[Promise], stands: &dyn Subjects) -> Report {
    let mut report = Report::new(stands.backend());
    for promise in promises {
        let checked = match stands.make(&(promise.given)()).await {
            Ok(subject) => (promise.check)(subject.as_ref()).await,
            Err(failure) => Err(failure),
        };
        match checked {
            Ok(()) => report.held.push(promise.name),
            Err(PromiseFailure::Broken(seen)) => report.broken.push((promise.name, seen)),
            Err(PromiseFailure::Unable(Unable(why))) => report.skipped.push((promise.name, why)),
        }
    }
    report
}

/// Lists promises: `"sentence": given => check(argument …)`, where `check` is an async function over the
/// stand and the arguments.
macro_rules! promises {
    ($(#[$doc:meta])* $list:ident {
        $($name:literal: $given:expr => $check:ident($($argument:expr),* $(,)?),)+
    }) => {
        $(#[$doc])*
        pub const $list: &[crate::contract::Promise] = &[$(crate::contract::Promise {
            name: $name,
            given: $given,
            check: |subject| Box::pin($check(subject, $($argument),*)),
        },)+];
    };
}

/// Breaks the promise with a reason unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($seen:tt)+) => {
        if !$condition {
            return Err(crate::contract::PromiseFailure::Broken(format!($($seen)+)));
        }
    };
}

/// Breaks the promise unless both values are equal.
macro_rules! ensure_eq {
    ($what:literal, $seen:expr, $expected:expr) => {
        match (&$seen, &$expected) {
            (seen, expected) => {
                crate::contract::ensure!(
                    *seen == *expected,
                    "{}: {seen:?} instead of {expected:?}",
                    $what
                );
            }
        }
    };
}

use {ensure, ensure_eq, promises};

/// The kinds by which a port may say that a place which died or stands still did not answer: which one
/// depends on how the technology in between gives up.
const SILENCE: &[PortErrorKind] = &[PortErrorKind::Unreachable, PortErrorKind::TimedOut];

/// The error of a call that must fail at `place` in one of these ways, without a credential in it.
fn fails<T>(
    result: PortResult<T>,
    place: &str,
    kinds: &[PortErrorKind],
) -> Result<PortError, PromiseFailure> {
    let Err(error) = result else {
        return Err(PromiseFailure::Broken(format!(
            "{place} worked instead of failing as {kinds:?}"
        )));
    };
    ensure!(kinds.contains(&error.kind()), "`{error}` instead of {kinds:?}");
    ensure_eq!("the place of the error", error.place(), place);
    ensure!(!error.cause().is_empty(), "{place} gives no cause");
    for shown in [error.to_string(), format!("{error:?}"), format!("{error:#?}")] {
        ensure!(!shown.contains(CANARY), "an error of {place} shows a credential");
    }
    Ok(error)
}

/// A command that ran and failed: refused, with its code, and its own line in one of its streams.
fn exits<T>(result: PortResult<T>, place: &str, code: i32, words: &str) -> PromiseResult {
    let error = fails(result, place, &[PortErrorKind::Refused])?;
    let Some(exit) = error.exit() else {
        return Err(PromiseFailure::Broken(format!(
            "`{error}` keeps nothing of how the command ended"
        )));
    };
    ensure!(exit.code == Some(code), "exit code {:?} instead of {code}: {error}", exit.code);
    let line = exit.error_line().unwrap_or_default();
    let begin = format!("ERROR: [{code:03}]: ");
    ensure!(line.starts_with(&begin), "the error line `{line}` instead of `{begin}…`");
    ensure!(line.contains(words), "the error line `{line}` does not say `{words}`");
    ensure!(error.to_string().ends_with(line), "`{error}` does not show the command's own words");
    Ok(())
}

/// A command of which no end is known: no answer, and no exit code.
fn never_ended<T>(result: PortResult<T>, place: &str) -> PromiseResult {
    let error = fails(result, place, SILENCE)?;
    let code = error.exit().and_then(|exit| exit.code);
    ensure_eq!("the exit code of a command without a known end", code, None);
    Ok(())
}
