//! What `mutate` takes.

use std::ops::Range;

use clap::{Args, builder::PossibleValuesParser};
use pgdrill_core::Hook;

use super::{RunFormat, SelectionArgs, explore::seeds};

#[derive(Debug, Args)]
pub(crate) struct MutateArgs {
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    /// Only mutants of this hook's chart; may be given several times
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(Hook::ALL.iter().map(|hook| hook.name())))]
    pub(crate) chart: Vec<String>,
    /// Count nothing that the scenarios themselves say, under `then`, under `covers` and of what happens meanwhile
    #[arg(long)]
    pub(crate) no_then: bool,
    /// Count no snapshot
    #[arg(long)]
    pub(crate) no_snapshots: bool,
    /// The seeds of the histories that are tried on a mutant with which no scenario breaks a law; `0..1000` unless given
    #[arg(long, value_name = "A..B", value_parser = seeds)]
    pub(crate) seeds: Option<Range<u64>>,
    /// Try no histories
    #[arg(long, conflicts_with = "seeds")]
    pub(crate) no_explorer: bool,
    /// How to report; JSON is of the schema of mutation testing reports, version 2
    #[arg(long, value_enum, default_value_t = RunFormat::Text)]
    pub(crate) format: RunFormat,
    /// On how many threads; as many as there are processors unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,
}
