//! A backup that is stopped while it copies, and goes on when it is told to. What says so lies where nothing outlives its
//! container: a backup of a container that was killed and runs again is not stopped.

use super::{
    Topology,
    faults::{PUT_STAND_IN, STAND_IN},
};
use crate::EngineResult;

impl Topology {
    /// The next backup of a unit is stopped once it has begun to copy.
    ///
    /// # Errors
    ///
    /// A command fails.
    pub async fn stop_backup_midway(&self, unit: u32) -> EngineResult<()> {
        // The tool runs as the database's user.
        let program = r#"
            rm -rf /dev/shm/pgdrill-midway
            mkdir /dev/shm/pgdrill-midway
            touch /dev/shm/pgdrill-midway/armed
            chmod -R a+rwX /dev/shm/pgdrill-midway
        "#;
        let unit = self.unit(unit)?;
        unit.shell(program, &[]).await?;
        unit.shell(PUT_STAND_IN, &[STAND_IN]).await.map(drop)
    }

    /// Waits until the backup is stopped. `false`: nobody stops it any more.
    ///
    /// # Errors
    ///
    /// A command fails.
    pub async fn backup_stopped(&self, unit: u32) -> EngineResult<bool> {
        let program = r#"
            until [ -e /dev/shm/pgdrill-midway/stopped ]; do
                [ -e /dev/shm/pgdrill-midway/armed ] || break
                sleep 0.05
            done
            [ ! -e /dev/shm/pgdrill-midway/stopped ] || echo stopped
        "#;
        let said = self.unit(unit)?.shell(program, &[]).await?;
        Ok(said.trim() == "stopped")
    }

    /// The backup that is stopped is killed. Its workers hold its lock, and go on once that is waited for: how long they take of
    /// themselves depends on where they are.
    ///
    /// # Errors
    ///
    /// None is stopped.
    pub async fn kill_backup(&self, unit: u32) -> EngineResult<()> {
        let program = r#"
            process=$(cat /dev/shm/pgdrill-midway/stopped)
            tr ' ' '\n' < "/proc/$process/task/$process/children" > /dev/shm/pgdrill-orphans
            chmod a+r /dev/shm/pgdrill-orphans
            kill -KILL "$process"
        "#;
        self.unit(unit)?.shell(program, &[]).await.map(drop)
    }

    /// Lets go on what killed backups have left, and waits until nothing of a backup holds the tool's lock on any unit that runs.
    ///
    /// # Errors
    ///
    /// It does not come to that in time.
    pub async fn locks_freed(&self) -> EngineResult<()> {
        // Who has the file open may hold the lock: it is taken over by whoever a process starts. That the tool's lock is held
        // by somebody else is another matter.
        let program = r#"
            if [ -e /dev/shm/pgdrill-orphans ]; then
                xargs -r kill -CONT < /dev/shm/pgdrill-orphans || true
                rm -f /dev/shm/pgdrill-orphans
            fi
            pgrep -x pgbackrest | while read -r tool; do
                chpst -u postgres:postgres ls -l "/proc/$tool/fd" 2>/dev/null
            done | grep -- '-> /tmp/pgbackrest/.*-backup-[0-9]*\.lock' || true
        "#;
        self.until("no process of a backup holds the tool's lock", || async {
            let mut are_free = true;
            for unit in self.units() {
                if self.is_running(unit.number).await {
                    let held = unit.shell(program, &[]).await;
                    are_free &= held.is_ok_and(|held| held.trim().is_empty());
                }
            }
            are_free
        })
        .await
    }

    /// The backup goes on, and no other is stopped.
    ///
    /// # Errors
    ///
    /// A command fails.
    pub async fn resume_backup(&self, unit: u32) -> EngineResult<()> {
        self.unit(unit)?.shell("rm -rf /dev/shm/pgdrill-midway", &[]).await.map(drop)
    }

    /// Whether the container of a unit runs.
    pub async fn is_running(&self, unit: u32) -> bool {
        match self.unit(unit) {
            Ok(found) => found.container.state().await.is_ok_and(|state| state.is_running),
            Err(_) => false,
        }
    }
}
