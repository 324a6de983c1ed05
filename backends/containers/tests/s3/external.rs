//! The same server, as if somebody else ran it.

use pgdrill_adapters::s3::{Limits, S3Store};
use pgdrill_containers::{
    authority::Authority,
    s3::{External, S3Server},
};
use pgdrill_core::PortErrorKind;

use super::{
    DENIED, FINE, LIMITS, SOON, Scene, Shown, TIMED_OUT, UNREACHABLE, by, gate, kinds, settings,
    soon,
};

/// The server, as if somebody else ran it, and the environment told of it.
fn told(scene: &Scene, chain: &str, changes: &[(&str, &str)]) -> External {
    let facts = scene.server.facts();
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), chain).expect("written");
    let port = scene.server.route().expect("in a container").to.port();
    let endpoint = format!("https://127.0.0.1:{port}");
    let given = [
        ("ENDPOINT", &*endpoint),
        ("ACCESS_KEY", facts.access_key.expose()),
        ("SECRET_KEY", facts.secret_key.expose()),
        ("CA_FILE", file.path().to_str().expect("a path")),
    ];
    let external = External::read(&|name| {
        let known = |(key, _): &&(&str, &str)| name == format!("PGDRILL_S3_{key}");
        let value = changes.iter().find(known).or_else(|| given.iter().find(known));
        value.map(|(_, value)| (*value).to_owned())
    });
    external.unwrap_or_else(|error| panic!("{error}"))
}

/// Reached by an address that containers do not reach, under a name that is none, and with one user alone.
pub(crate) async fn somebody_else_s_server_is_as_good(scene: &Scene) {
    let authority = Authority::new("pgdrill s3 test, once more").expect("made");
    let external = told(scene, scene.authority.chain(), &[]);
    let server = S3Server::external(&external, &scene.home, &authority, &Shown).await;
    let server = server.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(server.facts().endpoint(), "https://s3.drill");
    println!("{:?}", server.gate().to);
    let gate = gate(&scene.home, &server.gate()).await;
    let store = by(gate.route());
    let s3 = settings(server.facts(), "external");
    assert_eq!(kinds(&store, &s3).await, FINE);
    let distrusting = scene.settings("external");
    assert_eq!(kinds(&store, &distrusting).await, UNREACHABLE, "its own authority signed");
    soon(gate.close()).await;
    assert_eq!(kinds(&store, &s3).await, UNREACHABLE);
    soon(gate.hang()).await;
    let hasty = S3Store::new(Limits { connect: SOON, attempt: SOON, ..LIMITS }).by(gate.route());
    assert_eq!(kinds(&hasty, &s3).await, TIMED_OUT);
    soon(gate.open()).await;
    assert_eq!(kinds(&store, &s3).await, FINE);

    server.deny("external").await.expect("denied");
    let [bucket, put, get, missing] = kinds(&store, &s3).await;
    assert_eq!([bucket, put, get], [Some(PortErrorKind::Denied); 3]);
    assert_eq!(missing, None, "what this server tells the owner of the bucket");
    assert_eq!(server.keys("external", "").await, Ok(vec!["have".to_owned()]));
    assert_eq!(server.read("external", "have").await, Ok(Some(b"x".to_vec())));
    assert_eq!(kinds(&store, &s3).await[0], Some(PortErrorKind::Denied), "still");
    server.refuse_keys("external", "hav").await.expect("refused instead");
    let [bucket, put, get, _] = kinds(&store, &s3).await;
    assert_eq!([bucket, put, get], [None, DENIED[0], DENIED[0]]);
    assert_eq!(server.read("external", "have").await, Ok(Some(b"x".to_vec())));
    server.lift("external").await.expect("lifted");
    assert_eq!(kinds(&store, &s3).await, FINE);
    server.remove_bucket("external").await.expect("gone");
    server.make_foreign_bucket("external").await.expect("as good as another's");
    server.lift("external").await.expect("that is no fault to be mended");
    assert_eq!(kinds(&store, &s3).await[..2], DENIED[..2]);
    server.remove_bucket("external").await.expect("gone");
    assert_eq!(server.keys("external", "").await, Ok(Vec::new()));
    gate.part().remove().await.expect("gone");
}

pub(crate) async fn what_is_wrong_with_somebody_else_s_server_is_told(scene: &Scene) {
    let (right, other) = (scene.authority.chain(), scene.server.other_chain());
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody = format!("https://127.0.0.1:{}", closed.local_addr().expect("bound").port());
    drop(closed);
    for (chain, change, words) in [
        (right, ("SECRET_KEY", "wrong"), "403 SignatureDoesNotMatch"),
        (right, ("ACCESS_KEY", "nobody"), "403 InvalidAccessKeyId"),
        (other, ("REGION", ""), "PGDRILL_S3_CA_FILE must hold"),
        (right, ("ENDPOINT", &*nobody), "Connection refused"),
    ] {
        let external = told(scene, chain, &[change]);
        let failed = S3Server::external(&external, &scene.home, &scene.authority, &Shown).await;
        let error = failed.expect_err(words).to_string();
        println!("{error}\n");
        assert!(error.contains(words) && error.contains("\n hint: "), "{error}");
        assert!(!error.contains(scene.server.facts().secret_key.expose()), "{error}");
    }
}
