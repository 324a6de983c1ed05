//! Where a charm has its files and servers.

use std::{path::PathBuf, time::Duration};

use pgdrill_core::ports::Identity;

use pgdrill_adapters::{
    juju::CharmNames,
    kubernetes::Api,
    patroni, pebble,
    pgbackrest::{self, Database, Tls},
    s3,
};

/// Where a charm has its files and servers, and how long each may take. Nothing of it is decided by a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its relations and secrets.
    pub names: CharmNames,
    /// How long a hook tool may take.
    pub tool_limit: Duration,
    /// The socket of the workload container's supervisor.
    pub pebble: PathBuf,
    /// How long that may take.
    pub pebble_limits: pebble::PebbleLimits,
    /// The hosts of units: `{unit}` stands for the unit's number.
    pub hosts: String,
    /// The names of the cluster's members, likewise.
    pub members: String,
    /// The cluster's name in the DCS.
    pub scope: String,
    /// The port of every member's REST API.
    pub api_port: u16,
    /// The cluster manager's configuration file.
    pub patroni: String,
    /// The charm's own template of that file, in Jinja's syntax, if it is to be rendered from that one.
    pub patroni_template: Option<String>,
    /// How long the cluster manager may take.
    pub patroni_limits: patroni::PatroniLimits,
    /// The folder of the database's programs.
    pub programs: String,
    /// The user as whom the database and the backup tool run.
    pub user: String,
    /// The database.
    pub database: Database,
    /// The files of the TLS server, where TLS is on.
    pub tls: Tls,
    /// How long the backup tool may take.
    pub pgbackrest_limits: pgbackrest::PgBackRestLimits,
    /// How long S3 may take.
    pub s3_limits: s3::S3Limits,
    /// The cluster's API.
    pub kubernetes: Api,
}

impl Site {
    /// The PostgreSQL Kubernetes charm, as it is laid out.
    #[must_use]
    pub fn of_charm(identity: &Identity) -> Self {
        let application = identity.application();
        let data = "/var/lib/postgresql/data";
        Self {
            names: CharmNames::of_charm(application),
            tool_limit: Duration::from_secs(30),
            pebble: "/charm/containers/postgresql/pebble.socket".into(),
            pebble_limits: pebble::PebbleLimits::default(),
            hosts: format!("{application}-{{unit}}.{application}-endpoints"),
            members: format!("{application}-{{unit}}"),
            scope: format!("patroni-{application}"),
            api_port: 8008,
            patroni: format!("{data}/patroni.yml"),
            patroni_template: None,
            patroni_limits: patroni::PatroniLimits::default(),
            programs: "/usr/lib/postgresql/14/bin".into(),
            user: "postgres".into(),
            database: Database {
                data: format!("{data}/pgdata"),
                socket: "/tmp".into(),
                port: 5432,
                user: "operator".into(),
            },
            tls: Tls {
                authority: format!("{data}/ca.pem"),
                certificate: format!("{data}/cert.pem"),
                key: format!("{data}/key.pem"),
                common_names: Vec::new(),
                port: 8432,
            },
            pgbackrest_limits: pgbackrest::PgBackRestLimits::default(),
            s3_limits: s3::S3Limits::default(),
            kubernetes: Api {
                host: "kubernetes.default.svc".into(),
                port: 443,
                account: "/var/run/secrets/kubernetes.io/serviceaccount".into(),
                namespace: Some(identity.model().to_owned()),
                limit: Duration::from_secs(15),
            },
        }
    }
}
