//! What a cluster of real servers does, asked of its database, its backup tool and its bucket, not of a status.
//! Needs a container engine: `cargo test -p pgdrill-tests --features engine-tests --test truth`.
#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic; what it reads may be taken at its word"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use futures_util::{future::join, lock::Mutex};
use pgdrill_container_backend::ContainersTestbed;
use pgdrill_containers::postgres::{Admission, PostgresClient, PostgresError};
use pgdrill_core::{
    Amendments, Attempt, Fate, Hook, Outcome, Probe, S3Settings, Shape,
    inventory::Inventory,
    ports::{BackupKind, Cluster as _, ClusterSettings, MemberState},
};
use pgdrill_scenarios::Testbed as _;
use pgdrill_sim::{
    Awaited, BackupGiven, BackupSeen, Change, Event, Given, Observation, S3Given, ServiceName,
    ServiceRuns, SetService, StanzaGiven, dispatch,
};
use pgdrill_tests::subjects::{RealContainers, Worker};

/// The rejection of a client by a rule of the server.
const REJECTED: &str = "28000";

#[tokio::test]
async fn what_is_observed_is_true() {
    let checked = RealContainers::with(async |real| {
        let (one, pair) = (real.worker(), real.worker());
        let with_one = async {
            a_backup_is_where_it_is_said_to_be(&one).await;
            a_restore_brings_back_what_was_and_nothing_else(&one).await;
            connections_are_observed_as_clients_meet_them(&one).await;
            what_a_server_is_sent_as_it_starts_is_in_force(&one).await;
            a_primary_is_observed_once_it_is_promoted(&one).await;
            a_file_that_is_being_written_is_not_what_the_server_runs_on(&one).await;
            what_would_not_stop_is_wanted_up_on_a_cluster_that_is_used_again(&one).await;
        };
        let with_pair = async {
            a_replica_that_takes_a_backup_refuses_new_clients_alone(&pair).await;
            what_the_members_agree_on_is_observed_once_it_is_in_force(&pair).await;
        };
        join(with_one, with_pair).await;
    });
    checked.await.unwrap_or_else(|complaint| panic!("{complaint}"));
}

fn ready(units: u32) -> Given {
    Given {
        units,
        tls: units > 1,
        s3: Some(S3Given::default()),
        stanza: StanzaGiven::Initialised,
        backups: vec![BackupGiven::Full],
        ..Given::default()
    }
}

fn event(hook: Hook, unit: u32, parameters: &[(&str, &str)]) -> Event {
    let parameters = parameters.iter().map(|&(name, value)| (name.to_owned(), Arc::from(value)));
    Event { hook, unit, parameters: parameters.collect() }
}

fn full_backup(unit: u32) -> Event {
    event(Hook::CreateBackup, unit, &[("type", "full")])
}

/// Fires a hook of which nothing but its own event comes, and has it end like this.
async fn fire(testbed: &ContainersTestbed, event: &Event, expected: &Outcome) {
    let delivered = testbed.fire(event, Amendments::all(), &[]).await.expect("fired");
    let [fired] = delivered.fired.as_slice() else { panic!("{delivered:?}") };
    assert_eq!(fired.firing.outcome, *expected, "{}", fired.firing.trace);
}

async fn observe(testbed: &ContainersTestbed) -> Observation {
    testbed.observe().await.expect("observed")
}

/// The rows of a query on a unit, each value after the other.
async fn values(testbed: &ContainersTestbed, unit: u32, sql: &str) -> Vec<String> {
    let rows = testbed.client(unit).expect("there is one").rows(sql).await;
    rows.unwrap_or_else(|error| panic!("{sql}: {error}")).into_iter().flatten().flatten().collect()
}

/// What the tool itself says on a unit that the repository holds.
async fn reported_by_the_tool(testbed: &ContainersTestbed, unit: u32) -> Vec<BackupSeen> {
    let unit = testbed.topology().unit(unit).expect("there is one");
    let stated = unit.as_database_user(&["pgbackrest", "--output=json", "info"]).await;
    let own = testbed.ports(0).await.expect("ports").unit.identity().shared_stanza();
    let inventory = Inventory::parse(&stated.expect("an answer"), &own).expect("an inventory");
    let of_stanza = inventory.stanzas.into_iter().flat_map(|stanza| {
        let name = stanza.name;
        stanza.backups.into_iter().map(move |backup| BackupSeen {
            stanza: name.clone(),
            label: backup.label,
            id: backup.id,
            kind: backup.kind,
            failed: backup.failed,
        })
    });
    of_stanza.collect()
}

/// What the tool on each unit, the observation and the bucket itself hold are the same backups; their number.
async fn backups(worker: &Worker<'_>, testbed: &ContainersTestbed) -> Vec<BackupSeen> {
    let observed = observe(testbed).await;
    for unit in testbed.topology().units() {
        let stated = reported_by_the_tool(testbed, unit.number).await;
        assert!(stated.iter().eq(observed.backups.iter()), "unit {}", unit.number);
    }
    let relation = testbed.ports(0).await.expect("unit 0").unit.s3_relation().await;
    let relation = relation.expect("Juju answers").expect("a relation");
    let bucket = S3Settings::from_relation(&relation).expect("whole settings").bucket;
    let keys = worker.s3().keys(&bucket, "").await.unwrap_or_else(|error| panic!("{error}"));
    let manifests = keys.iter().filter_map(|key| key.strip_suffix("/backup.manifest"));
    let stored: BTreeSet<&str> = manifests.filter_map(|key| key.rsplit('/').next()).collect();
    let labels = observed.backups.iter().map(|backup| backup.label.as_str());
    assert_eq!(stored, labels.collect(), "in the bucket");
    for object in &observed.objects {
        assert!(keys.contains(object), "{object} is not in the bucket");
    }
    let segments = keys.iter().filter(|key| key.contains("/archive/") && key.ends_with(".zst"));
    assert!(segments.count() >= observed.backups.len(), "WAL is missing: {keys:?}");
    observed.backups.iter().cloned().collect()
}

async fn a_backup_is_where_it_is_said_to_be(worker: &Worker<'_>) {
    let testbed = worker.testbed(&ready(1)).await.expect("a place");
    let before = backups(worker, &testbed).await;
    for (kind, word) in [
        (BackupKind::Full, "full"),
        (BackupKind::Differential, "differential"),
        (BackupKind::Incremental, "incremental"),
    ] {
        let held = backups(worker, &testbed).await;
        let create = event(Hook::CreateBackup, 0, &[("type", word)]);
        fire(&testbed, &create, &Outcome::Finished).await;
        let now = backups(worker, &testbed).await;
        let (newest, older) = now.split_last().expect("there are backups");
        assert_eq!((newest.kind, newest.failed, older), (kind, false, held.as_slice()));
    }
    assert_eq!(before.len(), 1);
}

async fn system_identifier(testbed: &ContainersTestbed) -> Vec<String> {
    values(testbed, 0, "SELECT system_identifier FROM pg_control_system()").await
}

async fn a_restore_brings_back_what_was_and_nothing_else(worker: &Worker<'_>) {
    let testbed = worker.testbed(&ready(1)).await.expect("a place");
    let identifier = system_identifier(&testbed).await;
    values(&testbed, 0, "CREATE TABLE records AS SELECT 'before the backup' AS at").await;
    fire(&testbed, &full_backup(0), &Outcome::Finished).await;
    values(&testbed, 0, "INSERT INTO records VALUES ('after the backup')").await;
    values(&testbed, 0, "CREATE TABLE later (n int)").await;
    let held = backups(worker, &testbed).await;
    let newest = held.last().expect("there is one");

    let restore = event(Hook::Restore, 0, &[("backup-id", &newest.id)]);
    fire(&testbed, &restore, &Outcome::Finished).await;
    testbed.happen(&Change::Await(Awaited::DatabaseSettled)).await.expect("it settles");
    fire(&testbed, &event(Hook::UpdateStatus, 0, &[]), &Outcome::Returned).await;

    assert_eq!(values(&testbed, 0, "SELECT at FROM records").await, ["before the backup"]);
    assert_eq!(values(&testbed, 0, "SELECT to_regclass('later') IS NULL").await, ["t"]);
    assert_eq!(values(&testbed, 0, "SELECT pg_is_in_recovery()").await, ["f"]);
    assert_eq!(system_identifier(&testbed).await, identifier);
    assert_eq!(backups(worker, &testbed).await, held);
    values(&testbed, 0, "INSERT INTO records VALUES ('after the restore')").await;
    fire(&testbed, &full_backup(0), &Outcome::Finished).await;
    assert_eq!(backups(worker, &testbed).await.len(), held.len() + 1);
}

/// How a server ends a new client connection, by its SQLSTATE; `None`: it takes it.
async fn refusal(testbed: &ContainersTestbed, unit: u32) -> Option<String> {
    match testbed.client(unit).expect("there is one").connect().await {
        Ok(_) => None,
        Err(PostgresError::Server { code, .. }) => Some(code),
        Err(error) => panic!("{error}"),
    }
}

/// Whether each unit takes new clients, as observed.
async fn observed(testbed: &ContainersTestbed) -> BTreeMap<u32, bool> {
    let units = observe(testbed).await.units;
    units.into_iter().map(|unit| (unit.unit, unit.accepts_connections)).collect()
}

/// What is observed of connections is what a client meets, also where the configuration says otherwise.
async fn connections_are_observed_as_clients_meet_them(worker: &Worker<'_>) {
    let testbed = worker.testbed(&ready(1)).await.expect("a place");
    let unit = testbed.topology().unit(0).expect("there is one");
    let close = r#"
        sed -i 's/^host  *all  *all .*/host all all all reject/' "$PGDATA/pg_hba.conf"
        chpst -u postgres:postgres psql -XAtq -d postgres -c 'SELECT pg_reload_conf()'
        until chpst -u postgres:postgres psql -XAtq -d postgres -c "
            SELECT 'closed' FROM pg_hba_file_rules WHERE auth_method = 'reject'" | grep -q closed; do :; done
    "#;
    assert_eq!(observed(&testbed).await, BTreeMap::from([(0, true)]));
    unit.shell(close, &[]).await.expect("closed");
    while testbed.client(0).expect("there is one").admission().await == Ok(Admission::Accepted) {}
    let configured = testbed.topology().cluster(0).accepts_connections().await;
    assert_eq!(configured, Ok(true), "the configuration says otherwise");
    assert_eq!(observed(&testbed).await, BTreeMap::from([(0, false)]));
}

/// A member that is sent the cluster's settings while its server starts keeps them to itself until its next reload.
async fn what_a_server_is_sent_as_it_starts_is_in_force(worker: &Worker<'_>) {
    let testbed = worker.testbed(&ready(1)).await.expect("a place");
    let topology = Arc::clone(testbed.topology());
    let unit = topology.unit(0).expect("there is one");
    let is_archived = |testbed| async move {
        values(testbed, 0, "SHOW archive_command").await[0].contains("pgbackrest")
    };
    assert!(is_archived(&testbed).await);
    let slow = r#"
        cd /usr/lib/postgresql/17/bin
        mv postgres postgres.whole
        printf '#!/bin/sh\npython3 -c "import time; time.sleep(4)"\nexec "%s/postgres.whole" "$@"\n' "$PWD" > postgres
        chmod 0755 postgres
        chpst -u postgres:postgres pg_ctl -D "$PGDATA" -m fast stop
    "#;
    unit.shell(slow, &[]).await.expect("it starts slowly from now on");
    topology.restore_begun().await.expect("its manager starts it again");

    let again = worker.testbed(&Given::default()).await.expect("a place");
    assert!(Arc::ptr_eq(&topology, again.topology()), "on the cluster that was there");
    assert!(!is_archived(&again).await);
    let quick = "cd /usr/lib/postgresql/17/bin && mv postgres.whole postgres";
    unit.shell(quick, &[]).await.expect("as it was");
}

/// A member holds the leader's lock before its server is promoted. Who waits for the database waits for that, too, and
/// nothing is observed in between.
async fn a_primary_is_observed_once_it_is_promoted(worker: &Worker<'_>) {
    let testbed = worker.testbed(&ready(1)).await.expect("a place");
    let unit = testbed.topology().unit(0).expect("there is one");
    let slow = r#"
        cd /usr/lib/postgresql/17/bin
        mv pg_ctl pg_ctl.whole
        printf '#!/bin/sh\n[ "$1" != promote ] || sleep 3\nexec "%s/pg_ctl.whole" "$@"\n' "$PWD" > pg_ctl
        chmod 0755 pg_ctl
    "#;
    unit.shell(slow, &[]).await.expect("it is promoted slowly from now on");
    for is_awaited in [true, false] {
        for is in [ServiceRuns::Stopped, ServiceRuns::Running] {
            let set = SetService { unit: 0, name: ServiceName::Database, is };
            testbed.happen(&Change::Service(set)).await.expect("it obeys");
        }
        if is_awaited {
            testbed.happen(&Change::Await(Awaited::DatabaseSettled)).await.expect("it settles");
            assert_eq!(values(&testbed, 0, "SELECT pg_is_in_recovery()").await, ["f"]);
        }
        let seen = observe(&testbed).await;
        let member = seen.units.first().and_then(|unit| unit.member);
        assert_eq!((seen.primary, member), (Some(0), Some(MemberState::Running)), "{is_awaited}");
    }
    let quick = "cd /usr/lib/postgresql/17/bin && mv pg_ctl.whole pg_ctl";
    unit.shell(quick, &[]).await.expect("as it was");
}

/// A manager empties the file with its server's settings whenever it writes it, and the server runs on as it did.
async fn a_file_that_is_being_written_is_not_what_the_server_runs_on(worker: &Worker<'_>) {
    let testbed = worker.testbed(&ready(1)).await.expect("a place");
    let unit = testbed.topology().unit(0).expect("there is one");
    let seen = observe(&testbed).await;
    assert!(seen.archives_into.is_some());
    let begin = "cd \"$PGDATA\" && cp -p postgresql.conf whole.conf && : > postgresql.conf";
    unit.shell(begin, &[]).await.expect("it is empty");
    assert_eq!(observe(&testbed).await, seen);
    unit.shell("cd \"$PGDATA\" && mv whole.conf postgresql.conf", &[]).await.expect("as it was");
}

/// A service that was told to stop and did not is down the next time that it ends, unless somebody says otherwise.
async fn what_would_not_stop_is_wanted_up_on_a_cluster_that_is_used_again(worker: &Worker<'_>) {
    let testbed = worker.testbed(&Given::default()).await.expect("a place");
    let unit = testbed.topology().unit(0).expect("there is one");
    let supervisor = |order: &'static str| {
        let unit = unit.clone();
        async move {
            let said = unit.shell("SVDIR=/run/supervisor sv $1 postgresql", &[order]).await;
            said.expect("it answers")
        }
    };
    testbed.happen(&Change::ServiceWillNotStop(0)).await.expect("from now on");
    supervisor("down").await;
    assert!(supervisor("status").await.contains("want down"));
    let again = worker.testbed(&Given::default()).await.expect("a place");
    assert!(Arc::ptr_eq(testbed.topology(), again.topology()), "on the cluster that was there");
    assert!(!supervisor("status").await.contains("want down"));
}

/// What one unit's hook sets for the cluster the primary's manager takes at its next look; the observation waits for that.
async fn what_the_members_agree_on_is_observed_once_it_is_in_force(worker: &Worker<'_>) {
    let given = Given { backups: Vec::new(), ..ready(2) };
    let testbed = worker.testbed(&given).await.expect("a place");
    assert!(observe(&testbed).await.archives_into.is_some());
    let manager = r#"
        read -r pid < /run/supervisor/postgresql/supervise/pid
        kill -STOP "$pid"
        setsid sh -c "sleep 6; kill -CONT $pid" </dev/null >/dev/null 2>&1 &
    "#;
    let primary = testbed.topology().unit(0).expect("there is one");
    primary.shell(manager, &[]).await.expect("its manager stands still for a while");
    let nowhere =
        ClusterSettings { archive_stanza: None, accepts_connections: true, restore: None };
    let applied = testbed.ports(1).await.expect("unit 1").cluster.apply(&nowhere).await;
    applied.expect("the replica's manager takes it");
    assert_eq!(observe(&testbed).await.archives_into, None);
}

/// How a new client was refused, whether the old one was answered, and what was observed.
type LookFuture = (Option<String>, bool, BTreeMap<u32, bool>);

/// Looks at a replica's connections while its backup is taken.
struct Onlooker<'a> {
    testbed: &'a ContainersTestbed,
    /// A client that was connected before.
    open: Mutex<PostgresClient>,
    seen: Mutex<Vec<LookFuture>>,
}

impl Onlooker<'_> {
    async fn look(&self) {
        let answered = self.open.lock().await.is_answering().await;
        let new = refusal(self.testbed, 1).await;
        assert_eq!(refusal(self.testbed, 0).await, None, "the primary takes clients all the time");
        self.seen.lock().await.push((new, answered, observed(self.testbed).await));
    }
}

#[async_trait]
impl Probe for Onlooker<'_> {
    async fn arrive(&self, shape: Shape) -> Fate {
        if shape == Shape::Attempt(Attempt::HasBackupCreationSucceeded) {
            self.look().await;
        }
        Fate::Live
    }

    async fn leave(&self, shape: Shape) -> Fate {
        self.arrive(shape).await
    }
}

async fn a_replica_that_takes_a_backup_refuses_new_clients_alone(worker: &Worker<'_>) {
    let testbed = worker.testbed(&ready(2)).await.expect("a place");
    let open = testbed.client(1).expect("there is one").connect().await.expect("connected");
    let onlooker = Onlooker { testbed: &testbed, open: Mutex::new(open), seen: Mutex::default() };
    onlooker.look().await;
    let ports = testbed.ports(1).await.expect("unit 1");
    let probe = Some(&onlooker as &dyn Probe);
    let fired = dispatch(testbed.world(), &ports, &full_backup(1), Amendments::all(), probe).await;
    assert_eq!(fired.expect("fired")[0].firing.outcome, Outcome::Finished);
    onlooker.look().await;
    let all = BTreeMap::from([(0, true), (1, true)]);
    let one = BTreeMap::from([(0, true), (1, false)]);
    let refused = || Some(REJECTED.to_owned());
    let seen = onlooker.seen.into_inner();
    assert_eq!(
        seen,
        [
            (None, true, all.clone()),
            (refused(), true, one.clone()),
            (refused(), true, one),
            (None, true, all),
        ]
    );
    assert_eq!(backups(worker, &testbed).await.len(), 2);
}
