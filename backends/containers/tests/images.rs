//! The images are built for real, and their containers work together. Needs a container engine:
//! `cargo test -p pgdrill-containers --features engine-tests`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_types,
    reason = "a test may panic, and shows what it does"
)]

#[path = "images/fixture.rs"]
mod fixture;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use pgdrill_containers::images::{Image, ImageRef, Progress, ensure};

use self::fixture::{Container, TestStage, Tls, until};

const ACCESS: &str = "AKPGDRILLTEST";
const SECRET: &str = "s3cr3t-of-the-images-test";
const BOUND: Duration = Duration::from_secs(90);

/// What is shown when a test fails, and with `--nocapture`.
struct CommandOutput;

impl Progress for CommandOutput {
    fn line(&self, image: Image, line: &str) {
        println!("{}: {line}", image.name());
    }
}

struct Never;

impl Progress for Never {
    fn line(&self, image: Image, line: &str) {
        panic!("{image:?} is there, and yet: {line}");
    }
}

async fn image(kind: Image) -> ImageRef {
    ensure(kind, &CommandOutput).await.unwrap_or_else(|error| panic!("error: {error}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_built_once() {
    let (first, second) = futures_util::join!(image(Image::Etcd), image(Image::Etcd));
    assert_eq!(first, second);
    assert_eq!(ensure(Image::Etcd, &Never).await.expect("it is there"), Image::Etcd.reference());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_servers_work_together() {
    let stage = TestStage::set("images-test", "images").await;
    let played = AssertUnwindSafe(play(&stage)).catch_unwind().await;
    stage.take_down().await;
    if let Err(panic) = played {
        std::panic::resume_unwind(panic);
    }
}

async fn play(stage: &TestStage) {
    let tls = Tls::of(&stage.host("s3"));
    let etcd = stage.start(&image(Image::Etcd).await, "etcd", "etcd is ready", &[]).await;
    // Before the database: a shutdown waits for its archive command, and that for the server.
    let s3 = s3(stage, &tls).await;
    let unit = unit(stage, &tls).await;
    nothing_runs_until_it_is_started(&unit).await;
    versions_are_those_that_are_needed(&unit).await;
    a_leader_is_elected(&unit).await;
    services_go_one_by_one(&unit).await;
    the_gateway_has_its_own_certificate(stage, &unit).await;
    wrong_credentials_are_refused(&unit).await;
    a_backup_is_taken(&unit).await;
    what_will_not_stop_is_killed(&unit).await;
    drop((etcd, unit, s3));
}

async fn unit(stage: &TestStage, tls: &Tls) -> Container {
    let files = [
        ("/etc/patroni/patroni.yml", &*patroni(stage), 0o644),
        ("/etc/pgbackrest/pgbackrest.conf", &pgbackrest(stage, SECRET), 0o644),
        ("/etc/pgbackrest/wrong.conf", &pgbackrest(stage, "wrong"), 0o644),
        ("/etc/pgbackrest/ca.crt", &tls.authority, 0o644),
    ];
    stage.start(&image(Image::Unit).await, "unit", "the supervisor is ready", &files).await
}

async fn s3(stage: &TestStage, tls: &Tls) -> Container {
    let files = [
        ("/run/s3/tls.crt", &*tls.certificate, 0o644),
        ("/run/s3/tls.key", &*tls.key, 0o600),
        ("/run/s3/access-key", ACCESS, 0o600),
        ("/run/s3/secret-key", SECRET, 0o600),
        ("/run/s3/buckets", "drill\n", 0o644),
    ];
    stage.start(&image(Image::Radosgw).await, "s3", "the S3 server is ready", &files).await
}

async fn nothing_runs_until_it_is_started(unit: &Container) {
    for service in ["postgresql", "pgbackrest server"] {
        let state = unit.run(&["sv", "status", service]).await.ok();
        assert!(state.starts_with("down: "), "{state}");
    }
    let unknown = unit.run(&["sv", "status", "nobody"]).await;
    assert_eq!(unknown.code, 1, "{unknown:?}");
    assert!(unknown.stdout.contains("file does not exist"), "{unknown:?}");
}

async fn versions_are_those_that_are_needed(unit: &Container) {
    let reported = unit.run(&["pgbackrest", "version"]).await.ok();
    let version: Vec<u32> =
        reported.split([' ', '.']).filter_map(|part| part.trim().parse().ok()).collect();
    assert!(version >= vec![2, 55], "{reported}");
    assert!(unit.run(&["postgres", "--version"]).await.ok().contains(" 17."));
    assert!(unit.run(&["patroni", "--version"]).await.ok().contains(" 4."));
}

async fn a_leader_is_elected(unit: &Container) {
    unit.run(&["sv", "-w", "15", "start", "postgresql"]).await.ok();
    let port = unit.0.get_host_port_ipv4(8008).await.expect("the port is mapped");
    until(BOUND, "Patroni leads", || leads(port)).await;
    // Whoever held the lock before its restart leads without a server for a moment.
    until(BOUND, "the database takes writes", || async {
        unit.as_postgres(&["psql", "-XAtc", "SELECT pg_is_in_recovery()"]).await.stdout == "f\n"
    })
    .await;
}

/// Whether Patroni's answer to `GET /leader` is 200.
async fn leads(port: u16) -> bool {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let asked = async {
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(b"GET /leader HTTP/1.0\r\n\r\n").await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    asked.await.is_ok_and(|answer| answer.starts_with(b"HTTP/1.0 200"))
}

async fn services_go_one_by_one(unit: &Container) {
    // Without its certificates the TLS server ends at once, again and again: that is no start.
    let failed = unit.run(&["sv", "-w", "3", "start", "pgbackrest server"]).await;
    assert_ne!(failed.code, 0, "{failed:?}");
    stop(unit, "pgbackrest server").await;
    assert!(unit.run(&["sv", "status", "postgresql"]).await.ok().starts_with("run: "));

    let first = process(unit).await;
    unit.run(&["sv", "hup", "postgresql"]).await.ok();
    assert_eq!(process(unit).await, first, "a reload keeps the process");
    unit.run(&["sv", "-w", "30", "restart", "postgresql"]).await.ok();
    let second = process(unit).await;
    assert_ne!(second, first, "a restart makes another");
    // A manager that is killed as it starts its database leaves one that no tidying finds.
    a_leader_is_elected(unit).await;
    unit.run(&["kill", "-KILL", &second]).await.ok();
    until(BOUND, "a service that died is started again", || async {
        // While the service's end is cleaned up, the supervisor gives that process.
        let state = unit.run(&["sv", "status", "postgresql"]).await.stdout;
        state.starts_with("run: ") && !state.contains(&format!("(pid {second})"))
    })
    .await;
    stop(unit, "postgresql").await;
    assert_ne!(unit.as_postgres(&["pg_isready", "-q"]).await.code, 0);
    a_leader_is_elected(unit).await;
}

/// A service that ends by itself again and again is started once more before runit reads the order to stop, so
/// the state is asked for what is wanted, too.
async fn stop(unit: &Container, service: &str) {
    unit.run(&["sv", "-w", "30", "force-stop", service]).await.ok();
    until(BOUND, "the service is down and stays so", || async {
        let state = unit.run(&["sv", "status", service]).await.stdout;
        state.starts_with("down: ") && !state.contains("want up")
    })
    .await;
}

async fn process(unit: &Container) -> String {
    unit.run(&["cat", "/etc/service/postgresql/supervise/pid"]).await.ok().trim().to_owned()
}

async fn the_gateway_has_its_own_certificate(stage: &TestStage, unit: &Container) {
    let host = stage.host("s3");
    let address = format!("{host}:443");
    let mut ask = vec![
        "openssl",
        "s_client",
        "-connect",
        &*address,
        "-verify_return_error",
        "-verify_hostname",
        &*host,
    ];
    assert_ne!(unit.run(&ask).await.code, 0, "nobody vouches for it");
    ask.extend(["-CAfile", "/etc/pgbackrest/ca.crt"]);
    assert!(unit.run(&ask).await.ok().contains("Verify return code: 0 (ok)"));
}

async fn wrong_credentials_are_refused(unit: &Container) {
    let refused = unit
        .as_postgres(&[
            "pgbackrest",
            "--config=/etc/pgbackrest/wrong.conf",
            "--stanza=drill",
            "stanza-create",
        ])
        .await;
    assert_eq!(refused.code, 39, "{refused:?}");
    assert!(format!("{}{}", refused.stdout, refused.stderr).contains("403"), "{refused:?}");
    assert!(!format!("{refused:?}").contains(SECRET));
}

async fn a_backup_is_taken(unit: &Container) {
    for command in [&["stanza-create"][..], &["check"], &["--type=full", "backup"]] {
        unit.as_postgres(&[&["pgbackrest", "--stanza=drill"], command].concat()).await.ok();
    }
    let info =
        unit.as_postgres(&["pgbackrest", "--stanza=drill", "--output=json", "info"]).await.ok();
    assert!(info.contains(r#""type":"full""#), "{info}");
}

async fn what_will_not_stop_is_killed(unit: &Container) {
    // runit hands the signal to this program instead: that is how a service is made not to stop.
    unit.run(&["ln", "-s", "/bin/true", "/etc/service/postgresql/control/t"]).await.ok();
    let stopped = unit.run(&["sv", "-w", "2", "stop", "postgresql"]).await;
    assert_ne!(stopped.code, 0, "{stopped:?}");
    assert_eq!(unit.as_postgres(&["pg_isready", "-q"]).await.code, 0, "it runs still");
    let killed = unit.run(&["sv", "-w", "2", "force-stop", "postgresql"]).await;
    println!("force-stop of what will not stop: {killed:?}");
    until(BOUND, "it is down", || async {
        unit.run(&["sv", "status", "postgresql"]).await.stdout.starts_with("down: ")
    })
    .await;
    until(BOUND, "the database under it is, too", || async {
        unit.as_postgres(&["pg_isready", "-q"]).await.code != 0
    })
    .await;
}

fn patroni(stage: &TestStage) -> String {
    let (etcd, unit) = (stage.host("etcd"), stage.host("unit"));
    format!(
        r"scope: drill
name: unit-0
etcd3: {{hosts: '{etcd}:2379'}}
restapi: {{listen: '0.0.0.0:8008', connect_address: '{unit}:8008'}}
bootstrap:
  dcs:
    loop_wait: 2
    ttl: 20
    postgresql:
      parameters: {{archive_mode: 'on', archive_command: 'pgbackrest --stanza=drill archive-push %p', archive_timeout: 60}}
  initdb: [{{encoding: UTF8}}, data-checksums]
postgresql:
  listen: 0.0.0.0:5432
  connect_address: {unit}:5432
  data_dir: /var/lib/postgresql/data/pgdata
  bin_dir: /usr/lib/postgresql/17/bin
  authentication:
    superuser: {{username: postgres, password: images-test}}
    replication: {{username: replication, password: images-test}}
  parameters: {{unix_socket_directories: /run/postgresql}}
  pg_hba: ['local all all trust', 'host all all 0.0.0.0/0 scram-sha-256', 'host replication all 0.0.0.0/0 scram-sha-256']
"
    )
}

fn pgbackrest(stage: &TestStage, secret: &str) -> String {
    let host = stage.host("s3");
    format!(
        "[global]\nrepo1-type=s3\nrepo1-path=/drill\nrepo1-s3-bucket=drill\nrepo1-s3-endpoint={host}\n\
         repo1-s3-region=us-east-1\nrepo1-s3-uri-style=path\nrepo1-s3-key={ACCESS}\nrepo1-s3-key-secret={secret}\n\
         repo1-storage-ca-file=/etc/pgbackrest/ca.crt\nrepo1-bundle=y\nrepo1-retention-full=2\nstart-fast=y\n\
         io-timeout=20\nlog-level-file=off\n\n[drill]\npg1-path=/var/lib/postgresql/data/pgdata\n"
    )
}
