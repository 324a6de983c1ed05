//! The hook tools: programs that ask the world, and what the world answers as Juju would.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
};

use pgdrill_core::{
    Hook, PortError, PortErrorKind, S3Relation, Status, StatusName, interned,
    ports::{Databag, Unit, UnitId, key},
};
use serde_json::{Value, json};

use super::{
    authority::authority,
    shared::SharedState,
    wire::{Ask, WorldAnswer},
};
use crate::called::Called;

/// The variable by which Juju tells its hook tools where the agent listens: here, the world.
pub(super) const SOCKET: &str = "JUJU_AGENT_SOCKET_ADDRESS";

/// Every tool that is stood in for.
pub(super) const TOOLS: [&str; 15] = [
    "action-fail",
    "action-get",
    "action-set",
    "goal-state",
    "is-leader",
    "juju-log",
    "relation-get",
    "relation-ids",
    "relation-list",
    "relation-set",
    "secret-get",
    "state-delete",
    "state-get",
    "state-set",
    "status-get",
];
/// The last of them, apart as it changes what users see.
pub(super) const STATUS_SET: &str = "status-set";

const PEERS: &str = "database-peers:1";
const S3: &str = "s3-parameters:4";
const DEFERRED: &str = "pgdrill-deferred";
/// What the value of a secret is, where nobody looks at it.
const SECRET: &str = "drill-secret-canary";

/// Stands in for the hook tool as which this process was called: its output and exit code. `None`: it was
/// called as something else.
#[must_use]
pub(super) fn stand_in(socket: &str, unit: &str, argv: &[String]) -> Option<Called> {
    let name = argv.first()?.rsplit('/').next()?;
    if name != STATUS_SET && !TOOLS.contains(&name) {
        return None;
    }
    let mut argv = argv.to_vec();
    if let Some(first) = argv.first_mut() {
        *first = name.to_owned();
    }
    let unit = unit.rsplit('/').next().and_then(|number| number.parse().ok());
    let asked = ask(socket, unit.unwrap_or(0), argv);
    let failed = |why: String| WorldAnswer {
        code: 2,
        stderr: format!("ERROR {why}\n"),
        ..WorldAnswer::default()
    };
    let answer = asked.unwrap_or_else(failed);
    Some(Called { stdout: answer.stdout, stderr: answer.stderr, code: answer.code })
}

fn ask(socket: &str, unit: u32, argv: Vec<String>) -> Result<WorldAnswer, String> {
    let words = |why: std::io::Error| format!("{socket}: {why}");
    let mut stdin = String::new();
    if argv.windows(2).any(|two| two == ["--file", "-"]) {
        std::io::stdin().read_to_string(&mut stdin).map_err(words)?;
    }
    let mut stream = UnixStream::connect(socket).map_err(words)?;
    let mut line =
        serde_json::to_string(&Ask::Tool { unit, argv, stdin }).map_err(|why| why.to_string())?;
    line.push('\n');
    stream.write_all(line.as_bytes()).map_err(words)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).map_err(words)?;
    serde_json::from_str(&answer).map_err(|why| why.to_string())
}

type ToolResult = Result<String, String>;

/// Answers a tool.
pub(super) async fn tool(
    shared: &SharedState,
    unit: u32,
    argv: &[String],
    stdin: &str,
) -> WorldAnswer {
    {
        let mut called = argv.join(" ");
        if !stdin.is_empty() {
            called = format!("{called} < {stdin}");
        }
        shared.state().tools.push(called);
    }
    match run(shared, unit, argv, stdin).await {
        Ok(stdout) => WorldAnswer { stdout, ..WorldAnswer::default() },
        Err(why) => {
            WorldAnswer { code: 1, stderr: format!("ERROR {why}\n"), ..WorldAnswer::default() }
        }
    }
}

/// What stands in `argv` behind the tool: its words without options, and the id after `-r`.
struct Words<'a> {
    plain: Vec<&'a str>,
    relation: Option<&'a str>,
    is_app: bool,
    label: Option<&'a str>,
}

impl<'a> Words<'a> {
    fn of(argv: &'a [String]) -> Self {
        let mut words = Self { plain: Vec::new(), relation: None, is_app: false, label: None };
        let mut rest = argv.iter().skip(1).map(String::as_str);
        while let Some(word) = rest.next() {
            match word {
                "-r" => words.relation = rest.next(),
                "--label" => words.label = rest.next(),
                "-l" | "--file" => drop(rest.next()),
                "--app" => words.is_app = true,
                "--" => words.plain.extend(rest.by_ref()),
                option if option.starts_with("--") => {}
                plain => words.plain.push(plain),
            }
        }
        words
    }
}

fn reported(error: &PortError) -> String {
    match error.kind() {
        PortErrorKind::Denied => "cannot write relation settings".to_owned(),
        PortErrorKind::Unreachable
        | PortErrorKind::NotFound
        | PortErrorKind::Refused
        | PortErrorKind::TimedOut
        | PortErrorKind::Malformed => error.cause().to_owned(),
    }
}

async fn run(shared: &SharedState, number: u32, argv: &[String], stdin: &str) -> ToolResult {
    let words = Words::of(argv);
    let name = argv.first().map(String::as_str).unwrap_or_default();
    let own = shared.ports(number);
    let unit = own.map_err(|_| format!("unit \"postgresql-k8s/{number}\" not found"))?.unit;
    let failed = |error: PortError| reported(&error);
    let first = words.plain.first().copied().unwrap_or_default();
    match name {
        "is-leader" => Ok(unit.is_leader().await.map_err(failed)?.to_string()),
        "status-get" => {
            let status = unit.status().await.map_err(failed)?;
            let name = status.name.name();
            Ok(json!({ "status": name, "message": status.message, "status-data": {} }).to_string())
        }
        STATUS_SET => status_set(&*unit, first, words.plain.get(1).copied()).await,
        "goal-state" => goal_state(&*unit).await,
        "relation-ids" => relation_ids(shared, &*unit, first).await,
        "relation-list" if words.relation == Some(S3) => Ok("\"s3-integrator\"".to_owned()),
        "relation-list" => {
            let peers = unit.peers().await.map_err(failed)?;
            let names = peers.iter().map(|peer| format!("postgresql-k8s/{peer}").into());
            Ok(Value::Array(names.collect()).to_string())
        }
        "relation-get" => relation_get(shared, &*unit, &words).await,
        "relation-set" => relation_set(shared, &*unit, &words, stdin).await,
        "secret-get" => secret_get(&*unit, words.label.unwrap_or_default()).await,
        "action-get" => action_get(&*unit, first).await,
        "action-set" => {
            let (key, value) = first.split_once('=').ok_or("expected key=value")?;
            let mut state = shared.state();
            let results = state.results.entry(number).or_default();
            results.retain(|(known, _)| *known != key);
            results.push((interned(key), value.to_owned()));
            Ok(String::new())
        }
        "action-fail" => {
            unit.fail_action(first).await.map_err(failed)?;
            Ok(String::new())
        }
        "state-get" | "state-set" | "state-delete" => state(shared, number, name, first),
        "juju-log" => {
            shared.report(first);
            Ok(String::new())
        }
        other => Err(format!("nobody stands in for {other}")),
    }
}

/// Whether the value of this key in a databag is the place of a repository, which names an S3 server.
fn is_place(key: &str) -> bool {
    [key::REPOSITORY, key::STANZA_REPOSITORY].contains(&key)
}

async fn status_set(unit: &dyn Unit, name: &str, message: Option<&str>) -> ToolResult {
    let known = |known: &&StatusName| known.name() == name && known.can_be_set();
    let known = StatusName::ALL.iter().find(known).ok_or_else(|| {
        format!("invalid status {name:?}, expected one of [maintenance blocked waiting active]")
    })?;
    let status = Status::new(*known, message.unwrap_or_default().to_owned());
    unit.set_status(status).await.map_err(|error| reported(&error))?;
    Ok(String::new())
}

async fn relation_set(
    shared: &SharedState,
    unit: &dyn Unit,
    words: &Words<'_>,
    stdin: &str,
) -> ToolResult {
    let failed = |error: PortError| reported(&error);
    let bag = if words.is_app { Databag::Application } else { Databag::Unit };
    let pairs: BTreeMap<String, String> =
        serde_json::from_str(stdin).map_err(|why| why.to_string())?;
    for (key, mut value) in pairs {
        if is_place(&key) && !value.is_empty() {
            let relation = unit.s3_relation().await.map_err(failed)?;
            value = shared.own_place(&value, relation.as_deref());
        }
        unit.set_data(bag, interned(&key), Some(&value)).await.map_err(failed)?;
    }
    Ok(String::new())
}

/// One parameter, or without a name all that were given.
async fn action_get(unit: &dyn Unit, name: &str) -> ToolResult {
    let failed = |error: PortError| reported(&error);
    if !name.is_empty() {
        let value = unit.parameter(name).await.map_err(failed)?;
        return Ok(json!(value.as_deref()).to_string());
    }
    let mut given = BTreeMap::new();
    for name in unit.parameters().await.map_err(failed)? {
        let value = unit.parameter(&name).await.map_err(failed)?;
        given.insert(name, value.as_deref().map(str::to_owned));
    }
    Ok(json!(given).to_string())
}

async fn goal_state(unit: &dyn Unit) -> ToolResult {
    let planned = unit.planned_units().await.map_err(|error| reported(&error))?;
    let staying = (0..planned).map(|it| (format!("postgresql-k8s/{it}"), "active"));
    // One more is on its way out, and does not count.
    let leaving = [(format!("postgresql-k8s/{planned}"), "dying")];
    let units = staying.chain(leaving).map(|(unit, is)| (unit, json!({ "status": is })));
    let units: BTreeMap<String, Value> = units.collect();
    Ok(json!({ "units": units, "relations": {} }).to_string())
}

async fn relation_ids(shared: &SharedState, unit: &dyn Unit, name: &str) -> ToolResult {
    let ids = match name {
        "database-peers" => json!([PEERS]),
        "s3-parameters" => {
            let related = unit.s3_relation().await.map_err(|error| reported(&error))?.is_some();
            // Juju still shows a relation to the hook that takes it away.
            if related || shared.state().is_s3_broken { json!([S3]) } else { json!([]) }
        }
        _ => json!([]),
    };
    Ok(ids.to_string())
}

async fn relation_get(shared: &SharedState, unit: &dyn Unit, words: &Words<'_>) -> ToolResult {
    if words.relation == Some(S3) {
        let relation = unit.s3_relation().await.map_err(|error| reported(&error))?;
        let relation = relation.ok_or("relation not found")?;
        return s3(shared, &relation);
    }
    let bag = if words.is_app { Databag::Application } else { Databag::Unit };
    let key = words.plain.first().copied().unwrap_or_default();
    if key == "-" {
        // Where this charm keeps TLS material in a secret, the databag has nothing that is asked for whole.
        return Ok("{}".to_owned());
    }
    let of = words.plain.get(1).and_then(|name| name.rsplit('/').next()?.parse().ok());
    let value = match of {
        Some(of) if !words.is_app => unit.peer_data(UnitId(of), key).await,
        Some(_) | None => unit.data(bag, key).await,
    };
    let value = value.map_err(|error| reported(&error))?;
    if let Some(place) = value.as_deref().filter(|_| is_place(key)) {
        return Ok(json!(shared.place(place)).to_string());
    }
    Ok(json!(value.as_deref().unwrap_or_default()).to_string())
}

fn s3(shared: &SharedState, relation: &S3Relation) -> ToolResult {
    let authority = authority()?;
    // The worlds' own chains are no certificates: each stands for one that is.
    let chain = relation.tls_ca_chain.as_deref().map(|chain| {
        let chain = if chain.contains("other") { &authority.other_chain } else { &authority.chain };
        json!([chain]).to_string()
    });
    let mut bag = BTreeMap::new();
    let mut put = |key: &str, value: Option<&str>| {
        bag.extend(value.map(|value| (key.to_owned(), value.to_owned())));
    };
    let endpoint = shared.endpoint(relation);
    put("bucket", relation.bucket.as_deref());
    put("access-key", relation.access_key.as_ref().map(pgdrill_core::Secret::expose));
    put("secret-key", relation.secret_key.as_ref().map(pgdrill_core::Secret::expose));
    put("endpoint", endpoint.as_deref());
    put("path", relation.path.as_deref());
    put("region", Some(&shared.region(relation)));
    put("s3-uri-style", relation.uri_style.as_deref());
    put("tls-ca-chain", chain.as_deref());
    Ok(json!(bag).to_string())
}

async fn secret_get(unit: &dyn Unit, label: &str) -> ToolResult {
    if label.ends_with(".app") {
        let names = ["operator-password", "replication-password", "rewind-password"];
        let content: BTreeMap<&str, &str> = names.map(|name| (name, SECRET)).into();
        return Ok(json!(content).to_string());
    }
    let tls = unit.tls_material().await.map_err(|error| reported(&error))?;
    let parts = [("key", tls.key), ("cauth", tls.ca), ("cert", tls.certificate)];
    let content: BTreeMap<&str, &str> =
        parts.into_iter().filter(|(_, has)| *has).map(|(name, _)| (name, SECRET)).collect();
    if content.is_empty() {
        return Err(format!("secret \"{label}\" not found"));
    }
    Ok(json!(content).to_string())
}

fn state(shared: &SharedState, unit: u32, tool: &str, word: &str) -> ToolResult {
    let (key, value) = word.split_once('=').unwrap_or((word, ""));
    if key != DEFERRED {
        return Err(format!("nobody keeps {key}"));
    }
    let mut state = shared.state();
    if tool == "state-get" {
        let names = state.deferred.get(&unit).into_iter().flatten().map(|hook| hook.name());
        return Ok(names.collect::<Vec<_>>().join(" "));
    }
    let hooks =
        value.split_whitespace().map(|name| name.parse::<Hook>().map_err(|e| e.to_string()));
    state.deferred.insert(unit, hooks.collect::<Result<_, _>>()?);
    Ok(String::new())
}
