//! This unit as Juju sees it, by the hook tools that Juju puts on the path of a hook.
//!
//! Each call is one process with a bound on its time; what it writes to standard error is recorded as the cause.

mod answers;
mod deferred;
mod tools;
mod unit;

use std::collections::BTreeMap;

use pgdrill_core::{Hook, ports::Identity, ports::UnitId};

pub use tools::HookTools;
pub use unit::JujuUnit;

/// Where a charm keeps what the hooks read: the names of its relations and secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CharmNames {
    /// The peer relation.
    pub peers: String,
    /// The relation with the S3 settings.
    pub s3: String,
    /// The label of the secret that holds this unit's TLS material.
    pub unit_secret: String,
    /// The label of the secret that holds the application's passwords.
    pub application_secret: String,
}

impl CharmNames {
    /// The names that the PostgreSQL Kubernetes charm gives them.
    #[must_use]
    pub fn of_charm(application: &str) -> Self {
        Self {
            peers: "database-peers".into(),
            s3: "s3-parameters".into(),
            unit_secret: format!("database-peers.{application}.unit"),
            application_secret: format!("database-peers.{application}.app"),
        }
    }
}

/// The event that Juju delivers, as its environment describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JujuEvent {
    /// The path that Juju would have run, as `hooks/update-status`.
    pub path: String,
    /// Who the unit is.
    pub identity: Identity,
    /// Whether an action runs.
    pub is_action: bool,
    /// The relation that this hook takes away, as `s3-parameters:4`: Juju still shows it.
    pub broken_relation: Option<String>,
}

impl JujuEvent {
    /// Reads the environment of a dispatch.
    ///
    /// # Errors
    ///
    /// The name of a variable that is missing or makes no sense.
    pub fn from_environment(variables: &BTreeMap<String, String>) -> Result<Self, String> {
        let get = |name: &str| {
            let value = variables.get(name).filter(|value| !value.is_empty());
            value.cloned().ok_or_else(|| format!("{name} is not set"))
        };
        let path = get("JUJU_DISPATCH_PATH")?;
        let unit = get("JUJU_UNIT_NAME")?;
        let wrong = || format!("JUJU_UNIT_NAME is `{}`", unit.escape_default());
        let (application, number) = unit.rsplit_once('/').ok_or_else(wrong)?;
        let number = number.parse().map(UnitId).map_err(|_| wrong())?;
        let version = get("JUJU_VERSION").unwrap_or_else(|_| "unknown".to_owned());
        let identity = Identity::new(
            get("JUJU_MODEL_NAME")?,
            get("JUJU_MODEL_UUID")?,
            application.to_owned(),
            number,
            version,
        );
        let is_broken = path.ends_with("-relation-broken");
        let broken_relation = if is_broken { get("JUJU_RELATION_ID").ok() } else { None };
        let is_action = variables.contains_key("JUJU_ACTION_NAME");
        Ok(Self { path, identity, is_action, broken_relation })
    }
}

/// What one firing within a dispatch is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FiringOf {
    /// The hook.
    pub hook: Hook,
    /// Whether an earlier event is fired again: it has no action of its own.
    pub is_refired: bool,
}

#[cfg(test)]
mod tests;
