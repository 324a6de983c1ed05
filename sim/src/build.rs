//! Makes a world in which everything given is true.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use pgdrill_core::{
    S3Relation, Status,
    ports::{Identity, RepositorySettings, TlsMaterial, UnitId, key},
};

use crate::{
    change::{ArchiveCommand, DcsState, PgbackrestFailureMode},
    facts::RepositoryPlace,
    given::{
        BackupGiven, BucketGiven, CaGiven, CredentialsGiven, EndpointGiven, Given, RepositoryGiven,
        S3Given, S3Parameter, StanzaGiven,
    },
    juju::{self, Bag, Juju, Revisions, UnitInJuju},
    pgbackrest,
    server::S3Values,
    storage::{BUCKET, Bucket, ILL_NAMED_BUCKET, StanzaStore, Storage},
    unit::UnitState,
    world::{World, system_id},
};

/// The model of every world.
const MODEL: &str = "drill";
const MODEL_UUID: &str = "5e55104e-0000-4000-8000-000000000001";
const OTHER_MODEL_UUID: &str = "5e55104e-0000-4000-8000-00000000000f";
const APPLICATION: &str = "postgresql-k8s";
const JUJU_VERSION: &str = "3.6.9";
const PATH: &str = "/drill";
/// When every world begins: 2026-01-01T00:00:00Z, in milliseconds.
const EPOCH: i64 = 1_767_225_600_000;

impl World {
    /// A world in which everything given is true.
    #[must_use]
    pub fn new(given: &Given) -> Self {
        Self::with_s3(given, S3Values::fake())
    }

    /// A world in which everything given is true and what Juju says of S3 leads to this server. The fakes know only
    /// their own.
    #[must_use]
    pub fn with_s3(given: &Given, server: Arc<S3Values>) -> Self {
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
            server,
            failure_mode: PgbackrestFailureMode::Well,
            clusters_made: 1,
            midway: BTreeMap::new(),
        };
        if let Some(s3) = &given.s3 {
            world.set_s3(s3);
        }
        world.fill_repository(given);
        if given.stanza == StanzaGiven::Initialised {
            world.take_up_stanza();
        }
        if given.has_tls_servers() {
            world.run_tls_servers(count);
        }
        world.deliver_set_up(given);
        world
    }

    /// Gives the S3 relation this data.
    pub(crate) fn set_s3(&mut self, s3: &S3Given) {
        let path = s3.path.clone().map_or(Cow::Borrowed(PATH), Cow::Owned);
        let has = |parameter| !s3.missing.contains(&parameter);
        let server = &self.server;
        let secret = match s3.credentials {
            CredentialsGiven::Right => &server.secret_key,
            CredentialsGiven::Wrong => &server.wrong_secret_key,
        };
        let endpoint = match s3.endpoint {
            EndpointGiven::Reachable => server.endpoint.clone(),
            EndpointGiven::Unreachable => server.nowhere.clone(),
            EndpointGiven::WithPath => format!("{}/swift/v1", server.endpoint).into(),
        };
        let bucket = match s3.bucket {
            BucketGiven::Present | BucketGiven::Absent | BucketGiven::Forbidden => {
                server.bucket.clone()
            }
            BucketGiven::IllNamed => ILL_NAMED_BUCKET.into(),
        };
        let relation = S3Relation {
            bucket: has(S3Parameter::Bucket).then_some(bucket),
            access_key: has(S3Parameter::AccessKey).then(|| server.access_key.clone()),
            secret_key: has(S3Parameter::SecretKey).then(|| secret.clone()),
            endpoint: Some(endpoint),
            path: Some(path),
            region: s3.region.clone().map(Cow::Owned).or_else(|| server.region.clone()),
            uri_style: Some(server.uri_style.clone()),
            names_no_secret: false,
            tls_ca_chain: match s3.ca {
                CaGiven::Right => server.ca_chain.clone(),
                CaGiven::Wrong => Some(server.other_ca_chain.clone()),
                CaGiven::Missing => None,
            },
        };
        self.give_s3(s3.is_related().then(|| Arc::new(relation)));
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
            // It is another one, and is not there; the one before stays as it is.
            BucketGiven::IllNamed => {}
        }
    }

    /// The S3 relation has this data from now on, or is gone.
    pub(crate) fn give_s3(&mut self, relation: Option<Arc<S3Relation>>) {
        self.juju.revisions.s3 += u64::from(self.juju.s3 != relation);
        self.juju.s3 = relation;
    }

    /// What the events of a normal set-up are about was delivered to every unit before the first firing: the S3 settings
    /// once the stanza is initialised, the certificates once the TLS servers run or where there are no others.
    fn deliver_set_up(&mut self, given: &Given) {
        let revisions = self.juju.revisions;
        for unit in &mut self.juju.units {
            if given.stanza == StanzaGiven::Initialised {
                unit.delivered.s3 = revisions.s3;
            }
            if given.has_tls_servers() || given.units == 1 {
                unit.delivered.tls = revisions.tls;
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
                (format!("{MODEL}.patroni-other").into(), system_id(self.seed, u64::MAX))
            }
        };
        let place = RepositoryPlace { bucket: BUCKET.to_owned(), path: path.clone() };
        let mut stanza = StanzaStore::new(place, name, system_id);
        for backup in &given.backups {
            let failed = *backup == BackupGiven::Failed;
            pgbackrest::store_backup(&mut stanza, &mut self.now, backup.kind(), failed);
            self.now += 3_600_000;
        }
        let bucket: &mut Bucket = self.storage.buckets.entry(BUCKET.to_owned()).or_default();
        if given.repository == RepositoryGiven::AnotherModel {
            let latest = format!("{}/backup/{}/latest", path.trim_matches('/'), stanza.name);
            let content = format!("Model UUID: {OTHER_MODEL_UUID}\n");
            bucket.objects.insert(&latest, content.into_bytes());
        }
        bucket.repositories.insert(path, vec![stanza]);
    }

    /// The state that the hooks leave once every unit's TLS server was started for all the others.
    fn run_tls_servers(&mut self, count: u32) {
        let (stanza, s3) = (self.stanza(), self.s3_settings());
        let place = s3.as_ref().map(|s3| Arc::from(s3.place()));
        for (unit, (state, juju)) in (0..).zip(self.units.iter_mut().zip(&mut self.juju.units)) {
            let tls_peers: Vec<UnitId> =
                (0..count).filter(|peer| *peer != unit).map(UnitId).collect();
            juju::set(&mut juju.bag, key::TLS_PEERS, Some(UnitId::list(&tls_peers).into()));
            juju::set(&mut juju.bag, key::REPOSITORY, place.clone());
            let (s3, stanza) = (s3.clone(), Arc::clone(&stanza));
            // A server starts by its unit's configuration.
            state.repository = Some(Arc::new(RepositorySettings { s3, stanza, tls_peers }));
            state.has_certificates = true;
            state.start_tls_server();
        }
    }

    /// The state that the hooks leave once the stanza is initialised: recorded, archived into, and the
    /// backup tool configured on every unit.
    fn take_up_stanza(&mut self) {
        let stanza = self.stanza();
        juju::set(&mut self.juju.application, key::STANZA, Some(Arc::clone(&stanza)));
        let s3 = self.s3_settings();
        let tls = self.juju.tls.is_complete();
        let place = s3.as_ref().map(|s3| Arc::from(s3.place()));
        juju::set(&mut self.juju.application, key::STANZA_REPOSITORY, place.clone());
        let count = u32::try_from(self.units.len()).unwrap_or(u32::MAX);
        let units = self.units.iter_mut().zip(&mut self.juju.units);
        for (unit, (state, juju)) in (0..count).zip(units) {
            juju::set(&mut juju.bag, key::REPOSITORY, place.clone());
            let peers = (0..count).filter(|peer| tls && *peer != unit).map(UnitId).collect();
            let (s3, stanza) = (s3.clone(), Arc::clone(&stanza));
            let settings = RepositorySettings { s3, stanza, tls_peers: peers };
            state.repository = Some(Arc::new(settings));
            state.has_certificates = tls;
        }
        self.archive_stanza = Some(stanza);
    }
}

pub(crate) fn identity(unit: u32) -> Arc<Identity> {
    Arc::new(Identity::new(MODEL, MODEL_UUID, APPLICATION, UnitId(unit), JUJU_VERSION))
}

pub(crate) fn tls_material(on: bool) -> TlsMaterial {
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
        let mut unit = UnitInJuju::new(status);
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
        revisions: Revisions { s3: 0, tls: u64::from(given.tls) },
    }
}
