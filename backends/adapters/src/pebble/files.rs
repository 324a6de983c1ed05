//! Files of the container.

use async_trait::async_trait;
use hyper::{Method, Request};
use pgdrill_core::PortErrorKind;
use serde::Deserialize;
use serde_json::json;

use super::{Pebble, PebbleFailure, PebbleReply, escaped, multipart, reply};
use crate::files::{Access, FileFailure, Files};

/// What became of one path.
#[derive(Debug, Deserialize)]
struct PathResult {
    #[serde(default)]
    error: Option<PathError>,
}

#[derive(Debug, Deserialize)]
struct PathError {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    message: String,
}

impl PathError {
    fn kind(&self) -> PortErrorKind {
        match self.kind.as_str() {
            "not-found" => PortErrorKind::NotFound,
            "permission-denied" => PortErrorKind::Denied,
            _ => PortErrorKind::Refused,
        }
    }
}

fn failed(path: &str, failure: &PebbleFailure) -> FileFailure {
    FileFailure { kind: failure.kind, cause: format!("{path}: {}", failure.cause) }
}

/// The one path that was asked for went well, or why it did not.
fn result(path: &str, reply: PebbleReply) -> Result<(), FileFailure> {
    let results: Vec<PathResult> = reply.read().map_err(|failure| failed(path, &failure))?;
    match results.into_iter().next() {
        Some(PathResult { error: None }) => Ok(()),
        Some(PathResult { error: Some(error) }) => {
            let (kind, cause) = (error.kind(), format!("{path}: {}", error.message));
            Err(FileFailure { kind, cause })
        }
        None => Err(failed(path, &PebbleFailure::garbled("it says nothing of the file"))),
    }
}

#[async_trait]
impl Files for Pebble {
    async fn push(
        &self,
        path: &str,
        content: &[u8],
        access: Access<'_>,
    ) -> Result<(), FileFailure> {
        let mut file = json!({ "path": path, "permissions": format!("{:03o}", access.mode) });
        if let (Some(owner), Some(file)) = (access.owner, file.as_object_mut()) {
            file.insert("user".into(), owner.into());
            file.insert("group".into(), owner.into());
        }
        let request = json!({ "action": "write", "files": [file] }).to_string();
        let parts = [
            multipart::Part { name: "request", file: None, content: request.as_bytes() },
            multipart::Part { name: "files", file: Some(path), content },
        ];
        let Some((kind, body)) = multipart::write(&parts) else {
            let cause = format!("{path}: its content can't be sent");
            return Err(FileFailure { kind: PortErrorKind::Refused, cause });
        };
        let post = Request::builder().method(Method::POST).uri("/v1/files");
        let post = post.header("content-type", kind);
        let answer = self.exchange(post, body, self.limits.request).await;
        let answer = answer.and_then(|answer| reply(&answer));
        result(path, answer.map_err(|failure| failed(path, &failure))?)
    }

    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, FileFailure> {
        let target = format!("/v1/files?action=read&path={}", escaped(path));
        let get = Request::builder().method(Method::GET).uri(target);
        let get = get.header("accept", "multipart/form-data");
        let answer = self.exchange(get, Vec::new(), self.limits.request).await;
        let answer = answer.map_err(|failure| failed(path, &failure))?;
        let Some(parts) = multipart::read(&answer.content_type, &answer.body) else {
            let failure = reply(&answer).err();
            let failure = failure.unwrap_or_else(|| PebbleFailure::garbled("it is no form"));
            return Err(failed(path, &failure));
        };
        let (mut reported, mut content) = (None, None);
        for part in parts {
            match (part.name.as_str(), part.file.as_deref()) {
                ("response", _) => {
                    reported = serde_json::from_slice::<PebbleReply>(&part.content).ok();
                }
                ("files", Some(file)) if file == path => content = Some(part.content),
                _ => {}
            }
        }
        let reported =
            reported.ok_or_else(|| failed(path, &PebbleFailure::garbled("it was cut off")))?;
        match result(path, reported) {
            Ok(()) if content.is_some() => Ok(content),
            Ok(()) => Err(failed(path, &PebbleFailure::garbled("it has no content"))),
            Err(FileFailure { kind: PortErrorKind::NotFound, .. }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn remove(&self, path: &str) -> Result<(), FileFailure> {
        let body = json!({ "action": "remove", "paths": [{ "path": path }] });
        let answer = self.ask(Method::POST, "/v1/files", Some(&body), self.limits.request).await;
        match result(path, answer.map_err(|failure| failed(path, &failure))?) {
            Err(FileFailure { kind: PortErrorKind::NotFound, .. }) => Ok(()),
            removed => removed,
        }
    }
}
