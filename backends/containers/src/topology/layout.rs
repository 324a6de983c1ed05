//! Where everything is in a topology: names, ports, folders.

use std::{collections::BTreeMap, time::Duration};

use pgdrill_core::{Secret, ports::UnitId};

use pgdrill_adapters::{
    patroni::{self, Member},
    pgbackrest::{self, Database, PgBackRestPaths, Tls},
};

/// The port of every member's REST API.
pub(super) const API: u16 = 8008;
/// The port of every database.
pub(super) const DATABASE: u16 = 5432;
/// The port of etcd.
pub(super) const ETCD: u16 = 2379;
/// The host name of etcd.
pub(super) const ETCD_HOST: &str = "etcd";
/// The name of the cluster in the DCS.
pub(super) const SCOPE: &str = "drill";
/// The database's user, who is its superuser, too.
pub(super) const USER: &str = "postgres";
/// The data directory of every unit.
pub const DATA: &str = "/var/lib/postgresql/data/pgdata";
/// The data directory of another cluster, which never runs and only lends its identity.
pub(super) const OTHER_DATA: &str = "/var/lib/postgresql/data/other";
/// The cluster manager's configuration.
const PATRONI: &str = "/etc/patroni/patroni.yml";
/// The backup tool's configuration.
pub const PGBACKREST: &str = "/etc/pgbackrest.conf";
/// The configuration with which the backups of another cluster are made.
pub(super) const OTHER_PGBACKREST: &str = "/etc/pgbackrest/other.conf";
const PROGRAMS: &str = "/usr/lib/postgresql/17/bin";
const SOCKET: &str = "/run/postgresql";
const AUTHORITY: &str = "/etc/pgbackrest/ca.crt";
const CERTIFICATE: &str = "/etc/pgbackrest/server.crt";
const KEY: &str = "/etc/pgbackrest/server.key";
/// The port of every unit's TLS server.
const TLS: u16 = 8432;

/// The host name of a unit.
#[must_use]
pub fn host(unit: u32) -> String {
    format!("unit-{unit}")
}

/// The files of a unit's TLS server: authority, certificate, key.
pub(super) const TLS_FILES: [&str; 3] = [AUTHORITY, CERTIFICATE, KEY];

/// How long everything may take, and how fast time goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How many seconds of a hook pass in a second: what a hook waits for by the clock, and how long WAL
    /// may take, is shorter by as much.
    pub faster: u32,
    /// How long the backup tool waits for one read or connection; an endpoint that refuses costs about ten
    /// times as much.
    pub io: Duration,
    /// When a command of the backup tool is given up.
    pub command: Duration,
    /// When a backup is given up. Where S3 is gone from its middle on, the tool itself tries about thirty times as long as
    /// `io` (record 108) before it says so.
    pub backup: Duration,
}

impl Pace {
    /// Time as it is, and as much of it as a person's own cluster may need.
    pub const REAL: Self = Self {
        faster: 1,
        io: Duration::from_secs(5),
        command: Duration::from_secs(120),
        backup: Duration::from_secs(60 * 60),
    };
    /// For rehearsals: an empty cluster's backup takes seconds, and a minute's wait need not be one.
    pub const REHEARSAL: Self = Self {
        faster: 6,
        io: Duration::from_secs(2),
        command: Duration::from_secs(40),
        backup: Duration::from_secs(100),
    };

    pub(super) fn tool(self) -> pgbackrest::PgBackRestLimits {
        pgbackrest::PgBackRestLimits {
            io: self.io,
            archive: Duration::from_secs(60) / self.faster,
            command: self.command,
            backup: self.backup,
            ping: Duration::from_secs(40),
        }
    }

    pub(super) fn manager() -> patroni::PatroniLimits {
        // Without the DCS it answers once it has tried for its `retry_timeout`, 5 s.
        patroni::PatroniLimits { request: Duration::from_secs(10), load: Duration::from_secs(30) }
    }
}

/// The passwords of a topology's database users.
#[derive(Debug, Clone)]
pub(super) struct Passwords {
    pub(super) superuser: Secret,
    pub(super) replication: Secret,
    pub(super) rewind: Secret,
}

/// A unit as its cluster manager's adapter must know it.
pub(super) fn member(
    unit: u32,
    all: &[u32],
    reached: BTreeMap<UnitId, String>,
    passwords: &Passwords,
) -> Member {
    Member {
        unit: UnitId(unit),
        peers: all.iter().filter(|&&other| other != unit).map(|&other| UnitId(other)).collect(),
        names: "unit-{unit}".into(),
        hosts: "unit-{unit}".into(),
        api_port: API,
        reached,
        scope: SCOPE.into(),
        etcd: vec![format!("{ETCD_HOST}:{ETCD}")],
        configuration: PATRONI.into(),
        template: None,
        user: USER.into(),
        programs: PROGRAMS.into(),
        data: DATA.into(),
        socket: SOCKET.into(),
        port: DATABASE,
        superuser_password: passwords.superuser.clone(),
        replication_password: passwords.replication.clone(),
        rewind_password: passwords.rewind.clone(),
        parameters: parameters(),
    }
}

/// What keeps an empty database small and quick. A killed container loses nothing by `fsync`: the machine
/// under it goes on.
fn parameters() -> BTreeMap<String, String> {
    [
        ("fsync", "off"),
        ("shared_buffers", "16MB"),
        ("max_connections", "30"),
        ("wal_keep_size", "64MB"),
        ("min_wal_size", "32MB"),
        ("max_wal_size", "256MB"),
        ("max_worker_processes", "4"),
        ("max_wal_senders", "8"),
        ("max_replication_slots", "8"),
        ("jit", "off"),
        ("autovacuum", "off"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// A unit as its backup tool's adapter must know it.
pub(super) fn paths(unit: u32, tls: bool) -> PgBackRestPaths {
    let database =
        Database { data: DATA.into(), socket: SOCKET.into(), port: DATABASE, user: USER.into() };
    let mut paths = PgBackRestPaths::new(UnitId(unit), "unit-{unit}", database);
    paths.tls = tls.then(|| Tls {
        authority: AUTHORITY.into(),
        certificate: CERTIFICATE.into(),
        key: KEY.into(),
        common_names: Vec::new(),
        port: TLS,
    });
    paths
}
