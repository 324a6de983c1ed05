//! The files that a charm brings: where its things are, which path is which hook, and its template of `patroni.yml`.

use std::{fs, path::Path, sync::Arc};

use pgdrill_adapters::{
    clock::SystemClock,
    juju::{CharmNames, FiringOf, HookTools, JujuEvent, JujuUnit},
};
use pgdrill_core::{
    Hook,
    ports::{ClusterSettings, RestoreSource},
};
use pgdrill_dispatch::{Dispatched, Environment, Site, dispatch, ports, site};
use pgdrill_tests::hostile::{Door, Grammar, Opened};
use tokio::runtime::Runtime;

use super::{
    LIMIT,
    tools::{Tools, environment, juju, sum},
    withstands,
};

const SITE: &str = r#"{"peers":"database-peers","s3":"s3-parameters","pebble":"/no/such/socket","hosts":"postgresql-k8s-{unit}.endpoints","api-port":8008,"programs":"/usr/lib/postgresql/14/bin","kubernetes-host":"localhost","kubernetes-port":443,"kubernetes-account":"/no/such/folder","request-ms":200}"#;
const HOOKS: &[u8] = include_bytes!("../../../backends/charm/hooks.json");
const TEMPLATE: &[u8] = include_bytes!("../../../backends/adapters/src/patroni/patroni.yml.jinja");

/// How a dispatch ends as a process does: its exit code, and what it says.
fn conclude(dispatched: Dispatched, opened: &mut Opened) -> i32 {
    match dispatched.conclude() {
        Ok(()) => 0,
        Err(why) => {
            opened.shown.push(why);
            1
        }
    }
}

/// The configuration of the database's manager, as far as it comes without the manager: from the template of the site.
fn configured(site: Site, runtime: &Runtime, opened: &mut Opened) {
    let event = JujuEvent::from_environment(&environment(Hook::UpdateStatus)).expect("complete");
    let own = FiringOf { hook: Hook::UpdateStatus, is_refired: false };
    let tools = HookTools::new(Tools::new(juju(), None), LIMIT);
    let unit = JujuUnit::new(tools, CharmNames::of_charm("postgresql-k8s"), event, own);
    let ports = ports(&Arc::new(site), &unit, Arc::new(SystemClock::new()));
    let restore =
        RestoreSource { stanza: "drill.patroni-x".into(), label: "20261123-024306F".into() };
    let settings = ClusterSettings {
        archive_stanza: Some("drill.patroni-postgresql-k8s".into()),
        restore: Some(restore),
        accepts_connections: true,
    };
    let applied = runtime.block_on(ports.cluster.apply(&settings));
    if let Err(error) = applied {
        conclude(Dispatched::Failed(error.to_string()), opened);
    }
}

const WORDS: &[&str] = &[
    "hook",
    "then-next",
    "update-status",
    "hooks/update-status",
    "actions/restore",
    "peers",
    "pebble",
    "hosts",
    "{unit}",
    "api-port",
    "patroni-template",
    "request-ms",
    "{{ mark | tojson }}",
    "{% for x in range(100) %}",
    "{% endfor %}",
    "{% if restore %}",
    "{% endif %}",
    "{{ parameters }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% include 'x' %}",
    "{{ [1] * 100000 }}",
];

fn site_door() -> Door {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (hostile, around) = (at("hostile"), at("site.json"));
    fs::write(&around, format!("{{\"patroni-template\":\"{hostile}\"}}")).expect("written");
    let base = move |hook: Hook, more: &[(&str, &str)]| -> Environment {
        let mut variables = environment(hook);
        // No hook tool is there, so that nothing begins that a site leads to.
        let folder = folder.path();
        variables.insert("PATH".into(), folder.join("none").display().to_string());
        variables.insert("JUJU_CHARM_DIR".into(), folder.display().to_string());
        variables.extend(more.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        variables
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let seeds = [SITE.as_bytes(), HOOKS, TEMPLATE].map(<[u8]>::to_vec);
    let open = move |bytes: &[u8]| {
        let mut opened = Opened::default();
        fs::write(&hostile, bytes).expect("written");
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok();
        // As the site: the hook fails, at the latest for want of its tools.
        let named = base(Hook::UpdateStatus, &[("PGDRILL_SITE", &hostile)]);
        let event = JujuEvent::from_environment(&named).expect("complete");
        let read = site(&event.identity, &named);
        opened.is_refused = read.is_err();
        if read.is_ok() && !is_json {
            opened.faults.push("a site was made of what is no JSON".to_owned());
        }
        if conclude(dispatch(&named), &mut opened) == 0 {
            opened.faults.push("a hook without hook tools is done".to_owned());
        }
        if let Ok(site) = read {
            let no_socket = Path::new("/no/such/socket").to_owned();
            configured(Site { pebble: no_socket, ..site }, &runtime, &mut opened);
        }
        // As the hooks: who can't read them can't know whose the event is.
        let named = base(Hook::UpdateStatus, &[("PGDRILL_HOOKS", &hostile)]);
        if conclude(dispatch(&named), &mut opened) == 0 && !is_json {
            opened.faults.push("a hook is done, and which is which was refused".to_owned());
        }
        // As the template.
        let named = base(Hook::UpdateStatus, &[("PGDRILL_SITE", &around)]);
        match site(&event.identity, &named) {
            Err(why) => drop(conclude(Dispatched::Failed(why), &mut opened)),
            Ok(site) => {
                let no_socket = Path::new("/no/such/socket").to_owned();
                configured(Site { pebble: no_socket, ..site }, &runtime, &mut opened);
            }
        }
        // As names in the environment, which are what Juju gives.
        let name = String::from_utf8_lossy(bytes).into_owned();
        let variables = ["JUJU_DISPATCH_PATH", "JUJU_UNIT_NAME", "JUJU_MODEL_NAME", "JUJU_VERSION"];
        let variable = variables[sum(bytes) % variables.len()];
        conclude(dispatch(&base(Hook::Restore, &[(variable, &name)])), &mut opened);
        opened
    };
    Door { name: "site", grammar: Grammar::new(seeds, WORDS), open: Box::new(open) }
}

#[test]
fn files_of_a_charm() {
    withstands(site_door());
}
