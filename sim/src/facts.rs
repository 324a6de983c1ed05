//! What laws must know of a world beyond what its users see.

use pgdrill_core::{Hook, S3Settings, Secret};

use crate::{
    change::{MemberFate, S3ServerState},
    shelf::Shelf,
    storage::{NoAccess, StanzaStore, is_bucket_name},
    unit::Data,
    world::World,
};

/// What laws must know of a place beyond what its users see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The unit that Juju elected.
    pub leader: u32,
    /// How many units the application is to have.
    pub planned_units: u32,
    /// What the application databag holds, by key.
    pub application: Vec<(String, String)>,
    /// Whether there is an S3 relation.
    pub is_s3_related: bool,
    /// The repository to which the S3 relation leads; `None` without one, or while its settings are incomplete or can't be used.
    pub s3: Option<S3Facts>,
    /// Whether the units hold TLS material.
    pub has_tls_material: bool,
    /// The system identifier of the data that is served; `None` while nobody serves any.
    pub system_id: Option<u64>,
    /// Each unit, in order.
    pub units: Vec<UnitFacts>,
    /// Every backup of every repository.
    pub backups: Shelf<BackupFacts>,
    /// The objects that the hooks put into the bucket, each with its content, by key.
    pub objects: Shelf<(String, String)>,
    /// The credentials that must be nowhere else.
    pub secrets: Vec<Secret>,
}

/// Where a repository is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RepositoryPlace {
    /// The bucket.
    pub bucket: String,
    /// The prefix of all its keys.
    pub path: String,
}

impl RepositoryPlace {
    /// Where these settings lead.
    #[must_use]
    pub fn of(settings: &S3Settings) -> Self {
        Self { bucket: settings.bucket.to_string(), path: settings.path.to_string() }
    }
}

/// The repository to which the S3 relation leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Facts {
    /// Where it is.
    pub place: RepositoryPlace,
    /// Where it is, as databags name it.
    pub address: String,
    /// Whether the server serves who comes with these settings now.
    pub works: bool,
    /// Whether it holds what another cluster put there.
    pub is_foreign: bool,
    /// Whether it holds this cluster's stanza.
    pub has_stanza: bool,
}

/// What laws must know of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitFacts {
    /// What its databag holds, by key.
    pub databag: Vec<(String, String)>,
    /// Whether its workload container answers.
    pub is_workload_reachable: bool,
    /// The events that Juju owes it.
    pub owed: Vec<Hook>,
    /// The repository of which its backup tool's configuration knows.
    pub repository: Option<RepositoryPlace>,
    /// The label of the backup from which its data was restored; `None`: it never was.
    pub restored_from: Option<String>,
    /// Whether its cluster manager is configured to bootstrap by a restore.
    pub bootstraps_by_restore: bool,
    /// What its backup tool's configuration says beside the repository; `None` where it has none.
    pub tool: Option<ToolSettings>,
    /// What its cluster manager's configuration says beside the restore.
    pub manager: ManagerSettings,
}

/// What a unit's configuration of the backup tool says beside the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolSettings {
    /// The stanza.
    pub stanza: String,
    /// The endpoint of the S3 server, if it names one.
    pub endpoint: Option<String>,
    /// Whether it holds credentials; what they are is seen nowhere.
    pub has_credentials: bool,
    /// How many other units it names.
    pub peers: usize,
}

/// What a unit's configuration of the cluster manager says beside the restore.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ManagerSettings {
    /// The stanza into which WAL goes.
    pub archives_into: Option<String>,
    /// Whether new connections are accepted.
    pub accepts_connections: bool,
}

/// What laws must know of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupFacts {
    /// The repository that holds it.
    pub place: RepositoryPlace,
    /// The stanza that holds it.
    pub stanza: String,
    /// Its label.
    pub label: String,
    /// The system identifier of the cluster that took it.
    pub system_id: u64,
    /// Whether it has errors.
    pub failed: bool,
}

impl Facts {
    /// A value of the application databag.
    #[must_use]
    pub fn application(&self, key: &str) -> Option<&str> {
        value(&self.application, key)
    }

    /// What is known of a unit, if it is there.
    #[must_use]
    pub fn unit(&self, number: u32) -> Option<&UnitFacts> {
        self.units.get(number as usize)
    }
}

impl UnitFacts {
    /// A value of the unit's databag.
    #[must_use]
    pub fn databag(&self, key: &str) -> Option<&str> {
        value(&self.databag, key)
    }
}

fn value<'a>(bag: &'a [(String, String)], key: &str) -> Option<&'a str> {
    bag.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
}

impl World {
    /// What laws must know beyond what users see.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let settings = self.juju.s3.as_deref().map(S3Settings::from_relation);
        let buckets = self.storage.buckets.values();
        Facts {
            leader: self.juju.leader,
            planned_units: self.juju.planned_units,
            application: plain(&self.juju.application),
            is_s3_related: settings.is_some(),
            s3: settings.and_then(Result::ok).map(|settings| self.s3_facts(&settings)),
            has_tls_material: self.juju.tls.is_complete(),
            system_id: self.system_id(),
            units: (0..self.units.len()).filter_map(|unit| self.unit_facts(unit)).collect(),
            backups: Shelf::joined(self.storage.stanzas().map(|stanza| &stanza.facts)),
            objects: Shelf::joined(buckets.map(|bucket| bucket.objects.texts())),
            secrets: {
                let server = &self.server;
                [&server.access_key, &server.secret_key, &server.wrong_secret_key]
                    .map(Clone::clone)
                    .into()
            },
        }
    }

    fn s3_facts(&self, settings: &S3Settings) -> S3Facts {
        let bucket = self.storage.bucket(settings);
        let stanzas = bucket.ok().and_then(|it| it.repositories.get(&*settings.path));
        let stanzas: Vec<(&str, u64)> =
            stanzas.map_or(&[][..], Vec::as_slice).iter().map(stanza).collect();
        let latest = bucket.ok().and_then(|it| it.objects.get(&self.latest_key(settings)));
        let latest = latest.map(String::from_utf8_lossy);
        let works = !matches!(bucket, Err(why) if why != NoAccess::NoBucket);
        self.s3_facts_of(settings, works, self.system_id(), &stanzas, latest.as_deref())
    }

    /// The key of the object in which a cluster says of which model it is.
    #[must_use]
    pub fn latest_key(&self, settings: &S3Settings) -> String {
        settings.object_key(&self.stanza(), "latest")
    }

    /// The settings of the S3 relation; `None` without one, or while a required parameter is missing.
    #[must_use]
    pub fn s3_settings(&self) -> Option<S3Settings> {
        self.juju.s3.as_deref().and_then(|relation| S3Settings::from_relation(relation).ok())
    }

    /// What the S3 server does.
    #[must_use]
    pub fn s3_server(&self) -> S3ServerState {
        self.storage.state
    }

    /// What the repository of these settings comes to for this application, whose data has this system identifier: it holds
    /// these stanzas, each with its system identifier, and this object under [`latest_key`](Self::latest_key).
    #[must_use]
    pub fn s3_facts_of(
        &self,
        settings: &S3Settings,
        works: bool,
        system_id: Option<u64>,
        stanzas: &[(&str, u64)],
        latest: Option<&str>,
    ) -> S3Facts {
        let own = self.stanza();
        let is_own = |(name, id): &(&str, u64)| {
            **name == *own && system_id.is_none_or(|system_id| system_id == *id)
        };
        let uuid =
            latest.and_then(|text| text.lines().find_map(|line| line.strip_prefix("Model UUID: ")));
        let known = self.identities.first();
        let is_other_model =
            uuid.is_some_and(|uuid| known.is_some_and(|known| known.model_uuid() != uuid.trim()));
        let can_be_made = is_bucket_name(&settings.bucket);
        S3Facts {
            place: RepositoryPlace::of(settings),
            address: settings.place(),
            // A bucket that is not there is made, unless none can have its name.
            works: works && can_be_made,
            is_foreign: is_other_model || !stanzas.iter().all(is_own),
            has_stanza: stanzas.iter().any(is_own),
        }
    }

    fn unit_facts(&self, index: usize) -> Option<UnitFacts> {
        let (state, juju) = (self.units.get(index)?, self.juju.units.get(index)?);
        let settings = state.repository.as_ref().and_then(|settings| settings.s3.as_ref());
        Some(UnitFacts {
            databag: plain(&juju.bag),
            is_workload_reachable: state.is_workload_reachable
                && !matches!(state.fate, MemberFate::Frozen | MemberFate::Killed),
            owed: self.juju.owed(index),
            repository: settings.map(RepositoryPlace::of),
            restored_from: match state.data {
                Data::Of(_) => state.restored_from.as_deref().map(str::to_owned),
                Data::Empty => None,
            },
            bootstraps_by_restore: state.restore.is_some(),
            tool: state.repository.as_ref().map(|settings| ToolSettings {
                stanza: settings.stanza.as_ref().to_owned(),
                endpoint: settings.s3.as_ref().map(|s3| s3.endpoint.to_string()),
                has_credentials: settings.s3.is_some(),
                peers: settings.tls_peers.len(),
            }),
            manager: ManagerSettings {
                archives_into: self.archive_stanza.as_deref().map(str::to_owned),
                accepts_connections: state.accepts_connections,
            },
        })
    }
}

fn plain(bag: &crate::juju::Bag) -> Vec<(String, String)> {
    bag.iter().map(|(key, value)| ((*key).to_owned(), value.as_ref().to_owned())).collect()
}

fn stanza(stanza: &StanzaStore) -> (&str, u64) {
    (&stanza.name, stanza.system_id)
}

#[cfg(test)]
mod tests {
    use pgdrill_core::ports::key;

    use super::*;
    use crate::{
        BucketGiven, Change, CredentialsGiven, Given, MemberFate, RepositoryGiven, S3Given,
        S3ServerState, SetMember, SetWorkload, WorkloadState,
        given::{BackupGiven, StanzaGiven},
    };

    fn world(repository: RepositoryGiven) -> World {
        World::new(&Given {
            units: 2,
            s3: Some(S3Given::default()),
            stanza: StanzaGiven::Initialised,
            repository,
            backups: vec![BackupGiven::Full],
            ..Given::default()
        })
    }

    #[test]
    fn a_healthy_world_has_a_stanza_of_its_own() {
        let facts = world(RepositoryGiven::Own).facts();
        let s3 = facts.s3.clone().expect("complete settings");
        assert!(s3.works && s3.has_stanza && !s3.is_foreign);
        assert_eq!(facts.units[1].repository, Some(s3.place.clone()));
        assert_eq!(facts.backups[0].place, s3.place);
        assert_eq!(Some(facts.backups[0].system_id), facts.system_id);
        assert_eq!(facts.application(key::CLUSTER_INITIALISED), Some("True"));
        assert!(facts.units.iter().all(|unit| unit.owed.is_empty()));
    }

    #[test]
    fn what_another_cluster_left_is_foreign() {
        for repository in [
            RepositoryGiven::AnotherCluster,
            RepositoryGiven::AnotherStanza,
            RepositoryGiven::AnotherModel,
        ] {
            let s3 = world(repository).facts().s3.expect("complete settings");
            assert!(s3.works && s3.is_foreign, "{repository:?}");
        }
    }

    #[test]
    fn settings_that_do_not_lead_there_do_not_work() {
        let mut world = world(RepositoryGiven::Own);
        world.apply(&Change::S3Server(S3ServerState::Down));
        assert!(!world.facts().s3.expect("complete settings").works);
        world.undo_faults();
        let credentials = CredentialsGiven::Wrong;
        world.apply(&Change::S3Settings(S3Given { credentials, ..S3Given::default() }));
        let facts = world.facts();
        assert!(!facts.s3.expect("complete settings").works);
        let bucket = BucketGiven::IllNamed;
        world.apply(&Change::S3Settings(S3Given { bucket, ..S3Given::default() }));
        assert!(!world.facts().s3.expect("complete settings").works);
        assert_eq!(facts.units[0].owed, [Hook::S3CredentialsChanged]);
    }

    #[test]
    fn a_container_that_is_dead_or_does_not_answer_can_t_be_reached() {
        let member = |is| Change::Member(SetMember { unit: 1, is });
        for change in [
            member(MemberFate::Killed),
            member(MemberFate::Frozen),
            Change::Workload(SetWorkload { unit: 1, is: WorkloadState::Unreachable }),
        ] {
            let mut world = world(RepositoryGiven::Own);
            world.apply(&change);
            let reached = world
                .facts()
                .units
                .iter()
                .map(|unit| unit.is_workload_reachable)
                .collect::<Vec<_>>();
            assert_eq!(reached, [true, false], "{change:?}");
        }
    }
}
