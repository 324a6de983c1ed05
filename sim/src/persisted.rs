//! Juju's side of a world in a form that outlives the process.
//!
//! What a dispatch has written so far is no part of it: it is lost with its process, as in Juju.

use std::{borrow::Cow, fmt, sync::Arc};

use pgdrill_core::{
    Hook, S3Relation, Secret, Status, StatusName,
    ports::{TlsMaterial, key},
};
use serde::{Deserialize, Serialize};

use crate::{
    given::Given,
    juju::{Bag, Juju, Revisions, UnitInJuju},
    server::S3Values,
    world::World,
};

/// Everything that Juju knows of the application, to be persisted. Serialised it holds the credentials of the S3
/// relation: whoever stores it must protect it as one protects those. It never shows them otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PersistedJuju {
    planned_units: u32,
    leader: u32,
    s3: Option<PersistedRelation>,
    tls: PersistedTls,
    application: Vec<(String, String)>,
    units: Vec<PersistedUnit>,
    /// Absent in what was persisted before there were revisions: then nothing is owed.
    #[serde(default)]
    revisions: PersistedRevisions,
}

/// How often the S3 settings and the TLS material have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PersistedRevisions {
    s3: u64,
    tls: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PersistedUnit {
    /// Kind and message, the present one last.
    history: Vec<(String, String)>,
    bag: Vec<(String, String)>,
    deferred: Vec<String>,
    #[serde(default)]
    delivered: PersistedRevisions,
    #[serde(default)]
    retry: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PersistedTls {
    key: bool,
    ca: bool,
    certificate: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PersistedRelation {
    bucket: Option<String>,
    #[serde(with = "exposed")]
    access_key: Option<Secret>,
    #[serde(with = "exposed")]
    secret_key: Option<Secret>,
    endpoint: Option<String>,
    path: Option<String>,
    region: Option<String>,
    s3_uri_style: Option<String>,
    tls_ca_chain: Option<String>,
}

/// The one form in which a credential leaves a world: as what is persisted.
mod exposed {
    use pgdrill_core::Secret;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(
        secret: &Option<Secret>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        secret.as_ref().map(Secret::expose).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Secret>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
    }
}

/// A name in what was persisted that nothing here bears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownPersistedName(String);

impl fmt::Display for UnknownPersistedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is the name of nothing that is known", self.0)
    }
}

impl std::error::Error for UnknownPersistedName {}

impl World {
    /// Juju's side of the world, to be persisted.
    #[must_use]
    pub fn persist_juju(&self) -> PersistedJuju {
        let juju = &self.juju;
        PersistedJuju {
            planned_units: juju.planned_units,
            leader: juju.leader,
            s3: juju.s3.as_deref().map(PersistedRelation::of),
            tls: PersistedTls {
                key: juju.tls.key,
                ca: juju.tls.ca,
                certificate: juju.tls.certificate,
            },
            application: bag(&juju.application),
            units: juju.units.iter().map(PersistedUnit::of).collect(),
            revisions: PersistedRevisions::of(juju.revisions),
        }
    }

    /// A world of as many units with the Juju that was persisted, where what Juju says of S3 leads to this server.
    ///
    /// # Errors
    ///
    /// A name in it is unknown: another version wrote it.
    pub fn with_persisted_juju(
        persisted: &PersistedJuju,
        server: Arc<S3Values>,
    ) -> Result<Self, UnknownPersistedName> {
        let units = u32::try_from(persisted.units.len()).unwrap_or(u32::MAX);
        let given = Given { units, leader: persisted.leader, ..Given::default() };
        let mut world = Self::with_s3(&given, server);
        world.juju = Juju {
            planned_units: persisted.planned_units,
            leader: persisted.leader,
            s3: persisted.s3.as_ref().map(|s3| Arc::new(s3.relation())),
            tls: TlsMaterial {
                key: persisted.tls.key,
                ca: persisted.tls.ca,
                certificate: persisted.tls.certificate,
            },
            application: unpacked(&persisted.application)?,
            units: persisted.units.iter().map(PersistedUnit::unit).collect::<Result<_, _>>()?,
            revisions: persisted.revisions.revisions(),
        };
        Ok(world)
    }

    /// Whether the units hold TLS material.
    #[must_use]
    pub const fn has_tls(&self) -> bool {
        self.juju.tls.is_complete()
    }

    /// Where its S3 server is, and what opens it.
    #[must_use]
    pub fn s3_values(&self) -> &S3Values {
        &self.server
    }

    /// The unit that Juju elected.
    #[must_use]
    pub const fn leader(&self) -> u32 {
        self.juju.leader
    }
}

impl PersistedUnit {
    fn of(unit: &UnitInJuju) -> Self {
        let status = |status: &Status| (status.name.name().to_owned(), status.message.to_string());
        Self {
            history: unit.history.iter().map(status).collect(),
            bag: bag(&unit.bag),
            deferred: unit.deferred.iter().map(|hook| hook.name().to_owned()).collect(),
            delivered: PersistedRevisions::of(unit.delivered),
            retry: unit.retry.map(|hook| hook.name().to_owned()),
        }
    }

    fn unit(&self) -> Result<UnitInJuju, UnknownPersistedName> {
        let status = |(name, message): &(String, String)| {
            let known = StatusName::ALL.iter().find(|known| known.name() == name);
            let known = known.ok_or_else(|| UnknownPersistedName(name.clone()))?;
            Ok(Status::new(*known, message.clone()))
        };
        let hook =
            |name: &String| name.parse::<Hook>().map_err(|unknown| UnknownPersistedName(unknown.0));
        let mut unit = UnitInJuju::new(Status::active());
        unit.history = self.history.iter().map(status).collect::<Result<_, _>>()?;
        unit.bag = unpacked(&self.bag)?;
        unit.deferred = self.deferred.iter().map(hook).collect::<Result<_, _>>()?;
        unit.delivered = self.delivered.revisions();
        unit.retry = self.retry.as_ref().map(hook).transpose()?;
        Ok(unit)
    }
}

impl PersistedRevisions {
    const fn of(Revisions { s3, tls }: Revisions) -> Self {
        Self { s3, tls }
    }

    const fn revisions(self) -> Revisions {
        Revisions { s3: self.s3, tls: self.tls }
    }
}

impl PersistedRelation {
    fn of(s3: &S3Relation) -> Self {
        let S3Relation {
            bucket,
            access_key,
            secret_key,
            endpoint,
            path,
            region,
            uri_style,
            tls_ca_chain,
            // Juju's simulation has no secrets.
            names_no_secret: _,
        } = s3;
        let text = |text: &Option<Cow<'static, str>>| text.as_deref().map(str::to_owned);
        Self {
            bucket: text(bucket),
            access_key: access_key.clone(),
            secret_key: secret_key.clone(),
            endpoint: text(endpoint),
            path: text(path),
            region: text(region),
            s3_uri_style: text(uri_style),
            tls_ca_chain: text(tls_ca_chain),
        }
    }

    fn relation(&self) -> S3Relation {
        let text = |text: &Option<String>| text.clone().map(Cow::Owned);
        S3Relation {
            bucket: text(&self.bucket),
            access_key: self.access_key.clone(),
            secret_key: self.secret_key.clone(),
            endpoint: text(&self.endpoint),
            path: text(&self.path),
            region: text(&self.region),
            uri_style: text(&self.s3_uri_style),
            tls_ca_chain: text(&self.tls_ca_chain),
            names_no_secret: false,
        }
    }
}

fn bag(bag: &Bag) -> Vec<(String, String)> {
    bag.iter().map(|(key, value)| ((*key).to_owned(), value.as_ref().to_owned())).collect()
}

fn unpacked(persisted: &[(String, String)]) -> Result<Bag, UnknownPersistedName> {
    let entry = |(name, value): &(String, String)| {
        let known = key::ALL.iter().find(|known| **known == name.as_str());
        let known = known.ok_or_else(|| UnknownPersistedName(name.clone()))?;
        Ok((*known, Arc::from(value.as_str())))
    };
    persisted.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use futures_util::FutureExt as _;
    use pgdrill_core::Amendments;

    use super::*;
    use crate::{
        Change, Event, Shared, View, dispatch,
        given::{BackupGiven, S3Given, StanzaGiven, StatusGiven, StatusKind},
    };

    fn fire(world: &Shared, hook: Hook, unit: u32, parameters: &[(&str, &str)]) {
        let ports = View::new(world, unit).expect("there is such a unit").ports();
        let parameters: BTreeMap<String, Arc<str>> =
            parameters.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let event = Event { hook, unit, parameters };
        let fired = dispatch(world, &ports, &event, Amendments::all(), None).now_or_never();
        fired.expect("no fake waits").expect("there is such a unit");
    }

    /// A world in which Juju holds something of everything.
    fn lived_in() -> Shared {
        let blocked = StatusGiven { name: StatusKind::Blocked, message: "by hand".to_owned() };
        let given = Given {
            units: 3,
            planned_units: Some(4),
            tls: true,
            leader: 1,
            s3: Some(S3Given { region: Some("eu".to_owned()), ..S3Given::default() }),
            stanza: StanzaGiven::Initialised,
            backups: vec![BackupGiven::Full],
            statuses: [(2, blocked)].into(),
            ..Given::default()
        };
        let world = World::new(&given).shared();
        fire(&world, Hook::CreateBackup, 2, &[("type", "full")]);
        crate::world::lock(&world).apply(&Change::LeaderMovesTo(0));
        world
    }

    #[test]
    fn juju_is_the_same_after_it_was_persisted() {
        let world = lived_in();
        let before = crate::world::lock(&world).clone();
        let text = serde_json::to_string(&before.persist_juju()).expect("it is plain");
        let persisted: PersistedJuju = serde_json::from_str(&text).expect("it was written here");
        let after = World::with_persisted_juju(&persisted, Arc::clone(&before.server))
            .expect("known names");
        assert_eq!(format!("{:?}", after.juju), format!("{:?}", before.juju));
        assert_eq!(after.juju.s3, before.juju.s3, "credentials included");
        assert_eq!(after.persist_juju(), persisted);
        assert_eq!(after.identities.len(), 3);
    }

    #[test]
    fn what_is_persisted_shows_no_credential_unless_it_is_serialised() {
        let persisted = crate::world::lock(&lived_in()).persist_juju();
        assert!(!format!("{persisted:?}{persisted:#?}").contains("canary"));
        assert!(serde_json::to_string(&persisted).expect("it is plain").contains("canary"));
    }

    #[test]
    fn an_unknown_name_is_refused() {
        let persisted = crate::world::lock(&lived_in()).persist_juju();
        let text = serde_json::to_string(&persisted).expect("it is plain");
        for (name, other) in
            [("cluster_initialised", "cluster-started"), ("\"active\"", "\"well\"")]
        {
            assert!(text.contains(name), "{name}: {text}");
            let persisted: PersistedJuju =
                serde_json::from_str(&text.replace(name, other)).expect("plain");
            let server = S3Values::fake();
            let refused = World::with_persisted_juju(&persisted, server).expect_err(other);
            assert!(refused.to_string().contains(other.trim_matches('"')), "{refused}");
        }
    }

    #[test]
    fn every_key_of_a_databag_can_be_persisted() {
        let source = include_str!("../../core/src/ports/unit.rs");
        let declared = source.lines().filter(|line| line.trim().starts_with("pub const "));
        let texts = declared.filter(|line| line.contains(": &str = ")).count();
        assert_eq!(key::ALL.len(), texts);
    }
}
