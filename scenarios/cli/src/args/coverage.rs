//! What `coverage` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::SelectionArgs;

#[derive(Debug, Args)]
pub(crate) struct CoverageArgs {
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    /// End with 1 unless every arrow and path was walked; on without paths and filters, as all cases walk them all
    #[arg(long)]
    pub(crate) require_complete: bool,
    /// Hold the run against the charts of this Markdown or Mermaid file instead of pgdrill's own
    #[arg(long, value_name = "FILE")]
    pub(crate) charts: Option<PathBuf>,
    /// Only the chart of this name
    #[arg(long, value_name = "NAME")]
    pub(crate) chart: Option<String>,
    /// How to report
    #[arg(long, value_enum, default_value_t = CoverageFormat::Text)]
    pub(crate) format: CoverageFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CoverageFormat {
    /// Counts, and what was not walked
    Text,
    /// One JSON object
    Json,
    /// The charts with visits on every arrow, as Markdown with Mermaid
    Mermaid,
    /// One page that shows the charts as pictures
    Html,
    /// One chart as a picture
    Svg,
}
