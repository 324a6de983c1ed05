//! The databags: what is written, read and landed.

use std::sync::Arc;

use pgdrill_core::{
    PortErrorKind as Kind, Ports,
    ports::{Databag, PortResult, UnitId, key},
};
use pgdrill_sim::Change;

use super::begin;
use crate::contract::{PromiseFailure, PromiseResult, Subject, ensure, ensure_eq, fails};

const BAGS: [Databag; 2] = [Databag::Application, Databag::Unit];

pub(super) async fn absent_key(subject: &dyn Subject) -> PromiseResult {
    let ports = begin(subject, 0).await?;
    for bag in BAGS {
        ensure_eq!("the value", read(&ports, bag).await?, None);
        ensure_eq!("the value", ports.unit.data(bag, "never-written").await?, None);
    }
    Ok(())
}

pub(super) async fn empty_value(subject: &dyn Subject) -> PromiseResult {
    for bag in BAGS {
        for value in ["set", ""] {
            let ports = begin(subject, 0).await?;
            write(&ports, bag, Some(value)).await?;
            let seen = read(&ports, bag).await?;
            ensure_eq!("within the hook", seen.as_deref().unwrap_or(""), value);
            ensure!(seen.as_deref() != Some(""), "an empty value is read as one");
            subject.end(0, true).await?;
        }
        ensure_eq!("after the hook", landed(subject, 0, bag).await?, None);
    }
    Ok(())
}

pub(super) async fn write_lands(subject: &dyn Subject, succeeded: bool) -> PromiseResult {
    let ports = begin(subject, 0).await?;
    for bag in BAGS {
        write(&ports, bag, Some("a value, with = and é")).await?;
    }
    subject.end(0, succeeded).await?;
    let expected = succeeded.then(|| "a value, with = and é".to_owned());
    for bag in BAGS {
        ensure_eq!("the value", landed(subject, 0, bag).await?, expected);
    }
    ensure_eq!("from a peer", landed(subject, 1, Databag::Application).await?, expected);
    Ok(())
}

pub(super) async fn removal_lands(subject: &dyn Subject, succeeded: bool) -> PromiseResult {
    for (value, succeeded) in [(Some("old"), true), (None, succeeded)] {
        let ports = begin(subject, 0).await?;
        for bag in BAGS {
            write(&ports, bag, value).await?;
        }
        subject.end(0, succeeded).await?;
    }
    let expected = (!succeeded).then(|| "old".to_owned());
    for bag in BAGS {
        ensure_eq!("the value", landed(subject, 0, bag).await?, expected);
    }
    Ok(())
}

pub(super) async fn own_writes(subject: &dyn Subject) -> PromiseResult {
    let ports = begin(subject, 0).await?;
    for bag in BAGS {
        for value in [Some("one"), Some("two"), None, Some("three")] {
            write(&ports, bag, value).await?;
            ensure_eq!("the value", read(&ports, bag).await?.as_deref(), value);
        }
    }
    subject.end(0, true).await?;
    for bag in BAGS {
        ensure_eq!("what landed", landed(subject, 0, bag).await?.as_deref(), Some("three"));
    }
    Ok(())
}

pub(super) async fn buffered_is_private(subject: &dyn Subject) -> PromiseResult {
    let ports = begin(subject, 0).await?;
    write(&ports, Databag::Application, Some("buffered")).await?;
    ensure_eq!("from a peer", landed(subject, 1, Databag::Application).await?, None);
    subject.end(0, true).await?;
    let seen = landed(subject, 1, Databag::Application).await?;
    ensure_eq!("from a peer, once the hook succeeded", seen.as_deref(), Some("buffered"));
    Ok(())
}

pub(super) async fn unit_bag_is_own(subject: &dyn Subject) -> PromiseResult {
    let ports = begin(subject, 1).await?;
    write(&ports, Databag::Unit, Some("own")).await?;
    subject.end(1, true).await?;
    ensure_eq!("from its unit", landed(subject, 1, Databag::Unit).await?.as_deref(), Some("own"));
    for (other, bag) in [(0, Databag::Unit), (2, Databag::Unit), (1, Databag::Application)] {
        ensure_eq!("from elsewhere", landed(subject, other, bag).await?, None);
    }
    Ok(())
}

pub(super) async fn peer_bag(subject: &dyn Subject) -> PromiseResult {
    let bag = Databag::Unit;
    ensure_eq!("before anything was written", read_of(subject, 1).await?, None);
    let ports = begin(subject, 1).await?;
    for value in ["first", "a value, with = and é"] {
        write(&ports, bag, Some(value)).await?;
        let own = ports.unit.peer_data(UnitId(1), key::STANZA).await?;
        ensure_eq!("of the unit itself", own.as_deref(), Some(value));
    }
    ensure_eq!("from a peer, within the hook", read_of(subject, 1).await?, None);
    subject.end(1, true).await?;
    let seen = read_of(subject, 1).await?;
    ensure_eq!("from a peer", seen.as_deref(), Some("a value, with = and é"));
    ensure_eq!("of another peer", read_of(subject, 2).await?, None);
    Ok(())
}

pub(super) async fn absent_bag(subject: &dyn Subject) -> PromiseResult {
    let ports = begin(subject, 0).await?;
    let absent = ports.unit.peer_data(UnitId(9), key::STANZA).await;
    ensure!(absent.is_err(), "a databag of a unit that is not there was read: {absent:?}");
    subject.end(0, true).await?;
    Ok(())
}

/// What unit 0 reads of a unit's databag.
async fn read_of(subject: &dyn Subject, unit: u32) -> Result<Option<String>, PromiseFailure> {
    let ports = begin(subject, 0).await?;
    let value = ports.unit.peer_data(UnitId(unit), key::STANZA).await?;
    subject.end(0, false).await?;
    Ok(value.map(|value| value.as_ref().to_owned()))
}

pub(super) async fn denied_write(subject: &dyn Subject) -> PromiseResult {
    let bag = Databag::Application;
    let ports = begin(subject, 1).await?;
    for value in [Some("denied"), None] {
        fails(write(&ports, bag, value).await, "unit.set_data", &[Kind::Denied])?;
        ensure_eq!("within the hook", read(&ports, bag).await?, None);
    }
    write(&ports, Databag::Unit, Some("allowed")).await?;
    subject.end(1, true).await?;
    ensure_eq!("after the hook", landed(subject, 0, bag).await?, None);
    ensure_eq!("the other", landed(subject, 1, Databag::Unit).await?.as_deref(), Some("allowed"));
    Ok(())
}

/// Leadership is a lease: here it lapses within the hook.
pub(super) async fn denied_after_write(subject: &dyn Subject) -> PromiseResult {
    let bag = Databag::Application;
    let ports = begin(subject, 0).await?;
    write(&ports, bag, Some("first")).await?;
    subject.happen(&Change::LeaderMovesTo(1)).await?;
    fails(write(&ports, bag, Some("second")).await, "unit.set_data", &[Kind::Denied])?;
    ensure_eq!("within the hook", read(&ports, bag).await?.as_deref(), Some("first"));
    Ok(())
}

async fn read(ports: &Ports, bag: Databag) -> PortResult<Option<Arc<str>>> {
    ports.unit.data(bag, key::STANZA).await
}

pub(super) async fn write(ports: &Ports, bag: Databag, value: Option<&str>) -> PortResult<()> {
    ports.unit.set_data(bag, key::STANZA, value).await
}

/// A databag's value as it has landed.
pub(super) async fn landed(
    subject: &dyn Subject,
    unit: u32,
    bag: Databag,
) -> Result<Option<String>, PromiseFailure> {
    let ports = begin(subject, unit).await?;
    let value = read(&ports, bag).await?;
    subject.end(unit, false).await?;
    Ok(value.map(|value| value.as_ref().to_owned()))
}
