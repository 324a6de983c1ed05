//! A topology that stays up, for a person: how it is, and how its parts are reached.

use std::fmt::Write as _;

use pgdrill_flow::{shown, shown_lines};

use super::table::table;
use crate::topology::{TopologySeen, UnitThere};

/// How it is, laid out in the manner of `juju status`. On a terminal the tables fit so many columns.
#[must_use]
pub fn topology_text(seen: &TopologySeen, columns: Option<usize>) -> String {
    let none = || "none".to_owned();
    let count = seen.units.len().to_string();
    let tls = if seen.tls { "on" } else { "off" };
    let row = [&*seen.name, &*count, tls, &*seen.s3, &*seen.bucket].map(str::to_owned);
    let head = ["Topology", "Units", "TLS", "S3", "Bucket"];
    let mut out = table(&head, &[row.to_vec()], columns);
    let stanza = |name: &Option<String>| name.clone().unwrap_or_else(none);
    let row = vec![stanza(&seen.stanza), stanza(&seen.archives_into)];
    push_table(&mut out, &["Stanza", "WAL goes to"], &[row], columns);
    let head = ["Unit", "Role", "Status", "Member", "postgresql", "pgbackrest server", "Message"];
    let rows: Vec<Vec<String>> = seen.units.iter().map(unit_row).collect();
    push_table(&mut out, &head, &rows, columns);
    let containers = seen.units.iter().filter_map(|unit| unit.container.as_ref());
    let containers = containers.chain(&seen.containers);
    let rows: Vec<Vec<String>> =
        containers.map(|container| vec![container.name.clone(), container.is.to_owned()]).collect();
    if !rows.is_empty() {
        push_table(&mut out, &["Container", "State"], &rows, columns);
    }
    let rows = addresses(seen);
    if rows.is_empty() {
        out.push_str("\nNothing listens on a port: all of it is in memory\n");
    } else {
        push_table(&mut out, &["Service", "Reached at"], &rows, columns);
    }
    push_backups(&mut out, seen, columns);
    push_notes(&mut out, seen);
    out
}

/// A table below what is there.
fn push_table(out: &mut String, head: &[&str], rows: &[Vec<String>], columns: Option<usize>) {
    out.push('\n');
    out.push_str(&table(head, rows, columns));
}

/// What this machine reaches, and where.
fn addresses(seen: &TopologySeen) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for unit in &seen.units {
        let number = unit.unit;
        if let Some(port) = unit.database_port {
            rows.push(vec![format!("PostgreSQL of unit {number}"), format!("127.0.0.1:{port}")]);
        }
        if let Some(port) = unit.api_port {
            let address = format!("http://127.0.0.1:{port}/cluster");
            rows.push(vec![format!("Patroni of unit {number}"), address]);
        }
    }
    if let Some(endpoint) = &seen.endpoint_here {
        rows.push(vec!["S3".to_owned(), endpoint.clone()]);
    }
    rows
}

fn unit_row(unit: &UnitThere) -> Vec<String> {
    let mark = if unit.leads { "*" } else { "" };
    vec![
        format!("{}{mark}", unit.unit),
        unit.role.to_owned(),
        unit.status.to_owned(),
        unit.member.to_owned(),
        unit.postgresql.to_owned(),
        unit.pgbackrest_server.to_owned(),
        unit.message.clone(),
    ]
}

// Writing to a String does not fail, so the results of `write!` below are dropped.

fn push_backups(out: &mut String, seen: &TopologySeen, columns: Option<usize>) {
    if let Some(why) = &seen.backups_unknown {
        let _ = writeln!(out, "\nThe backups are not known: {}", shown_lines(why, "  "));
    } else if seen.backups.is_empty() {
        out.push_str("\nNo backups\n");
    } else {
        let rows = seen.backups.iter().map(|backup| {
            let state = if backup.failed { "failed" } else { "finished" };
            [&*backup.id, backup.kind, state, &*backup.label].map(str::to_owned).to_vec()
        });
        let rows: Vec<Vec<String>> = rows.collect();
        push_table(out, &["Backup", "Type", "State", "Label"], &rows, columns);
    }
}

/// What is out of the ordinary.
fn push_notes(out: &mut String, seen: &TopologySeen) {
    let mut notes = Vec::new();
    if let Some(label) = &seen.restoring {
        notes.push(format!("restoring {label}"));
    }
    for unit in &seen.units {
        let number = unit.unit;
        if unit.accepts_connections == Some(false) {
            notes.push(format!("unit {number} refuses new connections"));
        }
        if unit.data_empty == Some(true) {
            notes.push(format!("the data directory of unit {number} is empty"));
        }
        let deferred = unit.deferred.iter();
        notes.extend(deferred.map(|hook| format!("unit {number} will fire {hook} again")));
    }
    notes.extend(seen.faults.iter().map(|words| format!("fault: {words}")));
    if !notes.is_empty() {
        out.push('\n');
    }
    for note in notes {
        let _ = writeln!(out, "{}", shown(&note));
    }
}

/// How each part is reached from this machine, and what to do next.
#[must_use]
pub fn reach_text(seen: &TopologySeen) -> String {
    let mut out = format!("`{}` is up", seen.name);
    match seen.units.iter().find_map(|unit| unit.container.as_ref()) {
        Some(first) => {
            out.push_str(".\n\n");
            push_containers(&mut out, seen, &first.name);
        }
        None => out.push_str(
            " in memory.\n\nPostgreSQL, Patroni, pgBackRest and S3 are fakes: nothing listens on a port.\n",
        ),
    }
    let unit = unit_for_backups(seen);
    let name = if seen.name == "local" { String::new() } else { format!(" --name {}", seen.name) };
    let _ = write!(
        out,
        "\nNext:\n  pgdrill status{name}\n  pgdrill fire create-backup --unit {unit} --param type=full{name}\n  \
         pgdrill do 's3-server: down'{name}\n  pgdrill heal{name}\n  pgdrill down{name}\n"
    );
    out
}

/// How each container is reached; the first unit's is named.
fn push_containers(out: &mut String, seen: &TopologySeen, first: &str) {
    for unit in &seen.units {
        let Some(container) = unit.container.as_ref().map(|container| &container.name) else {
            continue;
        };
        let _ = write!(
            out,
            "unit {}\n  container  {container}\n  psql       docker exec -it -u postgres {container} psql\n",
            unit.unit
        );
        if let (Some(database), Some(api)) = (unit.database_port, unit.api_port) {
            let _ = write!(
                out,
                "  clients    127.0.0.1:{database}, user postgres; the password is in \
                 {container}:/etc/patroni/patroni.yml\n  Patroni    http://127.0.0.1:{api}/cluster\n"
            );
        }
    }
    let _ = writeln!(out, "S3 ({})\n  bucket     {}", seen.s3, seen.bucket);
    if let Some(here) = &seen.endpoint_here {
        let _ = writeln!(out, "  endpoint   {here} from here, {} from the units", seen.endpoint);
    }
    let _ = write!(
        out,
        "  keys       docker exec {first} grep s3-key /etc/pgbackrest.conf\n  \
         authority  docker exec {first} cat /etc/pgbackrest/ca.crt\nother containers\n"
    );
    for container in &seen.containers {
        let _ = writeln!(out, "  {}", container.name);
    }
}

/// The unit that takes a backup: a replica where there is TLS and one to take it, else the primary. Any other unit
/// fails the action.
fn unit_for_backups(seen: &TopologySeen) -> u32 {
    let by_replica = seen.tls && seen.units.len() > 1;
    let role = if by_replica { "replica" } else { "primary" };
    let fits = seen.units.iter().find(|unit| unit.role == role);
    fits.or(seen.units.first()).map_or(0, |unit| unit.unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::{BackupThere, ContainerSeen};

    fn unit(number: u32) -> UnitThere {
        let name = format!("pgdrill-local-unit-{number}");
        UnitThere {
            unit: number,
            leads: number == 0,
            container: Some(ContainerSeen { name, is: "running" }),
            role: if number == 0 { "primary" } else { "replica" },
            status: "active",
            message: String::new(),
            member: "running",
            postgresql: "running",
            pgbackrest_server: "running",
            accepts_connections: Some(true),
            data_empty: Some(false),
            deferred: Vec::new(),
            database_port: Some(50_000),
            api_port: Some(50_001),
        }
    }

    fn seen() -> TopologySeen {
        TopologySeen {
            name: "local".into(),
            backend: "containers",
            tls: true,
            units: vec![unit(0), unit(1)],
            containers: vec![ContainerSeen { name: "pgdrill-local-etcd".into(), is: "running" }],
            s3: "radosgw".into(),
            endpoint: "https://s3.drill".into(),
            endpoint_here: Some("https://127.0.0.1:50002".into()),
            bucket: "drill-backups".into(),
            stanza: Some("drill.patroni-postgresql-k8s".into()),
            archives_into: Some("drill.patroni-postgresql-k8s".into()),
            restoring: None,
            backups: Vec::new(),
            backups_unknown: None,
            faults: Vec::new(),
        }
    }

    #[test]
    fn a_healthy_topology_is_a_few_tables() {
        let text = topology_text(&seen(), None);
        let expected = "\
Topology  Units  TLS  S3       Bucket
local     2      on   radosgw  drill-backups

Stanza                        WAL goes to
drill.patroni-postgresql-k8s  drill.patroni-postgresql-k8s

Unit  Role     Status  Member   postgresql  pgbackrest server  Message
0*    primary  active  running  running     running
1     replica  active  running  running     running

Container             State
pgdrill-local-unit-0  running
pgdrill-local-unit-1  running
pgdrill-local-etcd    running

Service               Reached at
PostgreSQL of unit 0  127.0.0.1:50000
Patroni of unit 0     http://127.0.0.1:50001/cluster
PostgreSQL of unit 1  127.0.0.1:50000
Patroni of unit 1     http://127.0.0.1:50001/cluster
S3                    https://127.0.0.1:50002

No backups
";
        assert_eq!(text, expected);
        assert_eq!(topology_text(&seen(), Some(80)), expected);
    }

    #[test]
    fn every_line_fits_the_terminal_whatever_the_statuses_are() {
        let mut seen = seen();
        let unit = seen.units.last_mut().expect("two");
        (unit.status, unit.member, unit.message) =
            ("maintenance", "not answering", "word ".repeat(24));
        seen.backups = vec![BackupThere {
            id: "2026-11-23T02:43:06Z".into(),
            label: "20261123-024306F_20261123-024306I".into(),
            kind: "incremental",
            failed: false,
            stanza: "drill.patroni-postgresql-k8s".into(),
        }];
        for columns in [80, 100] {
            let text = topology_text(&seen, Some(columns));
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(columns), "{widest:?}: {text}");
            assert_eq!(text.matches("word").count(), 24, "{text}");
            assert!(!text.contains('…'), "{text}");
        }
    }

    #[test]
    fn in_memory_nothing_is_reached() {
        let mut seen = seen();
        (seen.endpoint_here, seen.containers) = (None, Vec::new());
        for unit in &mut seen.units {
            (unit.container, unit.database_port, unit.api_port) = (None, None, None);
        }
        let text = topology_text(&seen, None);
        assert!(text.contains("\nNothing listens on a port: all of it is in memory\n"), "{text}");
        assert!(!text.contains("Container"), "{text}");
        let text = reach_text(&seen);
        assert!(
            text.starts_with("`local` is up in memory.\n") && !text.contains("docker"),
            "{text}"
        );
    }

    #[test]
    fn what_is_out_of_the_ordinary_stands_below() {
        let mut seen = seen();
        seen.faults = vec!["s3-server: down".into()];
        seen.restoring = Some("20261123-024306F".into());
        seen.backups = vec![BackupThere {
            id: "2026-11-23T02:43:06Z".into(),
            label: "20261123-024306F".into(),
            kind: "full",
            failed: true,
            stanza: "drill.patroni-postgresql-k8s".into(),
        }];
        let unit = seen.units.last_mut().expect("two");
        (unit.role, unit.member) = ("unknown", "not answering");
        unit.container.as_mut().expect("one").is = "frozen";
        unit.accepts_connections = Some(false);
        unit.data_empty = Some(true);
        unit.deferred = vec!["s3-credentials-changed"];
        let text = topology_text(&seen, None);
        for line in [
            "1     unknown  active  not answering  running     running",
            "pgdrill-local-unit-1  frozen",
            "2026-11-23T02:43:06Z  full  failed  20261123-024306F",
            "\n\nrestoring 20261123-024306F",
            "unit 1 refuses new connections",
            "the data directory of unit 1 is empty",
            "unit 1 will fire s3-credentials-changed again",
            "fault: s3-server: down",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
        seen.backups_unknown = Some("the S3 server is dead".into());
        let text = topology_text(&seen, None);
        assert!(text.contains("The backups are not known: the S3 server is dead"), "{text}");
    }

    #[test]
    fn the_backup_that_is_proposed_is_one_that_its_unit_takes() {
        let proposes = |seen: &TopologySeen, unit: u32| {
            let line = format!("  pgdrill fire create-backup --unit {unit} --param type=full\n");
            let text = reach_text(seen);
            assert!(text.contains(&line), "{line}: {text}");
        };
        proposes(&seen(), 1);
        proposes(&TopologySeen { tls: false, ..seen() }, 0);
        proposes(&TopologySeen { units: vec![unit(0)], ..seen() }, 0);
        let mut moved = seen();
        let roles = ["replica", "primary"];
        moved.units.iter_mut().zip(roles).for_each(|(unit, role)| unit.role = role);
        proposes(&moved, 0);
        proposes(&TopologySeen { tls: false, ..moved }, 1);
    }

    #[test]
    fn whoever_started_it_is_shown_how_to_reach_every_container() {
        let text = reach_text(&seen());
        for words in [
            "docker exec -it -u postgres pgdrill-local-unit-1 psql",
            "http://127.0.0.1:50001/cluster",
            "https://127.0.0.1:50002 from here, https://s3.drill from the units",
            "pgdrill-local-etcd",
            "  pgdrill down\n",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        let other = TopologySeen { name: "other".into(), ..seen() };
        assert!(reach_text(&other).contains("pgdrill down --name other"));
    }
}
