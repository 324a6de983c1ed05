//! The record of the previous cluster where Kubernetes keeps it: two Endpoints objects.

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request};
use pgdrill_core::{
    PortError, PortErrorKind, Secret,
    ports::{ClusterRecord, PortResult},
};
use rustls::pki_types::ServerName;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::{
    trust,
    wire::{self, HttpAnswer, NoExchange},
};

const PORT: &str = "cluster record";
const REMOVE: &str = "remove";

/// The cluster's API, as a pod finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The folder with the service account's `token`, `ca.crt` and `namespace`.
    pub account: PathBuf,
    /// The namespace; the service account's own unless given.
    pub namespace: Option<String>,
    /// How long one request may take.
    pub limit: Duration,
}

/// The record of one cluster. The token is read at every call: Kubernetes replaces it every hour.
#[derive(Debug, Clone)]
pub struct KubernetesRecord {
    api: Api,
    scope: String,
}

/// What Kubernetes says when it refuses.
#[derive(Deserialize)]
struct ApiStatus {
    message: String,
}

impl KubernetesRecord {
    /// The record of `scope`, as `patroni-postgresql-k8s`.
    #[must_use]
    pub fn new(api: Api, scope: impl Into<String>) -> Self {
        Self { api, scope: scope.into() }
    }

    async fn file(&self, name: &str) -> PortResult<String> {
        let path = self.api.account.join(name);
        let read = tokio::fs::read_to_string(&path).await;
        read.map_err(|why| error(PortErrorKind::NotFound, format!("{}: {why}", path.display())))
    }

    async fn delete(&self, account: &ServiceAccount, name: &str) -> PortResult<()> {
        let target = format!("/api/v1/namespaces/{}/endpoints/{name}", account.namespace);
        let request = Request::builder()
            .method(Method::DELETE)
            .uri(&target)
            .header("host", &self.api.host)
            .header("accept", "application/json")
            .header("authorization", format!("Bearer {}", account.token.expose()))
            .body(Full::new(Bytes::new()))
            .map_err(|_| error(PortErrorKind::Refused, format!("{target} can't be asked for")))?;
        let sent = tokio::time::timeout(self.api.limit, self.send(account, request)).await;
        let answer = sent.unwrap_or_else(|_| {
            let cause = format!("no answer within {:?}", self.api.limit);
            Err(error(PortErrorKind::TimedOut, cause))
        })?;
        outcome(&answer, &target)
    }

    async fn send(
        &self,
        account: &ServiceAccount,
        request: Request<Full<Bytes>>,
    ) -> PortResult<HttpAnswer> {
        let Api { host, port, limit, .. } = &self.api;
        let silent =
            |why: String| error(PortErrorKind::Unreachable, format!("{host}:{port}: {why}"));
        let stream = TcpStream::connect((host.as_str(), *port)).await;
        let stream = stream.map_err(|why| silent(why.to_string()))?;
        let name = ServerName::try_from(host.to_owned()).map_err(|why| silent(why.to_string()))?;
        let stream = account.connector.connect(name, stream).await;
        let stream = stream.map_err(|why| silent(wire::words(&why)))?;
        wire::exchange(stream, request, *limit).await.map_err(|why| match why {
            NoExchange::Broken(why) => silent(why),
            NoExchange::TooLarge(limit) => {
                error(PortErrorKind::Malformed, format!("the answer has more than {limit} bytes"))
            }
            NoExchange::TimedOut(limit) => {
                error(PortErrorKind::TimedOut, format!("no answer within {limit:?}"))
            }
        })
    }

    async fn account(&self) -> PortResult<ServiceAccount> {
        let token = Secret::new(self.file("token").await?.trim().to_owned());
        let namespace = match &self.api.namespace {
            Some(namespace) => namespace.clone(),
            None => self.file("namespace").await?.trim().to_owned(),
        };
        let authority = self.file("ca.crt").await?;
        let config = trust::trusting(&authority)
            .map_err(|why| error(PortErrorKind::Refused, format!("ca.crt: {why}")))?;
        for (what, text) in [("namespace", &namespace), ("scope", &self.scope)] {
            if !is_name(text) {
                let cause = format!("`{}` is no {what}", text.escape_default());
                return Err(error(PortErrorKind::Refused, cause));
            }
        }
        Ok(ServiceAccount { token, namespace, connector: TlsConnector::from(Arc::new(config)) })
    }
}

/// What the service account's files say at one call.
struct ServiceAccount {
    token: Secret,
    namespace: String,
    connector: TlsConnector,
}

/// The name of an object is one label of a host name.
fn is_name(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    !text.is_empty() && text.len() <= 253 && text.chars().all(is_plain)
}

fn outcome(answer: &HttpAnswer, target: &str) -> PortResult<()> {
    let kind = match answer.status {
        // It is on its way out with 202, and was gone already with 404.
        200 | 202 | 404 => return Ok(()),
        401 | 403 => PortErrorKind::Denied,
        500.. => PortErrorKind::Unreachable,
        _ => PortErrorKind::Refused,
    };
    let reported =
        serde_json::from_slice::<ApiStatus>(&answer.body).ok().map(|status| status.message);
    let reported = reported.filter(|message| !message.is_empty());
    Err(error(kind, reported.unwrap_or_else(|| format!("{target}: status {}", answer.status))))
}

fn error(kind: PortErrorKind, cause: String) -> PortError {
    PortError::new(kind, PORT, REMOVE, cause)
}

#[async_trait]
impl ClusterRecord for KubernetesRecord {
    async fn remove(&self) -> PortResult<()> {
        let account = self.account().await?;
        self.delete(&account, &self.scope).await?;
        let second = format!("{}-config", self.scope);
        self.delete(&account, &second).await.map_err(|why| {
            error(why.kind(), format!("{}; `{}` is gone already", why.cause(), self.scope))
        })
    }
}

#[cfg(test)]
mod tests;
