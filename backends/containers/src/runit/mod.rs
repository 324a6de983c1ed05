//! The services of a unit's container, under runit.

use std::time::Duration;

use async_trait::async_trait;
use pgdrill_core::{
    PortError, PortErrorKind,
    ports::{PortResult, Service, ServiceState, Workload},
};

use pgdrill_adapters::{
    command::{CommandRunner, Invocation, RunFailure},
    data_directory::{MOVE_ASIDE, REMOVE_ASIDE},
};

const PORT: &str = "workload";
/// What every program about a service begins with.
const KNOWN: &str = include_str!("known.sh");
const REACHABLE: &str = include_str!("reachable.sh");
const START: &str = include_str!("start.sh");
const STOP: &str = include_str!("stop.sh");
const RELOAD: &str = include_str!("reload.sh");
/// What every program about the data directory begins with. The rest takes the directory as its only argument.
const EMPTY: &str = include_str!("empty.sh");
/// How much longer than its own limit a program may take, until it is ended.
const SLACK: Duration = Duration::from_secs(10);

/// What the supervisor is and what it keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supervised {
    /// The folder in which it has the services, by their names. Without the folder it does not answer.
    pub directory: String,
    /// The data directory.
    pub data: String,
    /// The user to whom the data directory's content belongs.
    pub user: String,
}

impl Default for Supervised {
    /// As in the image of a unit.
    fn default() -> Self {
        Self {
            directory: "/run/supervisor".into(),
            data: "/var/lib/postgresql/data/pgdata".into(),
            user: "postgres".into(),
        }
    }
}

/// How long a supervisor may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunitLimits {
    /// For an answer, and for a reload.
    pub answer: Duration,
    /// Until a service has stayed up for a second.
    pub start: Duration,
    /// Until a service has stopped, once it was asked to. It is killed after half of the time, unless it has a control
    /// program of its own for the order.
    pub stop: Duration,
    /// Until the data directory is empty.
    pub empty: Duration,
}

impl Default for RunitLimits {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(5),
            start: Duration::from_secs(15),
            // Of 680 stops on a machine with a load of 25 the longest took 6 s; twice one had not ended after more than a minute.
            stop: Duration::from_secs(40),
            empty: Duration::from_secs(60),
        }
    }
}

/// The services of one unit, by runit's `sv`, each call one command of `R`, which must run it as root.
///
/// A service that ends within a second of its start was not started, and is not tried again. One that does not
/// stop is killed, as Pebble does, and that is logged as a warning; one that can't be killed may yet stop, and then stays
/// down until it is started. The database is down when no server runs on its data either, which a killed manager leaves
/// behind.
#[derive(Debug, Clone)]
pub struct Runit<R> {
    runner: R,
    supervised: Supervised,
    limits: RunitLimits,
}

impl<R: CommandRunner> Runit<R> {
    /// The services that are `supervised` where `runner` runs commands.
    pub const fn new(runner: R, supervised: Supervised, limits: RunitLimits) -> Self {
        Self { runner, supervised, limits }
    }

    /// Runs a program; its exit code, and what it wrote to either stream.
    async fn run(
        &self,
        program: String,
        arguments: &[&str],
        user: Option<&str>,
        limit: Duration,
    ) -> Result<(Option<i32>, String), RunFailure> {
        let seconds = limit.as_secs().max(1).to_string();
        let directory = &*self.supervised.directory;
        let fixed = ["env", "LC_ALL=C", "sh", "-c", &program, "sh", &seconds, directory];
        let argv = fixed.iter().chain(arguments);
        let argv = argv.map(|&word| word.to_owned()).collect();
        let user = user.map(str::to_owned);
        let invocation = Invocation { argv, user, stdin: None, timeout: limit + SLACK };
        let output = self.runner.run(&invocation).await?;
        Ok((output.code, output.stdout + &output.stderr))
    }

    /// Runs a program about a service that is known; what it wrote.
    async fn about(
        &self,
        operation: &'static str,
        service: Service,
        program: &str,
        limit: Duration,
    ) -> PortResult<String> {
        let name = service.name();
        let manages = match service {
            Service::Database => &*self.supervised.data,
            Service::TlsServer => "",
        };
        let program = [KNOWN, program].concat();
        let ended = self.run(program, &[name, manages], None, limit).await;
        let (kind, cause) = match answer(ended, limit) {
            Ok(said) => return Ok(said),
            Err(why) => why,
        };
        Err(PortError::new(kind, PORT, operation, format!("{name}: {cause}")))
    }
}

#[async_trait]
impl<R: CommandRunner> Workload for Runit<R> {
    async fn is_reachable(&self) -> PortResult<bool> {
        let ended = self.run(REACHABLE.into(), &[], None, self.limits.answer).await;
        Ok(matches!(ended, Ok((Some(0), _))))
    }

    async fn service(&self, service: Service) -> PortResult<ServiceState> {
        let program = "echo \"$said\"";
        match self.about("service", service, program, self.limits.answer).await {
            // What its end still takes is a part of it.
            Ok(said) if said.starts_with("run: ") || said.starts_with("finish: ") => {
                Ok(ServiceState::Running)
            }
            Ok(said) if said.starts_with("down: ") => Ok(ServiceState::Stopped),
            Ok(said) => {
                let cause = format!("{}: `{}`", service.name(), said.trim().escape_default());
                Err(PortError::new(PortErrorKind::Malformed, PORT, "service", cause))
            }
            Err(error) if error.kind() == PortErrorKind::NotFound => Ok(ServiceState::Unknown),
            Err(error) => Err(error),
        }
    }

    async fn start(&self, service: Service) -> PortResult<()> {
        self.about("start", service, START, self.limits.start).await.map(drop)
    }

    async fn stop(&self, service: Service) -> PortResult<()> {
        let killed = self.about("stop", service, STOP, self.limits.stop).await?;
        if !killed.is_empty() {
            log::warn!("{} {killed}", service.name());
        }
        Ok(())
    }

    async fn reload(&self, service: Service) -> PortResult<()> {
        self.about("reload", service, RELOAD, self.limits.answer).await.map(drop)
    }

    async fn empty_data_directory(&self) -> PortResult<()> {
        let Supervised { data, user, .. } = &self.supervised;
        let limit = self.limits.empty;
        let arguments = [data.as_str()];
        let about = |program| self.run([EMPTY, program].concat(), &arguments, Some(user), limit);
        let moved = answer(about(MOVE_ASIDE).await, limit);
        moved.map_err(|(kind, cause)| PortError::new(kind, PORT, "empty_data_directory", cause))?;
        // What can't be deleted is in nobody's way, and goes with the container.
        let _ = about(REMOVE_ASIDE).await;
        Ok(())
    }
}

/// What the programs mean by how they end.
fn answer(
    ended: Result<(Option<i32>, String), RunFailure>,
    limit: Duration,
) -> Result<String, (PortErrorKind, String)> {
    let (code, said) = ended.map_err(|failure| {
        let kind = match failure {
            RunFailure::Missing { .. }
            | RunFailure::NotStarted { .. }
            | RunFailure::Lost { .. } => PortErrorKind::Unreachable,
            RunFailure::TimedOut { .. } => PortErrorKind::TimedOut,
        };
        (kind, failure.to_string())
    })?;
    let first = || said.lines().next().unwrap_or("it gave no reason").to_owned();
    Err(match code {
        Some(0) => return Ok(said),
        Some(100) => (PortErrorKind::Unreachable, "the supervisor does not answer".into()),
        Some(101) => (PortErrorKind::NotFound, "the supervisor does not know it".into()),
        Some(102) => (PortErrorKind::Unreachable, first()),
        Some(103) => (PortErrorKind::Refused, "it ended within a second of its start".into()),
        Some(104) => (PortErrorKind::TimedOut, format!("it did not stay up within {limit:?}")),
        Some(105) => {
            (PortErrorKind::TimedOut, format!("it did not stop within {limit:?}: {}", first()))
        }
        Some(106) => (PortErrorKind::Refused, "it is not running".into()),
        Some(107) => (PortErrorKind::Refused, "the database is running".into()),
        Some(_) => (PortErrorKind::Refused, first()),
        None => (PortErrorKind::Unreachable, "the command about it was killed".into()),
    })
}
