use std::path::Path;

use rcgen::{BasicConstraints, IsCa};
use tempfile::TempDir;

use super::*;
use crate::stub::{Reply, Stub, authority, made};

const SCOPE: &str = "patroni-postgresql-k8s";
const TOKEN: &str = "token-canary";

/// A record whose service account's files are in a folder of its own.
fn record(stub: &Stub) -> (KubernetesRecord, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "ca.crt", &stub.certificate);
    write(folder.path(), "token", &format!("{TOKEN}\n"));
    write(folder.path(), "namespace", "drill");
    let api = Api {
        host: "localhost".into(),
        port: stub.address.port(),
        account: folder.path().to_path_buf(),
        namespace: None,
        limit: Duration::from_secs(5),
    };
    (KubernetesRecord::new(api, SCOPE), folder)
}

fn write(folder: &Path, name: &str, content: &str) {
    std::fs::write(folder.join(name), content).expect("written");
}

fn reported(message: &str) -> String {
    format!(r#"{{"kind":"Status","status":"Failure","message":"{message}"}}"#)
}

async fn answering(first: u16, second: u16, message: &'static str) -> Stub {
    Stub::tls(move |request| {
        let status = if request.target.ends_with("-config") { second } else { first };
        Reply::Answer(status, reported(message))
    })
    .await
}

#[tokio::test]
async fn both_objects_are_deleted_with_the_token_of_the_moment() {
    let stub = answering(200, 200, "").await;
    let (record, folder) = record(&stub);
    assert_eq!(record.remove().await, Ok(()));
    write(folder.path(), "token", "renewed-canary");
    assert_eq!(record.remove().await, Ok(()));
    let line = |request: &crate::stub::Request| {
        let token = request.head.lines().find(|line| line.starts_with("authorization"));
        format!("{} {} {}", request.method, request.target, token.unwrap_or("no token"))
    };
    let lines: Vec<String> = stub.requests().iter().map(line).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    DELETE /api/v1/namespaces/drill/endpoints/patroni-postgresql-k8s authorization: bearer token-canary
    DELETE /api/v1/namespaces/drill/endpoints/patroni-postgresql-k8s-config authorization: bearer token-canary
    DELETE /api/v1/namespaces/drill/endpoints/patroni-postgresql-k8s authorization: bearer renewed-canary
    DELETE /api/v1/namespaces/drill/endpoints/patroni-postgresql-k8s-config authorization: bearer renewed-canary
    ");
}

#[tokio::test]
async fn what_was_gone_already_counts_as_removed() {
    for (first, second) in [(404, 404), (200, 404), (404, 200), (202, 202)] {
        let stub = answering(first, second, "not found").await;
        assert_eq!(record(&stub).0.remove().await, Ok(()));
        assert_eq!(stub.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_failure_of_the_second_says_that_the_first_is_gone() {
    let stub = answering(200, 403, "endpoints is forbidden").await;
    let error = record(&stub).0.remove().await.expect_err("the second stays");
    assert_eq!(error.kind(), PortErrorKind::Denied);
    assert_eq!(error.cause(), "endpoints is forbidden; `patroni-postgresql-k8s` is gone already");
}

#[tokio::test]
async fn a_failure_of_the_first_leaves_the_second_alone() {
    for (status, kind) in [
        (401, PortErrorKind::Denied),
        (409, PortErrorKind::Refused),
        (500, PortErrorKind::Unreachable),
    ] {
        let stub = answering(status, 200, "words").await;
        let error = record(&stub).0.remove().await.expect_err("the first stays");
        assert_eq!((error.kind(), error.cause()), (kind, "words"));
        assert_eq!(stub.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_server_that_hangs_or_hangs_up_is_no_removal() {
    let hangs = Stub::tls(|_| Reply::Hang).await;
    let (mut bounded, _folder) = record(&hangs);
    bounded.api.limit = Duration::from_millis(300);
    let error = bounded.remove().await.expect_err("no answer");
    assert_eq!(error.kind(), PortErrorKind::TimedOut);
    let hangs_up = Stub::tls(|_| Reply::HangUp).await;
    let error = record(&hangs_up).0.remove().await.expect_err("no answer");
    assert_eq!(error.kind(), PortErrorKind::Unreachable);
}

#[tokio::test]
async fn no_other_authority_is_trusted_and_the_token_stays_home() {
    let stub = answering(200, 200, "").await;
    let (record, folder) = record(&stub);
    write(folder.path(), "ca.crt", &authority().1);
    let error = record.remove().await.expect_err("another authority");
    assert_eq!(error.kind(), PortErrorKind::Unreachable);
    assert!(!error.to_string().contains("canary"), "{error}");
    assert_eq!(stub.requests().len(), 0);
    write(folder.path(), "ca.crt", "nothing");
    let error = record.remove().await.expect_err("no authority");
    assert_eq!(
        (error.kind(), error.cause()),
        (PortErrorKind::Refused, "ca.crt: it holds no certificate")
    );
    std::fs::remove_file(folder.path().join("token")).expect("removed");
    assert_eq!(record.remove().await.expect_err("no token").kind(), PortErrorKind::NotFound);
}

#[tokio::test]
async fn an_api_that_is_its_own_authority_is_trusted_where_its_very_certificate_is_given() {
    let itself = || {
        made(&["localhost"], |parameters| {
            parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        })
    };
    let (acceptor, chain) = itself();
    let stub = Stub::with(acceptor, chain, |_| Reply::Answer(200, reported(""))).await;
    let (record, folder) = record(&stub);
    assert_eq!(record.remove().await, Ok(()));
    write(folder.path(), "ca.crt", &itself().1);
    let error = record.remove().await.expect_err("another one of the same name");
    assert_eq!(error.kind(), PortErrorKind::Unreachable, "{error}");
    assert_eq!(stub.requests().len(), 2, "one for each object, before");
}

#[tokio::test]
async fn no_name_leads_elsewhere() {
    let stub = answering(200, 200, "").await;
    for scope in ["", "../secrets/x", "a?b", "a/b"] {
        let (record, _folder) = record(&stub);
        let record = KubernetesRecord { scope: scope.into(), ..record };
        assert_eq!(record.remove().await.expect_err("refused").kind(), PortErrorKind::Refused);
    }
    assert_eq!(stub.requests().len(), 0);
}
