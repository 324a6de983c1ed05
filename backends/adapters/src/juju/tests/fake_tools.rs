//! Hook tools on a path of their own.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    time::Duration,
};

use tempfile::TempDir;

use super::super::{CharmNames, FiringOf, HookTools, JujuEvent, JujuUnit};
use crate::command::{Accounts, LocalRunner};

const TOOLS: [&str; 19] = [
    "action-fail",
    "action-get",
    "action-set",
    "config-get",
    "goal-state",
    "is-leader",
    "juju-log",
    "relation-get",
    "relation-ids",
    "relation-list",
    "relation-set",
    "secret-get",
    "state-delete",
    "state-get",
    "state-set",
    "status-get",
    "status-set",
    "network-get",
    "action-log",
];

pub(super) struct FakeTools {
    folder: TempDir,
    limit: Duration,
}

impl FakeTools {
    /// Tools of a unit with a peer relation.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for tool in TOOLS {
            let path = folder.path().join(tool);
            fs::write(&path, include_str!("tools.sh")).expect("written");
            fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("executable");
        }
        let fake = Self { folder, limit: Duration::from_secs(20) };
        fake.answers("relation-ids database-peers --format=json", r#"["database-peers:1"]"#);
        fake
    }

    pub(super) fn within(limit: Duration) -> Self {
        Self { limit, ..Self::new() }
    }

    fn file(&self, call: &str, end: &str) -> std::path::PathBuf {
        let key: String = call.chars().map(|c| if " /:=".contains(c) { '_' } else { c }).collect();
        self.folder.path().join(key + end)
    }

    pub(super) fn answers(&self, call: &str, answer: &str) {
        fs::write(self.file(call, ""), answer).expect("written");
    }

    pub(super) fn fails(&self, call: &str, error: &str) {
        fs::write(self.file(call, ".error"), error).expect("written");
    }

    pub(super) fn is_without(&self, tool: &str) {
        fs::remove_file(self.folder.path().join(tool)).expect("it was there");
    }

    pub(super) fn hangs(&self) {
        fs::write(self.folder.path().join("hangs"), "").expect("written");
    }

    pub(super) fn calls(&self) -> String {
        fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default()
    }

    pub(super) fn unit(&self, juju_event: &JujuEvent, firing: FiringOf) -> JujuUnit<LocalRunner> {
        let folder = self.folder.path().display();
        let runner = LocalRunner::new(Accounts::default())
            .with_variable("PATH", format!("{folder}:/usr/bin:/bin"))
            .with_variable("STAND", folder.to_string());
        let tools = HookTools::new(runner, self.limit);
        JujuUnit::new(tools, CharmNames::of_charm("postgresql-k8s"), juju_event.clone(), firing)
    }
}
