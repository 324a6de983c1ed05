//! What Juju says: databags, the S3 relation, and whatever a hook tool may answer.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use pgdrill_adapters::{
    command::{CommandOutput, CommandRunner, Invocation, RunFailure},
    juju::{CharmNames, FiringOf, HookTools, JujuEvent, JujuUnit},
};
use pgdrill_core::{
    Amendments, FiringLine, Hook, Outcome, Ports, fire,
    ports::{ARGUMENT_LIMIT, Workload},
};
use pgdrill_dispatch::{Dispatched, Environment};
use pgdrill_sim::{BackupGiven, Given, S3Given, StanzaGiven, View, World};
use pgdrill_tests::hostile::{Door, Grammar, Opened};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{LIMIT, withstands};

/// What Juju knows of the unit, by what is asked for.
pub(crate) fn juju() -> Value {
    let stanza = "drill.patroni-postgresql-k8s";
    json!({
        "app": {
            "cluster_initialised": "True", "stanza": stanza,
            "stanza-repository": "https://s3.example.com/backups/postgresql",
            "operator-password": "a", "replication-password": "b", "rewind-password": "c",
        },
        "unit": {
            "connectivity": "on", "tls": "", "tls-peers": "1",
            "repository": "https://s3.example.com/backups/postgresql", "key": "k", "ca": "c", "cert": "c",
        },
        "s3": {
            "bucket": "backups", "endpoint": "https://s3.example.com", "path": "/postgresql", "region": "eu",
            "access-key": "key-canary", "secret-key": "secret-canary", "s3-uri-style": "path",
            "tls-ca-chain": "[\"one\",\"two\"]",
        },
        "secret": { "access-key": "key-canary", "secret-key": "secret-canary" },
        "parameters": { "backup-id": "2026-11-23T02:43:06Z" },
        "status": { "status": "active", "message": "", "status-data": {} },
        "goal": { "units": { "postgresql-k8s/0": { "status": "active" } }, "relations": {} },
        "peers": [], "leader": true, "deferred": "",
    })
}

/// States of Juju: that of [`juju`], and others that differ from it in one part each.
pub(crate) fn states() -> Vec<Value> {
    let changed = |key: &str, more: Value| {
        let mut state = juju();
        let (Some(part), Value::Object(more)) = (state[key].as_object_mut(), more) else {
            state[key] = json!({});
            return state;
        };
        part.extend(more);
        state
    };
    vec![
        juju(),
        changed("parameters", json!({ "type": "full" })),
        changed(
            "app",
            json!({ "restoring-backup": "20261123-024306F", "restore-stanza": "x.patroni-y" }),
        ),
        changed("s3", json!({ "secret-extra": "secret:9m4e2mr0ui3e8a215n4g" })),
        changed(
            "status",
            json!({ "status": "blocked", "message": "failed to initialize stanza, check your S3 settings" }),
        ),
        changed("status", json!({ "status": "maintenance", "message": "creating backup" })),
        changed("unit", json!({ "connectivity": "off", "tls": "enabled" })),
    ]
}

/// Hook tools that answer from what Juju knows, and keep what people would be shown.
pub(crate) struct Tools {
    juju: Value,
    /// The call with this number is answered with this code and these words, whatever it asks for.
    instead: Option<(usize, i32, String)>,
    calls: AtomicUsize,
    seen: Mutex<Opened>,
}

impl Tools {
    pub(crate) fn new(juju: Value, instead: Option<(usize, i32, String)>) -> Arc<Self> {
        let (calls, seen) = (AtomicUsize::new(0), Mutex::default());
        Arc::new(Self { juju, instead, calls, seen })
    }

    /// The right answer to a call.
    fn answer(&self, words: &[&str]) -> (i32, String) {
        let part = |key: &str| self.juju.get(key).cloned().unwrap_or_default();
        let keyed = |key: &str, name: &str| match (part(key), name) {
            (whole, "-") => whole,
            (whole, name) => whole.get(name).cloned().unwrap_or_default(),
        };
        let answer = match words {
            ["relation-ids", "s3-parameters", ..] => json!(["s3-parameters:4"]),
            ["relation-ids", ..] => json!(["database-peers:1"]),
            ["relation-list", .., "--app", "--format=json"] => json!("s3-integrator"),
            ["relation-list", ..] => part("peers"),
            ["relation-get", "-r", "database-peers:1", "--app", _, name, _] => keyed("app", name),
            ["relation-get", "-r", "database-peers:1", _, name, _] => keyed("unit", name),
            ["relation-get", ..] => part("s3"),
            ["is-leader", ..] => part("leader"),
            ["status-get", ..] => part("status"),
            ["goal-state", ..] => part("goal"),
            ["secret-get", "--label", ..] => return (1, "ERROR secret not found".to_owned()),
            ["secret-get", ..] => part("secret"),
            ["action-get", _, name] => keyed("parameters", name),
            ["action-get", ..] => part("parameters"),
            ["state-get", ..] => {
                return (0, part("deferred").as_str().unwrap_or_default().to_owned());
            }
            _ => return (0, String::new()),
        };
        (0, answer.to_string())
    }

    /// Keeps what a call puts before people.
    fn note(&self, words: &[&str], stdin: Option<&[u8]>) {
        let mut seen = self.seen.lock().expect("whole");
        match words {
            ["status-set", "--", _, text]
            | ["action-fail", "--", text]
            | ["action-set", text]
            | ["juju-log", _, _, "--", text] => {
                if text.contains('\0') || text.len() > ARGUMENT_LIMIT {
                    let (tool, length) = (words[0], text.len());
                    seen.faults.push(format!("{tool} can't carry its text of {length} bytes"));
                }
                seen.shown.push((*text).to_owned());
            }
            ["relation-set", ..] => {
                let pair = stdin.map(serde_json::from_slice::<Value>);
                if !matches!(pair, Some(Ok(Value::Object(_)))) {
                    seen.faults.push("a databag is written with what is no JSON".to_owned());
                }
            }
            _ => {}
        }
    }

    /// What people were shown of one hook after another, with these ports but for the unit.
    pub(crate) fn fired(
        self: &Arc<Self>,
        hooks: &[Hook],
        mut ports_of: impl FnMut() -> Ports,
        runtime: Option<&Runtime>,
    ) -> Opened {
        for hook in hooks {
            let (event, is_refired) = (juju_event(*hook), false);
            let tools = HookTools::new(Arc::clone(self), LIMIT);
            let names = CharmNames::of_charm("postgresql-k8s");
            let unit = JujuUnit::new(tools, names, event, FiringOf { hook: *hook, is_refired });
            let ports = Ports { unit: Arc::new(unit.clone()), ..ports_of() };
            let work = async {
                let deferred = unit.deferred().await;
                let firing = fire(&ports, *hook, Amendments::all(), None).await;
                let line = FiringLine { firing: firing.clone(), is_refired };
                let logged = unit.log(line.level(), &line.line()).await;
                (deferred, firing, logged)
            };
            // Where everything answers at once, one poll is the whole of it.
            let ended = match runtime {
                Some(runtime) => Some(runtime.block_on(work)),
                None => work.now_or_never(),
            };
            let Some((deferred, firing, _)) = ended else {
                self.seen.lock().expect("whole").faults.push(format!("{hook} waits"));
                continue;
            };
            let mut seen = self.seen.lock().expect("whole");
            let error = match firing.outcome {
                Outcome::Error(error) => Some(error.to_string()),
                Outcome::Failed(text) => {
                    seen.is_refused = true;
                    seen.shown.push(text);
                    None
                }
                Outcome::Returned | Outcome::Deferred | Outcome::Finished | Outcome::Died(_) => {
                    None
                }
            };
            // A hook that fails says why on standard error, which Juju keeps in its log.
            for why in deferred.err().map(|why| why.to_string()).into_iter().chain(error) {
                seen.is_refused = true;
                seen.shown.extend(Dispatched::Failed(why).conclude().err());
            }
        }
        self.seen.lock().expect("whole").clone()
    }
}

#[async_trait]
impl CommandRunner for Tools {
    async fn run(&self, invocation: &Invocation) -> Result<CommandOutput, RunFailure> {
        let words: Vec<&str> = invocation.argv.iter().map(String::as_str).collect();
        self.note(&words, invocation.stdin.as_deref());
        // What the system says to such a word, as a local runner tells it.
        if words.iter().any(|word| word.contains('\0')) {
            return Err(RunFailure::NotStarted { cause: "nul byte found in provided data".into() });
        }
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let (code, text) = match &self.instead {
            Some((at, code, text)) if *at == number => (*code, text.clone()),
            _ => self.answer(&words),
        };
        let (stdout, stderr) =
            if code == 0 { (text, String::new()) } else { (String::new(), text) };
        Ok(CommandOutput { code: Some(code), stdout, stderr })
    }
}

/// The environment of a hook.
pub(crate) fn environment(hook: Hook) -> Environment {
    let is_action = matches!(hook, Hook::CreateBackup | Hook::ListBackups | Hook::Restore);
    let path = if is_action { format!("actions/{hook}") } else { format!("hooks/{hook}") };
    let mut variables = vec![
        ("JUJU_DISPATCH_PATH", path),
        ("JUJU_UNIT_NAME", "postgresql-k8s/0".to_owned()),
        ("JUJU_MODEL_NAME", "drill".to_owned()),
        ("JUJU_MODEL_UUID", "5e55104e".to_owned()),
        ("JUJU_VERSION", "3.6.9".to_owned()),
    ];
    if is_action {
        variables.push(("JUJU_ACTION_NAME", hook.to_string()));
    }
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn juju_event(hook: Hook) -> JujuEvent {
    JujuEvent::from_environment(&environment(hook)).expect("complete")
}

/// A world with a repository of its own.
pub(crate) fn world() -> World {
    World::new(&Given {
        s3: Some(S3Given::default()),
        stanza: StanzaGiven::Initialised,
        backups: vec![BackupGiven::Full, BackupGiven::Differential],
        ..Given::default()
    })
}

pub(crate) fn ports() -> Ports {
    View::new(&world().shared(), 0).expect("a unit").ports()
}

/// A number of an input, by which what it is for is chosen.
pub(crate) fn sum(bytes: &[u8]) -> usize {
    bytes.iter().fold(7_usize, |sum, byte| sum.wrapping_mul(31) + usize::from(*byte)) >> 3
}

/// Every text of a document that is no text becomes one, as databags hold nothing else.
fn as_texts(value: &mut Value) {
    if let Value::Object(entries) = value {
        for entry in entries.values_mut().filter(|entry| !entry.is_string()) {
            *entry = Value::from(entry.to_string());
        }
    }
}

fn databag_door() -> Door {
    let seeds: Vec<Vec<u8>> = states().iter().map(|state| state.to_string().into_bytes()).collect();
    let open = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let mut state = serde_json::from_str(&text).unwrap_or_else(|_| {
            // What is no document is a value, everywhere.
            let mut state = juju();
            for bag in ["app", "unit", "s3", "secret", "parameters"] {
                let values = state[bag].as_object_mut().expect("a map").values_mut();
                values.for_each(|value| *value = Value::from(&*text));
            }
            state
        });
        for bag in ["app", "unit", "s3", "secret"] {
            if let Some(bag) = state.get_mut(bag) {
                as_texts(bag);
            }
        }
        let hook = Hook::ALL[sum(bytes) % Hook::ALL.len()];
        Tools::new(state, None).fired(&[hook], ports, None)
    };
    let words = &[
        "stanza",
        "bucket",
        "endpoint",
        "path",
        "secret-extra",
        "restoring-backup",
        "connectivity",
        "off",
        "on",
        "tls-ca-chain",
        "https://",
    ];
    Door { name: "databag", grammar: Grammar::new(seeds, words), open: Box::new(open) }
}

#[test]
fn databags() {
    withstands(databag_door());
}

/// Answers as tools were seen to give them.
const ANSWERS: &[&str] = &[
    "true",
    "false",
    "null",
    "",
    "\"s3-integrator\"",
    "[\"database-peers:1\"]",
    "[\"postgresql-k8s/10\",\"postgresql-k8s/0\"]",
    r#"{"message":"creating backup","status":"maintenance","status-data":{}}"#,
    r#"{"units":{"p/0":{"status":"active"},"p/1":{"status":"dying"}},"relations":{}}"#,
    r#"{"bucket":"b","access-key":"k","secret-key":"s","path":"/p","tls-ca-chain":"[\"one\"]","data":"{}"}"#,
    r#"{"key":"k","cauth":"c","cert":"c"}"#,
    "create-backup restore",
    "ERROR permission denied",
    "ERROR cannot write relation settings",
    "ERROR the secret \"x\" not found\nerror: exit 1",
    "error: connection refused",
];

fn answer_door() -> Door {
    let seeds = ANSWERS.iter().map(|answer| answer.as_bytes().to_vec());
    let open = |bytes: &[u8]| {
        // Which call is answered so, and how the tool ends, are the input's own.
        let sum = sum(bytes);
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (code, call) = (i32::from(sum.is_multiple_of(4)), (sum / 24) % 12);
        let hook = Hook::ALL[(sum / 4) % Hook::ALL.len()];
        Tools::new(juju(), Some((call, code, text))).fired(&[hook], ports, None)
    };
    let words = &[
        "status",
        "message",
        "units",
        "blocked",
        "active",
        "error",
        "unknown",
        "ERROR ",
        "not found",
        "s3-parameters:4",
    ];
    Door { name: "answer", grammar: Grammar::new(seeds, words), open: Box::new(open) }
}

#[test]
fn answers_of_hook_tools() {
    withstands(answer_door());
}

/// These ports, with another workload.
pub(crate) fn ports_with(workload: Arc<dyn Workload>) -> Ports {
    Ports { workload, ..ports() }
}
