//! Paths of small charts, and of charts with more paths than can be listed.

use super::*;
use crate::parse;

fn chart(lines: &str) -> Chart {
    let text = format!("flowchart TD\n{lines}");
    parse(&text, "t.mmd", "t", 1).unwrap().chart
}

fn shown(lines: &str) -> Vec<String> {
    let chart = chart(lines);
    let paths = chart.paths(100);
    let count = u64::try_from(paths.listed.len()).unwrap();
    assert_eq!(paths.count, PathCount::Exactly(count), "{lines}");
    paths.listed.iter().map(|path| path.display(&chart).to_string()).collect()
}

/// The ids of the nodes of the cycle.
fn cycle(lines: &str) -> Vec<String> {
    let chart = chart(lines);
    let cycle = chart.paths(100).cycle;
    cycle.iter().map(|node| chart.nodes[*node].id.clone()).collect()
}

#[test]
fn paths_follow_the_order_of_the_arrows() {
    let text =
        "s[S] --> q{Q}\nq -- no --> x[X]\nq -- yes --> r{R}\nr -- yes --> y[Y]\nr -- no --> x";
    assert_eq!(shown(text), ["s > q:no > x", "s > q:yes > r:yes > y", "s > q:yes > r:no > x"]);
}

#[test]
fn a_path_keeps_its_nodes_and_arrows() {
    let paths = chart("a[A] --> b[B] --> c[C]").paths(3);
    assert_eq!(paths.listed, [ChartPath { nodes: vec![0, 1, 2], arrows: vec![0, 1] }]);
    assert_eq!((paths.starts, paths.cycle), (vec![0], vec![]));
    assert_eq!(shown("a[A]"), ["a"]);
}

#[test]
fn parallel_arrows_are_different_paths() {
    assert_eq!(shown("a[A] -- no --> b[B]\na -- yes --> b"), ["a:no > b", "a:yes > b"]);
}

#[test]
fn dotted_arrows_are_not_taken_but_make_no_starts() {
    assert_eq!(shown("a[A] --> b[B]\nb -.-> c[C]\nc --> d[D]\nd -.-> a2[A2]"), ["a > b"]);
    assert_eq!(shown("a[A] --> b[B]\nb -.-> c[C] -.-> b"), ["a > b"]);
}

#[test]
fn a_loop_is_taken_once_at_most() {
    let retry = "s[S] --> q{Q}\nq -- no --> w[W] --> q\nq -- yes --> e[E]";
    assert_eq!(shown(retry), ["s > q:no > w > q:yes > e", "s > q:yes > e"]);
    assert_eq!(cycle(retry), ["q", "w"]);
    let two = "q{Q} --> d{D}\nd -- 1 --> q\nd -- 2 --> q\nq --> e[E]";
    let expected = [
        "q > d:1 > q > d:2 > q > e",
        "q > d:1 > q > e",
        "q > d:2 > q > d:1 > q > e",
        "q > d:2 > q > e",
        "q > e",
    ];
    assert_eq!(shown(two), expected);
    // Who went round once may leave anywhere.
    let middle = "q{Q} --> d{D}\nd -- no --> q\nd -- yes --> x[X]";
    assert_eq!(shown(middle), ["q > d:no > q > d:yes > x", "q > d:yes > x"]);
    assert_eq!(shown("a[A] --> a\na --> b[B]"), ["a > a > b", "a > b"]);
}

#[test]
fn a_loop_without_an_end_has_no_path() {
    assert_eq!(shown("a[A] --> b[B] --> a"), Vec::<String>::new());
    assert_eq!(cycle("a[A] --> b[B] --> a"), ["a", "b"]);
    assert_eq!(shown("s[S] --> b[B] --> c[C] --> b\ns --> e[E]"), ["s > e"]);
    assert_eq!(shown("a[A] -.-> b[B] -.-> a"), Vec::<String>::new());
    assert_eq!(shown(""), Vec::<String>::new());
}

#[test]
fn several_starts_are_several_entries() {
    assert_eq!(shown("a[A] --> c[C]\nb[B] --> c"), ["a > c", "b > c"]);
    assert_eq!(chart("a[A] --> c[C]\nb[B] --> c").paths(9).starts, [0, 2]);
}

/// A chain of diamonds, which has two to the power of so many paths.
fn diamonds(count: usize) -> Chart {
    let diamond = |n| format!("n{n}[N] --> x{n}[X] & y{n}[Y] --> n{m}\n", m = n + 1);
    chart(&(0..count).map(diamond).collect::<String>())
}

#[test]
fn paths_beyond_the_bound_are_counted_but_not_listed() {
    let paths = diamonds(40).paths(1000);
    assert_eq!(paths.count, PathCount::Exactly(1 << 40));
    assert_eq!(paths.listed.len(), 1000 / 81);
    assert_eq!(diamonds(70).paths(1000).count, PathCount::MoreThan(u64::MAX));
    let two = chart("a[A] --> b[B]\na --> c[C]");
    assert_eq!((two.paths(3).listed.len(), two.paths(3).count), (1, PathCount::Exactly(2)));
    assert_eq!((two.paths(4).listed.len(), two.paths(4).count), (2, PathCount::Exactly(2)));
}

#[test]
fn counting_around_loops_is_given_up() {
    let mut looped = diamonds(40);
    let back = crate::Arrow { from: 1, to: 0, ..looped.arrows[0].clone() };
    looped.arrows.push(back);
    let paths = looped.paths(1000);
    assert_eq!(paths.count, PathCount::MoreThan(u64::try_from(paths.listed.len()).unwrap()));
    assert!(!paths.listed.is_empty());
    // Nothing but ways round, and one way out that is taken last: the search ends all the same.
    let all: Vec<String> = (0..30).map(|n| format!("n{n}")).collect();
    let group = all.join(" & ");
    let paths = chart(&format!("{group} --> {group}\nn29 --> out")).paths(1000);
    assert!(matches!(paths.count, PathCount::MoreThan(_)));
}

#[test]
fn depth_costs_no_stack() {
    let lines = (0..100_000).map(|n| format!("n{n}[N] --> n{}", n + 1));
    let text = lines.collect::<Vec<_>>().join("\n");
    let chart = chart(&format!("{text}\nn100000[N]"));
    assert_eq!(chart.paths(100_001).listed[0].nodes.len(), 100_001);
    let unlisted = chart.paths(100);
    assert_eq!((unlisted.listed.len(), unlisted.count), (0, PathCount::Exactly(1)));
}
