//! This unit as Juju sees it.

use std::{borrow::Cow, fmt, sync::Arc};

use async_trait::async_trait;

use super::PortResult;
use crate::{s3::S3Relation, status::Status};

/// The keys that the hooks read and write in the peer databags.
pub mod key {
    /// Application: the cluster's first initialisation is done.
    pub const CLUSTER_INITIALISED: &str = "cluster_initialised";
    /// Application: the stanza's name, once it is initialised. Unit: the name of the stanza that a primary
    /// made or found while it did not lead.
    pub const STANZA: &str = "stanza";
    /// Application: the [place](crate::s3::S3Settings::place) of the repository that holds the stanza. Absent where an
    /// older release recorded the stanza. Unit: the place of which a primary that does not lead says something.
    pub const STANZA_REPOSITORY: &str = "stanza-repository";
    /// Unit: why a primary that does not lead could not make the stanza, as the leader is to tell users.
    pub const BLOCK_MESSAGE: &str = "block-message";
    /// Application: the label of the backup that is being restored.
    pub const RESTORING_BACKUP: &str = "restoring-backup";
    /// Application: the stanza that holds the backup that is being restored.
    pub const RESTORE_STANZA: &str = "restore-stanza";
    /// Application: the system identifiers of the clusters that this stanza has served, as `7589,7590`: the restored data has
    /// one of them. Absent where an older release began the restore.
    pub const RESTORE_SYSTEMS: &str = "restore-systems";
    /// Unit: `off` while new client connections to this unit are refused, else `on` or absent.
    pub const CONNECTIVITY: &str = "connectivity";
    /// Unit: present while TLS is enabled on this unit.
    pub const TLS: &str = "tls";
    /// Unit: the other units for which its TLS server was last started or reloaded, as `0,2`.
    pub const TLS_PEERS: &str = "tls-peers";
    /// Unit: the [place](crate::s3::S3Settings::place) of the repository that its backup tool was configured with last.
    pub const REPOSITORY: &str = "repository";

    /// Every key.
    pub const ALL: &[&str] = &[
        CLUSTER_INITIALISED,
        STANZA,
        STANZA_REPOSITORY,
        BLOCK_MESSAGE,
        RESTORING_BACKUP,
        RESTORE_STANZA,
        RESTORE_SYSTEMS,
        CONNECTIVITY,
        TLS,
        TLS_PEERS,
        REPOSITORY,
    ];
}

/// A unit's number within its application: 2 in `postgresql-k8s/2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitId(pub u32);

impl UnitId {
    /// Several units, as one databag value.
    #[must_use]
    pub fn list(units: &[Self]) -> String {
        let units: Vec<String> = units.iter().map(Self::to_string).collect();
        units.join(",")
    }
}

impl fmt::Display for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What does not change while a unit lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    model: Cow<'static, str>,
    model_uuid: Cow<'static, str>,
    application: Cow<'static, str>,
    unit: UnitId,
    juju_version: Cow<'static, str>,
    stanza: Arc<str>,
}

impl Identity {
    /// The identity of one unit of an application in a model.
    #[must_use]
    pub fn new(
        model: impl Into<Cow<'static, str>>,
        model_uuid: impl Into<Cow<'static, str>>,
        application: impl Into<Cow<'static, str>>,
        unit: UnitId,
        juju_version: impl Into<Cow<'static, str>>,
    ) -> Self {
        let (model, application) = (model.into(), application.into());
        let stanza = [&*model, ".patroni-", &*application].concat().into();
        Self {
            model,
            model_uuid: model_uuid.into(),
            application,
            unit,
            juju_version: juju_version.into(),
            stanza,
        }
    }

    /// The model's name.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The model's UUID.
    #[must_use]
    pub fn model_uuid(&self) -> &str {
        &self.model_uuid
    }

    /// The application's name.
    #[must_use]
    pub fn application(&self) -> &str {
        &self.application
    }

    /// This unit's number.
    #[must_use]
    pub const fn unit(&self) -> UnitId {
        self.unit
    }

    /// The version of Juju.
    #[must_use]
    pub fn juju_version(&self) -> &str {
        &self.juju_version
    }

    /// The stanza of this cluster: `<model>.patroni-<application>`.
    #[must_use]
    pub fn stanza(&self) -> &str {
        &self.stanza
    }

    /// The stanza of this cluster, shared: whoever stores it copies no text.
    #[must_use]
    pub fn shared_stanza(&self) -> Arc<str> {
        Arc::clone(&self.stanza)
    }
}

/// Which of the two peer databags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Databag {
    /// The application's, which only the leader may write.
    Application,
    /// This unit's own.
    Unit,
}

/// The most bytes that one argument of a hook tool carries: Linux takes 128 KiB, the byte that ends it included
/// (`MAX_ARG_STRLEN`, execve(2)). A result is one argument, `KEY=VALUE`, and so is the message of a failed action.
pub const ARGUMENT_LIMIT: usize = (128 << 10) - 1;

/// Which parts of the TLS material this unit holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TlsMaterial {
    /// The private key.
    pub key: bool,
    /// The chain of the authority.
    pub ca: bool,
    /// The certificate.
    pub certificate: bool,
}

impl TlsMaterial {
    /// Whether TLS can be used: all three parts are here.
    #[must_use]
    pub const fn is_complete(self) -> bool {
        self.key && self.ca && self.certificate
    }
}

/// This unit as Juju sees it: leadership, status, databags, relations, the running action, deferral.
///
/// Databag writes and deferrals are buffered and land only if the hook succeeds; a status lands at
/// once. A unit reads its own buffered writes.
#[async_trait]
pub trait Unit: Send + Sync {
    /// Who this unit is.
    fn identity(&self) -> Arc<Identity>;

    /// Whether this unit leads, now. Leadership is a lease and can lapse before the next call.
    async fn is_leader(&self) -> PortResult<bool>;

    /// The status that users see now; [`StatusName::Error`](crate::StatusName::Error) while Juju retries an
    /// update-status that failed, [`StatusName::Unknown`](crate::StatusName::Unknown) until one is set (Juju 2.9 and 3).
    async fn status(&self) -> PortResult<Status>;

    /// Users see `status` from here on, whether or not the hook succeeds. After an error they see
    /// either the old one or the new one. Refused, and nothing changes, if its kind is one that only Juju shows.
    async fn set_status(&self, status: Status) -> PortResult<()>;

    /// How many units the application is to have.
    async fn planned_units(&self) -> PortResult<u32>;

    /// The other units of the application that this unit knows of, in ascending order.
    async fn peers(&self) -> PortResult<Vec<UnitId>>;

    /// A databag's value; an absent key and an empty value are both `None`.
    async fn data(&self, bag: Databag, key: &str) -> PortResult<Option<Arc<str>>>;

    /// A value of another unit's databag, or of this unit's own, as for [`data`](Self::data): of another unit, what had landed.
    /// An error where the application has no such unit.
    async fn peer_data(&self, unit: UnitId, key: &str) -> PortResult<Option<Arc<str>>>;

    /// The value is set, or with `None` removed, once the hook succeeds. Denied to a unit that does not
    /// lead when the bag is the application's: then nothing was buffered. After `TimedOut` it may have been.
    async fn set_data(
        &self,
        bag: Databag,
        key: &'static str,
        value: Option<&str>,
    ) -> PortResult<()>;

    /// The data of the S3 relation; `None` without a relation.
    async fn s3_relation(&self) -> PortResult<Option<Arc<S3Relation>>>;

    /// The TLS material that this unit holds.
    async fn tls_material(&self) -> PortResult<TlsMaterial>;

    /// A parameter of the running action; `None` when it was not given or no action runs.
    async fn parameter(&self, name: &str) -> PortResult<Option<Arc<str>>>;

    /// The names of the parameters that the running action was given, or that it has a default for, in order; none when no
    /// action runs.
    async fn parameters(&self) -> PortResult<Vec<String>>;

    /// The running action will carry this result. Later values of the same key win. Refused, and nothing changes, if key,
    /// `=` and value are together longer than [`ARGUMENT_LIMIT`].
    async fn set_result(&self, key: &'static str, value: &str) -> PortResult<()>;

    /// The running action will end as failed with `message`; the hook goes on. Refused, and nothing changes, if the message
    /// is longer than [`ARGUMENT_LIMIT`].
    async fn fail_action(&self, message: &str) -> PortResult<()>;

    /// This event will be fired again before the next one on this unit, once the hook succeeds.
    async fn defer(&self) -> PortResult<()>;
}
