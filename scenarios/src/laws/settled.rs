//! The laws of what is left once every fault is undone and everything that Juju owes has come.

use pgdrill_core::{
    Attempt, Hook, Outcome, Shape, StatusName,
    ports::{MemberState, ServiceState, key},
    texts,
};
use pgdrill_sim::{Facts, Observation, UnitSeen};

use super::{
    NotSo,
    holds::{holds, is_restoring},
    remembered::Remembered,
};
use crate::{
    law::{Law, Violation},
    run::Run,
    settle::Settled,
};

/// What a run left broken.
pub(super) fn of_settled(run: &Run, settled: &Settled) -> Vec<Violation> {
    let seen = &settled.observation;
    let Some(facts) = seen.facts.as_deref() else { return Vec::new() };
    let remembered = run.remembered.after(run);
    let mut found = left_by_all(seen, &remembered);
    if !settled.is_settled {
        let what = format!("something still changes after {} rounds", settled.rounds);
        found.push(of_all(Law::NeverSettles, what));
    }
    for step in &settled.firings {
        if let Outcome::Error(error) = &step.fired.firing.outcome {
            let (hook, unit) = (step.fired.firing.hook, step.fired.unit);
            let what =
                format!("{hook} errs on unit {unit} although every fault is undone: {error}");
            found.push(Violation::of(Law::UnitInError, unit, what));
        }
    }
    let left = Left { seen, facts, remembered: &remembered };
    left.restored(&mut found);
    left.emptied(&mut found);
    for remedy in &settled.remedies {
        if let Err(why) = &remedy.came_of_it {
            let (unit, text) = (remedy.unit, &remedy.text);
            let what = format!("unit {unit} shows `{text}`, and {}: {why}", remedy.remedy.name());
            found.push(Violation::of(Law::NoWayOut, unit, what));
        }
    }
    found
}

/// What is broken as it is.
pub(super) fn left_by(seen: &Observation) -> Vec<Violation> {
    left_by_all(seen, &Remembered::default())
}

fn left_by_all(seen: &Observation, remembered: &Remembered) -> Vec<Violation> {
    let Some(facts) = seen.facts.as_deref() else { return Vec::new() };
    let mut found = Vec::new();
    let left = Left { seen, facts, remembered };
    seen.units.iter().for_each(|unit| left.unit(unit, &mut found));
    left.application(&mut found);
    found
}

/// Whether a unit says that its restore failed.
fn has_failed(unit: &UnitSeen) -> bool {
    unit.status().message == texts::RESTORE_FAILED
}

/// Whether a unit says that a restore is under way.
fn shows_restore(unit: &UnitSeen) -> bool {
    unit.status().message == texts::RESTORING_BACKUP
}

fn of_all(law: Law, found: impl Into<String>) -> Violation {
    Violation { law, unit: None, found: found.into(), by: None }
}

/// What is left.
struct Left<'a> {
    seen: &'a Observation,
    facts: &'a Facts,
    remembered: &'a Remembered,
}

impl Left<'_> {
    /// Why what a unit shows is not so, if it is not.
    fn why_not(&self, unit: &UnitSeen) -> Option<&'static str> {
        let status = unit.status();
        let is_lost = status.message == texts::RESTORE_FAILED && self.is_replaced(unit.unit)
            || texts::is_s3_block(&status.message) && self.waits_for_another_restore();
        match holds(&status, unit, self.seen, self.facts) {
            Err(NotSo(why)) if !is_lost => Some(why),
            Ok(()) | Err(_) => None,
        }
    }

    /// Whether a unit says that the restore which is recorded failed: until it is restored again nothing is done about S3.
    fn waits_for_another_restore(&self) -> bool {
        let mut units = self.seen.units.iter();
        self.seen.restoring.is_some() && units.any(|unit| self.says_that_it_failed(unit))
    }

    /// Whether a new cluster took the place of what a restore emptied on a unit.
    fn is_replaced(&self, unit: u32) -> bool {
        let was = self.remembered.emptied.get(&unit).and_then(|emptied| emptied.system_id);
        let own = self.facts.unit(unit);
        let is_another = was.zip(self.facts.system_id).is_some_and(|(was, is)| was != is);
        is_another && own.is_none_or(|own| own.restored_from.is_none())
    }

    fn unit(&self, unit: &UnitSeen, found: &mut Vec<Violation>) {
        let number = unit.unit;
        let mut broken = |law, what: String| found.push(Violation::of(law, number, what));
        if !unit.accepts_connections {
            broken(Law::LeftClosed, format!("unit {number} refuses connections"));
        }
        let status = unit.status();
        if let Some(why) = self.why_not(unit) {
            let law = match status.name {
                StatusName::Maintenance => Law::LeftInMaintenance,
                StatusName::Active
                | StatusName::Blocked
                | StatusName::Waiting
                | StatusName::Unknown
                | StatusName::Error => Law::LeftBlocked,
            };
            broken(law, format!("unit {number} shows {status}, and {why}"));
        }
        // A unit without data waits for a leader and shows the charm's own word; what a restore emptied is `emptied`'s.
        if status.name == StatusName::Active
            && !unit.is_data_empty
            && unit.member.is_some_and(|member| member != MemberState::Running)
        {
            let what = format!("unit {number} is Active, and its database does not run");
            broken(Law::ActiveWithoutDatabase, what);
        }
        if let Some(hook) = unit.deferred.first()
            && !self.waits_for_what_may_come(*hook, unit)
        {
            let what = format!("unit {number} defers {hook}, and waits for what will not come");
            broken(Law::DeferredForEver, what);
        }
        let databag = self.facts.unit(number);
        if databag.and_then(|unit| unit.databag(key::CONNECTIVITY)) == Some("off") {
            let what = format!("the databag of unit {number} has connections off");
            broken(Law::FlagLeft, what);
        }
        self.tls_server(unit, found);
    }

    /// A cluster may be initialised yet, and a restore may end yet.
    fn waits_for_what_may_come(&self, hook: Hook, unit: &UnitSeen) -> bool {
        hook == Hook::S3CredentialsChanged
            && (self.facts.application(key::CLUSTER_INITIALISED).is_none()
                || is_restoring(unit, self.seen))
    }

    /// Whether a unit is Blocked with a text that holds: then what it names has to be put right first.
    fn is_blocked_rightly(&self, unit: &UnitSeen) -> bool {
        unit.status().name == StatusName::Blocked && self.why_not(unit).is_none()
    }

    /// Whether a unit says that its restore failed, and that is so.
    fn says_that_it_failed(&self, unit: &UnitSeen) -> bool {
        has_failed(unit) && self.is_blocked_rightly(unit)
    }

    fn tls_server(&self, unit: &UnitSeen, found: &mut Vec<Violation>) {
        let has_others = self.seen.units.len() > 1;
        // Certificates alone start it, as published; it is needed once there is a repository.
        let may_run = self.facts.has_tls_material && has_others;
        let is_wanted = may_run && self.facts.s3.is_some();
        let runs = unit.tls_server == ServiceState::Running;
        let waits = self.facts.application(key::CLUSTER_INITIALISED).is_none()
            || self.seen.units.iter().any(|unit| self.is_blocked_rightly(unit));
        let number = unit.unit;
        if is_wanted && !runs && !waits {
            let what = format!("unit {number} needs its TLS server, which does not run");
            found.push(Violation::of(Law::TlsServerAstray, number, what));
        }
        if !may_run && runs {
            let what = format!("unit {number} needs no TLS server, and it runs");
            found.push(Violation::of(Law::TlsServerAstray, number, what));
        }
    }

    fn application(&self, found: &mut Vec<Violation>) {
        let facts = self.facts;
        let leader = self.seen.units.iter().find(|unit| unit.unit == facts.leader);
        let is_owned = |unit: &UnitSeen| is_restoring(unit, self.seen) || has_failed(unit);
        for flag in [key::RESTORING_BACKUP, key::RESTORE_STANZA] {
            if facts.application(flag).is_some() && !self.seen.units.iter().any(is_owned) {
                found.push(of_all(Law::FlagLeft, format!("the databag still holds `{flag}`")));
            }
        }
        let is_initialised = facts.application(key::CLUSTER_INITIALISED).is_some();
        let (Some(s3), true, Some(leader)) = (&facts.s3, is_initialised, leader) else { return };
        let is_told = self.is_blocked_rightly(leader) || self.waits_for_another_restore();
        if s3.works && s3.is_foreign && !is_told {
            let what = "the repository is another cluster's, and the leader does not say so";
            found.push(of_all(Law::ForeignUntold, what));
        }
        let is_said = self.seen.units.iter().any(|unit| self.is_blocked_rightly(unit));
        if is_said || facts.system_id.is_none() || s3.is_foreign {
            return;
        }
        if self.seen.stanza.is_none() {
            found.push(of_all(Law::StanzaUntold, "no stanza is recorded, and no status says why"));
        } else if s3.works && !s3.has_stanza {
            let what = "a stanza is recorded that the repository in force does not hold";
            found.push(of_all(Law::StanzaUntold, what));
        }
    }

    /// The data that a restore of ours emptied is back, or is on its way, or its unit says that the restore failed: then
    /// it can be restored again.
    fn emptied(&self, found: &mut Vec<Violation>) {
        let emptied = Shape::Attempt(Attempt::WasDataDirectoryEmptied);
        for unit in &self.seen.units {
            let Some(first) = self.remembered.emptied.get(&unit.unit) else { continue };
            // Where Juju has told that it was cut off, a unit may say whatever is so: a restore is not refused for that.
            let is_told =
                self.says_that_it_failed(unit) || first.is_cut_off && self.is_blocked_rightly(unit);
            if is_restoring(unit, self.seen) || is_told {
                continue;
            }
            let number = unit.unit;
            let what = if unit.is_data_empty {
                format!("a restore emptied the data of unit {number}, and nothing brought it back")
            } else if self.is_replaced(unit.unit) {
                format!("a new cluster took the place of the data of unit {number}")
            } else {
                continue;
            };
            let broken = Violation::of(Law::DataLost, number, what);
            found.push(broken.by(first.at, Some(emptied)));
        }
    }

    /// What users were told of the last restore must be so, or a status says that it failed or is under way.
    fn restored(&self, found: &mut Vec<Violation>) {
        let Some((unit, Some(label))) = &self.remembered.restored else { return };
        let unit = *unit;
        let is_told = |told: &UnitSeen| {
            self.says_that_it_failed(told)
                || told.unit == unit && shows_restore(told) && is_restoring(told, self.seen)
        };
        if self.seen.units.iter().any(is_told) {
            return;
        }
        let base = self.facts.unit(unit).and_then(|it| it.restored_from.as_deref());
        if base != Some(label.as_str()) {
            let base = base.unwrap_or("no backup");
            let what = format!("the restore of {label} was reported, and the data is from {base}");
            found.push(Violation::of(Law::ReportedWithoutRestore, unit, what));
        }
    }
}
