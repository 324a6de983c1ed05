//! What can go wrong in a topology, each as the real thing.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::future::try_join_all;
use pgdrill_core::ports::{Cluster as _, MemberState, Service, ServiceState, Workload as _};
use reqwest::Method;

use super::{EngineResult, Topology, UnitContainer, complaint, host, layout::SCOPE};
use pgdrill_adapters::http;

/// Stands before the backup tool, and does to it what the files beside it say.
pub(super) const STAND_IN: &str = include_str!("stand-in.sh");
/// Has a process hold the backup tool's lock, with what the tool writes into its file on the primary, where a backup from
/// a standby holds it.
const HOLD_LOCK: &str = r#"
    mkdir -p /run/pgdrill
    install -d -o postgres -g postgres -m 0770 /tmp/pgbackrest
    locker=/run/pgdrill/$2 lock=/tmp/pgbackrest/$1-backup-1.lock
    if [ -e "$locker" ] && kill -0 "-$(cat "$locker")" 2>/dev/null; then exit 0; fi
    install -o postgres -g postgres -m 0640 /dev/null "$lock"
    setsid chpst -u postgres:postgres flock "$lock" sleep 86400 </dev/null >/dev/null 2>&1 &
    echo $! > "$locker"
    printf '{"execId":"%s-70676472","pid":%s}' "$!" "$!" > "$lock"
    tries=50
    while flock -n "$lock" true; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || exit 1
        sleep 0.1
    done
"#;
/// Ends that process.
const FREE_LOCK: &str = r#"
    locker=/run/pgdrill/$2
    [ -e "$locker" ] || exit 0
    kill -KILL "-$(cat "$locker")" || true
    rm -f "$locker"
    tries=50
    until flock -n "/tmp/pgbackrest/$1-backup-1.lock" true; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || exit 1
        sleep 0.1
    done
"#;
/// The name that holds the leader's lock when no member does.
const NOBODY: &str = "nobody";
/// Where a unit's server is while it can't be started.
pub const SERVER_AWAY: &str = "/usr/lib/postgresql/17/bin/postgres.away";
/// How long a role change may take.
const ROLE_CHANGE: Duration = Duration::from_secs(60);

/// Puts a program before the backup tool.
pub(super) const PUT_STAND_IN: &str = r#"
    printf %s "$1" > /usr/local/bin/pgbackrest.new
    chmod 0755 /usr/local/bin/pgbackrest.new
    mv -f /usr/local/bin/pgbackrest.new /usr/local/bin/pgbackrest
"#;

/// How the backup tool misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misbehaviour {
    /// Its inventory is not JSON.
    Garbled,
    /// Its commands never end.
    Hangs,
    /// Nothing that its failing commands wrote is captured.
    Silent,
    /// Its inventory names a backup in a form that nobody knows.
    StrangeLabel,
    /// A backup is terminated while it copies.
    Terminated,
}

impl Misbehaviour {
    const fn word(self) -> &'static str {
        match self {
            Self::Garbled => "garbled",
            Self::Hangs => "hangs",
            Self::Silent => "silent",
            Self::StrangeLabel => "strange-label",
            Self::Terminated => "terminated",
        }
    }
}

impl Topology {
    /// The cluster switches over to a unit, by Patroni's own switchover.
    ///
    /// # Errors
    ///
    /// Nobody leads, or it does not come to that.
    pub async fn switch_over(&self, to: u32) -> EngineResult<()> {
        let Some(leader) = self.primary().await else {
            return Err(complaint(&host(to), "there is no leader from whom to switch over"));
        };
        if leader == to {
            return Ok(());
        }
        let url = self.unit(leader)?.api_url("switchover");
        let body = serde_json::json!({ "leader": host(leader), "candidate": host(to) });
        let answer =
            http::request(Method::POST, &url, Some(body.to_string().into_bytes()), ROLE_CHANGE);
        match answer.await {
            Ok((200 | 202, _)) => {}
            Ok((status, words)) => {
                let words = String::from_utf8_lossy(&words);
                let what = format!("the switchover was answered with {status}: {}", words.trim());
                return Err(complaint(&host(to), &what));
            }
            Err(error) => {
                let error = error.at("cluster", "switch over");
                return Err(complaint(&host(to), &error.to_string()));
            }
        }
        self.until("the cluster has switched over", || async { self.primary().await == Some(to) })
            .await?;
        self.settled().await
    }

    /// No member holds the leader's lock: somebody does who is none, and does not give it up.
    ///
    /// # Errors
    ///
    /// etcd does not take it.
    pub async fn lose_primary(&self) -> EngineResult<()> {
        let encode = |text: &str| BASE64_STANDARD.encode(text);
        let key = encode(&format!("/service/{SCOPE}/leader"));
        self.etcd("kv/put", &serde_json::json!({ "key": key, "value": encode(NOBODY) })).await?;
        self.until("no member leads", || async {
            let mut follow = self.primary().await.is_none();
            for unit in self.units() {
                let row = unit.sql("SELECT pg_is_in_recovery()").await;
                let state = self.cluster(unit.number).member_state().await;
                follow &= row.is_ok_and(|row| row.trim() == "t");
                follow &= state == Ok(MemberState::Running);
            }
            follow
        })
        .await
    }

    /// The lock that nobody holds is free again.
    pub(super) async fn free_lock(&self) -> EngineResult<()> {
        let key = BASE64_STANDARD.encode(format!("/service/{SCOPE}/leader"));
        let answer = self.etcd("kv/range", &serde_json::json!({ "key": key })).await?;
        let held = BASE64_STANDARD.encode(NOBODY);
        if String::from_utf8_lossy(&answer).contains(&format!("\"{held}\"")) {
            self.forget("leader").await?;
        }
        Ok(())
    }

    /// The DCS no longer holds a key of the cluster.
    pub(super) async fn forget(&self, key: &str) -> EngineResult<()> {
        let key = BASE64_STANDARD.encode(format!("/service/{SCOPE}/{key}"));
        self.etcd("kv/deleterange", &serde_json::json!({ "key": key })).await.map(drop)
    }

    pub(super) async fn etcd(
        &self,
        what: &str,
        request: &serde_json::Value,
    ) -> EngineResult<Vec<u8>> {
        let url = format!("{}/v3/{what}", self.etcd_url());
        let body = request.to_string().into_bytes();
        match http::request(Method::POST, &url, Some(body), Duration::from_secs(10)).await {
            Ok((200, answer)) => Ok(answer),
            Ok((status, _)) => Err(complaint("etcd", &format!("{what}: status {status}"))),
            Err(error) => Err(complaint("etcd", &error.at("etcd", "request").to_string())),
        }
    }

    /// The DCS is dead.
    ///
    /// # Errors
    ///
    /// The engine refuses.
    pub async fn stop_dcs(&self) -> EngineResult<()> {
        self.etcd.kill().await
    }

    /// The DCS answers again, and knows what it knew.
    ///
    /// # Errors
    ///
    /// It does not come up.
    pub async fn start_dcs(&self) -> EngineResult<()> {
        if !self.etcd.is_running().await? {
            self.etcd.start().await?;
        }
        self.until("etcd answers", || async {
            let key = BASE64_STANDARD.encode("any");
            self.etcd("kv/range", &serde_json::json!({ "key": key })).await.is_ok()
        })
        .await
    }

    /// The database server of a unit is down and can't be started, while its manager runs.
    ///
    /// # Errors
    ///
    /// A command fails, or the manager does not see it.
    pub async fn take_server_down(&self, unit: u32) -> EngineResult<()> {
        // The manager tries to start it every second or two. Its attempts end at the file that it writes first, before
        // they count as a start: when they fail later the member is `starting` now and then, on a busy machine for seconds.
        let program = r#"
            [ -d "$PGDATA/standby.signal" ] || { rm -f "$PGDATA/standby.signal"; mkdir "$PGDATA/standby.signal"; }
            cd /usr/lib/postgresql/17/bin
            [ -e postgres.away ] || mv postgres postgres.away
            printf '#!/bin/sh\nexit 1\n' > postgres
            chmod 0755 postgres
            chpst -u postgres:postgres pg_ctl -D "$PGDATA" -m immediate stop
        "#;
        self.unit(unit)?.shell(program, &[]).await?;
        self.until("the manager sees that its server is down", || async {
            matches!(self.cluster(unit).member_state().await, Ok(MemberState::Stopped))
        })
        .await
    }

    /// The database service of a unit does not stop when asked to.
    ///
    /// # Errors
    ///
    /// A command fails.
    pub async fn refuse_to_stop(&self, unit: u32) -> EngineResult<()> {
        let program = "ln -sf /bin/true /etc/sv/postgresql/control/t";
        self.unit(unit)?.shell(program, &[]).await.map(drop)
    }

    /// A service runs, or does not, behind the charm's back. One that is to run and is not known becomes known.
    ///
    /// # Errors
    ///
    /// It does not obey.
    pub async fn set_service(&self, unit: u32, service: Service, runs: bool) -> EngineResult<()> {
        let workload = self.unit(unit)?.workload();
        if runs {
            let known =
                r#"[ -e "/run/supervisor/$1" ] || ln -s "/etc/service/$1" "/run/supervisor/$1""#;
            self.unit(unit)?.shell(known, &[service.name()]).await?;
        }
        let done = if runs { workload.start(service).await } else { workload.stop(service).await };
        done.map_err(|error| complaint(&host(unit), &error.to_string()))
    }

    /// A service does not run, and the supervisor does not know it any more.
    ///
    /// # Errors
    ///
    /// It does not stop.
    pub async fn make_service_unknown(&self, unit: u32, service: Service) -> EngineResult<()> {
        self.set_service(unit, service, false).await?;
        let program = r#"rm -f "/run/supervisor/$1""#;
        self.unit(unit)?.shell(program, &[service.name()]).await.map(drop)
    }

    /// Something that is not the database's holds a unit's data directory, or lets it go.
    ///
    /// # Errors
    ///
    /// A command fails.
    pub async fn hold_data(&self, unit: u32, held: bool) -> EngineResult<()> {
        // The directory is only moved or removed by who may write to the folder in which it lies.
        let owner = if held { "root:root" } else { "postgres:postgres" };
        let program = r#"chown "$1" "${PGDATA%/*}" && chmod 0755 "${PGDATA%/*}""#;
        self.unit(unit)?.shell(program, &[owner]).await.map(drop)
    }

    /// The archive command of every database is another program, or the one that the manager gives it.
    ///
    /// # Errors
    ///
    /// A command fails.
    pub async fn break_archive_command(&self, broken: bool) -> EngineResult<()> {
        let set = if broken {
            "ALTER SYSTEM SET archive_command = 'false'"
        } else {
            "ALTER SYSTEM RESET archive_command"
        };
        let units = self.units();
        let mut setting = Vec::with_capacity(units.len());
        for unit in &units {
            setting.push(async move {
                unit.sql(set).await?;
                unit.sql("SELECT pg_reload_conf()").await
            });
        }
        try_join_all(setting).await.map(drop)
    }

    /// WAL arrives this many seconds late, by the time of hooks.
    ///
    /// # Errors
    ///
    /// A command fails.
    pub async fn delay_archive(&self, seconds: u32) -> EngineResult<()> {
        let real = f64::from(seconds) / f64::from(self.pace.faster.max(1));
        let delay = if seconds == 0 { String::new() } else { format!("{real:.1}") };
        // Whoever waits already has waited enough when the delay ends.
        let program = r#"
            mkdir -p /run/pgdrill
            printf %s "$1" > /run/pgdrill/delay
            [ -n "$1" ] || pkill -KILL -x sleep || true
        "#;
        self.in_every_unit(program, &[&delay]).await?;
        self.stand_in().await
    }

    /// The backup tool misbehaves on every unit, or behaves.
    ///
    /// # Errors
    ///
    /// A command fails.
    pub async fn misbehave(&self, how: Option<Misbehaviour>) -> EngineResult<()> {
        let program = r#"
            mkdir -p /run/pgdrill
            printf %s "$1" > /run/pgdrill/failure-mode
            if [ -z "$1" ] && [ -e /run/pgdrill/locker ]; then
                kill -KILL "-$(cat /run/pgdrill/locker)" || true
                rm -f /run/pgdrill/locker
            fi
        "#;
        self.in_every_unit(program, &[how.map_or("", Misbehaviour::word)]).await?;
        self.stand_in().await
    }

    /// Another process holds the backup tool's lock for a stanza on every unit.
    ///
    /// # Errors
    ///
    /// A command fails.
    pub async fn hold_lock(&self, stanza: &str) -> EngineResult<()> {
        self.in_every_unit(HOLD_LOCK, &[stanza, "locker"]).await
    }

    /// Another process holds the backup tool's lock for a stanza on one unit, or lets it go.
    ///
    /// # Errors
    ///
    /// A command fails.
    pub async fn set_lock(&self, unit: u32, stanza: &str, held: bool) -> EngineResult<()> {
        let program = if held { HOLD_LOCK } else { FREE_LOCK };
        self.unit(unit)?.shell(program, &[stanza, "unit-locker"]).await.map(drop)
    }

    async fn stand_in(&self) -> EngineResult<()> {
        self.in_every_unit(PUT_STAND_IN, &[STAND_IN]).await
    }

    pub(super) async fn in_every_unit(
        &self,
        program: &str,
        arguments: &[&str],
    ) -> EngineResult<()> {
        let units = self.units();
        let mut running = Vec::with_capacity(units.len());
        for unit in &units {
            running.push(unit.shell(program, arguments));
        }
        try_join_all(running).await.map(drop)
    }

    /// The supervisor of a unit answers nobody, or answers.
    ///
    /// # Errors
    ///
    /// A command fails.
    pub async fn silence_supervisor(&self, unit: u32, silent: bool) -> EngineResult<()> {
        let program = if silent {
            "[ -e /run/supervisor.away ] || mv /run/supervisor /run/supervisor.away"
        } else {
            "[ ! -e /run/supervisor.away ] || mv /run/supervisor.away /run/supervisor"
        };
        self.unit(unit)?.shell(program, &[]).await.map(drop)
    }

    /// A unit that was paused, killed or cut off runs with the services that it had.
    ///
    /// # Errors
    ///
    /// It does not come up.
    pub async fn revive(&self, unit: u32) -> EngineResult<()> {
        let found = self.unit(unit)?;
        let was_dead = self.bring_back(&found).await?;
        if was_dead {
            self.set_service(unit, Service::Database, true).await?;
            if found.had_tls_server() {
                self.set_service(unit, Service::TlsServer, true).await?;
            }
        }
        self.settled().await
    }

    /// Whether the container was dead; it runs and is connected.
    pub(super) async fn bring_back(&self, unit: &UnitContainer) -> EngineResult<bool> {
        let state = unit.container.state().await?;
        if state.is_paused {
            unit.container.unpause().await?;
        }
        if !state.is_connected {
            unit.container.connect().await?;
        }
        if !state.is_running {
            unit.container.start().await?;
            self.until("the supervisor answers", || async {
                unit.shell("workload-ready", &[]).await.is_ok()
            })
            .await?;
        }
        Ok(!state.is_running)
    }

    /// A unit is dead at once.
    ///
    /// # Errors
    ///
    /// The engine refuses.
    pub async fn kill(&self, unit: u32) -> EngineResult<()> {
        let found = self.unit(unit)?;
        let runs = found.workload().service(Service::TlsServer).await;
        found.remember_tls_server(runs == Ok(ServiceState::Running));
        found.container.kill().await
    }
}
