//! The law of what a firing answers: each question of its trace as the world was, each attempt as it went.

use pgdrill_core::{
    Action, Amendment, Attempt, Hook, Mark, Question, Shape, StatusName, Step,
    inventory::has_served,
    ports::{Call, MemberState, ServiceState, key},
    texts,
};
use pgdrill_sim::UnitSeen;

use super::{moment::Moment, sight::Sight};
use crate::law::{Law, Violation};

/// What could be seen around a firing is held against its answers. Of several firings, or where much happened, what was so in
/// between can't be seen.
pub(super) fn of_moment(moment: &Moment<'_>, found: &mut Vec<Violation>) {
    if moment.around.happened > 1 {
        return;
    }
    let sights = Sight::before(moment).zip(Sight::after_answers(moment));
    let Some((before, after)) = sights else { return };
    for step in moment.step.fired.firing.trace.steps() {
        let Some(answer) = step.answer else { continue };
        let is_untrue = |sight: &Sight<'_>| sight.expects(step) == Some(!answer);
        if is_untrue(&before) && is_untrue(&after) {
            let (unit, shape, hook) = (moment.at.unit, step.shape, moment.at.hook);
            let answer = if answer { "yes" } else { "no" };
            let what = format!("{hook} on unit {unit} answered {shape} with {answer}");
            let broken = Violation::of(Law::UntrueAnswer, unit, what);
            found.push(broken.by(moment.at, Some(shape)));
        }
    }
}

impl<'a> Sight<'a> {
    /// What can be seen after a firing, with what the unit showed before it where nothing but the firing can have changed that.
    fn after_answers(moment: &'a Moment<'a>) -> Option<Self> {
        let shown = moment.unit(&moment.around.before).filter(|_| moment.around.happened == 0);
        let status = |unit: &UnitSeen| shown.unwrap_or(unit).status();
        Self::new(moment, &moment.around.after, moment.after, status)
    }

    /// The answer that a step has to have; `None` where that can't be seen.
    fn expects(&self, step: &Step) -> Option<bool> {
        match step.shape {
            Shape::Question(question) => self.expects_of(question),
            // A failure may be told as one whatever came of the attempt.
            Shape::Attempt(attempt) => self.must_succeed(attempt).then_some(true),
            Shape::Start | Shape::Action(_) | Shape::Ending(_) => None,
        }
    }

    fn has(&self, amendment: Amendment) -> bool {
        self.moment.around.amendments.has(amendment)
    }

    fn hook(&self) -> Hook {
        self.moment.at.hook
    }

    /// Whether an attempt has nothing to fail for: no call of it did.
    fn must_succeed(&self, attempt: Attempt) -> bool {
        let is_refused = match attempt {
            Attempt::CouldInitialiseStanza => {
                self.facts.s3.as_ref().is_none_or(|s3| s3.is_foreign || !s3.works)
            }
            Attempt::HasBackupCreationSucceeded => {
                self.moment.around.parameters.contains_key("type")
            }
            Attempt::IsWalArchivingToS3Working
            | Attempt::WasPossibleUploadMetadataFileTestConnectivityS3
            | Attempt::WereBackupLogsUploadedS3
            | Attempt::DoesPgbackrestReturnedBackupsList
            | Attempt::HasDatabaseStopped
            | Attempt::WasPreviousClusterInfoRemoved
            | Attempt::WasDataDirectoryEmptied => false,
        };
        !is_refused && !self.moment.has_failed(Shape::Attempt(attempt))
    }

    fn expects_of(&self, question: Question) -> Option<bool> {
        let has_failed = self.moment.has_failed(Shape::Question(question));
        if question == Question::IsReplicaAndTlsServerNotRunningOnPrimary {
            return self.is_primary_unserved(has_failed);
        }
        if has_failed {
            return None;
        }
        match question {
            Question::HasClusterInitialised => self.may_take_up_settings(),
            Question::AreAllRequiredSettingsProvided => self.are_settings_complete(),
            Question::IsLeader => self.leads(),
            Question::IsBlocked => self.expects_blocked(),
            Question::IsTlsDisabledOrSingleUnitCluster => {
                let is_needed = self.facts.has_tls_material && self.seen.units.len() > 1;
                Some(!self.waits_for_workload()? && !is_needed)
            }
            Question::IsReplicaAndTlsServerNotRunningOnPrimary
            | Question::HasStanzaBeenInitialises
            | Question::IsBackupIdValid => None,
            Question::IsPrimaryTlsEnabledMultipleUnitCluster => self.is_primary_among_several(),
            Question::IsReplicaTlsDisabled => self.is_unable_replica(),
            Question::IsS3RelationEstablished => {
                Some(self.facts.is_s3_related && !self.has_unknown_parameter())
            }
            Question::HasMissingS3Parameters => match (&self.facts.s3, self.hook()) {
                (None, _) => Some(true),
                (Some(_), Hook::ListBackups) => None,
                (Some(_), _) => Some(false),
            },
            Question::IsReplica => Some(self.seen.primary? != self.unit.unit),
            Question::IsReplica2 => self.is_to_be_opened(),
            Question::HasUserProvidedBackupId => {
                Some(!self.backup_id().is_empty() && !self.has_unknown_parameter())
            }
            Question::IsWorkloadContainerAccessible => self.is_workload_reachable(),
            Question::IsSingleUnitCluster => Some(self.facts.planned_units == 1),
            Question::IsBlockedOrWaiting => self.is_blocked_or_waiting(),
            Question::IsDatabaseServiceKnown => Some(self.unit.database != ServiceState::Unknown),
            Question::IsRestoreInProgress => {
                Some(self.facts.application(key::RESTORING_BACKUP).is_some())
            }
            Question::IsDatabaseServiceRunning => Some(self.unit.database == ServiceState::Running),
            Question::IsMemberUp => self.is_restored_member_up(),
            Question::IsRepositoryOfAnotherCluster => {
                Some(self.facts.s3.as_ref().is_some_and(|s3| s3.is_foreign))
            }
            Question::IsPrimary => Some(self.known_primary()? == Some(self.unit.unit)),
            Question::IsMemberRunning => self.is_member_running(),
        }
    }

    /// The primary, `Some(None)` where there is none. `None`: a cluster was on its way up while something happened, and somebody
    /// may have led in between.
    fn known_primary(&self) -> Option<Option<u32>> {
        let around = self.moment.around;
        let was_there = around.before.primary.is_some() && around.after.primary.is_some();
        (was_there || around.happened == 0).then_some(self.seen.primary)
    }

    fn is_primary(&self) -> bool {
        self.seen.primary == Some(self.unit.unit)
    }

    /// Settings are taken up once the cluster is initialised, the workload answers, and no restore is shown.
    fn may_take_up_settings(&self) -> Option<bool> {
        let is_initialised = self.facts.application(key::CLUSTER_INITIALISED).is_some();
        let waits =
            self.has(Amendment::HooksWaitForTheWorkload) && !self.is_workload_reachable()?;
        if self.may_have_met_another_status() {
            return None;
        }
        let status = &self.status;
        let shows_restore = match status.name {
            StatusName::Maintenance => status.message == texts::RESTORING_BACKUP,
            StatusName::Error => self.facts.application(key::RESTORING_BACKUP).is_some(),
            StatusName::Active
            | StatusName::Blocked
            | StatusName::Waiting
            | StatusName::Unknown => false,
        };
        let waits = waits || self.has(Amendment::S3WaitsForRestore) && shows_restore;
        Some(is_initialised && !waits)
    }

    /// Which of them can't be used can't be seen.
    fn are_settings_complete(&self) -> Option<bool> {
        match &self.facts.s3 {
            Some(_) => Some(true),
            None => (!self.facts.is_s3_related).then_some(false),
        }
    }

    /// The primary makes the stanza; where nobody knows it, or settings can't be used, whoever leads.
    fn leads(&self) -> Option<bool> {
        let leads = self.facts.leader == self.unit.unit;
        let is_apart = self.hook() == Hook::S3CredentialsChanged
            && self.facts.s3.is_some()
            && self.has(Amendment::PrimaryMakesTheStanza)
            && self.seen.units.len() > 1;
        if !is_apart {
            return Some(leads);
        }
        self.known_primary()
            .map(|primary| primary.map_or(leads, |primary| primary == self.unit.unit))
    }

    /// Whether the firing may have met another status than the one that could be seen: it has set one before it asked, or it
    /// is the retry of an update-status that failed, to which Juju answers `error`.
    fn may_have_met_another_status(&self) -> bool {
        let owed = self.moment.before.unit(self.unit.unit);
        let is_retry = self.hook() == Hook::UpdateStatus
            && owed.is_some_and(|unit| unit.owed.contains(&Hook::UpdateStatus));
        let mut steps = self.moment.step.fired.firing.trace.steps().iter();
        is_retry || steps.any(|step| matches!(step.mark, Some(Mark::Inserted(_))))
    }

    fn expects_blocked(&self) -> Option<bool> {
        if self.hook() == Hook::CreateBackup && self.has_unknown_parameter() {
            return Some(true);
        }
        if self.may_have_met_another_status() {
            return None;
        }
        let status = &self.status;
        let is_blocked = status.name == StatusName::Blocked;
        let is_excused = match self.hook() {
            Hook::S3CredentialsChanged => {
                self.has(Amendment::S3BlockIsRetryable) && texts::is_s3_block(&status.message)
            }
            Hook::Restore => {
                status.message == texts::ANOTHER_CLUSTER
                    || self.has(Amendment::FailedRestoreIsRetryable)
                        && status.message == texts::RESTORE_FAILED
            }
            Hook::CreateBackup
            | Hook::ListBackups
            | Hook::UpdateStatus
            | Hook::CertificatesChanged => false,
        };
        Some(is_blocked && !is_excused)
    }

    /// A block that a restore may end is another matter.
    fn is_blocked_or_waiting(&self) -> Option<bool> {
        if self.may_have_met_another_status() {
            return None;
        }
        let status = &self.status;
        let is_restoring = self.facts.application(key::RESTORING_BACKUP).is_some();
        match status.name {
            StatusName::Blocked if is_restoring || status.message == texts::RESTORE_FAILED => None,
            StatusName::Blocked | StatusName::Waiting => Some(true),
            StatusName::Active
            | StatusName::Maintenance
            | StatusName::Unknown
            | StatusName::Error => Some(false),
        }
    }

    /// A workload whose answer is lost counts as one that does not answer.
    fn is_workload_reachable(&self) -> Option<bool> {
        let is_lost = self.moment.around.lost.contains(&Call::WorkloadIsReachable);
        (!is_lost).then_some(self.own.is_workload_reachable)
    }

    fn waits_for_workload(&self) -> Option<bool> {
        let waits = self.hook() == Hook::CertificatesChanged
            && self.has(Amendment::HooksWaitForTheWorkload);
        if waits { self.is_workload_reachable().map(|is| !is) } else { Some(false) }
    }

    /// A server that runs may still not answer.
    fn is_primary_unserved(&self, has_failed: bool) -> Option<bool> {
        if self.waits_for_workload()? {
            return Some(true);
        }
        let Some(primary) = self.known_primary()? else { return Some(true) };
        if primary == self.unit.unit {
            return Some(false);
        }
        let primary = self.seen.units.iter().find(|unit| unit.unit == primary)?;
        if primary.tls_server != ServiceState::Running {
            return Some(true);
        }
        // Where nobody noted what failed, a server that runs may have answered or not.
        self.moment.step.fired.failures.is_some().then_some(has_failed)
    }

    fn is_primary_among_several(&self) -> Option<bool> {
        match self.known_primary()? {
            Some(_) => Some(self.is_primary() && self.facts.planned_units > 1 && self.has_tls()),
            None => self.has(Amendment::OfflineDatabaseFailsAction).then_some(true),
        }
    }

    fn is_unable_replica(&self) -> Option<bool> {
        if self.known_primary()?.is_none() {
            return self.has(Amendment::OfflineDatabaseFailsAction).then_some(true);
        }
        if !self.is_primary() && !self.has_tls() {
            return Some(true);
        }
        if !self.has(Amendment::StoppedMemberFailsAction) {
            return Some(false);
        }
        Some(self.unit.member? != MemberState::Running)
    }

    /// Where nobody can say who is the primary, what the firing has closed is what there is to open.
    fn is_to_be_opened(&self) -> Option<bool> {
        let block = Shape::Action(Action::BlockNewConnections);
        match self.known_primary()? {
            Some(primary) => Some(primary != self.unit.unit),
            None => self
                .has(Amendment::ReopenWhatWasBlocked)
                .then(|| self.moment.step.fired.firing.trace.visited(block)),
        }
    }

    fn has_unknown_parameter(&self) -> bool {
        self.has(Amendment::UnknownParameterFailsAction) && self.was_given_unknown_parameter()
    }

    /// A member that runs on what was never the stanza's is not the restored one. Of several units each may have its own data.
    fn is_restored_member_up(&self) -> Option<bool> {
        if self.unit.member? != MemberState::Running {
            return Some(false);
        }
        if self.seen.units.len() > 1 {
            return None;
        }
        let systems = self.facts.application(key::RESTORE_SYSTEMS);
        let Some(systems) = systems.filter(|_| self.has(Amendment::NewClusterIsTold)) else {
            return Some(true);
        };
        Some(has_served(systems, self.facts.system_id?))
    }

    /// Whoever runs while the primary is not known may be it.
    fn is_member_running(&self) -> Option<bool> {
        if self.moment.has_failed(Shape::Question(Question::IsPrimary)) {
            return self.has(Amendment::OfflineDatabaseKeepsStatus).then_some(false);
        }
        Some(self.unit.member? == MemberState::Running)
    }
}
