//! What runs leave behind, by the labels that say whose it is.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use rustix::process::{Pid, test_kill_process};
use sha2::{Digest as _, Sha256};
use testcontainers::bollard::{
    Docker,
    errors::Error,
    query_parameters::{
        ListContainersOptionsBuilder, ListNetworksOptionsBuilder, RemoveContainerOptionsBuilder,
    },
};
use tokio::{sync::Mutex, time::Instant};

use super::stage::{EngineResult, Purpose, engine_refused};

/// The label that every container and network of this project carries; its value is what it is for.
const LABEL: &str = "pgdrill";
/// The stage to which it belongs.
const STAGE: &str = "pgdrill.stage";
/// The machine, or the set of processes that see each other, on which its owner runs.
const HOST: &str = "pgdrill.host";
/// The process that owns it.
const PROCESS: &str = "pgdrill.process";

/// A process, distinguished from every other that ever had its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    host: String,
    process: String,
}

impl Owner {
    pub(super) fn this_process() -> Self {
        let process = std::process::id();
        Self { host: host(), process: format!("{process}:{}", started(process)) }
    }

    /// Whether the process is gone for certain: it ran here, and nobody has its number and its birth.
    fn is_dead(&self, here: &str) -> bool {
        let Some((number, birth)) = self.process.split_once(':') else { return false };
        let Ok(number) = number.parse::<u32>() else { return false };
        self.host == here && !(is_alive(number) && started(number) == birth)
    }
}

/// Which processes see each other: those of one boot of one machine and one set of process numbers.
fn host() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let space = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let known = format!("{}{}", boot.trim(), space.display());
    digest(&known)
}

/// When a process began, in the kernel's own measure; empty where that is not known.
fn started(process: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name of the program stands in parentheses and may hold anything.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    after.split_whitespace().nth(19).unwrap_or_default().to_owned()
}

fn is_alive(process: u32) -> bool {
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw);
    // Refused is alive, too: it is somebody else's.
    pid.is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

fn digest(text: &str) -> String {
    Sha256::digest(text).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// A name that no other stage has.
pub(super) fn fresh_name(owner: &Owner) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = digest(&format!("{}{}{number}", owner.host, owner.process));
    name.chars().take(8).collect()
}

pub(super) fn labels(purpose: Purpose, stage: &str, owner: &Owner) -> Vec<(String, String)> {
    [(LABEL, purpose.name()), (STAGE, stage), (HOST, &owner.host), (PROCESS, &owner.process)]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec()
}

/// How often it is looked whether something still comes, and the pause between two looks.
const PASSES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);
/// How long clearing may go on failing: an engine that has stopped answering takes two minutes to say so, each time.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the engine is asked for, in words.
const LIST: &str = "list its containers";

/// The label of the container that holds what is persisted with a stage; its value is the name under which people know
/// it.
pub(super) const STATE: &str = "pgdrill.state";

/// Whose containers and networks are reaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReapScope {
    /// Those of this machine whose process is gone: of runs, and of what was to stay and was never finished.
    OfDeadRuns,
    /// Those of this process's own runs.
    OfThisProcess,
    /// Everything that carries the label, running topologies included.
    Everything,
}

/// What was removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cleared {
    /// The stages, by name, in order.
    pub stages: Vec<String>,
    /// How many containers, with their data.
    pub containers: usize,
    /// How many networks.
    pub networks: usize,
}

impl Cleared {
    /// Whether there was nothing.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.containers == 0 && self.networks == 0
    }

    fn add(&mut self, more: Self) {
        self.containers += more.containers;
        self.networks += more.networks;
        self.stages.extend(more.stages);
        self.stages.sort_unstable();
        self.stages.dedup();
    }
}

/// Removes what was left behind.
///
/// # Errors
///
/// The engine does not list or remove it.
pub async fn clear(docker: &Docker, which: ReapScope) -> EngineResult<Cleared> {
    let own = Owner::this_process();
    let finished = finished_stages(docker).await?;
    clear_where(docker, |labels| {
        let get = |key: &str| labels.get(key).cloned().unwrap_or_default();
        let owner = Owner { host: get(HOST), process: get(PROCESS) };
        let is_run = get(LABEL) == Purpose::Run.name();
        match which {
            ReapScope::Everything => true,
            ReapScope::OfThisProcess => is_run && owner == own,
            ReapScope::OfDeadRuns => {
                let stays = !is_run && finished.contains(&get(STAGE));
                !stays && owner.is_dead(&own.host)
            }
        }
    })
    .await
}

/// The stages with which something is persisted: whoever set them has finished.
async fn finished_stages(docker: &Docker) -> EngineResult<BTreeSet<String>> {
    let stages = persisted(docker).await?.into_iter().map(|(_, stage)| stage);
    Ok(stages.collect())
}

/// The names under which people know stages that are persisted, each with its stage, in order.
pub(super) async fn persisted(docker: &Docker) -> EngineResult<Vec<(String, String)>> {
    let filters = [("label", vec![STATE.to_owned()])].into_iter().collect();
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let listed = docker.list_containers(Some(options)).await;
    let listed = listed.map_err(|error| engine_refused(LIST, &error, None))?;
    let named = listed.into_iter().filter_map(|container| {
        let labels = container.labels?;
        Some((labels.get(STATE)?.clone(), labels.get(STAGE)?.clone()))
    });
    let mut named: Vec<(String, String)> = named.collect();
    named.sort_unstable();
    Ok(named)
}

/// Clears on the engine that answers; nothing is left where none does.
///
/// # Errors
///
/// The engine does not list or remove it.
pub async fn clear_own(which: ReapScope) -> EngineResult<Cleared> {
    match Docker::connect_with_defaults() {
        Ok(docker) if docker.ping().await.is_ok() => clear(&docker, which).await,
        Ok(_) | Err(_) => Ok(Cleared::default()),
    }
}

/// Removes what was left behind, together with what the engine was still being asked for by somebody who went away.
///
/// # Errors
///
/// The engine does not list or remove it.
pub async fn clear_for_good(docker: &Docker, which: ReapScope) -> EngineResult<Cleared> {
    until_nothing_comes(|| clear(docker, which)).await
}

/// Clears on the engine that answers; nothing is left where none does.
///
/// # Errors
///
/// The engine does not list or remove it.
pub async fn clear_own_for_good(which: ReapScope) -> EngineResult<Cleared> {
    until_nothing_comes(|| clear_own(which)).await
}

/// Clears until nothing was found twice: what the engine was asked for by somebody who went away may still come.
#[expect(clippy::disallowed_methods, reason = "what may come makes no sound when it does not")]
pub(super) async fn until_nothing_comes<F>(clear: impl Fn() -> F) -> EngineResult<Cleared>
where
    F: Future<Output = EngineResult<Cleared>>,
{
    let began = Instant::now();
    let (mut all, mut quiet, mut last) = (Cleared::default(), 0, Ok(()));
    for _ in 0..PASSES {
        // What comes while it is cleared can make it fail, and is gone after the next pass.
        last = match clear().await {
            Ok(cleared) if cleared.is_nothing() => {
                quiet += 1;
                Ok(())
            }
            other => {
                quiet = 0;
                other.map(|cleared| all.add(cleared))
            }
        };
        if quiet == 2 || (last.is_err() && began.elapsed() > PATIENCE) {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    last.map(|()| all)
}

/// Removes everything on one stage.
pub(super) async fn clear_stage(docker: &Docker, stage: &str) -> EngineResult<Cleared> {
    clear_where(docker, |labels| labels.get(STAGE).is_some_and(|own| own == stage)).await
}

type Labels = BTreeMap<String, String>;

async fn clear_where(docker: &Docker, is_meant: impl Fn(&Labels) -> bool) -> EngineResult<Cleared> {
    let failed = |what: &'static str| move |error: Error| engine_refused(what, &error, None);
    let mut stages = BTreeSet::new();
    let mut meant = |labels: Labels| {
        let stage = labels.get(STAGE).filter(|_| is_meant(&labels))?;
        stages.insert(stage.clone());
        Some(())
    };
    let filters = [("label", vec![LABEL.to_owned()])].into_iter().collect();
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let listed = docker.list_containers(Some(options)).await.map_err(failed(LIST))?;
    let containers: Vec<String> =
        listed.into_iter().filter_map(|c| meant(sorted(c.labels)).and(c.id)).collect();
    let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
    let listed = docker.list_networks(Some(options)).await.map_err(failed("list its networks"))?;
    let networks: Vec<String> =
        listed.into_iter().filter_map(|n| meant(sorted(n.labels)).and(n.id)).collect();
    remove(docker, &containers).await.map_err(failed("remove a container"))?;
    let removed =
        join_all(networks.iter().map(|id| async move { gone(docker.remove_network(id).await) }));
    let removed: Result<Vec<()>, Error> = removed.await.into_iter().collect();
    removed.map_err(failed("remove a network"))?;
    Ok(Cleared {
        stages: stages.into_iter().collect(),
        containers: containers.len(),
        networks: networks.len(),
    })
}

/// Removes containers with their data, whatever they do and whoever removes some of them at the same time.
///
/// They end one after another, and only what takes time then goes side by side: in Docker before 20.10.27, two that
/// leave one network at the same moment can lock up everything the engine does with networks, for as long as it runs
/// (moby/moby#42545). They are killed, not cut off from their networks: so their peers hear that they are gone.
pub(super) async fn remove(docker: &Docker, containers: &[String]) -> Result<(), Error> {
    static ENDING: Mutex<()> = Mutex::const_new(());
    for id in containers {
        let one = ENDING.lock().await;
        // A kill is answered when it has ended, and a look at it when it has left. What does not run is refused,
        // and can be removed.
        let killed = docker.kill_container(id, None).await;
        let left = docker.inspect_container(id, None).await;
        drop(one);
        for answer in [killed, left.map(drop)] {
            if let Err(silent @ Error::RequestTimeoutError) = answer {
                return Err(silent);
            }
        }
    }
    let removed = join_all(containers.iter().map(|id| async move {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        gone(docker.remove_container(id, Some(options)).await)
    }));
    removed.await.into_iter().collect()
}

fn sorted(labels: Option<impl IntoIterator<Item = (String, String)>>) -> Labels {
    labels.into_iter().flatten().collect()
}

/// What somebody else removes at the same time is gone as well.
fn gone(removed: Result<(), Error>) -> Result<(), Error> {
    match removed {
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
        Err(Error::DockerResponseServerError { status_code: 409, message })
            if message.contains("already in progress") =>
        {
            Ok(())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_one_that_ended_is_dead() {
        let own = Owner::this_process();
        assert!(!own.is_dead(&host()));
        let mut child = std::process::Command::new("true").spawn().expect("it starts");
        let process = format!("{}:{}", child.id(), started(child.id()));
        child.wait().expect("it ends");
        let ended = Owner { host: host(), process };
        assert!(ended.is_dead(&host()));
        assert!(!ended.is_dead("elsewhere"), "nobody here can tell of a process elsewhere");
        let reborn = Owner { process: format!("{}:1", std::process::id()), ..own };
        assert!(reborn.is_dead(&host()), "another process has its number now");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_engine_is_not_asked_again_and_again() {
        let asked = AtomicU32::new(0);
        let began = Instant::now();
        let cleared = until_nothing_comes(async || {
            asked.fetch_add(1, Ordering::Relaxed);
            tokio::time::advance(Duration::from_secs(120)).await;
            Err(engine_refused(LIST, &Error::RequestTimeoutError, None))
        });
        let refused = cleared.await.expect_err("nothing could be cleared").to_string();
        assert_eq!(asked.into_inner(), 1, "after {:?}", began.elapsed());
        assert!(refused.contains("no answer") && refused.contains("start it again"), "{refused}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_while_it_is_cleared_is_cleared_next() {
        let pass = AtomicU32::new(0);
        let cleared = until_nothing_comes(async || match pass.fetch_add(1, Ordering::Relaxed) {
            0 => Err(engine_refused(LIST, &Error::NoHomePathError, None)),
            1 | 3 => Ok(Cleared { containers: 1, ..Cleared::default() }),
            _ => Ok(Cleared::default()),
        });
        assert_eq!(cleared.await.expect("cleared").containers, 2);
        assert_eq!(pass.into_inner(), 6, "it ends once nothing came twice");
    }

    #[test]
    fn no_two_stages_have_one_name() {
        let owner = Owner::this_process();
        assert_ne!(fresh_name(&owner), fresh_name(&owner));
    }
}
