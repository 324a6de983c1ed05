//! What hook tools answer.

use std::collections::BTreeMap;

use pgdrill_core::{S3Relation, Secret, Status, StatusName, ports::UnitId};
use serde::Deserialize;
use serde_json::Value;

/// `status-get --include-data`.
#[derive(Deserialize)]
pub(super) struct StatusAnswer {
    status: String,
    #[serde(default)]
    message: String,
}

impl StatusAnswer {
    pub(super) fn into_status(self) -> Result<Status, String> {
        let name = StatusName::ALL.iter().find(|name| name.name() == self.status);
        let name = name.ok_or_else(|| format!("the status `{}` is not known", self.status))?;
        Ok(Status::new(*name, self.message))
    }
}

/// `goal-state`.
#[derive(Deserialize)]
pub(super) struct GoalState {
    units: BTreeMap<String, GoalUnit>,
}

#[derive(Deserialize)]
struct GoalUnit {
    status: String,
}

impl GoalState {
    /// How many units there will be: those that are not on their way out.
    pub(super) fn planned(&self) -> u32 {
        let staying = self.units.values().filter(|unit| unit.status != "dying").count();
        u32::try_from(staying).unwrap_or(u32::MAX)
    }
}

/// The unit of a name such as `postgresql-k8s/2`.
pub(super) fn unit_of(name: &str, application: &str) -> Option<UnitId> {
    let number = name.strip_prefix(application)?.strip_prefix('/')?;
    number.parse().ok().map(UnitId)
}

/// Text of a databag or secret; what is empty, or marked as deleted by the library that keeps secrets for
/// charms, is none.
pub(super) fn text(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.clone(),
        Value::Null => return None,
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            other.to_string()
        }
    };
    (!text.is_empty() && text != "#DELETED#").then_some(text)
}

/// Text that a charm keeps in a secret or a databag. Where it takes one away some charms write the word `None` in its
/// place.
pub(super) fn kept_text(value: Option<&Value>) -> Option<String> {
    text(value).filter(|text| text != "None")
}

/// A map of texts, as databags and secrets are.
pub(super) type TextMap = BTreeMap<String, Value>;

/// The relation's data, with the credentials of the secret that it may name.
pub(super) fn s3_relation(bag: &TextMap, secret: &TextMap) -> S3Relation {
    let plain = |key: &str| text(bag.get(key)).map(Into::into);
    let credential =
        |key: &str| text(secret.get(key)).or_else(|| text(bag.get(key))).map(Secret::new);
    S3Relation {
        bucket: plain("bucket"),
        access_key: credential("access-key"),
        secret_key: credential("secret-key"),
        endpoint: plain("endpoint"),
        path: plain("path"),
        region: plain("region"),
        uri_style: plain("s3-uri-style"),
        names_no_secret: false,
        tls_ca_chain: text(bag.get("tls-ca-chain").or_else(|| secret.get("tls-ca-chain")))
            .map(|chain| joined(&chain).into()),
    }
}

/// The chain may be a JSON list of its certificates.
fn joined(chain: &str) -> String {
    match serde_json::from_str::<Vec<String>>(chain) {
        Ok(certificates) => certificates.join("\n"),
        Err(_) => chain.to_owned(),
    }
}
