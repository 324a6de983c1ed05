//! What a unit, as Juju sees it, promises.

mod action;
mod databag;

use std::collections::BTreeMap;

use pgdrill_core::{
    Hook, PortErrorKind as Kind, Ports, S3Problem, S3Settings, STATUS_MESSAGE_LIMIT, Status,
    StatusName, ports::UnitId,
};
use pgdrill_sim::{Change, Event, Given, RelationState, S3Given, S3Parameter, Shelf, TlsState};

use super::{
    CANARY, PromiseFailure, PromiseResult, Subject, ensure, ensure_eq, fails, promises,
    subject::{related, s3},
};
use action::{
    deferral, deferred_ends, deferred_once, deferred_survives, failing, names, no_action,
    parameters, results, too_long,
};
use databag::{
    absent_bag, absent_key, buffered_is_private, denied_after_write, denied_write, empty_value,
    own_writes, peer_bag, removal_lands, unit_bag_is_own, write_lands,
};

promises! {
    /// The promises of `Unit`.
    UNIT {
        "a unit knows who it is, and stays it": units => identity(),
        "there are no ports of a unit that does not exist": units => no_such_unit(),
        "leadership is asked again at every call": units => leadership(),
        "a status lands at once, whether or not the hook succeeds": units => status_lands(),
        "while Juju retries update-status it answers `error`": units => status_while_retried(),
        "a status that only Juju shows is refused": units => status_of_juju(),
        "a status is seen as it was set, to its last character": units => status_intact(),
        "every status is seen in its turn": units => status_history(),
        "a status belongs to its unit alone": units => status_is_own(),
        "after an error a status is the old one or the new one": units => status_of_removed(),
        "the planned units are those of the application, not those that are there":
            || Given { planned_units: Some(5), ..units() } => planned(5),
        "the planned units follow a scaling": units => scaled(),
        "the peers are all other units, in ascending order": units => peers(),
        "an absent key is no value": units => absent_key(),
        "an empty value is no value": units => empty_value(),
        "a databag write lands if the hook succeeds": units => write_lands(true),
        "a databag write is lost if the hook fails": units => write_lands(false),
        "a removal lands if the hook succeeds": units => removal_lands(true),
        "a removal is undone if the hook fails": units => removal_lands(false),
        "a unit reads its own buffered writes, the last one of each key": units => own_writes(),
        "nobody else reads buffered writes": units => buffered_is_private(),
        "a unit's databag is its own": units => unit_bag_is_own(),
        "a peer's databag is read as it has landed, the unit's own as it reads it": units => peer_bag(),
        "a unit that is not there has no databag": units => absent_bag(),
        "a write to the application by a unit that does not lead is denied, and buffers nothing":
            units => denied_write(),
        "a denied write takes no earlier one with it": units => denied_after_write(),
        "without a relation there is no S3 data": units => no_relation(),
        "S3 data is complete, and changes with the relation": related => relation_data(),
        "S3 data that lacks a parameter says which": lacking => relation_lacks(),
        "S3 data is gone with the relation": related => relation_goes(),
        "S3 data shows no credential": related => relation_hides(),
        "the TLS material is what the unit holds": units => tls_material(),
        "a parameter is what the action was given, else nothing": units => parameters(),
        "the names of the parameters are those that the action was given": units => names(),
        "without a running action there is no parameter": units => no_action(),
        "an action carries its results, of each key the last": units => results(),
        "an action that was failed carries its message, and its hook goes on": units => failing(),
        "what an argument can't carry is refused, and nothing changes": units => too_long(),
        "a deferred event is fired again before the next one": units => deferral(true),
        "an event that a failing hook defers is not": units => deferral(false),
        "an event deferred twice is fired again once": units => deferred_once(),
        "an event that was fired again is not fired a third time": units => deferred_ends(),
        "a failing hook keeps the events that were to be fired again": units => deferred_survives(),
    }
}

fn units() -> Given {
    Given { units: 3, ..Given::default() }
}

fn lacking() -> Given {
    let missing = vec![S3Parameter::Bucket, S3Parameter::SecretKey];
    Given { s3: Some(S3Given { missing, ..S3Given::default() }), ..units() }
}

fn event(hook: Hook, unit: u32) -> Event {
    Event { hook, unit, parameters: BTreeMap::new() }
}

/// Begins a hook on a unit; which one does not matter.
async fn begin(subject: &dyn Subject, unit: u32) -> Result<Ports, PromiseFailure> {
    subject.begin(&event(Hook::UpdateStatus, unit)).await?;
    Ok(subject.ports(unit)?)
}

async fn identity(subject: &dyn Subject) -> PromiseResult {
    for unit in 0..3 {
        let ports = subject.ports(unit)?;
        let identity = ports.unit.identity();
        ensure_eq!("the unit", identity.unit(), UnitId(unit));
        ensure!(!identity.model().is_empty() && !identity.application().is_empty(), "{identity:?}");
        subject.happen(&Change::LeaderMovesTo(unit)).await?;
        ensure_eq!("the identity, later", ports.unit.identity(), identity);
        ensure_eq!(
            "the stanza",
            identity.shared_stanza(),
            subject.ports(0)?.unit.identity().shared_stanza()
        );
    }
    Ok(())
}

async fn no_such_unit(subject: &dyn Subject) -> PromiseResult {
    fails(subject.ports(9), "unit.identity", &[Kind::NotFound])?;
    Ok(())
}

async fn leadership(subject: &dyn Subject) -> PromiseResult {
    for leader in [0, 2, 1] {
        subject.happen(&Change::LeaderMovesTo(leader)).await?;
        for unit in 0..3 {
            let leads = subject.ports(unit)?.unit.is_leader().await?;
            ensure_eq!("whether the unit leads", leads, unit == leader);
        }
    }
    Ok(())
}

async fn status_lands(subject: &dyn Subject) -> PromiseResult {
    for succeeded in [true, false] {
        let ports = begin(subject, 0).await?;
        let status = Status::new(StatusName::Maintenance, format!("ends with {succeeded}"));
        ports.unit.set_status(status.clone()).await?;
        ensure_eq!("within the hook", ports.unit.status().await?, status);
        subject.end(0, succeeded).await?;
        ensure_eq!("after the hook", subject.ports(0)?.unit.status().await?, status);
    }
    Ok(())
}

async fn status_while_retried(subject: &dyn Subject) -> PromiseResult {
    let shown = |name| Status::new(name, "by hand");
    begin(subject, 0).await?.unit.set_status(shown(StatusName::Blocked)).await?;
    subject.end(0, false).await?;
    let ports = begin(subject, 0).await?;
    ensure_eq!("while it is retried", ports.unit.status().await?.name, StatusName::Error);
    ports.unit.set_status(shown(StatusName::Maintenance)).await?;
    subject.end(0, true).await?;
    let after = subject.ports(0)?.unit.status().await?;
    ensure_eq!("after it", after, shown(StatusName::Maintenance));
    Ok(())
}

async fn status_of_juju(subject: &dyn Subject) -> PromiseResult {
    let ports = begin(subject, 0).await?;
    let before = ports.unit.status().await?;
    for name in [StatusName::Unknown, StatusName::Error] {
        let refused = ports.unit.set_status(Status::new(name, "")).await;
        fails(refused, "unit.set_status", &[Kind::Refused])?;
    }
    ensure_eq!("the status", ports.unit.status().await?, before);
    subject.end(0, true).await?;
    Ok(())
}

async fn status_intact(subject: &dyn Subject) -> PromiseResult {
    let ports = begin(subject, 0).await?;
    let long = "é".repeat(STATUS_MESSAGE_LIMIT);
    let messages = ["", "backup done", "a \"quote\", a 'tick' and a $dollar", long.as_str()];
    for message in messages {
        for name in [StatusName::Active, StatusName::Blocked, StatusName::Waiting] {
            let status = Status::new(name, message.to_owned());
            ports.unit.set_status(status.clone()).await?;
            ensure_eq!("the status", ports.unit.status().await?, status);
        }
    }
    Ok(())
}

async fn status_history(subject: &dyn Subject) -> PromiseResult {
    let ports = begin(subject, 0).await?;
    let statuses = ["one", "two"].map(|message| Status::new(StatusName::Waiting, message));
    for status in &statuses {
        ports.unit.set_status(status.clone()).await?;
    }
    subject.end(0, false).await?;
    let seen = subject.observe().await?;
    let history = seen.units.first().map(|unit| &unit.history);
    let history: Vec<&Status> = history.into_iter().flat_map(Shelf::iter).collect();
    ensure!(history.ends_with(&statuses.each_ref()), "users saw {history:?}");
    Ok(())
}

async fn status_is_own(subject: &dyn Subject) -> PromiseResult {
    let ports = begin(subject, 1).await?;
    ports.unit.set_status(Status::new(StatusName::Blocked, "own")).await?;
    for other in [0, 2] {
        let seen = subject.ports(other)?.unit.status().await?;
        ensure_eq!("the other unit's status", seen, Status::active());
    }
    Ok(())
}

async fn status_of_removed(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(2)?;
    subject.happen(&Change::ScaleTo(2)).await?;
    let new = Status::new(StatusName::Maintenance, "new");
    fails(ports.unit.set_status(new.clone()).await, "unit.set_status", &[Kind::NotFound])?;
    fails(ports.unit.status().await, "unit.status", &[Kind::NotFound])?;
    subject.happen(&Change::ScaleTo(3)).await?;
    let seen = subject.ports(2)?.unit.status().await?;
    ensure!(seen == Status::active() || seen == new, "the status is {seen}");
    Ok(())
}

async fn planned(subject: &dyn Subject, count: u32) -> PromiseResult {
    ensure_eq!("the planned units", subject.ports(0)?.unit.planned_units().await?, count);
    Ok(())
}

async fn scaled(subject: &dyn Subject) -> PromiseResult {
    planned(subject, 3).await?;
    for count in [4, 1] {
        subject.happen(&Change::ScaleTo(count)).await?;
        planned(subject, count).await?;
        let peers = subject.ports(0)?.unit.peers().await?;
        ensure_eq!("the peers", peers, (1..count).map(UnitId).collect::<Vec<_>>());
    }
    Ok(())
}

async fn peers(subject: &dyn Subject) -> PromiseResult {
    for (unit, others) in [(0, [1, 2]), (1, [0, 2]), (2, [0, 1])] {
        ensure_eq!("the peers", subject.ports(unit)?.unit.peers().await?, others.map(UnitId));
    }
    Ok(())
}

async fn no_relation(subject: &dyn Subject) -> PromiseResult {
    ensure_eq!("the data", subject.ports(0)?.unit.s3_relation().await?, None);
    Ok(())
}

async fn relation_data(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    let before = s3(&ports).await?;
    let moved = S3Given { path: Some("elsewhere/".into()), ..S3Given::default() };
    subject.happen(&Change::S3Settings(moved)).await?;
    let expected = S3Settings { path: "/elsewhere".into(), ..before };
    ensure_eq!("the settings", s3(&ports).await?, expected);
    Ok(())
}

async fn relation_lacks(subject: &dyn Subject) -> PromiseResult {
    let relation = subject.ports(0)?.unit.s3_relation().await?.unwrap_or_default();
    let missing = S3Settings::from_relation(&relation).err();
    ensure_eq!("what is missing", missing, Some(S3Problem::Missing(vec!["bucket", "secret-key"])));
    Ok(())
}

async fn relation_goes(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    subject.happen(&Change::S3Relation(RelationState::Gone)).await?;
    ensure_eq!("the data", ports.unit.s3_relation().await?, None);
    subject.happen(&Change::S3Relation(RelationState::Made)).await?;
    s3(&ports).await?;
    Ok(())
}

async fn relation_hides(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    let settings = s3(&ports).await?;
    for secret in [&settings.access_key, &settings.secret_key] {
        ensure!(secret.expose().contains(CANARY), "the stand's credentials bear no `{CANARY}`");
    }
    let relation = ports.unit.s3_relation().await?;
    for shown in [format!("{relation:?}"), format!("{settings:#?}")] {
        ensure!(!shown.contains(CANARY), "a credential is shown");
    }
    Ok(())
}

async fn tls_material(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    ensure_eq!("at first", ports.unit.tls_material().await?, Default::default());
    for state in [TlsState::On, TlsState::Off] {
        subject.happen(&Change::Tls(state)).await?;
        let complete = ports.unit.tls_material().await?.is_complete();
        ensure_eq!("whether it is complete", complete, state == TlsState::On);
    }
    Ok(())
}
