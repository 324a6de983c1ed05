//! pgBackRest, as a unit of the charm runs it.

use std::sync::Arc;

use async_trait::async_trait;
use pgdrill_core::ports::{
    BackupRequest, PortResult, Repository, RepositorySettings, Unit as _, UnitId,
};

use super::Site;
use pgdrill_adapters::{
    command::CommandRunner,
    juju::JujuUnit,
    pebble::Pebble,
    pgbackrest::{PgBackRest, PgBackRestPaths},
};

/// The backup tool of a unit. Its TLS server is configured only where there are peers to reach it.
pub(super) struct CharmRepository {
    unit: UnitId,
    pebble: Pebble,
    site: Arc<Site>,
}

impl CharmRepository {
    pub(super) fn new<R: CommandRunner>(
        unit: &JujuUnit<R>,
        pebble: Pebble,
        site: Arc<Site>,
    ) -> Self {
        Self { unit: unit.identity().unit(), pebble, site }
    }

    fn tool(&self, serves_tls: bool) -> PgBackRest<Pebble, Pebble> {
        let site = &self.site;
        let mut paths = PgBackRestPaths::new(self.unit, &site.hosts, site.database.clone());
        paths.user.clone_from(&site.user);
        paths.tls = serves_tls.then(|| site.tls.clone());
        let pebble = &self.pebble;
        PgBackRest::new(pebble.clone(), pebble.clone(), paths, site.pgbackrest_limits)
    }
}

#[async_trait]
impl Repository for CharmRepository {
    async fn configure(&self, settings: &RepositorySettings) -> PortResult<()> {
        self.tool(!settings.tls_peers.is_empty()).configure(settings).await
    }

    async fn create_stanza(&self, stanza: &str) -> PortResult<()> {
        self.tool(false).create_stanza(stanza).await
    }

    async fn check(&self, stanza: &str) -> PortResult<()> {
        self.tool(false).check(stanza).await
    }

    async fn back_up(&self, request: &BackupRequest) -> PortResult<String> {
        self.tool(false).back_up(request).await
    }

    async fn info(&self) -> PortResult<String> {
        self.tool(false).info().await
    }

    async fn ping(&self, unit: UnitId) -> PortResult<()> {
        self.tool(false).ping(unit).await
    }
}
