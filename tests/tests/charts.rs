//! The charts, the core's shapes and the corpus agree, all ways round.

#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::collections::BTreeSet;

use pgdrill_core::{Amendment, Hook, Shape};
use pgdrill_flow::{Chart, Form, PathCount, charts_in_markdown, parse};
use pgdrill_scenarios::{Coverage, charts, judge, plan, read_corpus, run_all};

const PUBLISHED: &str = include_str!("../../core/tests/fixtures/backups.md");

#[test]
fn every_chart_is_read_without_a_complaint() {
    for &hook in Hook::ALL {
        let parsed = parse(hook.chart(), hook.name(), hook.name(), 1);
        let parsed = parsed.unwrap_or_else(|complaint| panic!("{complaint}"));
        assert_eq!(parsed.warnings, [], "{hook}");
        assert!(hook.chart().contains(&format!("%% chart: {hook}")), "{hook} names itself");
    }
    assert_eq!(charts().len(), Hook::ALL.len());
}

#[test]
fn every_node_of_a_chart_is_a_shape_of_the_core_and_every_shape_is_drawn() {
    let mut drawn = BTreeSet::new();
    for (hook, chart) in charts() {
        for node in &chart.nodes {
            let shape = Shape::from_id(&node.id);
            let shape = shape.unwrap_or_else(|| panic!("{hook}: the core lacks {}", node.id));
            let fits = match shape {
                Shape::Question(_) | Shape::Attempt(_) => node.form == Form::Diamond,
                Shape::Action(_) => node.form == Form::Rectangle,
                Shape::Start => node.form == Form::Stadium,
                Shape::Ending(_) => matches!(node.form, Form::Stadium | Form::Flag),
            };
            assert!(fits, "{hook}: {shape:?} is drawn as {:?}", node.form);
            drawn.insert(shape);
        }
    }
    let undrawn: Vec<Shape> = Shape::all().filter(|shape| !drawn.contains(shape)).collect();
    assert_eq!(undrawn, [], "the core has shapes that no chart draws");
}

/// The solid arrows of a chart, each as `from -- label --> to`.
fn solid(chart: &Chart) -> BTreeSet<String> {
    let id = |node: usize| chart.nodes[node].id.as_str();
    let arrows = chart.arrows.iter().filter(|arrow| !arrow.dotted);
    let arrows = arrows.map(|arrow| {
        let label = arrow.label.as_deref().unwrap_or_default();
        format!("{} -- {label} --> {}", id(arrow.from), id(arrow.to))
    });
    arrows.collect()
}

#[test]
fn the_project_draws_the_published_arrows_and_no_other() {
    let published = charts_in_markdown(PUBLISHED, "backups.md");
    assert_eq!(published.errors, []);
    let mut total = 0;
    for theirs in &published.charts {
        let hook: Hook = theirs.name.parse().expect("a published hook");
        let own = pgdrill_scenarios::chart(hook).expect("a chart");
        assert_eq!(solid(own), solid(theirs), "{hook}");
        total += solid(own).len();
    }
    assert_eq!((published.charts.len(), total), (4, 80));
}

#[test]
fn every_dotted_arrow_bears_an_amendment_and_every_amendment_is_drawn() {
    let mut drawn = BTreeSet::new();
    for (hook, chart) in charts() {
        for arrow in chart.arrows.iter().filter(|arrow| arrow.dotted) {
            let label = arrow.label.as_deref().unwrap_or_default();
            let amendment = label.parse::<Amendment>();
            drawn.insert(amendment.unwrap_or_else(|error| panic!("{hook}: {error}")));
        }
    }
    assert_eq!(drawn.len(), Amendment::ALL.len(), "{drawn:?}");
}

#[test]
fn every_amendment_has_a_case_with_it_and_one_without_it() {
    let cases = read_corpus();
    for amendment in Amendment::ALL {
        for (name, off) in [
            (format!("amendments/{amendment}"), false),
            (format!("amendments/{amendment}-off"), true),
        ] {
            let case = cases.iter().find(|case| case.name == name);
            let case = case.unwrap_or_else(|| panic!("there is no case {name}"));
            let without = &case.scenario.as_ref().expect("readable").without;
            assert_eq!(without.iter().any(|name| name.0 == *amendment), off, "{name}");
        }
    }
}

#[tokio::test]
async fn the_corpus_walks_every_arrow_and_every_path_and_nothing_else() {
    let inputs = read_corpus();
    let scenarios: Vec<_> = inputs
        .iter()
        .map(|input| (&input.name, input.scenario.clone().expect("readable")))
        .collect();
    let plans: Vec<_> = scenarios.iter().map(|(_, scenario)| plan(scenario.clone(), &[])).collect();
    let runs = run_all(plans.clone(), 2, |_| {}).await;
    let mut coverage = Coverage::of_own_charts();
    let mut off_chart = Vec::new();
    for (((name, _), plan), run) in scenarios.iter().zip(&plans).zip(&runs) {
        let judged = judge(plan, run);
        let lost = judged.walks.iter().filter(|(_, walk)| walk.is_none());
        off_chart.extend(lost.map(|(hook, _)| format!("{name}: {hook} leaves its chart")));
        for step in &run.firings {
            coverage.count(name, step.fired.firing.hook, &step.fired.firing.trace);
        }
    }
    assert_eq!(off_chart, Vec::<String>::new());
    assert_eq!(coverage.missing_in_chart, Vec::<String>::new());
    let mut unwalked = Vec::new();
    for cover in &coverage.charts {
        for (index, _) in cover.arrows.iter().enumerate().filter(|(_, arrow)| arrow.visits == 0) {
            let (from, to) = cover.ends(index);
            let label = cover.chart.arrows[index].label.as_deref().unwrap_or_default();
            unwalked.push(format!("{}: {from} -- {label} --> {to}", cover.chart.name));
        }
        for path in cover.paths.iter().filter(|path| path.visits == 0) {
            unwalked.push(format!("{}: {}", cover.chart.name, path.path.display(&cover.chart)));
        }
    }
    assert_eq!(unwalked, Vec::<String>::new(), "no case walks these");
    let published = coverage.only(pgdrill_scenarios::PUBLISHED);
    assert_eq!((published.arrows(), published.paths()), ((80, 80), (PathCount::Exactly(42), 42)));
}
