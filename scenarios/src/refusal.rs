//! Why a scenario can't run.

use std::{error::Error, fmt};

use pgdrill_core::Diagnostic;

/// Why a scenario can't run: every fault that can be told apart, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    first: Box<Diagnostic>,
    rest: Vec<Diagnostic>,
}

impl Refusal {
    /// The refusal for these faults, each told once; `None` where there is none.
    #[must_use]
    pub fn of(mut faults: Vec<Diagnostic>) -> Option<Self> {
        faults.sort_by_key(|fault| (fault.line, fault.column));
        faults.dedup();
        let mut faults = faults.into_iter();
        let first = Box::new(faults.next()?);
        Some(Self { first, rest: faults.collect() })
    }

    /// The first fault.
    #[must_use]
    pub fn first(&self) -> &Diagnostic {
        &self.first
    }

    /// Every fault.
    pub fn faults(&self) -> impl Iterator<Item = &Diagnostic> {
        std::iter::once(&*self.first).chain(&self.rest)
    }
}

impl From<Box<Diagnostic>> for Refusal {
    fn from(first: Box<Diagnostic>) -> Self {
        Self { first, rest: Vec::new() }
    }
}

impl From<Diagnostic> for Refusal {
    fn from(first: Diagnostic) -> Self {
        Self::from(Box::new(first))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        self.rest.iter().try_for_each(|fault| write!(f, "\n{fault}"))
    }
}

impl Error for Refusal {}
