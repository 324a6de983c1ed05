//! Undoes every fault, whatever it was.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::future::try_join_all;
use pgdrill_core::ports::{ClusterRecord as _, Service, ServiceState, Workload as _};

use super::{EngineResult, PGBACKREST, SCOPE, Topology, UnitContainer, complaint, host};

/// What a unit's own faults come to, undone. Nothing of it fails when there was none.
const MEND: &str = r#"
    [ ! -e /run/supervisor.away ] || { rm -rf /run/supervisor; mv /run/supervisor.away /run/supervisor; }
    for service in /etc/service/*; do
        name=${service##*/}
        [ -e "/run/supervisor/$name" ] || ln -s "$service" "/run/supervisor/$name"
    done
    rm -f /etc/sv/postgresql/control/t /usr/local/bin/pgbackrest
    # What was asked to stop and did not is wanted down still, and would be the next time that it ends.
    case $(SVDIR=/run/supervisor sv status postgresql) in
    'run: '*'want down'*) SVDIR=/run/supervisor sv up postgresql >/dev/null ;;
    esac
    for locker in /run/pgdrill/locker /run/pgdrill/unit-locker; do
        if [ -e "$locker" ]; then kill -KILL "-$(cat "$locker")" || true; fi
    done
    # What a backup has left that was killed or given up; a worker bears the path by which the tool was started.
    pkill -KILL -f '(^|/)pgbackrest .*backup:(local|remote)$' || true
    pkill -KILL -x sleep || true
    pkill -KILL -x flock || true
    rm -rf /run/pgdrill /dev/shm/pgdrill-midway /dev/shm/pgdrill-orphans
    chown postgres:postgres "${PGDATA%/*}"
    [ ! -d "$PGDATA/standby.signal" ] || rmdir "$PGDATA/standby.signal"
    cd /usr/lib/postgresql/17/bin
    [ ! -e postgres.away ] || mv -f postgres.away postgres
    own=$PGDATA/postgresql.auto.conf
    if [ -e "$own" ] && grep -q archive_command "$own"; then
        sed -i /archive_command/d "$own"
        chown postgres:postgres "$own"
        chpst -u postgres:postgres pg_ctl -D "$PGDATA" reload >/dev/null || true
    fi
    rm -f /run/pgbackrest-server.reloads
"#;
/// Nothing goes on that an earlier use of a unit began. A TLS server that did would let in whom its settings named when
/// it started. A restore that did would look for a backup that is gone: what it has restored goes with it.
const FORGET: &str = r#"
    export SVDIR=/run/supervisor
    sv -w 10 stop 'pgbackrest server' >/dev/null
    if grep -qs '^  method: ' /etc/patroni/patroni.yml; then
        sv down postgresql
        pkill -KILL -u postgres || true
        sv -w 10 force-stop postgresql >/dev/null
        rm -rf "$PGDATA"
    fi
"#;
/// Says `data` if there is any.
const SAY_DATA: &str = r#"
    [ ! -e "$PGDATA/PG_VERSION" ] || echo data
"#;

impl Topology {
    /// Every fault is undone: every container runs and reaches the others, every database is up, one leads
    /// and the others follow. Data that was lost stays lost: a unit without data is given a new copy.
    ///
    /// # Errors
    ///
    /// A container does not come up. The topology is of no more use then.
    pub async fn heal(&self) -> EngineResult<()> {
        self.heal_by(&[MEND, SAY_DATA].concat()).await?;
        let archived = self.archive_command().await;
        self.run_all_again().await?;
        self.archive_by(archived).await
    }

    /// Every fault is undone, and nothing else: of the databases that do not run, those start that a fault stopped, which
    /// are those of units that were dead and of these. One that a hook stopped stays so, and so does one that gave up.
    ///
    /// # Errors
    ///
    /// A container does not come up, or a database that was started neither comes up nor gives up in time.
    pub async fn undo_faults(&self, stopped: &[u32]) -> EngineResult<()> {
        self.free().await?;
        for unit in self.units() {
            let was_dead = self.bring_back(&unit).await?;
            unit.shell(MEND, &[]).await?;
            if was_dead || stopped.contains(&unit.number) {
                self.set_service(unit.number, Service::Database, true).await?;
            }
            if was_dead && unit.had_tls_server() {
                self.set_service(unit.number, Service::TlsServer, true).await?;
            }
        }
        self.databases_settled().await
    }

    /// Every fault is undone, and it is ready for another use: no TLS server runs, WAL is archived nowhere, and a
    /// restore that was begun is not waited for. Its data goes.
    ///
    /// # Errors
    ///
    /// A container does not come up, or a service does not stop. The topology is of no more use then.
    pub async fn reset(&self) -> EngineResult<()> {
        self.heal_by(&[MEND, FORGET, SAY_DATA].concat()).await?;
        // Nobody takes it when nobody runs.
        let is_sent = self.archive_nowhere().await.is_ok();
        self.run_all_again().await?;
        if !is_sent {
            let sending = || async { self.archive_nowhere().await.is_ok() };
            self.until("a member takes it that WAL is archived nowhere", sending).await?;
        }
        self.archives_nowhere().await
    }

    /// What no unit is at fault for is undone: the DCS answers, anybody may lead, and the S3 server is reached.
    async fn free(&self) -> EngineResult<()> {
        self.start_dcs().await?;
        self.free_lock().await?;
        self.proxy.open().await
    }

    async fn heal_by(&self, program: &str) -> EngineResult<()> {
        self.free().await?;
        let units = self.units();
        let have_data = try_join_all(units.iter().map(|unit| self.mend(unit, program))).await?;
        if !have_data.contains(&true) {
            // Nobody has data: what is remembered of the cluster would keep everybody from making any. Who waits for it
            // would make it by the settings that it has, a restore perhaps.
            let stopping =
                units.iter().map(|unit| self.set_service(unit.number, Service::Database, false));
            try_join_all(stopping).await?;
            let removed = self.record().remove().await;
            removed.map_err(|error| complaint("etcd", &error.to_string()))?;
        }
        Ok(())
    }

    /// Every database runs, one leads and the others follow.
    async fn run_all_again(&self) -> EngineResult<()> {
        let units = self.units();
        try_join_all(units.iter().map(|unit| self.run_again(unit))).await?;
        self.settled().await
    }

    /// Undoes the faults of a unit; whether it has data.
    async fn mend(&self, unit: &UnitContainer, program: &str) -> EngineResult<bool> {
        self.bring_back(unit).await?;
        Ok(unit.shell(program, &[]).await?.trim() == "data")
    }

    /// A database that does not run is started, by settings about which nothing was decided.
    async fn run_again(&self, unit: &UnitContainer) -> EngineResult<()> {
        let service = unit.workload().service(Service::Database).await;
        let service = service.map_err(|error| complaint(&host(unit.number), &error.to_string()))?;
        if service != ServiceState::Running {
            self.configure(unit).await?;
            self.start(unit).await?;
        }
        Ok(())
    }

    /// Whether a unit without data waits for a leader whom there is nobody to be: a cluster is remembered, so that
    /// its manager bootstraps none. It goes on to wait; nothing comes of it.
    pub(super) async fn waits_in_vain(&self, unit: &UnitContainer) -> bool {
        let key = BASE64_STANDARD.encode(format!("/service/{SCOPE}/initialize"));
        let answer = self.etcd("kv/range", &serde_json::json!({ "key": key })).await;
        // While a cluster is made, the key is there and holds nothing.
        let remembered =
            answer.is_ok_and(|answer| String::from_utf8_lossy(&answer).contains("\"value\":\""));
        let look = r#"[ -e "$PGDATA/PG_VERSION" ] || echo empty"#;
        let is_empty = unit.shell(look, &[]).await.is_ok_and(|said| said.trim() == "empty");
        remembered && is_empty && self.primary().await.is_none()
    }

    /// No unit has a configuration of the backup tool.
    ///
    /// # Errors
    ///
    /// A command fails.
    pub async fn unconfigure(&self) -> EngineResult<()> {
        self.in_every_unit("rm -f \"$1\"", &[PGBACKREST]).await
    }
}
