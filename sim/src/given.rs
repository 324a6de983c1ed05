//! What is true before the first firing.

use std::collections::BTreeMap;

use pgdrill_core::{StatusName, ports::BackupKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units;

/// What is true before the first firing. Whatever is left out is as in a healthy cluster of one unit
/// without TLS and without an S3 relation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Given {
    /// How many units there are, 1 to 9.
    #[schemars(range(min = 1, max = 9))]
    #[serde(deserialize_with = "units::count")]
    #[serde(skip_serializing_if = "is_one")]
    pub units: u32,
    /// How many units the application is to have; as many as there are unless given.
    #[serde(skip_serializing_if = "is_default")]
    pub planned_units: Option<u32>,
    /// Whether every unit holds a key, a certificate and the authority's chain.
    #[serde(skip_serializing_if = "is_default")]
    pub tls: bool,
    /// The unit that Juju elected.
    #[serde(deserialize_with = "units::unit")]
    #[serde(skip_serializing_if = "is_default")]
    pub leader: u32,
    /// The unit that the cluster elected. It need not be the leader.
    #[serde(deserialize_with = "units::unit")]
    #[serde(skip_serializing_if = "is_default")]
    pub primary: u32,
    /// Whether the cluster's first initialisation is recorded.
    #[serde(skip_serializing_if = "is_true")]
    pub cluster_initialised: bool,
    /// The S3 relation; without it there is none.
    #[serde(skip_serializing_if = "is_default")]
    pub s3: Option<S3Given>,
    /// How far the stanza has come.
    #[serde(skip_serializing_if = "is_default")]
    pub stanza: StanzaGiven,
    /// Whose backups the repository holds.
    #[serde(skip_serializing_if = "is_default")]
    pub repository: RepositoryGiven,
    /// Backups taken before the first firing, oldest first.
    #[serde(skip_serializing_if = "is_default")]
    pub backups: Vec<BackupGiven>,
    /// Whether the units' TLS servers run; as after a normal set-up unless given.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_servers: Option<TlsServersGiven>,
    /// Statuses other than active, by unit.
    #[serde(deserialize_with = "units::by_unit")]
    #[serde(skip_serializing_if = "is_default")]
    pub statuses: BTreeMap<u32, StatusGiven>,
    /// The number from which everything that differs between two clusters is derived.
    #[serde(skip_serializing_if = "is_default")]
    pub seed: u64,
}

impl Default for Given {
    fn default() -> Self {
        Self {
            units: 1,
            planned_units: None,
            tls: false,
            leader: 0,
            primary: 0,
            cluster_initialised: true,
            s3: None,
            stanza: StanzaGiven::None,
            repository: RepositoryGiven::Own,
            backups: Vec::new(),
            tls_servers: None,
            statuses: BTreeMap::new(),
            seed: 0,
        }
    }
}

impl Given {
    /// Whether the units' TLS servers run: only with TLS, and unless it is given as after a normal set-up.
    #[must_use]
    pub fn has_tls_servers(&self) -> bool {
        let running = match self.tls_servers {
            Some(TlsServersGiven::Running) => true,
            Some(TlsServersGiven::Stopped) => false,
            None => self.stanza == StanzaGiven::Initialised && self.units > 1,
        };
        self.tls && running
    }
}

/// The data of the S3 relation, as far as it is not right.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct S3Given {
    /// Whether the relation exists; it does unless `false`.
    #[serde(skip_serializing_if = "is_default")]
    pub related: Option<bool>,
    /// Required parameters that are missing.
    #[serde(skip_serializing_if = "is_default")]
    pub missing: Vec<S3Parameter>,
    /// Where the endpoint leads.
    #[serde(skip_serializing_if = "is_default")]
    pub endpoint: EndpointGiven,
    /// Whether the server accepts the credentials.
    #[serde(skip_serializing_if = "is_default")]
    pub credentials: CredentialsGiven,
    /// The chain of authorities in `tls-ca-chain`.
    #[serde(skip_serializing_if = "is_default")]
    pub ca: CaGiven,
    /// The bucket.
    #[serde(skip_serializing_if = "is_default")]
    pub bucket: BucketGiven,
    /// The prefix of all keys; `/drill` unless given.
    #[serde(skip_serializing_if = "is_default")]
    pub path: Option<String>,
    /// The region; none unless given.
    #[serde(skip_serializing_if = "is_default")]
    pub region: Option<String>,
}

/// Whether a value is what it is where a file says nothing of it.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_one(count: &u32) -> bool {
    *count == 1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_true(value: &bool) -> bool {
    *value
}

impl S3Given {
    /// Whether the relation exists.
    #[must_use]
    pub fn is_related(&self) -> bool {
        self.related.unwrap_or(true)
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident,)+ }) => {
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize, Serialize, JsonSchema,
        )]
        #[serde(rename_all = "kebab-case")]
        $(#[$doc])*
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every member, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
        }
    };
}
pub(crate) use words;

words! {
    /// A required parameter of the S3 relation.
    S3Parameter {
        /// The bucket's name.
        #[default]
        Bucket,
        /// The access key.
        AccessKey,
        /// The secret key.
        SecretKey,
    }
}

words! {
    /// Where the endpoint leads.
    EndpointGiven {
        /// To the S3 server.
        #[default]
        Reachable,
        /// To a host that nobody knows.
        Unreachable,
        /// To the S3 server, with a path after it.
        WithPath,
    }
}

words! {
    /// Whether the S3 server accepts the credentials.
    CredentialsGiven {
        /// It does.
        #[default]
        Right,
        /// The secret key is not the access key's.
        Wrong,
    }
}

words! {
    /// The chain of authorities in `tls-ca-chain`.
    CaGiven {
        /// It holds the authority that signed the server's certificate.
        #[default]
        Right,
        /// It holds another authority.
        Wrong,
        /// It is not given, and the server's authority is not a public one.
        Missing,
    }
}

words! {
    /// The bucket.
    BucketGiven {
        /// It exists and is ours.
        #[default]
        Present,
        /// It does not exist; we may make it.
        Absent,
        /// It exists and is someone else's, as where the name is wrong.
        Forbidden,
        /// It does not exist, and its name is none that a bucket can have.
        IllNamed,
    }
}

impl BucketGiven {
    /// Whether there is such a bucket.
    #[must_use]
    pub const fn is_there(self) -> bool {
        match self {
            Self::Present | Self::Forbidden => true,
            Self::Absent | Self::IllNamed => false,
        }
    }
}

words! {
    /// How far the stanza has come.
    StanzaGiven {
        /// There is none.
        #[default]
        None,
        /// It is in the repository and recorded in the application databag, and WAL is archived.
        Initialised,
    }
}

words! {
    /// Whose backups the repository holds.
    RepositoryGiven {
        /// This cluster's, or none.
        #[default]
        Own,
        /// A stanza of the same name, made by a cluster with another system identifier.
        AnotherCluster,
        /// A stanza of another name.
        AnotherStanza,
        /// This stanza, with metadata written from another model.
        AnotherModel,
    }
}

words! {
    /// A backup in one word: its kind, or that it has errors.
    BackupGiven {
        /// A full backup.
        #[default]
        Full,
        /// A differential backup.
        Differential,
        /// An incremental backup.
        Incremental,
        /// One in which the tool found invalid pages; a full one, where it is given.
        Failed,
    }
}

impl BackupGiven {
    /// How much it holds.
    #[must_use]
    pub const fn kind(self) -> BackupKind {
        match self {
            Self::Full | Self::Failed => BackupKind::Full,
            Self::Differential => BackupKind::Differential,
            Self::Incremental => BackupKind::Incremental,
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full | Self::Differential | Self::Incremental => self.kind().name(),
            Self::Failed => "failed",
        }
    }
}

impl From<BackupKind> for BackupGiven {
    fn from(kind: BackupKind) -> Self {
        match kind {
            BackupKind::Full => Self::Full,
            BackupKind::Differential => Self::Differential,
            BackupKind::Incremental => Self::Incremental,
        }
    }
}

words! {
    /// Whether the units' TLS servers run.
    TlsServersGiven {
        /// On every unit.
        #[default]
        Running,
        /// On none.
        Stopped,
    }
}

/// A status that a unit shows before the first firing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StatusGiven {
    /// Its kind.
    pub name: StatusKind,
    /// Its message; none unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub message: String,
}

words! {
    /// A kind of status.
    StatusKind {
        /// All is well.
        #[default]
        Active,
        /// A person must do something.
        Blocked,
        /// Something is being done.
        Maintenance,
        /// Something else must happen first.
        Waiting,
        /// No status was set yet.
        Unknown,
        /// A hook failed, and Juju retries it.
        Error,
    }
}

impl From<StatusKind> for StatusName {
    fn from(kind: StatusKind) -> Self {
        match kind {
            StatusKind::Active => Self::Active,
            StatusKind::Blocked => Self::Blocked,
            StatusKind::Maintenance => Self::Maintenance,
            StatusKind::Waiting => Self::Waiting,
            StatusKind::Unknown => Self::Unknown,
            StatusKind::Error => Self::Error,
        }
    }
}
