//! Against a server that answers as Patroni 4.0.7 does.

mod rendering;

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    os::unix::fs::PermissionsExt as _,
    sync::Mutex,
};

use pgdrill_core::Secret;
use tokio::{net::TcpListener, time::timeout};

use super::*;
use crate::{
    command::{Account, Accounts, CommandOutput},
    files::LocalFiles,
    stub::{Reply, Stub},
};

const LONG: Duration = Duration::from_secs(60);
/// Long enough for everything that waits for nobody.
const SHORT: Duration = Duration::from_secs(20);
const SECRET: &str = "canary-of-a-password";

/// Answers in place of the server, the last answer for ever.
struct Psql(Mutex<VecDeque<(i32, String)>>);

impl Psql {
    fn says(answers: &[(i32, &str)]) -> Self {
        Self(Mutex::new(answers.iter().map(|&(code, text)| (code, text.to_owned())).collect()))
    }
}

#[async_trait]
impl CommandRunner for Psql {
    async fn run(&self, invocation: &Invocation) -> Result<CommandOutput, RunFailure> {
        assert_eq!((&*invocation.argv[0], invocation.user.as_deref()), ("psql", Some("postgres")));
        let mut answers = self.0.lock().expect("whole");
        let next = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        let (code, text) = next.expect("an answer");
        let (stdout, stderr) =
            if code == 0 { (text, String::new()) } else { (String::new(), text) };
        Ok(CommandOutput { code: Some(code), stdout, stderr })
    }
}

fn member(port: u16, peers: &[u32]) -> Member {
    Member {
        unit: UnitId(0),
        peers: peers.iter().map(|&peer| UnitId(peer)).collect(),
        names: "db-{unit}".into(),
        // The whole of 127.0.0.0/8 is this machine; a stub listens on 127.0.0.1 alone.
        hosts: "127.0.0.1".into(),
        api_port: port,
        reached: BTreeMap::new(),
        parameters: BTreeMap::new(),
        scope: "patroni-db".into(),
        etcd: vec!["etcd1:2379".into(), "etcd2:2379".into()],
        configuration: "/patroni.yml".into(),
        template: None,
        user: "postgres".into(),
        programs: "/pg/bin".into(),
        data: "/pg/data".into(),
        socket: "/pg/run".into(),
        port: 5432,
        superuser_password: Secret::new(SECRET),
        replication_password: Secret::new("two\"\n"),
        rewind_password: Secret::new("three"),
    }
}

type TestedApi = PatroniApi<Psql, LocalFiles>;

fn api(member: Member, psql: Psql, folder: &std::path::Path) -> TestedApi {
    let accounts = Accounts::default().with("postgres", Account::Own);
    let limits = PatroniLimits { request: LONG / 4, load: LONG / 4 };
    PatroniApi::new(psql, LocalFiles::new(folder, accounts), member, limits)
}

/// An API in front of a server; commands and files are of no interest.
fn reader(stub: &Stub) -> TestedApi {
    api(member(stub.address.port(), &[]), Psql::says(&[(2, "")]), "/nowhere".as_ref())
}

async fn answering(status: u16, body: &str) -> Stub {
    let body = body.to_owned();
    Stub::plain(move |_| Reply::Answer(status, body.clone())).await
}

fn cluster(leader: &str, other: &str) -> String {
    format!(
        r#"{{"members": [{{"name": "db-0", "role": "{other}", "state": "streaming",
            "api_url": "http://db-0:8008/patroni", "host": "db-0", "port": 5432, "timeline": 1, "lag": 0}},
            {{"name": "db-12", "role": "{leader}", "state": "running",
            "api_url": "http://db-12:8008/patroni", "host": "db-12", "port": 5432, "timeline": 1}}],
            "scope": "patroni-db"}}"#
    )
}

fn own(state: &str, id: &str) -> String {
    format!(
        r#"{{"state": "{state}", "postmaster_start_time": "2026-11-23 02:41:00.000000+00:00",
            "role": "primary", "server_version": 170011, "xlog": {{"location": 67108960}},
            "timeline": 1, "dcs_last_seen": 1795401786, "database_system_identifier": {id},
            "patroni": {{"version": "4.0.7", "scope": "patroni-db", "name": "db-0"}}}}"#
    )
}

fn settings() -> ClusterSettings {
    ClusterSettings {
        archive_stanza: Some("m.patroni-db".into()),
        accepts_connections: true,
        restore: None,
    }
}

#[tokio::test]
async fn the_primary_holds_the_leader_s_lock_and_nobody_may() {
    let stub = answering(200, &cluster("leader", "replica")).await;
    assert_eq!(reader(&stub).primary().await, Ok(Some(UnitId(12))));
    assert_eq!(stub.requests()[0].target, "/cluster");
    let stub = answering(200, &cluster("replica", "replica")).await;
    assert_eq!(reader(&stub).primary().await, Ok(None));
    for (status, body, kind) in [
        (200, cluster("leader", "replica").replace("db-12", "mallory"), PortErrorKind::Malformed),
        (200, "<html>".to_owned(), PortErrorKind::Malformed),
        (503, "{}".to_owned(), PortErrorKind::Unreachable),
    ] {
        let stub = answering(status, &body).await;
        let error = reader(&stub).primary().await.expect_err("no answer");
        assert_eq!((error.kind(), &*error.place()), (kind, "cluster.primary"), "{error}");
    }
}

#[tokio::test]
async fn a_peer_is_asked_when_the_own_member_does_not_answer() {
    let stub = answering(200, &cluster("leader", "replica")).await;
    let silent = "localhost.invalid";
    let mut of = member(stub.address.port(), &[1, 0]);
    of.hosts = "127.0.0.{unit}".into();
    of.unit = UnitId(7);
    of.peers = vec![UnitId(8), UnitId(1)];
    let asks = api(of, Psql::says(&[(2, "")]), "/nowhere".as_ref());
    assert_eq!(asks.primary().await, Ok(Some(UnitId(12))));
    let mut nobody = member(stub.address.port(), &[1]);
    nobody.hosts = silent.into();
    let asks = api(nobody, Psql::says(&[(2, "")]), "/nowhere".as_ref());
    let error = asks.primary().await.expect_err("nobody answers");
    assert_eq!(error.kind(), PortErrorKind::Unreachable, "{error}");
}

#[tokio::test]
async fn a_member_s_state_is_read_from_patroni_s_words() {
    for (words, state) in [
        ("running", MemberState::Running),
        ("starting", MemberState::Starting),
        ("running custom bootstrap script", MemberState::Starting),
        ("creating replica", MemberState::Starting),
        ("stopped", MemberState::Stopped),
        ("crashed", MemberState::Stopped),
        ("restart failed (running)", MemberState::Stopped),
        ("unknown", MemberState::Stopped),
    ] {
        let stub = answering(200, &own(words, "\"1\"")).await;
        assert_eq!(reader(&stub).member_state().await, Ok(state), "{words}");
        assert_eq!(stub.requests()[0].target, "/patroni");
    }
    let stub = answering(200, &own("dreaming", "\"1\"")).await;
    let error = reader(&stub).member_state().await.expect_err("not known");
    assert_eq!(error.kind(), PortErrorKind::Malformed, "{error}");
}

/// A port at which nobody listens.
async fn closed() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("bound").port()
}

#[tokio::test]
async fn a_member_that_refuses_is_stopped_and_one_that_hangs_is_timed_out() {
    let refused = api(member(closed().await, &[]), Psql::says(&[(2, "")]), "/nowhere".as_ref());
    assert_eq!(refused.member_state().await, Ok(MemberState::Stopped));
    let stub = Stub::plain(|_| Reply::Hang).await;
    let mut hangs = reader(&stub);
    hangs.limits.request = Duration::from_millis(300);
    let asking = async {
        [
            hangs.member_state().await.err(),
            hangs.system_identifier().await.err(),
            hangs.primary().await.err(),
        ]
    };
    let errors = timeout(LONG, asking).await.expect("within the bound");
    let kinds = errors.map(|error| error.map(|error| error.kind()));
    assert_eq!(kinds, [Some(PortErrorKind::TimedOut); 3]);
}

#[tokio::test]
async fn a_published_port_that_closes_a_connection_has_no_member_behind_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let stub = Stub::plain(|_| Reply::HangUp).await;
    let direct = member(stub.address.port(), &[]);
    let asks = api(direct.clone(), Psql::says(&[(2, "")]), folder.path());
    let error = asks.member_state().await.expect_err("nobody knows what closed it");
    assert_eq!(error.kind(), PortErrorKind::Unreachable, "{error}");
    let reached = BTreeMap::from([(UnitId(0), stub.address.to_string())]);
    let published = Member { reached, hosts: "nobody.invalid".into(), ..direct };
    let asks = api(published, Psql::says(&[(2, "")]), folder.path());
    assert_eq!(asks.member_state().await, Ok(MemberState::Stopped));
    assert_eq!(asks.apply(&settings()).await, Ok(()));
    let error = asks.primary().await.expect_err("nobody knows");
    assert_eq!(error.kind(), PortErrorKind::Unreachable, "{error}");
}

#[tokio::test]
async fn the_system_identifier_is_exact_and_only_a_running_server_s() {
    for id in ["\"7711188716213661753\"", "7711188716213661753"] {
        let stub = answering(200, &own("running", id)).await;
        assert_eq!(reader(&stub).system_identifier().await, Ok(7_711_188_716_213_661_753));
    }
    for (state, id, kind) in [
        ("unknown", "\"7711188716213661753\"", PortErrorKind::Unreachable),
        ("running", "null", PortErrorKind::Malformed),
        ("running", "\"7.7e18\"", PortErrorKind::Malformed),
    ] {
        let stub = answering(200, &own(state, id)).await;
        let error = reader(&stub).system_identifier().await.expect_err("none");
        assert_eq!((error.kind(), &*error.place()), (kind, "cluster.system_identifier"));
    }
}

#[tokio::test]
async fn settings_for_a_start_are_written_and_sent_to_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let stub = Stub::plain(|_| Reply::Hang).await;
    let member = member(stub.address.port(), &[]);
    let wanted = config::render(&member, &settings()).expect("rendered").text;
    let psql = Psql::says(&[(2, "")]);
    api(member, psql, folder.path()).write(&settings()).await.expect("written");
    let written = fs::read_to_string(folder.path().join("patroni.yml")).expect("a file");
    assert_eq!(written, wanted);
    assert!(stub.requests().is_empty());
}

#[tokio::test]
async fn settings_are_in_force_once_the_server_itself_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let stub = answering(202, "reload scheduled").await;
    let rendered =
        config::render(&member(stub.address.port(), &[]), &settings()).expect("rendered");
    let (mark, command) = (rendered.mark, rendered.archive_command);
    let psql = Psql::says(&[
        (0, "\n"),
        (0, "on:0000000000000000|/bin/true\n"),
        (0, &format!("{mark}|archives elsewhere\n")),
        (0, &format!("{mark}|{command}\n")),
    ]);
    let applies = api(member(stub.address.port(), &[]), psql, folder.path());
    applies.apply(&settings()).await.expect("applied");
    let requests = stub.requests();
    assert_eq!((&*requests[0].method, &*requests[0].target), ("POST", "/reload"));
    let (reloads, sendings): (Vec<_>, Vec<_>) =
        requests.iter().partition(|request| request.method == "POST");
    // Where WAL goes is the whole cluster's, and said once: what wakes a member may arrive when something else is right.
    let says = sendings.iter().map(|sending| {
        assert_eq!((&*sending.method, &*sending.target), ("PATCH", "/config"));
        String::from_utf8_lossy(&sending.body).contains(&*command)
    });
    assert_eq!(says.collect::<Vec<_>>(), [&[true][..], &vec![false; sendings.len() - 1]].concat());
    // What it was sent while its server started, it takes at the next reload alone.
    let paths: Vec<_> = reloads.iter().map(|reload| &*reload.target).collect();
    assert_eq!(paths, ["/reload"; 3], "once, and once for each look at which it had not all of it");
    assert_eq!(applies.runner.0.lock().expect("whole").len(), 1, "asked until it said so");
    let file = folder.path().join("patroni.yml");
    assert_eq!(fs::metadata(file).expect("written").permissions().mode() & 0o777, 0o600);
    let psql = Psql::says(&[(0, "on:0000000000000000")]);
    let mut never = api(member(stub.address.port(), &[]), psql, folder.path());
    never.limits.load = Duration::from_millis(300);
    let error = timeout(LONG, never.apply(&settings())).await.expect("within the bound");
    let error = error.expect_err("the server runs on others");
    assert_eq!((error.kind(), &*error.place()), (PortErrorKind::TimedOut, "cluster.apply"));
}

/// A member that answers a reload, and each time that it is sent the cluster's settings the next of `sendings`.
async fn taking(sendings: &[u16]) -> Stub {
    let sendings = Mutex::new(VecDeque::from(sendings.to_vec()));
    Stub::plain(move |request| {
        if request.method == "POST" {
            return Reply::Answer(202, String::new());
        }
        let mut sendings = sendings.lock().expect("whole");
        let last = sendings.len() == 1;
        let status = if last { sendings.front().copied() } else { sendings.pop_front() };
        status.map_or(Reply::Hang, |status| Reply::Answer(status, String::new()))
    })
    .await
}

#[tokio::test]
async fn a_member_is_woken_to_load_what_is_new_and_nothing_depends_on_it() {
    let folder = tempfile::tempdir().expect("a folder");
    for sendings in [&[200][..], &[503], &[]] {
        let stub = taking(sendings).await;
        let rendered =
            config::render(&member(stub.address.port(), &[]), &settings()).expect("rendered");
        let config::RenderedPatroni { mark, archive_command: command, .. } = rendered;
        let psql = Psql::says(&[
            (0, &format!("off:0|{command}\n")),
            (0, &format!("off:0|{command}\n")),
            (0, &format!("{mark}|{command}\n")),
        ]);
        let mut applies = api(member(stub.address.port(), &[]), psql, folder.path());
        applies.limits.request = 10 * LONG;
        let applied = timeout(SHORT, applies.apply(&settings())).await;
        assert_eq!(applied.expect("within the bound"), Ok(()), "{sendings:?}");
        let requests = stub.requests();
        let seen = requests.iter().map(|r| (&*r.method, &*r.target));
        let (reloads, wakes): (Vec<_>, Vec<_>) = seen.partition(|(method, _)| *method == "POST");
        assert_eq!((&*requests[0].method, &*reloads), ("POST", &[("POST", "/reload"); 2][..]));
        assert!(!wakes.is_empty() && wakes.iter().all(|wake| *wake == ("PATCH", "/config")));
        let named = requests.iter().filter(|request| !request.body.is_empty());
        let named = named.filter(|wake| wake.body != br#"{"postgresql":{"parameters":{}}}"#);
        assert_eq!(named.count(), 0, "a setting is named that may be another by then");
    }
    let stub = taking(&[200]).await;
    let rendered =
        config::render(&member(stub.address.port(), &[]), &settings()).expect("rendered");
    let psql = Psql::says(&[(0, &format!("{}|{}", rendered.mark, rendered.archive_command))]);
    let applies = api(member(stub.address.port(), &[]), psql, folder.path());
    applies.apply(&settings()).await.expect("applied");
    assert_eq!(stub.requests().len(), 1, "nobody is woken for what is loaded");
}

#[tokio::test]
async fn a_member_whose_change_another_s_came_before_is_sent_it_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let stub = taking(&[409, 409, 200]).await;
    let applies = api(member(stub.address.port(), &[]), Psql::says(&[(2, "")]), folder.path());
    assert_eq!(applies.archive_by("archives").await, Ok(()));
    assert_eq!(stub.requests().len(), 3);
    let stub = taking(&[409]).await;
    let applies = api(member(stub.address.port(), &[]), Psql::says(&[(2, "")]), folder.path());
    let error = applies.archive_by("archives").await.expect_err("always in the way");
    assert_eq!(error.kind(), PortErrorKind::Refused, "{error}");
    assert_eq!(stub.requests().len(), MOST_SENDS as usize);
}

#[tokio::test]
async fn settings_for_a_member_that_does_not_run_are_written_for_its_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let off = ClusterSettings { accepts_connections: false, ..settings() };
    let stopped = api(member(closed().await, &[]), Psql::says(&[(2, "")]), folder.path());
    let error = stopped.accepts_connections().await.expect_err("nothing was written");
    assert_eq!(error.kind(), PortErrorKind::NotFound);
    for (settings, expected) in [(off, false), (settings(), true)] {
        stopped.apply(&settings).await.expect("written");
        assert_eq!(stopped.accepts_connections().await, Ok(expected));
    }
    let stub = Stub::plain(|request| match request.method.as_str() {
        "POST" => Reply::Answer(202, String::new()),
        _ => Reply::Answer(200, own("stopped", "\"1\"")),
    });
    let down = api(member(stub.await.address.port(), &[]), Psql::says(&[(2, "")]), folder.path());
    assert_eq!(down.apply(&settings()).await, Ok(()));
}

/// Seen on real servers that were busy: no answer within 10 s to what a stopped member was asked next.
#[tokio::test]
async fn a_member_that_is_down_is_asked_for_nothing_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let stub = Stub::plain(|request| match request.method.as_str() {
        "POST" => Reply::HangUp,
        _ => Reply::Hang,
    });
    let stub = stub.await;
    let reached = BTreeMap::from([(UnitId(0), stub.address.to_string())]);
    let published = Member { reached, ..member(stub.address.port(), &[]) };
    let down = api(published, Psql::says(&[(2, "")]), folder.path());
    assert_eq!(down.apply(&settings()).await, Ok(()));
    let asked = stub.requests();
    assert!(asked.iter().all(|request| request.method == "POST"), "{asked:?}");
}

#[tokio::test]
async fn whether_connections_are_accepted_is_what_the_running_server_says() {
    for (says, expected) in [("on:1", true), ("off:1", false), ("", true)] {
        let asks = api(member(1, &[]), Psql::says(&[(0, says)]), "/nowhere".as_ref());
        assert_eq!(asks.accepts_connections().await, Ok(expected));
    }
    let asks = api(member(1, &[]), Psql::says(&[(3, "FATAL: no")]), "/nowhere".as_ref());
    let error = asks.accepts_connections().await.expect_err("no answer");
    assert_eq!((error.kind(), error.cause()), (PortErrorKind::Refused, "psql: FATAL: no"));
}
