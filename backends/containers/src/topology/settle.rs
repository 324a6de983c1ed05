//! Waits until nothing of a cluster is on its way any more.

use std::time::Duration;

use futures_util::future::join_all;
use pgdrill_core::ports::{Cluster as _, MemberState};

use super::{EngineResult, Topology, UnitContainer, complaint, host};

/// How long a cluster may take to come up, elect or follow.
const SETTLED: Duration = Duration::from_secs(90);
/// The pause before the cluster is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// Says what the supervisor does with the database, whatever a fault keeps it from answering.
const SAY_SERVICE: &str = "SVDIR=/etc/service sv status postgresql";

/// What a database that may have been started does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Database {
    /// Nobody can say: its container is dead, frozen or cut off.
    OutOfReach,
    /// It was not started, or has given up.
    Down,
    /// It is on its way up, or between two starts.
    Moving,
    /// Its member runs.
    Up,
}

impl Topology {
    /// Returns once one member leads and every other follows it and has replayed what the leader had written by then.
    ///
    /// # Errors
    ///
    /// It does not come to that in time.
    pub async fn settled(&self) -> EngineResult<()> {
        self.until("the cluster has one leader, and every other member follows it", || {
            self.is_settled()
        })
        .await
    }

    async fn is_settled(&self) -> bool {
        let units = self.units();
        let Some(first) = units.first() else { return true };
        let Some(members) = self.members(first).await else { return false };
        let timeline = members.iter().find(|m| m.role == "leader").and_then(|m| m.timeline);
        let is_in_place = |unit: &UnitContainer| {
            let name = host(unit.number);
            members.iter().any(|member| {
                member.name == name
                    && timeline.is_some()
                    && member.timeline == timeline
                    && ["running", "streaming"].contains(&&*member.state)
            })
        };
        if members.len() != units.len() || !units.iter().all(is_in_place) {
            return false;
        }
        // What the DCS remembers of a member that was killed is as it was.
        let states = units.iter().map(|unit| async {
            self.cluster(unit.number).member_state().await == Ok(MemberState::Running)
        });
        if !join_all(states).await.into_iter().all(|runs| runs) {
            return false;
        }
        match self.leader().await {
            Some(leader) => self.has_been_replayed(&leader).await,
            None => false,
        }
    }

    /// Whether every other member has replayed what the leader has written up to now. What the DCS remembers of a member is of
    /// its last turn: one that was cut off counts as streaming, and may be far behind.
    async fn has_been_replayed(&self, leader: &UnitContainer) -> bool {
        let written = leader.sql("SELECT pg_current_wal_flush_lsn()").await;
        let Ok(written) = written else { return false };
        let question = format!("SELECT pg_last_wal_replay_lsn() >= '{}'::pg_lsn", written.trim());
        let units = self.units();
        let others = units.iter().filter(|unit| unit.number != leader.number);
        let replayed = others
            .map(|unit| async { unit.sql(&question).await.is_ok_and(|row| row.trim() == "t") });
        join_all(replayed).await.into_iter().all(|is| is)
    }

    /// The member that holds the leader's lock and is the primary already: it holds the lock before its server is promoted.
    async fn leader(&self) -> Option<UnitContainer> {
        let unit = self.unit(self.primary().await?).ok()?;
        let row = unit.sql("SELECT pg_is_in_recovery()").await.ok()?;
        (row.trim() == "f").then_some(unit)
    }

    /// Returns once a member that can't be reached any more is not the leader, and another leads if one can.
    ///
    /// # Errors
    ///
    /// It does not come to that in time.
    pub async fn failed_over(&self, from: u32) -> EngineResult<()> {
        self.until(&format!("{} leads no more", host(from)), || async {
            if self.primary().await == Some(from) {
                return false;
            }
            let states = self.databases().await;
            let may_lead = states.iter().any(|it| matches!(it, Database::Up | Database::Moving));
            let is_dcs_up = self.etcd.is_running().await.unwrap_or(false);
            !(may_lead && is_dcs_up) || self.leader().await.is_some()
        })
        .await
    }

    /// Returns once every database that was started is up or has given up: none is coming up any more.
    ///
    /// # Errors
    ///
    /// It does not come to that in time.
    pub async fn databases_settled(&self) -> EngineResult<()> {
        self.until("every database that was started is up or has given up", || async {
            let states = self.databases().await;
            if states.contains(&Database::Moving) {
                return false;
            }
            // Who is up waits for a leader before it serves.
            !states.contains(&Database::Up) || self.leader().await.is_some()
        })
        .await
    }

    /// What each unit's database does.
    async fn databases(&self) -> Vec<Database> {
        let units = self.units();
        join_all(units.iter().map(|unit| self.database_of(unit))).await
    }

    /// What a unit's database does. A unit that is reached and gives no answer has not come to rest.
    async fn database_of(&self, unit: &UnitContainer) -> Database {
        match unit.container.state().await {
            Ok(state) if state.is_reached() => {}
            Ok(_) => return Database::OutOfReach,
            Err(_) => return Database::Moving,
        }
        let Ok(said) = unit.shell(SAY_SERVICE, &[]).await else { return Database::Moving };
        if said.starts_with("down: ") && !said.contains("want up") {
            return Database::Down;
        }
        match self.cluster(unit.number).member_state().await {
            Ok(MemberState::Running) if said.starts_with("run: ") => Database::Up,
            // It waits for a leader for ever.
            Ok(MemberState::Stopped) if self.waits_in_vain(unit).await => Database::Down,
            Ok(_) | Err(_) => Database::Moving,
        }
    }

    /// Returns once a database that was started is on its way up.
    ///
    /// # Errors
    ///
    /// None is within the time, or it was up before it was seen.
    pub async fn restore_begun(&self) -> EngineResult<()> {
        self.until("a database that was started to be restored is on its way up", || async {
            let units = self.units();
            let states = units.iter().map(|unit| async {
                self.cluster(unit.number).member_state().await == Ok(MemberState::Starting)
            });
            join_all(states).await.contains(&true)
        })
        .await
    }

    /// What a look sees, once it sees nothing on its way or this time is up: a fault may be why a thing never comes about.
    #[expect(
        clippy::disallowed_methods,
        reason = "the servers notify nobody; they are asked again"
    )]
    pub async fn at_rest<T, F: Future<Output = (T, bool)>>(
        &self,
        limit: Duration,
        mut look: impl FnMut() -> F,
    ) -> T {
        let (mut seen, mut is_at_rest) = look().await;
        let looking = async {
            while !is_at_rest {
                tokio::time::sleep(PAUSE).await;
                (seen, is_at_rest) = look().await;
            }
        };
        let _ = tokio::time::timeout(limit, looking).await;
        seen
    }

    /// Returns once a question is answered with yes.
    #[expect(
        clippy::disallowed_methods,
        reason = "the servers notify nobody; they are asked again"
    )]
    pub(super) async fn until<F: Future<Output = bool>>(
        &self,
        what: &str,
        mut ask: impl FnMut() -> F,
    ) -> EngineResult<()> {
        let asking = async {
            while !ask().await {
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(SETTLED, asking)
            .await
            .map_err(|_| complaint(self.stage.name(), &format!("not within {SETTLED:?}: {what}")))
    }
}
