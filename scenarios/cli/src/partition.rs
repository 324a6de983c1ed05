//! `--partition` of `pgdrill run`.

use pgdrill_scenarios::{Input, Partition, digest_of_texts, report::PartOfRun};
use serde_json::{Value, json};

use crate::{
    args::RunArgs,
    results::{Rules, is_whole},
};

/// Leaves of what is selected what is in this part.
pub(crate) fn take(args: &RunArgs, partition: Partition, inputs: &mut Vec<Input>) -> PartOfRun {
    let (of, options) = (inputs.len(), options(args, inputs));
    let is_own = |index: &usize| partition.has(*index as u64);
    let mut indices = 0..of;
    inputs.retain(|_| indices.next().is_some_and(|index| is_own(&index)));
    let own: Vec<usize> = (0..of).filter(is_own).collect();
    // What is refused stands behind what runs.
    let places = |is_refused: bool| {
        let of_kind = inputs.iter().zip(&own);
        let of_kind = of_kind.filter(move |(input, _)| input.scenario.is_err() == is_refused);
        of_kind.map(|(_, at)| *at)
    };
    let at = places(false).chain(places(true)).collect();
    PartOfRun { partition, options, of, at }
}

/// With places for what was refused as it belongs to no scenario.
pub(crate) fn with_orphans(mut part: PartOfRun, ends: usize) -> PartOfRun {
    let orphans = ends.saturating_sub(part.at.len());
    part.at.extend(part.of..part.of + orphans);
    part
}

/// What all parts must have in common: how they run, and what is selected.
fn options(args: &RunArgs, inputs: &[Input]) -> Value {
    let mut off: Vec<&String> = args.no_amendment.iter().collect();
    off.sort_unstable();
    off.dedup();
    let trees = inputs.iter().map(|input| {
        let tree = input.positions.tree().unwrap_or_default();
        Value::Object(tree).to_string()
    });
    let trees: Vec<String> = trees.collect();
    let snapshot = |input: &Input| match &input.snapshot {
        Ok(snapshot) => format!("{snapshot:?}"),
        Err(_) => String::new(),
    };
    let snapshots: Vec<String> = inputs.iter().map(snapshot).collect();
    let names = inputs.iter().map(|input| input.name.as_str());
    let texts = names.chain(trees.iter().chain(&snapshots).map(String::as_str));
    json!({
        "backend": args.backend().name(),
        "no_amendment": off,
        "require": args.require.map(|required| required.name()),
        "require_snapshots": Rules::of(args).requires_snapshots,
        "scenarios": inputs.len(),
        "selection": digest_of_texts(texts),
        "whole": is_whole(args),
    })
}
