//! What the bucket promises.

use pgdrill_core::{PortErrorKind as Kind, Ports, S3Settings};
use pgdrill_sim::{
    BucketGiven, CaGiven, Change, CredentialsGiven, EndpointGiven, Given, S3Given, S3ServerState,
};

use super::{
    PromiseFailure, PromiseResult, SILENCE, Subject, ensure_eq, fails, promises,
    subject::{related, s3},
};

const KEY: &str = "drill/backup/contract/object";
const OTHER: &str = "drill/backup/contract/object.2";

promises! {
    /// The promises of `ObjectStore`.
    OBJECT_STORE {
        "a missing bucket is made": no_bucket => makes_the_bucket(),
        "a bucket that is there keeps what it holds": related => keeps_the_bucket(),
        "an object holds exactly what was put": related => round_trips(),
        "a later put replaces the whole object": related => replaces(),
        "an absent object is nothing, and no error": related => absent(),
        "keys are whole: one does not stand for another that it begins": related => apart(),
        "every unit sees the same objects": || Given { units: 2, ..related() } => shared(),
        "without its bucket an object is not found": no_bucket => bucketless(),
        "a bucket of a name that S3 does not allow is not made":
            related => makes_no_bucket(&["Drill Backups", "Drill_Backups", "a/b", "a"]),
        "someone else's bucket is denied":
            related => every_call_fails(bucket(BucketGiven::Forbidden), &[Kind::Denied]),
        "a wrong credential is denied": related => every_call_fails(
            S3Given { credentials: CredentialsGiven::Wrong, ..S3Given::default() }, &[Kind::Denied]),
        "a host that nobody knows is unreachable": related => every_call_fails(
            S3Given { endpoint: EndpointGiven::Unreachable, ..S3Given::default() },
            &[Kind::Unreachable]),
        "a certificate of another authority is unreachable": related => every_call_fails(
            S3Given { ca: CaGiven::Wrong, ..S3Given::default() }, &[Kind::Unreachable]),
        "a certificate that no public authority signed is unreachable": related => every_call_fails(
            S3Given { ca: CaGiven::Missing, ..S3Given::default() }, &[Kind::Unreachable]),
        "a server that is down is unreachable":
            related => survives(S3ServerState::Down, &[Kind::Unreachable]),
        "a server that never answers is timed out":
            related => survives(S3ServerState::Hangs, SILENCE),
        "a server that denies is denied":
            related => survives(S3ServerState::Denies, &[Kind::Denied]),
        "a refused key is denied, and holds the old content or the new":
            related => refused_key(),
    }
}

fn no_bucket() -> Given {
    Given { s3: Some(bucket(BucketGiven::Absent)), ..Given::default() }
}

fn bucket(bucket: BucketGiven) -> S3Given {
    S3Given { bucket, ..S3Given::default() }
}

async fn at_hand(subject: &dyn Subject) -> Result<(Ports, S3Settings), PromiseFailure> {
    let ports = subject.ports(0)?;
    let s3 = s3(&ports).await?;
    Ok((ports, s3))
}

async fn makes_the_bucket(subject: &dyn Subject) -> PromiseResult {
    let (ports, s3) = at_hand(subject).await?;
    for _ in 0..2 {
        ports.object_store.ensure_bucket(&s3).await?;
        ports.object_store.put(&s3, KEY, b"x").await?;
    }
    ensure_eq!("the object", ports.object_store.get(&s3, KEY).await?, Some(b"x".to_vec()));
    Ok(())
}

async fn makes_no_bucket(subject: &dyn Subject, names: &[&'static str]) -> PromiseResult {
    let (ports, s3) = at_hand(subject).await?;
    for name in names {
        let s3 = S3Settings { bucket: (*name).into(), ..s3.clone() };
        let made = ports.object_store.ensure_bucket(&s3).await;
        let kinds = &[Kind::Refused, Kind::NotFound, Kind::Denied];
        fails(made, "object store.ensure_bucket", kinds)?;
    }
    Ok(())
}

async fn keeps_the_bucket(subject: &dyn Subject) -> PromiseResult {
    let (ports, s3) = at_hand(subject).await?;
    ports.object_store.put(&s3, KEY, b"kept").await?;
    ports.object_store.ensure_bucket(&s3).await?;
    ensure_eq!("the object", ports.object_store.get(&s3, KEY).await?, Some(b"kept".to_vec()));
    Ok(())
}

async fn round_trips(subject: &dyn Subject) -> PromiseResult {
    let (ports, s3) = at_hand(subject).await?;
    let every_byte: Vec<u8> = (0..=u8::MAX).cycle().take(70_000).collect();
    for content in [&b"Model UUID: x\n"[..], b"", "ü\r\n\0".as_bytes(), &every_byte] {
        ports.object_store.put(&s3, KEY, content).await?;
        let got = ports.object_store.get(&s3, KEY).await?.unwrap_or_else(|| b"(none)".to_vec());
        ensure_eq!("the length", got.len(), content.len());
        ensure_eq!("whether the bytes are the same", got == content, true);
    }
    Ok(())
}

async fn replaces(subject: &dyn Subject) -> PromiseResult {
    let (ports, s3) = at_hand(subject).await?;
    ports.object_store.put(&s3, KEY, b"the longer content").await?;
    ports.object_store.put(&s3, KEY, b"short").await?;
    ensure_eq!("the object", ports.object_store.get(&s3, KEY).await?, Some(b"short".to_vec()));
    Ok(())
}

async fn absent(subject: &dyn Subject) -> PromiseResult {
    let (ports, s3) = at_hand(subject).await?;
    ensure_eq!("the object", ports.object_store.get(&s3, KEY).await?, None);
    Ok(())
}

async fn apart(subject: &dyn Subject) -> PromiseResult {
    let (ports, s3) = at_hand(subject).await?;
    ports.object_store.put(&s3, OTHER, b"other").await?;
    ensure_eq!("the object", ports.object_store.get(&s3, KEY).await?, None);
    ports.object_store.put(&s3, KEY, b"own").await?;
    ensure_eq!("the other", ports.object_store.get(&s3, OTHER).await?, Some(b"other".to_vec()));
    Ok(())
}

async fn shared(subject: &dyn Subject) -> PromiseResult {
    let (ports, s3) = at_hand(subject).await?;
    ports.object_store.put(&s3, KEY, b"x").await?;
    let seen = subject.ports(1)?.object_store.get(&s3, KEY).await?;
    ensure_eq!("the object, from the other unit", seen, Some(b"x".to_vec()));
    Ok(())
}

async fn bucketless(subject: &dyn Subject) -> PromiseResult {
    let (ports, s3) = at_hand(subject).await?;
    fails(ports.object_store.put(&s3, KEY, b"x").await, "object store.put", &[Kind::NotFound])?;
    fails(ports.object_store.get(&s3, KEY).await, "object store.get", &[Kind::NotFound])?;
    Ok(())
}

async fn all_fail(ports: &Ports, s3: &S3Settings, kinds: &[Kind]) -> PromiseResult {
    let store = &ports.object_store;
    fails(store.ensure_bucket(s3).await, "object store.ensure_bucket", kinds)?;
    fails(store.put(s3, KEY, b"new").await, "object store.put", kinds)?;
    fails(store.get(s3, KEY).await, "object store.get", kinds)?;
    Ok(())
}

/// With these settings in the relation, every call fails alike.
async fn every_call_fails(subject: &dyn Subject, given: S3Given, kinds: &[Kind]) -> PromiseResult {
    subject.happen(&Change::S3Settings(given)).await?;
    let (ports, s3) = at_hand(subject).await?;
    all_fail(&ports, &s3, kinds).await
}

/// While the server is in this state every call fails alike; what was there is there again afterwards.
async fn survives(subject: &dyn Subject, state: S3ServerState, kinds: &[Kind]) -> PromiseResult {
    let (ports, s3) = at_hand(subject).await?;
    ports.object_store.put(&s3, KEY, b"old").await?;
    subject.happen(&Change::S3Server(state)).await?;
    all_fail(&ports, &s3, kinds).await?;
    subject.happen(&Change::S3Server(S3ServerState::Up)).await?;
    old_or_new(&ports, &s3).await
}

async fn old_or_new(ports: &Ports, s3: &S3Settings) -> PromiseResult {
    let got = ports.object_store.get(s3, KEY).await?;
    let whole = [b"old", b"new"].iter().any(|content| got.as_deref() == Some(content.as_slice()));
    ensure_eq!("whether the object is whole", whole, true);
    Ok(())
}

async fn refused_key(subject: &dyn Subject) -> PromiseResult {
    let (ports, s3) = at_hand(subject).await?;
    ports.object_store.put(&s3, KEY, b"old").await?;
    subject.happen(&Change::RefuseKeysWith("/contract/".into())).await?;
    fails(ports.object_store.put(&s3, KEY, b"new").await, "object store.put", &[Kind::Denied])?;
    fails(ports.object_store.get(&s3, KEY).await, "object store.get", &[Kind::Denied])?;
    ports.object_store.ensure_bucket(&s3).await?;
    ports.object_store.put(&s3, "drill/elsewhere", b"new").await?;
    subject.happen(&Change::RefuseKeysWith(String::new())).await?;
    old_or_new(&ports, &s3).await
}
