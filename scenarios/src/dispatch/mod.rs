//! One dispatch of Juju's: the hooks as a charm's own, through the production backend.
//!
//! The process is started anew for every event, so it does nothing before it must: one thread, no command
//! line to parse, no TLS.

mod lock;
mod routes;
mod site;
mod told;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use pgdrill_backends::{
    charm,
    clock::SystemClock,
    command::{Accounts, LocalRunner},
    juju::{Brought, FiringOf, HookTools, JujuUnit},
};
use pgdrill_core::{Amendments, Firing, Hook, Outcome, Ports, Probe, fire, ports::Clock};

use crate::rehearsal::Rehearsed;

pub use told::{Told, explain};

pub(crate) use site::{FILE as SITE, SiteFile, site as site_of};

use lock::Lock;
use routes::{Route, route};

/// The program that takes over what is not ours: the charm's own dispatch.
const NEXT: &str = "PGDRILL_NEXT";

/// How a dispatch goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dispatched {
    /// It is done, and Juju keeps what it wrote.
    Done,
    /// It failed for this reason: Juju drops what it wrote and brings the event again.
    Failed(String),
    /// This program takes over, with the environment as it is.
    Next(String),
}

/// The variables of the environment that tell of the event.
pub type Environment = BTreeMap<String, String>;

/// Handles the event that the environment tells of. What is not ours is passed on without a look at it.
pub fn dispatch(environment: &Environment) -> Dispatched {
    let path = environment.get("JUJU_DISPATCH_PATH").map(String::as_str).unwrap_or_default();
    let next = environment.get(NEXT).filter(|program| !program.is_empty()).cloned();
    let passed_on = || next.clone().map_or(Dispatched::Done, Dispatched::Next);
    let found = match route(path, environment) {
        Ok(Some(found)) => found,
        Ok(None) => return passed_on(),
        Err(why) => return Dispatched::Failed(why),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Dispatched::Failed(format!("the runtime can't be started: {error}")),
    };
    match runtime.block_on(handle(&found, environment)) {
        Ok(()) if found.then_next => passed_on(),
        Ok(()) => Dispatched::Done,
        Err(why) => Dispatched::Failed(why),
    }
}

async fn handle(route: &Route, environment: &Environment) -> Result<(), String> {
    let brought = Brought::from_environment(environment)?;
    let charm = environment.get("JUJU_CHARM_DIR").ok_or("JUJU_CHARM_DIR is not set")?;
    let _alone = Lock::take(charm, brought.identity.unit()).await?;
    let site = Arc::new(site::site(&brought.identity, environment)?);
    let tools = HookTools::new(tool_runner(environment), site.tool_limit);
    let own = FiringOf { hook: route.hook, is_refired: false };
    let unit = JujuUnit::new(tools, site.names.clone(), brought, own);
    let rehearsed = Rehearsed::join(environment).await?;
    let clock: Arc<dyn Clock> = match &rehearsed {
        Some(rehearsed) => Arc::new(rehearsed.clone()),
        None => Arc::new(SystemClock::new()),
    };
    let place = Here { site, clock, rehearsed };
    let failed = |error: pgdrill_core::PortError| error.to_string();
    let deferred = unit.deferred().await.map_err(failed)?;
    if !deferred.is_empty() {
        unit.forget_deferred().await.map_err(failed)?;
    }
    for hook in deferred {
        place.fire(&unit.firing(FiringOf { hook, is_refired: true }), hook, true).await?;
    }
    place.fire(&unit, route.hook, false).await
}

/// Everything but the unit that a firing needs.
struct Here {
    site: Arc<charm::Site>,
    clock: Arc<dyn Clock>,
    rehearsed: Option<Rehearsed>,
}

impl Here {
    async fn fire(
        &self,
        unit: &JujuUnit<LocalRunner>,
        hook: Hook,
        is_refired: bool,
    ) -> Result<(), String> {
        let mut ports: Ports = charm::ports(&self.site, unit, Arc::clone(&self.clock));
        let mut amendments = Amendments::all();
        let mut probe = None;
        if let Some(rehearsed) = &self.rehearsed {
            ports = rehearsed.watched(ports);
            amendments = rehearsed.amendments();
            probe = Some(rehearsed as &dyn Probe);
        }
        let firing = fire(&ports, hook, amendments, probe).await;
        self.tell(unit, &firing, is_refired).await;
        match &firing.outcome {
            Outcome::Error(error) => Err(error.to_string()),
            Outcome::Died(shape) => Err(format!("the process dies at {shape}")),
            Outcome::Returned | Outcome::Deferred | Outcome::Failed(_) | Outcome::Finished => {
                Ok(())
            }
        }
    }

    /// Tells of the firing in Juju's log. That it can't be told is no reason to fail.
    async fn tell(&self, unit: &JujuUnit<LocalRunner>, firing: &Firing, is_refired: bool) {
        let told = Told { firing: firing.clone(), is_refired };
        if let (Some(rehearsed), Outcome::Died(_)) = (&self.rehearsed, &firing.outcome) {
            rehearsed.die(&told.line()).await;
            return;
        }
        let _ = unit.log(told.level(), &told.line()).await;
    }
}

/// Runs hook tools with the variables that they need, and no others.
fn tool_runner(environment: &Environment) -> LocalRunner {
    let wanted = |name: &str| {
        name == "PATH" || name.starts_with("JUJU_") || name == crate::rehearsal::SOCKET
    };
    let variables = environment.iter().filter(|(name, _)| wanted(name));
    variables.fold(LocalRunner::new(Accounts::default()), |runner, (name, value)| {
        runner.with_variable(name, value)
    })
}

/// How long another dispatch on the same unit is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
