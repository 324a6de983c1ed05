//! Where the adapters to real parts will be: Patroni, pgBackRest, S3, etcd, Juju, Pebble, Kubernetes.
//!
//! There is none yet. The folder exists so that the direction of dependencies is fixed from the start: this
//! crate will depend on `pgdrill-core` alone, and never on `pgdrill-sim`.
