//! Test data: the published charts, read by a parser that knows just enough, with invented visits.

use pgdrill_core::chart::{Arrow, Chart, Direction, Form, Node};

const NAMES: [&str; 4] = ["s3-credentials-changed", "create-backup", "list-backups", "restore"];

/// The four published charts, with three amendments.
pub(crate) fn charts() -> Vec<Chart> {
    let blocks = include_str!("published.md").split("```mermaid\n").skip(1);
    let mut charts: Vec<Chart> = NAMES
        .iter()
        .zip(blocks)
        .map(|(name, rest)| parse(name, rest.split("```").next().unwrap_or("")))
        .collect();
    let amended = "allow_new_connections -. replica-ends-active .-> set_active\n\
                   is_replica2 -. reopen-what-was-blocked .-> allow_new_connections\n\
                   hook_fired -. cleanup-survives-errors .-> repair[Repair what an\\nearlier crash left]\n";
    for line in amended.lines() {
        read(&mut charts[1], line, 99);
    }
    charts
}

/// Visits that leave a few arrows unwalked.
pub(crate) fn visits(chart: &Chart) -> Vec<u64> {
    let never = [
        "was_data_directory_emptied>start_database_again",
        "is_replica_tls_disabled>fail_action",
        "is_replica2>allow_new_connections.",
        "upload_error_logs_s3>fail_action2",
        "has_backup_creation_succeeded>upload_error_logs_s3",
        "is_wal_archiving_to_s3_working>set_blocked",
    ];
    let id = |node: usize| chart.nodes[node].id.as_str();
    let key = |a: &Arrow| format!("{}>{}{}", id(a.from), id(a.to), if a.dotted { "." } else { "" });
    let count = |(index, arrow): (usize, &Arrow)| {
        if never.contains(&key(arrow).as_str()) { 0 } else { (index as u64 * 37) % 140 + 1 }
    };
    chart.arrows.iter().enumerate().map(count).collect()
}

/// One chart from a few lines of Mermaid.
pub(crate) fn parse(name: &str, text: &str) -> Chart {
    let mut chart = Chart {
        name: name.to_owned(),
        direction: Direction::TopDown,
        nodes: Vec::new(),
        arrows: Vec::new(),
    };
    for (number, line) in text.lines().enumerate().skip(1) {
        read(&mut chart, line, number + 1);
    }
    chart
}

fn read(chart: &mut Chart, line: &str, number: usize) {
    let line = line.replace("--> no -->", "-- no -->").replace("--> yes -->", "-- yes -->");
    let (open, close, dotted) =
        if line.contains(".->") { (" -.", ".->", true) } else { (" --", "-->", false) };
    let Some((left, right)) = line.split_once(close) else {
        return;
    };
    let (left, label) = match left.split_once(open) {
        Some((left, label)) => (left, Some(label.trim().to_owned())),
        None => (left, None),
    };
    let from = node(chart, left.trim(), number);
    let to = node(chart, right.trim(), number);
    chart.arrows.push(Arrow { from, to, label, dotted, line: number });
}

fn node(chart: &mut Chart, text: &str, line: usize) -> usize {
    let end = text.find(['[', '(', '{', '>']).unwrap_or(text.len());
    let (id, rest) = text.split_at(end);
    let form = match rest.get(..2) {
        Some("([") => Form::Stadium,
        Some("[[") => Form::Subroutine,
        Some("[(") => Form::Cylinder,
        Some("((") => Form::Circle,
        Some("{{") => Form::Hexagon,
        Some(two) if two.starts_with('(') => Form::Rounded,
        Some(two) if two.starts_with('{') => Form::Diamond,
        Some(two) if two.starts_with('>') => Form::Flag,
        _ => Form::Rectangle,
    };
    if let Some(index) = chart.nodes.iter().position(|node| node.id == id) {
        return index;
    }
    let inside = rest.trim_matches(['[', '(', '{', '>', ']', ')', '}']);
    let caption = if inside.is_empty() { id } else { inside };
    let caption = caption.split("\\n").map(str::trim).collect::<Vec<_>>().join("\n");
    chart.nodes.push(Node { id: id.to_owned(), caption, form, line });
    chart.nodes.len() - 1
}
