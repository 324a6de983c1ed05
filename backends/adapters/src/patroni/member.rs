//! What must be known of a member to reach and configure it.

use std::{collections::BTreeMap, time::Duration};

use pgdrill_core::{Secret, ports::UnitId};

use crate::http::NoAnswer;

/// A member of a cluster, and the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// This unit.
    pub unit: UnitId,
    /// The other units, which are asked for the primary when this unit's member does not answer.
    pub peers: Vec<UnitId>,
    /// The names of members: `{unit}` stands for the unit's number.
    pub names: String,
    /// The hosts of units: `{unit}` stands for the unit's number.
    pub hosts: String,
    /// The port of every member's REST API.
    pub api_port: u16,
    /// Where this process reaches the REST API of units whose hosts it does not, as `127.0.0.1:40001`. Such
    /// an address is a port that a container engine publishes: it takes connections for a member that does
    /// not run, and closes them.
    pub reached: BTreeMap<UnitId, String>,
    /// The name of the cluster in the DCS.
    pub scope: String,
    /// The etcd servers, as `host:port`.
    pub etcd: Vec<String>,
    /// The configuration file.
    pub configuration: String,
    /// The template of that file, in Jinja's syntax, in place of this crate's own. It is given the same values, and
    /// refused unless it uses those without which a hook would wait in vain, close nothing or restore nothing.
    pub template: Option<String>,
    /// The user as whom the database and its manager run, also the database's superuser.
    pub user: String,
    /// The folder of the database's programs.
    pub programs: String,
    /// The data directory.
    pub data: String,
    /// The folder of the Unix socket.
    pub socket: String,
    /// The port of the database.
    pub port: u16,
    /// More settings of the database. Those that all members of a cluster must share take effect only if the
    /// cluster was made with them; none can change what the configuration sets itself.
    pub parameters: BTreeMap<String, String>,
    /// The superuser's password.
    pub superuser_password: Secret,
    /// The password of the user `replication`.
    pub replication_password: Secret,
    /// The password of the user `rewind`, with whom a former primary follows the new one.
    pub rewind_password: Secret,
}

impl Member {
    /// The host of a unit.
    #[must_use]
    pub fn host(&self, unit: UnitId) -> String {
        self.hosts.replace("{unit}", &unit.to_string())
    }

    /// The name of a unit's member.
    #[must_use]
    pub fn name(&self, unit: UnitId) -> String {
        self.names.replace("{unit}", &unit.to_string())
    }

    /// The unit whose member has this name.
    #[must_use]
    pub fn unit_of(&self, name: &str) -> Option<UnitId> {
        let (before, after) = self.names.split_once("{unit}")?;
        let number = name.strip_prefix(before)?.strip_suffix(after)?;
        number.parse().ok().map(UnitId).filter(|&unit| self.name(unit) == name)
    }

    /// Whether a request without an answer means that no manager runs on the unit.
    pub(super) fn is_down(&self, unit: UnitId, why: &NoAnswer) -> bool {
        why.is_refused || why.is_cut && self.reached.contains_key(&unit)
    }

    pub(super) fn url(&self, unit: UnitId, path: &str) -> String {
        match self.reached.get(&unit) {
            Some(address) => format!("http://{address}/{path}"),
            None => format!("http://{}:{}/{path}", self.host(unit), self.api_port),
        }
    }
}

/// How long a member may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatroniLimits {
    /// For one request of one member, or one question to its server.
    pub request: Duration,
    /// Until a running member has loaded new settings.
    pub load: Duration,
}

impl Default for PatroniLimits {
    fn default() -> Self {
        Self { request: Duration::from_secs(5), load: Duration::from_secs(30) }
    }
}
