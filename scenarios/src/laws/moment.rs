//! The laws of every firing, and of what could be seen around it.

use std::collections::BTreeMap;

use pgdrill_core::{
    Action, Attempt, Firing, Hook, Outcome, Shape, Status, StatusName, Step,
    ports::{Call, MemberState, key},
    texts,
};
use pgdrill_sim::{BackupFacts, Facts, Observation, PortFailure, UnitSeen};

use super::{answers, holds::is_restoring, refused, remembered::LastFiring, steps};
use crate::{
    law::{Law, Violation},
    reason::FiringRef,
    run::{FiredStep, Run, SeenAround},
};

/// How the backup tool tells of a lock that another command holds, of a cluster that it does not find, and of another unit's
/// TLS server that it does not reach (records 102g, 29c and 47).
const OF_OTHERS: [&str; 3] = ["[050]", "[056]", ":8432"];

/// How the key of a backup's log ends.
const LOG: &str = "/backup.log";

/// What the firings themselves broke.
pub(super) fn of_firings(run: &Run) -> Vec<Violation> {
    let mut found = Vec::new();
    for (index, step) in run.firings.iter().enumerate() {
        let at = FiringRef::new(index, step);
        let firing = &step.fired.firing;
        // What a unit ends in that is removed meanwhile is of no matter.
        if is_there(step) {
            in_error(at, firing, &mut found);
        }
        steps::of_firing(at, step, &mut found);
        refused::unanswered(run, at, step, &mut found);
        if step.seen.is_none() && reports_a_backup(step) && step.backups_gained == 0 {
            found.push(unheld(at));
        }
    }
    found
}

/// Whether an event is deferred while the container does not answer.
pub(super) const fn waits_for_container(hook: Hook) -> bool {
    matches!(hook, Hook::S3CredentialsChanged | Hook::CertificatesChanged)
}

/// Whether the unit of a firing was there after it, as far as anybody looked.
pub(super) fn is_there(step: &FiredStep) -> bool {
    let unit = step.fired.unit;
    let after = step.seen.as_deref().map(|around| &around.after);
    after.is_none_or(|after| after.units.iter().any(|seen| seen.unit == unit))
}

/// A hook error is no way to tell a person why an action failed, and a periodic event must not fail for what is elsewhere.
/// A container that goes away under its own hook is another matter, and so is a hook tool that fails.
fn in_error(at: FiringRef, firing: &Firing, found: &mut Vec<Violation>) {
    let Outcome::Error(error) = &firing.outcome else { return };
    let is_outside = {
        let place = error.cause.place();
        let inside =
            ["unit.", "workload.", "cluster.member_state", "cluster.apply", "repository.configure"];
        !inside.iter().any(|own| place.starts_with(own))
    };
    if (firing.hook.is_action() || firing.hook == Hook::UpdateStatus) && is_outside {
        let what = format!("{} on unit {} ended in a hook error", firing.hook, at.unit);
        let broken = Violation::of(Law::UnitInError, at.unit, what);
        found.push(broken.by(at, Some(error.shape)));
    }
}

/// Whether a firing told its user that a backup was taken.
pub(crate) fn reports_a_backup(step: &FiredStep) -> bool {
    let results = &mut step.fired.results.iter();
    results.any(|(key, value)| (*key, value.as_str()) == texts::BACKUP_CREATED)
}

fn unheld(at: FiringRef) -> Violation {
    let what = format!("unit {} reported a backup that its repository does not hold", at.unit);
    let shape = Some(Shape::Action(Action::FinishAction));
    Violation::of(Law::ReportedWithoutBackup, at.unit, what).by(at, shape)
}

/// What was broken by what could be seen before and after each event.
pub(super) fn of_moments(run: &Run) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut last = run.remembered.last.clone();
    for (index, step) in run.firings.iter().enumerate() {
        last.insert(step.fired.unit, LastFiring::of(index, step));
        // What was seen after several events is seen after the last firing of each.
        for (later, next) in run.firings.iter().enumerate().skip(index + 1) {
            if !overlaps(step, next) {
                break;
            }
            last.insert(next.fired.unit, LastFiring::of(later, next));
        }
        let Some(around) = step.seen.as_deref() else { continue };
        let (Some(before), Some(after)) = (&around.before.facts, &around.after.facts) else {
            continue;
        };
        // Deferred events fire first, and what was seen is seen around them all: the last firing stands for the event.
        let next = run.firings.get(index + 1).and_then(|next| next.seen.as_deref());
        if next.is_some_and(|next| std::ptr::eq(next, around)) {
            continue;
        }
        let at = FiringRef::new(index, step);
        Moment { step, at, around, before, after }.judge(&mut found);
        closed(&last, around, &mut found);
    }
    secrets(run, &mut found);
    found
}

/// Whether two firings are of events that ran at the same time.
fn overlaps(one: &FiredStep, other: &FiredStep) -> bool {
    let beside = |step: &FiredStep| step.seen.as_ref().is_some_and(|seen| !seen.beside.is_empty());
    one.step == other.step && beside(one) && beside(other)
}

/// One firing with what could be seen around it.
pub(super) struct Moment<'a> {
    pub(super) step: &'a FiredStep,
    pub(super) at: FiringRef,
    pub(super) around: &'a SeenAround,
    pub(super) before: &'a Facts,
    pub(super) after: &'a Facts,
}

impl Moment<'_> {
    fn judge(&self, found: &mut Vec<Violation>) {
        self.backup_reported(found);
        self.log_lost(found);
        self.maintenance_outlives(found);
        self.data_lost(found);
        refused::of_moment(self, found);
        answers::of_moment(self, found);
        steps::of_moment(self, found);
        self.blamed_on_s3(found);
        self.in_error(found);
    }

    /// An event for which a workload has to answer waits for it.
    fn in_error(&self, found: &mut Vec<Violation>) {
        let firing = &self.step.fired.firing;
        let Outcome::Error(error) = &firing.outcome else { return };
        let is_down = |facts: &Facts| {
            let own = facts.unit(self.at.unit);
            own.is_some_and(|own| !own.is_workload_reachable)
        };
        if waits_for_container(firing.hook)
            && is_down(self.before)
            && is_down(self.after)
            && self.around.happened == 0
        {
            let (hook, unit) = (firing.hook, self.at.unit);
            let what = format!("{hook} on unit {unit} did not wait for its container");
            let broken = Violation::of(Law::UnitInError, unit, what);
            found.push(broken.by(self.at, Some(error.shape)));
        }
    }

    /// A lock that another command of the backup tool holds, or a cluster that it does not reach, is no matter of the S3
    /// settings.
    fn blamed_on_s3(&self, found: &mut Vec<Violation>) {
        let serves = |seen: &Observation, facts: &Facts| {
            let primary = seen.units.iter().find(|unit| Some(unit.unit) == seen.primary);
            facts.s3.as_ref().is_some_and(|s3| s3.works)
                && primary.is_some_and(|unit| unit.member == Some(MemberState::Running))
        };
        let around = self.around;
        let mut steps = self.step.fired.firing.trace.steps().iter();
        // What another firing found out is only told here.
        let finds_out = |step: &Step| {
            let attempts = [Attempt::CouldInitialiseStanza, Attempt::IsWalArchivingToS3Working];
            step.answer == Some(false) && attempts.map(Shape::Attempt).contains(&step.shape)
        };
        if !steps.any(finds_out) {
            return;
        }
        let mut failures = self.step.fired.failures.iter().flatten();
        // Where the cluster did not answer the firing, it need not have answered the tool.
        if failures.any(|failure| failure.call.port() == Call::ClusterPrimary.port()) {
            return;
        }
        let is_served = serves(&around.before, self.before) && serves(&around.after, self.after);
        if !is_served || around.happened > 0 {
            return;
        }
        for (before, after) in around.before.units.iter().zip(&around.after.units) {
            let is_blamed = |status: &&Status| {
                status.name == StatusName::Blocked
                    && texts::is_s3_block(&status.message)
                    && OF_OTHERS.iter().any(|code| status.message.contains(code))
            };
            // Before that it may have shown what an earlier firing found out.
            let last = after.history.iter().skip(before.history.len()).last();
            if let Some(status) = last.filter(is_blamed) {
                let unit = after.unit;
                let what = format!("unit {unit} shows {status}, and S3 served");
                found.push(Violation::of(Law::BlamedOnS3, unit, what).by(self.at, None));
            }
        }
    }

    pub(super) fn unit<'a>(&self, seen: &'a Observation) -> Option<&'a UnitSeen> {
        seen.units.iter().find(|unit| unit.unit == self.at.unit)
    }

    pub(super) fn visited(&self, action: Action) -> bool {
        self.step.fired.firing.trace.visited(Shape::Action(action))
    }

    /// Whether a call of this shape failed, or what it gave could not be read, or may have.
    pub(super) fn has_failed(&self, shape: Shape) -> bool {
        let fired = &self.step.fired;
        fired.firing.causes.iter().any(|cause| cause.shape == shape)
            || fired.failures.as_ref().is_none_or(|all| all.iter().any(|it| it.at == Some(shape)))
    }

    /// The backups without errors that the repository of the S3 settings has gained, as they were when the action was
    /// asked for, or came to be meanwhile.
    fn gained(&self) -> Vec<&BackupFacts> {
        let places = [&self.before.s3, &self.after.s3];
        let places = places.map(|s3| s3.as_ref().map(|s3| &s3.place));
        let (old, new) = self.after.backups.changed(&self.before.backups);
        let is_new = |backup: &&BackupFacts| {
            places.contains(&Some(&backup.place))
                && !backup.failed
                && self.before.system_id.is_none_or(|id| id == backup.system_id)
                && !old.contains(backup)
        };
        new.into_iter().filter(is_new).collect()
    }

    fn backup_reported(&self, found: &mut Vec<Violation>) {
        if !reports_a_backup(self.step) {
            return;
        }
        let gained = self.gained();
        if gained.is_empty() {
            found.push(unheld(self.at));
            return;
        }
        let (_, new) = self.after.objects.changed(&self.before.objects);
        let is_told = |backup: &&BackupFacts| {
            let ending = format!("/{}{LOG}", backup.label);
            // What came last is looked through first.
            let mut all = new.iter().copied().chain(self.after.objects.iter());
            let log = all.find(|(key, _)| key.ends_with(&ending));
            log.is_some_and(|(_, content)| content.contains(&backup.label))
        };
        // One whose caller died has none, and may come beside this one.
        if !gained.iter().any(is_told) {
            self.log_is_lost("reported a backup without its log", found);
        }
    }

    /// The log of a backup that ended, well or not, is kept, unless S3 refused it; and what was kept stays.
    fn log_lost(&self, found: &mut Vec<Violation>) {
        let is_log = |(key, _): &&(String, String)| key.ends_with(LOG);
        let (old, new) = self.after.objects.changed(&self.before.objects);
        let mut logs = new.into_iter().filter(is_log);
        if self.has_ended_a_backup() && !logs.any(|log| !old.contains(&log)) {
            self.log_is_lost("ended a backup whose log is nowhere", found);
        }
        let is_there = |key: &str| self.after.objects.iter().any(|(known, _)| known == key);
        let mut logs = old.into_iter().filter(is_log);
        if !self.around.is_bucket_changed
            && let Some((key, _)) = logs.find(|(key, _)| !is_there(key))
        {
            self.log_is_lost(&format!("has lost the log {key} of an earlier backup"), found);
        }
    }

    /// Whether a backup ended in this firing, and S3 refused nothing that was put there afterwards.
    fn has_ended_a_backup(&self) -> bool {
        let firing = &self.step.fired.firing;
        let backup = Shape::Attempt(Attempt::HasBackupCreationSucceeded);
        let is_refused = |failure: &PortFailure| {
            failure.call == Call::ObjectStorePut
                && (failure.at == Some(Shape::Attempt(Attempt::WereBackupLogsUploadedS3))
                    || failure.at == Some(Shape::Action(Action::UploadErrorLogsS3)))
        };
        firing.trace.visited(backup)
            && !matches!(firing.outcome, Outcome::Died(_))
            && self.step.fired.failures.as_ref().is_some_and(|all| !all.iter().any(is_refused))
    }

    fn log_is_lost(&self, what: &str, found: &mut Vec<Violation>) {
        let what = format!("unit {} {what}", self.at.unit);
        let shape = Shape::Attempt(Attempt::WereBackupLogsUploadedS3);
        found.push(Violation::of(Law::LogLost, self.at.unit, what).by(self.at, Some(shape)));
    }

    fn maintenance_outlives(&self, found: &mut Vec<Violation>) {
        let firing = &self.step.fired.firing;
        let is_ended = match (&firing.outcome, firing.hook) {
            (Outcome::Finished, Hook::Restore) => false,
            (Outcome::Finished | Outcome::Failed(_), hook) => hook.is_action(),
            _ => false,
        };
        let Some(unit) = self.unit(&self.around.after) else { return };
        let status = unit.status();
        // What an earlier restore set and this action put back is not its own.
        if self.unit(&self.around.before).is_some_and(|before| before.status() == status) {
            return;
        }
        let is_ours = status.message == texts::CREATING_BACKUP
            || status.message == texts::RESTORING_BACKUP && !is_restoring(unit, &self.around.after);
        if is_ended
            && self.visited(Action::SetMaintenance)
            && is_ours
            && status.name == StatusName::Maintenance
        {
            let what = format!("unit {} shows {status} after its action ended", unit.unit);
            let broken = Violation::of(Law::MaintenanceOutlivesAction, unit.unit, what);
            found.push(broken.by(self.at, Some(Shape::Action(Action::SetMaintenance))));
        }
    }

    fn data_lost(&self, found: &mut Vec<Violation>) {
        let firing = &self.step.fired.firing;
        let emptied = Shape::Attempt(Attempt::WasDataDirectoryEmptied);
        let source = self.after.application(key::RESTORING_BACKUP);
        let has_source = source.is_none_or(|label| {
            self.after.backups.iter().any(|backup| backup.label == label && !backup.failed)
        });
        let may_empty = firing.hook == Hook::Restore && firing.trace.visited(emptied) && has_source;
        // What a hook that ran at the same time did to its own unit is held against that one.
        let is_others = |unit| unit != self.at.unit && self.around.beside.contains(&unit);
        for (before, after) in self.around.before.units.iter().zip(&self.around.after.units) {
            // A unit that is removed goes with its data, and one that comes has none yet.
            if is_others(after.unit) || self.around.is_scaled {
                continue;
            }
            if !before.is_data_empty
                && after.is_data_empty
                && !(may_empty && after.unit == self.at.unit)
            {
                let what = format!("the data of unit {} is gone", after.unit);
                let broken = Violation::of(Law::DataLost, after.unit, what);
                found.push(broken.by(self.at, Some(emptied)));
            }
        }
        let (old, _) = self.after.backups.changed(&self.before.backups);
        let is_gone = |backup: &&BackupFacts| !self.after.backups.contains(backup);
        if !self.around.is_bucket_changed
            && let Some(backup) = old.into_iter().find(is_gone)
        {
            let what = format!("the backup {} is gone", backup.label);
            found.push(Violation::of(Law::DataLost, self.at.unit, what).by(self.at, None));
        }
    }
}

/// No unit may be Active and closed, unless its last hook was cut off, or its container does not answer: then the next hook
/// that reaches it opens it.
/// `last` has each unit's last firing so far.
fn closed(last: &BTreeMap<u32, LastFiring>, around: &SeenAround, found: &mut Vec<Violation>) {
    for unit in &around.after.units {
        let last = last.get(&unit.unit);
        let facts = around.after.facts.as_ref();
        let facts = facts.and_then(|facts| facts.unit(unit.unit));
        let is_cut_off = last.is_some_and(|last| last.is_cut_off)
            || facts.is_some_and(|unit| !unit.is_workload_reachable);
        if unit.status().name == StatusName::Active && !unit.accepts_connections && !is_cut_off {
            let what = format!("unit {} is Active and refuses connections", unit.unit);
            let broken = Violation::of(Law::ActiveWhileClosed, unit.unit, what);
            let shape = Some(Shape::Action(Action::BlockNewConnections));
            found.push(match last {
                Some(last) => broken.by(last.at, shape),
                None => broken,
            });
        }
    }
}

/// No credential may be anywhere that users or other programs read.
fn secrets(run: &Run, found: &mut Vec<Violation>) {
    let Some(facts) = &run.observation.facts else { return };
    let is_shown = |text: &str| facts.secrets.iter().any(|secret| text.contains(secret.expose()));
    for (index, step) in run.firings.iter().enumerate() {
        let at = FiringRef::new(index, step);
        let message = step.fired.firing.outcome.message();
        let results = step.fired.results.iter().map(|(_, text)| text.as_str());
        if results.chain(message.as_deref()).any(is_shown) {
            let what = format!("unit {}'s action shows a credential", at.unit);
            found.push(Violation::of(Law::SecretShown, at.unit, what).by(at, None));
        }
    }
    for unit in &run.observation.units {
        if unit.history.iter().any(|status| is_shown(&status.message)) {
            let what = format!("unit {} shows a credential in its status", unit.unit);
            found.push(Violation::of(Law::SecretShown, unit.unit, what));
        }
    }
    if let Some((key, _)) = facts.objects.iter().find(|(_, content)| is_shown(content)) {
        let what = format!("the object {key} holds a credential");
        found.push(Violation { law: Law::SecretShown, unit: None, found: what, by: None });
    }
}
