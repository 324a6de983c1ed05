//! Pebble, the supervisor of a workload container, over its Unix socket.
//!
//! [`Pebble`] runs commands and reaches files in the container; [`PebbleWorkload`] is the container itself.
//! [`multipart`] is the form in which files travel.

mod exec;
mod failure;
mod files;
pub mod multipart;
mod workload;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request};
use pgdrill_core::PortErrorKind;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::net::UnixStream;

use crate::wire::{self, Answer, NoExchange};

pub(crate) use failure::Failure;
pub use workload::PebbleWorkload;

/// How long Pebble may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For a request that it answers by itself.
    pub request: Duration,
    /// For a service to start, stop or take a signal. Pebble kills what does not stop after 5 s.
    pub service: Duration,
    /// For telling the end of a command, once the command's own time is over.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(5),
            service: Duration::from_secs(30),
            grace: Duration::from_secs(10),
        }
    }
}

/// The supervisor of one container.
#[derive(Debug, Clone)]
pub struct Pebble {
    socket: PathBuf,
    limits: Limits,
}

/// What every answer is wrapped in.
#[derive(Debug, Deserialize)]
struct Reply {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    result: Value,
    #[serde(default)]
    change: Option<String>,
}

/// A change, as far as it is used.
#[derive(Debug, Deserialize)]
struct Change {
    #[serde(default)]
    ready: bool,
    #[serde(default)]
    err: Option<String>,
    #[serde(default)]
    tasks: Vec<Task>,
}

#[derive(Debug, Deserialize)]
struct Task {
    #[serde(default)]
    data: Option<TaskData>,
}

#[derive(Debug, Deserialize)]
struct TaskData {
    #[serde(rename = "exit-code", default)]
    exit_code: Option<i32>,
}

impl Pebble {
    /// The supervisor that listens at `socket`.
    #[must_use]
    pub fn new(socket: impl Into<PathBuf>, limits: Limits) -> Self {
        Self { socket: socket.into(), limits }
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    async fn connect(&self) -> Result<UnixStream, Failure> {
        let socket = self.socket.display();
        match tokio::time::timeout(self.limits.request, UnixStream::connect(&self.socket)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(Failure::silent(format!("{socket}: {error}"))),
            Err(_) => Err(Failure::late(self.limits.request)),
        }
    }

    async fn exchange(
        &self,
        request: hyper::http::request::Builder,
        body: Vec<u8>,
        limit: Duration,
    ) -> Result<Answer, Failure> {
        let request = request.header("host", "localhost").body(Full::new(Bytes::from(body)));
        let request = request.map_err(|error| Failure::garbled(error.to_string()))?;
        let stream = self.connect().await?;
        wire::exchange(stream, request, limit).await.map_err(|why| match why {
            NoExchange::Broken(cause) => Failure::silent(cause),
            NoExchange::TimedOut(limit) => Failure::late(limit),
        })
    }

    /// Makes a request with JSON in it, if with anything, and unwraps the answer.
    async fn ask(
        &self,
        method: Method,
        target: &str,
        body: Option<&Value>,
        limit: Duration,
    ) -> Result<Reply, Failure> {
        let mut request = Request::builder().method(method).uri(target);
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let answer = self.exchange(request, body, limit).await?;
        reply(&answer)
    }

    /// Waits until a change is ready, as long as the limit allows.
    async fn ready(&self, change: &str, limit: Duration) -> Result<Change, Failure> {
        let target =
            format!("/v1/changes/{}/wait?timeout={}ms", escaped(change), limit.as_millis());
        let answer = self.ask(Method::GET, &target, None, limit + self.limits.request).await;
        let change: Change = answer?.read()?;
        if change.ready { Ok(change) } else { Err(Failure::late(limit)) }
    }
}

/// Unwraps an answer; an error that Pebble reports becomes a failure with Pebble's words.
fn reply(answer: &Answer) -> Result<Reply, Failure> {
    let reply: Reply = serde_json::from_slice(&answer.body).map_err(|error| {
        Failure::garbled(format!("status {} with no JSON in it: {error}", answer.status))
    })?;
    if reply.kind != "error" {
        return Ok(reply);
    }
    let message = reply.result.get("message").and_then(Value::as_str);
    let message = message.unwrap_or("an error without a message").to_owned();
    let kind = match answer.status {
        401 | 403 => PortErrorKind::Denied,
        404 => PortErrorKind::NotFound,
        _ => PortErrorKind::Refused,
    };
    Err(Failure { kind, cause: message, is_reply: true })
}

impl Reply {
    fn read<T: DeserializeOwned>(self) -> Result<T, Failure> {
        serde_json::from_value(self.result).map_err(|error| Failure::garbled(error.to_string()))
    }
}

/// Text as part of a target: everything but letters, digits and `-._~/` is escaped.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
