use std::time::Duration;

use pgdrill_core::{
    PortErrorKind,
    ports::{Service, ServiceState, Workload as _},
};

use pgdrill_adapters::pebble::{PebbleLimits, PebbleWorkload};

use super::container::{PebbleFixture, Recorded};

const DATA: &str = "/var/lib/postgresql/data/pgdata";

fn workload(fixture: &PebbleFixture, data: &str) -> PebbleWorkload {
    PebbleWorkload::new(fixture.pebble.clone(), data, "postgres")
}

#[tokio::test]
async fn services_are_seen_started_stopped_and_reloaded() {
    let fixture = PebbleFixture::new();
    let workload = workload(&fixture, DATA);
    assert_eq!(workload.service(Service::Database).await, Ok(ServiceState::Running));
    assert_eq!(workload.service(Service::TlsServer).await, Ok(ServiceState::Stopped));
    workload.start(Service::TlsServer).await.expect("started");
    assert_eq!(workload.service(Service::TlsServer).await, Ok(ServiceState::Running));
    workload.reload(Service::TlsServer).await.expect("reloaded");
    workload.stop(Service::Database).await.expect("stopped");
    let refused = workload.reload(Service::Database).await.expect_err("it does not run");
    assert_eq!(refused.kind(), PortErrorKind::Refused);
    insta::assert_snapshot!(fixture.record(), @r#"
    start ["pgbackrest server"]
    SIGHUP to ["pgbackrest server"]
    stop ["postgresql"]
    begin env LC_ALL=C sh -c PROGRAM sh /var/lib/postgresql/data/pgdata 30 as postgres in / within 40000ms
    exec await-end /var/lib/postgresql/data/pgdata 30
    "#);
}

#[tokio::test]
async fn a_service_that_does_not_start_says_why() {
    let fixture = PebbleFixture::new();
    fixture.container.service("pgbackrest server", "broken");
    let workload = workload(&fixture, DATA);
    let error = workload.start(Service::TlsServer).await.expect_err("it exits");
    let words = "service start attempt: exited quickly with code 1, will restart";
    assert_eq!((error.kind(), error.cause()), (PortErrorKind::Refused, words));
    // Until it is started again, which stopping it prevents, it does not run.
    assert_eq!(workload.service(Service::TlsServer).await, Ok(ServiceState::Stopped));
}

#[tokio::test]
async fn a_service_that_is_being_stopped_is_waited_for() {
    let fixture = PebbleFixture::new();
    let workload = workload(&fixture, DATA);
    fixture.container.service("pgbackrest server", "terminating 2");
    workload.start(Service::TlsServer).await.expect("started");
    assert_eq!(workload.service(Service::TlsServer).await, Ok(ServiceState::Running));
    fixture.container.service("postgresql", "terminating 1");
    workload.stop(Service::Database).await.expect("stopped");
    insta::assert_snapshot!(fixture.record(), @r#"
    start ["pgbackrest server"]
    start ["pgbackrest server"]
    start ["pgbackrest server"]
    stop ["postgresql"]
    stop ["postgresql"]
    begin env LC_ALL=C sh -c PROGRAM sh /var/lib/postgresql/data/pgdata 30 as postgres in / within 40000ms
    exec await-end /var/lib/postgresql/data/pgdata 30
    "#);
}

#[tokio::test]
async fn a_change_that_is_not_ready_in_time_is_late() {
    let service = Duration::from_millis(300);
    let fixture = PebbleFixture::with(PebbleLimits { service, ..PebbleLimits::default() });
    fixture.container.service("pgbackrest server", "slow");
    let error = workload(&fixture, DATA).start(Service::TlsServer).await.expect_err("late");
    assert_eq!(error.kind(), PortErrorKind::TimedOut);
    assert_eq!(error.cause(), "Pebble has not done it within 300ms");
}

#[tokio::test]
async fn a_database_whose_server_outlives_its_service_has_not_stopped() {
    let fixture = PebbleFixture::new();
    let workload = workload(&fixture, DATA);
    fixture.container.put(&format!("{DATA}/PG_VERSION"), b"17");
    fixture.container.has_server(Some(12));
    let error = workload.stop(Service::Database).await.expect_err("it runs");
    assert_eq!(error.kind(), PortErrorKind::TimedOut);
    let words = "the service was stopped, and its server still runs after 30s (process 12)";
    assert_eq!(error.cause(), words);
    // Whoever is told so goes on with a database that runs.
    assert_eq!(workload.service(Service::Database).await, Ok(ServiceState::Running));
    // Pebble has no doubt that nothing runs.
    fixture.container.service("postgresql", "inactive");
    let error = workload.empty_data_directory().await.expect_err("it runs");
    assert_eq!((error.kind(), error.cause()), (PortErrorKind::Refused, "the database is running"));
    fixture.container.service("postgresql", "unstartable");
    let error = workload.stop(Service::Database).await.expect_err("it runs, unmanaged");
    let more = ": and its service can't be started again: cannot start service: fork/exec /x: no such file";
    assert_eq!(error.cause(), [words, more].concat());
    fixture.container.has_server(None);
    workload.stop(Service::Database).await.expect("it has ended");
    workload.empty_data_directory().await.expect("emptied");
}

#[tokio::test]
async fn nothing_is_emptied_under_a_database_that_is_about_to_start() {
    let fixture = PebbleFixture::new();
    fixture.container.put(&format!("{DATA}/PG_VERSION"), b"17");
    fixture.container.service("postgresql", "backoff");
    let workload = workload(&fixture, DATA);
    let error = workload.empty_data_directory().await.expect_err("it is started again");
    let words = "the database failed, and is about to be started again";
    assert_eq!((error.kind(), error.cause()), (PortErrorKind::Refused, words));
    workload.stop(Service::Database).await.expect("stopped");
    workload.empty_data_directory().await.expect("emptied");
}

#[tokio::test]
async fn an_unknown_service_and_a_silent_supervisor_are_distinguished() {
    let fixture = PebbleFixture::new();
    let workload = workload(&fixture, DATA);
    fixture.container.service("other", "active");
    let renamed = PebbleFixture::new();
    renamed.container.set(Recorded::Down);
    let silent = PebbleWorkload::new(renamed.pebble.clone(), DATA, "postgres");
    assert_eq!(silent.is_reachable().await, Ok(false));
    assert_eq!(workload.is_reachable().await, Ok(true));
    for result in [silent.start(Service::Database).await, silent.stop(Service::Database).await] {
        assert_eq!(result.expect_err("silent").kind(), PortErrorKind::Unreachable);
    }
    fixture.container.forget("pgbackrest server");
    assert_eq!(workload.service(Service::TlsServer).await, Ok(ServiceState::Unknown));
    for result in [
        workload.start(Service::TlsServer).await,
        workload.stop(Service::TlsServer).await,
        workload.reload(Service::TlsServer).await,
    ] {
        assert_eq!(result.expect_err("unknown").kind(), PortErrorKind::NotFound);
    }
}

#[tokio::test]
async fn the_data_directory_is_emptied_only_when_no_database_runs_in_it() {
    let fixture = PebbleFixture::new();
    let file = format!("{DATA}/PG_VERSION");
    fixture.container.put(&file, b"17");
    let error = workload(&fixture, DATA).empty_data_directory().await.expect_err("it runs");
    assert_eq!(error.cause(), "the database is running");
    fixture.container.service("postgresql", "inactive");
    workload(&fixture, DATA).empty_data_directory().await.expect("emptied");
    workload(&fixture, DATA).empty_data_directory().await.expect("absent counts");
    fixture.container.put("/srv/busy/x", b"");
    let error = workload(&fixture, "/srv/busy").empty_data_directory().await.expect_err("busy");
    assert_eq!(error.kind(), PortErrorKind::Refused);
    assert_eq!(error.cause(), "mv: cannot move 'x': Device or resource busy");
    insta::assert_snapshot!(fixture.record(), @r"
    begin env LC_ALL=C sh -c PROGRAM sh /var/lib/postgresql/data/pgdata as postgres in / within 40000ms
    exec move-aside /var/lib/postgresql/data/pgdata
    begin env LC_ALL=C sh -c PROGRAM sh /var/lib/postgresql/data/pgdata as postgres in / within 910000ms
    exec remove-aside /var/lib/postgresql/data/pgdata
    begin env LC_ALL=C sh -c PROGRAM sh /var/lib/postgresql/data/pgdata as postgres in / within 40000ms
    exec move-aside /var/lib/postgresql/data/pgdata
    begin env LC_ALL=C sh -c PROGRAM sh /var/lib/postgresql/data/pgdata as postgres in / within 910000ms
    exec remove-aside /var/lib/postgresql/data/pgdata
    begin env LC_ALL=C sh -c PROGRAM sh /srv/busy as postgres in / within 40000ms
    exec move-aside /srv/busy
    ");
}

#[tokio::test]
async fn what_is_no_data_directory_is_never_emptied() {
    let fixture = PebbleFixture::new();
    fixture.container.service("postgresql", "inactive");
    for folder in ["", "/", "//", "/var", "relative/data", "/var/lib/../.."] {
        let error = workload(&fixture, folder).empty_data_directory().await.expect_err("refused");
        assert_eq!(error.kind(), PortErrorKind::Refused, "{folder}");
    }
    assert_eq!(fixture.record(), "");
}
