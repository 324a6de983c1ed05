//! What can be seen of a running cluster from outside.

use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use pgdrill_containers::{
    UnitContainer,
    postgres::{Admission, Postgres},
};
use pgdrill_core::ports::Cluster as _;
use pgdrill_sim::{Observation, UnitSeen};

use pgdrill_scenarios::Prevented;
use pgdrill_sim::lock;

use super::{
    bucket::oldest_first,
    facts::facts,
    look::look,
    testbed::ContainersTestbed,
    under_way::{Sight, archiver, under_way},
};

/// The database's superuser.
const SUPERUSER: &str = "postgres";
/// How long what is on its way may take, until what is seen is what there is.
const ON_ITS_WAY: Duration = Duration::from_secs(30);

/// What can be seen once nothing is on its way any more: the look that finds it so is the observation, of the units by what the
/// DCS held just before.
pub(super) async fn observe(testbed: &ContainersTestbed) -> Result<Observation, Prevented> {
    let look = || async {
        let agreed = testbed.topology.agreed().await;
        let units = testbed.topology.units();
        let seen = try_join_all(units.iter().map(|unit| see(testbed, unit))).await;
        let is_at_rest = match &seen {
            Ok(seen) => under_way(agreed.as_ref(), seen).is_none(),
            Err(_) => true,
        };
        (seen, is_at_rest)
    };
    let seen = testbed.topology.at_rest(ON_ITS_WAY, look).await?;
    let accept = join_all(seen.iter().map(|sight| accepts_connections(testbed, sight))).await;
    let reported = lock(&testbed.world).observe();
    let archives_into = archiver(&seen).and_then(|sight| sight.look.archives_into());
    let mut units = Vec::with_capacity(seen.len());
    for (sight, accepts_connections) in seen.iter().zip(accept) {
        let juju = reported.units.iter().find(|juju| juju.unit == sight.unit);
        units.push(UnitSeen {
            unit: sight.unit,
            history: juju.map(|juju| juju.history.clone()).unwrap_or_default(),
            member: sight.member,
            database: sight.look.database,
            tls_server: sight.look.tls_server,
            tls_server_reloads: sight.look.reloads,
            accepts_connections,
            is_data_empty: sight.look.is_data_empty,
            deferred: juju.map(|juju| juju.deferred.clone()).unwrap_or_default(),
        });
    }
    let primary = seen.iter().find(|sight| sight.look.follows == Some(false));
    let (stanzas, objects) = testbed.bucket.content().await?;
    let keys = objects.iter().map(|(key, _)| key.clone()).collect();
    let backups = oldest_first(&stanzas);
    let facts = facts(testbed, &seen, &stanzas, objects).await;
    Ok(Observation {
        units,
        primary: primary.map(|sight| sight.unit),
        stanza: reported.stanza,
        restoring: reported.restoring,
        archives_into,
        backups: backups.into(),
        objects: keys,
        facts: Some(Box::new(facts)),
    })
}

async fn see(testbed: &ContainersTestbed, unit: &UnitContainer) -> Result<Sight, Prevented> {
    let look = look(unit).await?;
    let member = testbed.topology.cluster(unit.number).member_state().await.ok();
    let admission = match look.follows {
        Some(_) => client(testbed, unit).admission().await.ok(),
        None => None,
    };
    Ok(Sight { unit: unit.number, look, member, admission })
}

/// What a new client meets; where no server answers one, what the configuration says that it would meet.
async fn accepts_connections(testbed: &ContainersTestbed, sight: &Sight) -> bool {
    match sight.admission {
        Some(Admission::Accepted) => true,
        Some(Admission::Rejected(_)) => false,
        Some(Admission::Unserved(_)) | None => {
            testbed.topology.cluster(sight.unit).accepts_connections().await.unwrap_or(true)
        }
    }
}

/// A unit's server as a client reaches it who may do everything while connections are accepted.
pub(super) fn client(testbed: &ContainersTestbed, unit: &UnitContainer) -> Postgres {
    let password = testbed.topology.superuser_password();
    Postgres::new("127.0.0.1", unit.database_port(), SUPERUSER, password)
}
