//! One unit of a topology.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::try_join_all;

use super::layout::{self, API, DATABASE, TLS_FILES, USER, host};
use crate::{
    authority::Authority,
    container::Container,
    exec::ContainerExec,
    files::ContainerFiles,
    images::ImageRef,
    runit::{Runit, RunitLimits, Supervised},
    stage::{ContainerSpec, EngineResult, Stage, complaint},
};
use pgdrill_adapters::{
    command::{CommandOutput, CommandRunner as _, Invocation},
    files::{Access, Files as _},
    patroni::{Member, PatroniApi},
    pgbackrest::{PgBackRest, PgBackRestLimits, PgBackRestPaths},
};

/// The cluster manager's adapter of a unit.
pub type Manager = PatroniApi<ContainerExec, ContainerFiles<ContainerExec>>;
/// The backup tool's adapter of a unit.
pub type Tool = PgBackRest<ContainerExec, ContainerFiles<ContainerExec>>;

/// Where the supervisor is reached.
const SUPERVISOR: &str = "/run/supervisor";
/// How long a command of the rehearsal itself may take.
const LIMIT: Duration = Duration::from_secs(60);

/// A unit: its number and its container.
#[derive(Debug, Clone)]
pub struct UnitContainer {
    /// The number.
    pub number: u32,
    /// The container.
    pub container: Container,
    exec: ContainerExec,
    /// Whether the TLS server ran when the container was killed.
    had_tls_server: Arc<AtomicBool>,
}

impl UnitContainer {
    fn of(stage: &Stage, number: u32, container: Container) -> Self {
        let exec = ContainerExec::new(stage.docker().clone(), container.id()).attended();
        Self { number, container, exec, had_tls_server: Arc::default() }
    }

    /// Runs commands in the unit as a charm's are: lost while the supervisor does not answer.
    #[must_use]
    pub fn runner(&self) -> ContainerExec {
        self.own_runner().behind(SUPERVISOR)
    }

    /// Runs commands in the unit, whatever the supervisor does.
    fn own_runner(&self) -> ContainerExec {
        self.exec.clone()
    }

    /// The unit's services and data.
    #[must_use]
    pub fn workload(&self) -> Runit<ContainerExec> {
        Runit::new(self.runner(), Supervised::default(), RunitLimits::default())
    }

    /// The port of 127.0.0.1 that leads to the database.
    #[must_use]
    pub fn database_port(&self) -> u16 {
        self.container.port(DATABASE)
    }

    /// The port of 127.0.0.1 that leads to the cluster manager's REST API.
    #[must_use]
    pub fn api_port(&self) -> u16 {
        self.container.port(API)
    }

    /// Where a path of the cluster manager's REST API is reached.
    pub(super) fn api_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.api_port())
    }

    /// Whether its TLS server ran when its container was killed.
    #[must_use]
    pub fn had_tls_server(&self) -> bool {
        self.had_tls_server.load(Ordering::Relaxed)
    }

    /// Remembers whether its TLS server ran when its container was killed.
    pub fn remember_tls_server(&self, ran: bool) {
        self.had_tls_server.store(ran, Ordering::Relaxed);
    }

    /// Runs a shell program in the unit as root; what it wrote.
    ///
    /// # Errors
    ///
    /// It did not end with 0.
    pub async fn shell(&self, program: &str, arguments: &[&str]) -> EngineResult<String> {
        self.run(&[&["/bin/sh", "-euc", program, "sh"], arguments].concat(), None).await
    }

    /// Runs a command in the unit as the database's user; what it wrote.
    ///
    /// # Errors
    ///
    /// It did not end with 0.
    pub async fn as_database_user(&self, argv: &[&str]) -> EngineResult<String> {
        self.run(argv, Some(USER.to_owned())).await
    }

    /// Runs SQL on the unit's own server as its superuser; the rows, a line each.
    ///
    /// # Errors
    ///
    /// The server does not answer, or refuses.
    pub async fn sql(&self, statement: &str) -> EngineResult<String> {
        let argv = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-c", statement];
        self.as_database_user(&argv).await
    }

    async fn run(&self, argv: &[&str], user: Option<String>) -> EngineResult<String> {
        let argv = argv.iter().map(|&argument| argument.to_owned()).collect();
        let invocation = Invocation { argv, user, stdin: None, timeout: LIMIT };
        let place = host(self.number);
        match self.own_runner().run(&invocation).await {
            Ok(CommandOutput { code: Some(0), stdout, .. }) => Ok(stdout),
            Ok(output) => {
                let said = [output.stderr.trim(), output.stdout.trim()].join(" ");
                let words: String = said.chars().take(600).collect();
                let code = output.code.map_or("a signal".to_owned(), |code| code.to_string());
                Err(complaint(&place, &format!("a command ended with {code}: {words}")))
            }
            Err(failure) => Err(complaint(&place, &format!("a command failed: {failure}"))),
        }
    }
}

/// Starts the container of a unit and gives it its certificate. No service runs yet.
pub(super) async fn start(
    stage: &Stage,
    image: &ImageRef,
    authority: &Authority,
    number: u32,
) -> EngineResult<UnitContainer> {
    let name = host(number);
    let spec = ContainerSpec {
        image: image.to_string(),
        host: name.clone(),
        ready: "pgdrill: the supervisor is ready".into(),
        ports: vec![API, DATABASE],
        ..ContainerSpec::default()
    };
    let container = stage.start(&spec).await?;
    let unit = UnitContainer::of(stage, number, container);
    let own = authority.issue(&[&name]);
    let own = own.map_err(|error| complaint(&name, &error.to_string()))?;
    let contents = [authority.chain(), &own.certificate, own.key.expose()];
    let files = ContainerFiles::new(unit.own_runner());
    try_join_all(TLS_FILES.iter().zip(contents).map(|(path, content)| {
        let access = Access { owner: Some(USER), mode: 0o600 };
        let pushed = files.push(path, content.as_bytes(), access);
        let name = &name;
        async move { pushed.await.map_err(|failure| complaint(name, &failure.cause)) }
    }))
    .await?;
    Ok(unit)
}

/// A unit that an earlier process started.
pub(super) async fn find(stage: &Stage, number: u32) -> EngineResult<UnitContainer> {
    let container = stage.container(&host(number)).await?;
    Ok(UnitContainer::of(stage, number, container))
}

/// A runner for a unit that is gone: every command is lost.
pub(super) fn nowhere(stage: &Stage) -> ContainerExec {
    ContainerExec::new(stage.docker().clone(), format!("{}-gone", stage.name()))
}

pub(super) fn manager(runner: ContainerExec, member: Member) -> Manager {
    let files = ContainerFiles::new(runner.clone());
    PatroniApi::new(runner, files, member, layout::Pace::manager())
}

pub(super) fn tool(
    runner: ContainerExec,
    paths: PgBackRestPaths,
    limits: PgBackRestLimits,
) -> Tool {
    let files = ContainerFiles::new(runner.clone());
    PgBackRest::new(runner, files, paths, limits)
}
