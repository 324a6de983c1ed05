//! The port.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use pgdrill_core::{
    Hook, PortError, PortErrorKind, S3Relation, Secret, Status,
    ports::{Databag, Identity, PortResult, TlsMaterial, Unit, UnitId},
    shown_lines,
};
use serde_json::Value;

use super::{
    CharmNames, FiringOf, JujuEvent,
    answers::{GoalState, StatusAnswer, TextMap, kept_text, s3_relation, text, unit_of},
    deferred,
    tools::{HookTools, PORT},
};
use crate::command::CommandRunner;

const JSON: &str = "--format=json";

/// The field of the S3 relation that names the secret with the credentials.
const SECRET_FIELD: &str = "secret-extra";
/// The parts of the TLS material: their names in the databag, and in the secret, where short ones are
/// written out.
const TLS_PARTS: [[&str; 2]; 3] = [["key", "key"], ["ca", "cauth"], ["cert", "cert"]];

/// This unit as Juju sees it in one firing.
pub struct JujuUnit<R> {
    tools: Arc<HookTools<R>>,
    names: Arc<CharmNames>,
    identity: Arc<Identity>,
    broken_relation: Option<String>,
    firing: FiringOf,
    is_action: bool,
    /// The peer relation's id: it is the same as long as the unit lives.
    peers_id: Arc<OnceLock<String>>,
}

impl<R> Clone for JujuUnit<R> {
    fn clone(&self) -> Self {
        Self {
            tools: Arc::clone(&self.tools),
            names: Arc::clone(&self.names),
            identity: Arc::clone(&self.identity),
            broken_relation: self.broken_relation.clone(),
            firing: self.firing,
            is_action: self.is_action,
            peers_id: Arc::clone(&self.peers_id),
        }
    }
}

impl<R: CommandRunner> JujuUnit<R> {
    /// The unit to which Juju delivered this event.
    #[must_use]
    pub fn new(
        tools: HookTools<R>,
        names: CharmNames,
        juju_event: JujuEvent,
        firing: FiringOf,
    ) -> Self {
        Self {
            tools: Arc::new(tools),
            names: Arc::new(names),
            identity: Arc::new(juju_event.identity),
            broken_relation: juju_event.broken_relation,
            firing,
            is_action: juju_event.is_action,
            peers_id: Arc::default(),
        }
    }

    /// This unit in another firing of the same dispatch.
    #[must_use]
    pub fn firing(&self, firing: FiringOf) -> Self {
        Self { firing, ..self.clone() }
    }

    /// The events that earlier hooks deferred, in order.
    ///
    /// # Errors
    ///
    /// When the tool fails, or what is stored names no hook.
    pub async fn deferred(&self) -> PortResult<Vec<Hook>> {
        deferred::get(&self.tools).await
    }

    /// Forgets the deferred events, once the hook succeeds.
    ///
    /// # Errors
    ///
    /// When the tool fails.
    pub async fn forget_deferred(&self) -> PortResult<()> {
        deferred::set(&self.tools, &[]).await
    }

    /// Writes a line to Juju's log, with what a terminal would obey escaped.
    ///
    /// # Errors
    ///
    /// When the tool fails.
    pub async fn log(&self, level: &str, line: &str) -> PortResult<()> {
        let line = shown_lines(line, "");
        self.tools.run("log", &["juju-log", "-l", level, "--", &line], None).await.map(drop)
    }

    /// Passwords of the application, from its secret, or from the databag where older charms keep them.
    ///
    /// # Errors
    ///
    /// `NotFound` when one is in neither.
    pub async fn passwords<const N: usize>(&self, names: [&str; N]) -> PortResult<[Secret; N]>
    where
        [Secret; N]: Default,
    {
        const OPERATION: &str = "passwords";
        let secret = self.secret(OPERATION, &self.names.application_secret).await?;
        let mut passwords: [Secret; N] = Default::default();
        for (password, name) in passwords.iter_mut().zip(names) {
            let found = match kept_text(secret.get(name)) {
                Some(found) => Some(found),
                None => self.data(Databag::Application, name).await?.map(|it| it.to_string()),
            };
            *password = found.map(Secret::new).ok_or_else(|| {
                let cause = format!("there is no {name}");
                PortError::new(PortErrorKind::NotFound, PORT, OPERATION, cause)
            })?;
        }
        Ok(passwords)
    }

    /// The ids of a relation's instances.
    async fn relation_ids(&self, operation: &'static str, name: &str) -> PortResult<Vec<String>> {
        self.tools.read(operation, &["relation-ids", name, JSON]).await
    }

    async fn peers_id(&self, operation: &'static str) -> PortResult<Option<String>> {
        if let Some(id) = self.peers_id.get() {
            return Ok(Some(id.clone()));
        }
        let ids = self.relation_ids(operation, &self.names.peers).await?;
        Ok(ids.into_iter().next().map(|id| self.peers_id.get_or_init(|| id).clone()))
    }

    /// All of this unit's databag.
    async fn own_bag(&self, operation: &'static str) -> PortResult<TextMap> {
        let Some(id) = self.peers_id(operation).await? else { return Ok(TextMap::new()) };
        let unit = format!("{}/{}", self.identity.application(), self.identity.unit());
        let argv = ["relation-get", "-r", &id, JSON, "-", &unit];
        let bag: Option<TextMap> = self.tools.read(operation, &argv).await?;
        Ok(bag.unwrap_or_default())
    }

    /// A secret's content by its label; nothing when there is no such secret, as where Juju is 2.9, which has none and
    /// no tool for them.
    async fn secret(&self, operation: &'static str, label: &str) -> PortResult<TextMap> {
        let got = self.tools.read(operation, &["secret-get", "--label", label, JSON]).await;
        match got {
            Err(error) if error.kind() == PortErrorKind::NotFound => Ok(TextMap::new()),
            got => got,
        }
    }
}

/// Whether a text of a databag is a secret's id, as `secret:9m4e2mr0ui3e8a215n4g`, with the model's or without, or the
/// bare id: what is none must not become an argument, as it could be an option.
fn is_secret_id(text: &str) -> bool {
    let rest = text.strip_prefix("secret:").unwrap_or(text);
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let is_part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    rest.split('/').count() <= 2 && rest.split('/').all(is_part)
}

#[async_trait]
impl<R: CommandRunner> Unit for JujuUnit<R> {
    fn identity(&self) -> Arc<Identity> {
        Arc::clone(&self.identity)
    }

    async fn is_leader(&self) -> PortResult<bool> {
        self.tools.read("is_leader", &["is-leader", JSON]).await
    }

    async fn status(&self) -> PortResult<Status> {
        let argv = ["status-get", "--include-data", JSON];
        let answer: StatusAnswer = self.tools.read("status", &argv).await?;
        let malformed = |cause| PortError::new(PortErrorKind::Malformed, PORT, "status", cause);
        answer.into_status().map_err(malformed)
    }

    async fn set_status(&self, status: Status) -> PortResult<()> {
        let argv = ["status-set", "--", status.name.name(), &status.message];
        self.tools.run("set_status", &argv, None).await.map(drop)
    }

    async fn planned_units(&self) -> PortResult<u32> {
        let state: GoalState = self.tools.read("planned_units", &["goal-state", JSON]).await?;
        Ok(state.planned())
    }

    async fn peers(&self) -> PortResult<Vec<UnitId>> {
        const OPERATION: &str = "peers";
        let Some(id) = self.peers_id(OPERATION).await? else { return Ok(Vec::new()) };
        let argv = ["relation-list", "-r", &id, JSON];
        let names: Vec<String> = self.tools.read(OPERATION, &argv).await?;
        let application = self.identity.application();
        let found = names.iter().filter_map(|name| unit_of(name, application));
        let mut units: Vec<UnitId> = found.filter(|unit| *unit != self.identity.unit()).collect();
        units.sort_unstable();
        Ok(units)
    }

    async fn data(&self, bag: Databag, key: &str) -> PortResult<Option<Arc<str>>> {
        const OPERATION: &str = "data";
        let Some(id) = self.peers_id(OPERATION).await? else { return Ok(None) };
        let application = self.identity.application();
        let unit = format!("{application}/{}", self.identity.unit());
        let value: Value = match bag {
            Databag::Application => {
                let argv = ["relation-get", "-r", &id, "--app", JSON, key, application];
                self.tools.read(OPERATION, &argv).await?
            }
            Databag::Unit => {
                let argv = ["relation-get", "-r", &id, JSON, key, &unit];
                self.tools.read(OPERATION, &argv).await?
            }
        };
        Ok(text(Some(&value)).map(Arc::from))
    }

    async fn peer_data(&self, unit: UnitId, key: &str) -> PortResult<Option<Arc<str>>> {
        const OPERATION: &str = "peer_data";
        let Some(id) = self.peers_id(OPERATION).await? else { return Ok(None) };
        let unit = format!("{}/{unit}", self.identity.application());
        let argv = ["relation-get", "-r", &id, JSON, key, &unit];
        let value: Value = self.tools.read(OPERATION, &argv).await?;
        Ok(text(Some(&value)).map(Arc::from))
    }

    async fn set_data(
        &self,
        bag: Databag,
        key: &'static str,
        value: Option<&str>,
    ) -> PortResult<()> {
        const OPERATION: &str = "set_data";
        let Some(id) = self.peers_id(OPERATION).await? else {
            let cause = format!("there is no relation {} yet", self.names.peers);
            return Err(PortError::new(PortErrorKind::NotFound, PORT, OPERATION, cause));
        };
        // An empty value removes the key. Standard input keeps the value off the command line.
        let pair = BTreeMap::from([(key, value.unwrap_or_default())]);
        let pair = serde_json::to_string(&pair).map_err(|error| {
            PortError::new(PortErrorKind::Malformed, PORT, OPERATION, error.to_string())
        })?;
        let argv: &[&str] = match bag {
            Databag::Application => &["relation-set", "-r", &id, "--app", "--file", "-"],
            Databag::Unit => &["relation-set", "-r", &id, "--file", "-"],
        };
        self.tools.run(OPERATION, argv, Some(pair)).await.map(drop)
    }

    async fn s3_relation(&self) -> PortResult<Option<Arc<S3Relation>>> {
        const OPERATION: &str = "s3_relation";
        let ids = self.relation_ids(OPERATION, &self.names.s3).await?;
        let Some(id) = ids.into_iter().find(|id| Some(id) != self.broken_relation.as_ref()) else {
            return Ok(None);
        };
        let argv = ["relation-list", "-r", &id, "--app", JSON];
        let remote: String = self.tools.read(OPERATION, &argv).await?;
        let argv = ["relation-get", "-r", &id, "--app", JSON, "-", &remote];
        let bag: Option<TextMap> = self.tools.read(OPERATION, &argv).await?;
        let bag = bag.unwrap_or_default();
        let named = text(bag.get(SECRET_FIELD));
        let names_no_secret = named.as_deref().is_some_and(|named| !is_secret_id(named));
        let secret = match named.filter(|_| !names_no_secret) {
            None => TextMap::new(),
            Some(secret) => {
                self.tools.read(OPERATION, &["secret-get", &secret, "--refresh", JSON]).await?
            }
        };
        Ok(Some(Arc::new(S3Relation { names_no_secret, ..s3_relation(&bag, &secret) })))
    }

    async fn tls_material(&self) -> PortResult<TlsMaterial> {
        const OPERATION: &str = "tls_material";
        let secret = self.secret(OPERATION, &self.names.unit_secret).await?;
        let bag = if secret.is_empty() { self.own_bag(OPERATION).await? } else { TextMap::new() };
        let has = TLS_PARTS.map(|[in_bag, in_secret]| {
            kept_text(secret.get(in_secret)).is_some() || kept_text(bag.get(in_bag)).is_some()
        });
        let [key, ca, certificate] = has;
        Ok(TlsMaterial { key, ca, certificate })
    }

    async fn parameter(&self, name: &str) -> PortResult<Option<Arc<str>>> {
        if !self.is_action || self.firing.is_refired {
            return Ok(None);
        }
        let value: Value = self.tools.read("parameter", &["action-get", JSON, name]).await?;
        Ok(text(Some(&value)).map(Arc::from))
    }

    async fn parameters(&self) -> PortResult<Vec<String>> {
        if !self.is_action || self.firing.is_refired {
            return Ok(Vec::new());
        }
        let given: Option<TextMap> = self.tools.read("parameters", &["action-get", JSON]).await?;
        let given = given.unwrap_or_default().into_iter();
        Ok(given.filter(|(_, value)| !value.is_null()).map(|(name, _)| name).collect())
    }

    async fn set_result(&self, key: &'static str, value: &str) -> PortResult<()> {
        let pair = format!("{key}={value}");
        self.tools.run("set_result", &["action-set", &pair], None).await.map(drop)
    }

    async fn fail_action(&self, message: &str) -> PortResult<()> {
        self.tools.run("fail_action", &["action-fail", "--", message], None).await.map(drop)
    }

    async fn defer(&self) -> PortResult<()> {
        let mut hooks = self.deferred().await?;
        if hooks.contains(&self.firing.hook) {
            return Ok(());
        }
        hooks.push(self.firing.hook);
        deferred::set(&self.tools, &hooks).await
    }
}
