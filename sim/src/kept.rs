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
    juju::{Bag, Juju, JujuUnit},
    server::S3Server,
    world::World,
};

/// Everything that Juju knows of the application, to be kept. Serialised it holds the credentials of the S3
/// relation: whoever keeps it must keep it as one keeps those. It never shows them otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KeptJuju {
    planned_units: u32,
    leader: u32,
    s3: Option<KeptRelation>,
    tls: KeptTls,
    application: Vec<(String, String)>,
    units: Vec<KeptUnit>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct KeptUnit {
    /// Kind and message, the present one last.
    history: Vec<(String, String)>,
    bag: Vec<(String, String)>,
    deferred: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct KeptTls {
    key: bool,
    ca: bool,
    certificate: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct KeptRelation {
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

/// The one form in which a credential leaves a world: as what is kept.
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

/// A name in what was kept that nothing here bears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotKept(String);

impl fmt::Display for NotKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is the name of nothing that is known", self.0)
    }
}

impl std::error::Error for NotKept {}

impl World {
    /// Juju's side of the world, to be kept.
    #[must_use]
    pub fn keep_juju(&self) -> KeptJuju {
        let juju = &self.juju;
        KeptJuju {
            planned_units: juju.planned_units,
            leader: juju.leader,
            s3: juju.s3.as_deref().map(KeptRelation::of),
            tls: KeptTls { key: juju.tls.key, ca: juju.tls.ca, certificate: juju.tls.certificate },
            application: bag(&juju.application),
            units: juju.units.iter().map(KeptUnit::of).collect(),
        }
    }

    /// A world of as many units with the Juju that was kept, where what Juju tells of S3 leads to this server.
    ///
    /// # Errors
    ///
    /// A name in it is unknown: another version kept it.
    pub fn with_kept_juju(kept: &KeptJuju, server: Arc<S3Server>) -> Result<Self, NotKept> {
        let units = u32::try_from(kept.units.len()).unwrap_or(u32::MAX);
        let given = Given { units, leader: kept.leader, ..Given::default() };
        let mut world = Self::with_s3(&given, server);
        world.juju = Juju {
            planned_units: kept.planned_units,
            leader: kept.leader,
            s3: kept.s3.as_ref().map(|s3| Arc::new(s3.relation())),
            tls: TlsMaterial {
                key: kept.tls.key,
                ca: kept.tls.ca,
                certificate: kept.tls.certificate,
            },
            application: unpacked(&kept.application)?,
            units: kept.units.iter().map(KeptUnit::unit).collect::<Result<_, _>>()?,
        };
        Ok(world)
    }

    /// Whether the units hold TLS material.
    #[must_use]
    pub const fn has_tls(&self) -> bool {
        self.juju.tls.is_complete()
    }

    /// The unit that Juju elected.
    #[must_use]
    pub const fn leader(&self) -> u32 {
        self.juju.leader
    }
}

impl KeptUnit {
    fn of(unit: &JujuUnit) -> Self {
        let status = |status: &Status| (status.name.name().to_owned(), status.message.to_string());
        Self {
            history: unit.history.iter().map(status).collect(),
            bag: bag(&unit.bag),
            deferred: unit.deferred.iter().map(|hook| hook.name().to_owned()).collect(),
        }
    }

    fn unit(&self) -> Result<JujuUnit, NotKept> {
        let status = |(name, message): &(String, String)| {
            let known = StatusName::ALL.iter().find(|known| known.name() == name);
            let known = known.ok_or_else(|| NotKept(name.clone()))?;
            Ok(Status::new(*known, message.clone()))
        };
        let hook = |name: &String| name.parse::<Hook>().map_err(|unknown| NotKept(unknown.0));
        let mut unit = JujuUnit::new(Status::active());
        unit.history = self.history.iter().map(status).collect::<Result<_, _>>()?;
        unit.bag = unpacked(&self.bag)?;
        unit.deferred = self.deferred.iter().map(hook).collect::<Result<_, _>>()?;
        Ok(unit)
    }
}

impl KeptRelation {
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
        }
    }
}

fn bag(bag: &Bag) -> Vec<(String, String)> {
    bag.iter().map(|(key, value)| ((*key).to_owned(), value.as_ref().to_owned())).collect()
}

fn unpacked(kept: &[(String, String)]) -> Result<Bag, NotKept> {
    let entry = |(name, value): &(String, String)| {
        let known = key::ALL.iter().find(|known| **known == name.as_str());
        let known = known.ok_or_else(|| NotKept(name.clone()))?;
        Ok((*known, Arc::from(value.as_str())))
    };
    kept.iter().map(entry).collect()
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
    fn juju_is_the_same_after_it_was_kept() {
        let world = lived_in();
        let before = crate::world::lock(&world).clone();
        let text = serde_json::to_string(&before.keep_juju()).expect("it is plain");
        let kept: KeptJuju = serde_json::from_str(&text).expect("it was written here");
        let after = World::with_kept_juju(&kept, Arc::clone(&before.server)).expect("known names");
        assert_eq!(format!("{:?}", after.juju), format!("{:?}", before.juju));
        assert_eq!(after.juju.s3, before.juju.s3, "credentials included");
        assert_eq!(after.keep_juju(), kept);
        assert_eq!(after.identities.len(), 3);
    }

    #[test]
    fn what_is_kept_shows_no_credential_unless_it_is_serialised() {
        let kept = crate::world::lock(&lived_in()).keep_juju();
        assert!(!format!("{kept:?}{kept:#?}").contains("canary"));
        assert!(serde_json::to_string(&kept).expect("it is plain").contains("canary"));
    }

    #[test]
    fn an_unknown_name_is_refused() {
        let kept = crate::world::lock(&lived_in()).keep_juju();
        let text = serde_json::to_string(&kept).expect("it is plain");
        for (name, other) in
            [("cluster_initialised", "cluster-started"), ("\"active\"", "\"well\"")]
        {
            assert!(text.contains(name), "{name}: {text}");
            let kept: KeptJuju = serde_json::from_str(&text.replace(name, other)).expect("plain");
            let server = S3Server::fake();
            let refused = World::with_kept_juju(&kept, server).expect_err(other);
            assert!(refused.to_string().contains(other.trim_matches('"')), "{refused}");
        }
    }

    #[test]
    fn every_key_of_a_databag_can_be_kept() {
        let source = include_str!("../../core/src/ports/unit.rs");
        let declared = source.lines().filter(|line| line.trim().starts_with("pub const "));
        let texts = declared.filter(|line| line.contains(": &str = ")).count();
        assert_eq!(key::ALL.len(), texts);
    }
}
