//! What a repository can hold before anything fires, other than a cluster's own good backups.

use pgdrill_core::{
    S3Settings,
    ports::{Repository as _, RepositorySettings},
};

use super::{
    Setup, Topology, complaint, host,
    layout::{self, OTHER_DATA, OTHER_PGBACKREST},
    unit,
};

impl Topology {
    /// Another cluster's stanza of this name is in the repository, with backups of these types, oldest
    /// first: `full`, `diff` or `incr`. It is made from a data directory that no server runs on.
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
    ) -> Setup<()> {
        let unit = self.unit(on)?;
        let program =
            r#"[ -e "$1/PG_VERSION" ] || initdb --no-sync --data-checksums -D "$1" >/dev/null"#;
        unit.as_database_user(&["/bin/sh", "-euc", program, "sh", OTHER_DATA]).await?;
        let mut place = layout::place(on, false);
        OTHER_PGBACKREST.clone_into(&mut place.configuration);
        OTHER_DATA.clone_into(&mut place.database.data);
        let tool = unit::tool(unit.runner(), place, self.pace.tool());
        let settings =
            RepositorySettings { s3: Some(s3), stanza: stanza.into(), tls_peers: Vec::new() };
        let configured = tool.configure(&settings).await;
        configured.map_err(|error| complaint(&host(on), &error.to_string()))?;
        let config = format!("--config={OTHER_PGBACKREST}");
        let stanza = format!("--stanza={stanza}");
        let common = ["pgbackrest", &config, &stanza, "--no-online"];
        unit.as_database_user(&[&common[..], &["stanza-create"]].concat()).await?;
        for kind in backups {
            let kind = format!("--type={kind}");
            unit.as_database_user(&[&common[..], &[&kind, "backup"]].concat()).await?;
        }
        Ok(())
    }

    /// A full backup in which the tool finds an invalid page is in the repository: a page of a table is
    /// broken on the disk of the primary, and the table is dropped afterwards.
    ///
    /// # Errors
    ///
    /// A command fails.
    pub async fn store_failed_backup(&self, on: u32, stanza: &str) -> Setup<()> {
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
