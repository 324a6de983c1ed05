use pgdrill_core::{
    PortErrorKind,
    ports::{Service, ServiceState, Workload as _},
};

use pgdrill_adapters::pebble::PebbleWorkload;

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
    fixture.container.service("postgresql", "backoff");
    assert_eq!(workload.service(Service::Database).await, Ok(ServiceState::Stopped));
    insta::assert_snapshot!(fixture.record(), @r#"
    start ["pgbackrest server"]
    SIGHUP to ["pgbackrest server"]
    stop ["postgresql"]
    "#);
}

#[tokio::test]
async fn a_service_that_does_not_start_says_why() {
    let fixture = PebbleFixture::new();
    fixture.container.service("pgbackrest server", "error");
    let error = workload(&fixture, DATA).start(Service::TlsServer).await.expect_err("it exits");
    assert_eq!(error.to_string(), "workload.start refused: service exited quickly with code 1");
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
    assert_eq!(error.cause(), "find: cannot delete 'x': Device or resource busy");
    insta::assert_snapshot!(fixture.record(), @r"
    begin find /var/lib/postgresql/data/pgdata -mindepth 1 -delete as postgres in / within 900000ms
    exec find
    begin find /srv/busy -mindepth 1 -delete as postgres in / within 900000ms
    exec find
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
