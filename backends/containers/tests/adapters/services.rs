//! A unit's services.

use std::time::{Duration, Instant};

use pgdrill_adapters::command::{CommandRunner as _, RunFailure};
use pgdrill_containers::{ContainerExec, Runit, RunitLimits, Supervised};
use pgdrill_core::PortErrorKind as Kind;
use pgdrill_core::ports::{Service, ServiceState, Workload as _};

use crate::fixture::{Container, TestStage, Tls, until};
use crate::{LONG, exec, on_stage, shell, unit};

const DATA: &str = "/var/lib/postgresql/data/pgdata";

type Supervisor = Runit<ContainerExec>;

#[tokio::test(flavor = "multi_thread")]
async fn services_do_as_they_are_asked() {
    on_stage("services", play).await;
}

async fn play(stage: &TestStage) {
    let container = unit(stage, "unit").await;
    let limits = RunitLimits {
        start: Duration::from_secs(10),
        stop: Duration::from_secs(4),
        ..RunitLimits::default()
    };
    let runit = Runit::new(exec(stage, &container), Supervised::default(), limits);
    assert_eq!(runit.is_reachable().await, Ok(true));
    what_ends_at_once_was_not_started(&runit, &container).await;
    what_ends_as_it_is_held_to_run_was_started(&runit, &container).await;
    a_service_runs_and_stops(&runit, &container).await;
    what_does_not_stop_is_killed(&runit, &container).await;
    pretend(&container, "exec sleep 4321").await;
    what_will_not_stop_is_not_killed(&runit, &container).await;
    a_stop_between_two_starts_holds(&runit, &container).await;
    what_a_killed_manager_left_is_stopped_too(&runit, &container).await;
    the_tls_server_reloads_without_an_interruption(&runit, &container).await;
    the_data_directory_is_emptied(&runit, &container).await;
    a_supervisor_can_stand_silent(&runit, &container, &exec(stage, &container)).await;
    a_service_can_be_unknown(&runit, &container).await;
    container.0.pause().await.expect("it can be paused");
    nothing_answers(&runit).await;
    container.0.unpause().await.expect("it can go on");
    assert_eq!(runit.is_reachable().await, Ok(true));
    stage.docker.kill_container(container.0.id(), None).await.expect("it can be killed");
    nothing_answers(&runit).await;
    container.0.start().await.expect("it can be started again");
    until(LONG, "it is back", || async { runit.is_reachable().await == Ok(true) }).await;
}

async fn state(runit: &Supervisor, service: Service) -> ServiceState {
    runit.service(service).await.expect("an answer")
}

/// Puts a program in the place of the database.
async fn pretend(container: &Container, program: &str) {
    let script = "printf '#!/bin/sh\n%s\n' \"$1\" > /etc/sv/postgresql/run";
    container.run(&["sh", "-c", script, "sh", program]).await.ok();
}

async fn what_ends_at_once_was_not_started(runit: &Supervisor, container: &Container) {
    for (program, service) in [("exit 1", Service::Database), ("", Service::TlsServer)] {
        if service == Service::Database {
            pretend(container, program).await;
        }
        let begin = Instant::now();
        let error = runit.start(service).await.expect_err("it has no configuration");
        println!("{error} after {:?}", begin.elapsed());
        assert_eq!((error.kind(), &*error.place()), (Kind::Refused, "workload.start"));
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!(state(runit, service).await, ServiceState::Stopped);
    }
    pretend(container, "echo x >> /run/half; exec sleep 0.5").await;
    let error = runit.start(Service::Database).await.expect_err("it does not stay up");
    assert_eq!(error.kind(), Kind::Refused, "{error}");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(container.run(&["cat", "/run/half"]).await.ok(), "x\n", "tried once");
}

/// A restore that fails does so about then.
async fn what_ends_as_it_is_held_to_run_was_started(runit: &Supervisor, container: &Container) {
    let program = "sleep 0.5; while grep -q \"want down\" supervise/stat; do :; done; exit 1";
    pretend(container, program).await;
    runit.start(Service::Database).await.expect("it stayed up for a second");
    until(LONG, "it stays down", || async {
        state(runit, Service::Database).await == ServiceState::Stopped
    })
    .await;
}

async fn process(container: &Container) -> String {
    container.run(&["cat", "/run/supervisor/postgresql/supervise/pid"]).await.ok()
}

async fn a_service_runs_and_stops(runit: &Supervisor, container: &Container) {
    pretend(container, "exec sleep 4321").await;
    let database = Service::Database;
    let begin = Instant::now();
    runit.start(database).await.expect("started");
    println!("a start takes {:?}", begin.elapsed());
    assert_eq!(state(runit, database).await, ServiceState::Running);
    let first = process(container).await;
    let begin = Instant::now();
    runit.start(database).await.expect("it runs");
    println!("a start of a running service takes {:?}", begin.elapsed());
    assert_eq!(process(container).await, first);
    // The supervisor keeps it running.
    container.run(&["pkill", "-KILL", "-f", "sleep 4321"]).await.ok();
    until(LONG, "it is started again", || async {
        let now = process(container).await;
        !now.trim().is_empty() && now != first
    })
    .await;
    for _ in 0..2 {
        let begin = Instant::now();
        runit.stop(database).await.expect("stopped");
        println!("a stop takes {:?}", begin.elapsed());
        assert_eq!(state(runit, database).await, ServiceState::Stopped);
        assert_eq!(container.run(&["pgrep", "-f", "^sleep 4321"]).await.code, 1);
    }
    let error = runit.reload(database).await.expect_err("it does not run");
    assert_eq!(error.kind(), Kind::Refused, "{error}");
}

/// As Pebble does it.
async fn what_does_not_stop_is_killed(runit: &Supervisor, container: &Container) {
    let deaf = "trap '' TERM; sleep 4326 & while :; do wait; sleep 0.1; done";
    pretend(container, deaf).await;
    runit.start(Service::Database).await.expect("started");
    let begin = Instant::now();
    runit.stop(Service::Database).await.expect("stopped");
    println!("what is deaf stops after {:?}", begin.elapsed());
    assert!(begin.elapsed() >= Duration::from_secs(2), "it is asked first");
    assert_eq!(state(runit, Service::Database).await, ServiceState::Stopped);
    container.run(&["pkill", "-KILL", "-f", "sleep 4326"]).await.ok();
}

/// What has a program of its own for the order decides itself.
async fn what_will_not_stop_is_not_killed(runit: &Supervisor, container: &Container) {
    runit.start(Service::Database).await.expect("started");
    let first = process(container).await;
    container.run(&["ln", "-s", "/bin/true", "/etc/sv/postgresql/control/t"]).await.ok();
    let begin = Instant::now();
    let error = runit.stop(Service::Database).await.expect_err("it does not stop");
    println!("{error} after {:?}", begin.elapsed());
    assert_eq!((error.kind(), &*error.place()), (Kind::TimedOut, "workload.stop"));
    assert!(begin.elapsed() < Duration::from_secs(8));
    assert_eq!(state(runit, Service::Database).await, ServiceState::Running);
    container.run(&["rm", "/etc/sv/postgresql/control/t"]).await.ok();
    runit.start(Service::Database).await.expect("it runs");
    assert_eq!(process(container).await, first, "nothing changed for what runs");
    container.run(&["pkill", "-KILL", "-f", "sleep 4321"]).await.ok();
    until(LONG, "it is wanted up again", || async {
        let now = process(container).await;
        !now.trim().is_empty() && now != first
    })
    .await;
    runit.stop(Service::Database).await.expect("stopped");
}

/// The supervisor reads no order for a second after a quick end, and starts once more before it does.
async fn a_stop_between_two_starts_holds(runit: &Supervisor, container: &Container) {
    pretend(container, "exit 1").await;
    for pause in [0, 300, 900] {
        container.run(&["sv", "up", "postgresql"]).await.ok();
        tokio::time::sleep(Duration::from_millis(pause)).await;
        runit.stop(Service::Database).await.expect("stopped");
        let reported = container.run(&["sv", "status", "postgresql"]).await.ok();
        assert!(reported.starts_with("down: ") && !reported.contains("want up"), "{reported}");
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!(state(runit, Service::Database).await, ServiceState::Stopped);
    }
    // A start in the midst of this is refused like any other.
    container.run(&["sv", "up", "postgresql"]).await.ok();
    let error = runit.start(Service::Database).await.expect_err("it ends at once");
    println!("in the midst of restarts: {error}");
    runit.stop(Service::Database).await.expect("stopped");
}

async fn what_a_killed_manager_left_is_stopped_too(runit: &Supervisor, container: &Container) {
    let leave = format!(
        "cp /bin/sleep /tmp/postgres; mkdir -p {DATA}; chown postgres: {DATA}; cd {DATA}
        chpst -u postgres:postgres setsid -f /tmp/postgres 4325 < /dev/null > /dev/null 2>&1
        until pgrep -x postgres > {DATA}/postmaster.pid; do sleep 0.1; done"
    );
    container.run(&["sh", "-c", &leave]).await.ok();
    assert_eq!(container.run(&["pgrep", "-x", "postgres"]).await.code, 0, "it runs");
    runit.stop(Service::TlsServer).await.expect("not its own");
    assert_eq!(container.run(&["pgrep", "-x", "postgres"]).await.code, 0, "it runs");
    runit.stop(Service::Database).await.expect("stopped");
    assert_eq!(container.run(&["pgrep", "-x", "postgres"]).await.code, 1, "it is gone");
    runit.stop(Service::Database).await.expect("stopped");
    container.run(&["rm", "-r", DATA]).await.ok();
    // What will start a database is waited for, too.
    let helper = "chpst -u postgres:postgres setsid -f sh -c 'sleep 2; : multiprocessing.spawn' > /dev/null 2>&1";
    container.run(&["sh", "-c", helper]).await.ok();
    let begin = Instant::now();
    runit.stop(Service::Database).await.expect("stopped");
    assert!(begin.elapsed() > Duration::from_secs(1));
}

async fn the_tls_server_reloads_without_an_interruption(runit: &Supervisor, container: &Container) {
    let tls = Tls::of("unit");
    let configuration = "[global]\ntls-server-address=*\ntls-server-ca-file=/etc/pgbackrest/ca.crt\n\
        tls-server-cert-file=/etc/pgbackrest/own.crt\ntls-server-key-file=/etc/pgbackrest/own.key\n\
        tls-server-auth=unit=drill\nlog-level-file=off\n\n[drill]\npg1-path=/none\n";
    for (name, content) in [
        ("ca.crt", &*tls.authority),
        ("own.crt", &tls.certificate),
        ("own.key", &tls.key),
        ("pgbackrest.conf", configuration),
    ] {
        let script =
            "umask 077; printf %s \"$2\" > /etc/pgbackrest/$1; chown postgres: /etc/pgbackrest/$1";
        container.run(&["sh", "-c", script, "sh", name, content]).await.ok();
    }
    let server = Service::TlsServer;
    runit.start(server).await.expect("started");
    let first = container.run(&["sv", "status", "pgbackrest server"]).await.ok();
    let ping = ["pgbackrest", "server-ping", "--io-timeout=1", "localhost"];
    container.as_postgres(&ping).await.ok();
    // A supervisor that takes its time.
    let slow = "sed -i '2i sleep 0.5' '/etc/sv/pgbackrest server/control/h'";
    container.run(&["sh", "-c", slow]).await.ok();
    for count in 1..=2 {
        let begin = Instant::now();
        runit.reload(server).await.expect("reloaded");
        println!("a reload takes {:?}", begin.elapsed());
        let lines = container.run(&["cat", "/run/pgbackrest-server.reloads"]).await.ok();
        assert_eq!(lines.lines().count(), count, "counted once the reload has returned");
        container.as_postgres(&ping).await.ok();
    }
    let process = |reported: &str| reported.split(')').next().map(str::to_owned);
    let now = container.run(&["sv", "status", "pgbackrest server"]).await.ok();
    assert_eq!(process(&now), process(&first), "the same process");
    runit.stop(server).await.expect("stopped");
    assert_ne!(container.as_postgres(&ping).await.code, 0);
}

async fn the_data_directory_is_emptied(runit: &Supervisor, container: &Container) {
    runit.empty_data_directory().await.expect("an absent one counts");
    let fill = format!(
        "mkdir -p {DATA}/base/1 {DATA}/.hidden && touch {DATA}/.dot {DATA}/base/1/x '{DATA}/a b' {DATA}/.hidden/y && ln -s /etc {DATA}/link"
    );
    container.as_postgres(&["sh", "-c", &fill]).await.ok();
    runit.empty_data_directory().await.expect("emptied");
    assert_eq!(container.run(&["find", DATA]).await.ok(), format!("{DATA}\n"), "the folder stays");
    runit.empty_data_directory().await.expect("emptied again");
    assert_eq!(container.run(&["test", "-e", "/etc/passwd"]).await.code, 0);
    // What is another's goes aside with the rest, and stays there, in nobody's way, until it can be removed.
    let hold = format!("mkdir {DATA}/root && touch {DATA}/root/file");
    let aside = ["sh", "-c", &format!("ls -d {DATA}.*")];
    for left in [".emptied", ".emptied.1"] {
        container.run(&["sh", "-c", &hold]).await.ok();
        runit.empty_data_directory().await.expect("emptied, with another's file");
        assert_eq!(container.run(&["find", DATA]).await.ok(), format!("{DATA}\n"));
        assert!(container.run(&aside).await.ok().ends_with(&format!("{DATA}{left}\n")));
    }
    container.run(&["sh", "-c", &format!("chown -R postgres: {DATA}.*")]).await.ok();
    runit.empty_data_directory().await.expect("emptied already");
    assert_ne!(container.run(&aside).await.code, 0, "what was left is gone");
    // Where nothing can be moved, nothing is lost.
    let (keep, parent) = (format!("{DATA}/keep"), DATA.rsplit_once('/').expect("a parent").0);
    container.as_postgres(&["touch", &keep]).await.ok();
    container
        .run(&["sh", "-c", &format!("chown root: {parent} && chmod 0755 {parent}")])
        .await
        .ok();
    let error = runit.empty_data_directory().await.expect_err("it can't be moved");
    assert_eq!(error.kind(), Kind::Refused);
    assert!(error.cause().contains("Permission denied"), "{error}");
    assert_eq!(container.run(&["test", "-e", &keep]).await.code, 0, "nothing is lost");
    container.run(&["chown", "postgres:", parent]).await.ok();
    runit.empty_data_directory().await.expect("it can be emptied now");
    // Something that runs there as a database does.
    container
        .as_postgres(&[
            "sh",
            "-c",
            &format!(
                "cd {DATA} && (exec sleep 4322 > /dev/null 2>&1) & echo $! > {DATA}/postmaster.pid"
            ),
        ])
        .await
        .ok();
    let error = runit.empty_data_directory().await.expect_err("it runs");
    assert_eq!((error.kind(), error.cause()), (Kind::Refused, "the database is running"));
    container.run(&["pkill", "-f", "sleep 4322"]).await.ok();
    runit.empty_data_directory().await.expect("a left file does no harm");
}

/// What a container that is silent, frozen or dead has in common.
async fn nothing_answers(runit: &Supervisor) {
    assert_eq!(runit.is_reachable().await, Ok(false));
    for &service in Service::ALL {
        let errors = [
            runit.service(service).await.err(),
            runit.start(service).await.err(),
            runit.stop(service).await.err(),
            runit.reload(service).await.err(),
            runit.empty_data_directory().await.err(),
        ];
        let kinds = errors.map(|error| error.map(|error| error.kind()));
        assert_eq!(kinds, [Some(Kind::Unreachable); 5]);
    }
}

async fn a_supervisor_can_stand_silent(
    runit: &Supervisor,
    container: &Container,
    exec: &ContainerExec,
) {
    pretend(container, "exec sleep 4323").await;
    runit.start(Service::Database).await.expect("started");
    let first = process(container).await;
    container.run(&["mv", "/run/supervisor", "/run/away"]).await.ok();
    nothing_answers(runit).await;
    let behind = exec.clone().behind("/run/supervisor");
    match behind.run(&shell("true")).await {
        Err(RunFailure::Lost { cause, .. }) => assert!(cause.contains("not answer"), "{cause}"),
        other => panic!("{other:?}"),
    }
    container.run(&["mv", "/run/away", "/run/supervisor"]).await.ok();
    assert_eq!(runit.is_reachable().await, Ok(true));
    assert_eq!(process(container).await, first, "the service went on");
    assert_eq!(behind.run(&shell("exit 7")).await.expect("it answers").code, Some(7));
    runit.stop(Service::Database).await.expect("stopped");
}

async fn a_service_can_be_unknown(runit: &Supervisor, container: &Container) {
    let link = "/run/supervisor/pgbackrest server";
    container.run(&["rm", link]).await.ok();
    assert_eq!(state(runit, Service::TlsServer).await, ServiceState::Unknown);
    assert_eq!(state(runit, Service::Database).await, ServiceState::Stopped);
    assert_eq!(runit.is_reachable().await, Ok(true));
    let errors = [
        runit.start(Service::TlsServer).await.err(),
        runit.stop(Service::TlsServer).await.err(),
        runit.reload(Service::TlsServer).await.err(),
    ];
    let kinds = errors.map(|error| error.map(|error| error.kind()));
    assert_eq!(kinds, [Some(Kind::NotFound); 3]);
    container.run(&["ln", "-s", "/etc/service/pgbackrest server", link]).await.ok();
    assert_eq!(state(runit, Service::TlsServer).await, ServiceState::Stopped);
}
