//! What of a world is fingerprinted.

use pgdrill_core::{S3Relation, S3Settings, Secret, ports::RepositorySettings};

use super::Fingerprinter;
use crate::{
    juju::{Bag, Juju, UnitInJuju},
    storage::{BackupStore, Bucket, StanzaStore, Storage},
    unit::{Data, Ends, UnitState},
    world::{FAILOVER, World},
};

/// How the key of a backup's log ends: of what is in it, only the labels are looked for again.
const LOG: &str = "/backup.log";

impl World {
    pub(super) fn walk(&self, to: &mut Fingerprinter<'_>) {
        // Identities and the server are the same in all worlds of a search; a cluster that is made is another than all before.
        let Self {
            now,
            seed,
            juju,
            identities: _,
            units,
            primary,
            primary_dead_since,
            dcs,
            is_cluster_recorded,
            archive_stanza,
            archive_command,
            archive_delay,
            storage,
            server: _,
            failure_mode,
            clusters_made: _,
            midway: _,
        } = self;
        // Two things that happen within one second share a name, so it counts how far this one has come.
        to.number(now.rem_euclid(1000).unsigned_abs());
        to.number(*seed);
        to.number(units.len() as u64);
        to.number(primary.map_or(u64::MAX, u64::from));
        let dead = primary_dead_since.map(|since| (now - since).clamp(0, FAILOVER));
        to.number(dead.map_or(u64::MAX, i64::unsigned_abs));
        to.number(*dcs as u64);
        to.flag(*is_cluster_recorded);
        to.option(archive_stanza.as_deref());
        to.number(*archive_command as u64);
        to.number(archive_delay.unsigned_abs());
        to.number(*failure_mode as u64);
        units.iter().for_each(|unit| unit.walk(*now, to));
        juju.walk(to);
        storage.walk(to);
    }
}

impl UnitState {
    fn walk(&self, now: i64, to: &mut Fingerprinter<'_>) {
        // A field that is new has to be looked at here. How often a server was reloaded decides nothing, and between two events
        // no backup runs.
        let Self {
            fate,
            is_workload_reachable,
            database,
            is_stopped_by_fault,
            tls_server,
            tls_server_reloads: _,
            tls_server_settings,
            starting,
            data,
            restored_from,
            is_data_busy,
            is_lock_held,
            locked_by: _,
            orphan_until,
            will_not_stop,
            accepts_connections,
            restore,
            repository,
            has_certificates,
        } = self;
        to.number(*fate as u64);
        to.number(*database as u64);
        to.number(*tls_server as u64);
        for is_so in [
            is_workload_reachable,
            is_stopped_by_fault,
            is_data_busy,
            is_lock_held,
            will_not_stop,
            accepts_connections,
            has_certificates,
        ] {
            to.flag(*is_so);
        }
        let orphaned = orphan_until.map_or(0, |until| (until - now).max(0));
        to.number(orphaned.unsigned_abs());
        settings(tls_server_settings.as_deref(), to);
        settings(repository.as_deref(), to);
        to.flag(starting.is_some());
        if let Some(starting) = starting {
            to.number((starting.until - now).max(0).unsigned_abs());
            match starting.becomes {
                Ends::Up(id) => to.system(id),
                Ends::GivesUp => to.number(u64::MAX),
                Ends::Waits => to.number(u64::MAX - 1),
            }
            to.option(starting.restored_from.as_deref());
        }
        match data {
            Data::Of(id) => to.system(*id),
            Data::Empty => to.number(u64::MAX),
        }
        to.option(restored_from.as_deref());
        to.option(restore.as_ref().map(|it| it.label.as_str()));
        to.option(restore.as_ref().map(|it| it.stanza.as_str()));
    }
}

impl Juju {
    fn walk(&self, to: &mut Fingerprinter<'_>) {
        let Self { planned_units, leader, s3, tls, application, units, revisions } = self;
        to.number(u64::from(*planned_units));
        to.number(u64::from(*leader));
        to.flag(s3.is_some());
        s3.iter().for_each(|s3| relation(s3, to));
        [tls.key, tls.ca, tls.certificate].into_iter().for_each(|has| to.flag(has));
        bag(application, to);
        // How often something changed does not count, but whether it is owed, and whether there is something to owe.
        to.flag(revisions.s3 == 0);
        to.flag(revisions.tls == 0);
        for unit in units {
            // Between two events no dispatch is open.
            let UnitInJuju { history, bag: own, deferred, dispatch: _, delivered, retry } = unit;
            to.flag(delivered.s3 == revisions.s3);
            to.flag(delivered.tls == revisions.tls);
            to.number(retry.map_or(u64::MAX, |hook| hook as u64));
            to.number(deferred.len() as u64);
            deferred.iter().for_each(|hook| to.number(*hook as u64));
            bag(own, to);
            let status = history.last();
            to.number(status.map_or(u64::MAX, |status| status.name as u64));
            to.option(status.map(|status| &*status.message));
        }
    }
}

impl Storage {
    fn walk(&self, to: &mut Fingerprinter<'_>) {
        let Self { state, refused, buckets } = self;
        to.number(*state as u64);
        to.plain(refused);
        to.number(buckets.len() as u64);
        for (name, bucket) in buckets {
            let Bucket { is_forbidden, objects, repositories } = bucket;
            to.plain(name);
            to.flag(*is_forbidden);
            objects.walk(to);
            to.number(repositories.len() as u64);
            for (path, stanzas) in repositories {
                to.plain(path);
                to.number(stanzas.len() as u64);
                stanzas.iter().for_each(|stanza| stanza.walk(to));
            }
        }
    }
}

impl StanzaStore {
    fn walk(&self, to: &mut Fingerprinter<'_>) {
        let (name, system_id, backups, resumable) = self.deciding();
        to.plain(name);
        to.system(system_id);
        to.option(resumable);
        to.number(backups.len() as u64);
        for backup in backups {
            // Its label says when it began; where it lies in the WAL follows from the backups before it.
            let BackupStore { label, kind, prior, failed, segment: _, started: _, stopped: _ } =
                backup;
            to.text(label);
            to.number(*kind as u64);
            to.option(prior.as_deref());
            to.flag(*failed);
        }
    }
}

impl crate::objects::Objects {
    fn walk(&self, to: &mut Fingerprinter<'_>) {
        to.number(self.keys().len() as u64);
        for (key, content) in self.texts().iter() {
            to.text(key);
            to.flag(self.is_unseen(key));
            if key.ends_with(LOG) { to.times_of(content) } else { to.text(content) }
        }
    }
}

fn bag(bag: &Bag, to: &mut Fingerprinter<'_>) {
    // The order in which keys were set is no part of a databag.
    let mut entries: Vec<_> = bag.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    to.number(entries.len() as u64);
    for (key, value) in entries {
        to.plain(key);
        to.text(value);
    }
}

fn settings(settings: Option<&RepositorySettings>, to: &mut Fingerprinter<'_>) {
    to.flag(settings.is_some());
    let Some(RepositorySettings { s3, stanza, tls_peers }) = settings else { return };
    to.plain(stanza);
    to.number(tls_peers.len() as u64);
    tls_peers.iter().for_each(|peer| to.number(u64::from(peer.0)));
    to.flag(s3.is_some());
    let Some(s3) = s3 else { return };
    let S3Settings {
        bucket,
        access_key,
        secret_key,
        endpoint,
        path,
        region,
        uri_style,
        tls_ca_chain,
    } = s3;
    for text in [bucket, endpoint, path] {
        to.plain(text);
    }
    to.plain(access_key.expose());
    to.plain(secret_key.expose());
    to.number(*uri_style as u64);
    for text in [region, tls_ca_chain] {
        to.plain_option(text.as_deref());
    }
}

fn relation(relation: &S3Relation, to: &mut Fingerprinter<'_>) {
    let S3Relation {
        bucket,
        access_key,
        secret_key,
        endpoint,
        path,
        region,
        uri_style,
        tls_ca_chain,
        names_no_secret,
    } = relation;
    for text in [bucket, endpoint, path, region, uri_style, tls_ca_chain] {
        to.plain_option(text.as_deref());
    }
    for secret in [access_key, secret_key] {
        to.plain_option(secret.as_ref().map(Secret::expose));
    }
    to.flag(*names_no_secret);
}
