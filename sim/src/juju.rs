//! Juju, simulated: leadership, statuses, databags that land only on success, deferral.
//!
//! The containers backend uses this very code: outside the charm, Juju is always simulated.

use std::{collections::BTreeMap, sync::Arc};

use pgdrill_core::{
    Hook, S3Relation, Status, StatusName,
    ports::{Databag, TlsMaterial},
};

use crate::shelf::Shelf;

/// A databag: few keys, so a list serves best.
pub(crate) type Bag = Vec<(&'static str, Arc<str>)>;

/// Everything that Juju knows of the application.
#[derive(Debug, Clone)]
pub struct Juju {
    pub(crate) planned_units: u32,
    pub(crate) leader: u32,
    pub(crate) s3: Option<Arc<S3Relation>>,
    pub(crate) tls: TlsMaterial,
    pub(crate) application: Bag,
    pub(crate) units: Vec<UnitInJuju>,
    /// How often what an event is about has changed.
    pub(crate) revisions: Revisions,
}

/// How often what an event is about has changed, or how much of that was delivered to a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Revisions {
    /// The data of the S3 relation, and whether it is there.
    pub(crate) s3: u64,
    /// The TLS material.
    pub(crate) tls: u64,
}

/// What Juju knows of one unit.
#[derive(Debug, Clone)]
pub(crate) struct UnitInJuju {
    pub(crate) history: Shelf<Status>,
    pub(crate) bag: Bag,
    pub(crate) deferred: Vec<Hook>,
    pub(crate) dispatch: OpenDispatch,
    /// What was delivered to the unit so far.
    pub(crate) delivered: Revisions,
    /// The hook that failed and that Juju fires again.
    pub(crate) retry: Option<Hook>,
}

/// What one dispatch has written so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct OpenDispatch {
    /// The event that Juju delivers.
    event: Option<Hook>,
    pub(crate) hook: Option<Hook>,
    pub(crate) parameters: BTreeMap<String, Arc<str>>,
    pub(crate) results: Vec<(&'static str, String)>,
    pub(crate) failure: Option<String>,
    writes: Vec<(Databag, &'static str, Option<Arc<str>>)>,
    deferred: Vec<Hook>,
}

impl UnitInJuju {
    pub(crate) fn new(status: Status) -> Self {
        Self {
            history: Shelf::from(vec![status]),
            bag: Bag::new(),
            deferred: Vec::new(),
            dispatch: OpenDispatch::default(),
            delivered: Revisions::default(),
            retry: None,
        }
    }

    pub(crate) fn status(&self) -> Status {
        self.history.last().cloned().unwrap_or_else(Status::active)
    }

    /// The status as Juju answers it to the running dispatch: while it retries an update-status that failed, `error`. Of
    /// any other hook Juju notes that it runs, and then the failure is no longer the unit's state.
    pub(crate) fn status_answered(&self) -> Status {
        let hook = Hook::UpdateStatus;
        if self.retry == Some(hook) && self.dispatch.event == Some(hook) {
            Status::new(StatusName::Error, format!("hook failed: \"{hook}\""))
        } else {
            self.status()
        }
    }
}

impl Juju {
    /// A value as the running hook sees it: its own writes first.
    pub(crate) fn read(&self, unit: usize, bag: Databag, key: &str) -> Option<Arc<str>> {
        let unit = self.units.get(unit)?;
        let mut written = unit.dispatch.writes.iter().rev();
        if let Some((_, _, value)) = written.find(|write| write.0 == bag && write.1 == key) {
            return value.clone();
        }
        match bag {
            Databag::Application => self.application(key),
            Databag::Unit => get(&unit.bag, key),
        }
    }

    /// A value of a unit's databag as it has landed, or `None` where there is no such unit.
    pub(crate) fn landed_of(&self, unit: usize, key: &str) -> Option<Option<Arc<str>>> {
        self.units.get(unit).map(|unit| get(&unit.bag, key))
    }

    /// A value of the application databag as it has landed.
    pub(crate) fn application(&self, key: &str) -> Option<Arc<str>> {
        get(&self.application, key)
    }

    /// Buffers a write; an empty value removes the key, as Juju has it.
    pub(crate) fn write(
        &mut self,
        unit: usize,
        bag: Databag,
        key: &'static str,
        value: Option<&str>,
    ) {
        if let Some(unit) = self.units.get_mut(unit) {
            let value = value.filter(|value| !value.is_empty()).map(Arc::from);
            unit.dispatch.writes.push((bag, key, value));
        }
    }

    /// Keeps the running event for later; identical ones once.
    pub(crate) fn defer(&mut self, unit: usize) {
        let Some(unit) = self.units.get_mut(unit) else { return };
        if let Some(hook) = unit.dispatch.hook
            && !unit.dispatch.deferred.contains(&hook)
        {
            unit.dispatch.deferred.push(hook);
        }
    }

    /// Replaces what the dispatch on a unit has deferred so far.
    pub(crate) fn keep_deferred(&mut self, unit: usize, hooks: Vec<Hook>) {
        if let Some(unit) = self.units.get_mut(unit) {
            unit.dispatch.deferred = hooks;
        }
    }

    /// Begins a dispatch on a unit, which delivers what its event is about: the events to fire again before that one.
    pub(crate) fn begin(&mut self, unit: usize, event: Hook) -> Vec<Hook> {
        let revisions = self.revisions;
        let Some(unit) = self.units.get_mut(unit) else { return Vec::new() };
        unit.dispatch = OpenDispatch { event: Some(event), ..OpenDispatch::default() };
        match event {
            Hook::S3CredentialsChanged => unit.delivered.s3 = revisions.s3,
            Hook::CertificatesChanged => unit.delivered.tls = revisions.tls,
            Hook::CreateBackup | Hook::ListBackups | Hook::Restore | Hook::UpdateStatus => {}
        }
        unit.deferred.clone()
    }

    /// The events that Juju owes a unit beside its periodic one: the retry of a hook that failed, then what is about
    /// something that has changed since it was delivered to the unit. Deferred events are the unit's own to fire again.
    pub(crate) fn owed(&self, unit: usize) -> Vec<Hook> {
        let Some(unit) = self.units.get(unit) else { return Vec::new() };
        let mut owed: Vec<Hook> = unit.retry.into_iter().collect();
        for (hook, is_delivered) in [
            (Hook::S3CredentialsChanged, unit.delivered.s3 == self.revisions.s3),
            (Hook::CertificatesChanged, unit.delivered.tls == self.revisions.tls),
        ] {
            if !is_delivered && !owed.contains(&hook) {
                owed.push(hook);
            }
        }
        owed
    }

    /// Elects a unit: it learns of that by the event that delivers the S3 settings.
    pub(crate) fn elect(&mut self, leader: u32) {
        if self.leader != leader
            && let Some(unit) = self.units.get_mut(leader as usize)
        {
            unit.delivered.s3 = 0;
        }
        self.leader = leader;
    }

    /// Begins one firing within the dispatch.
    pub(crate) fn begin_firing(
        &mut self,
        unit: usize,
        hook: Hook,
        parameters: BTreeMap<String, Arc<str>>,
    ) {
        let Some(unit) = self.units.get_mut(unit) else { return };
        unit.dispatch.hook = Some(hook);
        unit.dispatch.parameters = parameters;
        unit.dispatch.results.clear();
        unit.dispatch.failure = None;
    }

    /// Ends a dispatch: what it wrote lands if it succeeded, and is dropped if not.
    pub(crate) fn end(&mut self, unit: usize, succeeded: bool) {
        let Some(state) = self.units.get_mut(unit) else { return };
        let dispatch = std::mem::take(&mut state.dispatch);
        if !succeeded {
            // What a hook that failed was about is still to be taken up, also where a later one fails, too.
            match dispatch.event {
                Some(Hook::S3CredentialsChanged) => state.delivered.s3 = 0,
                Some(Hook::CertificatesChanged) => state.delivered.tls = 0,
                Some(
                    Hook::CreateBackup | Hook::ListBackups | Hook::Restore | Hook::UpdateStatus,
                )
                | None => {}
            }
            // A person fires an action again, Juju does not.
            state.retry = dispatch.event.filter(|event| !event.is_action()).or(state.retry);
            return;
        }
        if state.retry == dispatch.event {
            state.retry = None;
        }
        state.deferred = dispatch.deferred;
        for (bag, key, value) in dispatch.writes {
            let bag = match bag {
                Databag::Application => &mut self.application,
                Databag::Unit => &mut state.bag,
            };
            set(bag, key, value);
        }
    }
}

fn get(bag: &Bag, key: &str) -> Option<Arc<str>> {
    bag.iter().find(|(name, _)| *name == key).map(|(_, value)| Arc::clone(value))
}

/// Sets or removes a key of a databag.
pub(crate) fn set(bag: &mut Bag, key: &'static str, value: Option<Arc<str>>) {
    let at = bag.iter().position(|(name, _)| *name == key);
    match (at, value) {
        (Some(at), Some(value)) => {
            if let Some(entry) = bag.get_mut(at) {
                entry.1 = value;
            }
        }
        (Some(at), None) => {
            bag.remove(at);
        }
        (None, Some(value)) => bag.push((key, value)),
        (None, None) => {}
    }
}

#[cfg(test)]
mod tests {
    use pgdrill_core::ports::key;

    use super::*;

    fn juju() -> Juju {
        Juju {
            planned_units: 1,
            leader: 0,
            s3: None,
            tls: TlsMaterial::default(),
            application: Bag::new(),
            units: vec![UnitInJuju::new(Status::active())],
            revisions: Revisions::default(),
        }
    }

    #[test]
    fn a_write_is_seen_by_its_own_hook_and_lands_only_on_success() {
        for succeeded in [false, true] {
            let mut juju = juju();
            juju.begin(0, Hook::S3CredentialsChanged);
            juju.write(0, Databag::Application, key::STANZA, Some("s"));
            assert_eq!(juju.read(0, Databag::Application, key::STANZA).as_deref(), Some("s"));
            juju.end(0, succeeded);
            let has_landed = juju.read(0, Databag::Application, key::STANZA).is_some();
            assert_eq!(has_landed, succeeded);
        }
    }

    #[test]
    fn an_empty_value_removes_the_key() {
        let mut juju = juju();
        for value in [Some("on"), Some("")] {
            juju.begin(0, Hook::S3CredentialsChanged);
            juju.write(0, Databag::Unit, key::CONNECTIVITY, value);
            juju.end(0, true);
        }
        assert_eq!(juju.read(0, Databag::Unit, key::CONNECTIVITY), None);
    }

    #[test]
    fn an_event_is_stored_once_and_only_on_success() {
        let mut juju = juju();
        juju.begin(0, Hook::S3CredentialsChanged);
        for _ in 0..2 {
            juju.begin_firing(0, Hook::S3CredentialsChanged, BTreeMap::new());
            juju.defer(0);
        }
        juju.end(0, true);
        assert_eq!(juju.begin(0, Hook::S3CredentialsChanged), [Hook::S3CredentialsChanged]);
        juju.end(0, false);
        assert_eq!(
            juju.begin(0, Hook::S3CredentialsChanged),
            [Hook::S3CredentialsChanged],
            "a failed hook keeps its events"
        );
    }

    #[test]
    fn what_has_changed_is_owed_until_the_unit_is_delivered() {
        use Hook::{CertificatesChanged, CreateBackup, S3CredentialsChanged, UpdateStatus};
        let mut juju = juju();
        assert_eq!(juju.owed(0), []);
        juju.revisions = Revisions { s3: 1, tls: 1 };
        for event in [UpdateStatus, CreateBackup] {
            juju.begin(0, event);
            juju.end(0, true);
            assert_eq!(juju.owed(0), [S3CredentialsChanged, CertificatesChanged], "{event}");
        }
        juju.begin(0, S3CredentialsChanged);
        juju.revisions.s3 = 2;
        juju.end(0, true);
        assert_eq!(juju.owed(0), [S3CredentialsChanged, CertificatesChanged], "it changed again");
        juju.begin(0, CertificatesChanged);
        juju.end(0, true);
        assert_eq!(juju.owed(0), [S3CredentialsChanged]);
    }

    #[test]
    fn a_hook_that_failed_is_owed_until_it_succeeds_and_an_action_never() {
        let mut juju = juju();
        for event in [Hook::CreateBackup, Hook::UpdateStatus, Hook::Restore] {
            juju.begin(0, event);
            juju.end(0, false);
        }
        assert_eq!(juju.owed(0), [Hook::UpdateStatus]);
        juju.begin(0, Hook::ListBackups);
        juju.end(0, true);
        assert_eq!(juju.owed(0), [Hook::UpdateStatus]);
        juju.begin(0, Hook::UpdateStatus);
        juju.end(0, true);
        assert_eq!(juju.owed(0), []);
    }

    #[test]
    fn what_a_failed_hook_was_about_is_owed_although_another_fails_after_it() {
        let mut juju = juju();
        juju.revisions.s3 = 1;
        for event in [Hook::S3CredentialsChanged, Hook::UpdateStatus] {
            juju.begin(0, event);
            juju.end(0, false);
        }
        assert_eq!(juju.owed(0), [Hook::UpdateStatus, Hook::S3CredentialsChanged]);
    }

    #[test]
    fn a_unit_that_is_elected_is_delivered_of_the_settings_once_more() {
        let mut juju = juju();
        juju.revisions.s3 = 1;
        juju.begin(0, Hook::S3CredentialsChanged);
        juju.end(0, true);
        juju.elect(0);
        assert_eq!(juju.owed(0), [], "it leads already");
        juju.leader = 1;
        juju.elect(0);
        assert_eq!(juju.owed(0), [Hook::S3CredentialsChanged]);
    }
}
