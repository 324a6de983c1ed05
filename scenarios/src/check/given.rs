//! Refuses what no world can begin with.

use pgdrill_sim::{
    BackupGiven, MOST_UNITS, RepositoryGiven, S3Given, StanzaGiven, TlsServersGiven,
};

use super::Checker;
use crate::scenario::Scenario;

impl Checker<'_> {
    pub(super) fn given(&mut self, scenario: &Scenario) {
        let given = &scenario.given;
        if scenario.scenario.trim().is_empty() {
            self.refuse("scenario", "the scenario has no title", "say in one line what it shows");
        }
        if given.units == 0 || given.units > MOST_UNITS {
            let what = format!("{} units can't be rehearsed", given.units);
            self.refuse("given/units", what, format!("give 1 to {MOST_UNITS}"));
            self.is_whole = false;
        }
        self.unit("given/leader", "the leader", given.leader);
        self.unit("given/primary", "the primary", given.primary);
        for unit in given.statuses.keys() {
            self.unit(&format!("given/statuses/{unit}"), "the one with this status", *unit);
        }
        if let Some(s3) = &given.s3 {
            self.s3("given/s3", s3);
        } else if given.stanza == StanzaGiven::Initialised {
            let what = "a stanza was initialised, and there never was an S3 relation";
            let hint = "give `s3: { related: true }`, and let the relation go by a `do`";
            self.refuse("given/stanza", what, hint);
        }
        if let Some(first) = given.backups.first()
            && matches!(first, BackupGiven::Differential | BackupGiven::Incremental)
        {
            let what = "the first backup of a repository is a full one";
            self.refuse("given/backups/0", what, "begin with `full`");
        }
        // What is left out may be what is missed here.
        if self.is_whole {
            self.repository(scenario);
        }
        if given.planned_units == Some(0) {
            let what = "an application of no units fires no hook";
            self.refuse("given/planned-units", what, "give 1 or more");
        }
        if given.tls_servers == Some(TlsServersGiven::Running) && !given.tls {
            let what = "TLS servers run only with TLS";
            self.refuse("given/tls-servers", what, "give `tls: true`");
        }
    }

    /// Refuses repositories that no cluster can have come to.
    fn repository(&mut self, scenario: &Scenario) {
        let given = &scenario.given;
        let has_stanza = given.stanza == StanzaGiven::Initialised;
        let is_own = given.repository == RepositoryGiven::Own;
        if !given.backups.is_empty() && given.s3.is_none() {
            let what = "there are backups, and there never was an S3 relation";
            let hint = "give `s3: { related: true }`, and let the relation go by a `do`";
            self.refuse("given/backups", what, hint);
        } else if !given.backups.is_empty() && is_own && !has_stanza {
            let what = "there are backups of this cluster, and its stanza was never initialised";
            self.refuse("given/backups", what, "give `stanza: initialised`");
        }
        if has_stanza && !is_own && given.repository != RepositoryGiven::AnotherModel {
            let what = "the stanza was initialised, and the repository never was this cluster's";
            let hint = "leave out `stanza`, or change the settings by a `do`";
            self.refuse("given/repository", what, hint);
        }
        if has_stanza && !given.cluster_initialised {
            let what = "the stanza was initialised, and the cluster never was";
            self.refuse("given/cluster-initialised", what, "leave out one of them");
        }
        let is_absent = given.s3.as_ref().is_some_and(|s3| !s3.bucket.is_there());
        if is_absent && (has_stanza || !given.backups.is_empty()) {
            let what = "there is no bucket, and a repository in it";
            self.refuse("given/s3/bucket", what, "leave out `bucket`");
        }
    }

    pub(super) fn s3(&mut self, path: &str, s3: &S3Given) {
        if s3.is_related() {
            return;
        }
        let rest = S3Given { related: None, ..s3.clone() };
        if rest != S3Given::default() {
            let what = "there is no S3 relation, so it can't carry settings";
            self.refuse(path, what, "leave out either `related: false` or the rest");
        }
    }
}
