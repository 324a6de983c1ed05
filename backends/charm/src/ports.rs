//! The production backend: every port of one unit of the charm.
//!
//! Nothing is asked of anybody before a port is called, and no TLS is set up before it is needed: most
//! firings end after a few questions.

use std::sync::Arc;

use pgdrill_core::{Ports, ports::Clock};

use pgdrill_adapters::{
    command::CommandRunner,
    juju::JujuUnit,
    kubernetes::KubernetesRecord,
    pebble::{Pebble, PebbleWorkload},
    s3::S3Store,
};

use crate::{cluster::CharmCluster, repository::CharmRepository, site::Site};

/// The ports of a unit, at a site.
#[must_use]
pub fn ports<R>(site: &Arc<Site>, unit: &JujuUnit<R>, clock: Arc<dyn Clock>) -> Ports
where
    R: CommandRunner + 'static,
{
    let pebble = Pebble::new(&site.pebble, site.pebble_limits);
    let scope = site.scope.clone();
    let workload = PebbleWorkload::new(pebble.clone(), &site.database.data, &site.user);
    Ports {
        unit: Arc::new(unit.clone()),
        cluster: Arc::new(CharmCluster::new(unit.clone(), pebble.clone(), Arc::clone(site))),
        repository: Arc::new(CharmRepository::new(unit, pebble, Arc::clone(site))),
        object_store: Arc::new(S3Store::new(site.s3_limits)),
        workload: Arc::new(workload.noting(Arc::new(unit.clone()))),
        cluster_record: Arc::new(KubernetesRecord::new(site.kubernetes.clone(), scope)),
        clock,
    }
}
