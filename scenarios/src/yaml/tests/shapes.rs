//! The tree: places, and what is refused although it is YAML.

use super::super::{MAX_DEPTH, Span, Value, YamlNode};
use super::{only, refused};

/// Every node as `line:column+width`, a mapping's keys before their values.
fn places(node: &YamlNode, into: &mut Vec<String>) {
    let Span { line, column, width } = node.span;
    into.push(format!("{line}:{column}+{width}"));
    match &node.value {
        Value::Scalar { .. } => {}
        Value::Sequence(items) => items.iter().for_each(|item| places(item, into)),
        Value::Mapping(entries) => entries.iter().for_each(|(key, value)| {
            places(key, into);
            places(value, into);
        }),
    }
}

#[track_caller]
fn placed(text: &str, expected: &[&str]) {
    let mut found = Vec::new();
    places(only(text).unwrap().root(), &mut found);
    assert_eq!(found, expected, "{text:?}");
}

#[test]
fn every_node_has_its_place() {
    placed("abc", &["1:1+3"]);
    placed("ké: \"ü\\\"x\"  # c", &["1:1+2", "1:1+2", "1:5+6"]);
    placed("a:\n  bc: 'd''e'", &["1:1+1", "1:1+1", "2:3+2", "2:3+2", "2:7+6"]);
    placed("a: [b, 'c' ]  # d", &["1:1+1", "1:1+1", "1:4+9", "1:5+1", "1:8+3"]);
    placed("{ a: 1, }", &["1:1+9", "1:3+1", "1:6+1"]);
    placed("[a: b]", &["1:1+6", "1:2+1", "1:2+1", "1:5+1"]);
    placed("a: {\n b: c }", &["1:1+1", "1:1+1", "1:4+1", "2:2+1", "2:5+1"]);
    placed("a:\n- b\n-  # c\n  d", &["1:1+1", "1:1+1", "2:1+1", "2:3+1", "4:3+1"]);
    placed("a:\n- # c\n  - -5", &["1:1+1", "1:1+1", "2:1+1", "3:3+1", "3:5+2"]);
    placed("a:\n  - - b", &["1:1+1", "1:1+1", "2:3+1", "2:5+1", "2:7+1"]);
    placed("a:\n\nb: |\n\n  text  \n", &["1:1+1", "1:1+1", "1:2+1", "3:1+1", "5:3+4"]);
    placed("a: some\n  more", &["1:1+1", "1:1+1", "1:4+4"]);
    placed("? a\n? b\n", &["1:1+1", "1:3+1", "2:1+1", "2:3+1", "2:4+1"]);
}

#[test]
fn scalars_are_distinguished_by_their_quotes() {
    let document = only("[a, 'b', \"c\\n\", '']").unwrap();
    let Value::Sequence(items) = &document.root().value else {
        panic!("not a list");
    };
    let scalars: Vec<_> = items.iter().map(|item| &item.value).collect();
    let scalar = |text: &str, quoted| Value::Scalar { text: text.into(), quoted };
    assert_eq!(
        scalars,
        [&scalar("a", false), &scalar("b", true), &scalar("c\n", true), &scalar("", true)]
    );
    assert_eq!(only("|\n x\n").unwrap().root().value, scalar("x\n", true));
}

#[test]
fn anchors_aliases_and_tags_are_refused() {
    let hint = "write the value out in each place";
    refused("a: &x 1\nb: *x\n", &format!("1:4+2 anchors are not supported: `&x` | {hint}"));
    refused("a: &x\n  b: 1\n", &format!("1:4+2 anchors are not supported: `&x` | {hint}"));
    refused("&k a: 1", &format!("1:1+2 anchors are not supported: `&k` | {hint}"));
    refused("- &a [1]\n", &format!("1:3+2 anchors are not supported: `&a` | {hint}"));
    refused("a: [*x, 1]\n", &format!("1:5+2 aliases are not supported: `*x` | {hint}"));
    let hint = "quote a value to make it text; other types follow from the key";
    refused("a: !!str 1\n", &format!("1:4+5 tags are not supported: `!!str` | {hint}"));
    refused("a: !x [1]\n", &format!("1:4+2 tags are not supported: `!x` | {hint}"));
    refused("a: !x!y 1\n", &format!("1:4+4 tags are not supported: `!x!y` | {hint}"));
    refused("a: !<x\n", &format!("1:4+3 tags are not supported: `!<x` | {hint}"));
}

#[test]
fn keys_are_text_and_given_once() {
    let hint = "quote the key if it is meant literally";
    refused("a: {{ x }}\n", &format!("1:5+1 a key must be text, not a list or a mapping | {hint}"));
    refused("? [a]\n: 1\n", &format!("1:3+1 a key must be text, not a list or a mapping | {hint}"));
    refused("a: 1\n: 2\n", "2:1+1 expected a key before `:` | write `key: value`");
    refused(
        "a:\n  b: 1\n  c: 2\n  \"b\": 3\n",
        "4:3+3 the key `b` is given twice, first in line 2 | keep one of them, or put `---` between two documents",
    );
    refused(
        "{1: a, 01: b}",
        "1:8+2 the key `01` is given twice, first in line 1 | keep one of them, or put `---` between two documents",
    );
    assert!(only("- a: 1\n- a: 2\n").is_ok());
}

#[test]
fn nesting_has_a_limit_that_is_located() {
    let flow = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let block = |depth: usize| format!("{}x", "- ".repeat(depth));
    assert_eq!(MAX_DEPTH, 64);
    assert!(only(&flow(64)).is_ok());
    assert!(only(&block(64)).is_ok());
    for depth in [65, 100, 255, 256, 1000] {
        refused(&flow(depth), "1:65+1 nested deeper than 64 levels | -");
        refused(&block(depth), "1:129+1 nested deeper than 64 levels | -");
    }
    refused(&format!("---\n- x\n- {}", flow(64)), "3:66+1 nested deeper than 64 levels | -");
}
