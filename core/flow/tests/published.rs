//! The charts that upstream publishes, read from the document as it stands.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use pgdrill_flow::{Form, MarkdownDocument, charts_in_markdown, mermaid, parse};

const TEXT: &str = include_str!("../../tests/fixtures/backups.md");

fn document() -> MarkdownDocument {
    let document = charts_in_markdown(TEXT, "backups.md");
    assert_eq!(document.errors, []);
    document
}

#[test]
fn the_four_charts_are_complete() {
    // Name, nodes, diamonds, arrows, labelled arrows, paths.
    let expected = [
        ("s3-credentials-changed", 15, 8, 22, 16, 9),
        ("create-backup", 20, 11, 28, 22, 19),
        ("list-backups", 6, 3, 7, 6, 4),
        ("restore", 16, 9, 23, 18, 10),
    ];
    let charts = document().charts;
    let found: Vec<_> = charts
        .iter()
        .map(|chart| {
            let is_diamond = |form: Form| form == Form::Diamond;
            let diamonds = chart.nodes.iter().filter(|node| is_diamond(node.form));
            let labelled = chart.arrows.iter().filter(|arrow| arrow.label.is_some());
            assert!(chart.arrows.iter().all(|arrow| !arrow.dotted));
            (
                chart.name.as_str(),
                chart.nodes.len(),
                diamonds.count(),
                chart.arrows.len(),
                labelled.count(),
                chart.paths(1000).listed.len(),
            )
        })
        .collect();
    assert_eq!(found, expected);
    let total = found.iter().fold((0, 0, 0, 0, 0), |sum, one| {
        let (_, nodes, diamonds, arrows, labelled, paths) = one;
        (sum.0 + nodes, sum.1 + diamonds, sum.2 + arrows, sum.3 + labelled, sum.4 + paths)
    });
    assert_eq!(total, (57, 31, 80, 62, 42));
}

#[test]
fn the_two_slips_are_read_as_answers() {
    let warnings = document().warnings;
    let found: Vec<_> = warnings
        .iter()
        .map(|warning| {
            let line = TEXT.lines().nth(warning.line - 1).unwrap();
            assert_eq!(warning.source, line);
            let slip: String = line.chars().skip(warning.column - 1).take(warning.width).collect();
            (warning.line, slip)
        })
        .collect();
    let lines: Vec<usize> = (1..)
        .zip(TEXT.lines())
        .filter(|(_, line)| line.contains("--> no -->") || line.contains("--> yes -->"))
        .map(|(number, _)| number)
        .collect();
    assert_eq!(found, [(lines[0], "no".to_owned()), (lines[1], "yes".to_owned())]);
    assert!(
        warnings[0].what.contains("`was_data_directory_emptied -- no --> start_database_again`")
    );
}

#[test]
fn a_path_reads_as_the_chart_does() {
    let charts = document().charts;
    let chart = &charts[2];
    assert_eq!(chart.start(), chart.node("hook_fired"));
    let paths = chart.paths(100).listed;
    let shown: Vec<String> = paths.iter().map(|path| path.display(chart).to_string()).collect();
    assert_eq!(shown[0], "hook_fired > is_s3_relation_established:no > fail_action");
    assert!(
        shown[3]
            .ends_with("does_pgbackrest_returned_backups_list:yes > return_formatted_backup_list")
    );
}

#[test]
fn the_painted_charts_are_the_same_charts() {
    for chart in document().charts {
        let again = parse(&mermaid(&chart, &[]), "t.mmd", &chart.name, 1).unwrap();
        assert_eq!(again.warnings, []);
        let nodes = again.chart.nodes.iter().zip(&chart.nodes);
        for (one, other) in nodes {
            assert_eq!((&one.id, &one.caption, one.form), (&other.id, &other.caption, other.form));
        }
        assert_eq!(again.chart.paths(1000), chart.paths(1000));
    }
}
