//! Hook tools on a path of their own.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    time::Duration,
};

use tempfile::TempDir;

use super::super::{Brought, FiringOf, HookTools, JujuUnit, Names};
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

pub(super) struct Stand {
    folder: TempDir,
    limit: Duration,
}

impl Stand {
    /// Tools of a unit with a peer relation.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for tool in TOOLS {
            let path = folder.path().join(tool);
            fs::write(&path, include_str!("tools.sh")).expect("written");
            fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("executable");
        }
        let stand = Self { folder, limit: Duration::from_secs(20) };
        stand.answers("relation-ids database-peers --format=json", r#"["database-peers:1"]"#);
        stand
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

    pub(super) fn hangs(&self) {
        fs::write(self.folder.path().join("hangs"), "").expect("written");
    }

    pub(super) fn calls(&self) -> String {
        fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default()
    }

    pub(super) fn unit(&self, brought: &Brought, firing: FiringOf) -> JujuUnit<LocalRunner> {
        let folder = self.folder.path().display();
        let runner = LocalRunner::new(Accounts::default())
            .with_variable("PATH", format!("{folder}:/usr/bin:/bin"))
            .with_variable("STAND", folder.to_string());
        let tools = HookTools::new(runner, self.limit);
        JujuUnit::new(tools, Names::of_charm("postgresql-k8s"), brought.clone(), firing)
    }
}
