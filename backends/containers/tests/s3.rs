//! A real S3 server, the proxies before it, and every state in which scenarios want its buckets. Needs a container
//! engine: `cargo test -p pgdrill-containers --features engine-tests --test s3`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may panic, and shows what it does"
)]

#[path = "s3/external.rs"]
mod external;
#[path = "s3/seaweedfs.rs"]
mod seaweedfs;

use std::{future::Future, panic::AssertUnwindSafe, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, future::join_all, stream};
use pgdrill_adapters::s3::{S3Limits, S3Route, S3Store};
use pgdrill_containers::{
    Proxy, ProxySpec, ProxyTarget, Purpose, Stage,
    authority::Authority,
    images::{Image, Progress},
    s3::{Choice, Facts, Profile, S3Server, Unmet},
};
use pgdrill_core::{PortErrorKind, S3Settings, Secret, ports::ObjectStore as _};
use tokio::time::timeout;

const LIMITS: S3Limits = S3Limits {
    connect: Duration::from_secs(2),
    attempt: Duration::from_secs(2),
    attempts: 1,
    call: Duration::from_secs(10),
};
/// How soon a proxy obeys.
const SOON: Duration = Duration::from_millis(500);
const BOUND: Duration = Duration::from_secs(30);

struct AnswerText;

impl Progress for AnswerText {
    fn line(&self, image: Image, line: &str) {
        println!("{}: {line}", image.name());
    }
}

/// The server on a stage of its own, and two topologies, each behind its proxy.
struct Scene {
    home: Stage,
    authority: Authority,
    server: S3Server,
    near: Stage,
    proxy: Proxy,
    far: Stage,
    other_proxy: Proxy,
}

impl Scene {
    fn settings(&self, bucket: &str) -> S3Settings {
        settings(self.server.facts(), bucket)
    }

    /// What the hooks have: the bucket, through the proxy.
    fn store(&self) -> S3Store {
        by(self.proxy.route())
    }
}

fn settings(facts: &Facts, bucket: &str) -> S3Settings {
    S3Settings::from_relation(&facts.relation(bucket)).expect("complete")
}

fn by(route: S3Route) -> S3Store {
    S3Store::new(LIMITS).by(route)
}

/// What became of each call of the port, of a key that is there and of one that is missing.
async fn kinds(store: &S3Store, s3: &S3Settings) -> [Option<PortErrorKind>; 4] {
    [
        store.ensure_bucket(s3).await.err(),
        store.put(s3, "have", b"x").await.err(),
        store.get(s3, "have").await.err(),
        store.get(s3, "missing").await.err(),
    ]
    .map(|error| {
        error.map(|error| {
            println!("{error}");
            error.kind()
        })
    })
}

const FINE: [Option<PortErrorKind>; 4] = [None; 4];
const DENIED: [Option<PortErrorKind>; 4] = [Some(PortErrorKind::Denied); 4];
const UNREACHABLE: [Option<PortErrorKind>; 4] = [Some(PortErrorKind::Unreachable); 4];
const TIMED_OUT: [Option<PortErrorKind>; 4] = [Some(PortErrorKind::TimedOut); 4];

#[tokio::test(flavor = "multi_thread")]
async fn radosgw_and_its_proxies_are_as_scenarios_want_them() {
    let stages = [stage().await, stage().await, stage().await];
    let played = AssertUnwindSafe(play(&stages)).catch_unwind().await;
    // The proxies stand on the network of the server, too: it goes last.
    for stage in stages.iter().rev() {
        stage.take_down().await.unwrap_or_else(|error| panic!("{error}"));
    }
    if let Err(panic) = played {
        std::panic::resume_unwind(panic);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn seaweedfs_is_as_scenarios_want_it() {
    let stage = stage().await;
    let played = AssertUnwindSafe(seaweedfs::play(&stage)).catch_unwind().await;
    stage.take_down().await.unwrap_or_else(|error| panic!("{error}"));
    if let Err(panic) = played {
        std::panic::resume_unwind(panic);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_server_that_can_be_had_is_taken_and_the_others_are_reported() {
    let stage = stage().await;
    let authority = Authority::new("pgdrill s3 test").expect("made");
    // Long enough for a registry that is slow; one that is out of reach takes half a minute at most.
    let choosing = Choice::make(None, &stage, &authority, &AnswerText);
    let choice = timeout(BOUND * 10, choosing).await.expect("in time");
    let choice = choice.unwrap_or_else(|error| panic!("{error}"));
    println!("{choice}");
    for (profile, reason) in &choice.passed_over {
        assert!(!reason.is_empty() && choice.to_string().contains(reason), "{choice}");
        let asking = Choice::make(Some(*profile), &stage, &authority, &AnswerText);
        let asked = timeout(BOUND * 4, asking).await;
        let error = asked.expect("in time").expect_err("it can't be had").to_string();
        println!("{error}");
        assert!(error.contains(&**reason) && error.contains("hint:"), "{error}");
    }
    stage.take_down().await.unwrap_or_else(|error| panic!("{error}"));
}

async fn stage() -> Stage {
    Stage::set(Purpose::Run).await.unwrap_or_else(|error| panic!("{error}"))
}

async fn play([home, near, far]: &[Stage; 3]) {
    let authority = Authority::new("pgdrill s3 test").expect("made");
    let started = S3Server::start(Profile::Radosgw, home, &authority, &AnswerText).await;
    let server = started.unwrap_or_else(|error| panic!("{error}"));
    let proxy = proxy(near, &server.proxy()).await;
    let other_proxy = self::proxy(far, &server.proxy()).await;
    let (home, near, far) = (home.clone(), near.clone(), far.clone());
    let scene = Scene { home, authority, server, near, proxy, far, other_proxy };
    the_way_is_by_the_proxy(&scene).await;
    a_closed_proxy_refuses_and_a_hanging_one_never_answers(&scene).await;
    a_proxy_survives_its_container(&scene).await;
    whoever_comes_later_finds_them(&scene).await;
    credentials_are_asked_for(&scene).await;
    a_bucket_is_absent_or_there_or_another_s(&scene).await;
    what_is_denied_is_denied_until_it_is_lifted(&scene).await;
    keys_are_refused_by_a_part_of_their_name(&scene).await;
    many_clients_at_once_and_all_pages(&scene).await;
    external::somebody_else_s_server_is_as_good(&scene).await;
    external::what_is_wrong_with_somebody_else_s_server_is_reported(&scene).await;
}

async fn proxy(stage: &Stage, spec: &ProxySpec) -> Proxy {
    Proxy::start(stage, spec, &AnswerText).await.unwrap_or_else(|error| panic!("{error}"))
}

async fn the_way_is_by_the_proxy(scene: &Scene) {
    let s3 = scene.settings("by-the-proxy");
    assert_eq!(s3.endpoint, "https://s3.drill");
    assert_eq!(kinds(&scene.store(), &s3).await, FINE);
    assert_eq!(scene.store().get(&s3, "have").await, Ok(Some(b"x".to_vec())));
    // Its name means nothing to this process.
    assert_eq!(kinds(&S3Store::new(LIMITS), &s3).await, UNREACHABLE);
    // The proxy changes nothing about trust.
    let other = Authority::new("another").expect("made").chain().to_owned();
    for chain in [Some(other.into()), Some(scene.server.other_chain().to_owned().into()), None] {
        let distrusting = S3Settings { tls_ca_chain: chain, ..s3.clone() };
        assert_eq!(kinds(&scene.store(), &distrusting).await, UNREACHABLE);
    }
    // The containers of its own stage find it under the name that it has for clients.
    let spec = ProxySpec {
        host: "probe".into(),
        to: ProxyTarget::Container {
            name: s3_host(scene),
            port: 443,
            stage: scene.near.name().to_owned(),
        },
        ..scene.server.proxy()
    };
    let probe = proxy(&scene.near, &spec).await;
    let through = S3Route { host: s3_host(scene), to: probe.route().to };
    assert_eq!(kinds(&by(through), &s3).await, FINE);
    probe.container().remove().await.expect("gone");
    assert!(scene.far.container("probe").await.is_err());
}

fn s3_host(scene: &Scene) -> String {
    scene.server.facts().host.clone()
}

async fn a_closed_proxy_refuses_and_a_hanging_one_never_answers(scene: &Scene) {
    let s3 = scene.settings("by-the-proxy");
    for _ in 0..2 {
        soon(scene.proxy.close()).await;
        assert_eq!(kinds(&scene.store(), &s3).await, UNREACHABLE);
        soon(scene.proxy.hang()).await;
        let hasty = S3Limits { connect: SOON, attempt: SOON, ..LIMITS };
        let hasty = S3Store::new(hasty).by(scene.proxy.route());
        assert_eq!(kinds(&hasty, &s3).await, TIMED_OUT);
        assert_eq!(kinds(&by(scene.other_proxy.route()), &s3).await, FINE, "another topology");
        soon(scene.proxy.open()).await;
        assert_eq!(kinds(&scene.store(), &s3).await, FINE);
    }
    for order in ["hang", "hang", "open", "open", "close", "close", "hang", "close", "open"] {
        match order {
            "hang" => soon(scene.proxy.hang()).await,
            "close" => soon(scene.proxy.close()).await,
            _ => soon(scene.proxy.open()).await,
        }
    }
    assert_eq!(kinds(&scene.store(), &s3).await, FINE);
}

async fn soon<E: std::fmt::Display>(order: impl Future<Output = Result<(), E>>) {
    let done = timeout(SOON, order).await.expect("within half a second");
    done.unwrap_or_else(|error| panic!("{error}"));
}

async fn a_proxy_survives_its_container(scene: &Scene) {
    let s3 = scene.settings("by-the-proxy");
    let container = scene.proxy.container();
    container.kill().await.expect("killed");
    assert!(scene.proxy.open().await.is_err(), "it does not run");
    assert_eq!(kinds(&scene.store(), &s3).await, UNREACHABLE);
    container.start().await.expect("started");
    let store = scene.store();
    until("the proxy is open again", || async { store.get(&s3, "have").await.is_ok() }).await;
}

async fn whoever_comes_later_finds_them(scene: &Scene) {
    let key = scene.authority.key();
    let known = Authority::known(scene.authority.name(), scene.authority.chain(), &key);
    let again = S3Server::again(Profile::Radosgw, &scene.home, &known.expect("known")).await;
    let again = again.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(again.facts(), scene.server.facts());
    assert_eq!(again.proxy(), scene.server.proxy());
    assert_eq!(again.keys("by-the-proxy", "").await, Ok(vec!["have".to_owned()]));
    let proxy = Proxy::again(&scene.near, &again.facts().host, again.facts().port).await;
    assert_eq!(proxy.expect("there").route(), scene.proxy.route());
    let elsewhere = S3Server::again(Profile::Radosgw, &scene.far, &scene.authority).await;
    assert!(elsewhere.is_err());
}

async fn credentials_are_asked_for(scene: &Scene) {
    let right = scene.settings("by-the-proxy");
    let wrong_secret = S3Settings { secret_key: Secret::new("wrong"), ..right.clone() };
    let wrong_key = S3Settings { access_key: Secret::new("nobody"), ..right };
    for s3 in [wrong_secret, wrong_key] {
        assert_eq!(kinds(&scene.store(), &s3).await, DENIED);
    }
}

async fn a_bucket_is_absent_or_there_or_another_s(scene: &Scene) {
    let (server, store) = (&scene.server, scene.store());
    let s3 = scene.settings("states");
    let absent = store.get(&s3, "have").await.expect_err("no bucket");
    assert_eq!(absent.kind(), PortErrorKind::NotFound, "{absent}");
    assert_eq!(server.keys("states", "").await, Ok(Vec::new()));
    assert_eq!(kinds(&store, &s3).await, FINE, "the hooks make it");
    server.make_bucket("states").await.expect("it is there, and that is as good");
    server.remove_bucket("states").await.expect("gone");
    server.remove_bucket("states").await.expect("gone already");
    assert_eq!(store.put(&s3, "k", b"x").await.expect_err("gone").kind(), PortErrorKind::NotFound);
    server.make_foreign_bucket("states").await.expect("another's");
    assert_eq!(kinds(&store, &s3).await, DENIED);
    server.make_bucket("states").await.expect_err("another's");
    server.deny("states").await.expect("it is, as it is");
    server.lift("states").await.expect("nothing was put there");
    assert_eq!(kinds(&store, &s3).await, DENIED, "still another's");
    server.remove_bucket("states").await.expect("gone");
    server.make_bucket("states").await.expect("ours");
    assert_eq!(kinds(&store, &s3).await, FINE);
    server.make_foreign_bucket("states").await.expect_err("ours");
    server.remove_bucket("states").await.expect("gone");
}

async fn what_is_denied_is_denied_until_it_is_lifted(scene: &Scene) {
    let (server, store) = (&scene.server, scene.store());
    let s3 = scene.settings("denied");
    for _ in 0..2 {
        assert_eq!(kinds(&store, &s3).await, FINE);
        server.deny("denied").await.expect("denied");
        server.deny("denied").await.expect("denied already");
        assert_eq!(kinds(&store, &s3).await, DENIED);
        assert_eq!(kinds(&store, &scene.settings("by-the-proxy")).await, FINE, "another bucket");
        assert_eq!(server.keys("denied", "").await, Ok(vec!["have".to_owned()]));
        assert_eq!(server.read("denied", "have").await, Ok(Some(b"x".to_vec())));
        server.lift("denied").await.expect("lifted");
        server.lift("denied").await.expect("lifted already");
    }
    assert_eq!(kinds(&store, &s3).await, FINE);
    server.deny("denied").await.expect("denied");
    server.remove_bucket("denied").await.expect("gone, whatever refused it");
    // A bucket that is not there is denied, too, and is not there afterwards.
    server.deny("denied").await.expect("denied");
    server.deny("denied").await.expect("denied already");
    assert_eq!(kinds(&store, &s3).await, DENIED);
    server.lift("denied").await.expect("lifted");
    let absent = store.get(&s3, "have").await.expect_err("no bucket");
    assert_eq!(absent.kind(), PortErrorKind::NotFound, "{absent}");
}

async fn keys_are_refused_by_a_part_of_their_name(scene: &Scene) {
    let (server, store) = (&scene.server, scene.store());
    let s3 = scene.settings("refused");
    let early = server.refuse_keys("refused", "latest").await.expect_err("no bucket");
    assert!(matches!(early, Unmet::Unable(_)), "{early}");
    server.make_bucket("refused").await.expect("ours");
    for key in ["a/backup/latest", "a/backup/other"] {
        store.put(&s3, key, key.as_bytes()).await.expect("put");
    }
    server.refuse_keys("refused", "backup/late").await.expect("refused");
    for (key, kind) in [
        ("a/backup/latest", Some(PortErrorKind::Denied)),
        ("b/backup/later", Some(PortErrorKind::Denied)),
        ("a/backup/other", None),
        ("backup/xlate", None),
    ] {
        let put = store.put(&s3, key, b"new").await;
        assert_eq!(put.as_ref().err().map(|error| error.kind()), kind, "{key}: {put:?}");
    }
    let got = store.get(&s3, "a/backup/latest").await.expect_err("refused");
    assert_eq!(got.kind(), PortErrorKind::Denied, "{got}");
    // What this server reports of a key that is refused and missing.
    assert_eq!(store.get(&s3, "b/backup/later").await, Ok(None));
    store.ensure_bucket(&s3).await.expect("the bucket is not refused");
    let seen = server.read("refused", "a/backup/latest").await;
    assert_eq!(seen, Ok(Some(b"a/backup/latest".to_vec())), "to whoever looks");
    server.refuse_keys("refused", "other").await.expect("another text instead");
    store.put(&s3, "a/backup/latest", b"new").await.expect("no longer refused");
    store.get(&s3, "a/backup/other").await.expect_err("refused now");
    server.refuse_keys("refused", "").await.expect("none is refused");
    assert_eq!(store.get(&s3, "a/backup/other").await, Ok(Some(b"new".to_vec())));
    for text in ["a:b", "*", "?"] {
        let unable = server.refuse_keys("refused", text).await.expect_err(text);
        assert!(matches!(unable, Unmet::Unable(_)), "{unable}");
    }
    server.refuse_keys("refused", "a").await.expect("refused");
    server.remove_bucket("refused").await.expect("gone, whatever refused it");
}

async fn many_clients_at_once_and_all_pages(scene: &Scene) {
    let (server, s3) = (&scene.server, scene.settings("many"));
    server.make_bucket("many").await.expect("ours");
    let clients = (0..4).map(|client| {
        let (s3, store) = (s3.clone(), by(server.route().expect("in a container").clone()));
        async move {
            let put = |object| {
                let (s3, store) = (&s3, &store);
                async move { store.put(s3, &format!("{client}/{object:04}"), b"x").await }
            };
            stream::iter(0..255).map(put).buffer_unordered(4).try_collect::<Vec<()>>().await
        }
    });
    for client in timeout(BOUND * 4, join_all(clients)).await.expect("in time") {
        client.expect("every object is put");
    }
    let keys = server.keys("many", "").await.expect("listed");
    assert_eq!(keys.len(), 1020, "all pages");
    assert!(keys.is_sorted());
    assert_eq!(server.keys("many", "3/01").await.expect("listed").len(), 100);
    timeout(BOUND, server.remove_bucket("many")).await.expect("fast").expect("gone");
    assert_eq!(server.keys("many", "").await, Ok(Vec::new()));
}

/// Waits until a question is answered with yes.
async fn until<F: Future<Output = bool>>(what: &str, mut ask: impl FnMut() -> F) {
    let waiting = async {
        while !ask().await {
            pause().await;
        }
    };
    timeout(BOUND, waiting).await.unwrap_or_else(|_| panic!("not within {BOUND:?}: {what}"));
}

#[expect(
    clippy::disallowed_methods,
    reason = "the servers are other processes; they are asked again until they are so far"
)]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}
