//! The tool is a script here that says how it was called and does as it is asked; the real one is met in
//! containers.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{Arc, Mutex},
};

use pgdrill_core::{S3Settings, Secret, UriStyle, ports::BackupKind};

use super::*;
use crate::{
    command::{Account, Accounts, LocalRunner},
    files::LocalFiles,
};

const SECRET: &str = "canary-of-the-secret-key";

fn accounts() -> Accounts {
    Accounts::default().with("postgres", Account::Own)
}

fn paths() -> PgBackRestPaths {
    let database = Database {
        data: "/data".into(),
        socket: "/run/pg".into(),
        port: 5432,
        user: "backup".into(),
    };
    PgBackRestPaths::new(UnitId(0), "db-{unit}.db", database)
}

fn tls() -> Tls {
    let file = |name: &str| format!("/tls/{name}");
    let (authority, certificate, key) = (file("ca"), file("crt"), file("key"));
    Tls { authority, certificate, key, common_names: vec!["db".into()], port: 8432 }
}

fn s3() -> S3Settings {
    S3Settings {
        bucket: "backups".into(),
        access_key: Secret::new("id"),
        secret_key: Secret::new(SECRET),
        endpoint: "https://s3:9000".into(),
        path: "/here".into(),
        region: None,
        uri_style: UriStyle::Path,
        tls_ca_chain: None,
    }
}

fn settings(s3: Option<S3Settings>, peers: &[u32]) -> RepositorySettings {
    let tls_peers = peers.iter().map(|&peer| UnitId(peer)).collect();
    RepositorySettings { s3, stanza: "m.patroni-db".into(), tls_peers }
}

/// Runs a script in place of the tool, with the tool's command line as its arguments.
struct Scripted(String);

#[async_trait]
impl CommandRunner for Scripted {
    async fn run(&self, invocation: &Invocation) -> Result<CommandOutput, RunFailure> {
        let mut argv = ["sh", "-c", &self.0].map(str::to_owned).to_vec();
        argv.extend_from_slice(&invocation.argv);
        let scripted = Invocation { argv, ..invocation.clone() };
        LocalRunner::new(accounts()).run(&scripted).await
    }
}

fn tool(folder: &Path, script: &str, limit: Duration) -> PgBackRest<Scripted, LocalFiles> {
    fs::create_dir_all(folder.join("etc")).expect("a folder");
    let paths = PgBackRestPaths { tls: Some(tls()), ..paths() };
    let files = LocalFiles::new(folder, accounts());
    PgBackRest::new(Scripted(script.to_owned()), files, paths, limited(limit))
}

fn limited(limit: Duration) -> PgBackRestLimits {
    PgBackRestLimits {
        command: limit,
        archive: limit,
        backup: limit,
        ping: limit,
        ..PgBackRestLimits::default()
    }
}

fn request(kind: BackupKind, from_primary: bool) -> BackupRequest {
    BackupRequest { stanza: "m.patroni-db".into(), kind, from_primary }
}

const LONG: Duration = Duration::from_secs(60);

/// Remembers what was to be run, and by whom.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl CommandRunner for Recorder {
    async fn run(&self, invocation: &Invocation) -> Result<CommandOutput, RunFailure> {
        let user = invocation.user.as_deref().unwrap_or("?");
        let line = format!("{user}: {}", invocation.argv.join(" "));
        self.0.lock().expect("whole").push(line);
        Ok(CommandOutput { code: Some(0), ..CommandOutput::default() })
    }
}

#[tokio::test]
async fn the_commands_are_those_that_users_of_the_charm_see() {
    let recorder = Recorder::default();
    let files = LocalFiles::new("/nowhere", accounts());
    let tool = PgBackRest::new(recorder.clone(), files, paths(), PgBackRestLimits::default());
    tool.create_stanza("S").await.expect("ran");
    tool.check("S").await.expect("ran");
    tool.back_up(&request(BackupKind::Full, true)).await.expect("ran");
    tool.back_up(&request(BackupKind::Differential, false)).await.expect("ran");
    tool.back_up(&request(BackupKind::Incremental, false)).await.expect("ran");
    tool.info().await.expect("ran");
    tool.ping(UnitId(3)).await.expect("ran");
    let backup = "postgres: pgbackrest --stanza=m.patroni-db --log-level-console=debug";
    let expected = [
        "postgres: pgbackrest --stanza=S stanza-create".to_owned(),
        "postgres: pgbackrest --stanza=S check".to_owned(),
        format!("{backup} --type=full --no-backup-standby backup"),
        format!("{backup} --type=diff backup"),
        format!("{backup} --type=incr backup"),
        "postgres: pgbackrest info --log-level-console=off --log-level-stderr=error --output=json"
            .to_owned(),
        "postgres: pgbackrest server-ping --io-timeout=10 db-3.db".to_owned(),
    ];
    assert_eq!(*recorder.0.lock().expect("whole"), expected);
}

#[tokio::test]
async fn no_warning_stands_before_the_inventory() {
    let folder = tempfile::tempdir().expect("a folder");
    let warns =
        r#"case "$*" in *--log-level-console=off*) ;; *) echo 'WARN: x' ;; esac; printf '[]'"#;
    let tool = tool(folder.path(), warns, LONG);
    assert_eq!(tool.info().await.as_deref(), Ok("[]"));
}

#[tokio::test]
async fn an_inventory_is_whole_or_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let spaces = |mebibytes: usize| {
        format!("printf '['; head -c {} /dev/zero | tr '\\0' ' '; printf ']'", mebibytes << 20)
    };
    let whole = tool(folder.path(), &spaces(40), LONG).info().await.expect("whole");
    assert_eq!(whole.len(), (40 << 20) + 2);
    assert!(whole.starts_with('[') && whole.ends_with(']') && !whole.contains("left out"));
    let refused = tool(folder.path(), &spaces(64), LONG).info().await.expect_err("too long");
    assert_eq!(refused.kind(), PortErrorKind::Refused);
    assert_eq!(refused.cause(), "info: the inventory is longer than 64 MiB");
}

#[tokio::test]
async fn what_the_tool_writes_to_standard_output_is_returned_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let tool = tool(folder.path(), "printf '[]'; echo WARN >&2", LONG);
    assert_eq!(tool.info().await.as_deref(), Ok("[]"));
    assert_eq!(tool.back_up(&request(BackupKind::Full, true)).await.as_deref(), Ok("[]"));
}

#[tokio::test]
async fn a_failing_command_is_refused_and_keeps_its_exit() {
    let folder = tempfile::tempdir().expect("a folder");
    for stream in [1, 2] {
        let script =
            format!("echo 'P00  ERROR: [028]: do not match the database' >&{stream}; exit 28");
        let tool = tool(folder.path(), &script, LONG);
        let error = tool.create_stanza("S").await.expect_err("it failed");
        assert_eq!(
            (error.kind(), &*error.place()),
            (PortErrorKind::Refused, "repository.create_stanza")
        );
        assert_eq!(error.exit().and_then(|exit| exit.code), Some(28));
        assert_eq!(error.error_line(), Some("ERROR: [028]: do not match the database"));
    }
    let silent = tool(folder.path(), "exit 82", LONG);
    let error = silent.check("S").await.expect_err("it failed");
    assert_eq!(error.to_string(), "repository.check refused: check ended with exit code 82");
}

/// As records 103 and 118 have it.
#[tokio::test]
async fn a_backup_that_is_terminated_says_so_though_it_reports_no_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = "P00   INFO: backup command end: terminated on signal [SIGTERM]";
    let script = format!("echo '{words}'; exit 63");
    let tool = tool(folder.path(), &script, LONG);
    let error = tool.back_up(&request(BackupKind::Full, true)).await.expect_err("it ended so");
    assert_eq!(error.cause(), "backup was terminated, with exit code 63");
    assert_eq!(error.kind(), PortErrorKind::Refused);
    let exit = error.exit().expect("it ended");
    assert_eq!((exit.code, exit.stdout.trim()), (Some(63), words));
}

#[tokio::test]
async fn a_command_of_which_no_end_is_known_has_no_code_and_keeps_its_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let hangs = tool(folder.path(), "echo begun; sleep 1000", Duration::from_millis(700));
    let error = hangs.back_up(&request(BackupKind::Full, true)).await.expect_err("it hangs");
    assert_eq!((error.kind(), &*error.place()), (PortErrorKind::TimedOut, "repository.back_up"));
    let exit = error.exit().expect("it wrote something");
    assert_eq!((exit.code, exit.stdout.as_str()), (None, "begun\n"));
    let killed = tool(folder.path(), "kill -9 $$", LONG);
    let error = killed.info().await.expect_err("it was killed");
    assert_eq!(error.kind(), PortErrorKind::Unreachable);
    assert_eq!(error.exit().and_then(|exit| exit.code), None);
    let (runner, files) = (LocalRunner::new(accounts()), LocalFiles::new("/nowhere", accounts()));
    let paths = PgBackRestPaths { program: "no-such-program".into(), ..paths() };
    let missing = PgBackRest::new(runner, files, paths, limited(LONG));
    let error = missing.ping(UnitId(1)).await.expect_err("there is none");
    assert_eq!((error.kind(), &*error.place()), (PortErrorKind::NotFound, "repository.ping"));
}

#[tokio::test]
async fn every_command_that_hangs_ends_within_its_bound() {
    let folder = tempfile::tempdir().expect("a folder");
    let hangs = tool(folder.path(), "sleep 1000", Duration::from_millis(100));
    let full = request(BackupKind::Full, true);
    let all = async {
        [
            hangs.create_stanza("S").await.err(),
            hangs.check("S").await.err(),
            hangs.back_up(&full).await.err(),
            hangs.info().await.err(),
            hangs.ping(UnitId(1)).await.err(),
        ]
    };
    let ended = tokio::time::timeout(LONG, all).await.expect("within the bound");
    let kinds = ended.map(|error| error.map(|error| error.kind()));
    assert_eq!(kinds, [Some(PortErrorKind::TimedOut); 5]);
}

#[test]
fn an_endpoint_that_refuses_costs_a_minute_at_most_and_a_command_two() {
    let PgBackRestLimits { io, command, .. } = PgBackRestLimits::default();
    // Measured: ten times the limit of one connection.
    assert!(io * 10 <= Duration::from_secs(60) && io * 10 < command);
    assert!(command <= Duration::from_secs(120));
    let text = rendered(&settings(Some(s3()), &[]));
    assert!(text.contains(&format!("\nio-timeout={}\n", io.as_secs())), "{text}");
}

fn rendered(settings: &RepositorySettings) -> String {
    let paths = PgBackRestPaths { tls: Some(tls()), ..paths() };
    config::render(&paths, &PgBackRestLimits::default(), settings).expect("rendered").text
}

/// The lines of a section that begin so.
fn lines<'a>(text: &'a str, begin: &str) -> Vec<&'a str> {
    text.lines().filter(|line| line.starts_with(begin)).collect()
}

#[test]
fn the_configuration_names_the_repository_and_how_backups_are_taken() {
    let text = rendered(&settings(Some(s3()), &[]));
    let expected = [
        "repo1-type=s3",
        "repo1-path=/here",
        "repo1-s3-bucket=backups",
        "repo1-s3-endpoint=https://s3:9000",
        "repo1-s3-region=us-east-1",
        "repo1-s3-uri-style=path",
        "repo1-s3-key=id",
        "repo1-s3-key-secret=canary-of-the-secret-key",
        "repo1-bundle=y",
        "repo1-retention-full=9999999",
    ];
    assert_eq!(lines(&text, "repo"), expected);
    for line in ["start-fast=y", "backup-standby=y", "compress-type=zst", "process-max=2"] {
        assert!(text.contains(&format!("\n{line}\n")), "{text}");
    }
    let own = ["pg1-path=/data", "pg1-socket-path=/run/pg", "pg1-port=5432", "pg1-user=backup"];
    assert_eq!(lines(&text, "pg"), own);
    let order = text.find("[global]").zip(text.find("[m.patroni-db]")).zip(text.find("pg1-path"));
    assert!(order.is_some_and(|((global, stanza), own)| global < stanza && stanza < own), "{text}");
    let regional = S3Settings { region: Some("eu".into()), uri_style: UriStyle::Host, ..s3() };
    let text = rendered(&settings(Some(regional), &[]));
    assert!(text.contains("\nrepo1-s3-region=eu\nrepo1-s3-uri-style=host\n"), "{text}");
}

#[test]
fn every_peer_is_reached_by_tls_and_only_units_are_let_in() {
    let text = rendered(&settings(None, &[1, 2]));
    assert_eq!(lines(&text, "repo"), [""; 0]);
    for peer in ["pg2-host=db-1.db", "pg3-host=db-2.db"] {
        let name = peer.split('-').next().expect("a name");
        let of = lines(&text, name);
        assert!(of.contains(&peer), "{of:?}");
        for rest in ["host-type=tls", "host-port=8432", "host-ca-file=/tls/ca", "path=/data"] {
            assert!(of.contains(&format!("{name}-{rest}").as_str()), "{of:?}");
        }
    }
    let let_in = ["db-0.db", "db-1.db", "db-2.db", "db"];
    let expected = let_in.map(|name| format!("tls-server-auth={name}=m.patroni-db"));
    assert_eq!(lines(&text, "tls-server-auth"), expected);
    let without = config::render(&paths(), &PgBackRestLimits::default(), &settings(None, &[1]));
    assert!(without.is_err(), "peers without a certificate");
}

#[tokio::test]
async fn the_configuration_is_private_and_replaced_with_its_authority() {
    let folder = tempfile::tempdir().expect("a folder");
    let tool = tool(folder.path(), "true", LONG);
    let etc = folder.path().join("etc");
    let named = |text: &str| {
        let at = text.find("repo1-storage-ca-file=").map(|at| &text[at + 22..]);
        at.and_then(|rest| rest.lines().next()).map(str::to_owned)
    };
    let mut chains = Vec::new();
    for chain in ["one", "two"] {
        let with = S3Settings { tls_ca_chain: Some(chain.into()), ..s3() };
        tool.configure(&settings(Some(with), &[])).await.expect("configured");
        let text = fs::read_to_string(etc.join("pgbackrest.conf")).expect("written");
        let path = named(&text).expect("a chain is named");
        let real = folder.path().join(path.trim_start_matches('/'));
        assert_eq!(fs::read_to_string(&real).expect("written"), format!("{chain}\n"));
        chains.push(path);
    }
    assert_ne!(chains[0], chains[1]);
    for entry in fs::read_dir(&etc).expect("a folder") {
        let mode = entry.expect("read").metadata().expect("read").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    tool.configure(&settings(Some(s3()), &[])).await.expect("configured");
    let text = fs::read_to_string(etc.join("pgbackrest.conf")).expect("written");
    assert_eq!(named(&text), None, "the public authorities");
}

#[tokio::test]
async fn a_value_that_would_be_a_setting_of_its_own_is_refused_and_not_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let tool = tool(folder.path(), "true", LONG);
    tool.configure(&settings(Some(s3()), &[])).await.expect("configured");
    let file = folder.path().join("etc/pgbackrest.conf");
    let before = fs::read(&file).expect("written");
    let smuggled = format!("{SECRET}\nrepo1-path=/elsewhere");
    let bad = S3Settings { secret_key: Secret::new(smuggled), ..s3() };
    let error = tool.configure(&settings(Some(bad), &[])).await.expect_err("it is refused");
    assert_eq!((error.kind(), &*error.place()), (PortErrorKind::Refused, "repository.configure"));
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("secret-key") && !shown.contains(SECRET), "{shown}");
    assert_eq!(fs::read(&file).expect("still there"), before);
}

#[tokio::test]
async fn a_configuration_that_cannot_be_written_says_where() {
    let folder = tempfile::tempdir().expect("a folder");
    let tool = tool(folder.path(), "true", LONG);
    fs::remove_dir(folder.path().join("etc")).expect("it was there");
    let error = tool.configure(&settings(Some(s3()), &[])).await.expect_err("no folder");
    assert_eq!((error.kind(), &*error.place()), (PortErrorKind::NotFound, "repository.configure"));
    assert!(error.cause().starts_with("/etc/pgbackrest.conf: "), "{error}");
}
