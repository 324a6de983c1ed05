//! The programs that a rehearsal starts.

use std::path::{Path, PathBuf};

/// What handles an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DispatchProgram {
    /// A program that calls [`called`](crate::called()): it takes the time from the world, and changes are injected at its
    /// shapes.
    Joined(PathBuf),
    /// A program as a charm ships it, which knows nothing of rehearsals: it takes the system's time, and nothing
    /// is injected into it.
    Shipped(PathBuf),
}

/// The programs that a rehearsal starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// What handles an event.
    pub dispatch: DispatchProgram,
    /// What every hook tool is, under the tool's name: a program that calls [`tool`](crate::tool()).
    pub tools: PathBuf,
}

impl Programs {
    /// One program that calls [`called`](crate::called()), as the dispatch and as every hook tool.
    #[must_use]
    pub fn joined(program: &Path) -> Self {
        Self { dispatch: DispatchProgram::Joined(program.to_owned()), tools: program.to_owned() }
    }
}
