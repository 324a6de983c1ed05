//! What came of mutants, in the schema of mutation testing reports that viewers show.

use std::collections::BTreeMap;

use pgdrill_core::Hook;
use pgdrill_flow::shown_json;
use serde_json::{Map, Value, json};

use super::mutated::{Mutated, place, place_of};
use crate::{
    charts::all as charts,
    mutate::{Case, End, Noticed, Tested, Unmutated},
};

/// The mutants as one JSON object of the schema's second version. Each chart is a file, each case a test.
#[must_use]
pub fn mutated_json(mutated: &Mutated<'_>) -> String {
    let mut files: BTreeMap<String, Value> = BTreeMap::new();
    for (hook, _) in charts() {
        let own = mutated.tested.iter().enumerate().filter(|(_, it)| it.mutant.hook == *hook);
        let own = own.map(|(index, tested)| mutant(index, tested, mutated));
        let none = mutated.none.iter().enumerate().filter(|(_, it)| it.hook == *hook);
        let mutants: Vec<Value> = own.chain(none.map(|(index, it)| unmutated(index, it))).collect();
        if !mutants.is_empty() {
            let file = json!({ "language": "mermaid", "source": hook.chart(), "mutants": mutants });
            files.insert(file_of(*hook), file);
        }
    }
    let report = json!({
        "schemaVersion": "2",
        "thresholds": { "high": 98, "low": 90 },
        "framework": { "name": "pgdrill", "version": env!("CARGO_PKG_VERSION") },
        "config": {
            "then": mutated.judges.then,
            "snapshots": mutated.judges.snapshots,
            "histories": mutated.histories,
        },
        "files": files,
        "testFiles": tests(mutated.cases),
    });
    shown_json(&report.to_string()).into_owned() + "\n"
}

/// The chart's file in the sources.
fn file_of(hook: Hook) -> String {
    format!("core/charts/{}.mmd", hook.name().replace('-', "_"))
}

fn location(((line, column), (last, end)): ((usize, usize), (usize, usize))) -> Value {
    json!({ "start": { "line": line, "column": column }, "end": { "line": last, "column": end } })
}

fn mutant(index: usize, tested: &Tested, mutated: &Mutated<'_>) -> Value {
    let (status, why) = match tested.end(mutated.judges) {
        End::Law | End::Then | End::Snapshot | End::Explorer => ("Killed", None),
        End::Survived => ("Survived", None),
        End::NoCoverage => ("NoCoverage", None),
        End::Equivalent => ("Ignored", Some("no run of it is another one: it is equivalent")),
    };
    let test = |case: usize| mutated.cases.get(case).map(|case| case.name.clone());
    let killers = killers(tested, mutated);
    let mut killed_by: Vec<String> =
        killers.iter().filter_map(|(_, it)| test(usize::try_from(it.by).ok()?)).collect();
    killed_by.sort_unstable();
    killed_by.dedup();
    let mut whys: Vec<String> = killers
        .iter()
        .map(|(who, it)| {
            let case = test(usize::try_from(it.by).unwrap_or(usize::MAX)).unwrap_or_default();
            format!("{who} of {case}: {}", it.what)
        })
        .collect();
    if let Some(Noticed { by, what }) = &tested.explorer {
        whys.push(format!("seed {by}: {what}"));
    }
    whys.extend(why.map(str::to_owned));
    let covered: Vec<String> = tested.covered.iter().filter_map(|case| test(*case)).collect();
    let mut value = Map::new();
    value.insert("id".to_owned(), format!("{index}").into());
    value.insert("mutatorName".to_owned(), tested.mutant.kind().into());
    value.insert("description".to_owned(), tested.mutant.to_string().into());
    value.insert("location".to_owned(), location(place(&tested.mutant)));
    value.insert("status".to_owned(), status.into());
    value.insert("coveredBy".to_owned(), covered.into());
    if !killed_by.is_empty() {
        value.insert("killedBy".to_owned(), killed_by.into());
    }
    if !whys.is_empty() {
        value.insert("statusReason".to_owned(), whys.join("\n").into());
    }
    value.into()
}

/// Every first one among the cases that noticed a mutant.
fn killers<'t>(tested: &'t Tested, mutated: &Mutated<'_>) -> Vec<(&'static str, &'t Noticed)> {
    let laws = tested.laws.iter().map(|(_, noticed)| ("a law", noticed));
    let then = tested.then.iter().filter(|_| mutated.judges.then).map(|it| ("`then`", it));
    let snapshot = tested.snapshot.iter().filter(|_| mutated.judges.snapshots);
    laws.chain(then).chain(snapshot.map(|it| ("the snapshot", it))).collect()
}

/// An arrow that is not mutated, as one that is ignored.
fn unmutated(index: usize, Unmutated { hook, arrow, why }: &Unmutated) -> Value {
    json!({
        "id": format!("none-{index}"),
        "mutatorName": "amendment-always",
        "location": location(place_of(*hook, Some(*arrow), None)),
        "status": "Ignored",
        "statusReason": why,
    })
}

/// The cases by their files.
fn tests(cases: &[Case]) -> BTreeMap<&str, Value> {
    let mut files: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for case in cases {
        let test = json!({ "id": case.name, "name": case.title() });
        files.entry(&case.file).or_default().push(test);
    }
    files.into_iter().map(|(file, tests)| (file, json!({ "tests": tests }))).collect()
}
