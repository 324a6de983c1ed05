//! Where the adapters to real parts will be: Patroni, pgBackRest, S3, etcd, Juju, Pebble, Kubernetes.
//!
//! There is one thing so far: [`images`], which holds the recipes of the containers that the real parts run in
//! and builds what an engine lacks. The crate will depend on `pgdrill-core` alone, never on `pgdrill-sim`.

pub mod images;
