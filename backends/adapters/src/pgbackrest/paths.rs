//! Where the tool runs, and how long it may take.

use std::time::Duration;

use pgdrill_core::ports::UnitId;

/// Everything about a unit that its backup tool must know and that no hook decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PgBackRestPaths {
    /// This unit.
    pub unit: UnitId,
    /// The host names of units: `{unit}` stands for the unit's number, as `postgresql-k8s-{unit}`.
    pub hosts: String,
    /// The tool's program.
    pub program: String,
    /// The user as whom it runs, and to whom its configuration belongs.
    pub user: String,
    /// Its configuration file.
    pub configuration: String,
    /// The folder for the chains of S3 servers' authorities.
    pub authorities: String,
    /// The database.
    pub database: Database,
    /// The files of this unit's TLS server and client; `None`: there is no TLS.
    pub tls: Option<Tls>,
    /// How many processes a backup or restore uses.
    pub processes: u32,
}

/// The database, as its backup tool reaches it. It is in the same place on every unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// The data directory.
    pub data: String,
    /// The folder of the Unix socket.
    pub socket: String,
    /// The port.
    pub port: u16,
    /// The user as whom the tool connects.
    pub user: String,
}

/// TLS between units. Certificates bear the host name as their alternative name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The chain of the authority.
    pub authority: String,
    /// This unit's certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
    /// The common names by which certificates of units go, besides their host names.
    pub common_names: Vec<String>,
    /// The port of every unit's server.
    pub port: u16,
}

impl PgBackRestPaths {
    /// A unit as the charm lays it out, with hosts of this form.
    #[must_use]
    pub fn new(unit: UnitId, hosts: impl Into<String>, database: Database) -> Self {
        Self {
            unit,
            hosts: hosts.into(),
            program: "pgbackrest".into(),
            user: "postgres".into(),
            configuration: "/etc/pgbackrest.conf".into(),
            authorities: "/etc".into(),
            database,
            tls: None,
            processes: 2,
        }
    }

    /// The host name of a unit.
    #[must_use]
    pub fn host(&self, unit: UnitId) -> String {
        self.hosts.replace("{unit}", &unit.to_string())
    }
}

/// How long the tool may take, seen from outside and from within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PgBackRestLimits {
    /// How long the tool waits for one read or connection. An endpoint that refuses costs about ten times
    /// this: 10 s were measured at 1 s, and nine minutes at the tool's own default of a minute.
    pub io: Duration,
    /// How long it waits for a WAL segment to be archived.
    pub archive: Duration,
    /// When a command other than a backup is ended; a check has the time for a WAL segment besides.
    pub command: Duration,
    /// When a backup is ended.
    pub backup: Duration,
    /// When a ping is ended; it tries for ten seconds, three times.
    pub ping: Duration,
}

impl Default for PgBackRestLimits {
    fn default() -> Self {
        Self {
            io: Duration::from_secs(5),
            archive: Duration::from_secs(60),
            command: Duration::from_secs(120),
            backup: Duration::from_secs(24 * 60 * 60),
            ping: Duration::from_secs(60),
        }
    }
}
