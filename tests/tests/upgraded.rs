//! What the fakes do not have: a stanza that has served two system identifiers, as that of a database that was upgraded.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use pgdrill_core::{
    Amendments, Hook, StatusName,
    ports::{BackupRequest, PortResult, Repository, RepositorySettings, UnitId},
    texts,
};
use pgdrill_sim::{Event, Given, S3Given, StanzaGiven, View, World, dispatch, lock};
use rstest::rstest;
use serde_json::{Value, json};

/// A repository whose stanza has served another identifier, too.
struct Upgraded {
    of: View,
    /// Where in the order of identifiers the other one stands, this cluster's being at 0 without it.
    at: usize,
}

#[async_trait]
impl Repository for Upgraded {
    async fn configure(&self, settings: &RepositorySettings) -> PortResult<()> {
        self.of.configure(settings).await
    }

    async fn create_stanza(&self, stanza: &str) -> PortResult<()> {
        self.of.create_stanza(stanza).await
    }

    async fn check(&self, stanza: &str) -> PortResult<()> {
        self.of.check(stanza).await
    }

    async fn back_up(&self, request: &BackupRequest) -> PortResult<String> {
        self.of.back_up(request).await
    }

    async fn info(&self) -> PortResult<String> {
        let mut stanzas: Value = serde_json::from_str(&self.of.info().await?).unwrap();
        for stanza in stanzas.as_array_mut().unwrap() {
            let other = json!({ "id": 2, "repo-key": 1, "system-id": 7, "version": "16" });
            stanza.get_mut("db").and_then(Value::as_array_mut).unwrap().insert(self.at, other);
        }
        Ok(stanzas.to_string())
    }

    async fn ping(&self, unit: UnitId) -> PortResult<()> {
        self.of.ping(unit).await
    }
}

#[rstest]
#[case::it_was_upgraded(0, StatusName::Active, "")]
#[case::another_took_it_over(1, StatusName::Blocked, texts::ANOTHER_CLUSTER)]
#[tokio::test]
async fn the_last_cluster_that_a_stanza_served_is_the_one_it_belongs_to(
    #[case] at: usize,
    #[case] name: StatusName,
    #[case] message: &str,
) {
    let s3 = Some(S3Given::default());
    let stanza = StanzaGiven::Initialised;
    let world = World::new(&Given { s3, stanza, ..Given::default() }).shared();
    let view = View::new(&world, 0).unwrap();
    let mut ports = view.clone().ports();
    ports.repository = Arc::new(Upgraded { of: view, at });
    let hook = Hook::S3CredentialsChanged;
    let event = Event { hook, unit: 0, parameters: BTreeMap::new() };
    dispatch(&world, &ports, &event, Amendments::all(), None).await.unwrap();
    let seen = lock(&world).observe();
    let status = seen.units.first().unwrap().status();
    assert_eq!((status.name, &*status.message), (name, message));
}
