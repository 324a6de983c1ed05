//! What the configuration file says.

use std::fs;

use pgdrill_core::ports::{Cluster as _, ClusterSettings, PortErrorKind, RestoreSource};

use super::{Psql, SECRET, api, member, settings};
use crate::patroni::{Member, config};

#[test]
fn only_new_client_connections_are_rejected_and_only_when_asked_for() {
    let rules = |accepts_connections| {
        let settings = ClusterSettings { accepts_connections, ..settings() };
        let text = config::render(&member(8008, &[]), &settings).expect("rendered").text;
        let (_, rules) = text.split_once("pg_hba:\n").expect("rules");
        rules.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    let (on, off) = (rules(true), rules(false));
    assert_eq!(on.last().map(String::as_str), Some("- host all all all scram-sha-256"));
    assert_eq!(off.last().map(String::as_str), Some("- host all all all reject"));
    assert_eq!(on[..on.len() - 1], off[..off.len() - 1]);
    assert!(off.contains(&"- host replication replication all scram-sha-256".to_owned()));
    assert!(off[0].starts_with("- local all postgres"), "{off:?}");
}

#[test]
fn wal_goes_where_it_was_asked_to_and_a_restore_replaces_the_bootstrap() {
    let of = member(8008, &[]);
    let text = config::render(&of, &settings()).expect("rendered").text;
    assert!(text.contains("archive_mode: \"on\""), "{text}");
    let push = "archive_command: \"pgbackrest --stanza=m.patroni-db archive-push %p\"";
    assert!(text.contains(push) && !text.contains("method:"), "{text}");
    assert!(text.contains(r#"password: "two\"\n""#), "a password as it is: {text}");
    let source = RestoreSource { label: "20261123-024349F".into(), stanza: "theirs".into() };
    let restore = ClusterSettings { archive_stanza: None, restore: Some(source), ..settings() };
    let text = config::render(&of, &restore).expect("rendered").text;
    let command = "pgbackrest --stanza=theirs --pg1-path=/pg/data --set=20261123-024349F \
        --type=immediate --target-action=promote restore";
    let expected = format!(
        "  method: pgbackrest\n  pgbackrest:\n    command: \"{command}\"\n    \
         keep_existing_recovery_conf: true\n    no_params: true\n"
    );
    assert!(text.contains(&expected), "{text}");
    assert!(text.contains("archive_command: \"/bin/true\""), "{text}");
}

#[test]
fn more_settings_are_added_and_none_replaces_the_configuration_s_own() {
    let given = [("shared_buffers", "16MB"), ("archive_mode", "off")];
    let parameters = given.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let of = Member { parameters, ..member(8008, &[]) };
    let text = config::render(&of, &settings()).expect("rendered").text;
    assert_eq!(text.matches("\"shared_buffers\": \"16MB\"").count(), 2, "{text}");
    let (given, own) = (text.rfind("\"archive_mode\""), text.find(" archive_mode: \"on\""));
    assert!(given < own, "the last one counts: {text}");
}

#[tokio::test]
async fn what_is_more_than_one_word_never_becomes_a_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let asks = api(member(1, &[]), Psql::says(&[(2, "")]), folder.path());
    for stanza in ["a b", "a;b", "$(a)", "--set=x", "a\nb", ""] {
        let bad = ClusterSettings { archive_stanza: Some(stanza.into()), ..settings() };
        let error = asks.apply(&bad).await.expect_err("refused");
        assert_eq!((error.kind(), &*error.place()), (PortErrorKind::Refused, "cluster.apply"));
        assert!(
            !format!("{error:?} {asks}", asks = format_args!("{:?}", asks.member)).contains(SECRET)
        );
    }
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[test]
fn every_setting_has_a_mark_of_its_own() {
    let of = member(8008, &[]);
    let mark = |settings: &ClusterSettings| config::render(&of, settings).expect("rendered").mark;
    let (on, off) = (settings(), ClusterSettings { accepts_connections: false, ..settings() });
    let other = ClusterSettings { archive_stanza: None, ..settings() };
    assert!(mark(&on) == mark(&on) && mark(&on) != mark(&other) && mark(&off).starts_with("off:"));
}

/// A template of somebody else's, and what is reported for each part that it lacks.
#[test]
fn another_template_is_rendered_only_if_it_does_what_hooks_rely_on() {
    let whole = "ldap: theirs\n\
        {% if restore %}method: pgbackrest\ncommand: {{ restore | tojson }}\n{% endif %}\
        pgdrill.settings: {{ mark | tojson }}\n\
        {{ 'host all all all reject' if not accepts_connections else '' }}\n";
    let source = RestoreSource { label: "20261123-024349F".into(), stanza: "theirs".into() };
    let restore = ClusterSettings { restore: Some(source), ..settings() };
    let rendered = |template: &str, settings: &ClusterSettings| {
        let of = Member { template: Some(template.to_owned()), ..member(8008, &[]) };
        config::render(&of, settings).map(|rendered| rendered.text)
    };
    for settings in [settings(), restore.clone()] {
        let text = rendered(whole, &settings).expect("it has all");
        assert!(text.starts_with("ldap: theirs\n"), "{text}");
        assert_eq!(text.contains("--set=20261123-024349F"), settings.restore.is_some(), "{text}");
    }
    let lacking = [
        (" | tojson }}\n{{", " }}\n{{", settings(), "no parameter `pgdrill.settings:"),
        (" if not accepts_connections else ''", "", settings(), "does not close connections"),
        ("{{ restore | tojson }}", "other", restore, "does not bootstrap by `restore`"),
        ("{% if restore %}", "{% if true %}", settings(), "only while that is given"),
        ("theirs", "{{ theirs }}", settings(), "undefined"),
    ];
    for (part, instead, settings, expected) in lacking {
        assert!(whole.contains(part), "{part}");
        let why = rendered(&whole.replacen(part, instead, 1), &settings);
        let why = why.expect_err("it lacks something");
        assert!(why.contains(expected), "{instead}: {why}");
    }
}
