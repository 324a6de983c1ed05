//! Actions, their parameters and results, and events that are fired again.

use std::{collections::BTreeMap, sync::Arc};

use pgdrill_core::{
    Hook, PortErrorKind as Kind,
    ports::{ARGUMENT_LIMIT, Databag},
};
use pgdrill_sim::Event;

use super::{
    begin,
    databag::{landed, write},
    event,
};
use crate::contract::{PromiseResult, Subject, ensure_eq, fails};

pub(super) async fn parameters(subject: &dyn Subject) -> PromiseResult {
    let parameters = BTreeMap::from([("backup-id".to_owned(), Arc::from("2026-01-01T00:00:00Z"))]);
    subject.begin(&Event { hook: Hook::Restore, unit: 0, parameters }).await?;
    let unit = subject.ports(0)?.unit;
    let given = unit.parameter("backup-id").await?;
    ensure_eq!("the parameter", given.as_deref(), Some("2026-01-01T00:00:00Z"));
    ensure_eq!("another one", unit.parameter("type").await?, None);
    let peer = subject.ports(1)?.unit;
    ensure_eq!("on another unit", peer.parameter("backup-id").await?, None);
    Ok(())
}

pub(super) async fn names(subject: &dyn Subject) -> PromiseResult {
    let given = [("backup-id", "x"), ("restore-to-time", "latest")];
    let parameters = given.map(|(name, value)| (name.to_owned(), Arc::from(value))).into();
    subject.begin(&Event { hook: Hook::Restore, unit: 0, parameters }).await?;
    let unit = subject.ports(0)?.unit;
    ensure_eq!("the names", unit.parameters().await?, ["backup-id", "restore-to-time"]);
    let peer = subject.ports(1)?.unit;
    ensure_eq!("on another unit", peer.parameters().await?, Vec::<String>::new());
    subject.end(0, true).await?;
    let ports = begin(subject, 0).await?;
    ensure_eq!("in the next hook", ports.unit.parameters().await?, Vec::<String>::new());
    Ok(())
}

pub(super) async fn no_action(subject: &dyn Subject) -> PromiseResult {
    parameters(subject).await?;
    subject.end(0, true).await?;
    ensure_eq!("afterwards", subject.ports(0)?.unit.parameter("backup-id").await?, None);
    let ports = begin(subject, 0).await?;
    ensure_eq!("in the next hook", ports.unit.parameter("backup-id").await?, None);
    Ok(())
}

pub(super) async fn results(subject: &dyn Subject) -> PromiseResult {
    subject.begin(&event(Hook::ListBackups, 0)).await?;
    let unit = subject.ports(0)?.unit;
    for (name, value) in [("backups", "first"), ("note", "two\nlines"), ("backups", "last")] {
        unit.set_result(name, value).await?;
    }
    let seen = subject.end(0, true).await?;
    let expected = [("backups", "last"), ("note", "two\nlines")];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    ensure_eq!("the results", seen.results, BTreeMap::from(expected));
    ensure_eq!("the failure", seen.failure, None);
    Ok(())
}

pub(super) async fn too_long(subject: &dyn Subject) -> PromiseResult {
    subject.begin(&event(Hook::ListBackups, 0)).await?;
    let unit = subject.ports(0)?.unit;
    let longest = "x".repeat(ARGUMENT_LIMIT - "backups=".len());
    unit.set_result("backups", &longest).await?;
    let longer = longest.clone() + "x";
    fails(unit.set_result("backups", &longer).await, "unit.set_result", &[Kind::Refused])?;
    let message = "x".repeat(ARGUMENT_LIMIT + 1);
    fails(unit.fail_action(&message).await, "unit.fail_action", &[Kind::Refused])?;
    let seen = subject.end(0, true).await?;
    let carried = seen.results.get("backups").map(String::len);
    ensure_eq!("the result's length", carried, Some(longest.len()));
    ensure_eq!("the failure", seen.failure, None);
    Ok(())
}

pub(super) async fn failing(subject: &dyn Subject) -> PromiseResult {
    subject.begin(&event(Hook::CreateBackup, 0)).await?;
    let ports = subject.ports(0)?;
    ports.unit.fail_action("it can't be").await?;
    ports.unit.set_result("note", "set afterwards").await?;
    write(&ports, Databag::Unit, Some("written afterwards")).await?;
    let seen = subject.end(0, true).await?;
    ensure_eq!("the failure", seen.failure.as_deref(), Some("it can't be"));
    let note = seen.results.get("note").map(String::as_str);
    ensure_eq!("the result", note, Some("set afterwards"));
    let written = landed(subject, 0, Databag::Unit).await?;
    ensure_eq!("the write", written.as_deref(), Some("written afterwards"));
    Ok(())
}

/// Lets a hook defer its event, so many times.
async fn defer(subject: &dyn Subject, hook: Hook, times: usize, succeeded: bool) -> PromiseResult {
    subject.begin(&event(hook, 0)).await?;
    for _ in 0..times {
        subject.ports(0)?.unit.defer().await?;
    }
    subject.end(0, succeeded).await?;
    Ok(())
}

pub(super) async fn deferral(subject: &dyn Subject, succeeded: bool) -> PromiseResult {
    defer(subject, Hook::S3CredentialsChanged, 1, succeeded).await?;
    ensure_eq!("on a peer", subject.begin(&event(Hook::UpdateStatus, 1)).await?, []);
    let again = subject.begin(&event(Hook::UpdateStatus, 0)).await?;
    let expected: &[Hook] = if succeeded { &[Hook::S3CredentialsChanged] } else { &[] };
    ensure_eq!("fired again first", again, expected);
    Ok(())
}

pub(super) async fn deferred_once(subject: &dyn Subject) -> PromiseResult {
    defer(subject, Hook::S3CredentialsChanged, 2, true).await?;
    let again = subject.begin(&event(Hook::UpdateStatus, 0)).await?;
    ensure_eq!("fired again first", again, [Hook::S3CredentialsChanged]);
    Ok(())
}

pub(super) async fn deferred_ends(subject: &dyn Subject) -> PromiseResult {
    defer(subject, Hook::S3CredentialsChanged, 1, true).await?;
    begin(subject, 0).await?;
    subject.end(0, true).await?;
    let again = subject.begin(&event(Hook::UpdateStatus, 0)).await?;
    ensure_eq!("fired again first", again, []);
    Ok(())
}

pub(super) async fn deferred_survives(subject: &dyn Subject) -> PromiseResult {
    defer(subject, Hook::S3CredentialsChanged, 1, true).await?;
    begin(subject, 0).await?;
    subject.end(0, false).await?;
    let again = subject.begin(&event(Hook::UpdateStatus, 0)).await?;
    ensure_eq!("fired again first", again, [Hook::S3CredentialsChanged]);
    Ok(())
}
