//! Calls that take effect and whose answers never come: the effect is there, and the caller gets the error.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::BTreeMap, sync::Arc};

use pgdrill_core::{
    Hook, PortError, PortErrorKind, Ports, S3Settings, Status, StatusName,
    ports::{
        BackupKind, BackupRequest, Call, ClusterSettings, Databag, PortResult, RepositorySettings,
        Service, ServiceState, key,
    },
};
use pgdrill_sim::{
    ActionSeen, BackupGiven, BucketGiven, Change, Event, FiringUnit, Given, Injection, Injector,
    S3Given, ServiceName, ServiceRuns, SetService, Shared, StanzaGiven, View, World, lock,
};

const KEY: &str = "a/key";
const TEXT: &str = "a text";

fn given(call: Call) -> Given {
    let bucket = match call.name() {
        "object-store.ensure_bucket" => BucketGiven::Absent,
        _ => BucketGiven::Present,
    };
    let (stanza, backups) = match call.name() {
        "repository.create_stanza" | "object-store.ensure_bucket" => (StanzaGiven::None, vec![]),
        _ => (StanzaGiven::Initialised, vec![BackupGiven::Full]),
    };
    Given {
        units: 2,
        tls: true,
        s3: Some(S3Given { bucket, ..S3Given::default() }),
        stanza,
        backups,
        ..Given::default()
    }
}

/// One unit of a world, with an action under way on it.
struct Place {
    world: Shared,
    /// The ports as the world has them.
    plain: Ports,
    /// The ports of that world, with one answer to be lost.
    losing: Ports,
    injector: Arc<Injector<FiringUnit>>,
}

impl Place {
    fn new(call: Call) -> Self {
        let world = World::new(&given(call)).shared();
        let event = Event { hook: Hook::Restore, unit: 0, parameters: BTreeMap::new() };
        lock(&world).begin_event(&event);
        let plain = View::new(&world, 0).unwrap().ports();
        let injector =
            Arc::new(Injector::new(FiringUnit::new(&world, 0), &[Injection::Lost(call)]));
        let losing = injector.ports(plain.clone());
        Self { world, plain, losing, injector }
    }

    async fn s3(&self) -> S3Settings {
        let relation = self.plain.unit.s3_relation().await.unwrap().unwrap();
        S3Settings::from_relation(&relation).unwrap()
    }

    /// What the action shows once its hook has succeeded.
    fn ended(&self) -> ActionSeen {
        lock(&self.world).end_event(0, true)
    }
}

fn stanza(ports: &Ports) -> String {
    ports.unit.identity().stanza().to_owned()
}

fn cluster_settings() -> ClusterSettings {
    ClusterSettings { archive_stanza: None, accepts_connections: false, restore: None }
}

/// Makes a call that changes something.
async fn make(call: Call, ports: &Ports, s3: &S3Settings) -> PortResult<()> {
    let stanza = stanza(ports);
    let Ports { unit, cluster, repository, object_store, workload, cluster_record, .. } = ports;
    match call.name() {
        "cluster.apply" => cluster.apply(&cluster_settings()).await,
        "repository.configure" => {
            let shared = unit.identity().shared_stanza();
            let settings =
                RepositorySettings { s3: Some(s3.clone()), stanza: shared, tls_peers: vec![] };
            repository.configure(&settings).await
        }
        "repository.create_stanza" => repository.create_stanza(&stanza).await,
        "repository.check" => repository.check(&stanza).await,
        "repository.back_up" => {
            let stanza = unit.identity().shared_stanza();
            let request = BackupRequest { stanza, kind: BackupKind::Full, from_primary: true };
            repository.back_up(&request).await.map(drop)
        }
        "object-store.ensure_bucket" => object_store.ensure_bucket(s3).await,
        "object-store.put" => object_store.put(s3, KEY, TEXT.as_bytes()).await,
        "workload.start" => workload.start(Service::Database).await,
        "workload.stop" => workload.stop(Service::Database).await,
        "workload.reload" => workload.reload(Service::TlsServer).await,
        "workload.empty_data_directory" => workload.empty_data_directory().await,
        "cluster-record.remove" => cluster_record.remove().await,
        "unit.set_status" => unit.set_status(Status::new(StatusName::Blocked, TEXT)).await,
        "unit.set_data" => unit.set_data(Databag::Unit, key::CONNECTIVITY, Some(TEXT)).await,
        "unit.set_result" => unit.set_result("key", TEXT).await,
        "unit.fail_action" => unit.fail_action(TEXT).await,
        "unit.defer" => unit.defer().await,
        other => panic!("nobody makes {other}"),
    }
}

/// Has what the call needs.
async fn prepare(call: Call, place: &Place) {
    match call.name() {
        "workload.start" | "workload.empty_data_directory" => {
            place.plain.workload.stop(Service::Database).await.unwrap();
        }
        "repository.check" => {
            lock(&place.world).apply(&Change::ArchiveDelay(30));
        }
        "repository.configure" => {
            let set =
                SetService { unit: 1, name: ServiceName::TlsServer, is: ServiceRuns::Stopped };
            lock(&place.world).apply(&Change::Service(set));
        }
        "repository.create_stanza" => {
            make(Call::RepositoryConfigure, &place.plain, &place.s3().await).await.unwrap();
        }
        _ => {}
    }
}

/// Whether the effect of the call is there.
async fn is_there(call: Call, place: &Place) -> bool {
    let Ports { unit, cluster, object_store, workload, .. } = &place.plain;
    let seen = || lock(&place.world).observe();
    match call.name() {
        "cluster.apply" => !cluster.accepts_connections().await.unwrap(),
        "repository.configure" => {
            // A check gives up at a unit that it can't reach, unless the settings no longer name it.
            place.plain.repository.check(&stanza(&place.plain)).await.is_ok()
        }
        "repository.create_stanza" => {
            place.plain.repository.info().await.unwrap().contains(&stanza(&place.plain))
        }
        "repository.check" => {
            // The segment has arrived: it is not waited for again.
            let before = place.plain.clock.now().await.seconds();
            place.plain.repository.check(&stanza(&place.plain)).await.unwrap();
            place.plain.clock.now().await.seconds() - before < 30
        }
        "repository.back_up" => seen().backups.len() == 2,
        "object-store.ensure_bucket" => object_store.get(&place.s3().await, KEY).await == Ok(None),
        "object-store.put" => {
            let object = object_store.get(&place.s3().await, KEY).await.unwrap();
            object.as_deref() == Some(TEXT.as_bytes())
        }
        "workload.start" => workload.service(Service::Database).await == Ok(ServiceState::Running),
        "workload.stop" => workload.service(Service::Database).await == Ok(ServiceState::Stopped),
        "workload.reload" => seen().units[0].tls_server_reloads == 1,
        "workload.empty_data_directory" => seen().units[0].is_data_empty,
        "cluster-record.remove" => seen().primary.is_none(),
        "unit.set_status" => unit.status().await.unwrap().message == TEXT,
        "unit.set_data" => {
            let value = unit.data(Databag::Unit, key::CONNECTIVITY).await.unwrap();
            value.as_deref() == Some(TEXT)
        }
        "unit.set_result" => place.ended().results == BTreeMap::from([("key".into(), TEXT.into())]),
        "unit.fail_action" => place.ended().failure.as_deref() == Some(TEXT),
        "unit.defer" => {
            place.ended();
            seen().units[0].deferred == [Hook::Restore]
        }
        other => panic!("nobody makes {other}"),
    }
}

fn assert_lost(error: &PortError, call: Call) {
    assert_eq!((error.kind(), error.place().as_str()), (PortErrorKind::TimedOut, call.place()));
    assert_eq!((error.cause(), error.exit()), ("the answer was lost", None));
}

#[tokio::test]
async fn every_call_that_changes_something_takes_effect_although_its_answer_is_lost() {
    for &call in Call::ALL.iter().filter(|call| call.has_effect()) {
        let idle = Place::new(call);
        prepare(call, &idle).await;
        assert!(!is_there(call, &idle).await, "{call} is not needed for its effect");

        let place = Place::new(call);
        prepare(call, &place).await;
        let s3 = place.s3().await;
        let lost = make(call, &place.losing, &s3).await.unwrap_err();
        assert_lost(&lost, call);
        assert!(is_there(call, &place).await, "{call} took no effect");
        assert_eq!(place.injector.missed(), [0; 0], "{call}");
    }
}

#[tokio::test]
async fn only_the_first_answer_of_the_very_call_is_lost() {
    let place = Place::new(Call::ObjectStorePut);
    let s3 = place.s3().await;
    let put = async |text: &str| place.losing.object_store.put(&s3, KEY, text.as_bytes()).await;
    assert_eq!(place.losing.object_store.get(&s3, KEY).await, Ok(None));
    assert_eq!(place.injector.missed(), [0]);
    assert_lost(&put("first").await.unwrap_err(), Call::ObjectStorePut);
    assert_eq!(put("second").await, Ok(()));
    assert_eq!(place.losing.object_store.get(&s3, KEY).await, Ok(Some(b"second".to_vec())));
}

#[tokio::test]
async fn what_a_call_that_failed_would_have_said_is_lost_too() {
    let place = Place::new(Call::WorkloadEmptyDataDirectory);
    let refused = place.plain.workload.empty_data_directory().await.unwrap_err();
    assert_eq!(refused.kind(), PortErrorKind::Refused, "the database runs");
    let lost = place.losing.workload.empty_data_directory().await.unwrap_err();
    assert_lost(&lost, Call::WorkloadEmptyDataDirectory);
}

#[tokio::test]
async fn a_workload_whose_answer_is_lost_is_one_that_does_not_answer() {
    let workload = Place::new(Call::WorkloadIsReachable).losing.workload;
    assert_eq!(workload.is_reachable().await, Ok(false));
    assert_eq!(workload.is_reachable().await, Ok(true));
}
