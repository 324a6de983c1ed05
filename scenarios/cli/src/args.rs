//! The command line, as its users type it.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum, builder::PossibleValuesParser};
use clap_complete::Shell;
use pgdrill_core::{Amendment, Hook};
use pgdrill_scenarios::Partition;

mod coverage;
mod explore;
mod mutate;
mod suite;

pub(crate) use self::coverage::{CoverageArgs, CoverageFormat};
pub(crate) use self::explore::{ExploreArgs, ShrinkArgs, duration};
pub(crate) use self::mutate::MutateArgs;
pub(crate) use self::suite::{SelectionArgs, SuiteArgs};

/// Rehearses every way in which a PostgreSQL backup and restore can go.
#[derive(Debug, Parser)]
#[command(
    name = "pgdrill",
    version,
    propagate_version = true,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
#[command(
    after_help = "Exit codes: 0 as expected, 1 a scenario, a hook or an action failed, 2 a scenario or the usage is wrong, 3 nothing was selected, 4 a backend could not be set up."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Whether to use colours; where a terminal shows them and the environment does not say otherwise, unless given
    #[arg(long, global = true, value_enum, value_name = "WHEN")]
    pub(crate) color: Option<ColorArg>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run scenarios and judge them (the default)
    Run(RunArgs),
    /// Run scenarios, and again what changes, with what failed before, until Ctrl-C; ends as the last run did
    Watch(RunArgs),
    /// Run scenarios and show which arrows and paths of the charts they walk
    Coverage(CoverageArgs),
    /// Read scenarios without running them
    Check {
        /// Files, folders, or `-` for standard input; `paths` of `pgdrill.toml` unless given
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        suite: SuiteArgs,
    },
    /// Try histories that nobody wrote, judge them by the laws, and shrink each that breaks one to a scenario file
    Explore(ExploreArgs),
    /// Take away from a scenario that fails everything without which it fails all the same, and print what is left
    Shrink(ShrinkArgs),
    /// Show the parts of a run or of a search, written with `--partition K/N --format json`, as one
    Merge {
        /// A file for each part
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// How to report
        #[arg(long, value_enum, default_value_t = RunFormat::Text)]
        format: RunFormat,
    },
    /// Have the hooks do otherwise than their charts have it, in one place after the other, and show what nobody notices
    Mutate(MutateArgs),
    #[command(flatten)]
    Topology(TopologyCommand),
    #[command(flatten)]
    Dispatch(DispatchCommand),
    /// Show the path through the chart of every firing that a debug log of Juju tells of
    Explain {
        /// The log; standard input unless given
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// List scenarios
    List {
        /// Files, folders, or `-` for standard input; the cases that come with pgdrill unless given
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Only scenarios that this selects, as of `run`
        #[arg(long, value_name = "EXPRESSION")]
        filter: Vec<String>,
        /// How to list them
        #[arg(long, value_enum, default_value_t = RunFormat::Text)]
        format: RunFormat,
    },
    /// Show a case that comes with pgdrill: its file, and what it showed
    Show {
        /// The name, as `pgdrill list` shows it
        name: String,
    },
    /// Show what every run is held to, or the damage that is known
    Laws {
        /// Show the damage that scenarios know of and that nobody has corrected yet
        #[arg(long)]
        known: bool,
        /// Files, folders, or `-` for standard input; the cases that come with pgdrill unless given
        #[arg(value_name = "PATH", requires = "known")]
        paths: Vec<PathBuf>,
    },
    /// Print a commented scenario to start from
    New {
        /// The hook that it fires
        #[arg(value_parser = PossibleValuesParser::new(Hook::ALL.iter().map(|hook| hook.name())))]
        hook: String,
    },
    /// Show the words of the scenario file: keys, changes, moments, expectations, shapes, laws, amendments
    Words {
        /// Only words in which every one of these texts occurs: in the word, its kind, or what it means
        #[arg(value_name = "TEXT")]
        texts: Vec<String>,
    },
    /// Print the JSON Schema of the scenario file
    Schema,
    /// Show a page of the guide, or the help of a command
    Help {
        /// A topic or a command; without one, all of them are listed
        #[arg(value_name = "TOPIC")]
        topic: Option<String>,
    },
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page of pgdrill, or write the pages of all commands
    Man {
        /// Write a page for each command into this folder instead
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// What is done to a topology that stays up.
#[derive(Debug, Subcommand)]
pub(crate) enum TopologyCommand {
    /// Bring a cluster up, of real parts in containers or in memory, and leave it up
    Up(UpArgs),
    /// Show what is up: units, roles, statuses, services, backups
    Status {
        #[command(flatten)]
        name: NameArg,
        /// How to show it
        #[arg(long, value_enum, default_value_t = StatusFormat::Text)]
        format: StatusFormat,
    },
    /// Fire a hook on a unit of what is up, and show its path; ends with 1 if the hook or its action failed
    Fire(FireArgs),
    /// Have something happen to what is up: a fault, a role change, a change of scale
    #[command(visible_alias = "fault")]
    Do {
        /// The change, as under `do` in a scenario: `s3-server: down`, `scale-to: 1`, `primary-moves-to: 1`
        change: String,
        #[command(flatten)]
        name: NameArg,
    },
    /// Undo every fault; roles, scale and what Juju knows stay as they are
    Heal {
        #[command(flatten)]
        name: NameArg,
    },
    /// Take down what is up, with its data
    Down {
        #[command(flatten)]
        name: NameArg,
    },
    /// Remove what dead runs left in containers
    Clean {
        /// Remove everything of pgdrill in containers, running or not, whoever's it is, and what you have up in memory
        #[arg(long)]
        all: bool,
    },
}

/// What handles an event as a charm's dispatch does.
#[derive(Debug, Subcommand)]
pub(crate) enum DispatchCommand {
    /// Handle the event that Juju's environment tells of, as a charm's dispatch
    Dispatch,
    /// Handle one event of a hook as a charm's dispatch would, against stand-ins, and show what it did
    Rehearse {
        /// The hook
        #[arg(value_parser = PossibleValuesParser::new(Hook::ALL.iter().map(|hook| hook.name())))]
        hook: String,
        /// Print the environment instead, and keep the stand-ins until standard input ends
        #[arg(long)]
        hold: bool,
    },
}

#[derive(Debug, Clone, Args)]
pub(crate) struct RunArgs {
    /// Files, folders, or `-` for standard input; `paths` of `pgdrill.toml` unless given, and without these the cases that
    /// come with pgdrill
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Where to run them; in memory unless given
    #[arg(long, value_enum)]
    pub(crate) backend: Option<BackendArg>,
    /// Only scenarios that this selects: a text in the name or title, `=name`, `/regex/`, `hook(NAME)`, `law(NAME)`,
    /// `amendment(NAME)`, joined by `&`, `|`, `!` and parentheses; given several times, any of them
    #[arg(long, value_name = "EXPRESSION")]
    pub(crate) filter: Vec<String>,
    /// Only scenarios that failed or were refused the last time that they ran from this folder on the same backend and
    /// with the same amendments
    #[arg(long)]
    pub(crate) failed: bool,
    /// Show the path of every firing, of scenarios that pass, too
    #[arg(long, short, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// Show no line of a scenario that passes
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// How to report
    #[arg(long, value_enum, default_value_t = RunFormat::Text)]
    pub(crate) format: RunFormat,
    /// Write a JUnit report to this file as well
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Print a workflow command of GitHub for each scenario that failed or was refused, and for each warning, after the
    /// results: they become annotations. Only where it is given, whatever the environment says
    #[arg(long)]
    pub(crate) github: bool,
    /// Report how long each scenario took; without it equal runs give equal reports
    #[arg(long)]
    pub(crate) times: bool,
    /// Write a page to this file as well: every verdict, and of what failed the reasons, the transcript, and the walk on its
    /// chart
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write the snapshots beside the scenario files anew
    #[arg(long)]
    pub(crate) update: bool,
    /// Count a scenario of a file without a snapshot as failed, and a snapshot of no scenario as an error; on unless
    /// given where the environment variable CI is set, and not to `false` or `0`
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) require_snapshots: Option<bool>,
    /// Which S3 server containers use; the first that can be had unless given
    #[arg(long, value_enum, value_name = "PROFILE")]
    pub(crate) s3: Option<S3Arg>,
    /// How many scenarios run side by side; as many as there are processors unless given; five times
    /// as many clusters in containers, but at most twelve
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,
    /// Begin no other scenario after the first that failed
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) fail_fast: Option<bool>,
    /// Count a scenario that takes longer than this as failed, and end it: `90s`, `2m`. The setting up of servers does not count
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// Switch an amendment of the charts off; may be given several times
    #[arg(long, value_name = "NAME", value_parser = amendment_names())]
    pub(crate) no_amendment: Vec<String>,
    /// Only part K of N, counted from 1: of the scenarios that are selected, every Nth. `pgdrill merge` makes one report of
    /// what all parts print with `--format json`
    #[arg(long, value_name = "K/N")]
    pub(crate) partition: Option<Partition>,
    #[command(flatten)]
    pub(crate) suite: SuiteArgs,
    /// Whether the run goes by something else than the defaults of the suite.
    #[arg(skip)]
    pub(crate) ignores_config: bool,
    /// The only files of which scenarios run.
    #[arg(skip)]
    pub(crate) only: Option<BTreeSet<PathBuf>>,
    /// Count a scenario that this backend would skip as failed; it is the one that runs
    #[arg(long, value_enum, value_name = "BACKEND")]
    pub(crate) require: Option<BackendArg>,
}

impl RunArgs {
    /// Where to run.
    pub(crate) fn backend(&self) -> BackendArg {
        self.backend.unwrap_or(BackendArg::Memory)
    }
}

#[derive(Debug, Args)]
pub(crate) struct NameArg {
    /// What it is called
    #[arg(long, value_name = "NAME", default_value = "local", value_parser = topology_name)]
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    /// Where; `containers` unless given, or `memory` where containers are not built in
    #[arg(long, value_enum, value_name = "BACKEND")]
    pub(crate) backend: Option<TopologyBackendArg>,
    /// How many units
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=9))]
    pub(crate) units: u32,
    /// Give every unit a key and a certificate
    #[arg(long)]
    pub(crate) tls: bool,
    /// Which S3 server, in containers; the first that can be had unless given
    #[arg(long, value_enum, value_name = "PROFILE")]
    pub(crate) s3: Option<S3Arg>,
    #[command(flatten)]
    pub(crate) name: NameArg,
}

#[derive(Debug, Args)]
pub(crate) struct FireArgs {
    /// The hook
    #[arg(value_parser = PossibleValuesParser::new(Hook::ALL.iter().map(|hook| hook.name())))]
    pub(crate) hook: String,
    /// The unit on which it fires
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) unit: u32,
    /// A parameter of the action; `${backup-1}` stands for the id of the oldest backup
    #[arg(long, value_name = "KEY=VALUE", value_parser = parameter)]
    pub(crate) param: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) name: NameArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BackendArg {
    /// Deterministic fakes in memory
    Memory,
    /// Real parts in containers, with Juju simulated
    Containers,
    /// A charm's own dispatches, as processes with everything around a unit served to them
    #[value(alias = "charm")]
    Stand,
}

impl BackendArg {
    /// The name by which it is given.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Containers => "containers",
            Self::Stand => "stand",
        }
    }
}

/// Whether colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorArg {
    /// Where a terminal shows them, and as NO_COLOR, CLICOLOR and CLICOLOR_FORCE say
    Auto,
    /// Everywhere, files and pipes included
    Always,
    /// Nowhere
    Never,
}

/// Where a topology is that stays up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TopologyBackendArg {
    /// Deterministic fakes in memory; what is done to them is kept between commands
    Memory,
    /// Real parts in containers, with Juju simulated
    Containers,
}

impl TopologyBackendArg {
    /// Where it is unless the user says so.
    pub(crate) const DEFAULT: Self =
        if cfg!(feature = "containers") { Self::Containers } else { Self::Memory };
}

/// The S3 server of a run in containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum S3Arg {
    /// MinIO, by its published image
    Minio,
    /// Ceph's S3 gateway, built from Debian's packages
    Radosgw,
    /// SeaweedFS, by its published image or built from a wheel
    Seaweedfs,
    /// Any server: `PGDRILL_S3_ENDPOINT`, `PGDRILL_S3_ACCESS_KEY`, `PGDRILL_S3_SECRET_KEY` and more
    External,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RunFormat {
    /// Lines for people
    Text,
    /// One JSON object a line, one line a scenario
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatusFormat {
    /// Tables for people
    Text,
    /// One JSON object
    Json,
}

/// A name of which names of containers can be made, and none that a run gives itself.
fn topology_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
    if !begins || text.ends_with('-') || text.len() > 30 || !text.chars().all(fits) {
        return Err(
            "a name is 1 to 30 of a-z, 0-9 and `-`, begins with a letter and does not end in `-`"
                .into(),
        );
    }
    if text.len() == 8 && text.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err("runs give themselves names like this one".into());
    }
    Ok(text.to_owned())
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => Err("a parameter is written `KEY=VALUE`, as `type=full`".into()),
    }
}

/// The amendments of these names, which the command line has let pass.
pub(crate) fn amendments(names: &[String]) -> Vec<Amendment> {
    names.iter().filter_map(|name| name.parse().ok()).collect()
}

fn amendment_names() -> PossibleValuesParser {
    PossibleValuesParser::new(Amendment::ALL.iter().map(|amendment| amendment.name()))
}
