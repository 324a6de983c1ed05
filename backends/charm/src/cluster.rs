//! Patroni, as a unit of the charm reaches it.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use pgdrill_core::{
    Secret,
    ports::{Cluster, ClusterSettings, MemberState, PortResult, Unit as _, UnitId},
};

use super::Site;
use pgdrill_adapters::{
    command::CommandRunner,
    juju::JujuUnit,
    patroni::{Member, PatroniApi},
    pebble::Pebble,
};

/// The application's passwords that Patroni's configuration holds, as the charm names them.
const PASSWORDS: [&str; 3] = ["operator-password", "replication-password", "rewind-password"];

/// The cluster manager of a unit. Peers are asked for only when the unit's own member does not answer, and
/// passwords only when they are written.
pub(super) struct CharmCluster<R> {
    unit: JujuUnit<R>,
    pebble: Pebble,
    site: Arc<Site>,
}

impl<R: CommandRunner> CharmCluster<R> {
    pub(super) const fn new(unit: JujuUnit<R>, pebble: Pebble, site: Arc<Site>) -> Self {
        Self { unit, pebble, site }
    }

    fn api(&self, peers: Vec<UnitId>, passwords: [Secret; 3]) -> PatroniApi<Pebble, Pebble> {
        let site = &self.site;
        let [superuser_password, replication_password, rewind_password] = passwords;
        let member = Member {
            unit: self.unit.identity().unit(),
            peers,
            names: site.members.clone(),
            hosts: site.hosts.clone(),
            api_port: site.api_port,
            scope: site.scope.clone(),
            // The DCS is Kubernetes, which the service's environment names.
            etcd: Vec::new(),
            configuration: site.patroni.clone(),
            template: site.patroni_template.clone(),
            user: site.user.clone(),
            programs: site.programs.clone(),
            data: site.database.data.clone(),
            socket: site.database.socket.clone(),
            port: site.database.port,
            superuser_password,
            replication_password,
            rewind_password,
            reached: BTreeMap::new(),
            parameters: BTreeMap::new(),
        };
        PatroniApi::new(self.pebble.clone(), self.pebble.clone(), member, site.patroni_limits)
    }

    fn alone(&self) -> PatroniApi<Pebble, Pebble> {
        self.api(Vec::new(), Default::default())
    }
}

#[async_trait]
impl<R: CommandRunner + 'static> Cluster for CharmCluster<R> {
    async fn primary(&self) -> PortResult<Option<UnitId>> {
        match self.alone().primary().await {
            Ok(primary) => Ok(primary),
            Err(own) => {
                let peers = self.unit.peers().await?;
                if peers.is_empty() {
                    return Err(own);
                }
                self.api(peers, Default::default()).primary().await
            }
        }
    }

    async fn member_state(&self) -> PortResult<MemberState> {
        self.alone().member_state().await
    }

    async fn system_identifier(&self) -> PortResult<u64> {
        self.alone().system_identifier().await
    }

    async fn accepts_connections(&self) -> PortResult<bool> {
        self.alone().accepts_connections().await
    }

    async fn apply(&self, settings: &ClusterSettings) -> PortResult<()> {
        // Where WAL goes is sent to whichever member answers.
        let peers = self.unit.peers().await?;
        let passwords = self.unit.passwords(PASSWORDS).await?;
        self.api(peers, passwords).apply(settings).await
    }
}
