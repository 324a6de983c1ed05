//! Which crate depends on which, and what each must not depend on, as Cargo resolves it without features.

#![allow(clippy::indexing_slicing, clippy::expect_used, clippy::panic, reason = "a test may panic")]

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

/// Every crate of the workspace, with those of the workspace that it uses. Tests may look anywhere.
const ARROWS: [(&str, &[&str]); 11] = [
    ("pgdrill-flow", &[]),
    ("pgdrill-core", &["pgdrill-flow"]),
    ("pgdrill-sim", &["pgdrill-core"]),
    ("pgdrill-adapters", &["pgdrill-core"]),
    ("pgdrill-containers", &["pgdrill-adapters", "pgdrill-core"]),
    ("pgdrill-dispatch", &["pgdrill-adapters", "pgdrill-core"]),
    ("pgdrill-scenarios", &["pgdrill-core", "pgdrill-flow", "pgdrill-sim"]),
    (
        "pgdrill-container-backend",
        &[
            "pgdrill-adapters",
            "pgdrill-containers",
            "pgdrill-core",
            "pgdrill-scenarios",
            "pgdrill-sim",
        ],
    ),
    (
        "pgdrill-stand",
        &[
            "pgdrill-adapters",
            "pgdrill-core",
            "pgdrill-dispatch",
            "pgdrill-scenarios",
            "pgdrill-sim",
        ],
    ),
    ("pgdrill-cli", &["pgdrill-core", "pgdrill-flow", "pgdrill-scenarios", "pgdrill-sim"]),
    ("pgdrill-tests", &["pgdrill-core", "pgdrill-flow", "pgdrill-scenarios", "pgdrill-sim"]),
];

/// What a container engine, S3 or TLS brings.
const SERVERS: [&str; 9] = [
    "aws-sdk-s3",
    "bollard",
    "hyper",
    "rcgen",
    "reqwest",
    "ring",
    "rustls",
    "testcontainers",
    "tokio-postgres",
];

/// What a charm has no use for: an engine, the corpus, reports, stand-ins, a command line.
const REHEARSALS: [&str; 12] = [
    "bollard",
    "clap",
    "dagre",
    "indicatif",
    "pgdrill-containers",
    "pgdrill-scenarios",
    "pgdrill-sim",
    "quick-junit",
    "rcgen",
    "rust-embed",
    "testcontainers",
    "tokio-postgres",
];

/// What every crate is built from, by name: what is needed to run it, and nothing that only tests or builds need.
struct Graph {
    names: BTreeMap<String, String>,
    uses: BTreeMap<String, Vec<String>>,
}

impl Graph {
    fn resolved() -> Self {
        let metadata = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--locked", "--offline"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo runs");
        let errors = String::from_utf8_lossy(&metadata.stderr);
        assert!(metadata.status.success(), "{errors}");
        let metadata: Value = serde_json::from_slice(&metadata.stdout).expect("JSON");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let list = |value: &Value| value.as_array().expect("a list").clone();
        let packages = list(&metadata["packages"]);
        let names = packages.iter().map(|package| (text(&package["id"]), text(&package["name"])));
        let is_normal = |kind: &Value| kind["kind"].is_null();
        let used = |node: &Value| {
            let deps = list(&node["deps"]);
            let normal = deps.iter().filter(|dep| list(&dep["dep_kinds"]).iter().any(is_normal));
            normal.map(|dep| text(&dep["pkg"])).collect()
        };
        let nodes = list(&metadata["resolve"]["nodes"]);
        let uses = nodes.iter().map(|node| (text(&node["id"]), used(node))).collect();
        Self { names: names.collect(), uses }
    }

    /// The crates that this one uses, each once: its own, or also those that they use.
    fn used_by(&self, name: &str, depth: usize) -> BTreeSet<&str> {
        let root = self.names.iter().find(|(_, known)| *known == name);
        let mut found = BTreeSet::new();
        let mut next: Vec<(&String, usize)> = root.map(|(id, _)| (id, 0)).into_iter().collect();
        assert!(!next.is_empty(), "{name} is no crate");
        while let Some((id, at)) = next.pop() {
            if at == depth {
                continue;
            }
            for used in self.uses.get(id).into_iter().flatten() {
                if found.insert(self.names.get(used).expect("known").as_str()) {
                    next.push((used, at + 1));
                }
            }
        }
        found
    }
}

#[test]
fn the_crates_of_the_workspace_use_each_other_in_one_direction() {
    let graph = Graph::resolved();
    let own: BTreeSet<&str> = graph
        .names
        .values()
        .map(String::as_str)
        .filter(|name| name.starts_with("pgdrill-"))
        .collect();
    let listed: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    assert_eq!(own, listed);
    for (name, expected) in ARROWS {
        let used = graph.used_by(name, 1);
        let used: Vec<&str> =
            used.into_iter().filter(|used| used.starts_with("pgdrill-")).collect();
        assert_eq!(used, expected, "{name}");
    }
}

#[test]
fn what_memory_needs_has_no_engine_no_s3_client_and_no_tls() {
    let graph = Graph::resolved();
    let used = graph.used_by("pgdrill-cli", usize::MAX);
    assert!(used.contains("clap") && used.contains("tokio"), "{used:?}");
    let wrong: Vec<&&str> = SERVERS.iter().filter(|name| used.contains(**name)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn what_a_charm_ships_knows_nothing_of_rehearsals() {
    let graph = Graph::resolved();
    let used = graph.used_by("pgdrill-dispatch", usize::MAX);
    assert!(used.contains("aws-sdk-s3"), "{used:?}");
    let wrong: Vec<&&str> = REHEARSALS.iter().filter(|name| used.contains(**name)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
