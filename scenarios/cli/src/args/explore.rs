//! What `pgdrill explore` and `pgdrill shrink` take, and how a length of time is read.

use std::{ops::Range, path::PathBuf, time::Duration};

use clap::{Args, builder::PossibleValuesParser};
use pgdrill_scenarios::{Law, Partition};

use super::{RunFormat, amendment_names};

#[derive(Debug, Args)]
pub(crate) struct ExploreArgs {
    /// The seeds, each of which is one history: `0..1000`
    #[arg(long, value_name = "A..B", value_parser = seeds, conflicts_with = "limit")]
    pub(crate) seeds: Option<Range<u64>>,
    /// Explore for about so long instead: `60s`, `10m`. The seeds that were reached are named, and give the same again
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub(crate) limit: Option<Duration>,
    /// Try every history up to a bound instead, breadth first, each world once
    #[arg(long, conflicts_with_all = ["seeds", "limit", "partition"])]
    pub(crate) exhaustive: bool,
    /// At most so many changes in a whole history
    #[arg(long, value_name = "N", requires = "exhaustive", value_parser = clap::value_parser!(u8).range(0..=7))]
    pub(crate) all_changes: Option<u8>,
    /// Keep at most so many worlds to go on from; a world takes about 10 kB
    #[arg(long, value_name = "N", requires = "exhaustive", default_value_t = 150_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) worlds: u32,
    /// How many units there are at first; one to three unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3))]
    pub(crate) units: Option<u32>,
    /// Whether there is TLS at first; with and without unless given
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) tls: Option<bool>,
    /// At most so many events, and changes between them; 9 unless given, or 2 where every history is tried
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=50))]
    pub(crate) events: Option<u8>,
    /// At most so many changes within one event; 2 unless given, or 1, before it or within it, where every history is tried
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=9))]
    pub(crate) changes: Option<u8>,
    /// At most so many pairs of hooks that run at the same time on different units; 1 unless given
    #[arg(long, value_name = "N", conflicts_with = "exhaustive", value_parser = clap::value_parser!(u8).range(0..=9))]
    pub(crate) overlap: Option<u8>,
    /// Look only for what breaks this law; may be given several times
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(Law::ALL.iter().map(|law| law.name())))]
    pub(crate) law: Vec<String>,
    /// Switch an amendment of the charts off; may be given several times
    #[arg(long, value_name = "NAME", value_parser = amendment_names())]
    pub(crate) no_amendment: Vec<String>,
    /// Only part K of N, counted from 1: every Nth block of 1,024 seeds. `pgdrill merge` makes one report of what all parts
    /// print with `--format json`
    #[arg(long, value_name = "K/N")]
    pub(crate) partition: Option<Partition>,
    /// Write a scenario file and its snapshot for each finding into this folder, instead of printing it
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// How to report
    #[arg(long, value_enum, default_value_t = RunFormat::Text)]
    pub(crate) format: RunFormat,
    /// On how many threads; as many as there are processors unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,
}

#[derive(Debug, Args)]
pub(crate) struct ShrinkArgs {
    /// The scenario's file, or `-` for standard input
    #[arg(value_name = "FILE")]
    pub(crate) path: PathBuf,
    /// The scenario of a file of several, as of `run`
    #[arg(long, value_name = "EXPRESSION")]
    pub(crate) filter: Vec<String>,
    /// Switch an amendment of the charts off; may be given several times
    #[arg(long, value_name = "NAME", value_parser = amendment_names())]
    pub(crate) no_amendment: Vec<String>,
    /// Write it to this file instead, and its snapshot beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// A range of seeds, its end not in it.
pub(super) fn seeds(text: &str) -> Result<Range<u64>, String> {
    let read = |text: &str| text.parse::<u64>().ok();
    let range = text.split_once("..").and_then(|(from, to)| Some(read(from)?..read(to)?));
    range
        .filter(|range| !range.is_empty())
        .ok_or_else(|| "two whole numbers, the second greater, as `0..1000`".to_owned())
}

/// A length of time that is not none.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("nothing is over in no time".to_owned()),
        Ok(duration) => Ok(duration),
        Err(why) => Err(format!("{why}; write it as `90s` or `2m`")),
    }
}
