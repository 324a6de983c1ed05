//! What the members of a cluster agree on.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::Value;

use super::{SCOPE, Topology};

/// What the members agree on, as the DCS itself holds it: what a member says of it may be of a moment ago.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Agreed {
    /// The name that holds the leader's lock.
    pub leader: Option<String>,
    /// The archive command of every server.
    pub archive_command: Option<String>,
    /// Whether the cluster was made. While it is being made the DCS holds nothing but that somebody does.
    pub is_made: bool,
}

/// An answer of etcd's to a question for a range of keys, as far as it is used.
#[derive(Deserialize)]
struct Range {
    #[serde(default)]
    kvs: Vec<Pair>,
}

#[derive(Deserialize)]
struct Pair {
    key: String,
    #[serde(default)]
    value: String,
}

impl Topology {
    /// What the members agree on; `None` where the DCS does not answer.
    pub async fn agreed(&self) -> Option<Agreed> {
        // The character that follows the slash ends the range.
        let key = |end| BASE64_STANDARD.encode(format!("/service/{SCOPE}{end}"));
        let request = serde_json::json!({ "key": key('/'), "range_end": key('0') });
        read(&self.etcd("kv/range", &request).await.ok()?)
    }
}

fn read(answer: &[u8]) -> Option<Agreed> {
    let range: Range = serde_json::from_slice(answer).ok()?;
    let text = |encoded: &str| String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok();
    let mut agreed = Agreed::default();
    for pair in range.kvs {
        let (key, value) = (text(&pair.key)?, text(&pair.value)?);
        match key.rsplit('/').next() {
            Some("leader") => agreed.leader = Some(value),
            Some("initialize") => agreed.is_made = !value.is_empty(),
            Some("config") => {
                let config: Value = serde_json::from_str(&value).ok()?;
                let command = config.pointer("/postgresql/parameters/archive_command");
                agreed.archive_command = command.and_then(Value::as_str).map(str::to_owned);
            }
            _ => {}
        }
    }
    Some(agreed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(pairs: &[(&str, &str)]) -> Vec<u8> {
        let encode = |text: &str| BASE64_STANDARD.encode(text);
        let kvs: Vec<Value> = pairs
            .iter()
            .map(|(key, value)| {
                let key = encode(&format!("/service/{SCOPE}/{key}"));
                if value.is_empty() {
                    // A value that is empty is left away.
                    serde_json::json!({ "key": key, "version": "1" })
                } else {
                    serde_json::json!({ "key": key, "value": encode(value) })
                }
            })
            .collect();
        serde_json::json!({ "header": {}, "kvs": kvs }).to_string().into_bytes()
    }

    #[test]
    fn what_the_dcs_holds_is_what_the_members_agree_on() {
        let config = r#"{"ttl":20,"postgresql":{"parameters":{"archive_command":"/bin/true"}}}"#;
        let whole =
            [("config", config), ("initialize", "77"), ("leader", "unit-1"), ("status", "{}")];
        let agreed = Agreed {
            leader: Some("unit-1".into()),
            archive_command: Some("/bin/true".into()),
            is_made: true,
        };
        assert_eq!(read(&answer(&whole)), Some(agreed));
        assert_eq!(read(&answer(&[("initialize", "")])), Some(Agreed::default()));
        assert_eq!(read(br#"{"header":{}}"#), Some(Agreed::default()));
        assert_eq!(read(b"no leader"), None);
    }
}
