//! Every port's contract over the adapters of the production backend.

use async_trait::async_trait;
use pgdrill_core::{Hook, Ports, ports::PortResult};
use pgdrill_scenarios::{Prevented, Testbed as _};
use pgdrill_sim::{ActionSeen, Change, Event, Given, Observation};
use pgdrill_stand::Rehearsal;
use pgdrill_tests::contract::{
    CLOCK, CLUSTER, CLUSTER_RECORD, OBJECT_STORE, PromiseFailure, REPOSITORY, Subject, Subjects,
    UNIT, Unable, WORKLOAD, run,
};

use crate::programs;

/// The production backend, against stand-ins.
struct Charm;

struct CharmSubject(Rehearsal);

fn unable(why: Prevented) -> PromiseFailure {
    match why {
        Prevented::Unable(why) => Unable(why).into(),
        Prevented::Broken(why) => PromiseFailure::Broken(why.to_string()),
    }
}

#[async_trait]
impl Subjects for Charm {
    fn backend(&self) -> &'static str {
        "charm"
    }

    async fn make(&self, given: &Given) -> Result<Box<dyn Subject>, PromiseFailure> {
        let testbed = Rehearsal::new(&programs(), given).await.map_err(unable)?;
        testbed.supervise_all().await.map_err(unable)?;
        Ok(Box::new(CharmSubject(testbed)))
    }
}

#[async_trait]
impl Subject for CharmSubject {
    fn ports(&self, unit: u32) -> PortResult<Ports> {
        self.0.ports(unit)
    }

    async fn happen(&self, change: &Change) -> Result<(), PromiseFailure> {
        self.0.happen(change).await.map_err(unable)
    }

    async fn observe(&self) -> Result<Observation, PromiseFailure> {
        self.0.observe().await.map_err(unable)
    }

    async fn begin(&self, event: &Event) -> Result<Vec<Hook>, PromiseFailure> {
        Ok(self.0.begin(event))
    }

    async fn end(&self, unit: u32, succeeded: bool) -> Result<ActionSeen, PromiseFailure> {
        Ok(self.0.end(unit, succeeded))
    }

    async fn asks_from_within(&self) -> Result<(), PromiseFailure> {
        Ok(())
    }

    async fn configuration_mode(&self, unit: u32) -> Result<u32, PromiseFailure> {
        let permissions = self.0.permissions(unit, "/etc/pgbackrest.conf");
        let mode = permissions.and_then(|octal| u32::from_str_radix(&octal, 8).ok());
        mode.ok_or_else(|| PromiseFailure::from(Unable("nobody wrote the configuration".into())))
    }

    async fn connect_client(&self, _unit: u32) -> Result<(), PromiseFailure> {
        Err(Unable("the simulated world has no clients".into()).into())
    }

    async fn is_client_connected(&self, _unit: u32) -> Result<bool, PromiseFailure> {
        Err(Unable("the simulated world has no clients".into()).into())
    }

    fn takes_time(&self) -> Result<(), PromiseFailure> {
        Err(Unable("a rehearsed command takes no time".into()).into())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_adapters_keep_the_contracts_of_their_ports() {
    let contracts = [UNIT, CLUSTER, REPOSITORY, OBJECT_STORE, WORKLOAD, CLUSTER_RECORD, CLOCK];
    let names =
        ["unit", "cluster", "repository", "object store", "workload", "cluster record", "clock"];
    let mut reported = String::new();
    for (name, promises) in names.into_iter().zip(contracts) {
        reported.push_str(&format!("{name}: {}\n", run(promises, &Charm).await));
    }
    assert!(!reported.contains("broken"), "{reported}");
    insta::assert_snapshot!(reported);
}
