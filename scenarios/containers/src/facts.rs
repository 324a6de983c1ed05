//! What laws must know of a running cluster beyond what its users see: Juju's part as the world holds it, the rest as
//! the bucket and the units' own files say.

use std::time::Duration;

use pgdrill_core::{PortErrorKind, S3Settings, ports::ObjectStore as _};
use pgdrill_sim::{Facts, RepositoryPlace, S3Facts, S3ServerState, lock};

use super::{repository::StanzaHeld, testbed::ContainersTestbed, under_way::Sight};

/// A key that nothing is stored under.
const NOTHING: &str = "pgdrill-nothing";
/// How long the server may take to answer a request that it answers at once unless the machine is busy.
const ANSWER: Duration = Duration::from_secs(10);

/// What laws must know, of units as they were just seen and of what the bucket holds.
pub(super) async fn facts(
    testbed: &ContainersTestbed,
    seen: &[Sight],
    stanzas: &[StanzaHeld],
    objects: Vec<(String, String)>,
) -> Facts {
    let (mut facts, settings) = {
        let world = lock(&testbed.world);
        (world.facts(), world.s3_settings())
    };
    let primary = seen.iter().find(|sight| sight.look.follows == Some(false));
    facts.system_id = primary.or(seen.first()).and_then(|sight| sight.look.system_id);
    facts.s3 = match settings {
        Some(settings) => {
            Some(repository(testbed, &settings, facts.system_id, stanzas, &objects).await)
        }
        None => None,
    };
    facts.backups = stanzas.iter().flat_map(StanzaHeld::facts).collect();
    facts.objects = objects.into();
    for (unit, sight) in facts.units.iter_mut().zip(seen) {
        let look = &sight.look;
        unit.repository.clone_from(&look.repository);
        unit.bootstraps_by_restore = look.restores;
        unit.tool.clone_from(&look.tool);
        unit.manager.clone_from(&look.manager);
        // Two clusters may have taken a backup at the same position.
        let of_cluster = stanzas.iter().filter(|stanza| look.system_id == Some(stanza.system_id));
        let mut backups = of_cluster.flat_map(|stanza| &stanza.backups);
        let base = look
            .base
            .as_ref()
            .and_then(|base| backups.find(|backup| backup.begins.as_ref() == Some(base)));
        unit.restored_from = base.map(|backup| backup.seen.label.clone());
    }
    facts
}

/// The repository to which the S3 relation leads.
async fn repository(
    testbed: &ContainersTestbed,
    settings: &S3Settings,
    system_id: Option<u64>,
    stanzas: &[StanzaHeld],
    objects: &[(String, String)],
) -> S3Facts {
    let works = works(testbed, settings).await;
    let place = RepositoryPlace::of(settings);
    // As for the hooks, there is nothing in what can't be reached.
    let there = stanzas.iter().filter(|stanza| works && stanza.place == place);
    let there: Vec<(&str, u64)> = there.map(|held| (&*held.name, held.system_id)).collect();
    let world = lock(&testbed.world);
    let key = world.latest_key(settings);
    let latest = objects.iter().find(|(name, _)| works && *name == key);
    let latest = latest.map(|(_, content)| content.as_str());
    world.s3_facts_of(settings, works, system_id, &there, latest)
}

/// Whether the server serves who comes with these settings. A bucket that is not there is made.
async fn works(testbed: &ContainersTestbed, settings: &S3Settings) -> bool {
    // Nobody waits for the answer of a server that was made to give none.
    if lock(&testbed.world).s3_server() == S3ServerState::Hangs {
        return false;
    }
    let store = testbed.store();
    let asked = tokio::time::timeout(ANSWER, store.get(settings, NOTHING)).await;
    match asked {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => error.kind() == PortErrorKind::NotFound,
        Err(_) => false,
    }
}
