//! Mutants do what they say, and who notices them is told right.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use pgdrill_core::{
    Action, Alteration, Amendment, Amendments, Fate, Firing, Hook, Manner, Mark, Outcome, Probe,
    Question, RefinedAnswer, Shape, StatusName, Step,
    ports::{Answer, Call, Observer, PortError},
};
use pgdrill_scenarios::{
    Law, charts,
    explore::Search,
    mutate::{Case, Difference, End, History, Judges, Mutant, Mutation, Tested},
    read_corpus, read_stdin, report,
    report::Mutated,
};
use pgdrill_sim::{Event, Given, S3Given, StanzaGiven, View, World, dispatch, lock};
use serde_json::{Value, json};

/// An alteration of one shape of create-backup, and a probe that has it.
enum Altered {
    Flips(Shape),
    Does(Shape, Manner),
    Inserts { after: Shape, shape: Shape },
}

#[async_trait]
impl Probe for Altered {
    async fn arrive(&self, _: Shape) -> Fate {
        Fate::Live
    }

    async fn leave(&self, _: Shape) -> Fate {
        Fate::Live
    }

    fn alteration(&self) -> Option<&dyn Alteration> {
        Some(self)
    }
}

impl Alteration for Altered {
    fn answer(&self, _: Hook, shape: Shape, given: RefinedAnswer) -> RefinedAnswer {
        match self {
            Self::Flips(at) if *at == shape => RefinedAnswer { yes: !given.yes, refined: None },
            Self::Flips(_) | Self::Does(..) | Self::Inserts { .. } => given,
        }
    }

    fn manner(&self, _: Hook, shape: Shape) -> Manner {
        match self {
            Self::Does(deed, manner) if *deed == shape => *manner,
            Self::Flips(_) | Self::Does(..) | Self::Inserts { .. } => Manner::Once,
        }
    }

    fn inserted(&self, _: Hook, last: Step, next: Option<Shape>) -> Option<(Amendment, Shape)> {
        match self {
            Self::Inserts { after, shape } if last.shape == *after && next != Some(*shape) => {
                Some((Amendment::ReplicaEndsActive, *shape))
            }
            Self::Flips(_) | Self::Does(..) | Self::Inserts { .. } => None,
        }
    }
}

/// A backup of a single unit with this alteration: the firing, its results, and the statuses that it set.
fn backed_up(altered: &Altered) -> (Firing, usize, Vec<StatusName>) {
    let s3 = Some(S3Given::default());
    let given = Given { s3, stanza: StanzaGiven::Initialised, ..Given::default() };
    let world = World::new(&given).shared();
    let ports = View::new(&world, 0).unwrap().ports();
    let event = Event { hook: Hook::CreateBackup, unit: 0, parameters: BTreeMap::new() };
    let fired = dispatch(&world, &ports, &event, Amendments::all(), Some(altered));
    let fired = fired.now_or_never().unwrap().unwrap().remove(0);
    let seen = lock(&world).observe();
    let statuses = seen.units[0].history.iter().skip(1).map(|status| status.name).collect();
    (fired.firing, fired.results.len(), statuses)
}

fn ids(firing: &Firing) -> Vec<&'static str> {
    firing.trace.steps().iter().map(|step| step.shape.id()).collect()
}

#[test]
fn an_action_is_done_in_the_manner_that_is_asked_for_and_told_as_the_chart_has_it() {
    use StatusName::{Active, Maintenance};
    let active = Shape::Action(Action::SetActive);
    let maintenance = Shape::Action(Action::SetMaintenance);
    let finish = Shape::Action(Action::FinishAction);
    let (plain, results, statuses) = backed_up(&Altered::Does(active, Manner::Once));
    assert_eq!((results, &statuses), (1, &vec![Maintenance, Active]));
    for (deed, manner, results, statuses) in [
        (active, Manner::Never, 1, vec![Maintenance]),
        (active, Manner::Twice, 1, vec![Maintenance, Active, Active]),
        (finish, Manner::Never, 0, vec![Maintenance, Active]),
        // A question is next, so it is done before that one.
        (maintenance, Manner::After(active), 1, vec![Maintenance, Active]),
        // Nothing is next.
        (active, Manner::After(active), 1, vec![Maintenance, Active]),
    ] {
        let (firing, found, set) = backed_up(&Altered::Does(deed, manner));
        assert_eq!((found, set), (results, statuses), "{deed} {manner:?}");
        assert_eq!(ids(&firing), ids(&plain), "{deed} {manner:?}");
    }
}

/// The settings and statuses that are asked for, in order.
#[derive(Default)]
struct Asked(Mutex<Vec<Call>>);

#[async_trait]
impl Observer for Asked {
    async fn before(&self, call: Call) -> Fate {
        if matches!(call, Call::ClusterApply | Call::UnitSetStatus) {
            self.0.lock().unwrap().push(call);
        }
        Fate::Live
    }

    async fn after(&self, _: Call, _: Option<&PortError>) -> Answer {
        Answer::Delivered
    }
}

#[test]
fn what_is_swapped_is_done_after_the_next() {
    let s3 = Some(S3Given::default());
    let given =
        Given { units: 2, tls: true, s3, stanza: StanzaGiven::Initialised, ..Given::default() };
    let asked = |altered: Option<&Altered>| {
        let world = World::new(&given).shared();
        let asked = Arc::new(Asked::default());
        let ports = View::new(&world, 1).unwrap().ports().observed(Arc::clone(&asked) as _);
        let event = Event { hook: Hook::CreateBackup, unit: 1, parameters: BTreeMap::new() };
        let probe = altered.map(|altered| altered as &dyn Probe);
        let fired = dispatch(&world, &ports, &event, Amendments::all(), probe);
        let fired = fired.now_or_never().unwrap().unwrap().remove(0);
        let calls = asked.0.lock().unwrap().clone();
        (ids(&fired.firing).join(" "), calls)
    };
    let (path, calls) = asked(None);
    assert_eq!(calls[..2], [Call::ClusterApply, Call::UnitSetStatus]);
    let (first, second) =
        (Shape::Action(Action::BlockNewConnections), Shape::Action(Action::SetMaintenance));
    let swapped = asked(Some(&Altered::Does(first, Manner::After(second))));
    assert_eq!(swapped.0, path);
    assert_eq!(swapped.1[..2], [Call::UnitSetStatus, Call::ClusterApply]);
    assert_eq!(swapped.1.len(), calls.len());
    let other = Shape::Action(Action::SetActive);
    let elsewhere = asked(Some(&Altered::Does(first, Manner::After(other))));
    assert_eq!(elsewhere, (path, calls), "another one is next");
}

#[test]
fn the_trace_goes_by_the_answer_that_counts() {
    let (firing, ..) = backed_up(&Altered::Flips(Shape::Question(Question::IsBlocked)));
    assert_eq!(ids(&firing), ["hook_fired", "is_blocked", "fail_action"]);
    assert_eq!(firing.outcome, Outcome::Failed(String::new()));
    assert_eq!(firing.trace.steps()[1].answer, Some(true));
}

#[test]
fn what_is_inserted_is_marked_and_done() {
    let (after, shape) =
        (Shape::Action(Action::FinishAction), Shape::Action(Action::AllowNewConnections));
    let (firing, ..) = backed_up(&Altered::Inserts { after, shape });
    let at = firing.trace.steps().iter().position(|step| step.shape == after).unwrap();
    let inserted = firing.trace.steps()[at + 1];
    let mark = Some(Mark::Inserted(Amendment::ReplicaEndsActive));
    assert_eq!((inserted.shape, inserted.mark), (shape, mark));
    let last = Shape::Action(Action::SetActive);
    let (firing, _, statuses) =
        backed_up(&Altered::Inserts { after: last, shape: Shape::Action(Action::SetMaintenance) });
    assert_eq!(ids(&firing).last(), Some(&"set_maintenance"), "nothing is next");
    assert_eq!(statuses.last(), Some(&StatusName::Maintenance));
}

const CASE: &str = "scenario: a unit backs up\ncovers: [create-backup/finish_action]\n\
    given: { s3: { related: true }, stanza: initialised }\n\
    fire: [{ hook: create-backup }]\n\
    then: { outcome: finished, not-visited: [create-backup/block_new_connections] }\n";

/// The primary closes for its backup.
const CLOSES: Mutation =
    Mutation::Flipped { at: Shape::Question(Question::IsReplica), given: false };

fn cases(text: &str) -> Vec<Case> {
    read_stdin(text.as_bytes()).iter().filter_map(Case::new).collect()
}

fn create(mutation: Mutation) -> Mutant {
    Mutant { hook: Hook::CreateBackup, mutation }
}

const BOTH: Judges = Judges { then: true, snapshots: true };

#[test]
fn each_mutant_of_a_small_case_ends_as_it_must() {
    let cases = cases(CASE);
    assert!(cases[0].passes);
    let (active, finish) = (Shape::Action(Action::SetActive), Shape::Action(Action::FinishAction));
    let blocked = Shape::Question(Question::IsBlocked);
    for (mutation, end, difference) in [
        (Mutation::Skipped(active), End::Law, Difference::World),
        (Mutation::Skipped(finish), End::Law, Difference::World),
        (CLOSES, End::Law, Difference::World),
        // A status that is set again shows nothing new.
        (Mutation::Doubled(active), End::Equivalent, Difference::None),
        (Mutation::Flipped { at: blocked, given: true }, End::NoCoverage, Difference::None),
        (Mutation::Flipped { at: blocked, given: false }, End::Law, Difference::World),
        (Mutation::Never(Amendment::ReplicaEndsActive), End::Equivalent, Difference::None),
    ] {
        let tested = Tested::new(create(mutation), &cases);
        assert_eq!((tested.end(BOTH), tested.difference), (end, difference), "{mutation:?}");
    }
    let tested = unnoticed_by_laws(Tested::new(create(CLOSES), &cases));
    assert_eq!(tested.end(BOTH), End::Then);
    let not_to_be = "create-backup/block_new_connections was not to be visited, and firing 1";
    assert!(tested.then.as_ref().unwrap().what.starts_with(not_to_be), "{:?}", tested.then);
    assert_eq!(tested.end(Judges { then: false, snapshots: true }), End::Survived);
    let law = Tested::new(create(Mutation::Skipped(active)), &cases).laws;
    assert_eq!(law[0].0, Law::MaintenanceOutlivesAction);
}

/// As if no law had seen it.
fn unnoticed_by_laws(tested: Tested) -> Tested {
    assert!(!tested.laws.is_empty(), "{}", tested.mutant);
    Tested { laws: Vec::new(), ..tested }
}

#[test]
fn a_snapshot_notices_what_nothing_else_does() {
    let mut inputs = read_corpus();
    inputs.retain(|input| input.name == "create-backup/primary-succeeds");
    inputs.iter_mut().for_each(|input| {
        let scenario = input.scenario.as_mut().unwrap();
        (scenario.then, scenario.covers) = Default::default();
    });
    let cases: Vec<Case> = inputs.iter().filter_map(Case::new).collect();
    let tested = unnoticed_by_laws(Tested::new(create(CLOSES), &cases));
    assert_eq!((tested.end(BOTH), tested.then.is_none()), (End::Snapshot, true));
    let without = Judges { then: true, snapshots: false };
    assert_eq!(tested.end(without), End::Survived);
}

#[test]
fn a_history_notices_what_no_case_gets_to() {
    let search = Search::default();
    let histories: Vec<History> = (0..40).filter_map(|seed| History::new(&search, seed)).collect();
    let active = Shape::Action(Action::SetActive);
    let mut tested = Tested::new(create(Mutation::Skipped(active)), &[]);
    assert_eq!(tested.end(BOTH), End::NoCoverage);
    tested.explore(&histories);
    assert_eq!(tested.end(BOTH), End::Explorer);
    assert!(tested.explorer.as_ref().is_some_and(|it| it.what.starts_with("step-undone")));
}

#[test]
fn every_shape_and_every_dotted_arrow_is_mutated_or_said_not_to_be() {
    let mutants = Mutant::all();
    let places: BTreeSet<String> = mutants.iter().map(ToString::to_string).collect();
    assert!(mutants.len() > 250 && places.len() >= mutants.len() - 2, "{}", places.len());
    let mut arrows: BTreeSet<(Hook, usize)> =
        Mutant::none().iter().map(|none| (none.hook, none.arrow)).collect();
    for mutant in mutants.iter().filter(|mutant| mutant.kind() == "amendment-always") {
        arrows.insert((mutant.hook, mutant.arrow().unwrap()));
    }
    for (hook, chart) in charts() {
        for node in &chart.nodes {
            let is_done = ["hook_fired", "hook_error", "rtn"].contains(&node.id.as_str());
            let is_there = |it: &Mutant| {
                it.hook == *hook && it.shape().is_some_and(|shape| shape.id() == node.id)
            };
            assert!(is_done || mutants.iter().any(is_there), "{hook}/{}", node.id);
        }
        for (index, arrow) in chart.arrows.iter().enumerate() {
            assert_eq!(arrow.dotted, arrows.contains(&(*hook, index)), "{hook}, {}", arrow.line);
        }
    }
}

/// What the schema of mutation testing reports asks for, as far as this report has it.
fn schema() -> Value {
    let position = json!({ "type": "object", "required": ["line", "column"], "properties": {
        "line": { "type": "integer", "minimum": 1 }, "column": { "type": "integer", "minimum": 1 },
    }});
    let location = json!({ "type": "object", "required": ["start", "end"], "properties": {
        "start": position, "end": position,
    }});
    let names = json!({ "type": "array", "items": { "type": "string" } });
    let statuses = [
        "Killed",
        "Survived",
        "NoCoverage",
        "CompileError",
        "RuntimeError",
        "Timeout",
        "Ignored",
        "Pending",
    ];
    let mutant = json!({
        "type": "object", "required": ["id", "mutatorName", "location", "status"],
        "additionalProperties": false,
        "properties": {
            "id": { "type": "string" }, "mutatorName": { "type": "string" },
            "description": { "type": "string" }, "statusReason": { "type": "string" },
            "status": { "enum": statuses }, "location": location,
            "coveredBy": names, "killedBy": names,
        },
    });
    let percent = json!({ "type": "integer", "minimum": 0, "maximum": 100 });
    json!({
        "type": "object", "required": ["schemaVersion", "thresholds", "files"],
        "properties": {
            "schemaVersion": { "type": "string", "pattern": "^([1-2]\\d*|0)(\\.(([1-9]\\d*)|0)){0,2}$" },
            "thresholds": { "type": "object", "required": ["high", "low"],
                "properties": { "high": percent, "low": percent } },
            "config": { "type": "object" },
            "framework": { "type": "object", "required": ["name"] },
            "files": { "type": "object", "additionalProperties": {
                "type": "object", "required": ["language", "source", "mutants"],
                "properties": {
                    "language": { "type": "string" }, "source": { "type": "string" },
                    "mutants": { "type": "array", "uniqueItems": true, "items": mutant },
                },
            }},
            "testFiles": { "type": "object", "additionalProperties": {
                "type": "object", "required": ["tests"], "properties": { "tests": {
                    "type": "array", "items": { "type": "object", "required": ["id", "name"] },
                }},
            }},
        },
    })
}

#[test]
fn the_report_is_of_the_schema_and_its_places_are_in_the_charts() {
    let cases = cases(CASE);
    let tested: Vec<Tested> =
        Mutant::all().into_iter().map(|mutant| Tested::new(mutant, &cases)).collect();
    let none = Mutant::none();
    let mutated =
        Mutated { cases: &cases, tested: &tested, none: &none, judges: BOTH, histories: 0 };
    let report: Value = serde_json::from_str(&report::mutated_json(&mutated)).unwrap();
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&report).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let mut ids = BTreeSet::new();
    for (file, of_file) in report["files"].as_object().unwrap() {
        let source: Vec<&str> = of_file["source"].as_str().unwrap().lines().collect();
        for mutant in of_file["mutants"].as_array().unwrap() {
            assert!(ids.insert(mutant["id"].as_str().unwrap().to_owned()), "{mutant}");
            let at = |end: &str, what: &str| {
                usize::try_from(mutant["location"][end][what].as_u64().unwrap()).unwrap()
            };
            let line = source[at("start", "line") - 1];
            let span: String = line.chars().take(at("end", "column") - 1).collect();
            let span: String = span.chars().skip(at("start", "column") - 1).collect();
            let place = mutant["description"].as_str().unwrap_or_default();
            let shape = place.split(['/', ':', ' ']).nth(1).unwrap_or_default();
            let is_never = mutant["mutatorName"] == "amendment-never";
            let is_there = span.starts_with(shape) || is_never;
            assert!(!span.is_empty() && is_there, "{file}: {place}: {span}");
        }
    }
    let killed = |id: &Value| {
        report["testFiles"]["<stdin>"]["tests"].as_array().unwrap().iter().any(|it| it["id"] == *id)
    };
    let mutants = report["files"]["core/charts/create_backup.mmd"]["mutants"].as_array().unwrap();
    let by: Vec<&Value> =
        mutants.iter().filter_map(|it| it["killedBy"].as_array()).flatten().collect();
    assert!(!by.is_empty() && by.into_iter().all(killed), "{}", report["testFiles"]);
}
