//! The world as one plain value.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use pgdrill_core::{
    S3Relation, Secret, Status,
    ports::{Identity, RepositorySettings, ServiceState, TlsMaterial, UnitId, key},
};

use crate::{
    change::{
        ArchiveCommand, Awaited, Change, DataDirectory, DcsState, MemberFate, PgbackrestMood,
        RelationState, ServiceName, ServiceRuns, SetService, TlsState, WorkloadState,
    },
    given::{
        BucketGiven, CaGiven, CredentialsGiven, EndpointGiven, Given, RepositoryGiven, S3Given,
        S3Parameter, StanzaGiven, TlsServersGiven,
    },
    juju::{self, Bag, Juju, JujuUnit},
    pgbackrest,
    storage::{
        ACCESS_KEY, Bucket, CA_CHAIN, NOWHERE_ENDPOINT, OTHER_CA_CHAIN, S3_ENDPOINT, SECRET_KEY,
        StanzaStore, Storage, WRONG_SECRET_KEY,
    },
    unit::{Data, Starting, UnitState},
};

/// The model of every world.
const MODEL: &str = "drill";
const MODEL_UUID: &str = "5e55104e-0000-4000-8000-000000000001";
const OTHER_MODEL_UUID: &str = "5e55104e-0000-4000-8000-00000000000f";
const APPLICATION: &str = "postgresql-k8s";
const JUJU_VERSION: &str = "3.6.9";
const BUCKET: &str = "drill-backups";
const PATH: &str = "/drill";
/// When every world begins: 2026-01-01T00:00:00Z, in milliseconds.
const EPOCH: i64 = 1_767_225_600_000;
/// How long the cluster takes to elect another primary once one is dead (seen: about 20 s).
const FAILOVER: i64 = 20_000;
/// How long a database takes to come up, restored or not (seen: 4 to 19 s).
const START: i64 = 20_000;

/// A world that views of it share.
pub type Shared = Arc<Mutex<World>>;

/// Everything that a backup hook can touch, as one plain value.
#[derive(Debug, Clone)]
pub struct World {
    pub(crate) now: i64,
    pub(crate) seed: u64,
    pub(crate) juju: Juju,
    pub(crate) identities: Vec<Arc<Identity>>,
    pub(crate) units: Vec<UnitState>,
    pub(crate) primary: Option<u32>,
    pub(crate) primary_dead_since: Option<i64>,
    pub(crate) dcs: DcsState,
    pub(crate) is_cluster_recorded: bool,
    pub(crate) archive_stanza: Option<String>,
    pub(crate) archive_command: ArchiveCommand,
    pub(crate) archive_delay: i64,
    pub(crate) storage: Storage,
    pub(crate) mood: PgbackrestMood,
    clusters_made: u64,
}

/// The world behind its lock; a panic elsewhere does not make it unusable.
pub(crate) fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    /// A world in which everything given is true.
    #[must_use]
    pub fn new(given: &Given) -> Self {
        let count = given.units.max(1);
        let system_id = system_id(given.seed, 0);
        let mut world = Self {
            now: EPOCH,
            seed: given.seed,
            juju: juju(given, count),
            identities: (0..count).map(identity).collect(),
            units: (0..count).map(|_| UnitState::healthy(system_id)).collect(),
            primary: Some(given.primary),
            primary_dead_since: None,
            dcs: DcsState::Up,
            is_cluster_recorded: true,
            archive_stanza: None,
            archive_command: ArchiveCommand::Right,
            archive_delay: 0,
            storage: Storage::default(),
            mood: PgbackrestMood::Well,
            clusters_made: 1,
        };
        if let Some(s3) = &given.s3 {
            world.set_s3(s3);
        }
        world.fill_repository(given);
        if given.stanza == StanzaGiven::Initialised {
            world.take_up_stanza();
        }
        let served = given.stanza == StanzaGiven::Initialised && count > 1;
        let running = match given.tls_servers {
            Some(TlsServersGiven::Running) => true,
            Some(TlsServersGiven::Stopped) => false,
            None => served,
        };
        if given.tls && running {
            world.units.iter_mut().for_each(|unit| unit.tls_server = ServiceState::Running);
        }
        world
    }

    /// Puts the world behind a lock, for views to share.
    #[must_use]
    pub fn shared(self) -> Shared {
        Arc::new(Mutex::new(self))
    }

    /// The name of this cluster's stanza.
    pub(crate) fn stanza(&self) -> String {
        self.identities.first().map(|identity| identity.stanza()).unwrap_or_default()
    }

    pub(crate) fn unit(&self, unit: u32) -> Option<&UnitState> {
        self.units.get(unit as usize)
    }

    pub(crate) fn unit_mut(&mut self, unit: u32) -> Option<&mut UnitState> {
        self.units.get_mut(unit as usize)
    }

    /// Lets time pass: databases come up or give up, and a dead primary is replaced.
    pub(crate) fn advance(&mut self, pause: Duration) {
        self.now += i64::try_from(pause.as_millis()).unwrap_or(i64::MAX / 4);
        self.settle();
    }

    fn settle(&mut self) {
        for index in 0..self.units.len() {
            let Some(unit) = self.units.get_mut(index) else { continue };
            let Some(Starting { until, becomes }) = unit.starting else { continue };
            if until > self.now || self.dcs == DcsState::Down {
                continue;
            }
            unit.starting = None;
            match becomes {
                Some(data) => {
                    unit.data = data;
                    self.is_cluster_recorded = true;
                    if self.primary.is_none_or(|p| !self.is_serving(p)) {
                        self.set_primary(u32::try_from(index).ok());
                    }
                }
                None => unit.database = ServiceState::Stopped,
            }
        }
        self.fail_over();
    }

    fn is_serving(&self, unit: u32) -> bool {
        self.unit(unit).is_some_and(UnitState::is_serving)
    }

    fn fail_over(&mut self) {
        let Some(primary) = self.primary else { return };
        if self.is_serving(primary) || self.unit(primary).is_some_and(|u| u.starting.is_some()) {
            self.primary_dead_since = None;
            return;
        }
        let since = *self.primary_dead_since.get_or_insert(self.now);
        if self.now - since >= FAILOVER && self.dcs == DcsState::Up {
            let next = (0..self.units.len()).filter_map(|unit| u32::try_from(unit).ok());
            let next = next.into_iter().find(|unit| self.is_serving(*unit));
            self.set_primary(next);
        }
    }

    fn set_primary(&mut self, primary: Option<u32>) {
        self.primary = primary;
        self.primary_dead_since = None;
    }

    /// Starts the database of a unit: it comes up on its data, on a restored backup, or as a new cluster.
    pub(crate) fn start_database(&mut self, unit: u32) {
        let until = self.now + START;
        let fresh = system_id(self.seed, self.clusters_made);
        let restored = self.restored_data(unit);
        let recorded = self.is_cluster_recorded;
        let Some(state) = self.unit_mut(unit) else { return };
        if state.database == ServiceState::Running {
            return;
        }
        state.database = ServiceState::Running;
        let becomes = match (state.data, &state.restore) {
            (Data::Of(id), _) => Some(Data::Of(id)),
            (Data::Empty, Some(_)) => restored.map(Data::Of),
            (Data::Empty, None) if recorded => None,
            (Data::Empty, None) => Some(Data::Of(fresh)),
        };
        state.starting = Some(Starting { until, becomes });
        if becomes == Some(Data::Of(fresh)) {
            self.clusters_made += 1;
        }
    }

    /// The system identifier that a restore on this unit would bring: the backup must be there.
    fn restored_data(&self, unit: u32) -> Option<u64> {
        let state = self.unit(unit)?;
        let source = state.restore.as_ref()?;
        let s3 = state.repository.as_ref()?.s3.as_ref()?;
        let stanza = self.storage.bucket(s3).ok()?.stanza(&s3.path, &source.stanza)?;
        let there = stanza.backups.iter().any(|backup| backup.label == source.label);
        there.then_some(stanza.system_id)
    }

    /// Makes a change true.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::PrimaryMovesTo(unit) => self.set_primary(Some(*unit)),
            Change::PrimaryIsLost => self.set_primary(None),
            Change::LeaderMovesTo(unit) => self.juju.leader = *unit,
            Change::S3Server(state) => self.storage.state = *state,
            Change::RefuseKeysWith(text) => self.storage.refused.clone_from(text),
            Change::S3Settings(s3) => self.set_s3(s3),
            Change::S3Relation(RelationState::Gone) => self.juju.s3 = None,
            Change::S3Relation(RelationState::Made) => self.set_s3(&S3Given::default()),
            Change::Member(set) => self.set_member(set.unit, set.is),
            Change::Dcs(state) => self.dcs = *state,
            Change::ServiceWillNotStop(unit) => {
                if let Some(unit) = self.unit_mut(*unit) {
                    unit.will_not_stop = true;
                }
            }
            Change::Service(set) => self.set_service(set),
            Change::DataDirectory(set) => {
                if let Some(unit) = self.unit_mut(set.unit) {
                    unit.is_data_busy = set.is == DataDirectory::Busy;
                }
            }
            Change::ArchiveCommand(command) => self.archive_command = *command,
            Change::ArchiveDelay(seconds) => self.archive_delay = i64::from(*seconds) * 1000,
            Change::Pgbackrest(mood) => self.mood = *mood,
            Change::Tls(state) => self.set_tls(*state == TlsState::On),
            Change::ClusterInitialises => {
                juju::set(
                    &mut self.juju.application,
                    key::CLUSTER_INITIALISED,
                    Some("True".into()),
                );
            }
            Change::ScaleTo(count) => self.scale_to(*count),
            Change::Workload(set) => {
                if let Some(unit) = self.unit_mut(set.unit) {
                    unit.is_workload_reachable = set.is == WorkloadState::Reachable;
                }
            }
            // The probe that strikes with this change ends the firing; the world itself stays.
            Change::ProcessDies => {}
            Change::Await(Awaited::DatabaseSettled) => self.await_databases(),
        }
    }

    fn set_member(&mut self, unit: u32, fate: MemberFate) {
        if let Some(unit) = self.unit_mut(unit) {
            unit.fate = fate;
        }
        // The lock of a dead primary runs out before anyone looks again.
        self.settle();
        self.advance(Duration::from_millis(FAILOVER.unsigned_abs()));
    }

    fn set_service(&mut self, set: &SetService) {
        let state = match set.is {
            ServiceRuns::Running => ServiceState::Running,
            ServiceRuns::Stopped => ServiceState::Stopped,
            ServiceRuns::Unknown => ServiceState::Unknown,
        };
        let Some(unit) = self.unit_mut(set.unit) else { return };
        match set.name {
            ServiceName::Database => unit.database = state,
            ServiceName::TlsServer => unit.tls_server = state,
        }
    }

    fn await_databases(&mut self) {
        let latest = self.units.iter().filter_map(|unit| unit.starting.map(|s| s.until)).max();
        if let Some(latest) = latest {
            self.now = self.now.max(latest);
        }
        self.settle();
    }

    fn set_tls(&mut self, on: bool) {
        self.juju.tls = tls_material(on);
        let value: Option<Arc<str>> = on.then(|| "enabled".into());
        for unit in &mut self.juju.units {
            juju::set(&mut unit.bag, key::TLS, value.clone());
        }
    }

    fn scale_to(&mut self, count: u32) {
        let count = count.max(1);
        let system_id = self.system_id().unwrap_or_default();
        let tls = self.juju.tls.is_complete();
        self.juju.planned_units = count;
        let length = count as usize;
        self.identities.truncate(length);
        self.units.truncate(length);
        self.juju.units.truncate(length);
        for unit in u32::try_from(self.units.len()).unwrap_or(count)..count {
            self.identities.push(identity(unit));
            self.units.push(UnitState::healthy(system_id));
            self.juju.units.push(JujuUnit::new(Status::active()));
        }
        self.set_tls(tls);
        if self.juju.leader >= count {
            self.juju.leader = 0;
        }
        if self.primary.is_some_and(|primary| primary >= count) {
            self.set_primary(Some(0));
        }
    }

    /// The system identifier of the data that the primary serves.
    pub(crate) fn system_id(&self) -> Option<u64> {
        match self.unit(self.primary.unwrap_or(0))?.data {
            Data::Of(id) => Some(id),
            Data::Empty => None,
        }
    }

    fn set_s3(&mut self, s3: &S3Given) {
        let path = s3.path.clone().unwrap_or_else(|| PATH.to_owned());
        let has = |parameter| !s3.missing.contains(&parameter);
        let secret = match s3.credentials {
            CredentialsGiven::Right => SECRET_KEY,
            CredentialsGiven::Wrong => WRONG_SECRET_KEY,
        };
        let endpoint = match s3.endpoint {
            EndpointGiven::Reachable => S3_ENDPOINT,
            EndpointGiven::Unreachable => NOWHERE_ENDPOINT,
        };
        let relation = S3Relation {
            bucket: has(S3Parameter::Bucket).then(|| BUCKET.to_owned()),
            access_key: has(S3Parameter::AccessKey).then(|| Secret::new(ACCESS_KEY)),
            secret_key: has(S3Parameter::SecretKey).then(|| Secret::new(secret)),
            endpoint: Some(endpoint.to_owned()),
            path: Some(path),
            region: s3.region.clone(),
            uri_style: Some("path".to_owned()),
            tls_ca_chain: match s3.ca {
                CaGiven::Right => Some(CA_CHAIN.to_owned()),
                CaGiven::Wrong => Some(OTHER_CA_CHAIN.to_owned()),
                CaGiven::Missing => None,
            },
        };
        self.juju.s3 = s3.is_related().then(|| Arc::new(relation));
        match s3.bucket {
            BucketGiven::Absent => {
                self.storage.buckets.remove(BUCKET);
            }
            BucketGiven::Present => {
                self.storage.buckets.entry(BUCKET.to_owned()).or_default().is_forbidden = false;
            }
            BucketGiven::Forbidden => {
                self.storage.buckets.entry(BUCKET.to_owned()).or_default().is_forbidden = true;
            }
        }
    }

    /// Puts into the repository what is there before the first firing.
    fn fill_repository(&mut self, given: &Given) {
        let own = given.stanza == StanzaGiven::Initialised || !given.backups.is_empty();
        if !own && given.repository == RepositoryGiven::Own {
            return;
        }
        let path = given.s3.as_ref().and_then(|s3| s3.path.clone());
        let path = path
            .map_or_else(|| PATH.to_owned(), |path| ["/", path.trim().trim_matches('/')].concat());
        let (name, system_id) = match given.repository {
            RepositoryGiven::Own | RepositoryGiven::AnotherModel => {
                (self.stanza(), system_id(self.seed, 0))
            }
            RepositoryGiven::AnotherCluster => (self.stanza(), system_id(self.seed, u64::MAX)),
            RepositoryGiven::AnotherStanza => {
                (format!("{MODEL}.patroni-other"), system_id(self.seed, u64::MAX))
            }
        };
        let mut stanza = StanzaStore { name, system_id, backups: Vec::new() };
        for backup in &given.backups {
            let failed = *backup == crate::given::BackupGiven::Failed;
            pgbackrest::store_backup(&mut stanza, &mut self.now, backup.kind(), failed);
            self.now += 3_600_000;
        }
        let latest = format!("{}/backup/{}/latest", path.trim_matches('/'), stanza.name);
        let bucket: &mut Bucket = self.storage.buckets.entry(BUCKET.to_owned()).or_default();
        if given.repository == RepositoryGiven::AnotherModel {
            let content = format!("Model UUID: {OTHER_MODEL_UUID}\n");
            bucket.objects.insert(latest, content.into_bytes());
        }
        bucket.repositories.insert(path, vec![stanza]);
    }

    /// The state that the hooks leave once the stanza is initialised: recorded, archived into, and the
    /// backup tool configured on every unit.
    fn take_up_stanza(&mut self) {
        let stanza = self.stanza();
        juju::set(&mut self.juju.application, key::STANZA, Some(stanza.as_str().into()));
        self.archive_stanza = Some(stanza.clone());
        let s3 = self.juju.s3.as_deref();
        let s3 = s3.and_then(|relation| pgdrill_core::S3Settings::from_relation(relation).ok());
        let tls = self.juju.tls.is_complete();
        let count = u32::try_from(self.units.len()).unwrap_or(u32::MAX);
        for unit in 0..count {
            let peers = (0..count).filter(|peer| tls && *peer != unit).map(UnitId).collect();
            let settings =
                RepositorySettings { s3: s3.clone(), stanza: stanza.clone(), tls_peers: peers };
            if let Some(state) = self.unit_mut(unit) {
                state.repository = Some(settings);
            }
        }
    }
}

/// System identifiers of worlds: like the real ones they exceed 2^53, and differ by seed and number.
fn system_id(seed: u64, number: u64) -> u64 {
    7_000_000_000_000_000_000 + (seed % 1_000_000) * 1_000_000 + number % 1_000_000
}

fn identity(unit: u32) -> Arc<Identity> {
    Arc::new(Identity {
        model: MODEL.to_owned(),
        model_uuid: MODEL_UUID.to_owned(),
        application: APPLICATION.to_owned(),
        unit: UnitId(unit),
        juju_version: JUJU_VERSION.to_owned(),
    })
}

fn tls_material(on: bool) -> TlsMaterial {
    TlsMaterial { key: on, ca: on, certificate: on }
}

fn juju(given: &Given, count: u32) -> Juju {
    let mut application = Bag::new();
    if given.cluster_initialised {
        juju::set(&mut application, key::CLUSTER_INITIALISED, Some("True".into()));
    }
    let unit = |number: u32| {
        let status = given.statuses.get(&number).map_or_else(Status::active, |status| {
            Status::new(status.name.into(), status.message.clone())
        });
        let mut unit = JujuUnit::new(status);
        if given.tls {
            juju::set(&mut unit.bag, key::TLS, Some("enabled".into()));
        }
        unit
    };
    Juju {
        planned_units: given.planned_units.unwrap_or(count),
        leader: given.leader,
        s3: None,
        tls: tls_material(given.tls),
        application,
        units: (0..count).map(unit).collect(),
    }
}
