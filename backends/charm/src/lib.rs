//! One dispatch of Juju: the hooks as a charm ships them, over the adapters of a unit.
//!
//! [`dispatch()`] handles the event that the environment names. A process is started for every event, so it
//! does nothing before it must: one thread, no command line to parse, no TLS until something asks for it.
//!
//! This crate knows nothing of rehearsals. Whoever wants to watch a dispatch, or to give it another clock, hands an
//! [`Attachment`] to [`dispatch_with`].

mod attachment;
mod bounded;
mod cluster;
mod ports;
mod repository;
mod routes;
mod site;
mod site_file;

use std::{
    collections::BTreeMap, io::Write as _, os::unix::process::CommandExt as _, process::Command,
    sync::Arc, time::Duration,
};

use pgdrill_adapters::{
    command::{Accounts, LocalRunner},
    juju::{FiringOf, HookTools, JujuEvent, JujuUnit},
    lock::{FileLock, LockPath},
};
use pgdrill_core::{Firing, FiringLine, Hook, Outcome, fire, ports::UnitId, shown, shown_lines};

pub use attachment::{Attachment, Production};
pub use ports::ports;
pub use site::Site;
pub use site_file::{FILE as SITE, SiteFile, site};

use routes::{HookRoute, route};

/// The variable that names the program which takes over what is not ours: the charm's own dispatch.
pub const NEXT: &str = "PGDRILL_NEXT";

/// How long another dispatch on the same unit is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a dispatch goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dispatched {
    /// It is done, and Juju keeps what it wrote.
    Done,
    /// It failed for this reason: Juju drops what it wrote and delivers the event again.
    Failed(String),
    /// This program takes over, with the environment as it is.
    Next(String),
}

impl Dispatched {
    /// Hands over to the next program, if there is one: then this returns only if that can't be run.
    ///
    /// # Errors
    ///
    /// Why the dispatch failed, in a form that no terminal obeys.
    pub fn conclude(self) -> Result<(), String> {
        match self {
            Self::Done => Ok(()),
            Self::Failed(why) => Err(shown_lines(&why, "").into_owned()),
            Self::Next(program) => {
                let why = Command::new(&program).exec();
                let program = shown(&program);
                Err(format!("{program}: can't be run: {why} ({NEXT} names it)"))
            }
        }
    }
}

/// The variables of the environment that describe the event.
pub type Environment = BTreeMap<String, String>;

/// The variables of this process' environment that are text.
#[must_use]
pub fn environment() -> Environment {
    let variables = std::env::vars_os();
    variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Handles the event that the environment describes. What is not ours is passed on without a look at it; where there is no
/// next program, a hook that is not ours is done, and an action fails, as does a call outside of Juju.
pub fn dispatch(environment: &Environment) -> Dispatched {
    dispatch_with(environment, async || Ok(Production::new()))
}

/// Handles the event that the environment describes, with what is attached to it from outside. `attach` runs
/// only if the event is ours.
pub fn dispatch_with<A: Attachment>(
    environment: &Environment,
    attach: impl AsyncFnOnce() -> Result<A, String>,
) -> Dispatched {
    let path = environment.get("JUJU_DISPATCH_PATH").map(String::as_str).unwrap_or_default();
    let next = environment.get(NEXT).filter(|program| !program.is_empty()).cloned();
    let passed_on = || next.clone().map_or(Dispatched::Done, Dispatched::Next);
    let found = match route(path, environment) {
        Ok(Some(found)) => found,
        Ok(None) => match why_nobody_does(path).filter(|_| next.is_none()) {
            Some(why) => return Dispatched::Failed(why),
            None => return passed_on(),
        },
        Err(why) => return Dispatched::Failed(why),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Dispatched::Failed(format!("the runtime can't be started: {error}")),
    };
    match runtime.block_on(handle(&found, environment, attach)) {
        Ok(()) if found.then_next => passed_on(),
        Ok(()) => Dispatched::Done,
        Err(why) => Dispatched::Failed(why),
    }
}

/// Why a path that is not ours, and that no next program takes over, can't be taken for done. Juju delivers hooks that a
/// charm has no use for; an action was asked for by somebody.
fn why_nobody_does(path: &str) -> Option<String> {
    if path.is_empty() {
        Some(
            "JUJU_DISPATCH_PATH is not set: Juju runs this program, with an event to handle".into(),
        )
    } else if path.starts_with("actions/") {
        Some(format!("nobody does {path}: it is no action of ours, and {NEXT} names no program"))
    } else {
        None
    }
}

async fn handle<A: Attachment>(
    route: &HookRoute,
    environment: &Environment,
    attach: impl AsyncFnOnce() -> Result<A, String>,
) -> Result<(), String> {
    let juju_event = JujuEvent::from_environment(environment)?;
    let charm = environment.get("JUJU_CHARM_DIR").ok_or("JUJU_CHARM_DIR is not set")?;
    let _alone = alone(charm, juju_event.identity.unit()).await?;
    let site = Arc::new(site(&juju_event.identity, environment)?);
    let tools = HookTools::new(tool_runner(environment), site.tool_limit);
    let own = FiringOf { hook: route.hook, is_refired: false };
    let unit = JujuUnit::new(tools, site.names.clone(), juju_event, own);
    let surroundings = Surroundings { site, attachment: attach().await? };
    let failed = |error: pgdrill_core::PortError| error.to_string();
    let deferred = unit.deferred().await.map_err(failed)?;
    if !deferred.is_empty() {
        unit.forget_deferred().await.map_err(failed)?;
    }
    for hook in deferred {
        let again = unit.firing(FiringOf { hook, is_refired: true });
        surroundings.fire(&again, hook, true).await?;
    }
    surroundings.fire(&unit, route.hook, false).await
}

/// Waits until no other dispatch runs on the unit whose charm is in this folder.
async fn alone(charm: &str, unit: UnitId) -> Result<FileLock, String> {
    let path = std::path::Path::new(charm).join(format!(".pgdrill-{unit}.lock"));
    let lock = LockPath::private(path);
    match tokio::time::timeout(PATIENCE, lock.acquire(|| {})).await {
        Ok(acquired) => acquired.map_err(|why| format!("{}: {why}", why.path().display())),
        Err(_) => Err(format!("another firing runs on unit {unit}")),
    }
}

/// Everything but the unit that a firing needs.
struct Surroundings<A> {
    site: Arc<Site>,
    attachment: A,
}

impl<A: Attachment> Surroundings<A> {
    async fn fire(
        &self,
        unit: &JujuUnit<LocalRunner>,
        hook: Hook,
        is_refired: bool,
    ) -> Result<(), String> {
        let attachment = &self.attachment;
        let ports = attachment.ports(ports(&self.site, unit, attachment.clock()));
        let firing = fire(&ports, hook, attachment.amendments(), attachment.probe()).await;
        self.report(unit, &firing, is_refired).await;
        match &firing.outcome {
            Outcome::Error(error) => Err(error.to_string()),
            Outcome::Died(shape) => Err(format!("the process dies at {shape}")),
            Outcome::Returned | Outcome::Deferred | Outcome::Failed(_) | Outcome::Finished => {
                Ok(())
            }
        }
    }

    /// Reports the firing in Juju's log. That it can't be reported is no reason to fail, and is told on standard error,
    /// which Juju keeps in its log, too.
    async fn report(&self, unit: &JujuUnit<LocalRunner>, firing: &Firing, is_refired: bool) {
        let report = FiringLine { firing: firing.clone(), is_refired };
        if let Outcome::Died(_) = &firing.outcome {
            self.attachment.died(&report.line()).await;
            return;
        }
        let line = report.line();
        if let Err(error) = unit.log(report.level(), &line).await {
            // Nothing is left to be done without it.
            let error = error.to_string();
            let error = shown_lines(&error, "");
            let _ = writeln!(std::io::stderr(), "pgdrill could not log a firing: {error}\n{line}");
        }
    }
}

/// Runs hook tools with the variables that they need, and no others.
fn tool_runner(environment: &Environment) -> LocalRunner {
    let wanted = |name: &str| name == "PATH" || name.starts_with("JUJU_");
    let variables = environment.iter().filter(|(name, _)| wanted(name));
    variables.fold(LocalRunner::new(Accounts::default()), |runner, (name, value)| {
        runner.with_variable(name, value)
    })
}
