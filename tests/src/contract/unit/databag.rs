//! The databags: what is written, read and landed.

use std::sync::Arc;

use pgdrill_core::{
    PortErrorKind as Kind, Ports,
    ports::{Databag, PortResult, key},
};
use pgdrill_sim::Change;

use super::begin;
use crate::contract::{Kept, Stand, Unkept, ensure, ensure_eq, fails};

const BAGS: [Databag; 2] = [Databag::Application, Databag::Unit];

pub(super) async fn absent_key(stand: &dyn Stand) -> Kept {
    let ports = begin(stand, 0).await?;
    for bag in BAGS {
        ensure_eq!("the value", read(&ports, bag).await?, None);
        ensure_eq!("the value", ports.unit.data(bag, "never-written").await?, None);
    }
    Ok(())
}

pub(super) async fn empty_value(stand: &dyn Stand) -> Kept {
    for bag in BAGS {
        for value in ["set", ""] {
            let ports = begin(stand, 0).await?;
            write(&ports, bag, Some(value)).await?;
            let seen = read(&ports, bag).await?;
            ensure_eq!("within the hook", seen.as_deref().unwrap_or(""), value);
            ensure!(seen.as_deref() != Some(""), "an empty value is read as one");
            stand.end(0, true).await?;
        }
        ensure_eq!("after the hook", landed(stand, 0, bag).await?, None);
    }
    Ok(())
}

pub(super) async fn write_lands(stand: &dyn Stand, succeeded: bool) -> Kept {
    let ports = begin(stand, 0).await?;
    for bag in BAGS {
        write(&ports, bag, Some("a value, with = and é")).await?;
    }
    stand.end(0, succeeded).await?;
    let expected = succeeded.then(|| "a value, with = and é".to_owned());
    for bag in BAGS {
        ensure_eq!("the value", landed(stand, 0, bag).await?, expected);
    }
    ensure_eq!("from a peer", landed(stand, 1, Databag::Application).await?, expected);
    Ok(())
}

pub(super) async fn removal_lands(stand: &dyn Stand, succeeded: bool) -> Kept {
    for (value, succeeded) in [(Some("old"), true), (None, succeeded)] {
        let ports = begin(stand, 0).await?;
        for bag in BAGS {
            write(&ports, bag, value).await?;
        }
        stand.end(0, succeeded).await?;
    }
    let expected = (!succeeded).then(|| "old".to_owned());
    for bag in BAGS {
        ensure_eq!("the value", landed(stand, 0, bag).await?, expected);
    }
    Ok(())
}

pub(super) async fn own_writes(stand: &dyn Stand) -> Kept {
    let ports = begin(stand, 0).await?;
    for bag in BAGS {
        for value in [Some("one"), Some("two"), None, Some("three")] {
            write(&ports, bag, value).await?;
            ensure_eq!("the value", read(&ports, bag).await?.as_deref(), value);
        }
    }
    stand.end(0, true).await?;
    for bag in BAGS {
        ensure_eq!("what landed", landed(stand, 0, bag).await?.as_deref(), Some("three"));
    }
    Ok(())
}

pub(super) async fn buffered_is_private(stand: &dyn Stand) -> Kept {
    let ports = begin(stand, 0).await?;
    write(&ports, Databag::Application, Some("buffered")).await?;
    ensure_eq!("from a peer", landed(stand, 1, Databag::Application).await?, None);
    stand.end(0, true).await?;
    let seen = landed(stand, 1, Databag::Application).await?;
    ensure_eq!("from a peer, once the hook succeeded", seen.as_deref(), Some("buffered"));
    Ok(())
}

pub(super) async fn unit_bag_is_own(stand: &dyn Stand) -> Kept {
    let ports = begin(stand, 1).await?;
    write(&ports, Databag::Unit, Some("own")).await?;
    stand.end(1, true).await?;
    ensure_eq!("from its unit", landed(stand, 1, Databag::Unit).await?.as_deref(), Some("own"));
    for (other, bag) in [(0, Databag::Unit), (2, Databag::Unit), (1, Databag::Application)] {
        ensure_eq!("from elsewhere", landed(stand, other, bag).await?, None);
    }
    Ok(())
}

pub(super) async fn denied_write(stand: &dyn Stand) -> Kept {
    let bag = Databag::Application;
    let ports = begin(stand, 1).await?;
    for value in [Some("denied"), None] {
        fails(write(&ports, bag, value).await, "unit.set_data", &[Kind::Denied])?;
        ensure_eq!("within the hook", read(&ports, bag).await?, None);
    }
    write(&ports, Databag::Unit, Some("allowed")).await?;
    stand.end(1, true).await?;
    ensure_eq!("after the hook", landed(stand, 0, bag).await?, None);
    ensure_eq!("the other", landed(stand, 1, Databag::Unit).await?.as_deref(), Some("allowed"));
    Ok(())
}

/// Leadership is a lease: here it lapses within the hook.
pub(super) async fn denied_after_write(stand: &dyn Stand) -> Kept {
    let bag = Databag::Application;
    let ports = begin(stand, 0).await?;
    write(&ports, bag, Some("first")).await?;
    stand.happen(&Change::LeaderMovesTo(1)).await?;
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
    stand: &dyn Stand,
    unit: u32,
    bag: Databag,
) -> Result<Option<String>, Unkept> {
    let ports = begin(stand, unit).await?;
    let value = read(&ports, bag).await?;
    stand.end(unit, false).await?;
    Ok(value.map(|value| value.as_ref().to_owned()))
}
