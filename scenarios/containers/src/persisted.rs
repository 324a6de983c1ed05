//! A topology that stays up until somebody takes it down, and what is known of it meanwhile.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use pgdrill_containers::{
    Authority, Claim, Cleared, EngineResult, Pace, PersistentStore, Profile, ReapScope, S3Server,
    Stage, Topology, claim, clear_for_good,
    images::{Image, Progress},
    persisted_names, persistent_stage,
};
use pgdrill_core::{
    Amendments, Diagnostic, Fate, Hook, Probe, Secret, Shape,
    ports::{Service, Workload as _},
};
use pgdrill_sim::{BucketGiven, Change, Event, Fired, PersistedJuju, Shelf, World, dispatch};
use serde::{Deserialize, Serialize};

use super::{ContainersTestbed, Images, SharedS3, boxed, bucket::TestBucket, images, seen};
use pgdrill_scenarios::{
    FaultsInForce, Testbed as _, TopologyError, TopologySeen, check_parameters, check_unit, fill_in,
};
use pgdrill_sim::lock;

/// Where a person is informed that something takes its time.
pub type Notify<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// The form of what is persisted. Another one was written by another version.
const FORM: u32 = 1;

/// A topology that is up, whoever made it.
pub struct PersistedTopology {
    pub(super) name: String,
    pub(super) testbed: ContainersTestbed,
    pub(super) s3: S3Server,
    pub(super) faults: Mutex<FaultsInForce>,
    pub(super) authority: Arc<Authority>,
    pub(super) store: Option<PersistentStore>,
    pub(super) saved: Mutex<Option<Vec<u8>>>,
    pub(super) claim: Option<Claim>,
}

/// Everything that outlives the command. It holds credentials, so it shows itself to nobody.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct State {
    form: u32,
    s3: Cow<'static, str>,
    bucket: String,
    bucket_is: BucketGiven,
    units: Vec<u32>,
    /// The units that were killed while their TLS servers ran.
    had_tls_servers: BTreeSet<u32>,
    authority: String,
    authority_chain: String,
    authority_key: String,
    faults: FaultsInForce,
    juju: PersistedJuju,
}

impl PersistedTopology {
    /// The topology of this name, to work on. Waits until no other process does.
    ///
    /// # Errors
    ///
    /// None is up, a container of it is gone, or no engine answers.
    pub async fn find(name: &str, say: Notify<'_>) -> Result<Self, TopologyError> {
        let claim = claim(name, say).await?;
        Self::open(name, Some(claim)).await
    }

    /// The topology of this name, to look at, whether or not another process works on it.
    ///
    /// # Errors
    ///
    /// None is up, a container of it is gone, or no engine answers.
    pub async fn look(name: &str) -> Result<Self, TopologyError> {
        Self::open(name, None).await
    }

    async fn open(name: &str, claim: Option<Claim>) -> Result<Self, TopologyError> {
        let stage = persistent_stage(name).await?;
        let Some(store) = PersistentStore::find(&stage).await? else {
            return Err(not_up(name).await?);
        };
        let content = store.read().await?;
        let foreign = |why: &dyn std::fmt::Display| {
            let what = format!("what is persisted of `{name}` can't be read: {why}");
            Box::new(
                Diagnostic::error(stage.name(), what)
                    .hint("another version of pgdrill started it; `pgdrill down` takes it down"),
            )
        };
        let state: State = serde_json::from_slice(&content).map_err(|error| foreign(&error))?;
        if state.form != FORM {
            return Err(foreign(&format!("it is of form {}", state.form)).into());
        }
        let key = Secret::new(state.authority_key);
        let authority = Authority::known(&state.authority, &state.authority_chain, &key);
        let authority = Arc::new(authority.map_err(|error| foreign(&error))?);
        let profile = Profile::named(&state.s3).ok_or_else(|| foreign(&state.s3))?;
        let s3 = S3Server::again(profile, &stage, &authority).await?;
        let bucket = TestBucket::known(&server(&s3), state.bucket, state.bucket_is);
        let world = World::with_persisted_juju(&state.juju, Arc::new(bucket.s3_values()));
        let world = world.map_err(|error| foreign(&error))?;
        let (unit, etcd) = (Image::Unit.reference(), Image::Etcd.reference());
        let (images, proxy) = (Images { unit, etcd }, s3.proxy());
        let by = Arc::clone(&authority);
        let topology = Topology::again(stage, images, by, &proxy, &state.units, Pace::REAL).await?;
        for unit in topology.units() {
            unit.remember_tls_server(state.had_tls_servers.contains(&unit.number));
        }
        Ok(Self {
            name: name.to_owned(),
            testbed: ContainersTestbed::again(Arc::new(topology), world, bucket),
            s3,
            faults: Mutex::new(state.faults),
            authority,
            store: Some(store),
            saved: Mutex::new(Some(content)),
            claim,
        })
    }

    /// How many units there are.
    #[must_use]
    pub fn size(&self) -> u32 {
        self.testbed.topology.size()
    }

    /// What can be seen of it, whatever is dead of it.
    pub async fn seen(&self) -> TopologySeen {
        seen::look(self).await
    }

    /// Fires a hook on a unit, and persists what comes of it as it comes.
    ///
    /// # Errors
    ///
    /// There is no such unit, or the parameters are none of the hook's.
    pub async fn fire(
        &self,
        hook: Hook,
        unit: u32,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Vec<Fired>, TopologyError> {
        check_parameters(hook, parameters)?;
        check_unit(&self.name, unit, self.size())?;
        let asks = parameters.values().any(|value| value.starts_with("${backup-"));
        let backups = if asks {
            self.testbed.backups().await.map_err(TopologyError::prevented)?
        } else {
            Shelf::default()
        };
        let parameters = fill_in(parameters, &backups)?;
        let event = Event { hook, unit, parameters };
        let ports = self.testbed.ports(unit).await?;
        let (world, probe) = (&self.testbed.world, Saving(self));
        let all = Amendments::all();
        Ok(dispatch(world, &ports, &event, all, Some(&probe)).await?)
    }

    /// A change comes about.
    ///
    /// # Errors
    ///
    /// This testbed can't do it, or a container failed.
    pub async fn happen(
        &self,
        change: &Change,
        words: &str,
        progress: &dyn Progress,
    ) -> Result<(), TopologyError> {
        if matches!(change, Change::ScaleTo(count) if *count > self.size()) {
            images(progress).await?;
        }
        self.testbed.happen(change).await.map_err(TopologyError::prevented)?;
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).note(change, words);
        Ok(())
    }

    /// Every fault is undone. Roles, the number of units and what Juju knows stay as they are.
    ///
    /// # Errors
    ///
    /// A container does not come up.
    pub async fn heal(&self) -> Result<(), TopologyError> {
        let topology = &self.testbed.topology;
        let mut had_tls_server = Vec::new();
        for unit in topology.units() {
            let dead = unit.container.is_running().await.is_ok_and(|runs| !runs);
            if dead && unit.had_tls_server() {
                had_tls_server.push(unit);
            }
        }
        topology.heal().await?;
        for unit in had_tls_server {
            let started = unit.workload().start(Service::TlsServer).await;
            started.map_err(|error| boxed(unit.container.name(), &error))?;
        }
        self.testbed.bucket.lift().await.map_err(TopologyError::prevented)?;
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }

    /// Persists what is known now, if it differs from what was persisted before.
    ///
    /// # Errors
    ///
    /// The engine refuses.
    pub async fn save(&self) -> EngineResult<()> {
        let (Some(store), Some(_)) = (&self.store, &self.claim) else { return Ok(()) };
        let state = self.state()?;
        let is_saved = |saved: &Mutex<Option<Vec<u8>>>| {
            saved.lock().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(&state)
        };
        if is_saved(&self.saved) {
            return Ok(());
        }
        store.write(&state).await?;
        *self.saved.lock().unwrap_or_else(PoisonError::into_inner) = Some(state);
        Ok(())
    }

    pub(super) fn state(&self) -> EngineResult<Vec<u8>> {
        let units = self.testbed.topology.units();
        let had = units.iter().filter(|unit| unit.had_tls_server());
        let state = State {
            form: FORM,
            s3: self.s3.profile().name().into(),
            bucket: self.testbed.bucket.name().to_owned(),
            bucket_is: self.testbed.bucket.is(),
            units: units.iter().map(|unit| unit.number).collect(),
            had_tls_servers: had.map(|unit| unit.number).collect(),
            authority: self.authority.name().to_owned(),
            authority_chain: self.authority.chain().to_owned(),
            authority_key: self.authority.key().expose().to_owned(),
            faults: self.faults.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            juju: lock(&self.testbed.world).persist_juju(),
        };
        serde_json::to_vec(&state)
            .map_err(|error| boxed("what is persisted of the topology", &error))
    }
}

/// Persists what Juju knows after every shape that changed it: whoever looks meanwhile sees it, and a process that dies
/// loses no status that it showed.
struct Saving<'a>(&'a PersistedTopology);

#[async_trait]
impl Probe for Saving<'_> {
    async fn arrive(&self, _shape: Shape) -> Fate {
        Fate::Live
    }

    async fn leave(&self, _shape: Shape) -> Fate {
        // The firing goes on without it; whoever fires persists it at the end, and says so if that fails.
        let _ = self.0.save().await;
        Fate::Live
    }
}

/// Takes a topology down, with everything that was persisted of it.
///
/// # Errors
///
/// Nothing is up under this name, or the engine did not remove all of it.
pub async fn down(name: &str, say: Notify<'_>) -> Result<Cleared, TopologyError> {
    let _claim = claim(name, say).await?;
    let stage = persistent_stage(name).await?;
    if PersistentStore::find(&stage).await?.is_none() {
        let cleared = stage.clear().await?;
        if cleared.is_nothing() {
            return Err(not_up(name).await?);
        }
        return Ok(cleared);
    }
    let bucket = remove_foreign_bucket(name).await;
    let cleared = stage.clear().await?;
    bucket.map(|()| cleared)
}

/// A bucket on a server that somebody else runs does not go with the containers.
async fn remove_foreign_bucket(name: &str) -> Result<(), TopologyError> {
    // What can't be opened any more has no bucket that could be found.
    let Ok(persisted) = PersistedTopology::look(name).await else { return Ok(()) };
    match persisted.s3.profile() {
        Profile::External => {
            persisted.testbed.bucket.remove().await.map_err(TopologyError::prevented)
        }
        Profile::Minio | Profile::Radosgw | Profile::Seaweedfs => Ok(()),
    }
}

/// Removes what dead processes left; with `all`, everything that carries the label.
///
/// # Errors
///
/// No engine answers, or it did not remove all of it.
pub async fn clean(all: bool) -> EngineResult<Cleared> {
    let which = if all { ReapScope::Everything } else { ReapScope::OfDeadRuns };
    let any: Stage = persistent_stage("any").await?;
    clear_for_good(any.docker(), which).await
}

async fn not_up(name: &str) -> EngineResult<TopologyError> {
    Ok(TopologyError::not_up(name, &persisted_names().await?))
}

pub(super) fn server(s3: &S3Server) -> Arc<SharedS3> {
    Arc::new(SharedS3 { s3: s3.clone(), other_chain: s3.other_chain().to_owned() })
}
