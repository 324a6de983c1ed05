//! The ports of the production backend, called by hand against a rehearsal's stand-ins.

use std::sync::Arc;

use pgdrill_adapters::{
    command::{Accounts, LocalRunner},
    juju::{FiringOf, HookTools, JujuEvent, JujuUnit},
};
use pgdrill_core::{
    Hook, PortError, PortErrorKind, Ports,
    ports::{Clock, PortResult},
};
use pgdrill_sim::{ActionSeen, Event};

use super::{place::Rehearsal, tools};
use pgdrill_dispatch::Environment;
use pgdrill_scenarios::Prevented;
use pgdrill_sim::lock;

impl Rehearsal {
    /// The ports of a unit, as a dispatch has them, with the world's clock.
    ///
    /// # Errors
    ///
    /// `NotFound` when the world has no such unit.
    pub fn ports(&self, unit: u32) -> PortResult<Ports> {
        let world = self.shared.ports(unit)?;
        self.shared.state().unit = unit;
        let clock: Arc<dyn Clock> = world.clock;
        let site = self
            .site(unit)
            .map_err(|why| PortError::new(PortErrorKind::Malformed, "unit", "identity", why))?;
        let identity = world.unit.identity();
        let begun = self.shared.state().begun.get(&unit).copied();
        let juju_event = JujuEvent {
            path: String::new(),
            identity: identity.as_ref().clone(),
            is_action: begun.is_some_and(Hook::is_action),
            broken_relation: None,
        };
        let inside = |name: &str| self.folder.path().join(name).display().to_string();
        let runner = LocalRunner::new(Accounts::default())
            .with_variable("PATH", inside("tools"))
            .with_variable("JUJU_UNIT_NAME", format!("{}/{unit}", identity.application()))
            .with_variable(tools::SOCKET, inside("world.socket"));
        let hook_tools = HookTools::new(runner, site.tool_limit);
        let firing = FiringOf { hook: begun.unwrap_or(Hook::UpdateStatus), is_refired: false };
        let own = JujuUnit::new(hook_tools, site.names.clone(), juju_event, firing);
        Ok(pgdrill_dispatch::ports(&Arc::new(site), &own, clock))
    }

    fn site(&self, unit: u32) -> Result<pgdrill_dispatch::Site, String> {
        let file = self.folder.path().join(format!("site-{unit}.json"));
        let environment =
            Environment::from([(pgdrill_dispatch::SITE.to_owned(), file.display().to_string())]);
        let identity = self.shared.ports(unit).map_err(|error| error.to_string())?.unit.identity();
        pgdrill_dispatch::site(&identity, &environment)
    }

    /// Has a container stand ready for every unit that there can be.
    ///
    /// # Errors
    ///
    /// When one can't be stood in for.
    pub async fn supervise_all(&self) -> Result<(), Prevented> {
        for unit in 0..9 {
            self.supervise(unit).await?;
        }
        Ok(())
    }

    /// Juju delivers an event to its unit, and its hook is done by hand until [`Rehearsal::end`]: the events
    /// that a dispatch would fire again first, which it forgets then.
    pub fn begin(&self, event: &Event) -> Vec<Hook> {
        let again = lock(&self.shared.world).begin_event(event);
        let mut state = self.shared.state();
        state.begun.insert(event.unit, event.hook);
        state.deferred.insert(event.unit, Vec::new());
        again
    }

    /// The hook on this unit ends; what its action, if it was one, shows.
    pub fn end(&self, unit: u32, succeeded: bool) -> ActionSeen {
        let (deferred, results) = {
            let mut state = self.shared.state();
            state.begun.remove(&unit);
            (state.deferred.remove(&unit), state.results.remove(&unit))
        };
        let mut world = lock(&self.shared.world);
        world.keep_deferred(unit, deferred.unwrap_or_default());
        let seen = world.end_event(unit, succeeded);
        let results = results.unwrap_or_default().into_iter();
        let results = results.map(|(key, value)| (key.to_owned(), value)).collect();
        ActionSeen { results, ..seen }
    }

    /// The permissions of a file in a unit's container, as octal digits.
    #[must_use]
    pub fn permissions(&self, unit: u32, path: &str) -> Option<String> {
        let state = self.shared.state();
        state.files.get(&(unit, path.to_owned())).map(|(_, permissions)| permissions.clone())
    }
}
