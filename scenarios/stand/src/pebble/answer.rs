//! What each request is answered.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, Response, StatusCode, body::Incoming};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Acted, Exec, FileWritten, PathRefusal, PebbleContainer, Refusal, execs::Execs};
use pgdrill_adapters::pebble::multipart;

pub(super) type Body = Full<Bytes>;

#[derive(Deserialize)]
struct Act {
    action: String,
    services: Vec<String>,
}

#[derive(Deserialize)]
struct SignalTo {
    signal: String,
    services: Vec<String>,
}

#[derive(Deserialize)]
struct ExecAsked {
    command: Vec<String>,
    user: Option<String>,
    #[serde(rename = "working-dir")]
    working_dir: Option<String>,
    timeout: Option<String>,
}

#[derive(Deserialize)]
struct PathsAsked {
    paths: Vec<PathAsked>,
}

#[derive(Deserialize)]
struct FilesAsked {
    files: Vec<PathAsked>,
}

#[derive(Deserialize)]
struct PathAsked {
    path: String,
    #[serde(default)]
    permissions: String,
    #[serde(default)]
    user: Option<String>,
}

/// Answers one request.
pub(super) async fn answer(
    mut request: Request<Incoming>,
    container: Arc<dyn PebbleContainer>,
    execs: Arc<Execs>,
) -> Response<Body> {
    let path = request.uri().path().to_owned();
    if let Some(stream) = path.strip_prefix("/v1/tasks/") {
        let stream = stream.to_owned();
        return execs.connect(&stream, &mut request, &container);
    }
    let query = Query::of(request.uri().query().unwrap_or_default());
    let method = request.method().clone();
    let head = |name: &str| {
        let value = request.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let (content_type, accept) = (head("content-type"), head("accept"));
    let body = match request.collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return error((400, "the request was cut off".into())),
    };
    let outcome = match (method, path.as_str()) {
        (Method::GET, "/v1/system-info") => {
            sync(&json!({ "version": "v1.26.0", "boot-id": "rehearsal" }))
        }
        (Method::GET, "/v1/services") => services(&*container, &query).await,
        (Method::POST, "/v1/services") => act(Arc::clone(&container), &execs, &body).await,
        (Method::POST, "/v1/signals") => signal(&*container, &body).await,
        (Method::GET, "/v1/files") => return get_files(&*container, &query, &accept).await,
        (Method::POST, "/v1/files") => post_files(&*container, &content_type, &body).await,
        (Method::POST, "/v1/exec") => exec(&*container, &execs, &body).await,
        (Method::GET, path) => match change_in(path) {
            Some(id) => wait(&execs, id, query.get("timeout").unwrap_or_default()).await,
            None => Err((404, format!("invalid API endpoint requested: {path}"))),
        },
        (_, path) => Err((404, format!("invalid API endpoint requested: {path}"))),
    };
    outcome.unwrap_or_else(error)
}

type HandlerResult = Result<Response<Body>, Refusal>;

fn change_in(path: &str) -> Option<&str> {
    path.strip_prefix("/v1/changes/")?.strip_suffix("/wait")
}

/// The parameters of a target.
struct Query(Vec<(String, String)>);

impl Query {
    fn of(query: &str) -> Self {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        Self(pairs.map(|(name, value)| (name.to_owned(), unescaped(value))).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn unescaped(text: &str) -> String {
    let (mut out, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once('%') {
        out.extend_from_slice(before.as_bytes());
        let byte = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let Some(byte) = byte else { break };
        out.push(byte);
        rest = after.get(2..).unwrap_or_default();
    }
    out.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&out).into_owned()
}

fn parsed<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|why| (400, format!("cannot decode request body: {why}")))
}

async fn services(container: &dyn PebbleContainer, query: &Query) -> HandlerResult {
    let names: Vec<String> =
        query.get("names").unwrap_or_default().split(',').map(str::to_owned).collect();
    let found = container.services(&names).await;
    let found = found.into_iter().map(
        |service| json!({ "name": service.name, "startup": "enabled", "current": service.current }),
    );
    sync(&found.collect())
}

/// Replies with the change at once, and then does it.
#[expect(clippy::disallowed_methods, reason = "a change comes about beside the requests")]
async fn act(
    container: Arc<dyn PebbleContainer>,
    execs: &Arc<Execs>,
    body: &[u8],
) -> HandlerResult {
    let Act { action, services } = parsed(body)?;
    container.can_act(&action, &services).await?;
    let service = services.first().map_or("", String::as_str);
    let (id, change) = execs.begin_act(&action, service);
    let (begun, execs) = (id.clone(), Arc::clone(execs));
    tokio::spawn(async move {
        let Acted { noted, error } = container.act(&action, &services).await;
        execs.end(&begun, change.noting(noted).ready(&begun, error.as_deref(), None));
    });
    changed(&Value::Null, &id)
}

async fn signal(container: &dyn PebbleContainer, body: &[u8]) -> HandlerResult {
    let SignalTo { signal, services } = parsed(body)?;
    container.signal(&signal, &services).await?;
    sync(&Value::Bool(true))
}

async fn exec(container: &dyn PebbleContainer, execs: &Execs, body: &[u8]) -> HandlerResult {
    let ExecAsked { command, user, working_dir, timeout } = parsed(body)?;
    let timeout = timeout.unwrap_or_default();
    if !timeout.is_empty() && duration(&timeout).is_none() {
        return Err((400, format!("invalid timeout: time: invalid duration \"{timeout}\"")));
    }
    let exec = Exec { command, user, working_dir, timeout };
    container.begin(&exec).await?;
    let (change, task) = execs.begin(exec);
    changed(&json!({ "task-id": task }), &change)
}

/// A change, once it is ready. Real Pebble answers 504 if it is not within the time asked for.
async fn wait(execs: &Execs, id: &str, timeout: &str) -> HandlerResult {
    let limit = match timeout {
        "" => None,
        given => Some(duration(given).ok_or_else(|| (400, format!("invalid timeout: {given}")))?),
    };
    let unknown = || (404, format!("cannot find change with id \"{id}\""));
    let ready = execs.wait(id);
    let change = match limit {
        None => ready.await,
        Some(limit) => tokio::time::timeout(limit, ready)
            .await
            .map_err(|_| (504, format!("timed out waiting for change after {timeout}")))?,
    };
    sync(&change.ok_or_else(unknown)?)
}

/// A length of time as Go writes it: `30000ms`, `4.000s`, `1m0s`.
fn duration(text: &str) -> Option<Duration> {
    let (mut sum, mut rest) = (0.0, text);
    while !rest.is_empty() {
        let number = rest.find(|sign: char| !sign.is_ascii_digit() && sign != '.')?;
        let (number, after) = rest.split_at(number);
        let unit = after.find(|sign: char| sign.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let seconds = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        sum += number.parse::<f64>().ok()? * seconds;
        rest = after;
    }
    Duration::try_from_secs_f64(sum).ok()
}

async fn get_files(container: &dyn PebbleContainer, query: &Query, accept: &str) -> Response<Body> {
    let path = query.get("path").unwrap_or_default();
    if query.get("action") == Some("list") {
        return if container.exists(path).await {
            sync(&json!([{ "path": path, "type": "directory" }])).unwrap_or_else(error)
        } else {
            error((404, format!("stat {path}: no such file or directory")))
        };
    }
    if accept != "multipart/form-data" {
        return error((400, "must accept multipart/form-data".into()));
    }
    let read = container.read(path).await;
    let reported = json!({
        "type": "sync", "status-code": 200, "status": "OK",
        "result": [path_result(path, read.as_ref().err())],
    });
    let reported = reported.to_string();
    let mut parts = Vec::new();
    if let Ok(content) = &read {
        parts.push(multipart::Part { name: "files", file: Some(path), content });
    }
    parts.push(multipart::Part { name: "response", file: None, content: reported.as_bytes() });
    match multipart::write(&parts) {
        Some((kind, body)) => response(200, &kind, body),
        None => error((500, "the file can't be sent".into())),
    }
}

async fn post_files(
    container: &dyn PebbleContainer,
    content_type: &str,
    body: &[u8],
) -> HandlerResult {
    if content_type == "application/json" {
        let PathsAsked { paths } = parsed(body)?;
        let mut results = Vec::new();
        for PathAsked { path, .. } in paths {
            let removed = container.remove(&path).await;
            results.push(path_result(&path, removed.as_ref().err()));
        }
        return sync(&results.into());
    }
    let parts = multipart::read(content_type, body);
    let mut parts = parts.ok_or((400, "cannot read request metadata".to_owned()))?.into_iter();
    let request = parts.next().filter(|part| part.name == "request");
    let request = request.ok_or((400, "metadata field name must be \"request\"".to_owned()))?;
    let FilesAsked { files } = parsed(&request.content)?;
    let mut results = Vec::new();
    for (PathAsked { path, permissions, user }, part) in files.into_iter().zip(parts) {
        if permissions.len() != 3 {
            return Err((400, "permissions must be a 3-digit octal string".into()));
        }
        let file = FileWritten { path: path.clone(), content: part.content, permissions, user };
        let written = container.write(file).await;
        results.push(path_result(&path, written.as_ref().err()));
    }
    sync(&results.into())
}

fn path_result(path: &str, refusal: Option<&PathRefusal>) -> Value {
    match refusal {
        None => json!({ "path": path }),
        Some((kind, message)) => {
            json!({ "path": path, "error": { "kind": kind, "message": message } })
        }
    }
}

fn sync(result: &Value) -> HandlerResult {
    let reply = json!({ "type": "sync", "status-code": 200, "status": "OK", "result": result });
    Ok(response(200, "application/json", reply.to_string().into_bytes()))
}

fn changed(result: &Value, change: &str) -> HandlerResult {
    let reply = json!({
        "type": "async", "status-code": 202, "status": "Accepted", "result": result,
        "change": change,
    });
    Ok(response(202, "application/json", reply.to_string().into_bytes()))
}

pub(super) fn error((status, message): Refusal) -> Response<Body> {
    let reply = json!({
        "type": "error", "status-code": status, "status": "Error",
        "result": { "message": message },
    });
    response(status, "application/json", reply.to_string().into_bytes())
}

fn response(status: u16, kind: &str, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    if let Ok(kind) = kind.parse() {
        response.headers_mut().insert("content-type", kind);
    }
    response
}
