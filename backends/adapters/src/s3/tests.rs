//! Against a server over real TLS that answers as S3 servers do.

use pgdrill_core::{Secret, UriStyle};
use rcgen::{BasicConstraints, IsCa, date_time_ymd};
use tokio::{net::TcpListener, time::timeout};

use super::*;
use crate::stub::{Reply, Request, Stub, authority, issued, made, signed};

const SECRET: &str = "canary-of-the-secret-key";
const KEY_ID: &str = "canary-of-the-access-key";
/// The limits of tests that meet a server which answers: generous.
const LONG: Duration = Duration::from_secs(60);

fn store() -> S3Store {
    S3Store::new(S3Limits { attempts: 1, connect: LONG, attempt: LONG, call: LONG })
}

fn settings(stub: &Stub) -> S3Settings {
    at(format!("https://localhost:{}", stub.address.port()), Some(stub.certificate.clone()))
}

fn at(endpoint: String, chain: Option<String>) -> S3Settings {
    S3Settings {
        bucket: "backups".into(),
        access_key: Secret::new(KEY_ID),
        secret_key: Secret::new(SECRET),
        endpoint: endpoint.into(),
        path: "/".into(),
        region: None,
        uri_style: UriStyle::Path,
        tls_ca_chain: chain.map(Into::into),
    }
}

fn xml(code: &str) -> String {
    format!("<Error><Code>{code}</Code><Message>no {KEY_ID} for {SECRET}</Message></Error>")
}

/// Every call of the port; how each one failed.
async fn all(store: S3Store, s3: &S3Settings) -> [PortError; 3] {
    [
        store.ensure_bucket(s3).await.expect_err("no bucket"),
        store.put(s3, "k", b"x").await.expect_err("no put"),
        store.get(s3, "k").await.expect_err("no get"),
    ]
}

async fn all_fail(store: S3Store, s3: &S3Settings, kind: PortErrorKind) {
    let errors = all(store, s3).await;
    let places = ["ensure_bucket", "put", "get"].map(|name| format!("object store.{name}"));
    for (error, place) in errors.into_iter().zip(places) {
        assert_eq!((error.kind(), error.place()), (kind, place), "{error}");
        let shown = format!("{error} {error:?} {error:#?}");
        assert!(!shown.contains("canary"), "{shown}");
        assert!(shown.contains(&*s3.endpoint), "{shown}");
    }
}

#[tokio::test]
async fn an_object_is_put_and_got_as_it_is_with_no_checksum_that_nobody_asked_for() {
    let stub = Stub::tls(|request| match request.method.as_str() {
        "GET" => Reply::Answer(200, "a\r\nb".into()),
        _ => Reply::Answer(200, String::new()),
    })
    .await;
    let s3 = settings(&stub);
    store().put(&s3, "here/backup/S/latest", b"\x00\xffx").await.expect("put");
    assert_eq!(store().get(&s3, "k").await, Ok(Some(b"a\r\nb".to_vec())));
    let requests = stub.requests();
    let put = &requests[0];
    assert_eq!(put.target.split('?').next(), Some("/backups/here/backup/S/latest"));
    assert_eq!(put.body, b"\x00\xffx");
    for request in &requests {
        assert!(!request.head.contains("checksum"), "{}", request.head);
        assert!(request.head.contains("/us-east-1/s3/aws4_request"), "{}", request.head);
    }
}

#[tokio::test]
async fn a_given_region_is_signed_for_and_the_host_style_names_the_bucket_in_the_host() {
    let stub = Stub::tls(|_| Reply::Answer(200, String::new())).await;
    let region = S3Settings { region: Some("eu-west-3".into()), ..settings(&stub) };
    store().put(&region, "k", b"x").await.expect("put");
    assert!(stub.requests()[0].head.contains("/eu-west-3/s3/aws4_request"));
    let plain = Stub::plain(|_| Reply::Answer(200, String::new())).await;
    let endpoint = format!("http://localhost:{}", plain.address.port());
    let host = S3Settings { uri_style: UriStyle::Host, ..at(endpoint, None) };
    let put = store().put(&host, "k", b"x").await;
    // Where the resolver knows names below `localhost`, the request arrives with its bucket in the host.
    match (put, plain.requests().first()) {
        (Ok(()), Some(request)) => assert!(request.head.contains("host: backups.localhost:")),
        (Err(error), None) => assert_eq!(error.kind(), PortErrorKind::Unreachable, "{error}"),
        (put, request) => panic!("{put:?} {request:?}"),
    }
}

#[tokio::test]
async fn a_routed_host_is_met_under_its_name_wherever_it_is() {
    let (acceptor, chain) = issued(&["s3.drill", "*.s3.drill"]);
    let stub = Stub::with(acceptor, chain.clone(), |_| Reply::Answer(200, String::new())).await;
    let store = store().by(S3Route { host: "s3.drill".into(), to: stub.address });
    let s3 = at("https://s3.drill".into(), Some(chain.clone()));
    store.ensure_bucket(&s3).await.expect("path style");
    let host = S3Settings { uri_style: UriStyle::Host, ..s3.clone() };
    store.ensure_bucket(&host).await.expect("host style");
    let requests = stub.requests();
    let port = stub.address.port();
    assert!(requests[0].head.contains(&format!("\nhost: s3.drill:{port}")));
    assert!(requests[1].head.contains(&format!("\nhost: backups.s3.drill:{port}")));
    // Any other host goes its own way, and the route excuses no certificate.
    let nowhere = at("https://nowhere.invalid".into(), Some(chain));
    all_fail(store.clone(), &nowhere, PortErrorKind::Unreachable).await;
    let (_, other) = authority();
    let distrusted = at("https://s3.drill".into(), Some(other));
    all_fail(store, &distrusted, PortErrorKind::Unreachable).await;
    assert_eq!(stub.requests().len(), 2);
    let elsewhere = Stub::tls(|_| Reply::Answer(200, String::new())).await;
    let misnamed = at("https://s3.drill".into(), Some(elsewhere.certificate.clone()));
    let route = S3Route { host: "s3.drill".into(), to: elsewhere.address };
    all_fail(self::store().by(route), &misnamed, PortErrorKind::Unreachable).await;
}

#[tokio::test]
async fn a_missing_key_is_nothing_and_a_missing_bucket_is_not_found() {
    let missing = |code: &'static str| Stub::tls(move |_| Reply::Answer(404, xml(code)));
    let stub = missing("NoSuchKey").await;
    assert_eq!(store().get(&settings(&stub), "k").await, Ok(None));
    let stub = missing("NoSuchBucket").await;
    let s3 = settings(&stub);
    all_fail(store(), &s3, PortErrorKind::NotFound).await;
    let error = store().get(&s3, "k").await.expect_err("no bucket");
    assert!(error.cause().contains("404 NoSuchBucket"), "{error}");
}

#[tokio::test]
async fn a_bucket_is_made_only_where_there_is_none_and_one_s_own_is_as_good() {
    let there = Stub::tls(|_| Reply::Answer(200, String::new())).await;
    store().ensure_bucket(&settings(&there)).await.expect("it is there");
    assert_eq!(there.requests().len(), 1);
    let head = |create: fn() -> Reply| {
        Stub::tls(move |request: &Request| match request.method.as_str() {
            "HEAD" => Reply::Answer(404, String::new()),
            _ => create(),
        })
    };
    let created = head(|| Reply::Answer(200, String::new())).await;
    let s3 = S3Settings { region: Some("here".into()), ..settings(&created) };
    store().ensure_bucket(&s3).await.expect("made");
    let requests = created.requests();
    assert_eq!((&*requests[1].method, requests.len()), ("PUT", 2));
    assert!(requests[1].body.is_empty(), "a place that this server may not know");
    let owned = head(|| Reply::Answer(409, xml("BucketAlreadyOwnedByYou"))).await;
    assert_eq!(store().ensure_bucket(&settings(&owned)).await, Ok(()));
    let theirs = head(|| Reply::Answer(409, xml("BucketAlreadyExists"))).await;
    let error = store().ensure_bucket(&settings(&theirs)).await.expect_err("someone else's");
    assert_eq!(error.kind(), PortErrorKind::Denied, "{error}");
}

#[tokio::test]
async fn a_server_that_denies_is_denied_whatever_it_repeats() {
    let stub = Stub::tls(|_| Reply::Answer(403, xml("InvalidAccessKeyId"))).await;
    all_fail(store(), &settings(&stub), PortErrorKind::Denied).await;
    let stub = Stub::tls(|_| Reply::Answer(500, xml("InternalError"))).await;
    all_fail(store(), &settings(&stub), PortErrorKind::Refused).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_or_not_trusted_is_unreachable() {
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("https://localhost:{}", closed.local_addr().expect("bound").port());
    drop(closed);
    all_fail(store(), &at(endpoint, None), PortErrorKind::Unreachable).await;
    let nowhere = at("https://nowhere.invalid".into(), None);
    all_fail(store(), &nowhere, PortErrorKind::Unreachable).await;
    let stub = Stub::tls(|_| Reply::Answer(200, String::new())).await;
    let (_, other) = authority();
    for chain in [Some(other.into()), None] {
        let s3 = S3Settings { tls_ca_chain: chain, ..settings(&stub) };
        all_fail(store(), &s3, PortErrorKind::Unreachable).await;
        let error = store().get(&s3, "k").await.expect_err("not trusted");
        assert!(error.cause().contains("certificate"), "{error}");
    }
    assert!(stub.requests().is_empty(), "it was asked although it is not trusted");
    let stub = Stub::tls(|_| Reply::HangUp).await;
    all_fail(store(), &settings(&stub), PortErrorKind::Unreachable).await;
}

#[tokio::test]
async fn a_chain_that_cannot_be_read_is_refused_with_its_name() {
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
    for chain in ["not a certificate", "-----BEGIN CERTIFICATE-----\nnothing", broken] {
        let s3 = at("https://localhost:1".into(), Some(chain.into()));
        all_fail(store(), &s3, PortErrorKind::Refused).await;
        let error = store().get(&s3, "k").await.expect_err("no chain");
        assert!(error.cause().contains("tls-ca-chain"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_timed_out_within_the_bound() {
    let short = Duration::from_millis(300);
    let by_attempt = S3Limits { connect: short, attempt: short, attempts: 1, call: LONG };
    let by_call = S3Limits { connect: LONG, attempt: LONG, attempts: 1, call: short };
    // One hangs after the request, one before TLS.
    let stub = Stub::tls(|_| Reply::Hang).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = silent.local_addr().expect("bound").port();
    for s3 in [settings(&stub), at(format!("https://localhost:{port}"), None)] {
        for limits in [by_attempt, by_call] {
            let failing = all_fail(S3Store::new(limits), &s3, PortErrorKind::TimedOut);
            timeout(LONG / 2, failing).await.expect("within the bound");
        }
    }
}

#[tokio::test]
async fn a_server_that_asks_for_patience_is_tried_as_often_as_was_said_and_no_more() {
    let stub = Stub::tls(|_| Reply::Answer(503, xml("SlowDown"))).await;
    for (attempts, requests) in [(1, 1), (3, 4)] {
        let store = S3Store::new(S3Limits { attempts, ..store().limits });
        let error = store.put(&settings(&stub), "k", b"x").await.expect_err("busy");
        assert_eq!(error.kind(), PortErrorKind::Refused, "{error}");
        assert_eq!(stub.requests().len(), requests);
    }
}

#[test]
fn the_default_bound_of_a_call_is_a_minute() {
    let S3Limits { attempt, attempts, call, connect } = S3Limits::default();
    assert!(call <= Duration::from_secs(60) && attempt * attempts < call && connect < attempt);
}

/// A server with a certificate of its own that calls itself an authority, as `openssl req -x509` makes them.
async fn own_authority(names: &[&str], year: i32) -> Stub {
    let (acceptor, chain) = made(names, |parameters| {
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.not_after = date_time_ymd(year, 1, 1);
    });
    Stub::with(acceptor, chain, |_| Reply::Answer(200, String::new())).await
}

const FAR: i32 = 4000;

#[tokio::test]
async fn a_certificate_that_is_its_own_authority_is_taken_where_that_very_one_is_given() {
    let stub = own_authority(&["localhost"], FAR).await;
    store().put(&settings(&stub), "k", b"x").await.expect("it was given");
    let (_, another) = authority();
    let among = S3Settings {
        tls_ca_chain: Some(format!("{another}{}", stub.certificate).into()),
        ..settings(&stub)
    };
    store().put(&among, "k", b"x").await.expect("it is among those given");
    assert_eq!(stub.requests().len(), 2);
    // Another of the same names, made in the same way.
    let other = own_authority(&["localhost"], FAR).await;
    for chain in [Some(other.certificate.clone().into()), Some(another.into()), None] {
        let s3 = S3Settings { tls_ca_chain: chain, ..settings(&stub) };
        all_fail(store(), &s3, PortErrorKind::Unreachable).await;
    }
    assert_eq!(stub.requests().len(), 2, "it was asked although it is not trusted");
}

#[tokio::test]
async fn a_certificate_that_was_given_must_bear_the_name_and_be_of_this_time_all_the_same() {
    let elsewhere = own_authority(&["elsewhere"], FAR).await;
    let expired = own_authority(&["localhost"], 2001).await;
    for (stub, words) in [(&elsewhere, "not valid for name"), (&expired, "expired")] {
        all_fail(store(), &settings(stub), PortErrorKind::Unreachable).await;
        let error = store().get(&settings(stub), "k").await.expect_err("refused");
        assert!(error.cause().contains(words), "{error}");
        assert!(stub.requests().is_empty(), "it was asked although it is not trusted");
    }
}

#[tokio::test]
async fn what_a_given_authority_signed_is_taken_whatever_else_is_given() {
    let signed = signed("localhost");
    let chain = signed.authority.clone();
    let stub = Stub::with(signed.acceptor, chain, |_| Reply::Answer(200, String::new())).await;
    store().put(&settings(&stub), "k", b"x").await.expect("signed");
    let (_, another) = authority();
    let other = S3Settings { tls_ca_chain: Some(another.into()), ..settings(&stub) };
    all_fail(store(), &other, PortErrorKind::Unreachable).await;
}
