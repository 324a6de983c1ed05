//! Every port's contract over the adapters of the production backend.

use async_trait::async_trait;
use pgdrill_core::{Hook, Ports, ports::PortResult};
use pgdrill_scenarios::{Place as _, Prevented};
use pgdrill_sim::{ActionSeen, Change, Event, Given, Observation};
use pgdrill_stand::Rehearsal;
use pgdrill_tests::contract::{
    CLOCK, CLUSTER, CLUSTER_RECORD, OBJECT_STORE, REPOSITORY, Stand, Stands, UNIT, Unable, Unkept,
    WORKLOAD, run,
};

use crate::programs;

/// The production backend, against stand-ins.
struct Charm;

struct CharmStand(Rehearsal);

fn unable(why: Prevented) -> Unkept {
    match why {
        Prevented::Unable(why) => Unable(why).into(),
        Prevented::Broken(why) => Unkept::Broken(why.to_string()),
    }
}

#[async_trait]
impl Stands for Charm {
    fn backend(&self) -> &'static str {
        "charm"
    }

    async fn make(&self, given: &Given) -> Result<Box<dyn Stand>, Unkept> {
        let place = Rehearsal::new(&programs(), given).await.map_err(unable)?;
        place.supervise_all().await.map_err(unable)?;
        Ok(Box::new(CharmStand(place)))
    }
}

#[async_trait]
impl Stand for CharmStand {
    fn ports(&self, unit: u32) -> PortResult<Ports> {
        self.0.ports(unit)
    }

    async fn happen(&self, change: &Change) -> Result<(), Unkept> {
        self.0.happen(change).await.map_err(unable)
    }

    async fn observe(&self) -> Result<Observation, Unkept> {
        self.0.observe().await.map_err(unable)
    }

    async fn begin(&self, event: &Event) -> Result<Vec<Hook>, Unkept> {
        Ok(self.0.begin(event))
    }

    async fn end(&self, unit: u32, succeeded: bool) -> Result<ActionSeen, Unkept> {
        Ok(self.0.end(unit, succeeded))
    }

    async fn asks_from_within(&self) -> Result<(), Unkept> {
        Ok(())
    }

    async fn configuration_mode(&self, unit: u32) -> Result<u32, Unkept> {
        let permissions = self.0.permissions(unit, "/etc/pgbackrest.conf");
        let mode = permissions.and_then(|octal| u32::from_str_radix(&octal, 8).ok());
        mode.ok_or_else(|| Unkept::from(Unable("nobody wrote the configuration".into())))
    }

    async fn connect_client(&self, _unit: u32) -> Result<(), Unkept> {
        Err(Unable("the simulated world has no clients".into()).into())
    }

    async fn is_client_connected(&self, _unit: u32) -> Result<bool, Unkept> {
        Err(Unable("the simulated world has no clients".into()).into())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_adapters_keep_the_contracts_of_their_ports() {
    let contracts = [UNIT, CLUSTER, REPOSITORY, OBJECT_STORE, WORKLOAD, CLUSTER_RECORD, CLOCK];
    let names =
        ["unit", "cluster", "repository", "object store", "workload", "cluster record", "clock"];
    let mut told = String::new();
    for (name, promises) in names.into_iter().zip(contracts) {
        told.push_str(&format!("{name}: {}\n", run(promises, &Charm).await));
    }
    assert!(!told.contains("broken"), "{told}");
    insta::assert_snapshot!(told);
}
