//! What happens while a hook runs, and where.

use pgdrill_core::Hook;
use pgdrill_sim::{At, Change, Moment};

use super::Checker;
use crate::{charts, scenario::Meanwhile};

impl Checker<'_> {
    pub(super) fn meanwhile(&mut self, path: &str, hook: Hook, meanwhile: &Meanwhile) {
        let Meanwhile { at, during, after, lost, change } = meanwhile;
        let moments = [
            ("at", at.is_some()),
            ("during", during.is_some()),
            ("after", after.is_some()),
            ("lost", lost.is_some()),
        ];
        let given: Vec<&str> =
            moments.iter().filter(|(_, is_given)| *is_given).map(|(key, _)| *key).collect();
        if let [_, surplus, ..] = given.as_slice() {
            let what = "a `meanwhile` has one of `at`, `during`, `after` and `lost`";
            self.refuse_key(&format!("{path}/{surplus}"), what, "give each an item of its own");
            return;
        }
        let key = given.first().copied().unwrap_or_default();
        let (at, moment, change) = match (meanwhile.when(), lost, change) {
            (Some((at, moment)), _, Some(change)) => (at, moment, change),
            (Some(_), _, None) => {
                let hint = "say what happens there, as `do: { s3-server: down }`";
                self.refuse(
                    path,
                    "a `meanwhile` with `at`, `during` or `after` needs a `do`",
                    hint,
                );
                return;
            }
            (None, Some(_), None) => return,
            (None, Some(_), Some(_)) => {
                let what = "an answer that is lost takes no `do`";
                let hint = "leave it out, or give it an item of its own with `at` or `after`";
                self.refuse_key(&format!("{path}/do"), what, hint);
                return;
            }
            (None, None, _) => {
                let hint = "give one shape of the hook's chart, or one call of a port";
                self.refuse(path, "a `meanwhile` needs `at`, `during`, `after` or `lost`", hint);
                return;
            }
        };
        if moment == Moment::During && !self.during(path, at, change) {
            return;
        }
        self.change(&format!("{path}/do"), change, Some(moment));
        self.shape(&format!("{path}/{key}"), hook, at);
    }

    /// Refuses a shape that is not on a hook's chart.
    pub(super) fn shape(&mut self, path: &str, hook: Hook, at: At) {
        let At::Shape(shape) = at else { return };
        if charts::chart(hook).is_some_and(|chart| chart.node(shape.id()).is_none()) {
            let what = format!("chart {hook} has no shape `{shape}`");
            let having = |other: &&Hook| {
                charts::chart(**other).is_some_and(|chart| chart.node(shape.id()).is_some())
            };
            let others: Vec<&str> =
                Hook::ALL.iter().filter(having).map(|other| other.name()).collect();
            let hint = format!(
                "it is on the chart of {}; `pgdrill schema` lists those of this one as `{hook}/…`",
                others.join(", ")
            );
            self.refuse(path, what, hint);
        }
    }

    /// Whether it is known what comes of this in the middle of a command.
    fn during(&mut self, path: &str, at: At, change: &Change) -> bool {
        if !self.lasts(path, at, "at") {
            return false;
        }
        if !change.has_midway() {
            let what = format!("`{}` can't happen during a command", change.name());
            let hint =
                format!("give `at` or `after`; during a command can happen {}", Change::MIDWAY);
            self.refuse(&format!("{path}/do"), what, &hint);
            return false;
        }
        true
    }

    /// Whether something can be in its middle, else refuses it with another key to take.
    pub(super) fn lasts(&mut self, path: &str, at: At, other: &str) -> bool {
        let lasts = at.lasting().is_some();
        if !lasts {
            let what = format!("nothing happens during `{at}`");
            let hint = format!(
                "only a backup takes long enough: `during: has_backup_creation_succeeded`; else give `{other}` or `after`"
            );
            self.refuse(&format!("{path}/during"), what, hint);
        }
        lasts
    }
}
