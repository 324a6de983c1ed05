//! S3 and Kubernetes: what stands behind the one port with TLS.

use pgdrill_core::{PortError, PortErrorKind, S3Settings};

use super::{
    shared::SharedState,
    web::{Asked, HttpReply},
};

/// The token that the service account of a rehearsal has.
pub(super) const TOKEN: &str = "drill-token-canary";

/// Answers a request for S3 or Kubernetes.
pub(super) async fn answer(shared: &SharedState, asked: Asked) -> HttpReply {
    if let Some(object) = asked.path.strip_prefix("/api/v1/namespaces/drill/endpoints/") {
        return kubernetes(shared, &asked, object).await;
    }
    s3(shared, &asked).await
}

async fn kubernetes(shared: &SharedState, asked: &Asked, object: &str) -> HttpReply {
    let reported = |status: u16, message: &str| {
        let message = serde_json::Value::from(message);
        let text = format!(r#"{{"kind":"Status","message":{message}}}"#);
        HttpReply::Answer(status, text.into_bytes())
    };
    if asked.authorization != format!("Bearer {TOKEN}") {
        return reported(401, "Unauthorized");
    }
    let scope = "patroni-postgresql-k8s";
    if asked.method != "DELETE" || object != scope && object != format!("{scope}-config") {
        return reported(404, "there is no such object");
    }
    let Ok(ports) = shared.own() else { return HttpReply::HangUp };
    match ports.cluster_record.remove().await {
        Ok(()) => reported(200, ""),
        Err(error) => reported(503, error.cause()),
    }
}

async fn s3(shared: &SharedState, asked: &Asked) -> HttpReply {
    let path = asked.path.trim_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let settings = signed_region(&asked.authorization).and_then(|it| shared.settings(it));
    let (Some(settings), Ok(ports)) = (settings, shared.own()) else {
        return HttpReply::Answer(400, Vec::new());
    };
    let settings = S3Settings { bucket: bucket.to_owned().into(), ..settings };
    let store = &ports.object_store;
    let done = match (asked.method.as_str(), key) {
        // No object has this name: the answer describes the bucket alone.
        ("HEAD", "") => store.get(&settings, "\u{1}").await.map(drop),
        ("PUT", "") => store.ensure_bucket(&settings).await,
        ("PUT", key) => store.put(&settings, key, &asked.body).await,
        ("GET", key) => match store.get(&settings, key).await {
            Ok(Some(content)) => return HttpReply::Answer(200, content),
            Ok(None) => return coded(404, "NoSuchKey"),
            Err(error) => Err(error),
        },
        _ => return coded(405, "MethodNotAllowed"),
    };
    match done {
        Ok(()) => HttpReply::Answer(200, Vec::new()),
        Err(error) => failed(&error),
    }
}

/// The region for which a request is signed: `AWS4-HMAC-SHA256 Credential=KEY/DAY/REGION/s3/aws4_request, …`.
fn signed_region(authorization: &str) -> Option<&str> {
    authorization.split_once("Credential=")?.1.split('/').nth(2)
}

fn failed(error: &PortError) -> HttpReply {
    match error.kind() {
        PortErrorKind::Denied => coded(403, "AccessDenied"),
        PortErrorKind::NotFound => coded(404, "NoSuchBucket"),
        PortErrorKind::TimedOut => HttpReply::Hang,
        PortErrorKind::Refused => coded(400, "InvalidBucketName"),
        PortErrorKind::Unreachable | PortErrorKind::Malformed => HttpReply::HangUp,
    }
}

fn coded(status: u16, code: &str) -> HttpReply {
    let text = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>");
    HttpReply::Answer(status, text.into_bytes())
}
