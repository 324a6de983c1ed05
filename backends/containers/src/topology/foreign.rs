//! What a repository can hold before anything fires, other than a cluster's own good backups.

use pgdrill_core::{
    S3Settings,
    ports::{Repository as _, RepositorySettings},
};

use super::{
    EngineResult, Topology, complaint, host,
    layout::{self, OTHER_DATA, OTHER_PGBACKREST},
    unit,
};

/// The port and the folder of the socket of the other cluster's server, while it runs.
const OTHER_PORT: u16 = 5433;
const OTHER_SOCKET: &str = "/tmp";
/// Runs another cluster's server on `$1`, with its socket in `$2` for port `$3`, has the stanza `$5` made by
/// the configuration `$4` and backups of the types that follow, and stops it. `$6` is the data of this unit's own cluster:
/// one that was restored from the other cluster's backup has become it, and another one is made.
const MAKE_OTHER: &str = r#"
    data=$1 socket=$2 port=$3 config=$4 stanza=$5 own=$6
    shift 6
    identifier() { LC_ALL=C pg_controldata -D "$1" | sed -n 's/^Database system identifier: *//p'; }
    if [ -e "$data/PG_VERSION" ] && [ "$(identifier "$data")" = "$(identifier "$own")" ]; then
        rm -rf "$data"
    fi
    tool="pgbackrest --config=$config --stanza=$stanza"
    [ -e "$data/PG_VERSION" ] || initdb --no-sync --data-checksums -D "$data" >/dev/null
    settings="-c port=$port -c unix_socket_directories=$socket -c listen_addresses= -c fsync=off"
    settings="$settings -c shared_buffers=16MB -c archive_mode=on -c 'archive_command=$tool archive-push %p'"
    pg_ctl -D "$data" -l /tmp/other.log -o "$settings" -w start >/dev/null
    trap 'pg_ctl -D "$data" -m immediate stop >/dev/null' EXIT
    $tool stanza-create
    for kind in "$@"; do $tool --no-backup-standby --type="$kind" backup; done
"#;

impl Topology {
    /// Another cluster's stanza of this name is in the repository, with backups of these types, oldest
    /// first: `full`, `diff` or `incr`.
    ///
    /// # Errors
    ///
    /// A command fails.
    pub async fn store_foreign(
        &self,
        on: u32,
        s3: S3Settings,
        stanza: &str,
        backups: &[&str],
    ) -> EngineResult<()> {
        let unit = self.unit(on)?;
        let mut paths = layout::paths(on, false);
        OTHER_PGBACKREST.clone_into(&mut paths.configuration);
        OTHER_DATA.clone_into(&mut paths.database.data);
        OTHER_SOCKET.clone_into(&mut paths.database.socket);
        paths.database.port = OTHER_PORT;
        let tool = unit::tool(unit.runner(), paths, self.pace.tool());
        let settings =
            RepositorySettings { s3: Some(s3), stanza: stanza.into(), tls_peers: Vec::new() };
        let configured = tool.configure(&settings).await;
        configured.map_err(|error| complaint(&host(on), &error.to_string()))?;
        let port = OTHER_PORT.to_string();
        let fixed = [OTHER_DATA, OTHER_SOCKET, &*port, OTHER_PGBACKREST, stanza, layout::DATA];
        let argv = [&["/bin/sh", "-euc", MAKE_OTHER, "sh"], &fixed[..], backups].concat();
        unit.as_database_user(&argv).await.map(drop)
    }

    /// A full backup in which the tool finds an invalid page is in the repository: a page of a table is
    /// broken on the disk of the primary, and the table is dropped afterwards.
    ///
    /// # Errors
    ///
    /// A command fails.
    pub async fn store_failed_backup(&self, on: u32, stanza: &str) -> EngineResult<()> {
        let unit = self.unit(on)?;
        unit.sql("CREATE TABLE broken AS SELECT generate_series(1, 1000) AS n").await?;
        unit.sql("CHECKPOINT").await?;
        let path = unit.sql("SELECT pg_relation_filepath('broken')").await?;
        let program = r#"printf broken | dd of="$1" bs=1 seek=1000 conv=notrunc status=none"#;
        let file = format!("{}/{}", layout::DATA, path.trim());
        unit.shell(program, &[&file]).await?;
        let stanza = format!("--stanza={stanza}");
        let argv = ["pgbackrest", &stanza, "--no-backup-standby", "--type=full", "backup"];
        unit.as_database_user(&argv).await?;
        unit.sql("DROP TABLE broken").await.map(drop)
    }
}
