//! A topology that stays up, for a person: how it is, and how its containers are reached.

use std::{borrow::Cow, fmt::Write as _};

use pgdrill_core::{shown, shown_lines};

use crate::{TopologySeen, UnitThere};

/// How it is, laid out in the manner of `juju status`.
#[must_use]
pub fn topology_text(seen: &TopologySeen) -> String {
    let mut out = String::new();
    let none = || "none".to_owned();
    let head = ["Topology", "Units", "TLS", "S3", "Bucket", "Stanza", "WAL goes to"];
    let row = [
        seen.name.clone(),
        seen.units.len().to_string(),
        if seen.tls { "on" } else { "off" }.to_owned(),
        seen.s3.clone(),
        seen.bucket.clone(),
        seen.stanza.clone().unwrap_or_else(none),
        seen.archives_into.clone().unwrap_or_else(none),
    ];
    push_table(&mut out, &head, &[row.to_vec()]);
    out.push('\n');
    let head = ["Unit", "Role", "Status", "Member", "postgresql", "pgbackrest server", "Message"];
    let rows: Vec<Vec<String>> = seen.units.iter().map(unit_row).collect();
    push_table(&mut out, &head, &rows);
    out.push('\n');
    let containers = seen.units.iter().map(|unit| &unit.container).chain(&seen.containers);
    let rows: Vec<Vec<String>> =
        containers.map(|container| vec![container.name.clone(), container.is.to_owned()]).collect();
    push_table(&mut out, &["Container", "State"], &rows);
    push_backups(&mut out, seen);
    push_notes(&mut out, seen);
    out
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

fn push_backups(out: &mut String, seen: &TopologySeen) {
    out.push('\n');
    if let Some(why) = &seen.backups_unknown {
        let _ = writeln!(out, "The backups are not known: {}", shown_lines(why, "  "));
    } else if seen.backups.is_empty() {
        out.push_str("No backups\n");
    } else {
        let rows = seen.backups.iter().map(|backup| {
            let state = if backup.failed { "failed" } else { "finished" };
            [&*backup.id, backup.kind, state, &*backup.label].map(str::to_owned).to_vec()
        });
        push_table(out, &["Backup", "Type", "State", "Label"], &rows.collect::<Vec<_>>());
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

/// How each container is reached from this machine, and what to do next.
#[must_use]
pub fn reach_text(seen: &TopologySeen) -> String {
    let mut out = format!("`{}` is up.\n\n", seen.name);
    for unit in &seen.units {
        let container = &unit.container.name;
        let _ = write!(
            out,
            "unit {}\n  container  {container}\n  psql       docker exec -it -u postgres {container} psql\n  \
             clients    127.0.0.1:{}, user postgres; the password is in {container}:/etc/patroni/patroni.yml\n  \
             Patroni    http://127.0.0.1:{}/cluster\n",
            unit.unit, unit.database_port, unit.api_port
        );
    }
    let unit = seen.container(0);
    let _ = write!(
        out,
        "S3 ({})\n  bucket     {}\n  endpoint   {} from here, {} from the units\n  \
         keys       docker exec {unit} grep s3-key /etc/pgbackrest.conf\n  \
         authority  docker exec {unit} cat /etc/pgbackrest/ca.crt\n",
        seen.s3, seen.bucket, seen.endpoint_here, seen.endpoint
    );
    out.push_str("other containers\n");
    for container in &seen.containers {
        let _ = writeln!(out, "  {}", container.name);
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

/// The unit that takes a backup: a replica where there is TLS and one to take it, else the primary. Any other unit
/// fails the action.
fn unit_for_backups(seen: &TopologySeen) -> u32 {
    let by_replica = seen.tls && seen.units.len() > 1;
    let role = if by_replica { "replica" } else { "primary" };
    let fits = seen.units.iter().find(|unit| unit.role == role);
    fits.or(seen.units.first()).map_or(0, |unit| unit.unit)
}

/// Columns under their heads, two spaces apart.
fn push_table(out: &mut String, head: &[&str], rows: &[Vec<String>]) {
    let rows = rows.iter().map(|row| row.iter().map(|cell| shown(cell)).collect());
    let rows: Vec<Vec<Cow<'_, str>>> = rows.collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
        head.get(column).map_or(0, |head| head.len()).max(widest)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut push = |cells: &[&str]| {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(&widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    };
    push(head);
    for row in &rows {
        push(&row.iter().map(|cell| &**cell).collect::<Vec<_>>());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BackupThere, ContainerSeen};

    fn unit(number: u32) -> UnitThere {
        let name = format!("pgdrill-local-unit-{number}");
        UnitThere {
            unit: number,
            leads: number == 0,
            container: ContainerSeen { name, is: "running" },
            role: if number == 0 { "primary" } else { "replica" },
            status: "active",
            message: String::new(),
            member: "running",
            postgresql: "running",
            pgbackrest_server: "running",
            accepts_connections: Some(true),
            data_empty: Some(false),
            deferred: Vec::new(),
            database_port: 50_000,
            api_port: 50_001,
        }
    }

    fn seen() -> TopologySeen {
        TopologySeen {
            name: "local".into(),
            tls: true,
            units: vec![unit(0), unit(1)],
            containers: vec![ContainerSeen { name: "pgdrill-local-etcd".into(), is: "running" }],
            s3: "radosgw".into(),
            endpoint: "https://s3.drill".into(),
            endpoint_here: "https://127.0.0.1:50002".into(),
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
        let text = topology_text(&seen());
        let expected = "\
Topology  Units  TLS  S3       Bucket         Stanza                        WAL goes to
local     2      on   radosgw  drill-backups  drill.patroni-postgresql-k8s  drill.patroni-postgresql-k8s

Unit  Role     Status  Member   postgresql  pgbackrest server  Message
0*    primary  active  running  running     running
1     replica  active  running  running     running

Container             State
pgdrill-local-unit-0  running
pgdrill-local-unit-1  running
pgdrill-local-etcd    running

No backups
";
        assert_eq!(text, expected);
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
        (unit.role, unit.member, unit.container.is) = ("unknown", "not answering", "frozen");
        unit.accepts_connections = Some(false);
        unit.data_empty = Some(true);
        unit.deferred = vec!["s3-credentials-changed"];
        let text = topology_text(&seen);
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
        let text = topology_text(&seen);
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
