mod fake_tools;

use std::{collections::BTreeMap, time::Duration};

use pgdrill_core::{
    Hook, PortErrorKind, S3Problem, S3Settings, Status, StatusName,
    ports::{Databag, TlsMaterial, Unit as _, UnitId},
};

use super::*;
use crate::command::LocalRunner;
use fake_tools::FakeTools;

fn juju_event(path: &str, more: &[(&str, &str)]) -> JujuEvent {
    let base = [
        ("JUJU_DISPATCH_PATH", path),
        ("JUJU_UNIT_NAME", "postgresql-k8s/2"),
        ("JUJU_MODEL_NAME", "drill"),
        ("JUJU_MODEL_UUID", "5e55104e"),
        ("JUJU_VERSION", "3.6.9"),
    ];
    let variables = base.iter().chain(more).map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    JujuEvent::from_environment(&variables.collect()).expect("complete")
}

fn once(hook: Hook) -> FiringOf {
    FiringOf { hook, is_refired: false }
}

fn unit(fake: &FakeTools) -> JujuUnit<LocalRunner> {
    fake.unit(&juju_event("hooks/update-status", &[]), once(Hook::UpdateStatus))
}

#[test]
fn the_environment_tells_who_and_what() {
    let given = juju_event("actions/restore", &[("JUJU_ACTION_NAME", "restore")]);
    assert_eq!(
        (given.identity.application(), given.identity.unit()),
        ("postgresql-k8s", UnitId(2))
    );
    assert_eq!(given.identity.stanza(), "drill.patroni-postgresql-k8s");
    assert!(given.is_action);
    let broken = juju_event("hooks/s3-parameters-relation-broken", &[("JUJU_RELATION_ID", "s3:4")]);
    assert_eq!(broken.broken_relation.as_deref(), Some("s3:4"));
    let changed =
        juju_event("hooks/s3-parameters-relation-changed", &[("JUJU_RELATION_ID", "s3:4")]);
    assert_eq!(changed.broken_relation, None);
    for (name, value, words) in [
        ("JUJU_UNIT_NAME", "", "JUJU_UNIT_NAME is not set"),
        ("JUJU_UNIT_NAME", "nobody", "JUJU_UNIT_NAME is `nobody`"),
    ] {
        let variables = BTreeMap::from([
            ("JUJU_DISPATCH_PATH".to_owned(), "hooks/x".to_owned()),
            (name.to_owned(), value.to_owned()),
        ]);
        assert_eq!(JujuEvent::from_environment(&variables), Err(words.to_owned()));
    }
}

#[tokio::test]
async fn leadership_status_and_scale_are_read() {
    let fake = FakeTools::new();
    fake.answers("is-leader --format=json", "true\n");
    let status = r#"{"message":"creating backup","status":"maintenance","status-data":{}}"#;
    fake.answers("status-get --include-data --format=json", status);
    let goal = r#"{"units":{"p/0":{"status":"active"},"p/1":{"status":"dying"},"p/2":{"status":"waiting"}},"relations":{}}"#;
    fake.answers("goal-state --format=json", goal);
    let list = r#"["postgresql-k8s/10","postgresql-k8s/0"]"#;
    fake.answers("relation-list -r database-peers:1 --format=json", list);
    let unit = unit(&fake);
    assert_eq!(unit.is_leader().await, Ok(true));
    let status = unit.status().await.expect("read");
    assert_eq!(status, Status::new(StatusName::Maintenance, "creating backup"));
    assert_eq!(unit.planned_units().await, Ok(2));
    assert_eq!(unit.peers().await, Ok(vec![UnitId(0), UnitId(10)]));
    let blocked = Status::new(StatusName::Blocked, "-x \"é\" $HOME");
    unit.set_status(blocked).await.expect("set");
    unit.log("INFO", "-line\u{1b}[2J").await.expect("logged");
    insta::assert_snapshot!(fake.calls());
}

#[tokio::test]
async fn databags_are_read_by_key_and_written_through_standard_input() {
    let fake = FakeTools::new();
    let get = "relation-get -r database-peers:1 --app --format=json stanza postgresql-k8s";
    fake.answers(get, "\"drill.patroni\"\n");
    let get = "relation-get -r database-peers:1 --format=json connectivity postgresql-k8s/2";
    fake.answers(get, "\"\"");
    let get = "relation-get -r database-peers:1 --format=json tls postgresql-k8s/2";
    fake.answers(get, "null");
    let unit = unit(&fake);
    let stanza = unit.data(Databag::Application, "stanza").await.expect("read");
    assert_eq!(stanza.as_deref(), Some("drill.patroni"));
    assert_eq!(unit.data(Databag::Unit, "connectivity").await, Ok(None));
    assert_eq!(unit.data(Databag::Unit, "tls").await, Ok(None));
    unit.set_data(Databag::Application, "stanza", Some("a \"b\"\n= é")).await.expect("set");
    unit.set_data(Databag::Unit, "connectivity", None).await.expect("removed");
    insta::assert_snapshot!(fake.calls());
}

#[tokio::test]
async fn before_the_peer_relation_there_is_nothing_to_read_and_nowhere_to_write() {
    let fake = FakeTools::new();
    fake.answers("relation-ids database-peers --format=json", "[]");
    let unit = unit(&fake);
    assert_eq!(unit.data(Databag::Application, "stanza").await, Ok(None));
    assert_eq!(unit.peers().await, Ok(vec![]));
    let error = unit.set_data(Databag::Unit, "tls", Some("x")).await.expect_err("nowhere");
    assert_eq!(error.kind(), PortErrorKind::NotFound);
}

#[tokio::test]
async fn s3_settings_come_from_the_databag_or_from_a_secret() {
    let (ids, list) = (
        "relation-ids s3-parameters --format=json",
        "relation-list -r s3-parameters:4 --app --format=json",
    );
    let get = "relation-get -r s3-parameters:4 --app --format=json - s3-integrator";
    let plain = r#"{"bucket":"b","access-key":"key-canary","secret-key":"secret-canary","path":"/p","tls-ca-chain":"[\"one\",\"two\"]","data":"{}"}"#;
    let fake = FakeTools::new();
    fake.answers(ids, r#"["s3-parameters:4"]"#);
    fake.answers(list, "\"s3-integrator\"");
    fake.answers(get, plain);
    let relation = unit(&fake).s3_relation().await.expect("read").expect("related");
    assert_eq!(relation.tls_ca_chain.as_deref(), Some("one\ntwo"));
    let settings = S3Settings::from_relation(&relation).expect("complete");
    assert_eq!(settings.secret_key.expose(), "secret-canary");
    let stored = r#"{"bucket":"b","secret-extra":"secret:abc"}"#;
    fake.answers(get, stored);
    let content = r#"{"access-key":"key-canary","secret-key":"other-canary"}"#;
    fake.answers("secret-get secret:abc --refresh --format=json", content);
    let relation = unit(&fake).s3_relation().await.expect("read").expect("related");
    let settings = S3Settings::from_relation(&relation).expect("complete");
    assert_eq!(settings.secret_key.expose(), "other-canary");
    fake.fails("secret-get secret:abc --refresh --format=json", "ERROR permission denied\n");
    let error = unit(&fake).s3_relation().await.expect_err("no access");
    assert_eq!(error.kind(), PortErrorKind::Denied);
    fake.answers(get, "{}");
    let bare = unit(&fake).s3_relation().await.expect("read").expect("related");
    let missing = S3Settings::from_relation(&bare).expect_err("nothing is given");
    let all = vec!["bucket", "access-key", "secret-key"];
    assert_eq!(missing, S3Problem::Missing(all));
    fake.answers(ids, "[]");
    assert_eq!(unit(&fake).s3_relation().await, Ok(None));
    assert!(!fake.calls().contains("canary"));
    insta::assert_snapshot!(fake.calls());
}

#[tokio::test]
async fn only_the_id_of_a_secret_is_asked_for() {
    let fake = FakeTools::new();
    fake.answers("relation-ids s3-parameters --format=json", r#"["s3-parameters:4"]"#);
    let list = "relation-list -r s3-parameters:4 --app --format=json";
    fake.answers(list, "\"s3-integrator\"");
    let get = "relation-get -r s3-parameters:4 --app --format=json - s3-integrator";
    let named = |id: &str| format!(r#"{{"bucket":"b","secret-extra":"{id}"}}"#);
    for odd in ["--label=database-peers.x.app", "--help", "--", "secret:--help", "a b", "a/b/c"] {
        fake.answers(get, &named(odd));
        let relation = unit(&fake).s3_relation().await.expect("read").expect("related");
        assert!(relation.names_no_secret, "{odd}");
    }
    assert!(!fake.calls().contains("secret-get"), "{}", fake.calls());
    let id = "9m4e2mr0ui3e8a215n4g";
    let model = "5e55104e-0000-4000-8000-000000000001";
    for good in [id.to_owned(), format!("secret:{id}"), format!("secret://{model}/{id}")] {
        fake.answers(get, &named(&good));
        fake.answers(&format!("secret-get {good} --refresh --format=json"), "{}");
        let relation = unit(&fake).s3_relation().await.expect("read").expect("related");
        assert!(!relation.names_no_secret, "{good}");
    }
}

#[tokio::test]
async fn the_relation_that_a_hook_takes_away_is_gone_already() {
    let fake = FakeTools::new();
    fake.answers("relation-ids s3-parameters --format=json", r#"["s3-parameters:4"]"#);
    let variables = [("JUJU_RELATION_ID", "s3-parameters:4")];
    let juju_event = juju_event("hooks/s3-parameters-relation-broken", &variables);
    let unit = fake.unit(&juju_event, once(Hook::S3CredentialsChanged));
    assert_eq!(unit.s3_relation().await, Ok(None));
}

#[tokio::test]
async fn tls_material_is_in_the_unit_s_secret_or_its_databag() {
    let fake = FakeTools::new();
    let get = "secret-get --label database-peers.postgresql-k8s.unit --format=json";
    for gone in ["\"#DELETED#\"", "\"None\"", "\"\"", "null"] {
        fake.answers(get, &format!(r#"{{"key":"canary","cauth":"ca","cert":{gone}}}"#));
        let material = unit(&fake).tls_material().await.expect("read");
        assert_eq!(material, TlsMaterial { key: true, ca: true, certificate: false }, "{gone}");
    }
    fake.fails(get, "ERROR secret \"database-peers.postgresql-k8s.unit\" not found\n");
    let bag = r#"{"key":"pem","ca":"pem","cert":"pem"}"#;
    fake.answers("relation-get -r database-peers:1 --format=json - postgresql-k8s/2", bag);
    assert!(unit(&fake).tls_material().await.expect("read").is_complete());
    fake.fails(get, "ERROR cannot connect\n");
    assert_eq!(
        unit(&fake).tls_material().await.expect_err("reported").kind(),
        PortErrorKind::Refused
    );
}

#[tokio::test]
async fn where_juju_has_no_tool_for_secrets_the_databag_has_what_it_knows() {
    let fake = FakeTools::new();
    fake.is_without("secret-get");
    let bag = r#"{"key":"pem","ca":"pem","cert":"pem"}"#;
    fake.answers("relation-get -r database-peers:1 --format=json - postgresql-k8s/2", bag);
    assert!(unit(&fake).tls_material().await.expect("read").is_complete());
}

#[tokio::test]
async fn every_status_that_juju_answers_is_read() {
    let fake = FakeTools::new();
    for name in StatusName::ALL {
        let answer = format!(r#"{{"message":"hook failed","status":"{name}","status-data":{{}}}}"#);
        fake.answers("status-get --include-data --format=json", &answer);
        assert_eq!(unit(&fake).status().await.map(|status| status.name), Ok(*name));
    }
}

#[tokio::test]
async fn an_action_has_parameters_results_and_a_failure() {
    let fake = FakeTools::new();
    fake.answers("action-get --format=json backup-id", "\"2026-01-01T00:00:00Z\"");
    fake.answers("action-get --format=json type", "null");
    let juju_event = juju_event("actions/restore", &[("JUJU_ACTION_NAME", "restore")]);
    let unit = fake.unit(&juju_event, once(Hook::Restore));
    let id = unit.parameter("backup-id").await.expect("read");
    assert_eq!(id.as_deref(), Some("2026-01-01T00:00:00Z"));
    assert_eq!(unit.parameter("type").await, Ok(None));
    unit.fail_action("it can't = be").await.expect("failed");
    unit.set_result("backups", "two\nlines").await.expect("set");
    let again = unit.firing(FiringOf { hook: Hook::S3CredentialsChanged, is_refired: true });
    assert_eq!(again.parameter("backup-id").await, Ok(None));
    insta::assert_snapshot!(fake.calls());
}

#[tokio::test]
async fn events_are_deferred_in_order_and_once() {
    let fake = FakeTools::new();
    let unit = unit(&fake).firing(once(Hook::S3CredentialsChanged));
    assert_eq!(unit.deferred().await, Ok(vec![]));
    fake.answers("state-get pgdrill-deferred", "certificates-changed\n");
    unit.defer().await.expect("deferred");
    fake.answers("state-get pgdrill-deferred", "certificates-changed s3-credentials-changed\n");
    unit.defer().await.expect("deferred already");
    let stored = unit.deferred().await;
    assert_eq!(stored, Ok(vec![Hook::CertificatesChanged, Hook::S3CredentialsChanged]));
    unit.forget_deferred().await.expect("forgotten");
    fake.answers("state-get pgdrill-deferred", "nonsense");
    assert_eq!(unit.deferred().await.expect_err("reported").kind(), PortErrorKind::Malformed);
    insta::assert_snapshot!(fake.calls());
}

#[tokio::test]
async fn a_tool_that_fails_says_why_and_one_that_hangs_is_bounded() {
    let fake = FakeTools::new();
    let set = "relation-set -r database-peers:1 --app --file -";
    fake.fails(set, "warning: x\nERROR cannot write relation settings\n");
    let error = unit(&fake).set_data(Databag::Application, "stanza", Some("x")).await;
    let error = error.expect_err("denied");
    assert_eq!(
        error.to_string(),
        "unit.set_data denied: relation-set: cannot write relation settings"
    );
    fake.answers("is-leader --format=json", "canary");
    let error = unit(&fake).is_leader().await.expect_err("no JSON");
    assert_eq!(error.kind(), PortErrorKind::Malformed);
    assert!(!error.to_string().contains("canary"));
    let hung = FakeTools::within(Duration::from_millis(500));
    hung.hangs();
    let error = unit(&hung).is_leader().await.expect_err("bounded");
    assert_eq!(error.kind(), PortErrorKind::TimedOut);
}

#[tokio::test]
async fn without_tools_nothing_is_known() {
    let tools = HookTools::new(
        LocalRunner::new(crate::command::Accounts::default()).with_variable("PATH", "/nowhere"),
        Duration::from_secs(5),
    );
    let juju_event = juju_event("hooks/update-status", &[]);
    let names = CharmNames::of_charm("postgresql-k8s");
    let unit = JujuUnit::new(tools, names, juju_event, once(Hook::UpdateStatus));
    assert_eq!(unit.is_leader().await.expect_err("no tool").kind(), PortErrorKind::NotFound);
}
