//! What a scenario expects, right after a step or at its end.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use pgdrill_core::{Status, StatusName};
use pgdrill_sim::{BackupGiven, ServiceName, ServiceRuns, by_unit};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{self, IntoDeserializer as _, MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::{
    names::{ChartShape, Name, OutcomeName},
    scenario::Damage,
    target::UnitOr,
};

/// What must hold right after a step, or at the end. A text is held to the letter, and tokens of a snapshot may stand in it
/// for what differs between runs (`<time>`, `<label>`, `<backup-1>`); `${backup-1}` stands for the id of the oldest backup.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Then {
    /// How the step's event ended, on every unit that it went to; at the end, how the last firing did.
    pub outcome: Option<Name<OutcomeName>>,
    /// The whole message of that firing.
    pub message: Option<String>,
    /// Results of that action: for each key its whole text.
    pub results: BTreeMap<String, String>,
    /// The status of some units: its kind, or its kind (`name`) and its whole message.
    #[serde(deserialize_with = "by_unit")]
    pub statuses: BTreeMap<u32, ExpectedStatus>,
    /// Whether the charm lets clients connect to some units. Whether a database runs behind it is another matter.
    #[serde(deserialize_with = "by_unit")]
    pub connections: BTreeMap<u32, Connections>,
    /// Whether services of some units run, under the names that `do: { service: … }` has for them.
    #[serde(deserialize_with = "by_unit")]
    pub services: BTreeMap<u32, ExpectedServices>,
    /// The unit that is the cluster's primary.
    pub primary: Option<ExpectedPrimary>,
    /// Every backup that is there, oldest first: its kind, or `failed` for one with errors.
    pub backups: Option<Vec<BackupGiven>>,
    /// Whether there are such objects of the hooks in the bucket: by the key or its end after a `/`; `*` stands for any text.
    pub objects: BTreeMap<String, Presence>,
    /// Shapes, as `create-backup/set_active`, that must not be visited: in this step, or at all.
    pub not_visited: Vec<Name<ChartShape>>,
    /// The laws that the run breaks; only at the end. Whatever is named here must be broken, and no other law may be.
    pub damage: Vec<Damage>,
}

impl Then {
    /// Whether it speaks of how a firing ended.
    #[must_use]
    pub fn is_of_firing(&self) -> bool {
        self.outcome.is_some() || self.message.is_some() || !self.results.is_empty()
    }

    /// Whether it speaks of what can be seen from outside, so that somebody has to look.
    #[must_use]
    pub fn is_of_place(&self) -> bool {
        !self.statuses.is_empty()
            || !self.connections.is_empty()
            || !self.services.is_empty()
            || self.primary.is_some()
            || self.backups.is_some()
            || !self.objects.is_empty()
    }

    /// Whether it says anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let is_quiet = self.not_visited.is_empty() && self.damage.is_empty();
        is_quiet && !self.is_of_firing() && !self.is_of_place()
    }
}

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// The word for it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}

states! {
    /// What becomes of new connections of clients to a unit.
    Connections {
        /// They are accepted.
        Accepted "accepted",
        /// They are refused.
        Refused "refused",
    }
}

impl Connections {
    /// The state of a unit that accepts them, or of one that does not.
    #[must_use]
    pub const fn of(are_accepted: bool) -> Self {
        if are_accepted { Self::Accepted } else { Self::Refused }
    }
}

states! {
    /// Whether something is there.
    Presence {
        /// It is.
        Present "present",
        /// It is not.
        Absent "absent",
    }
}

/// Which services of a unit are to run, and which not; what is left out may do either.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ExpectedServices {
    /// The database under its cluster manager.
    pub database: Option<ServiceRuns>,
    /// The backup tool's TLS server.
    pub tls_server: Option<ServiceRuns>,
}

impl ExpectedServices {
    /// Every service of which it says something, with what it says.
    pub fn named(self) -> impl Iterator<Item = (ServiceName, ServiceRuns)> {
        let all =
            [(ServiceName::Database, self.database), (ServiceName::TlsServer, self.tls_server)];
        all.into_iter().filter_map(|(service, is)| Some((service, is?)))
    }
}

/// The unit that is to be the primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectedPrimary {
    /// This one.
    Unit(u32),
    /// None.
    Nobody,
}

/// The word for no unit.
const NOBODY: &str = "none";

impl fmt::Display for ExpectedPrimary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit(unit) => write!(f, "unit {unit}"),
            Self::Nobody => f.write_str("no unit"),
        }
    }
}

impl From<Option<u32>> for ExpectedPrimary {
    fn from(primary: Option<u32>) -> Self {
        primary.map_or(Self::Nobody, Self::Unit)
    }
}

impl<'de> Deserialize<'de> for ExpectedPrimary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UnitOr { word: NOBODY }).map(Self::from)
    }
}

impl JsonSchema for ExpectedPrimary {
    fn schema_name() -> Cow<'static, str> {
        "ExpectedPrimary".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let about = "The unit that is to be the primary, or that none is.";
        UnitOr { word: NOBODY }.schema(about, "No unit is.")
    }
}

/// What the status of a unit is to be: its kind, and its message if that matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedStatus {
    /// The kind.
    pub name: StatusName,
    /// The whole message, empty for none; `None`: any.
    pub message: Option<String>,
}

impl fmt::Display for ExpectedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name;
        match &self.message {
            None => name.fmt(f),
            Some(message) if message.is_empty() => write!(f, "{name} without a message"),
            Some(message) => Status::new(name, message.clone()).fmt(f),
        }
    }
}

/// An expected status that is written with its message.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct StatusWithMessage {
    /// Its kind.
    name: Name<StatusName>,
    /// Its whole message; any unless given.
    message: Option<String>,
}

impl<'de> Deserialize<'de> for ExpectedStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = ExpectedStatus;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the kind of a status, as `active`, or `{ name: blocked, message: … }`")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<ExpectedStatus, E> {
                let Name(name) = Name::<StatusName>::deserialize(name.into_deserializer())?;
                Ok(ExpectedStatus { name, message: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ExpectedStatus, A::Error> {
                let read = StatusWithMessage::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ExpectedStatus { name: read.name.0, message: read.message })
            }
        }

        deserializer.deserialize_any(Read)
    }
}

impl JsonSchema for ExpectedStatus {
    fn schema_name() -> Cow<'static, str> {
        "ExpectedStatus".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What the status of a unit is to be: its kind, or its kind and its message.",
            "oneOf": [
                generator.subschema_for::<Name<StatusName>>(),
                generator.subschema_for::<StatusWithMessage>(),
            ],
        })
    }
}
