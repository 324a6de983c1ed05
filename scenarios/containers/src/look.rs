//! A look into a unit, whatever state it is in.

use pgdrill_containers::{SERVER_AWAY, UnitContainer};
use pgdrill_core::ports::ServiceState;

use super::{repository::WalPosition, testbed::broken};
use pgdrill_scenarios::Prevented;
use pgdrill_sim::{ManagerSettings, RepositoryPlace, ToolSettings};

/// Everything that a look into a unit reports, a line each: its services, what its server runs on, and whether its database is
/// kept from stopping and its server from starting. Then what [`SIFT`] takes out of its files and of three commands.
///
/// The archive command is the one that the server runs on. Where somebody set another behind the manager's back it is
/// the one in the manager's file, which holds nothing for a moment whenever the manager writes it.
///
/// A run looks thousands of times, and a process in a container is dear: this is as few as can be.
const LOOK: &str = r#"
    known=/run/supervisor
    [ -e "$known" ] || known=/run/supervisor.away
    SVDIR=$known sv status postgresql 'pgbackrest server' 2>&1 || true
    rows=$(exec chpst -u postgres:postgres psql -XAtq -d postgres -c "
        SELECT pg_is_in_recovery(), current_setting('pgdrill.settings', true), CASE
            WHEN EXISTS (SELECT FROM pg_file_settings
                WHERE name = 'archive_command' AND sourcefile LIKE '%auto.conf')
            THEN (SELECT setting FROM pg_file_settings
                WHERE name = 'archive_command' AND sourcefile NOT LIKE '%auto.conf'
                ORDER BY seqno DESC LIMIT 1)
            ELSE current_setting('archive_command') END" 2>/dev/null) || rows=
    echo "$rows"
    [ -L /etc/sv/postgresql/control/t ] && echo 1 || echo 0
    [ -e "$1" ] && echo 1 || echo 0
    {
        ls -A "$PGDATA" || true
        echo --
        /usr/lib/postgresql/17/bin/pg_controldata "$PGDATA" || true
        echo --
        pgrep -ax pgbackrest || true
    } 2>/dev/null | awk -v data="$PGDATA" "$2"
"#;

/// What is reported of a unit's files, a line each: how often its TLS server took new settings, how many files its data
/// directory has, the archive command and the mark in its manager's file, and whether that file restores; whether a command of
/// the backup tool runs that writes to the repository; the bucket and the path of the repository that the backup tool's file
/// names, the system identifier of the data, and from where in the WAL of which segment the server recovered when the data
/// came from a backup; then the stanza of the tool's file, its endpoint, how many secrets and how many other units it names,
/// and whether the manager's file rejects new connections.
const SIFT: &str = r#"
    BEGIN {
        manager = "/etc/patroni/patroni.yml"
        tool = "/etc/pgbackrest.conf"
        label = data "/backup_label.old"
        while ((getline < "/run/pgbackrest-server.reloads") > 0) reloads++
        while ((getline < manager) > 0) {
            if (command == "" && /archive_command:/) command = $0
            if (/^ *pgdrill.settings: ".*"$/) { gsub(/^[^"]*"|"$/, ""); mark = $0 }
            if (/^  method: /) methods++
            if (/host all all all reject/) rejects++
        }
        while ((getline < tool) > 0) {
            if (sub(/^repo1-s3-bucket=/, "")) bucket = $0
            else if (sub(/^repo1-path=/, "")) path = $0
            else if (sub(/^repo1-s3-endpoint=/, "")) endpoint = $0
            else if (/^repo1-s3-key-secret=./) secrets++
            else if (/^pg[0-9]*-host=/) peers++
            else if (/^\[.*\]$/ && $0 != "[global]") stanza = substr($0, 2, length($0) - 2)
        }
        while ((getline < label) > 0)
            if (/^START WAL LOCATION: [^ ]* \(file [0-9A-F]*\)$/) { sub(/\)$/, ""); base = $4 " " $6 }
    }
    /^--$/ { part++; next }
    part == 0 { files++ }
    part == 1 && sub(/^Database system identifier: */, "") { system_id = $0 }
    part == 2 && / (backup|expire|stanza-create)$/ { writing++ }
    END {
        print reloads + 0; print files + 0; print command; print mark; print methods + 0; print writing + 0
        print bucket; print path; print system_id; print base
        print stanza; print endpoint; print secrets + 0; print peers + 0; print rejects + 0
    }
"#;

/// What a look into a unit reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnitLook {
    /// Whether its container runs, goes on and reaches the others.
    pub(super) is_reached: bool,
    pub(super) database: ServiceState,
    pub(super) tls_server: ServiceState,
    /// Whether a service is being started or stopped and can get there.
    pub(super) is_service_moving: bool,
    pub(super) reloads: u32,
    pub(super) is_data_empty: bool,
    /// Whether its server is up, and if so whether it follows another.
    pub(super) follows: Option<bool>,
    /// The archive command of its server; where none is up, of its manager's file.
    pub(super) archive_command: String,
    /// Whether its server runs on other settings of its own than are in its manager's file.
    pub(super) is_behind: bool,
    /// Whether its next bootstrap is a restore.
    pub(super) restores: bool,
    /// Whether its server is kept from starting.
    pub(super) is_kept_down: bool,
    /// Whether a command of the backup tool runs that writes to the repository.
    pub(super) is_tool_writing: bool,
    /// The repository of which the backup tool's file knows.
    pub(super) repository: Option<RepositoryPlace>,
    /// The system identifier of its data.
    pub(super) system_id: Option<u64>,
    /// Where the backup began from which its data came.
    pub(super) base: Option<WalPosition>,
    /// What the backup tool's file says beside the repository.
    pub(super) tool: Option<ToolSettings>,
    /// What the cluster manager's file says.
    pub(super) manager: ManagerSettings,
}

impl UnitLook {
    /// The stanza into which WAL goes.
    pub(super) fn archives_into(&self) -> Option<String> {
        archived_stanza(&self.archive_command)
    }

    /// What there is to see of a container that does not run.
    pub(super) const fn of_the_dead() -> Self {
        Self {
            is_reached: false,
            database: ServiceState::Stopped,
            tls_server: ServiceState::Stopped,
            is_service_moving: false,
            reloads: 0,
            is_data_empty: false,
            follows: None,
            archive_command: String::new(),
            is_behind: false,
            restores: false,
            is_kept_down: false,
            is_tool_writing: false,
            repository: None,
            system_id: None,
            base: None,
            tool: None,
            manager: ManagerSettings { archives_into: None, accepts_connections: false },
        }
    }
}

pub(super) async fn look(unit: &UnitContainer) -> Result<UnitLook, Prevented> {
    let state = unit.container.state().await.map_err(broken)?;
    if !state.is_running {
        return Ok(UnitLook::of_the_dead());
    }
    let reported = unit.shell(LOOK, &[SERVER_AWAY, SIFT]).await.map_err(broken)?;
    Ok(UnitLook { is_reached: state.is_reached(), ..read(&reported) })
}

fn read(reported: &str) -> UnitLook {
    let mut lines = reported.lines();
    let mut next = || lines.next().unwrap_or_default().trim().to_owned();
    let (database, tls_server) = (next(), next());
    let (row, kept_up, kept_down) = (next(), next(), next());
    let (reloads, files) = (next(), next());
    let (configured, mark, methods, writing) = (next(), next(), next(), next());
    let (bucket, path, system_id, base) = (next(), next(), next(), next());
    let (stanza, endpoint, secrets, peers, rejects) = (next(), next(), next(), next(), next());
    let archives_into = archived_stanza(&configured);
    let mut row = row.splitn(3, '|');
    let follows = match row.next() {
        Some("t") => Some(true),
        Some("f") => Some(false),
        _ => None,
    };
    let (runs_on, command) = (row.next().unwrap_or_default(), row.next().unwrap_or_default());
    let is_database_moving = kept_up == "0" && is_moving(&database);
    UnitLook {
        is_reached: true,
        database: service(&database),
        tls_server: service(&tls_server),
        is_service_moving: is_database_moving || is_moving(&tls_server),
        reloads: reloads.parse().unwrap_or_default(),
        is_data_empty: files == "0",
        follows,
        archive_command: if follows.is_some() { command.to_owned() } else { configured },
        is_behind: follows.is_some() && runs_on != mark,
        restores: methods != "0",
        is_kept_down: kept_down == "1",
        is_tool_writing: writing != "0",
        repository: (!bucket.is_empty()).then_some(RepositoryPlace { bucket, path }),
        system_id: system_id.parse().ok(),
        base: base.split_once(' ').and_then(|(lsn, segment)| WalPosition::new(lsn, segment)),
        tool: (!stanza.is_empty()).then(|| ToolSettings {
            stanza,
            endpoint: (!endpoint.is_empty()).then_some(endpoint),
            has_credentials: secrets == "1",
            peers: peers.parse().unwrap_or_default(),
        }),
        manager: ManagerSettings { archives_into, accepts_connections: rejects == "0" },
    }
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

/// Whether a service is not what it is wanted to be, or is just ending.
fn is_moving(words: &str) -> bool {
    words.starts_with("finish: ")
        || words.starts_with("run: ") && words.contains("want down")
        || words.starts_with("down: ") && words.contains("want up")
}

/// The stanza into which an archive command pushes.
fn archived_stanza(command: &str) -> Option<String> {
    let (_, rest) = command.split_once("--stanza=")?;
    rest.split_whitespace().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORTED: &str = "run: postgresql: (pid 41) 9s
down: pgbackrest server: 9s, normally up
f|on:12ab|pgbackrest --stanza=drill.x archive-push %p
0
0
2
24
        archive_command: \"/bin/true\"
on:12ab
0
0
drill-backups-1-2
/drill
7000000000000000001
0/4000028 000000010000000000000004
drill.x
https://s3:9000
1
2
0
";

    #[test]
    fn a_look_tells_what_a_unit_is() {
        let look = read(REPORTED);
        let expected = UnitLook {
            is_reached: true,
            database: ServiceState::Running,
            tls_server: ServiceState::Stopped,
            is_service_moving: false,
            reloads: 2,
            is_data_empty: false,
            follows: Some(false),
            archive_command: "pgbackrest --stanza=drill.x archive-push %p".into(),
            is_behind: false,
            restores: false,
            is_kept_down: false,
            is_tool_writing: false,
            repository: Some(RepositoryPlace {
                bucket: "drill-backups-1-2".into(),
                path: "/drill".into(),
            }),
            system_id: Some(7_000_000_000_000_000_001),
            base: WalPosition::new("0/4000028", "000000010000000000000004"),
            tool: Some(ToolSettings {
                stanza: "drill.x".into(),
                endpoint: Some("https://s3:9000".into()),
                has_credentials: true,
                peers: 2,
            }),
            manager: ManagerSettings { archives_into: None, accepts_connections: true },
        };
        assert_eq!(look, expected);
        assert_eq!(look.archives_into().as_deref(), Some("drill.x"));
        assert!(read(&REPORTED.replace("f|on:12ab", "f|off:34cd")).is_behind);
        let down =
            read(&REPORTED.replace("f|on:12ab|pgbackrest --stanza=drill.x archive-push %p", ""));
        assert_eq!((down.follows, down.is_behind, down.archives_into()), (None, false, None));
    }

    #[test]
    fn a_service_moves_until_it_is_what_it_is_wanted_to_be() {
        for (words, state, moves) in [
            ("run: postgresql: (pid 1) 2s", ServiceState::Running, false),
            ("run: postgresql: (pid 1) 2s, normally down", ServiceState::Running, false),
            ("run: postgresql: (pid 1) 2s, want down, got TERM", ServiceState::Running, true),
            ("finish: postgresql: (pid 1) 2s, want down", ServiceState::Stopped, true),
            ("down: postgresql: 2s, normally up", ServiceState::Stopped, false),
            ("down: postgresql: 0s, normally up, want up", ServiceState::Stopped, true),
            (
                "fail: postgresql: unable to change to service directory: file does not exist",
                ServiceState::Unknown,
                false,
            ),
        ] {
            assert_eq!((service(words), is_moving(words)), (state, moves), "{words}");
        }
    }

    #[test]
    fn an_archive_command_names_its_stanza() {
        let command = "pgbackrest --stanza=drill.patroni-x archive-push %p";
        assert_eq!(archived_stanza(command).as_deref(), Some("drill.patroni-x"));
        assert_eq!(archived_stanza("/bin/true"), None);
    }
}
