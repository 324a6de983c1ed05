//! What says which scenarios are meant.

use std::path::PathBuf;

use clap::Args;

/// Where the defaults of the suite are.
#[derive(Debug, Clone, Args)]
pub(crate) struct SuiteArgs {
    /// Take the defaults of the suite from this file; from `pgdrill.toml` in the current folder or the nearest one above it in
    /// the repository unless given
    #[arg(long, value_name = "FILE", conflicts_with = "no_config")]
    pub(crate) config: Option<PathBuf>,
    /// Read no `pgdrill.toml`
    #[arg(long)]
    pub(crate) no_config: bool,
}

/// Scenarios that run in memory, by their files and by what selects them.
#[derive(Debug, Args)]
pub(crate) struct SelectionArgs {
    /// Files, folders, or `-` for standard input; `paths` of `pgdrill.toml` unless given, and without these the cases that
    /// come with pgdrill
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) suite: SuiteArgs,
    /// Only scenarios that this selects, as of `run`
    #[arg(long, value_name = "EXPRESSION")]
    pub(crate) filter: Vec<String>,
}
