//! Who makes the stanza, and what the databags say of it.
//!
//! The unit that makes the stanza is the primary, whose server archives. Where it does not lead it may not write the
//! application databag, so it records what came of it in its own, and whoever leads takes that over.

use std::sync::Arc;

use crate::{
    amendment::Amendment,
    context::{Context, no_primary},
    hook::Hook,
    ports::{Databag, PortResult, UnitId, key},
    s3::S3Settings,
    status::{Status, StatusName},
    texts,
};

/// What the primary's databag says of the stanza in one repository.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StanzaRecord {
    /// The place of the repository.
    place: Arc<str>,
    /// The stanza into which WAL goes.
    stanza: Option<Arc<str>>,
    /// Why it could not be made or checked there, as users are told it.
    block_message: Option<Arc<str>>,
}

/// What has to be brought in line before a hook goes on.
pub(crate) enum StanzaSettlement {
    /// This unit is neither leader nor primary any more: what it recorded is out of date.
    Forget,
    /// This unit leads: the application databag is to say this, the unit is to show this status, and what the unit recorded
    /// itself is done with.
    TakeOver {
        /// The record, where the databag does not say so yet.
        record: Option<StanzaRecord>,
        /// The status, where the unit shows another one.
        status: Option<Status>,
        /// Whether the record is this unit's own.
        is_own: bool,
    },
}

const AMENDMENT: Amendment = Amendment::PrimaryMakesTheStanza;

impl Context<'_> {
    /// Whether this unit makes the stanza, given whether it leads: the primary does, or the leader while no primary is known.
    pub(crate) async fn makes_the_stanza(&self, leads: bool) -> bool {
        if !self.amendments.has(AMENDMENT) {
            return leads;
        }
        match self.ports.unit.peers().await {
            // Whoever is alone needs not ask a cluster that may be on its way up.
            Ok(peers) if peers.is_empty() => leads,
            Ok(_) | Err(_) => match self.ports.cluster.primary().await {
                Ok(Some(primary)) => primary == self.own_unit(),
                Ok(None) | Err(_) => leads,
            },
        }
    }

    /// Records the stanza and whose repository holds it, or that there is none.
    pub(crate) async fn record_stanza(&self, stanza: Option<&str>) -> PortResult<()> {
        let place = self.place_in_use();
        if self.notes.records_apart {
            return self.record_apart(stanza, place.as_deref(), None).await;
        }
        self.record_for_all(stanza, place.as_deref()).await
    }

    /// Records in this unit's databag, for the leader, why there is no stanza. Where WAL goes is another matter: a repository
    /// that can't be reached for a while must cost none of it.
    pub(crate) async fn record_block(&self, reason: &str) -> PortResult<()> {
        let (stanza, _) = self.recorded_stanza().await?;
        self.record_apart(stanza.as_deref(), self.place_in_use().as_deref(), Some(reason)).await
    }

    fn place_in_use(&self) -> Option<String> {
        self.notes.s3.as_ref().map(|s3| s3.place())
    }

    /// Has the application databag name this stanza and its place, or neither.
    async fn record_for_all(&self, stanza: Option<&str>, place: Option<&str>) -> PortResult<()> {
        let place = place.filter(|_| stanza.is_some());
        self.ports.unit.set_data(Databag::Application, key::STANZA, stanza).await?;
        self.record(Databag::Application, key::STANZA_REPOSITORY, place).await
    }

    async fn record_apart(
        &self,
        stanza: Option<&str>,
        place: Option<&str>,
        block_message: Option<&str>,
    ) -> PortResult<()> {
        self.record(Databag::Unit, key::STANZA, stanza).await?;
        self.record(Databag::Unit, key::STANZA_REPOSITORY, place).await?;
        self.record(Databag::Unit, key::BLOCK_MESSAGE, block_message).await
    }

    /// Forgets what this unit recorded for the leader.
    pub(crate) async fn forget_own_stanza_record(&self) -> PortResult<()> {
        if !self.has_own_record().await? {
            return Ok(());
        }
        self.record_apart(None, None, None).await
    }

    /// The stanza into which WAL is to go: what is recorded, else what the primary recorded and nobody has taken over yet. Not
    /// knowing is an error, as no stanza means that WAL goes nowhere.
    pub(crate) async fn archive_stanza(&self) -> PortResult<Option<Arc<str>>> {
        let unit = &self.ports.unit;
        let (recorded, is_own) = self.recorded_stanza().await?;
        if is_own
            || recorded.is_some()
            // It is done on a unit that is alone, and a unit that joins meanwhile is no primary.
            || self.hook == Hook::Restore
            || !self.amendments.has(AMENDMENT)
            || unit.peers().await?.is_empty()
        {
            return Ok(recorded);
        }
        // Where nobody can say any more which unit it is, it is the one that this firing has found.
        let primary = match self.ports.cluster.primary().await {
            Ok(Some(primary)) => primary,
            Ok(None) => self.notes.primary.ok_or_else(no_primary)?,
            Err(error) => self.notes.primary.ok_or(error)?,
        };
        unit.peer_data(primary, key::STANZA).await
    }

    /// The stanza that this unit recorded as the one that made it, else what the application databag says; and whether it is
    /// this unit's record.
    async fn recorded_stanza(&self) -> PortResult<(Option<Arc<str>>, bool)> {
        let is_own = self.amendments.has(AMENDMENT) && self.has_own_record().await?;
        let bag = if is_own { Databag::Unit } else { Databag::Application };
        Ok((self.ports.unit.data(bag, key::STANZA).await?, is_own))
    }

    /// Whether this unit has recorded something of the stanza.
    async fn has_own_record(&self) -> PortResult<bool> {
        self.has(Databag::Unit, key::STANZA_REPOSITORY).await
    }

    /// Whether the primary, as this firing has found it, has recorded the stanza of the repository of these settings.
    pub(crate) async fn has_primary_made_stanza(&self, s3: &S3Settings) -> PortResult<bool> {
        if !self.amendments.has(AMENDMENT) {
            return Ok(false);
        }
        let Some(primary) = self.notes.primary else { return Ok(false) };
        let record = self.stanza_record_of(primary).await?;
        Ok(record.is_some_and(|it| it.is_at(s3) && it.is_made()))
    }

    /// Whether neither databag of an initialised cluster says that the stanza is in the repository of these settings, for
    /// which this unit has configured its backup tool.
    pub(crate) async fn lacks_stanza(&self, s3: &S3Settings) -> PortResult<bool> {
        let unit = &self.ports.unit;
        let place = s3.place();
        if unit.data(Databag::Unit, key::REPOSITORY).await?.as_deref() != Some(&*place)
            || !self.has(Databag::Application, key::CLUSTER_INITIALISED).await?
        {
            return Ok(false);
        }
        if let Some(own) = self.stanza_record_of(self.own_unit()).await?
            && own.is_at(s3)
        {
            return Ok(!own.is_made());
        }
        // A stanza that is recorded without its place may be anywhere.
        let recorded = unit.data(Databag::Application, key::STANZA_REPOSITORY).await?;
        let is_recorded = self.has(Databag::Application, key::STANZA).await?;
        Ok(!is_recorded || recorded.as_deref() != Some(&*place))
    }

    /// Whether this unit, which does not make the stanza, shows what the primary has told of the settings in force. Not
    /// knowing is no.
    pub(crate) async fn is_told_block_by_primary(&self) -> bool {
        let ports = self.ports;
        if !self.amendments.has(AMENDMENT) || !matches!(ports.unit.is_leader().await, Ok(true)) {
            return false;
        }
        let Ok(Some(primary)) = ports.cluster.primary().await else { return false };
        let (Ok(Some(record)), Ok(Some(s3))) =
            (self.stanza_record_of(primary).await, self.s3_settings().await)
        else {
            return false;
        };
        record.is_at(&s3) && record.block_message.is_some()
    }

    async fn stanza_record_of(&self, unit: UnitId) -> PortResult<Option<StanzaRecord>> {
        let port = &self.ports.unit;
        let Some(place) = port.peer_data(unit, key::STANZA_REPOSITORY).await? else {
            return Ok(None);
        };
        Ok(Some(StanzaRecord {
            place,
            stanza: port.peer_data(unit, key::STANZA).await?,
            block_message: port.peer_data(unit, key::BLOCK_MESSAGE).await?,
        }))
    }

    /// Whether this unit has to bring in line what is recorded of the stanza; what it has to do is noted then. Not knowing is
    /// no.
    pub(crate) async fn is_stanza_unsettled(&mut self) -> bool {
        self.notes.settlement = self.unsettled_stanza().await;
        self.notes.settlement.is_some()
    }

    async fn unsettled_stanza(&self) -> Option<StanzaSettlement> {
        if !self.amendments.has(AMENDMENT) {
            return None;
        }
        let unit = &self.ports.unit;
        let leads = unit.is_leader().await.ok()?;
        let own_place = unit.data(Databag::Unit, key::STANZA_REPOSITORY).await.ok()?;
        if !leads && own_place.is_none() {
            return None;
        }
        let primary = if unit.peers().await.ok()?.is_empty() {
            self.own_unit()
        } else {
            self.ports.cluster.primary().await.ok()??
        };
        let is_own = primary == self.own_unit();
        match (is_own, own_place) {
            (false, Some(_)) => Some(StanzaSettlement::Forget),
            // Only a leader comes here that the primary has yet to tell, or that has to tell itself.
            (false, None) | (true, Some(_)) if leads => self.untaken_stanza(primary, is_own).await,
            (false | true, _) => None,
        }
    }

    /// What the leader has to take over from the primary.
    async fn untaken_stanza(&self, primary: UnitId, is_own: bool) -> Option<StanzaSettlement> {
        let unit = &self.ports.unit;
        let record = self.stanza_record_of(primary).await.ok()?;
        let told = unit.data(Databag::Application, key::STANZA).await.ok()?;
        let told_place = unit.data(Databag::Application, key::STANZA_REPOSITORY).await.ok()?;
        let (record, is_recorded) = match record {
            Some(record) => {
                let is_recorded = match &record.stanza {
                    None => told.is_none(),
                    Some(_) if record.block_message.is_some() => true,
                    stanza => told == *stanza && told_place.as_ref() == Some(&record.place),
                };
                (record, is_recorded)
            }
            // The leader itself may have been blocked while no primary was known.
            None if is_own => return None,
            // That it was made once says nothing of whose the repository is now.
            None if unit.status().await.ok()?.message == texts::ANOTHER_CLUSTER => return None,
            None => {
                let told =
                    StanzaRecord { place: told_place?, stanza: Some(told?), block_message: None };
                (told, true)
            }
        };
        let status = self.status_of(&record).await;
        if is_recorded && status.is_none() && !is_own {
            return None;
        }
        let s3 = self.s3_settings().await.ok()??;
        let is_restoring = self.is_restoring().await.ok()?;
        if !record.is_at(&s3) || is_restoring {
            return None;
        }
        let record = (!is_recorded).then_some(record);
        Some(StanzaSettlement::TakeOver { record, status, is_own })
    }

    /// The status in which the leader tells a record, where it shows another one that it may replace.
    async fn status_of(&self, record: &StanzaRecord) -> Option<Status> {
        let shown = self.ports.unit.status().await.ok()?;
        let is_s3_block = shown.is_s3_block();
        match &record.block_message {
            None => (is_s3_block && record.is_made()).then(Status::active),
            Some(message) => {
                let may_be_replaced = is_s3_block || shown.name == StatusName::Active;
                let status = Status::new(StatusName::Blocked, message.to_string());
                (may_be_replaced && status != shown).then_some(status)
            }
        }
    }

    /// Brings in line what was found out of line.
    pub(crate) async fn settle_stanza(&mut self) -> PortResult<()> {
        let Some(settlement) = self.notes.settlement.take() else { return Ok(()) };
        let unit = &self.ports.unit;
        let (record, status, is_own) = match settlement {
            StanzaSettlement::Forget => return self.forget_own_stanza_record().await,
            StanzaSettlement::TakeOver { record, status, is_own } => (record, status, is_own),
        };
        if let Some(StanzaRecord { place, stanza, .. }) = record {
            self.record_for_all(stanza.as_deref(), Some(&*place)).await?;
        }
        if is_own {
            self.forget_own_stanza_record().await?;
        }
        match status {
            Some(status) => unit.set_status(status).await,
            None => Ok(()),
        }
    }
}

impl StanzaRecord {
    fn is_at(&self, s3: &S3Settings) -> bool {
        *self.place == *s3.place()
    }

    fn is_made(&self) -> bool {
        self.stanza.is_some() && self.block_message.is_none()
    }
}
