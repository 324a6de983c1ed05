//! A scenario to start from.

use pgdrill_core::Hook;

/// A commented scenario that fires `hook` and passes as it stands.
#[must_use]
pub fn template(hook: Hook) -> String {
    let (covers, fire, outcome) = parts(hook);
    format!(
        "# yaml-language-server: $schema=pgdrill.schema.json
# An editor that reads the line above completes and checks this file once `pgdrill schema > pgdrill.schema.json` was run.
# A scenario for {hook}. `pgdrill run FILE` runs it, `pgdrill check FILE` only reads it;
# `pgdrill words` shows every word that may stand here, `pgdrill words change` every change.
scenario: say in one line what this shows
# The run fails if these shapes were not visited.
covers: [{covers}]
given:
  units: 1              # 1 to 9
  tls: false            # true: every unit holds certificates
  leader: 0             # the unit that Juju elected …
  primary: 0            # … and the one that the cluster elected: two facts
  s3: {{ related: true }} # or: missing: [bucket], endpoint: unreachable, credentials: wrong, …
  stanza: initialised   # or: none
  backups: [full]       # taken before the first firing, oldest first
fire:
{fire}
# What must hold at the end; leave out what does not matter. The snapshot beside the file
# (`pgdrill run FILE --update`) says the rest. A step may have a `then` of its own.
then:
  outcome: {outcome}
  statuses: {{ 0: active }} # or, with its message: {{ name: active, message: Primary }}
  connections: {{ 0: accepted }}
  # also: message, results, services, primary, backups, objects, not-visited
"
    )
}

fn parts(hook: Hook) -> (&'static str, &'static str, &'static str) {
    match hook {
        Hook::S3CredentialsChanged => (
            "s3-credentials-changed/stop_pgbackrest_tls_server",
            "  - hook: s3-credentials-changed\n    unit: 0\n",
            "returned",
        ),
        Hook::CreateBackup => (
            "create-backup/set_active",
            "  - hook: create-backup
    unit: 0
    params: { type: full }  # or: differential, incremental
    # Strike while the hook runs, at or after a shape of its chart, or where it calls a port:
    # meanwhile:
    #   - { at: has_backup_creation_succeeded, do: { s3-server: down } }
    #   - { lost: cluster.apply }  # the first such call takes effect, and its answer never comes
",
            "finished",
        ),
        Hook::ListBackups => (
            "list-backups/return_formatted_backup_list",
            "  - hook: list-backups\n    unit: 0\n",
            "finished",
        ),
        Hook::Restore => (
            "restore/finish_action, update-status/clear_restore_flags",
            "  - hook: restore
    unit: 0
    params: { backup-id: \"${backup-1}\" }  # the oldest backup
  - do: { await: database-settled }
  - hook: update-status   # notices how the restore ended
    unit: 0
",
            "returned",
        ),
        Hook::UpdateStatus => (
            "update-status/set_active_primary",
            "  - hook: update-status\n    unit: 0\n",
            "returned",
        ),
        Hook::CertificatesChanged => (
            "certificates-changed/stop_pgbackrest_tls_server",
            "  - hook: certificates-changed\n    unit: 0\n",
            "returned",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Verdict, judge, plan, read_text, run};

    #[tokio::test]
    async fn every_template_runs_and_passes() {
        for &hook in Hook::ALL {
            let mut scenarios = read_text(template(hook).as_bytes(), "template");
            let scenario = scenarios.pop().expect("one").expect("right");
            let plan = plan(scenario, &[]);
            let judged = judge(&plan, &run(&plan).await);
            assert_eq!(judged.verdict, Verdict::Passed, "{hook}");
        }
    }
}
