//! Certificates and S3 settings reach several units in every order there is, with units that join before,
//! between and after: whatever the order, what Juju delivers afterwards leaves nothing blocked and every TLS
//! server running, and a replica can take a backup, whoever is the primary then.

#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::{collections::BTreeMap, fmt};

use pgdrill_core::{Amendment, Hook, Outcome, StatusName, ports::ServiceState};
use pgdrill_scenarios::{Plan, PlanStep, Run, judge, run, transcript};
use pgdrill_sim::{
    Change, CredentialsGiven, Given, MemberFate, RelationState, S3Given, ServiceName, ServiceRuns,
    SetMember, SetService, TlsState,
};
use rstest::rstest;

/// The units there are, how many of them from the beginning, and where leader and primary are.
#[derive(Debug, Clone, Copy)]
struct OrderTopology {
    units: u32,
    at_first: u32,
    leader: u32,
    primary: u32,
}

/// What one event of an order is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Certificates,
    S3,
}

/// One step of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OrderStep {
    Arrives(What, u32),
    UnitsJoin,
}

impl fmt::Display for OrderStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arrives(What::Certificates, unit) => write!(f, "certificates-{unit}"),
            Self::Arrives(What::S3, unit) => write!(f, "s3-{unit}"),
            Self::UnitsJoin => f.write_str("join"),
        }
    }
}

/// What Juju delivers once the order is through, twice over.
#[derive(Debug, Clone, Copy)]
enum Afterwards {
    /// The periodic event alone.
    UpdateStatus,
    /// S3 settings, certificates and the periodic event, on every unit.
    Everything,
}

impl Afterwards {
    const fn hooks(self) -> &'static [Hook] {
        match self {
            Self::UpdateStatus => &[Hook::UpdateStatus],
            Self::Everything => {
                &[Hook::S3CredentialsChanged, Hook::CertificatesChanged, Hook::UpdateStatus]
            }
        }
    }
}

fn permutations<T: Copy>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let whole = (0..items.len()).flat_map(|index| {
        let mut rest = items.to_vec();
        let first = rest.remove(index);
        permutations(&rest).into_iter().map(move |mut tail| {
            tail.insert(0, first);
            tail
        })
    });
    whole.collect()
}

/// Every order in which certificates and S3 settings reach the units that are there from the beginning, and
/// those that join hear of both, at every place where they can join.
fn orders(topology: OrderTopology) -> Vec<Vec<OrderStep>> {
    let both =
        |unit| [OrderStep::Arrives(What::Certificates, unit), OrderStep::Arrives(What::S3, unit)];
    let old: Vec<OrderStep> = (0..topology.at_first).flat_map(both).collect();
    let new: Vec<OrderStep> = (topology.at_first..topology.units).flat_map(both).collect();
    if new.is_empty() {
        return permutations(&old);
    }
    let mut orders = Vec::new();
    for old in permutations(&old) {
        for at in 0..=old.len() {
            for new in permutations(&new) {
                // Those that join hear of both at once, or once everyone else has.
                let (before, after) = old.split_at(at);
                let join = [OrderStep::UnitsJoin];
                orders.push([before, &join, &new, after].concat());
                if !after.is_empty() {
                    orders.push([before, &join, after, &new].concat());
                }
            }
        }
    }
    orders
}

fn fire(hook: Hook, unit: u32) -> PlanStep {
    PlanStep::Fire { hook, unit: unit.into(), parameters: BTreeMap::new(), injections: Vec::new() }
}

fn delivered_twice(afterwards: Afterwards, units: u32) -> Vec<PlanStep> {
    let hooks = [afterwards.hooks(), afterwards.hooks()].concat();
    hooks.into_iter().flat_map(|hook| (0..units).map(move |unit| fire(hook, unit))).collect()
}

fn planned(topology: OrderTopology, order: &[OrderStep], afterwards: Afterwards) -> Plan {
    let OrderTopology { units, at_first, leader, primary } = topology;
    let first = |leader: u32| if leader < at_first { leader } else { 0 };
    let given = Given {
        units: at_first,
        leader: first(leader),
        primary: first(primary),
        ..Given::default()
    };
    let mut steps = Vec::new();
    for (index, step) in order.iter().enumerate() {
        let (what, unit) = match *step {
            OrderStep::Arrives(what, unit) => (what, unit),
            OrderStep::UnitsJoin => {
                steps.push(PlanStep::Change(Change::ScaleTo(units)));
                steps.push(PlanStep::Change(Change::LeaderMovesTo(leader)));
                steps.push(PlanStep::Change(Change::PrimaryMovesTo(primary)));
                continue;
            }
        };
        let is_same =
            |other: &OrderStep| matches!(other, OrderStep::Arrives(other, _) if *other == what);
        let is_first = !order[..index].iter().any(is_same);
        let (change, hook) = match what {
            What::Certificates => (Change::Tls(TlsState::On), Hook::CertificatesChanged),
            What::S3 => (Change::S3Relation(RelationState::Made), Hook::S3CredentialsChanged),
        };
        steps.extend(is_first.then_some(PlanStep::Change(change)));
        steps.push(fire(hook, unit));
    }
    steps.extend(delivered_twice(afterwards, units));
    let order: Vec<String> = order.iter().map(OrderStep::to_string).collect();
    let title = format!("{topology:?}: {}, then {afterwards:?}", order.join(" "));
    Plan::of(title, given, steps)
}

/// The plan, followed by a backup on every replica and a list: under this primary, and under another.
fn with_backups(plan: &Plan, units: u32, primary: u32) -> Plan {
    let mut steps = plan.steps.clone();
    for primary in [primary, (primary + 1) % units, (primary + units - 1) % units] {
        steps.push(PlanStep::Change(Change::PrimaryMovesTo(primary)));
        let replicas = (0..units).filter(|unit| *unit != primary);
        steps.extend(replicas.map(|unit| fire(Hook::CreateBackup, unit)));
        steps.push(fire(Hook::ListBackups, primary));
    }
    Plan { steps, ..plan.clone() }
}

/// What is wrong at the end of a run.
fn wrongs(plan: &Plan, run: &Run) -> Vec<String> {
    let mut wrongs: Vec<String> = run.broken.iter().map(ToString::to_string).collect();
    for seen in &run.observation.units {
        let status = seen.status();
        if status.name != StatusName::Active {
            wrongs.push(format!("unit {} shows {status}", seen.unit));
        }
        if seen.tls_server != ServiceState::Running {
            wrongs.push(format!("unit {} runs no TLS server", seen.unit));
        }
        if !seen.deferred.is_empty() {
            wrongs.push(format!("unit {} still keeps {:?}", seen.unit, seen.deferred));
        }
    }
    if run.observation.stanza.is_none() {
        wrongs.push("no stanza is recorded".to_owned());
    }
    for step in &run.firings {
        if let Outcome::Failed(why) = &step.fired.firing.outcome {
            wrongs.push(format!("{} on unit {}: {why}", step.fired.firing.hook, step.fired.unit));
        }
        if let Outcome::Error(error) = &step.fired.firing.outcome {
            wrongs.push(format!("{} on unit {}: {error}", step.fired.firing.hook, step.fired.unit));
        }
    }
    let lost = judge(plan, run).walks.into_iter().filter(|(_, walk)| walk.is_none());
    wrongs.extend(lost.map(|(hook, _)| format!("{hook} leaves its chart")));
    wrongs
}

#[rstest]
#[case::two_led_by_the_primary(2, 2, 0, 0)]
#[case::two_led_by_the_replica(2, 2, 1, 0)]
#[case::three_led_by_the_primary(3, 3, 0, 0)]
#[case::three_led_by_a_replica(3, 3, 1, 0)]
#[case::three_led_from_before_the_primary(3, 3, 0, 2)]
#[case::two_of_one(2, 1, 0, 0)]
#[case::two_of_one_led_by_who_joined(2, 1, 1, 0)]
#[case::three_of_one(3, 1, 0, 0)]
#[case::three_of_one_led_by_who_joined(3, 1, 1, 0)]
#[case::three_of_two_led_by_the_primary(3, 2, 0, 0)]
#[case::three_of_two_led_by_the_replica(3, 2, 1, 0)]
#[case::three_of_two_led_by_who_joined(3, 2, 2, 0)]
#[case::three_of_two_whose_primary_joined(3, 2, 0, 2)]
#[tokio::test]
async fn every_order_comes_up(
    #[case] units: u32,
    #[case] at_first: u32,
    #[case] leader: u32,
    #[case] primary: u32,
    #[values(Afterwards::UpdateStatus, Afterwards::Everything)] afterwards: Afterwards,
) {
    let topology = OrderTopology { units, at_first, leader, primary };
    let plans = orders(topology).into_iter().map(|order| planned(topology, &order, afterwards));
    assert_come_up(plans, units, primary).await;
}

/// Every plan ends well, backups and all; or the first that does not is reported.
async fn assert_come_up(plans: impl Iterator<Item = Plan>, units: u32, primary: u32) {
    let (mut failed, mut count, mut all) = (None, 0, 0);
    for plan in plans.map(|plan| with_backups(&plan, units, primary)) {
        let run = run(&plan).await;
        let wrongs = wrongs(&plan, &run);
        all += 1;
        if !wrongs.is_empty() {
            count += 1;
            failed.get_or_insert((plan.title, wrongs, transcript(&run)));
        }
    }
    assert!(all > 0, "there is nothing to try");
    if let Some((title, wrongs, transcript)) = failed {
        panic!("{count} of {all} orders fail. The first: {title}\n{wrongs:#?}\n{transcript}");
    }
}

/// The replica that dies: where there is another, not the leader.
fn dead(leader: u32, units: u32) -> u32 {
    if leader == units - 1 { 1 } else { units - 1 }
}

/// Something that happens to a cluster that was up, as the rounds that it consists of: what changes, and the
/// hooks that Juju then delivers, in any order of units.
fn later(name: &str, leader: u32, units: u32) -> Vec<(Vec<Change>, Vec<Hook>)> {
    let (s3, certificates) = (Hook::S3CredentialsChanged, Hook::CertificatesChanged);
    let settings = |s3| vec![Change::S3Settings(s3)];
    let wrong = S3Given { credentials: CredentialsGiven::Wrong, ..S3Given::default() };
    let elsewhere = S3Given { path: Some("elsewhere".to_owned()), ..S3Given::default() };
    let member = |unit, is| Change::Member(SetMember { unit, is });
    let stopped = |unit| {
        let (name, is) = (ServiceName::TlsServer, ServiceRuns::Stopped);
        Change::Service(SetService { unit, name, is })
    };
    match name {
        "the settings change" => vec![(settings(elsewhere), vec![s3])],
        "the settings change while a server is down" => {
            vec![([settings(elsewhere), vec![stopped(units - 1)]].concat(), vec![s3])]
        }
        "the settings change while every server is down" => {
            let all = (0..units).map(stopped).collect();
            vec![([settings(elsewhere), all].concat(), vec![s3])]
        }
        "the settings change while a replica is dead" => {
            let change =
                [settings(elsewhere), vec![member(dead(leader, units), MemberFate::Killed)]];
            let alive = member(dead(leader, units), MemberFate::Running);
            vec![(change.concat(), vec![s3]), (vec![alive], vec![s3])]
        }
        "the settings are wrong for a while" => {
            vec![(settings(wrong), vec![s3]), (settings(S3Given::default()), vec![s3])]
        }
        "the settings are wrong while another leads" => {
            let moves = Change::LeaderMovesTo((leader + 1) % units);
            vec![
                (settings(wrong), vec![s3]),
                ([vec![moves], settings(S3Given::default())].concat(), vec![s3]),
            ]
        }
        "the primary moves as the settings change" => {
            vec![([vec![Change::PrimaryMovesTo(1)], settings(elsewhere)].concat(), vec![s3])]
        }
        "S3 goes and comes" => vec![
            (vec![Change::S3Relation(RelationState::Gone)], vec![s3]),
            (vec![Change::S3Relation(RelationState::Made)], vec![s3]),
        ],
        "certificates go and come" => vec![
            (vec![Change::Tls(TlsState::Off)], vec![certificates]),
            (vec![Change::Tls(TlsState::On)], vec![certificates]),
        ],
        "certificates go and come as the settings change" => vec![
            (vec![Change::Tls(TlsState::Off)], vec![certificates]),
            (settings(elsewhere), vec![s3]),
            (vec![Change::Tls(TlsState::On)], vec![certificates]),
        ],
        "every server stops" => vec![((0..units).map(stopped).collect(), vec![])],
        "all others go and come" => vec![
            (vec![Change::ScaleTo(1)], vec![]),
            (vec![Change::ScaleTo(units)], vec![certificates, s3]),
        ],
        other => panic!("nobody said what happens when {other}"),
    }
}

/// Every order of units in every round, and the units that exist in it.
fn later_plans(topology: OrderTopology, name: &str, afterwards: Afterwards) -> Vec<Plan> {
    let OrderTopology { units, leader, .. } = topology;
    let order = orders(topology).remove(0);
    let mut plans = Vec::new();
    let all: Vec<u32> = (0..units).collect();
    for units_in_turn in permutations(&all) {
        let mut plan = planned(topology, &order, Afterwards::UpdateStatus);
        for (round, (changes, hooks)) in later(name, leader, units).into_iter().enumerate() {
            plan.steps.extend(changes.into_iter().map(PlanStep::Change));
            for hook in hooks {
                // What a dead unit was to learn waits for it.
                let reported = units_in_turn.iter().filter(|unit| {
                    name != "the settings change while a replica is dead"
                        || (**unit == dead(leader, units)) == (round == 1)
                });
                plan.steps.extend(reported.map(|unit| fire(hook, *unit)));
            }
        }
        plan.steps.extend(delivered_twice(afterwards, units));
        plan.title =
            format!("{topology:?}: {name}, reported to {units_in_turn:?}, then {afterwards:?}");
        plans.push(plan);
    }
    plans
}

#[rstest]
#[tokio::test]
async fn what_happens_later_is_got_over(
    #[values((2, 0), (2, 1), (3, 0), (3, 1), (3, 2))] units_and_leader: (u32, u32),
    #[values(
        "the settings change",
        "the settings change while a server is down",
        "the settings change while every server is down",
        "the settings change while a replica is dead",
        "the settings are wrong for a while",
        "the settings are wrong while another leads",
        "the primary moves as the settings change",
        "S3 goes and comes",
        "certificates go and come",
        "certificates go and come as the settings change",
        "every server stops",
        "all others go and come"
    )]
    name: &str,
    #[values(Afterwards::UpdateStatus, Afterwards::Everything)] afterwards: Afterwards,
) {
    let (units, leader) = units_and_leader;
    let topology = OrderTopology { units, at_first: units, leader, primary: 0 };
    let primary = u32::from(name == "the primary moves as the settings change");
    let plans = later_plans(topology, name, afterwards);
    assert_come_up(plans.into_iter(), units, primary).await;
}

/// Without any of the amendments that break the circle, some order never comes up, unless it is tried again later.
#[rstest]
#[case::check(Amendment::CheckNeedsOnlyThePrimary, 2, 2, 0)]
#[case::leader(Amendment::PrimaryMakesTheStanza, 2, 2, 1)]
#[case::server(Amendment::TlsServerCatchesUp, 3, 2, 0)]
#[tokio::test]
async fn each_amendment_is_needed(
    #[case] amendment: Amendment,
    #[case] units: u32,
    #[case] at_first: u32,
    #[case] leader: u32,
) {
    let topology = OrderTopology { units, at_first, leader, primary: 0 };
    let mut failed = 0;
    for order in orders(topology) {
        let plan = with_backups(&planned(topology, &order, Afterwards::UpdateStatus), units, 0);
        let amendments = plan.amendments.without(amendment).without(Amendment::S3BlockIsTriedAgain);
        let plan = Plan { amendments, ..plan };
        failed += usize::from(!wrongs(&plan, &run(&plan).await).is_empty());
    }
    assert!(failed > 0, "every order comes up without {amendment}");
}
