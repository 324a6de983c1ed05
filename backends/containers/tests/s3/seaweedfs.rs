//! SeaweedFS, whose owner of a bucket is bound by the bucket's own policy.

use pgdrill_containers::{
    Stage,
    authority::Authority,
    s3::{Profile, S3Server},
};
use pgdrill_core::ports::ObjectStore as _;

use super::{AnswerText, DENIED, FINE, by, kinds, settings};

/// How often a policy is put and lifted: a state that is left behind shows the second time.
const TIMES: usize = 3;

pub(crate) async fn play(stage: &Stage) {
    let authority = Authority::new("pgdrill s3 test").expect("made");
    let started = S3Server::start(Profile::Seaweedfs, stage, &authority, &AnswerText).await;
    let server = started.unwrap_or_else(|error| panic!("{error}"));
    let again = S3Server::again(Profile::Seaweedfs, stage, &authority).await;
    assert_eq!(again.unwrap_or_else(|error| panic!("{error}")).facts(), server.facts());
    what_is_refused_is_refused_at_once_and_no_longer_than_said(&server).await;
    keys_are_refused_at_once_and_no_longer_than_said(&server).await;
    a_bucket_is_as_good_as_another_s(&server).await;
}

async fn what_is_refused_is_refused_at_once_and_no_longer_than_said(server: &S3Server) {
    let (store, s3) = (store(server), settings(server.facts(), "denied"));
    for _ in 0..TIMES {
        assert_eq!(kinds(&store, &s3).await, FINE);
        server.deny("denied").await.expect("denied");
        assert_eq!(kinds(&store, &s3).await, DENIED);
        assert_eq!(server.keys("denied", "").await, Ok(vec!["have".to_owned()]));
        assert_eq!(server.read("denied", "have").await, Ok(Some(b"x".to_vec())));
        assert_eq!(kinds(&store, &s3).await, DENIED, "still");
        server.lift("denied").await.expect("lifted");
    }
    server.deny("denied").await.expect("denied");
    server.remove_bucket("denied").await.expect("gone, whatever refused it");
    assert_eq!(server.keys("denied", "").await, Ok(Vec::new()));
    server.deny("denied").await.expect("one that is not there, too");
    assert_eq!(kinds(&store, &s3).await, DENIED);
    server.lift("denied").await.expect("lifted");
    let error = store.get(&s3, "have").await.expect_err("no bucket");
    assert_eq!(error.kind(), pgdrill_core::PortErrorKind::NotFound, "{error}");
}

async fn keys_are_refused_at_once_and_no_longer_than_said(server: &S3Server) {
    let (store, s3) = (store(server), settings(server.facts(), "refused"));
    server.make_bucket("refused").await.expect("ours");
    for _ in 0..TIMES {
        for key in ["a/latest", "a/other"] {
            store.put(&s3, key, b"x").await.expect("nothing is refused");
        }
        server.refuse_keys("refused", "/late").await.expect("refused");
        store.put(&s3, "a/latest", b"y").await.expect_err("refused");
        store.get(&s3, "a/latest").await.expect_err("refused");
        store.put(&s3, "a/other", b"x").await.expect("another key");
        let seen = server.read("refused", "a/latest").await;
        assert_eq!(seen, Ok(Some(b"x".to_vec())), "to whoever looks");
        let keys = server.keys("refused", "").await;
        assert_eq!(keys, Ok(vec!["a/latest".to_owned(), "a/other".to_owned()]), "no other");
        server.refuse_keys("refused", "").await.expect("none is refused");
    }
    server.remove_bucket("refused").await.expect("gone");
}

async fn a_bucket_is_as_good_as_another_s(server: &S3Server) {
    let (store, s3) = (store(server), settings(server.facts(), "foreign"));
    server.make_foreign_bucket("foreign").await.expect("as good as another's");
    server.lift("foreign").await.expect("that is no fault to be mended");
    assert_eq!(kinds(&store, &s3).await, DENIED);
    server.remove_bucket("foreign").await.expect("gone");
    assert_eq!(kinds(&store, &s3).await, FINE);
    server.remove_bucket("foreign").await.expect("gone");
}

fn store(server: &S3Server) -> pgdrill_adapters::s3::S3Store {
    by(server.route().expect("in a container").clone())
}
