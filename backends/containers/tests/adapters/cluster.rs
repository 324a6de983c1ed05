//! A cluster of two members.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pgdrill_adapters::command::CommandRunner as _;
use pgdrill_adapters::etcd::EtcdRecord;
use pgdrill_adapters::patroni::{Member, PatroniApi, PatroniLimits};
use pgdrill_containers::images::{Image, Quiet, ensure};
use pgdrill_containers::postgres::{Admission, Postgres, PostgresError};
use pgdrill_containers::{ContainerExec, ContainerFiles, Runit, RunitLimits, Supervised};
use pgdrill_core::ports::{
    Cluster as _, ClusterRecord as _, ClusterSettings, MemberState, RestoreSource, Service, UnitId,
    Workload as _,
};
use pgdrill_core::{PortErrorKind as Kind, Secret};

use crate::fixture::{Container, TestStage, until};
use crate::{exec, on_stage, shell, unit};

const LONG: Duration = Duration::from_secs(90);
const PASSWORD: &str = "canary-of-the-adapters-test";

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_led_as_its_configuration_says() {
    on_stage("cluster", play).await;
}

type Patroni = PatroniApi<ContainerExec, ContainerFiles<ContainerExec>>;

/// One unit with everything that reaches it.
struct One {
    container: Container,
    exec: ContainerExec,
    runit: Runit<ContainerExec>,
    patroni: Patroni,
    database: Postgres,
}

async fn play(stage: &TestStage) {
    let image = ensure(Image::Etcd, &Quiet).await.unwrap_or_else(|error| panic!("{error}"));
    let etcd = stage.start(&image, "etcd", "etcd is ready", &[]).await;
    let containers = [unit(stage, "unit-0").await, unit(stage, "unit-1").await];
    let [mut first, second] = units(stage, containers).await;
    nothing_answers_before_the_start(&first).await;
    start(&first, true).await;
    until(LONG, "unit 0 leads", || leads(&first, 0)).await;
    start(&second, true).await;
    until(LONG, "unit 1 runs", || runs(&second)).await;
    both_serve(&first, &second).await;
    new_connections_are_refused_and_nothing_else(&first, &second).await;
    wal_is_archived_as_applied(&first).await;
    a_member_that_stands_still_does_not_answer(&first).await;
    what_diverged_is_rewound(&mut first, &second, stage).await;
    a_backup_replaces_the_bootstrap(&first, &second, &etcd).await;
}

async fn units(stage: &TestStage, containers: [Container; 2]) -> [One; 2] {
    let mut reached = BTreeMap::new();
    for (number, container) in (0..).zip(&containers) {
        reached.insert(UnitId(number), api(container).await);
    }
    let [first, second] = containers;
    [one(stage, first, 0, reached.clone()).await, one(stage, second, 1, reached).await]
}

async fn api(container: &Container) -> String {
    let port = container.0.get_host_port_ipv4(8008).await.expect("it is published");
    format!("127.0.0.1:{port}")
}

async fn one(
    stage: &TestStage,
    container: Container,
    number: u32,
    reached: BTreeMap<UnitId, String>,
) -> One {
    let exec = exec(stage, &container);
    One {
        runit: Runit::new(exec.clone(), Supervised::default(), RunitLimits::default()),
        patroni: patroni(stage, &exec, number, reached),
        database: database(&container).await,
        container,
        exec,
    }
}

impl One {
    /// Unit 0, after its container was started again.
    async fn find(&mut self, stage: &TestStage, other: &Self) {
        let reached =
            [(UnitId(0), api(&self.container).await), (UnitId(1), api(&other.container).await)];
        let reached = BTreeMap::from(reached);
        self.patroni = patroni(stage, &self.exec, 0, reached);
        self.database = database(&self.container).await;
    }
}

fn patroni(
    stage: &TestStage,
    exec: &ContainerExec,
    number: u32,
    reached: BTreeMap<UnitId, String>,
) -> Patroni {
    let parameters = [
        ("shared_buffers", "16MB"),
        ("max_connections", "30"),
        ("fsync", "off"),
        ("archive_mode", "off"),
    ];
    let member = Member {
        unit: UnitId(number),
        peers: vec![UnitId(1 - number)],
        names: "db-{unit}".into(),
        hosts: stage.host("unit-{unit}"),
        api_port: 8008,
        reached,
        scope: "patroni-db".into(),
        etcd: vec![format!("{}:2379", stage.host("etcd"))],
        configuration: "/etc/patroni/patroni.yml".into(),
        template: None,
        user: "postgres".into(),
        programs: "/usr/lib/postgresql/17/bin".into(),
        data: "/var/lib/postgresql/data/pgdata".into(),
        socket: "/run/postgresql".into(),
        port: 5432,
        parameters: parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        superuser_password: Secret::new(PASSWORD),
        replication_password: Secret::new("two\" of: them"),
        rewind_password: Secret::new("three"),
    };
    PatroniApi::new(
        exec.clone(),
        ContainerFiles::new(exec.clone()),
        member,
        PatroniLimits::default(),
    )
}

async fn database(container: &Container) -> Postgres {
    let port = container.0.get_host_port_ipv4(5432).await.expect("it is published");
    Postgres::new("127.0.0.1", port, "postgres", Secret::new(PASSWORD))
}

fn settings(accepts_connections: bool) -> ClusterSettings {
    ClusterSettings { archive_stanza: None, accepts_connections, restore: None }
}

async fn start(one: &One, accepts_connections: bool) {
    one.patroni.apply(&settings(accepts_connections)).await.expect("written");
    one.runit.start(Service::Database).await.expect("started");
    println!("{:?}", one.patroni.member_state().await);
}

async fn leads(one: &One, number: u32) -> bool {
    one.patroni.primary().await == Ok(Some(UnitId(number))) && runs(one).await
}

async fn runs(one: &One) -> bool {
    one.patroni.member_state().await == Ok(MemberState::Running)
}

async fn nothing_answers_before_the_start(first: &One) {
    assert_eq!(first.patroni.member_state().await, Ok(MemberState::Stopped));
    let error = first.patroni.primary().await.expect_err("nobody knows");
    assert_eq!(error.kind(), Kind::Unreachable, "{error}");
    let admission = first.database.admission().await.expect("an answer");
    assert!(matches!(admission, Admission::Unserved(_)), "{admission:?}");
    println!("{error} {admission:?}");
}

async fn both_serve(first: &One, second: &One) {
    let recovers = [["f"], ["t"]].map(|row| vec![row.map(|v| Some(v.to_owned())).to_vec()]);
    for (one, expected) in [first, second].into_iter().zip(recovers) {
        let seen = one.database.rows("SELECT pg_is_in_recovery()").await;
        assert_eq!(seen, Ok(expected));
        let ask = "SELECT setting FROM pg_settings WHERE name IN \
            ('archive_mode', 'fsync', 'max_connections', 'shared_buffers') ORDER BY name";
        let reported = one.database.rows(ask).await.expect("rows");
        let reported: Vec<_> = reported.into_iter().flatten().flatten().collect();
        assert_eq!(reported, ["on", "off", "30", "2048"]);
        let memory =
            "cat /sys/fs/cgroup/memory.current || cat /sys/fs/cgroup/memory/memory.usage_in_bytes";
        let memory = one.exec.run(&shell(memory)).await.expect("read").stdout;
        let bytes: u64 = memory.trim().parse().expect("a number");
        println!("memory: {} MiB", bytes >> 20);
        assert!(bytes < 256 << 20);
    }
    let stranger = Postgres { password: Secret::new("wrong"), ..first.database.clone() };
    match stranger.admission().await {
        Err(PostgresError::Server { code, .. }) => assert_eq!(code, "28P01"),
        other => panic!("{other:?}"),
    }
    match first.database.rows("SELECT nothing").await {
        Err(PostgresError::Server { code, message }) => assert!(code == "42703", "{message}"),
        other => panic!("{other:?}"),
    }
    let slow = Postgres { limit: Duration::from_secs(3), ..first.database.clone() };
    let mut client = slow.connect().await.expect("accepted");
    let late = client.rows("SELECT pg_sleep(30)").await;
    assert_eq!(late, Err(PostgresError::TimedOut(slow.limit)));
    assert!(!client.is_answering().await, "it is closed");
    let ids = [
        first.patroni.system_identifier().await.expect("it serves"),
        second.patroni.system_identifier().await.expect("it serves"),
    ];
    assert_eq!(ids[0], ids[1]);
}

async fn streams(one: &One) -> bool {
    let ask = "chpst -u postgres:postgres psql -XAtc 'SELECT state FROM pg_stat_replication'";
    one.exec.run(&shell(ask)).await.is_ok_and(|output| output.stdout == "streaming\n")
}

async fn new_connections_are_refused_and_nothing_else(first: &One, second: &One) {
    let mut held = first.database.connect().await.expect("accepted");
    for accepts in [false, true, false, false, true] {
        let begin = Instant::now();
        first.patroni.apply(&settings(accepts)).await.expect("applied");
        println!("applied within {:?}", begin.elapsed());
        assert_eq!(first.patroni.accepts_connections().await, Ok(accepts));
        let admission = first.database.admission().await.expect("an answer");
        match (&admission, accepts) {
            (Admission::Accepted, true) => {}
            (Admission::Rejected(said), false) => {
                assert!(said.starts_with("pg_hba.conf rejects connection"), "{said}");
            }
            _ => panic!("{admission:?}"),
        }
        assert!(held.is_answering().await);
        assert_eq!(second.database.admission().await, Ok(Admission::Accepted));
        assert!(streams(first).await);
        assert!(runs(first).await && runs(second).await);
    }
}

async fn wal_is_archived_as_applied(first: &One) {
    let show = || async { first.database.rows("SHOW archive_command").await.expect("rows") };
    let on = ClusterSettings { archive_stanza: Some("m.patroni-db".into()), ..settings(true) };
    first.patroni.apply(&on).await.expect("applied");
    let expected = "pgbackrest --stanza=m.patroni-db archive-push %p".to_owned();
    assert_eq!(show().await, [[Some(expected)]]);
    first.patroni.apply(&settings(true)).await.expect("applied");
    assert_eq!(show().await, [[Some("/bin/true".to_owned())]]);
}

async fn a_member_that_stands_still_does_not_answer(first: &One) {
    let mut held = first.database.connect().await.expect("accepted");
    first.container.0.pause().await.expect("it can be paused");
    let error = first.patroni.member_state().await.expect_err("frozen");
    assert_eq!(error.kind(), Kind::TimedOut, "{error}");
    let error = first.patroni.accepts_connections().await.expect_err("frozen");
    assert_eq!(error.kind(), Kind::Unreachable, "{error}");
    assert!(first.patroni.apply(&settings(false)).await.is_err());
    assert!(!held.is_answering().await);
    let admission = first.database.admission().await;
    assert!(matches!(admission, Ok(Admission::Unserved(_))), "{admission:?}");
    first.container.0.unpause().await.expect("it goes on");
    until(LONG, "it serves again", || runs(first)).await;
    println!("{:?}", first.patroni.primary().await);
}

/// The old primary holds what the new one never saw.
async fn what_diverged_is_rewound(first: &mut One, second: &One, stage: &TestStage) {
    until(LONG, "unit 1 streams", || streams(first)).await;
    // Who lags by more than this does not lead, if the DCS was told of it before the primary died.
    let lag = "maximum_lag_on_failover=1073741824";
    let config =
        ["patronictl", "-c", "/etc/patroni/patroni.yml", "edit-config", "--force", "-s", lag];
    second.container.run(&config).await.ok();
    first.database.rows("CREATE TABLE t (x int)").await.expect("made");
    let arrived = || async { second.database.rows("SELECT * FROM t").await.is_ok() };
    until(LONG, "it arrives", arrived).await;
    // More than the connection holds of what is not read from it.
    second.container.run(&["pkill", "-STOP", "-f", "postgres: .*walreceiver"]).await.ok();
    let lost = "INSERT INTO t SELECT generate_series(1, 300000)";
    first.database.rows(lost).await.expect("written");
    let begin = Instant::now();
    stage.docker.kill_container(first.container.0.id(), None).await.expect("killed");
    second.container.run(&["pkill", "-CONT", "-f", "postgres: .*walreceiver"]).await.ok();
    assert_eq!(first.patroni.member_state().await, Ok(MemberState::Stopped));
    let admission = first.database.admission().await;
    assert!(matches!(admission, Ok(Admission::Unserved(_))), "{admission:?}");
    until(LONG, "unit 1 leads", || leads(second, 1)).await;
    println!("the other leads after {:?}", begin.elapsed());
    // Who holds the leader's lock is promoted only then.
    let writes = || async { second.database.rows("INSERT INTO t VALUES (0)").await.is_ok() };
    until(LONG, "it writes", writes).await;
    first.container.0.start().await.expect("it can be started again");
    // The engine publishes other ports now.
    first.find(stage, second).await;
    until(LONG, "it is back", || async { first.runit.is_reachable().await == Ok(true) }).await;
    assert_eq!(first.patroni.member_state().await, Ok(MemberState::Stopped));
    first.runit.start(Service::Database).await.expect("started");
    until(LONG, "unit 0 follows", || streams(second)).await;
    let count = || first.database.rows("SELECT count(*) FROM t");
    until(LONG, "it has what the other has", || async { count().await == one_value("1") }).await;
    println!("it follows after {:?}", begin.elapsed());
}

fn one_value(value: &str) -> Result<Vec<Vec<Option<String>>>, PostgresError> {
    Ok(vec![vec![Some(value.to_owned())]])
}

/// The backup is of unit 1, into a repository of its own.
async fn a_backup_replaces_the_bootstrap(first: &One, second: &One, etcd: &Container) {
    let configuration = "[global]\nrepo1-path=/var/lib/pgbackrest\nrepo1-retention-full=9\nstart-fast=y\n\
        repo1-bundle=y\nlog-level-file=off\n\n[drill]\npg1-path=/var/lib/postgresql/data/pgdata\n\
        pg1-socket-path=/run/postgresql\n";
    let script = "printf %s \"$1\" > /etc/pgbackrest/pgbackrest.conf";
    second.container.run(&["sh", "-c", script, "sh", configuration]).await.ok();
    let archives = ClusterSettings { archive_stanza: Some("drill".into()), ..settings(true) };
    second.patroni.apply(&archives).await.expect("applied");
    for command in ["stanza-create", "check", "backup"] {
        second.container.as_postgres(&["pgbackrest", "--stanza=drill", command]).await.ok();
    }
    let list = second.container.as_postgres(&["ls", "/var/lib/pgbackrest/backup/drill"]).await.ok();
    let label = list.lines().find(|name| name.ends_with('F')).expect("a full one").to_owned();
    let id = second.patroni.system_identifier().await;
    second.database.rows("INSERT INTO t VALUES (-1)").await.expect("written");

    for one in [first, second] {
        one.runit.stop(Service::Database).await.expect("stopped");
        assert_eq!(one.patroni.member_state().await, Ok(MemberState::Stopped));
    }
    second.runit.empty_data_directory().await.expect("emptied");
    let port = etcd.0.get_host_port_ipv4(2379).await.expect("it is published");
    let endpoint = format!("http://127.0.0.1:{port}");
    EtcdRecord::new(vec![endpoint], "patroni-db", LONG).remove().await.expect("removed");
    let source = RestoreSource { label, stanza: "drill".into() };
    let restore = ClusterSettings { restore: Some(source), ..settings(true) };
    second.patroni.apply(&restore).await.expect("written");
    let begin = Instant::now();
    second.runit.start(Service::Database).await.expect("started");
    until(LONG, "the restored member leads", || leads(second, 1)).await;
    println!("restored within {:?}", begin.elapsed());
    assert_eq!(second.patroni.system_identifier().await, id);
    assert_eq!(second.database.rows("SELECT count(*) FROM t").await, one_value("1"));
    // The members made of it are as any others.
    first.runit.empty_data_directory().await.expect("emptied");
    second.patroni.apply(&archives).await.expect("applied");
    start(first, true).await;
    until(LONG, "unit 0 is made again", || streams(second)).await;
    println!("both within {:?}", begin.elapsed());
}
