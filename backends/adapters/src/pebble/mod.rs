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

use crate::wire::{self, HttpAnswer, NoExchange};

pub(crate) use failure::PebbleFailure;
pub use workload::PebbleWorkload;

/// How long Pebble may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PebbleLimits {
    /// For a request that it answers by itself.
    pub request: Duration,
    /// For a service to start, stop or take a signal, and once more for a database's server to end after its service.
    /// Pebble kills what does not stop after 5 s.
    pub service: Duration,
    /// For reporting the end of a command, once the command's own time is over.
    pub grace: Duration,
}

impl Default for PebbleLimits {
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
    limits: PebbleLimits,
}

/// What every answer is wrapped in.
#[derive(Debug, Deserialize)]
struct PebbleReply {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    result: Value,
    #[serde(default)]
    change: Option<String>,
}

/// A change, as far as it is used.
#[derive(Debug, Deserialize)]
struct PebbleChange {
    #[serde(default)]
    ready: bool,
    #[serde(default)]
    err: Option<String>,
    #[serde(default)]
    tasks: Vec<PebbleTask>,
}

#[derive(Debug, Deserialize)]
struct PebbleTask {
    #[serde(default)]
    data: Option<PebbleTaskData>,
    #[serde(default)]
    log: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct PebbleTaskData {
    #[serde(rename = "exit-code", default)]
    exit_code: Option<i32>,
}

impl Pebble {
    /// The supervisor that listens at `socket`.
    #[must_use]
    pub fn new(socket: impl Into<PathBuf>, limits: PebbleLimits) -> Self {
        Self { socket: socket.into(), limits }
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    async fn connect(&self) -> Result<UnixStream, PebbleFailure> {
        let socket = self.socket.display();
        match tokio::time::timeout(self.limits.request, UnixStream::connect(&self.socket)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(PebbleFailure::silent(format!("{socket}: {error}"))),
            Err(_) => Err(PebbleFailure::late(self.limits.request)),
        }
    }

    async fn exchange(
        &self,
        request: hyper::http::request::Builder,
        body: Vec<u8>,
        limit: Duration,
    ) -> Result<HttpAnswer, PebbleFailure> {
        let request = request.header("host", "localhost").body(Full::new(Bytes::from(body)));
        let request = request.map_err(|error| PebbleFailure::garbled(error.to_string()))?;
        let stream = self.connect().await?;
        wire::exchange(stream, request, limit).await.map_err(|why| match why {
            NoExchange::Broken(cause) => PebbleFailure::silent(cause),
            NoExchange::TimedOut(limit) => PebbleFailure::late(limit),
            NoExchange::TooLarge(limit) => PebbleFailure::large(limit),
        })
    }

    /// Makes a request with JSON in it, if with anything, and unwraps the answer.
    async fn ask(
        &self,
        method: Method,
        target: &str,
        body: Option<&Value>,
        limit: Duration,
    ) -> Result<PebbleReply, PebbleFailure> {
        let mut request = Request::builder().method(method).uri(target);
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let answer = self.exchange(request, body, limit).await?;
        reply(&answer)
    }

    /// Waits until a change is ready, as long as the limit allows.
    async fn ready(&self, change: &str, limit: Duration) -> Result<PebbleChange, PebbleFailure> {
        let target =
            format!("/v1/changes/{}/wait?timeout={}ms", escaped(change), limit.as_millis());
        let answer = self.ask(Method::GET, &target, None, limit + self.limits.request).await;
        let answer = answer.map_err(|failure| match failure {
            PebbleFailure { kind: PortErrorKind::TimedOut, is_reply: true, .. } => {
                PebbleFailure::unready(limit)
            }
            other => other,
        });
        let change: PebbleChange = answer?.read()?;
        if change.ready { Ok(change) } else { Err(PebbleFailure::unready(limit)) }
    }
}

/// Unwraps an answer; an error that Pebble reports becomes a failure with Pebble's words.
fn reply(answer: &HttpAnswer) -> Result<PebbleReply, PebbleFailure> {
    let reply: PebbleReply = serde_json::from_slice(&answer.body).map_err(|error| {
        PebbleFailure::garbled(format!("status {} with no JSON in it: {error}", answer.status))
    })?;
    if reply.kind != "error" {
        return Ok(reply);
    }
    let message = reply.result.get("message").and_then(Value::as_str);
    let message = message.unwrap_or("an error without a message").to_owned();
    let kind = match answer.status {
        401 | 403 => PortErrorKind::Denied,
        404 => PortErrorKind::NotFound,
        // A change that was waited for is not ready.
        504 => PortErrorKind::TimedOut,
        _ => PortErrorKind::Refused,
    };
    Err(PebbleFailure { kind, cause: message, is_reply: true })
}

impl PebbleReply {
    fn read<T: DeserializeOwned>(self) -> Result<T, PebbleFailure> {
        serde_json::from_value(self.result)
            .map_err(|error| PebbleFailure::garbled(error.to_string()))
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
