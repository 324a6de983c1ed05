//! What the shapes of one firing share: the ports, and what the firing has learnt so far.

use std::sync::{Arc, OnceLock};

use crate::{
    amendment::{Amendment, Amendments},
    hook::{Hook, Outcome},
    inventory::{Inventory, has_served},
    ports::{
        ClusterSettings, Databag, MemberState, PortError, PortErrorKind, PortResult, Ports,
        RepositorySettings, RestoreSource, Service, ServiceState, Timestamp, UnitId, key,
    },
    s3::{S3Relation, S3Settings},
    shape::Action,
    stanza::StanzaSettlement,
    status::{Status, StatusName},
    texts,
};

/// One firing, as its questions, attempts and actions see it.
pub(crate) struct Context<'a> {
    pub(crate) ports: &'a Ports,
    pub(crate) hook: Hook,
    pub(crate) amendments: Amendments,
    pub(crate) notes: Notes,
}

/// What a firing has learnt on its way, for the shapes further on.
#[derive(Default)]
pub(crate) struct Notes {
    /// How the firing will end, as far as its endings have said.
    pub(crate) outcome: Option<Outcome>,
    /// The text for the next `fail_action` or `set_blocked`.
    pub(crate) reason: Option<String>,
    /// What is to be brought in line of what is recorded of the stanza.
    pub(crate) settlement: Option<StanzaSettlement>,
    /// The S3 relation as this firing found it first.
    s3_relation: OnceLock<Option<Arc<S3Relation>>>,
    /// The S3 settings that this firing uses.
    pub(crate) s3: Option<Arc<S3Settings>>,
    /// Why calls of ports failed within this shape.
    pub(crate) causes: Vec<PortError>,
    /// Whether what only S3 blocked is tried again, so that no status is set that will be the same again.
    pub(crate) tries_again: bool,
    /// Whether this unit makes the stanza and does not lead: what comes of it goes into its own databag, and the leader tells.
    pub(crate) records_apart: bool,
    /// Why they can't be used although they are all there.
    pub(crate) unusable: Option<String>,
    /// The name under which the backup's log is stored, and the log.
    pub(crate) log: Option<BackupLog>,
    /// The answer of list-backups.
    pub(crate) table: Option<String>,
    /// The backup to restore.
    pub(crate) restore: Option<RestoreSource>,
    /// The system identifiers that its stanza has served, as they are recorded.
    pub(crate) restored_systems: Option<String>,
    /// Whether an error kept this firing from knowing the primary, so that no status is set that would hide it.
    pub(crate) primary_is_unknown: bool,
    /// The primary, as create-backup found it last.
    pub(crate) primary: Option<UnitId>,
    /// Whether this unit runs on the data of a new cluster in place of what was to be restored.
    pub(crate) runs_on_a_new_cluster: bool,
    /// Whether the event waits for the workload, which does not answer.
    pub(crate) waits_for_workload: bool,
    /// Whether this firing has asked for this unit's connections to be refused.
    pub(crate) has_blocked_connections: bool,
    /// Whether what a failed restore has left is over.
    pub(crate) is_restore_over: bool,
    /// Whether its data may be gone or not: the directory was to be emptied, and nobody answered.
    pub(crate) is_emptying_unanswered: bool,
    /// Whether the database was told to stop and gave no answer.
    pub(crate) is_stop_unanswered: bool,
    /// Whether the stanza was not made for the lock that another process of the backup tool holds.
    pub(crate) waits_for_lock: bool,
    /// The status before this firing sets Maintenance. An action that sets it notes it then.
    pub(crate) before_maintenance: Option<Status>,
}

/// The log of a backup.
pub(crate) struct BackupLog {
    pub(crate) of: LogOf,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// What a log tells of, which decides where it lies.
pub(crate) enum LogOf {
    /// The backup with this label.
    Backup(String),
    /// A backup that failed, begun at this time: it has no label.
    Failure(Timestamp),
}

/// One answer, and the amendment that made it finer than the published chart's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefinedAnswer {
    /// Whether it is yes.
    pub yes: bool,
    /// The amendment, if one had a part in it.
    pub refined: Option<Amendment>,
}

impl From<bool> for RefinedAnswer {
    fn from(yes: bool) -> Self {
        Self { yes, refined: None }
    }
}

/// How the keys of logs end.
const BACKUP_LOG: &str = "/backup.log";

/// The line of the metadata object that names the model which wrote it.
pub(crate) const MODEL_UUID_LINE: &str = "Model UUID: ";

/// No member is the primary, where one is needed.
pub(crate) fn no_primary() -> PortError {
    let cause = "no member holds the leader's lock";
    PortError::new(PortErrorKind::NotFound, "cluster", "primary", cause)
}

/// What update-status has to do about the S3 settings before anything else.
pub(crate) enum S3Remedy {
    /// To try to make the stanza, by this amendment.
    MakeStanza(Amendment),
    /// To end a block that nobody would look at again.
    Unblock,
}

impl Context<'_> {
    /// This unit.
    pub(crate) fn own_unit(&self) -> UnitId {
        self.ports.unit.identity().unit()
    }

    /// Notes why the next `fail_action` fails, if it does.
    pub(crate) fn fails_with(&mut self, fails: bool, reason: &str) {
        if fails {
            self.notes.reason = Some(reason.to_owned());
        }
    }

    /// Whether a databag has anything under this key.
    pub(crate) async fn has(&self, bag: Databag, key: &str) -> PortResult<bool> {
        Ok(self.ports.unit.data(bag, key).await?.is_some())
    }

    /// Has the log say why a call failed that this shape made, and hands the failure on.
    pub(crate) fn logged<T>(&mut self, made: PortResult<T>) -> PortResult<T> {
        if let Err(error) = &made {
            self.notes.causes.push(error.clone());
        }
        made
    }

    /// The other units that this unit reaches over TLS: none when TLS is off or it is alone.
    pub(crate) async fn tls_peers(&self) -> PortResult<Vec<UnitId>> {
        if self.ports.unit.tls_material().await?.is_complete() {
            self.ports.unit.peers().await
        } else {
            Ok(Vec::new())
        }
    }

    /// Configures the backup tool with the S3 settings and the units there are.
    pub(crate) async fn configure_repository(&self) -> PortResult<()> {
        self.configure_repository_with(self.tls_peers().await?).await
    }

    /// Configures the backup tool, naming these units and no others.
    pub(crate) async fn configure_repository_with(&self, tls_peers: Vec<UnitId>) -> PortResult<()> {
        let settings = RepositorySettings {
            s3: self.s3_settings().await?,
            stanza: self.ports.unit.identity().shared_stanza(),
            tls_peers,
        };
        self.ports.repository.configure(&settings).await?;
        let place = settings.s3.as_ref().map(S3Settings::place);
        self.record(Databag::Unit, key::REPOSITORY, place.as_deref()).await
    }

    /// Has a databag say this; what it says already is not written again.
    pub(crate) async fn record(
        &self,
        bag: Databag,
        key: &'static str,
        value: Option<&str>,
    ) -> PortResult<()> {
        let unit = &self.ports.unit;
        if unit.data(bag, key).await?.as_deref() == value {
            return Ok(());
        }
        unit.set_data(bag, key, value).await
    }

    /// Whether this unit has recorded that its backup tool goes by these settings.
    pub(crate) async fn are_in_force(&self, s3: &S3Settings) -> PortResult<bool> {
        self.is_recorded_at(s3, Databag::Unit, key::REPOSITORY).await
    }

    /// Whether the recorded stanza is recorded as that of the repository in which these settings keep backups.
    pub(crate) async fn is_stanza_of(&self, s3: &S3Settings) -> PortResult<bool> {
        self.is_recorded_at(s3, Databag::Application, key::STANZA_REPOSITORY).await
    }

    /// Whether a record names the place of these settings.
    async fn is_recorded_at(
        &self,
        s3: &S3Settings,
        bag: Databag,
        record: &'static str,
    ) -> PortResult<bool> {
        let known = self.ports.unit.data(bag, record).await?;
        Ok(known.is_some_and(|place| *place == *s3.place()))
    }

    /// Whether update-status has to configure the backup tool: nothing is recorded of what it goes by, as an earlier release
    /// recorded nothing, and settings are there to go by. Not knowing is no, and a restore keeps what it began with.
    pub(crate) async fn is_tool_unconfigured(&self) -> bool {
        self.amendments.has(Amendment::SettingsMustBeInForce)
            && matches!(self.has(Databag::Unit, key::REPOSITORY).await, Ok(false))
            && matches!(self.has(Databag::Application, key::CLUSTER_INITIALISED).await, Ok(true))
            && matches!(self.s3_settings().await, Ok(Some(_)))
            && matches!(self.is_restoring().await, Ok(false))
            && matches!(self.may_show_restore().await, Ok(false))
    }

    /// What update-status has to do about the S3 settings. On the unit that makes the stanza: to try it, because only S3
    /// blocks the unit, or because the repository in force has none; the settings are noted then. On one that S3 blocks and
    /// that neither makes it nor leads: to end that. Not knowing is nothing.
    pub(crate) async fn s3_remedy(&mut self) -> Option<S3Remedy> {
        let status = self.ports.unit.status().await.ok()?;
        let is_s3_block = status.is_s3_block();
        let amendment = match status.name {
            StatusName::Blocked if is_s3_block => Amendment::S3BlockIsTriedAgain,
            StatusName::Active => Amendment::PrimaryMakesTheStanza,
            StatusName::Blocked
            | StatusName::Waiting
            | StatusName::Maintenance
            | StatusName::Unknown
            | StatusName::Error => return None,
        };
        let is_amended = self.amendments.has(amendment);
        if !is_amended && !is_s3_block {
            return None;
        }
        let leads = self.ports.unit.is_leader().await.ok()?;
        if !self.makes_the_stanza(leads).await {
            return (is_s3_block && !leads).then_some(S3Remedy::Unblock);
        }
        if !is_amended || self.is_restoring().await.ok()? {
            return None;
        }
        let s3 = self.s3_settings().await.ok()??;
        let is_due =
            if is_s3_block { self.are_in_force(&s3).await } else { self.lacks_stanza(&s3).await };
        if !is_due.ok()? {
            return None;
        }
        self.notes.s3 = Some(Arc::new(s3));
        self.notes.tries_again = true;
        self.notes.records_apart = !leads;
        Some(S3Remedy::MakeStanza(amendment))
    }

    /// Whether the primary is another unit whose TLS server does not answer, or is not known.
    pub(crate) async fn is_primary_unserved(&self) -> PortResult<bool> {
        match self.ports.cluster.primary().await? {
            Some(primary) if primary == self.own_unit() => Ok(false),
            Some(primary) => Ok(self.ports.repository.ping(primary).await.is_err()),
            None => Ok(true),
        }
    }

    /// What this unit's TLS server missed: to start or to take other units than it knows, although everything that it
    /// needs is there, or to stop, as nobody is there to reach it over TLS. Not knowing is nothing.
    pub(crate) async fn missed_by_tls_server(&self) -> Option<Action> {
        if !self.amendments.has(Amendment::TlsServerCatchesUp) {
            return None;
        }
        let peers = self.tls_peers().await.ok()?;
        let ports = self.ports;
        let state = ports.workload.service(Service::TlsServer).await.ok()?;
        if peers.is_empty() {
            return (state == ServiceState::Running).then_some(Action::StopPgbackrestTlsServer);
        }
        let is_behind = match state {
            ServiceState::Stopped => true,
            ServiceState::Running => {
                let known = ports.unit.data(Databag::Unit, key::TLS_PEERS).await;
                known.is_ok_and(|known| known.as_deref() != Some(&*UnitId::list(&peers)))
            }
            ServiceState::Unknown => false,
        };
        let starts = is_behind
            && matches!(self.s3_settings().await, Ok(Some(_)))
            && matches!(self.is_restoring().await, Ok(false))
            && matches!(self.is_primary_unserved().await, Ok(false));
        starts.then_some(Action::StartPgbackrestTlsServer)
    }

    /// The data of the S3 relation, which Juju keeps as it is for the whole of a hook (Juju 2.9 and 3: `relation-get` answers
    /// from the hook's own copy). So it is asked for once.
    pub(crate) async fn s3_relation(&self) -> PortResult<Option<Arc<S3Relation>>> {
        if let Some(known) = self.notes.s3_relation.get() {
            return Ok(known.clone());
        }
        let relation = self.ports.unit.s3_relation().await?;
        Ok(self.notes.s3_relation.get_or_init(|| relation).clone())
    }

    /// The S3 settings, when the relation gives all that are required.
    pub(crate) async fn s3_settings(&self) -> PortResult<Option<S3Settings>> {
        let relation = self.s3_relation().await?;
        Ok(relation.and_then(|relation| S3Settings::from_relation(&relation).ok()))
    }

    /// Whether the repository holds what another cluster put there: another stanza, which may be one that can't be read, a
    /// stanza of ours made by another system identifier, or metadata of another model.
    pub(crate) async fn is_repository_foreign(&self, s3: &S3Settings) -> PortResult<bool> {
        let ports = self.ports;
        let identity = ports.unit.identity();
        let stanza = identity.stanza();
        for found in Inventory::parse(&ports.repository.info().await?, stanza)?.stanzas {
            if found.is_unreadable {
                return Ok(true);
            }
            let Some(&current) = found.system_ids.last() else { continue };
            if found.name != stanza || current != ports.cluster.system_identifier().await? {
                return Ok(true);
            }
        }
        let latest = ports.object_store.get(s3, &s3.object_key(stanza, "latest")).await?;
        Ok(latest.is_some_and(|content| {
            let text = String::from_utf8_lossy(&content);
            let model = text.lines().find_map(|line| line.strip_prefix(MODEL_UUID_LINE));
            model.is_some_and(|uuid| uuid.trim() != identity.model_uuid())
        }))
    }

    /// Has the cluster manager run on what the databags say now.
    pub(crate) async fn apply_cluster_settings(&self) -> PortResult<()> {
        let unit = &self.ports.unit;
        let stanza = self.archive_stanza().await?;
        let label = unit.data(Databag::Application, key::RESTORING_BACKUP).await?;
        let from = unit.data(Databag::Application, key::RESTORE_STANZA).await?;
        let connectivity = unit.data(Databag::Unit, key::CONNECTIVITY).await?;
        let restore = label.zip(from).map(|(label, stanza)| RestoreSource {
            label: label.as_ref().to_owned(),
            stanza: stanza.as_ref().to_owned(),
        });
        let settings = ClusterSettings {
            archive_stanza: stanza,
            accepts_connections: connectivity.as_deref() != Some("off"),
            restore,
        };
        self.ports.cluster.apply(&settings).await
    }

    /// Puts the log of this firing's backup into the bucket.
    pub(crate) async fn upload_log(&self) -> PortResult<()> {
        let (Some(s3), Some(log)) = (&self.notes.s3, &self.notes.log) else {
            let cause = "there is no log, or nowhere to put it";
            return Err(PortError::new(PortErrorKind::NotFound, "object store", "put", cause));
        };
        let identity = self.ports.unit.identity();
        let key = match &log.of {
            LogOf::Backup(label) => s3.object_key(identity.stanza(), &[label, BACKUP_LOG].concat()),
            LogOf::Failure(began) => {
                s3.failure_key(identity.stanza(), &[&began.fine_label(), BACKUP_LOG].concat())
            }
        };
        let content = ["Stdout:\n", &log.stdout, "\n\nStderr:\n", &log.stderr, "\n"].concat();
        self.ports.object_store.put(s3, &key, content.as_bytes()).await
    }

    /// Whether the restore flags are in the application databag.
    pub(crate) async fn is_restoring(&self) -> PortResult<bool> {
        self.has(Databag::Application, key::RESTORING_BACKUP).await
    }

    /// Whether this unit's member runs. Not knowing is no.
    pub(crate) async fn is_member_up(&self) -> bool {
        matches!(self.ports.cluster.member_state().await, Ok(MemberState::Running))
    }

    /// Whether the data on which this unit runs can be what is being restored: it has a system identifier that the restored
    /// stanza had when the restore began. `None`: the member does not tell. Where nothing is recorded nothing is known against it.
    pub(crate) async fn may_be_restored(&self) -> Option<bool> {
        if !self.amendments.has(Amendment::NewClusterIsTold) {
            return Some(true);
        }
        let recorded = self.ports.unit.data(Databag::Application, key::RESTORE_SYSTEMS).await;
        let Some(systems) = recorded.ok()? else { return Some(true) };
        Some(has_served(&systems, self.ports.cluster.system_identifier().await.ok()?))
    }

    /// Whether a restore of which nothing is recorded has left a database that runs on the data of which the stanza is: it was
    /// not emptied, or it is restored. Not knowing is no.
    pub(crate) async fn is_restore_over(&self) -> bool {
        if !matches!(self.is_restoring().await, Ok(false)) || !self.is_member_up().await {
            return false;
        }
        matches!(self.is_own_stanza_in_repository().await, Ok(true))
    }

    /// Whether the repository holds this cluster's own stanza, made by the system identifier of the data that is served.
    async fn is_own_stanza_in_repository(&self) -> PortResult<bool> {
        let ports = self.ports;
        let identity = ports.unit.identity();
        let stanza = identity.stanza();
        let inventory = Inventory::parse(&ports.repository.info().await?, stanza)?;
        let mut stanzas = inventory.stanzas.iter();
        let own = stanzas.find(|found| found.name == stanza && !found.is_unreadable);
        let made_by = own.and_then(|own| own.system_ids.last().copied());
        Ok(made_by == Some(ports.cluster.system_identifier().await?))
    }

    /// Whether users see that a restore is under way, or may: while Juju shows an error in place of the unit's status, the
    /// restore flags alone tell of it.
    pub(crate) async fn may_show_restore(&self) -> PortResult<bool> {
        let status = self.ports.unit.status().await?;
        match status.name {
            StatusName::Error => self.is_restoring().await,
            StatusName::Maintenance => Ok(status.message == texts::RESTORING_BACKUP),
            StatusName::Active
            | StatusName::Blocked
            | StatusName::Waiting
            | StatusName::Unknown => Ok(false),
        }
    }

    /// Whether users see Maintenance with this text.
    pub(crate) async fn shows_maintenance(&self, text: &str) -> PortResult<bool> {
        let status = self.ports.unit.status().await?;
        Ok(status.name == StatusName::Maintenance && status.message == text)
    }

    /// Whether one of the S3 messages blocks this unit. Not knowing is no.
    pub(crate) async fn is_blocked_by_s3(&self) -> bool {
        self.ports.unit.status().await.is_ok_and(|status| status.is_s3_block())
    }

    /// Whether one of the S3 messages blocks this unit, which has no usable S3 settings, and can't be so: no S3 relation is left,
    /// or no repository is that could be another cluster's. Not knowing is no.
    pub(crate) async fn is_blocked_by_lost_s3(&self) -> bool {
        let Ok(status) = self.ports.unit.status().await else { return false };
        status.message == texts::ANOTHER_CLUSTER
            || status.is_s3_block() && matches!(self.s3_relation().await, Ok(None))
    }
}
