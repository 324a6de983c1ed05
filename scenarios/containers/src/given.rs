//! Makes what a plan gives true on a running cluster.

use futures_util::future::try_join_all;
use pgdrill_core::{
    PortError, Ports, S3Settings,
    ports::{
        BackupRequest, ClusterSettings, ObjectStore as _, RepositorySettings, Service, UnitId,
    },
};
use pgdrill_sim::{BackupGiven, BucketGiven, Given, RepositoryGiven, S3Given, StanzaGiven};

use super::testbed::{ContainersTestbed, broken};
use pgdrill_scenarios::Prevented;

/// The first line of the metadata that another model wrote.
const OTHER_MODEL: &str = "Model UUID: 5e55104e-0000-4000-8000-00000000000f\n";
/// The stanza of another cluster.
const OTHER_STANZA: &str = "drill.patroni-other";

pub(super) async fn make_true(testbed: &ContainersTestbed, given: &Given) -> Result<(), Prevented> {
    let topology = &testbed.topology;
    let count = given.units.max(1);
    topology.reset().await.map_err(broken)?;
    if topology.size() != count {
        topology.scale_to(count).await.map_err(broken)?;
    }
    topology.switch_over(given.primary).await.map_err(broken)?;
    let settings = testbed.bucket.right(given.s3.as_ref().and_then(|s3| s3.path.as_deref()));
    let all = try_join_all((0..count).map(|unit| testbed.ports(unit))).await.map_err(failed)?;
    let so_far = fill_repository(testbed, given, &all, &settings).await?;
    let stanza = (given.stanza == StanzaGiven::Initialised).then(|| stanza(&all));
    let cluster = ClusterSettings {
        archive_stanza: stanza.flatten(),
        accepts_connections: true,
        restore: None,
    };
    let cluster = &cluster;
    let applying = (0..count).zip(&all).map(|(unit, ports)| {
        let is_so = unit == given.primary && so_far.cluster.as_ref() == Some(cluster);
        async move { if is_so { Ok(()) } else { ports.cluster.apply(cluster).await } }
    });
    try_join_all(applying).await.map_err(failed)?;
    configure(testbed, given, &all, so_far.repository.as_ref()).await?;
    let bucket = given.s3.as_ref().map_or(BucketGiven::Present, |s3| s3.bucket);
    testbed.bucket.set(bucket).await?;
    start_tls_servers(given, &all).await
}

fn stanza(all: &[Ports]) -> Option<std::sync::Arc<str>> {
    all.first().map(|ports| ports.unit.identity().shared_stanza())
}

/// What filling the repository left on the primary.
#[derive(Default)]
struct SoFar {
    repository: Option<RepositorySettings>,
    cluster: Option<ClusterSettings>,
}

/// Puts into the repository what is there before the first firing. The primary does it alone, with
/// settings that are right, whatever the relation says.
async fn fill_repository(
    testbed: &ContainersTestbed,
    given: &Given,
    all: &[Ports],
    settings: &S3Settings,
) -> Result<SoFar, Prevented> {
    let own = given.stanza == StanzaGiven::Initialised || !given.backups.is_empty();
    if !own && given.repository == RepositoryGiven::Own {
        return Ok(SoFar::default());
    }
    testbed.bucket.set(BucketGiven::Present).await?;
    let Some(primary) = all.get(given.primary as usize) else { return Ok(SoFar::default()) };
    let identity = primary.unit.identity();
    match given.repository {
        RepositoryGiven::AnotherCluster | RepositoryGiven::AnotherStanza => {
            let name = match given.repository {
                RepositoryGiven::AnotherStanza => OTHER_STANZA,
                RepositoryGiven::AnotherCluster
                | RepositoryGiven::Own
                | RepositoryGiven::AnotherModel => identity.stanza(),
            };
            let kinds: Vec<&str> = given.backups.iter().map(|kind| tool_name(*kind)).collect();
            let stored =
                testbed.topology.store_foreign(given.primary, settings.clone(), name, &kinds);
            return stored.await.map(|()| SoFar::default()).map_err(broken);
        }
        RepositoryGiven::Own | RepositoryGiven::AnotherModel => {}
    }
    let so_far = take_backups(testbed, given, primary, settings).await?;
    if given.repository == RepositoryGiven::AnotherModel {
        let key = settings.object_key(identity.stanza(), "latest");
        let put = testbed.store().put(settings, &key, OTHER_MODEL.as_bytes()).await;
        put.map_err(failed)?;
    }
    Ok(so_far)
}

async fn take_backups(
    testbed: &ContainersTestbed,
    given: &Given,
    primary: &Ports,
    settings: &S3Settings,
) -> Result<SoFar, Prevented> {
    let stanza = primary.unit.identity().shared_stanza();
    let repository = RepositorySettings {
        s3: Some(settings.clone()),
        stanza: stanza.clone(),
        tls_peers: Vec::new(),
    };
    primary.repository.configure(&repository).await.map_err(failed)?;
    primary.repository.create_stanza(&stanza).await.map_err(failed)?;
    if given.backups.is_empty() {
        return Ok(SoFar { repository: Some(repository), cluster: None });
    }
    let cluster = ClusterSettings {
        archive_stanza: Some(stanza.clone()),
        accepts_connections: true,
        restore: None,
    };
    primary.cluster.apply(&cluster).await.map_err(failed)?;
    for backup in &given.backups {
        let kind = match backup {
            BackupGiven::Failed => {
                let stored = testbed.topology.store_failed_backup(given.primary, &stanza);
                stored.await.map_err(broken)?;
                continue;
            }
            BackupGiven::Full | BackupGiven::Differential | BackupGiven::Incremental => {
                backup.kind()
            }
        };
        let request = BackupRequest { stanza: stanza.clone(), kind, from_primary: true };
        primary.repository.back_up(&request).await.map_err(failed)?;
    }
    Ok(SoFar { repository: Some(repository), cluster: Some(cluster) })
}

const fn tool_name(backup: BackupGiven) -> &'static str {
    match backup {
        BackupGiven::Full | BackupGiven::Failed => "full",
        BackupGiven::Differential => "diff",
        BackupGiven::Incremental => "incr",
    }
}

/// The backup tool's configuration, as the hooks left it: on every unit by the relation as it is, where there
/// is a stanza or a TLS server that was started with it; otherwise on none.
async fn configure(
    testbed: &ContainersTestbed,
    given: &Given,
    all: &[Ports],
    of_primary: Option<&RepositorySettings>,
) -> Result<(), Prevented> {
    if given.stanza != StanzaGiven::Initialised && !given.has_tls_servers() {
        return testbed.topology.unconfigure().await.map_err(broken);
    }
    let s3 = given.s3.as_ref().filter(|s3| S3Given::is_related(s3));
    let relation = match (s3, all.first()) {
        (Some(_), Some(ports)) => ports.unit.s3_relation().await.map_err(failed)?,
        _ => None,
    };
    let s3 = relation.and_then(|relation| S3Settings::from_relation(&relation).ok());
    let count = given.units.max(1);
    try_join_all((0..count).zip(all).map(|(unit, ports)| {
        let peers = (0..count).filter(|peer| given.tls && *peer != unit).map(UnitId).collect();
        let stanza = ports.unit.identity().shared_stanza();
        let settings = RepositorySettings { s3: s3.clone(), stanza, tls_peers: peers };
        let is_so = unit == given.primary && of_primary == Some(&settings);
        async move { if is_so { Ok(()) } else { ports.repository.configure(&settings).await } }
    }))
    .await
    .map(drop)
    .map_err(failed)
}

/// None runs before.
async fn start_tls_servers(given: &Given, all: &[Ports]) -> Result<(), Prevented> {
    if !given.has_tls_servers() {
        return Ok(());
    }
    try_join_all(all.iter().map(|ports| ports.workload.start(Service::TlsServer)))
        .await
        .map(drop)
        .map_err(failed)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn failed(error: PortError) -> Prevented {
    let exit = error.exit().map(|exit| format!("\n{}\n{}", exit.stdout.trim(), exit.stderr.trim()));
    let exit = exit.unwrap_or_default();
    Prevented::Broken(format!("what is given can't be made true: {error}{exit}").into())
}
