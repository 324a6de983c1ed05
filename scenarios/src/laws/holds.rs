//! What makes each status of ours true now.

use pgdrill_core::{
    Status, StatusName,
    inventory::has_served,
    ports::{MemberState, ServiceState, key},
    texts,
};
use pgdrill_sim::{Facts, Observation, UnitSeen};

/// Why what a status says is not so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotSo(pub &'static str);

/// Whether what a unit's status says is so. A text that is not ours always holds, and so does Active.
///
/// # Errors
///
/// Why it is not so.
pub fn holds(
    status: &Status,
    unit: &UnitSeen,
    seen: &Observation,
    facts: &Facts,
) -> Result<(), NotSo> {
    match status.name {
        StatusName::Active | StatusName::Waiting | StatusName::Unknown | StatusName::Error => {
            Ok(())
        }
        StatusName::Maintenance => maintenance_holds(&status.message, unit, seen),
        StatusName::Blocked => block_holds(&status.message, unit, seen, facts),
    }
}

fn so(is_so: bool, otherwise: &'static str) -> Result<(), NotSo> {
    if is_so { Ok(()) } else { Err(NotSo(otherwise)) }
}

fn maintenance_holds(message: &str, unit: &UnitSeen, seen: &Observation) -> Result<(), NotSo> {
    match message {
        texts::RESTORING_BACKUP => so(is_restoring(unit, seen), "no restore is under way"),
        texts::CREATING_BACKUP => Err(NotSo("no backup is under way")),
        texts::INITIALISING_STANZA | texts::CHECKING_STANZA => {
            Err(NotSo("nothing is done with the stanza"))
        }
        _ => Ok(()),
    }
}

fn block_holds(
    message: &str,
    unit: &UnitSeen,
    seen: &Observation,
    facts: &Facts,
) -> Result<(), NotSo> {
    let s3 = facts.s3.as_ref();
    if message == texts::RESTORE_FAILED {
        let is_so = unit.member != Some(MemberState::Running) || runs_on_a_new_cluster(facts);
        return so(is_so, "its database runs");
    }
    if !texts::is_s3_block(message) {
        return Ok(());
    }
    if message == texts::ANOTHER_CLUSTER {
        let is_foreign = s3.is_some_and(|s3| s3.works && s3.is_foreign);
        return so(is_foreign, "the repository is not another cluster's");
    }
    let Some(s3) = s3 else {
        // Settings that are incomplete or can't be used are what it asks to be checked.
        return so(facts.is_s3_related, "there are no S3 settings that could be wrong");
    };
    // Without a primary nothing can be made in the repository.
    so(!s3.works || seen.primary.is_none(), "the S3 settings are right and the server answers")
}

/// Whether the data that is served is of a cluster that the stanza whose restore is recorded has never served.
fn runs_on_a_new_cluster(facts: &Facts) -> bool {
    let systems = facts.application(key::RESTORE_SYSTEMS);
    systems.zip(facts.system_id).is_some_and(|(systems, own)| !has_served(systems, own))
}

/// Whether a restore is under way on a unit: recorded, its service runs, and its member is not up yet.
pub(super) fn is_restoring(unit: &UnitSeen, seen: &Observation) -> bool {
    seen.restoring.is_some()
        && unit.database == ServiceState::Running
        && unit.member != Some(MemberState::Running)
}

#[cfg(test)]
mod tests {
    use pgdrill_sim::{
        BackupGiven, Change, CredentialsGiven, Given, RepositoryGiven, S3Given, S3Parameter,
        ServiceName, ServiceRuns, SetService, StanzaGiven, World,
    };

    use super::*;

    fn healthy() -> Given {
        Given {
            s3: Some(S3Given::default()),
            stanza: StanzaGiven::Initialised,
            backups: vec![BackupGiven::Full],
            ..Given::default()
        }
    }

    fn judged(
        given: &Given,
        changes: &[Change],
        name: StatusName,
        message: &str,
    ) -> Result<(), NotSo> {
        let mut world = World::new(given);
        changes.iter().for_each(|change| world.apply(change));
        let seen = world.observe();
        let status = Status::new(name, message.to_owned());
        holds(&status, &seen.units[0], &seen, seen.facts.as_deref().expect("memory sees all"))
    }

    #[test]
    fn a_block_about_s3_holds_while_the_settings_do_not_work() {
        let wrong = S3Given { credentials: CredentialsGiven::Wrong, ..S3Given::default() };
        let long = texts::stanza_failed(Some("ERROR: [039]: HTTP request failed with 403"));
        for message in [texts::STANZA_FAILED, &long, texts::BUCKET_FAILED] {
            let blocked = StatusName::Blocked;
            assert!(judged(&healthy(), &[], blocked, message).is_err(), "{message}");
            let change = [Change::S3Settings(wrong.clone())];
            assert_eq!(judged(&healthy(), &change, blocked, message), Ok(()), "{message}");
            let incomplete = S3Given { missing: vec![S3Parameter::Bucket], ..S3Given::default() };
            let change = [Change::S3Settings(incomplete)];
            assert_eq!(judged(&healthy(), &change, blocked, message), Ok(()), "{message}");
            let gone = [Change::S3Relation(pgdrill_sim::RelationState::Gone)];
            assert!(judged(&healthy(), &gone, blocked, message).is_err(), "{message}");
        }
    }

    #[test]
    fn a_block_about_s3_holds_while_nobody_can_make_anything_there() {
        let blocked = StatusName::Blocked;
        let change = [Change::PrimaryIsLost];
        assert_eq!(judged(&healthy(), &change, blocked, texts::STANZA_FAILED), Ok(()));
    }

    #[test]
    fn a_foreign_repository_is_one_that_is_foreign() {
        let foreign = Given { repository: RepositoryGiven::AnotherCluster, ..healthy() };
        let blocked = StatusName::Blocked;
        assert!(judged(&healthy(), &[], blocked, texts::ANOTHER_CLUSTER).is_err());
        assert_eq!(judged(&foreign, &[], blocked, texts::ANOTHER_CLUSTER), Ok(()));
    }

    #[test]
    fn a_restore_failed_as_long_as_the_database_does_not_run() {
        let (name, is) = (ServiceName::Database, ServiceRuns::Stopped);
        let stopped = [Change::Service(SetService { unit: 0, name, is })];
        let blocked = StatusName::Blocked;
        assert!(judged(&healthy(), &[], blocked, texts::RESTORE_FAILED).is_err());
        assert_eq!(judged(&healthy(), &stopped, blocked, texts::RESTORE_FAILED), Ok(()));
    }

    #[test]
    fn a_restore_failed_where_the_database_runs_on_data_that_the_stanza_never_served() {
        let mut seen = World::new(&healthy()).observe();
        let mut facts = seen.facts.take().expect("memory sees all");
        let own = facts.system_id.expect("it is served");
        let status = Status::new(StatusName::Blocked, texts::RESTORE_FAILED);
        for (systems, is_so) in [
            (None, false),
            (Some(own.to_string()), false),
            (Some(format!("{own},{}", own + 1)), false),
            (Some((own + 1).to_string()), true),
        ] {
            let record = systems.map(|systems| (key::RESTORE_SYSTEMS.to_owned(), systems));
            facts.application = record.into_iter().collect();
            let holds = holds(&status, &seen.units[0], &seen, &facts);
            assert_eq!(holds.is_ok(), is_so, "{:?}", facts.application);
        }
    }

    #[test]
    fn nothing_is_under_way_between_events_but_a_restore() {
        for message in [
            texts::RESTORING_BACKUP,
            texts::CREATING_BACKUP,
            texts::INITIALISING_STANZA,
            texts::CHECKING_STANZA,
        ] {
            let shown = judged(&healthy(), &[], StatusName::Maintenance, message);
            assert!(shown.is_err(), "{message}");
        }
    }

    #[test]
    fn a_text_that_is_not_ours_always_holds() {
        for name in [StatusName::Blocked, StatusName::Maintenance, StatusName::Waiting] {
            assert_eq!(judged(&healthy(), &[], name, "by hand"), Ok(()));
        }
    }
}
