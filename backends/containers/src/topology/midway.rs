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
