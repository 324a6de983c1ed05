//! A cluster of one to nine units with everything that it needs: Patroni over etcd, pgBackRest, and a proxy
//! of its own in front of the S3 server.

mod agreed;
mod archive;
mod faults;
mod foreign;
mod heal;
mod layout;
mod midway;
mod settle;
mod unit;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::{try_join_all, try_join3};
use pgdrill_core::{
    Secret,
    ports::{ClusterSettings, Service, UnitId, Workload as _},
};
use reqwest::Method;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use self::layout::{API, ETCD, ETCD_HOST, Passwords, SCOPE};
pub use self::{
    agreed::Agreed,
    faults::{Misbehaviour, SERVER_AWAY},
    layout::{DATA, PGBACKREST, Pace, host},
    unit::{Manager, Tool, UnitContainer},
};
use super::{
    authority::Authority,
    container::Container,
    proxy::{Proxy, ProxySpec},
    stage::{ContainerSpec, EngineResult, Stage, complaint},
};
use crate::images::{ImageRef, Quiet};
use pgdrill_adapters::{etcd::EtcdRecord, http};

/// The images of which a topology is made.
#[derive(Debug, Clone)]
pub struct Images {
    /// A unit's.
    pub unit: ImageRef,
    /// The DCS's.
    pub etcd: ImageRef,
}

/// The settings of a unit about which nothing was decided.
const UNDECIDED: ClusterSettings =
    ClusterSettings { archive_stanza: None, accepts_connections: true, restore: None };

/// A cluster that runs.
pub struct Topology {
    stage: Stage,
    images: Images,
    authority: Arc<Authority>,
    passwords: Passwords,
    pace: Pace,
    etcd: Container,
    proxy: Proxy,
    units: Mutex<Vec<UnitContainer>>,
}

/// `GET /cluster`, as far as it is used.
#[derive(Deserialize)]
struct ListedCluster {
    members: Vec<ListedMember>,
}

#[derive(Deserialize)]
struct ListedMember {
    name: String,
    role: String,
    state: String,
    timeline: Option<u64>,
}

impl Topology {
    /// Raises a cluster of `count` units on a stage. WAL is archived nowhere yet.
    ///
    /// # Errors
    ///
    /// A container does not come up. What was begun stays on the stage.
    pub async fn raise(
        stage: Stage,
        images: Images,
        authority: Arc<Authority>,
        s3: &ProxySpec,
        count: u32,
        pace: Pace,
    ) -> EngineResult<Self> {
        let etcd = ContainerSpec {
            image: images.etcd.to_string(),
            host: ETCD_HOST.into(),
            ready: "pgdrill: etcd is ready".into(),
            ports: vec![ETCD],
            ..ContainerSpec::default()
        };
        let passwords = passwords(&authority);
        let starting = (0..count).map(|unit| unit::start(&stage, &images.unit, &authority, unit));
        let (etcd, proxy, units) =
            try_join3(stage.start(&etcd), Proxy::start(&stage, s3, &Quiet), try_join_all(starting))
                .await?;
        let topology = Self {
            stage,
            images,
            authority,
            passwords,
            pace,
            etcd,
            proxy,
            units: Mutex::new(units),
        };
        topology.bring_up().await?;
        Ok(topology)
    }

    /// A cluster that an earlier process raised on this stage.
    ///
    /// # Errors
    ///
    /// A container of it is not there.
    pub async fn again(
        stage: Stage,
        images: Images,
        authority: Arc<Authority>,
        s3: &ProxySpec,
        units: &[u32],
        pace: Pace,
    ) -> EngineResult<Self> {
        let etcd = stage.container(ETCD_HOST).await?;
        let proxy = Proxy::again(&stage, &s3.host, s3.port).await?;
        let found = try_join_all(units.iter().map(|&number| unit::find(&stage, number))).await?;
        let passwords = passwords(&authority);
        let units = Mutex::new(found);
        Ok(Self { stage, images, authority, passwords, pace, etcd, proxy, units })
    }

    /// The first unit begins, so that it becomes the primary, and the others follow.
    async fn bring_up(&self) -> EngineResult<()> {
        let units = self.units();
        try_join_all(units.iter().map(|unit| self.configure(unit))).await?;
        let (first, others) = (units.iter().take(1), units.iter().skip(1));
        try_join_all(first.map(|unit| self.start(unit))).await?;
        try_join_all(others.map(|unit| self.start(unit))).await?;
        self.settled().await
    }

    /// A unit whose manager does not run yet has the settings of one that nothing was decided about, for when it starts.
    /// Its own file has them: no member is asked, for a container's network may take seconds to answer that nobody
    /// listens there.
    async fn configure(&self, unit: &UnitContainer) -> EngineResult<()> {
        let written = self.cluster(unit.number).write(&UNDECIDED).await;
        written.map_err(|error| complaint(&host(unit.number), &error.to_string()))
    }

    async fn start(&self, unit: &UnitContainer) -> EngineResult<()> {
        let started = unit.workload().start(Service::Database).await;
        started.map_err(|error| complaint(&host(unit.number), &error.to_string()))
    }

    /// The stage on which it stands.
    #[must_use]
    pub const fn stage(&self) -> &Stage {
        &self.stage
    }

    /// The units, in order.
    #[must_use]
    pub fn units(&self) -> Vec<UnitContainer> {
        self.held().clone()
    }

    /// The number of units.
    #[must_use]
    pub fn size(&self) -> u32 {
        u32::try_from(self.held().len()).unwrap_or(u32::MAX)
    }

    fn held(&self) -> MutexGuard<'_, Vec<UnitContainer>> {
        self.units.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A unit.
    ///
    /// # Errors
    ///
    /// There is none with this number.
    pub fn unit(&self, number: u32) -> EngineResult<UnitContainer> {
        let found = self.held().iter().find(|unit| unit.number == number).cloned();
        found.ok_or_else(|| complaint(&host(number), "there is no such unit"))
    }

    /// The proxy in front of the S3 server.
    #[must_use]
    pub const fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// The container of the DCS.
    #[must_use]
    pub const fn dcs(&self) -> &Container {
        &self.etcd
    }

    /// The password of the database's superuser `postgres`.
    #[must_use]
    pub fn superuser_password(&self) -> Secret {
        self.passwords.superuser.clone()
    }

    /// How fast time goes here.
    #[must_use]
    pub const fn pace(&self) -> Pace {
        self.pace
    }

    /// The cluster manager of a unit.
    #[must_use]
    pub fn cluster(&self, unit: u32) -> Manager {
        let units = self.units();
        let all: Vec<u32> = units.iter().map(|unit| unit.number).collect();
        let reached = units
            .iter()
            .map(|unit| (UnitId(unit.number), format!("127.0.0.1:{}", unit.container.port(API))));
        let member = layout::member(unit, &all, reached.collect(), &self.passwords);
        let runner = units.iter().find(|other| other.number == unit).map(UnitContainer::runner);
        unit::manager(runner.unwrap_or_else(|| unit::nowhere(&self.stage)), member)
    }

    /// The backup tool of a unit, with or without certificates to show to others.
    #[must_use]
    pub fn repository(&self, unit: u32, tls: bool) -> Tool {
        let units = self.units();
        let runner = units.iter().find(|other| other.number == unit).map(UnitContainer::runner);
        let runner = runner.unwrap_or_else(|| unit::nowhere(&self.stage));
        unit::tool(runner, layout::paths(unit, tls), self.pace.tool())
    }

    /// What the DCS remembers of the cluster.
    #[must_use]
    pub fn record(&self) -> EtcdRecord {
        EtcdRecord::new(vec![self.etcd_url()], SCOPE, Duration::from_secs(5))
    }

    fn etcd_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.etcd.port(ETCD))
    }

    /// The unit that holds the leader's lock, by the word of any member that answers.
    pub async fn primary(&self) -> Option<u32> {
        let mut leader = None;
        for unit in self.units() {
            let Some(answer) = self.members(&unit).await else { continue };
            leader = answer.iter().find(|member| member.role == "leader").and_then(number);
            break;
        }
        leader
    }

    async fn members(&self, asked: &UnitContainer) -> Option<Vec<ListedMember>> {
        let url = asked.api_url("cluster");
        let (status, body) =
            http::request(Method::GET, &url, None, Duration::from_secs(3)).await.ok()?;
        let answer: ListedCluster =
            (status == 200).then(|| serde_json::from_slice(&body).ok()).flatten()?;
        Some(answer.members)
    }

    /// The cluster has this many units: the last ones go, or new ones come. Where it has a leader, they follow it by then; where
    /// it has none, as while a restore comes up, they are started and wait for one.
    ///
    /// # Errors
    ///
    /// A container does not come up.
    pub async fn scale_to(&self, count: u32) -> EngineResult<()> {
        let size = self.size();
        if count < size {
            if self.primary().await.is_some_and(|primary| primary >= count) {
                self.switch_over(0).await?;
            }
            let gone: Vec<UnitContainer> = self.held().drain(count as usize..).collect();
            try_join_all(gone.iter().map(|unit| self.dismiss(unit))).await?;
        } else if count > size {
            let new = (size..count)
                .map(|unit| unit::start(&self.stage, &self.images.unit, &self.authority, unit));
            let new = try_join_all(new).await?;
            let is_led = self.primary().await.is_some();
            self.held().extend(new.iter().cloned());
            try_join_all(new.iter().map(|unit| self.configure(unit))).await?;
            try_join_all(new.iter().map(|unit| self.start(unit))).await?;
            if !is_led {
                return Ok(());
            }
        }
        self.settled().await
    }

    /// A unit leaves: its container and all that the DCS remembers of it.
    async fn dismiss(&self, unit: &UnitContainer) -> EngineResult<()> {
        unit.container.remove().await?;
        self.forget(&format!("members/{}", host(unit.number))).await
    }

    /// Takes everything down.
    ///
    /// # Errors
    ///
    /// The engine did not remove all of it.
    pub async fn take_down(&self) -> EngineResult<()> {
        self.stage.take_down().await
    }
}

fn number(member: &ListedMember) -> Option<u32> {
    member.name.strip_prefix("unit-")?.parse().ok()
}

/// Passwords that nobody can guess who does not hold the authority's key. All say `canary`, so that one that
/// leaks is seen.
fn passwords(authority: &Authority) -> Passwords {
    let key = authority.key();
    let of = |user: &str| {
        let digest = Sha256::digest(format!("{user}:{}", key.expose()));
        let text: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        Secret::new(format!("canary{text}"))
    };
    Passwords { superuser: of("postgres"), replication: of("replication"), rewind: of("rewind") }
}
