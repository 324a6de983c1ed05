//! A place in which plans run: a rehearsal of dispatches.

use std::{io, path::Path, process::Stdio, sync::Arc, time::Duration};

use crate::pebble::PebbleServer;
use async_trait::async_trait;
use pgdrill_core::{Amendment, Amendments, Hook};
use pgdrill_sim::{
    BackupSeen, Change, Event, Fired, FiringUnit, Given, Injection, Injector, Observation, Part,
    Shelf, World,
};
use tempfile::TempDir;
use tokio::{process::Command, sync::Mutex, time::timeout};

use super::{
    SOCKET, answer,
    authority::authority,
    container::RehearsedContainer,
    folder,
    listeners::{self, Listeners, Task},
    programs::{DispatchProgram, Programs},
    s3::TOKEN,
    shared::{RehearsalState, SharedState},
    tools::{self, STATUS_SET, TOOLS},
};
use pgdrill_dispatch::{SITE, SiteFile};
use pgdrill_scenarios::{Delivered, Prevented, Testbed};
use pgdrill_sim::lock;

/// How long one dispatch may take.
const LIMIT: Duration = Duration::from_secs(120);
/// What a stand-in that hangs costs a rehearsal.
const REQUEST_MS: u64 = 1500;

/// One world, and everything that stands in for it. All of it is gone with this value.
pub struct Rehearsal {
    pub(super) shared: Arc<SharedState>,
    listeners: Arc<Listeners>,
    dispatch: DispatchProgram,
    pub(super) folder: TempDir,
    pebbles: Mutex<Vec<(u32, PebbleServer)>>,
    _tasks: [Task; 2],
}

/// How a dispatch is to be treated beyond its plan.
#[derive(Debug, Clone, Copy, Default)]
pub struct Treatment {
    /// Whether every call of a port is counted.
    pub counts_calls: bool,
    /// The report of a call at which the process is killed: the first is before the first call, the second
    /// after it, and so on.
    pub kill_at: Option<usize>,
}

/// What a dispatch showed beyond its firings.
#[derive(Debug, Clone, Default)]
pub struct DispatchOutput {
    /// The places of the port calls that were reported, in order.
    pub calls: Vec<String>,
    /// The hook tools that were run, with their arguments and standard input.
    pub tools: Vec<String>,
    /// Whether the process was killed.
    pub is_killed: bool,
}

#[expect(clippy::needless_pass_by_value, reason = "errors come by value to `map_err`")]
fn broken(why: impl ToString) -> Prevented {
    Prevented::Broken(why.to_string().into())
}

impl Rehearsal {
    /// A rehearsal with these programs, in a world in which everything given is true.
    ///
    /// # Errors
    ///
    /// When the stand-ins can't be set up.
    pub async fn new(programs: &Programs, given: &Given) -> Result<Self, Prevented> {
        let folder = folder::new().map_err(broken)?;
        let (listener, port) = listeners::listen().await.map_err(broken)?;
        let shared = Arc::new(SharedState::new(World::new(given).shared(), port));
        let listeners = Arc::new(Listeners::default());
        let socket = folder.path().join("world.socket");
        let world = answer::serve(&socket, &shared, &listeners).map_err(broken)?;
        let tls = listeners::serve_tls(listener, Arc::clone(&shared), Arc::clone(&listeners));
        let tasks = [world, tls.map_err(broken)?];
        furnish(folder.path(), &programs.tools).map_err(broken)?;
        listeners.follow(&shared).await;
        let (dispatch, pebbles) = (programs.dispatch.clone(), Mutex::default());
        Ok(Self { shared, listeners, dispatch, folder, pebbles, _tasks: tasks })
    }

    /// Fires an event, and reports more of it than a testbed does.
    ///
    /// # Errors
    ///
    /// When the dispatch could not run to an end.
    pub async fn dispatch(
        &self,
        event: &Event,
        amendments: Amendments,
        injections: &[Injection],
        treatment: Treatment,
    ) -> Result<(Delivered, DispatchOutput), Prevented> {
        let unit = event.unit;
        let is_instrumented = !injections.is_empty() || amendments != Amendments::all();
        if let (DispatchProgram::Shipped(_), true) = (&self.dispatch, is_instrumented) {
            let what = "a dispatch as a charm ships it can't have faults injected, and has every amendment";
            return Err(Prevented::Unable(what.to_owned()));
        }
        self.supervise(unit).await?;
        self.prepare(event, amendments, injections, treatment);
        self.listeners.follow(&self.shared).await;
        let (succeeded, is_killed, stderr) = self.run(event).await?;
        let mut state = std::mem::take(&mut *self.shared.state());
        self.keep(&mut state);
        {
            let mut world = lock(&self.shared.world);
            world.keep_deferred(unit, state.deferred.remove(&unit).unwrap_or_default());
            world.end_event(unit, succeeded);
        }
        self.listeners.follow(&self.shared).await;
        if state.reported.is_empty() && !is_killed {
            return Err(broken(format!("the dispatch reported no firing: {stderr}")));
        }
        let keeps =
            state.reported.iter().all(|(reported, _)| reported.firing.outcome.keeps_writes());
        if keeps != succeeded && !is_killed {
            return Err(broken(format!("the exit code says the opposite of the firing: {stderr}")));
        }
        let mut results = state.results.remove(&unit);
        let is_joined = matches!(self.dispatch, DispatchProgram::Joined(_));
        let fired = state.reported.into_iter().map(|(reported, noted)| {
            let noted = is_joined.then_some(noted);
            let (failures, calls) = noted.map(|noted| (noted.failures, noted.calls)).unzip();
            let results = if reported.is_refired { None } else { results.take() };
            let (firing, is_refired) = (reported.firing, reported.is_refired);
            Fired {
                firing,
                unit,
                is_refired,
                results: results.unwrap_or_default(),
                failures,
                calls,
            }
        });
        let fired = fired.collect();
        let (missed, prevented) = state.injector.map_or_else(Default::default, |injector| {
            (injector.missed(), injector.take_failure().map(Prevented::from))
        });
        let shown = DispatchOutput { calls: state.calls, tools: state.tools, is_killed };
        Ok((Delivered { fired, missed, prevented }, shown))
    }

    /// What is carried over from one dispatch to the next.
    fn keep(&self, ended: &mut RehearsalState) {
        let mut state = self.shared.state();
        state.take_over(ended);
    }

    fn prepare(
        &self,
        event: &Event,
        amendments: Amendments,
        injections: &[Injection],
        treatment: Treatment,
    ) {
        let off = Amendment::ALL.iter().filter(|it| !amendments.has(**it));
        let deferred = lock(&self.shared.world).begin_event(event);
        let mut state = self.shared.state();
        state.unit = event.unit;
        state.off = off.map(|amendment| amendment.name().to_owned()).collect();
        let target = FiringUnit::new(&self.shared.world, event.unit);
        let injector = Injector::new(target, injections);
        state.counts_calls =
            treatment.counts_calls || treatment.kill_at.is_some() || injector.waits_for_calls();
        state.injector = Some(Arc::new(injector));
        state.kill_at = treatment.kill_at;
        state.deferred.insert(event.unit, deferred);
    }

    /// Has a Pebble listen for a unit's container.
    pub(super) async fn supervise(&self, unit: u32) -> Result<(), Prevented> {
        let mut pebbles = self.pebbles.lock().await;
        if pebbles.iter().any(|(known, _)| *known == unit) {
            return Ok(());
        }
        let folder = self.folder.path();
        let socket = folder.join(format!("pebble-{unit}.socket"));
        let (shared, listeners) = (Arc::clone(&self.shared), Arc::clone(&self.listeners));
        let stage = Arc::new(RehearsedContainer { shared, listeners, unit });
        let noted = Arc::clone(&self.shared);
        let pebble = PebbleServer::start_noting(&socket, stage, move |error| noted.note(error));
        let pebble = pebble.map_err(|error| self.failed(&error))?;
        pebbles.push((unit, pebble));
        let site = SiteFile {
            pebble: Some(socket),
            hosts: Some(SharedState::HOSTS.to_owned()),
            api_port: Some(self.shared.port),
            kubernetes_host: Some("localhost".to_owned()),
            kubernetes_port: Some(self.shared.port),
            kubernetes_account: Some(folder.join("account")),
            request_ms: Some(REQUEST_MS),
            ..SiteFile::default()
        };
        let text = serde_json::to_string(&site).map_err(broken)?;
        let site = folder.join(format!("site-{unit}.json"));
        std::fs::write(site, text).map_err(|error| self.failed(&error))
    }

    /// Something of the stand itself did not work.
    fn failed(&self, error: &io::Error) -> Prevented {
        self.shared.note(error);
        broken(error)
    }

    /// What this machine ran short of, if it did: what was seen since then says nothing of a scenario.
    #[must_use]
    pub fn shortage(&self) -> Option<String> {
        self.shared.shortage()
    }

    /// Runs the process: whether it succeeded, whether it was killed, and what it wrote to standard error.
    async fn run(&self, event: &Event) -> Result<(bool, bool, String), Prevented> {
        let mut command = match &self.dispatch {
            DispatchProgram::Joined(program) => {
                let mut command = Command::new(program);
                command.arg("dispatch");
                command
            }
            DispatchProgram::Shipped(program) => Command::new(program),
        };
        command
            .env_clear()
            .envs(self.environment(event).await?)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| self.failed(&error))?;
        let stderr = child.stderr.take();
        let is_killed = tokio::select! {
            _ = timeout(LIMIT, child.wait()) => false,
            () = self.shared.kill.notified() => true,
        };
        if is_killed {
            child.start_kill().map_err(broken)?;
        }
        let Ok(status) = timeout(Duration::from_secs(10), child.wait()).await else {
            return Err(broken("the dispatch did not end"));
        };
        let mut text = String::new();
        if let Some(mut stderr) = stderr {
            // What can't be read is not shown.
            let _ = tokio::io::AsyncReadExt::read_to_string(&mut stderr, &mut text).await;
        }
        Ok((status.map_err(broken)?.success(), is_killed, text))
    }

    /// The environment in which Juju would have this program handle the event, and nothing else.
    ///
    /// # Errors
    ///
    /// When the unit's container can't be stood in for.
    pub async fn environment(&self, event: &Event) -> Result<Vec<(String, String)>, Prevented> {
        self.supervise(event.unit).await?;
        let (folder, unit) = (self.folder.path(), event.unit);
        let inside = |name: String| folder.join(name).display().to_string();
        let path = self.path(event.hook).await;
        let mut environment = vec![
            ("PATH", inside("tools".into())),
            ("JUJU_UNIT_NAME", format!("postgresql-k8s/{unit}")),
            ("JUJU_MODEL_NAME", "drill".into()),
            ("JUJU_MODEL_UUID", "5e55104e-0000-4000-8000-000000000001".into()),
            ("JUJU_VERSION", "3.6.9".into()),
            ("JUJU_CHARM_DIR", folder.display().to_string()),
            (SITE, inside(format!("site-{unit}.json"))),
            (tools::SOCKET, inside("world.socket".into())),
        ];
        if let DispatchProgram::Joined(_) = &self.dispatch {
            environment.push((SOCKET, inside("world.socket".into())));
        }
        if let Some(action) = path.strip_prefix("actions/") {
            environment.push(("JUJU_ACTION_NAME", action.into()));
            environment.push(("JUJU_ACTION_UUID", "1".into()));
        }
        if path.starts_with("hooks/s3-") {
            environment.push(("JUJU_RELATION_ID", "s3-parameters:4".into()));
        }
        environment.push(("JUJU_DISPATCH_PATH", path));
        Ok(environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// The path by which Juju would deliver the event.
    async fn path(&self, hook: Hook) -> String {
        match hook {
            Hook::S3CredentialsChanged => {
                let unit = self.shared.own().map(|ports| ports.unit);
                let related = match unit {
                    Ok(unit) => !matches!(unit.s3_relation().await, Ok(None)),
                    Err(_) => true,
                };
                self.shared.state().is_s3_broken = !related;
                let what = if related { "changed" } else { "broken" };
                format!("hooks/s3-parameters-relation-{what}")
            }
            Hook::CertificatesChanged => "hooks/certificates-relation-changed".to_owned(),
            Hook::UpdateStatus => "hooks/update-status".to_owned(),
            Hook::CreateBackup | Hook::ListBackups | Hook::Restore => format!("actions/{hook}"),
        }
    }
}

/// Puts the hook tools on a path of their own, and the service account's files where a pod has them.
fn furnish(folder: &Path, program: &Path) -> io::Result<()> {
    let (tools, account) = (folder.join("tools"), folder.join("account"));
    std::fs::create_dir(&tools)?;
    for tool in TOOLS.iter().chain([&STATUS_SET]) {
        std::os::unix::fs::symlink(program, tools.join(tool))?;
    }
    std::fs::create_dir(&account)?;
    let chain = authority().map_err(io::Error::other)?.chain.as_str();
    for (name, content) in [("token", TOKEN), ("namespace", "drill"), ("ca.crt", chain)] {
        std::fs::write(account.join(name), content)?;
    }
    Ok(())
}

#[async_trait]
impl Testbed for Rehearsal {
    async fn happen(&self, change: &Change) -> Result<(), Prevented> {
        lock(&self.shared.world).happen(change).map_err(Prevented::from)?;
        self.listeners.follow(&self.shared).await;
        Ok(())
    }

    async fn deliver(
        &self,
        event: &Event,
        amendments: Amendments,
        injections: &[Injection],
        part: Option<Part>,
    ) -> Result<Delivered, Prevented> {
        if part.is_some() {
            return Err(Prevented::Unable("one dispatch runs at a time here".to_owned()));
        }
        let shown = self.dispatch(event, amendments, injections, Treatment::default()).await;
        shown.map(|(delivered, _)| delivered)
    }

    async fn backups(&self) -> Result<Shelf<BackupSeen>, Prevented> {
        Ok(lock(&self.shared.world).backups())
    }

    async fn observe(&self) -> Result<Observation, Prevented> {
        Ok(lock(&self.shared.world).observe())
    }

    fn is_watched(&self) -> bool {
        true
    }

    async fn undo_faults(&self) -> Result<(), Prevented> {
        lock(&self.shared.world).undo_faults();
        self.listeners.follow(&self.shared).await;
        Ok(())
    }

    async fn owed(&self, unit: u32) -> Result<Vec<Hook>, Prevented> {
        Ok(lock(&self.shared.world).owed(unit))
    }

    async fn pass_time(&self) -> Result<(), Prevented> {
        lock(&self.shared.world).pass_time();
        Ok(())
    }

    async fn copy(&self) -> Option<World> {
        Some(lock(&self.shared.world).clone())
    }
}
