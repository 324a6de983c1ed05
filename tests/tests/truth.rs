//! What a cluster of real parts does, asked of its database, its backup tool and its bucket, not of a status.
//! Needs a container engine: `cargo test -p pgdrill-tests --features engine-tests --test truth`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic; what it is told may be taken at its word"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use futures_util::{future::join, lock::Mutex};
use pgdrill_container_backend::ContainersPlace;
use pgdrill_containers::postgres::{Admission, PostgresClient, PostgresError};
use pgdrill_core::{
    Amendments, Attempt, Fate, Hook, Outcome, Probe, S3Settings, Shape,
    inventory::Inventory,
    ports::{BackupKind, Cluster as _, ClusterSettings, MemberState},
};
use pgdrill_scenarios::Place as _;
use pgdrill_sim::{
    Awaited, BackupGiven, BackupSeen, Change, Event, Given, Observation, S3Given, ServiceName,
    ServiceRuns, SetService, StanzaGiven, dispatch,
};
use pgdrill_tests::stands::{Lane, RealParts};

/// The rejection of a client by a rule of the server.
const REJECTED: &str = "28000";

#[tokio::test]
async fn what_is_observed_is_true() {
    let checked = RealParts::with(async |parts| {
        let (one, pair) = (parts.lane(), parts.lane());
        let with_one = async {
            a_backup_is_where_it_is_said_to_be(&one).await;
            a_restore_brings_back_what_was_and_nothing_else(&one).await;
            connections_are_observed_as_clients_meet_them(&one).await;
            what_a_server_is_told_as_it_starts_is_in_force(&one).await;
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
async fn fire(place: &ContainersPlace, event: &Event, expected: &Outcome) {
    let delivered = place.fire(event, Amendments::all(), &[]).await.expect("fired");
    let [fired] = delivered.fired.as_slice() else { panic!("{delivered:?}") };
    assert_eq!(fired.firing.outcome, *expected, "{}", fired.firing.trace);
}

async fn observe(place: &ContainersPlace) -> Observation {
    place.observe().await.expect("observed")
}

/// The rows of a query on a unit, each value after the other.
async fn values(place: &ContainersPlace, unit: u32, sql: &str) -> Vec<String> {
    let rows = place.client(unit).expect("there is one").rows(sql).await;
    rows.unwrap_or_else(|error| panic!("{sql}: {error}")).into_iter().flatten().flatten().collect()
}

/// What the tool itself says on a unit that the repository holds.
async fn told_by_the_tool(place: &ContainersPlace, unit: u32) -> Vec<BackupSeen> {
    let unit = place.topology().unit(unit).expect("there is one");
    let told = unit.as_database_user(&["pgbackrest", "--output=json", "info"]).await;
    let inventory = Inventory::parse(&told.expect("an answer")).expect("an inventory");
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
async fn backups(parts: &Lane<'_>, place: &ContainersPlace) -> Vec<BackupSeen> {
    let observed = observe(place).await;
    for unit in place.topology().units() {
        let told = told_by_the_tool(place, unit.number).await;
        assert_eq!(told, observed.backups, "unit {}", unit.number);
    }
    let relation = place.ports(0).await.expect("unit 0").unit.s3_relation().await;
    let relation = relation.expect("Juju answers").expect("a relation");
    let bucket = S3Settings::from_relation(&relation).expect("whole settings").bucket;
    let keys = parts.s3().keys(&bucket, "").await.unwrap_or_else(|error| panic!("{error}"));
    let manifests = keys.iter().filter_map(|key| key.strip_suffix("/backup.manifest"));
    let stored: BTreeSet<&str> = manifests.filter_map(|key| key.rsplit('/').next()).collect();
    let labels = observed.backups.iter().map(|backup| backup.label.as_str());
    assert_eq!(stored, labels.collect(), "in the bucket");
    for object in &observed.objects {
        assert!(keys.contains(object), "{object} is not in the bucket");
    }
    let segments = keys.iter().filter(|key| key.contains("/archive/") && key.ends_with(".zst"));
    assert!(segments.count() >= observed.backups.len(), "WAL is missing: {keys:?}");
    observed.backups
}

async fn a_backup_is_where_it_is_said_to_be(parts: &Lane<'_>) {
    let place = parts.place(&ready(1)).await.expect("a place");
    let before = backups(parts, &place).await;
    for (kind, word) in [
        (BackupKind::Full, "full"),
        (BackupKind::Differential, "differential"),
        (BackupKind::Incremental, "incremental"),
    ] {
        let held = backups(parts, &place).await;
        let create = event(Hook::CreateBackup, 0, &[("type", word)]);
        fire(&place, &create, &Outcome::Finished).await;
        let now = backups(parts, &place).await;
        let (newest, older) = now.split_last().expect("there are backups");
        assert_eq!((newest.kind, newest.failed, older), (kind, false, held.as_slice()));
    }
    assert_eq!(before.len(), 1);
}

async fn system_identifier(place: &ContainersPlace) -> Vec<String> {
    values(place, 0, "SELECT system_identifier FROM pg_control_system()").await
}

async fn a_restore_brings_back_what_was_and_nothing_else(parts: &Lane<'_>) {
    let place = parts.place(&ready(1)).await.expect("a place");
    let identifier = system_identifier(&place).await;
    values(&place, 0, "CREATE TABLE told AS SELECT 'before the backup' AS at").await;
    fire(&place, &full_backup(0), &Outcome::Finished).await;
    values(&place, 0, "INSERT INTO told VALUES ('after the backup')").await;
    values(&place, 0, "CREATE TABLE later (n int)").await;
    let held = backups(parts, &place).await;
    let newest = held.last().expect("there is one");

    let restore = event(Hook::Restore, 0, &[("backup-id", &newest.id)]);
    fire(&place, &restore, &Outcome::Finished).await;
    place.happen(&Change::Await(Awaited::DatabaseSettled)).await.expect("it settles");
    fire(&place, &event(Hook::UpdateStatus, 0, &[]), &Outcome::Returned).await;

    assert_eq!(values(&place, 0, "SELECT at FROM told").await, ["before the backup"]);
    assert_eq!(values(&place, 0, "SELECT to_regclass('later') IS NULL").await, ["t"]);
    assert_eq!(values(&place, 0, "SELECT pg_is_in_recovery()").await, ["f"]);
    assert_eq!(system_identifier(&place).await, identifier);
    assert_eq!(backups(parts, &place).await, held);
    values(&place, 0, "INSERT INTO told VALUES ('after the restore')").await;
    fire(&place, &full_backup(0), &Outcome::Finished).await;
    assert_eq!(backups(parts, &place).await.len(), held.len() + 1);
}

/// How a server ends a new client connection, by its SQLSTATE; `None`: it takes it.
async fn refusal(place: &ContainersPlace, unit: u32) -> Option<String> {
    match place.client(unit).expect("there is one").connect().await {
        Ok(_) => None,
        Err(PostgresError::Server { code, .. }) => Some(code),
        Err(error) => panic!("{error}"),
    }
}

/// Whether each unit takes new clients, as observed.
async fn observed(place: &ContainersPlace) -> BTreeMap<u32, bool> {
    let units = observe(place).await.units;
    units.into_iter().map(|unit| (unit.unit, unit.accepts_connections)).collect()
}

/// What is observed of connections is what a client meets, also where the configuration says otherwise.
async fn connections_are_observed_as_clients_meet_them(parts: &Lane<'_>) {
    let place = parts.place(&ready(1)).await.expect("a place");
    let unit = place.topology().unit(0).expect("there is one");
    let close = r#"
        sed -i 's/^host  *all  *all .*/host all all all reject/' "$PGDATA/pg_hba.conf"
        chpst -u postgres:postgres psql -XAtq -d postgres -c 'SELECT pg_reload_conf()'
        until chpst -u postgres:postgres psql -XAtq -d postgres -c "
            SELECT 'closed' FROM pg_hba_file_rules WHERE auth_method = 'reject'" | grep -q closed; do :; done
    "#;
    assert_eq!(observed(&place).await, BTreeMap::from([(0, true)]));
    unit.shell(close, &[]).await.expect("closed");
    while place.client(0).expect("there is one").admission().await == Ok(Admission::Accepted) {}
    let configured = place.topology().cluster(0).accepts_connections().await;
    assert_eq!(configured, Ok(true), "the configuration says otherwise");
    assert_eq!(observed(&place).await, BTreeMap::from([(0, false)]));
}

/// A member told of the cluster's settings while its server starts keeps them to itself until its next reload.
async fn what_a_server_is_told_as_it_starts_is_in_force(parts: &Lane<'_>) {
    let place = parts.place(&ready(1)).await.expect("a place");
    let topology = Arc::clone(place.topology());
    let unit = topology.unit(0).expect("there is one");
    let is_kept = |place| async move {
        values(place, 0, "SHOW archive_command").await[0].contains("pgbackrest")
    };
    assert!(is_kept(&place).await);
    let slow = r#"
        cd /usr/lib/postgresql/17/bin
        mv postgres postgres.whole
        printf '#!/bin/sh\npython3 -c "import time; time.sleep(4)"\nexec "%s/postgres.whole" "$@"\n' "$PWD" > postgres
        chmod 0755 postgres
        chpst -u postgres:postgres pg_ctl -D "$PGDATA" -m fast stop
    "#;
    unit.shell(slow, &[]).await.expect("it starts slowly from now on");
    topology.restore_begun().await.expect("its manager starts it again");

    let again = parts.place(&Given::default()).await.expect("a place");
    assert!(Arc::ptr_eq(&topology, again.topology()), "on the cluster that was there");
    assert!(!is_kept(&again).await);
    let quick = "cd /usr/lib/postgresql/17/bin && mv postgres.whole postgres";
    unit.shell(quick, &[]).await.expect("as it was");
}

/// A member holds the leader's lock before its server is promoted. Who waits for the database waits for that, too, and
/// nothing is observed in between.
async fn a_primary_is_observed_once_it_is_promoted(parts: &Lane<'_>) {
    let place = parts.place(&ready(1)).await.expect("a place");
    let unit = place.topology().unit(0).expect("there is one");
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
            place.happen(&Change::Service(set)).await.expect("it obeys");
        }
        if is_awaited {
            place.happen(&Change::Await(Awaited::DatabaseSettled)).await.expect("it settles");
            assert_eq!(values(&place, 0, "SELECT pg_is_in_recovery()").await, ["f"]);
        }
        let seen = observe(&place).await;
        let member = seen.units.first().and_then(|unit| unit.member);
        assert_eq!((seen.primary, member), (Some(0), Some(MemberState::Running)), "{is_awaited}");
    }
    let quick = "cd /usr/lib/postgresql/17/bin && mv pg_ctl.whole pg_ctl";
    unit.shell(quick, &[]).await.expect("as it was");
}

/// A manager empties the file with its server's settings whenever it writes it, and the server runs on as it did.
async fn a_file_that_is_being_written_is_not_what_the_server_runs_on(parts: &Lane<'_>) {
    let place = parts.place(&ready(1)).await.expect("a place");
    let unit = place.topology().unit(0).expect("there is one");
    let seen = observe(&place).await;
    assert!(seen.archives_into.is_some());
    let begin = "cd \"$PGDATA\" && cp -p postgresql.conf whole.conf && : > postgresql.conf";
    unit.shell(begin, &[]).await.expect("it is empty");
    assert_eq!(observe(&place).await, seen);
    unit.shell("cd \"$PGDATA\" && mv whole.conf postgresql.conf", &[]).await.expect("as it was");
}

/// A service that was told to stop and did not is down the next time that it ends, unless somebody says otherwise.
async fn what_would_not_stop_is_wanted_up_on_a_cluster_that_is_used_again(parts: &Lane<'_>) {
    let place = parts.place(&Given::default()).await.expect("a place");
    let unit = place.topology().unit(0).expect("there is one");
    let supervisor = |order: &'static str| {
        let unit = unit.clone();
        async move {
            let said = unit.shell("SVDIR=/run/supervisor sv $1 postgresql", &[order]).await;
            said.expect("it answers")
        }
    };
    place.happen(&Change::ServiceWillNotStop(0)).await.expect("from now on");
    supervisor("down").await;
    assert!(supervisor("status").await.contains("want down"));
    let again = parts.place(&Given::default()).await.expect("a place");
    assert!(Arc::ptr_eq(place.topology(), again.topology()), "on the cluster that was there");
    assert!(!supervisor("status").await.contains("want down"));
}

/// What one unit's hook sets for the cluster the primary's manager takes at its next look; the observation waits for that.
async fn what_the_members_agree_on_is_observed_once_it_is_in_force(parts: &Lane<'_>) {
    let given = Given { backups: Vec::new(), ..ready(2) };
    let place = parts.place(&given).await.expect("a place");
    assert!(observe(&place).await.archives_into.is_some());
    let manager = r#"
        read -r pid < /run/supervisor/postgresql/supervise/pid
        kill -STOP "$pid"
        setsid sh -c "sleep 6; kill -CONT $pid" </dev/null >/dev/null 2>&1 &
    "#;
    let primary = place.topology().unit(0).expect("there is one");
    primary.shell(manager, &[]).await.expect("its manager stands still for a while");
    let nowhere =
        ClusterSettings { archive_stanza: None, accepts_connections: true, restore: None };
    let applied = place.ports(1).await.expect("unit 1").cluster.apply(&nowhere).await;
    applied.expect("the replica's manager takes it");
    assert_eq!(observe(&place).await.archives_into, None);
}

/// How a new client was refused, whether the old one was answered, and what was observed.
type Look = (Option<String>, bool, BTreeMap<u32, bool>);

/// Looks at a replica's connections while its backup is taken.
struct Onlooker<'a> {
    place: &'a ContainersPlace,
    /// A client that was connected before.
    open: Mutex<PostgresClient>,
    seen: Mutex<Vec<Look>>,
}

impl Onlooker<'_> {
    async fn look(&self) {
        let answered = self.open.lock().await.is_answering().await;
        let new = refusal(self.place, 1).await;
        assert_eq!(refusal(self.place, 0).await, None, "the primary takes clients all the time");
        self.seen.lock().await.push((new, answered, observed(self.place).await));
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

async fn a_replica_that_takes_a_backup_refuses_new_clients_alone(parts: &Lane<'_>) {
    let place = parts.place(&ready(2)).await.expect("a place");
    let open = place.client(1).expect("there is one").connect().await.expect("connected");
    let onlooker = Onlooker { place: &place, open: Mutex::new(open), seen: Mutex::default() };
    onlooker.look().await;
    let ports = place.ports(1).await.expect("unit 1");
    let probe = Some(&onlooker as &dyn Probe);
    let fired = dispatch(place.world(), &ports, &full_backup(1), Amendments::all(), probe).await;
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
    assert_eq!(backups(parts, &place).await.len(), 2);
}
