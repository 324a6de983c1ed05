//! What can be seen of a running cluster from outside.

use futures_util::future::{join_all, try_join_all};
use pgdrill_containers::{
    Unit,
    postgres::{Admission, Postgres},
};
use pgdrill_core::ports::{Cluster as _, ServiceState};
use pgdrill_sim::{Observation, UnitSeen};

use super::place::{ContainersPlace, broken};
use pgdrill_scenarios::Prevented;
use pgdrill_sim::lock;

/// The database's superuser.
const SUPERUSER: &str = "postgres";
/// Everything that a look into a unit tells, a line each, whatever state the unit is in: its services, how
/// often its TLS server took new settings, whether its data directory is empty, whether its server follows
/// another, and the archive command that its manager gave it.
const LOOK: &str = r#"
    known=/run/supervisor
    [ -e "$known" ] || known=/run/supervisor.away
    for service in postgresql 'pgbackrest server'; do
        SVDIR=$known sv status "$service" 2>&1 | head -n 1 || true
    done
    cat /run/pgbackrest-server.reloads 2>/dev/null | wc -l
    ls -A "$PGDATA" 2>/dev/null | wc -l
    rows=$(chpst -u postgres:postgres psql -XAtq -d postgres -c "
        SELECT pg_is_in_recovery(),
            (SELECT setting FROM pg_file_settings
             WHERE name = 'archive_command' AND sourcefile NOT LIKE '%auto.conf'
             ORDER BY seqno DESC LIMIT 1)" 2>/dev/null) || rows=
    echo "$rows"
    grep -m 1 archive_command: /etc/patroni/patroni.yml || echo
"#;

/// What a look into a unit told.
pub(super) struct Look {
    pub(super) database: ServiceState,
    pub(super) tls_server: ServiceState,
    reloads: u32,
    pub(super) is_data_empty: bool,
    /// Whether its server is up, and if so whether it follows another.
    pub(super) follows: Option<bool>,
    /// The stanza into which WAL goes.
    pub(super) archives_into: Option<String>,
}

pub(super) async fn observe(place: &ContainersPlace) -> Result<Observation, Prevented> {
    let units = place.topology.units();
    let looks = try_join_all(units.iter().map(look)).await?;
    let members = join_all(units.iter().zip(&looks).map(|(unit, look)| async {
        let member = place.topology.cluster(unit.number).member_state().await.ok();
        (member, accepts_connections(place, unit, look).await)
    }))
    .await;
    let told = lock(&place.world).observe();
    let mut seen = Vec::with_capacity(units.len());
    for ((unit, look), (member, accepts)) in units.iter().zip(&looks).zip(members) {
        let juju = told.units.iter().find(|juju| juju.unit == unit.number);
        seen.push(UnitSeen {
            unit: unit.number,
            history: juju.map(|juju| juju.history.clone()).unwrap_or_default(),
            member,
            database: look.database,
            tls_server: look.tls_server,
            tls_server_reloads: look.reloads,
            accepts_connections: accepts,
            is_data_empty: look.is_data_empty,
            deferred: juju.map(|juju| juju.deferred.clone()).unwrap_or_default(),
        });
    }
    let primary = units.iter().zip(&looks).find(|(_, look)| look.follows == Some(false));
    let archives = primary.map(|(_, look)| look).or(looks.first());
    Ok(Observation {
        units: seen,
        primary: primary.map(|(unit, _)| unit.number),
        stanza: told.stanza,
        restoring: told.restoring,
        archives_into: archives.and_then(|look| look.archives_into.clone()),
        backups: place.bucket.backups().await?,
        objects: place.bucket.objects().await?,
    })
}

/// What a new client meets; where no server answers one, what the configuration says that it would meet.
async fn accepts_connections(place: &ContainersPlace, unit: &Unit, look: &Look) -> bool {
    if look.follows.is_some() {
        match client(place, unit).admission().await {
            Ok(Admission::Accepted) => return true,
            Ok(Admission::Rejected(_)) => return false,
            Ok(Admission::Unserved(_)) | Err(_) => {}
        }
    }
    place.topology.cluster(unit.number).accepts_connections().await.unwrap_or(true)
}

/// A unit's server as a client reaches it who may do everything while connections are accepted.
pub(super) fn client(place: &ContainersPlace, unit: &Unit) -> Postgres {
    let password = place.topology.superuser_password();
    Postgres::new("127.0.0.1", unit.database_port(), SUPERUSER, password)
}

pub(super) async fn look(unit: &Unit) -> Result<Look, Prevented> {
    if !unit.part.is_running().await.map_err(broken)? {
        return Ok(Look {
            database: ServiceState::Stopped,
            tls_server: ServiceState::Stopped,
            reloads: 0,
            is_data_empty: false,
            follows: None,
            archives_into: None,
        });
    }
    let told = unit.shell(LOOK, &[]).await.map_err(broken)?;
    let mut lines = told.lines();
    let mut next = || lines.next().unwrap_or_default().trim().to_owned();
    let (database, tls_server) = (service(&next()), service(&next()));
    let (reloads, files) = (next(), next());
    let (row, configured) = (next(), next());
    let (recovery, command) = row.split_once('|').unwrap_or((&row, ""));
    let follows = match recovery {
        "t" => Some(true),
        "f" => Some(false),
        _ => None,
    };
    let command = if follows.is_some() { command } else { &configured };
    Ok(Look {
        database,
        tls_server,
        reloads: reloads.parse().unwrap_or_default(),
        is_data_empty: files == "0",
        follows,
        archives_into: archived_stanza(command),
    })
}

/// What the supervisor's words mean.
fn service(words: &str) -> ServiceState {
    if words.starts_with("run: ") {
        ServiceState::Running
    } else if words.starts_with("down: ") || words.starts_with("finish: ") {
        ServiceState::Stopped
    } else {
        ServiceState::Unknown
    }
}

/// The stanza into which an archive command pushes.
fn archived_stanza(command: &str) -> Option<String> {
    let (_, rest) = command.split_once("--stanza=")?;
    rest.split_whitespace().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_command_names_its_stanza() {
        let command = "pgbackrest --stanza=drill.patroni-x archive-push %p";
        assert_eq!(archived_stanza(command).as_deref(), Some("drill.patroni-x"));
        assert_eq!(archived_stanza("/bin/true"), None);
    }

    #[test]
    fn a_service_that_the_supervisor_does_not_know_is_unknown() {
        assert_eq!(service("run: postgresql: (pid 1) 2s"), ServiceState::Running);
        assert_eq!(service("down: postgresql: 2s"), ServiceState::Stopped);
        let unknown =
            "fail: postgresql: unable to change to service directory: file does not exist";
        assert_eq!(service(unknown), ServiceState::Unknown);
    }
}
