//! What an action has to be refused for, and what can be seen of it.

use pgdrill_core::{
    Hook, Status, StatusName,
    inventory::backup_id,
    ports::{Call, MemberState, key},
    texts,
};
use pgdrill_sim::UnitSeen;

use super::{holds::holds, moment::Moment, sight::Sight};

/// A cause for which an action is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    NotRunning,
    NoPrimary,
    NoS3Relation,
    S3Parameters,
    NoStanza,
    Blocked,
    IsPrimary,
    NoTls,
    NotInForce,
    UnknownParameter,
    NoBackupId,
    Unreachable,
    SeveralUnits,
    NotLeader,
    UnknownBackup,
    Unserved,
    UploadFailed,
}

impl Cause {
    /// The causes for which this action is refused before it changes anything. A list and a restore go by what the backup tool was
    /// told, for which S3 may serve who comes with other credentials.
    pub(super) const fn of_action(action: Hook) -> &'static [Self] {
        match action {
            Hook::CreateBackup => &[
                Self::NotRunning,
                Self::NoPrimary,
                Self::NoS3Relation,
                Self::S3Parameters,
                Self::NoStanza,
                Self::Blocked,
                Self::IsPrimary,
                Self::NoTls,
                Self::NotInForce,
                Self::UnknownParameter,
                Self::Unserved,
            ],
            Hook::ListBackups => {
                &[Self::NoS3Relation, Self::S3Parameters, Self::NotInForce, Self::UnknownParameter]
            }
            Hook::Restore => &[
                Self::NoS3Relation,
                Self::S3Parameters,
                Self::NotInForce,
                Self::UnknownParameter,
                Self::NoBackupId,
                Self::Unreachable,
                Self::Blocked,
                Self::SeveralUnits,
                Self::NotLeader,
                Self::UnknownBackup,
            ],
            Hook::S3CredentialsChanged | Hook::UpdateStatus | Hook::CertificatesChanged => &[],
        }
    }

    /// The cause that a refusal names. The failures of a backup, of a list and of the steps of a restore name what the backup
    /// tool or a port said, which can be seen nowhere else: they are left out.
    fn of_text(text: &str) -> Option<Self> {
        let known = match text {
            texts::NOT_RUNNING => Self::NotRunning,
            texts::DATABASE_OFFLINE => Self::NoPrimary,
            texts::NO_S3_RELATION => Self::NoS3Relation,
            texts::NO_STANZA => Self::NoStanza,
            texts::BLOCKED | texts::RESTORE_BLOCKED => Self::Blocked,
            texts::IS_PRIMARY => Self::IsPrimary,
            texts::NO_TLS => Self::NoTls,
            texts::SETTINGS_NOT_IN_FORCE => Self::NotInForce,
            texts::NO_BACKUP_ID => Self::NoBackupId,
            texts::WORKLOAD_UNREACHABLE => Self::Unreachable,
            texts::SEVERAL_UNITS => Self::SeveralUnits,
            texts::NOT_LEADER => Self::NotLeader,
            texts::METADATA_FAILED | texts::LOGS_FAILED => Self::UploadFailed,
            // Which of them they are can't be seen.
            text if texts::refuses_s3_parameters(text) => Self::S3Parameters,
            text if texts::refuses_parameter(text) => Self::UnknownParameter,
            text if texts::refuses_backup_id(text) => Self::UnknownBackup,
            _ => return None,
        };
        Some(known)
    }

    /// What was so, of the unit where one is meant.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::NotRunning => "its database did not run",
            Self::NoPrimary => "nobody led the cluster",
            Self::NoS3Relation => "there was no S3 relation",
            Self::S3Parameters => "a required S3 parameter was missing",
            Self::NoStanza => "there was no stanza",
            Self::Blocked => "it was Blocked",
            Self::IsPrimary => "it was the primary of several units",
            Self::NoTls => "it was a replica without TLS",
            Self::NotInForce => "the S3 settings were not in force",
            Self::UnknownParameter => "it was given a parameter that it does not know",
            Self::NoBackupId => "no backup id was given",
            Self::Unreachable => "its workload did not answer",
            Self::SeveralUnits => "there were several units",
            Self::NotLeader => "it did not lead",
            Self::UnknownBackup => "its repository held no good backup with the id",
            Self::Unserved => "S3 served nobody with its settings",
            Self::UploadFailed => "an upload failed",
        }
    }
}

impl<'a> Sight<'a> {
    /// What can be seen after it.
    pub(super) fn after(moment: &'a Moment<'a>) -> Option<Self> {
        let known = moment.unit(&moment.around.before).map_or(0, |unit| unit.history.len());
        let status = |unit: &UnitSeen| {
            let is_own = |status: &Status| {
                let own = [texts::CREATING_BACKUP, texts::RESTORING_BACKUP];
                status.name == StatusName::Maintenance && own.contains(&&*status.message)
            };
            let mut history: Vec<&Status> = unit.history.iter().collect();
            let new = history.iter().skip(known).position(|status| is_own(status));
            history.truncate(new.map_or(history.len(), |new| known + new));
            history.pop().cloned().unwrap_or_else(Status::active)
        };
        Self::new(moment, &moment.around.after, moment.after, status)
    }

    /// Whether what a refusal says is so; `None` where that can't be seen.
    pub(super) fn bears_out(&self, text: &str) -> Option<bool> {
        match Cause::of_text(text) {
            // Without a relation there are none of which some could be missing.
            Some(Cause::S3Parameters) if !self.facts.is_s3_related => Some(false),
            Some(cause) => self.shows(cause),
            None => {
                let as_block = Status::new(StatusName::Blocked, text.to_owned());
                Some(holds(&as_block, self.unit, self.seen, self.facts).is_ok())
            }
        }
    }

    /// Whether a cause is there; `None` where that can't be seen, or hooks and laws may differ about it.
    pub(super) fn shows(&self, cause: Cause) -> Option<bool> {
        let is_primary = self.seen.primary.map(|primary| primary == self.unit.unit);
        let unless_failed =
            |calls: &[Call], is: bool| (is || !self.has_failed(calls)).then_some(is);
        match cause {
            Cause::NotRunning => {
                let is_down = match self.unit.member? {
                    MemberState::Stopped | MemberState::Starting => true,
                    MemberState::Running => false,
                };
                unless_failed(&[Call::ClusterMemberState], is_down)
            }
            Cause::NoPrimary => unless_failed(&[Call::ClusterPrimary], is_primary.is_none()),
            Cause::NoS3Relation => Some(!self.facts.is_s3_related),
            Cause::S3Parameters => Some(self.facts.s3.is_none()),
            Cause::NoStanza => self.lacks_stanza(),
            Cause::Blocked => self.is_blocked(),
            Cause::IsPrimary => Some(is_primary? && self.facts.planned_units > 1 && self.has_tls()),
            Cause::NoTls => Some(!is_primary? && !self.has_tls()),
            Cause::NotInForce => self.is_not_in_force(),
            Cause::UnknownParameter => Some(self.was_given_unknown_parameter()),
            Cause::NoBackupId => Some(self.backup_id().is_empty()),
            Cause::Unreachable => {
                unless_failed(&[Call::WorkloadIsReachable], !self.own.is_workload_reachable)
            }
            Cause::SeveralUnits => Some(self.facts.planned_units > 1),
            Cause::NotLeader => Some(self.facts.leader != self.unit.unit),
            Cause::UnknownBackup => self.lacks_backup(),
            Cause::Unserved => Some(!self.facts.s3.as_ref()?.works),
            Cause::UploadFailed => Some(self.has_failed(&[Call::ObjectStorePut])),
        }
    }

    /// Whether one of these calls has failed or had no answer, or may have.
    fn has_failed(&self, calls: &[Call]) -> bool {
        let failures = self.moment.step.fired.failures.as_ref();
        let mut lost = self.moment.around.lost.iter();
        lost.any(|call| calls.contains(call))
            || failures.is_none_or(|all| all.iter().any(|failure| calls.contains(&failure.call)))
    }

    /// After a failed restore, and from another cluster's repository, a unit may be restored although it is Blocked.
    fn is_blocked(&self) -> Option<bool> {
        let is_blocked = self.status.name == StatusName::Blocked;
        let may_restore =
            [texts::RESTORE_FAILED, texts::ANOTHER_CLUSTER].contains(&&*self.status.message);
        let is_restore = self.moment.step.fired.firing.hook == Hook::Restore;
        (!(is_blocked && is_restore && may_restore)).then_some(is_blocked)
    }

    /// The primary may have recorded it where the leader has not taken it over yet.
    fn lacks_stanza(&self) -> Option<bool> {
        let primary = self.seen.primary.and_then(|unit| self.facts.unit(unit));
        let is_recorded = self.seen.stanza.is_some()
            || primary.is_some_and(|unit| {
                unit.databag(key::STANZA).is_some() && unit.databag(key::BLOCK_MESSAGE).is_none()
            });
        if !is_recorded {
            return Some(true);
        }
        let s3 = self.facts.s3.as_ref()?;
        let place = self.facts.application(key::STANZA_REPOSITORY);
        let is_of_settings = place.is_some_and(|place| place == s3.address);
        (self.seen.stanza.is_some() && is_of_settings && s3.has_stanza).then_some(false)
    }

    /// What the backup tool runs on and what the unit has recorded of it must say the same. Where nothing is recorded hooks can't
    /// tell what it runs on.
    fn is_not_in_force(&self) -> Option<bool> {
        let s3 = self.facts.s3.as_ref()?;
        let endpoint = self.own.tool.as_ref().and_then(|tool| tool.endpoint.as_deref());
        let runs_on = endpoint
            .zip(self.own.repository.as_ref())
            .map(|(endpoint, place)| [endpoint, "/", &place.bucket, &place.path].concat());
        let recorded = self.own.databag(key::REPOSITORY);
        if runs_on.as_deref() == Some(&*s3.address) {
            recorded.is_some_and(|it| it == s3.address).then_some(false)
        } else {
            recorded.is_none_or(|it| it != s3.address).then_some(true)
        }
    }

    /// Whether the repository on which the backup tool runs holds no good backup with the id that was given.
    fn lacks_backup(&self) -> Option<bool> {
        let place = self.own.repository.as_ref()?;
        let is_asked_for = |label: &str| backup_id(label).is_some_and(|id| id == self.backup_id());
        let backups = self.facts.backups.iter();
        let mut of_id = backups.filter(|it| it.place == *place && is_asked_for(&it.label));
        let Some(first) = of_id.next() else { return Some(true) };
        // Of several the cluster's own goes before.
        of_id.next().is_none().then_some(first.failed)
    }
}
