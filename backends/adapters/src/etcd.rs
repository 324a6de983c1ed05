//! The cluster's record in etcd, by its JSON gateway.

use std::time::Duration;

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use pgdrill_core::{
    PortError, PortErrorKind,
    ports::{ClusterRecord, PortResult},
};
use reqwest::Method;
use serde::Deserialize;

use crate::http;

const PORT: &str = "cluster record";
const REMOVE: &str = "remove";

/// What etcd remembers of the cluster of one scope: everything under `/service/<scope>/`.
#[derive(Debug, Clone)]
pub struct EtcdRecord {
    endpoints: Vec<String>,
    scope: String,
    limit: Duration,
}

/// The answer to a removal, as far as it is used: that it is one.
#[derive(Deserialize)]
struct Removed {
    #[serde(rename = "header")]
    _header: serde_json::Map<String, serde_json::Value>,
}

impl EtcdRecord {
    /// The record of `scope`, at servers such as `http://etcd:2379`, of which each may take `limit`.
    #[must_use]
    pub fn new(endpoints: Vec<String>, scope: impl Into<String>, limit: Duration) -> Self {
        Self { endpoints, scope: scope.into(), limit }
    }

    /// The request that removes the scope's keys. The slash at the end keeps `demo2` when `demo` goes; the
    /// character that follows the slash ends the range.
    fn request(&self) -> PortResult<Vec<u8>> {
        if self.scope.is_empty() || self.scope.contains('/') {
            let cause = format!("`{}` is no scope", self.scope.escape_default());
            return Err(error(PortErrorKind::Refused, cause));
        }
        let key = |end| BASE64_STANDARD.encode(format!("/service/{}{end}", self.scope));
        let request = serde_json::json!({ "key": key('/'), "range_end": key('0') });
        Ok(request.to_string().into_bytes())
    }

    async fn remove_at(&self, endpoint: &str, request: Vec<u8>) -> PortResult<()> {
        let url = format!("{}/v3/kv/deleterange", endpoint.trim_end_matches('/'));
        let answer = http::request(Method::POST, &url, Some(request), self.limit).await;
        let (status, body) = answer.map_err(|why| why.at(PORT, REMOVE))?;
        let kind = match status {
            200 => {
                let read = serde_json::from_slice::<Removed>(&body);
                let malformed = |why| error(PortErrorKind::Malformed, format!("{url}: {why}"));
                return read.map(drop).map_err(malformed);
            }
            401 | 403 => PortErrorKind::Denied,
            500.. => PortErrorKind::Unreachable,
            _ => PortErrorKind::Refused,
        };
        let words: String = String::from_utf8_lossy(&body).chars().take(200).collect();
        Err(error(kind, format!("{url}: status {status}: {}", words.trim())))
    }
}

#[async_trait]
impl ClusterRecord for EtcdRecord {
    async fn remove(&self) -> PortResult<()> {
        let request = self.request()?;
        let mut last = error(PortErrorKind::Unreachable, "no server is named".into());
        for endpoint in &self.endpoints {
            match self.remove_at(endpoint, request.clone()).await {
                Ok(()) => return Ok(()),
                Err(failed) => last = failed,
            }
        }
        Err(last)
    }
}

fn error(kind: PortErrorKind, cause: String) -> PortError {
    PortError::new(kind, PORT, REMOVE, cause)
}

#[cfg(test)]
mod tests {
    use tokio::{net::TcpListener, time::timeout};

    use super::*;
    use crate::stub::{Reply, Stub};

    const LONG: Duration = Duration::from_secs(60);
    const REMOVED: &str =
        r#"{"header":{"cluster_id":"14841639068965178418","revision":"12"},"deleted":"5"}"#;
    const GONE: &str = r#"{"header":{"cluster_id":"14841639068965178418","revision":"12"}}"#;

    fn url(stub: &Stub) -> String {
        format!("http://{}", stub.address)
    }

    async fn answering(status: u16, body: &'static str) -> Stub {
        Stub::plain(move |_| Reply::Answer(status, body.to_owned())).await
    }

    #[tokio::test]
    async fn the_keys_of_the_scope_go_and_those_of_a_longer_one_stay() {
        let stub = answering(200, REMOVED).await;
        let record = EtcdRecord::new(vec![url(&stub)], "demo", LONG);
        assert_eq!(record.remove().await, Ok(()));
        let request = &stub.requests()[0];
        assert_eq!((&*request.method, &*request.target), ("POST", "/v3/kv/deleterange"));
        let sent: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
        let text = |name: &str| {
            let encoded = sent[name].as_str().expect("text");
            String::from_utf8(BASE64_STANDARD.decode(encoded).expect("base64")).expect("text")
        };
        let (from, to) = (text("key"), text("range_end"));
        let goes = |key: &str| from.as_str() <= key && key < to.as_str();
        for key in ["/service/demo/leader", "/service/demo/members/\u{ff}", "/service/demo/"] {
            assert!(goes(key), "{key} stays");
        }
        for key in ["/service/demo2/leader", "/service/demo", "/service/demo-2/x", "/service/dem/x"]
        {
            assert!(!goes(key), "{key} goes");
        }
    }

    #[tokio::test]
    async fn what_was_gone_already_counts_as_removed() {
        let stub = answering(200, GONE).await;
        assert_eq!(EtcdRecord::new(vec![url(&stub)], "demo", LONG).remove().await, Ok(()));
    }

    #[tokio::test]
    async fn the_next_server_is_tried_when_one_does_not_remove_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let closed = format!("http://{}", listener.local_addr().expect("bound"));
        drop(listener);
        let leaderless = answering(503, r#"{"code":14,"message":"etcdserver: no leader"}"#).await;
        let (good, unused) = (answering(200, REMOVED).await, answering(200, REMOVED).await);
        let all = vec![closed.clone(), url(&leaderless), url(&good), url(&unused)];
        assert_eq!(EtcdRecord::new(all, "demo", LONG).remove().await, Ok(()));
        assert_eq!((good.requests().len(), unused.requests().len()), (1, 0));
        let none = EtcdRecord::new(vec![closed, url(&leaderless)], "demo", LONG).remove().await;
        let error = none.expect_err("none removed it");
        assert_eq!(
            (error.kind(), &*error.place()),
            (PortErrorKind::Unreachable, "cluster record.remove")
        );
        assert!(error.cause().contains("no leader"), "{error}");
    }

    #[tokio::test]
    async fn a_server_that_denies_hangs_or_is_no_etcd_did_not_remove_it() {
        let hangs = Stub::plain(|_| Reply::Hang).await;
        let short = Duration::from_millis(300);
        for (stub, limit, kind) in [
            (answering(403, "{}").await, LONG, PortErrorKind::Denied),
            (answering(404, "nothing here").await, LONG, PortErrorKind::Refused),
            (answering(200, "<html>").await, LONG, PortErrorKind::Malformed),
            (answering(200, "{}").await, LONG, PortErrorKind::Malformed),
            (hangs, short, PortErrorKind::TimedOut),
        ] {
            let record = EtcdRecord::new(vec![url(&stub)], "demo", limit);
            let removed = timeout(LONG, record.remove()).await.expect("within the bound");
            assert_eq!(removed.expect_err("it failed").kind(), kind);
        }
    }

    #[tokio::test]
    async fn no_scope_is_not_every_scope() {
        let stub = answering(200, REMOVED).await;
        for scope in ["", "/", "a/b"] {
            let error = EtcdRecord::new(vec![url(&stub)], scope, LONG).remove().await;
            assert_eq!(error.expect_err("refused").kind(), PortErrorKind::Refused);
        }
        assert!(stub.requests().is_empty());
        let nowhere = EtcdRecord::new(vec![], "demo", LONG).remove().await;
        assert_eq!(nowhere.expect_err("no server").kind(), PortErrorKind::Unreachable);
    }
}
