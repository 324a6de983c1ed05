//! The server of these tests, as if somebody else ran it.

use pgdrill_adapters::s3::{S3Limits, S3Route, S3Store};
use pgdrill_containers::{
    ProxySpec,
    authority::Authority,
    s3::{External, S3Server},
};
use pgdrill_core::PortErrorKind;

use super::{
    AnswerText, DENIED, FINE, LIMITS, SOON, Scene, TIMED_OUT, UNREACHABLE, by, kinds, proxy,
    settings, soon,
};

/// The server, as if somebody else ran it, and the environment that describes it.
fn reported(scene: &Scene, chain: &str, changes: &[(&str, &str)]) -> External {
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
    let external = reported(scene, scene.authority.chain(), &[]);
    let server = S3Server::external(&external, &scene.home, &authority, &AnswerText).await;
    let server = server.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(server.facts().endpoint(), "https://s3.drill");
    println!("{:?}", server.proxy().to);
    assert!(server.is_relayed(), "it listens on the loopback alone");
    let proxy = proxy(&scene.home, &server.proxy()).await;
    let store = by(proxy.route());
    let s3 = settings(server.facts(), "external");
    assert_eq!(kinds(&store, &s3).await, FINE);
    let distrusting = scene.settings("external");
    assert_eq!(kinds(&store, &distrusting).await, UNREACHABLE, "its own authority signed");
    // A topology is on a network of its own, with a gateway of its own.
    let spec = ProxySpec { host: "lane".into(), ..server.proxy() };
    let lane = self::proxy(&scene.far, &spec).await;
    let by_lane = by(S3Route { host: server.facts().host.clone(), to: lane.route().to });
    assert_eq!(kinds(&by_lane, &s3).await, FINE, "from another network");
    lane.container().remove().await.expect("gone");
    soon(proxy.close()).await;
    assert_eq!(kinds(&store, &s3).await, UNREACHABLE);
    soon(proxy.hang()).await;
    let hasty = S3Store::new(S3Limits { connect: SOON, attempt: SOON, ..LIMITS }).by(proxy.route());
    assert_eq!(kinds(&hasty, &s3).await, TIMED_OUT);
    soon(proxy.open()).await;
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
    proxy.container().remove().await.expect("gone");
}

pub(crate) async fn what_is_wrong_with_somebody_else_s_server_is_reported(scene: &Scene) {
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
        let external = reported(scene, chain, &[change]);
        let failed =
            S3Server::external(&external, &scene.home, &scene.authority, &AnswerText).await;
        let error = failed.expect_err(words).to_string();
        println!("{error}\n");
        assert!(error.contains(words) && error.contains("\n hint: "), "{error}");
        assert!(!error.contains(scene.server.facts().secret_key.expose()), "{error}");
    }
}
