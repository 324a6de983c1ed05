//! Adapters: real technologies behind the ports of `pgdrill-core`, each usable alone.
//!
//! - [`command`]: how commands are run where the database runs, and [`files`]: how files get there;
//! - [`data_directory`]: what is done with a database's data where it lies;
//! - [`pgbackrest`]: the backup tool, by its command line;
//! - [`s3`]: the bucket;
//! - [`patroni`]: the cluster manager, by its REST API and configuration file;
//! - [`etcd`]: what the DCS remembers of the previous cluster;
//! - [`juju`]: this unit as Juju sees it, by hook tools;
//! - [`pebble`]: the workload container, by its supervisor;
//! - [`notes`]: where what is worth knowing and is no failure goes;
//! - [`kubernetes`]: the record of the previous cluster where Kubernetes keeps it.
//!
//! This crate knows `pgdrill-core` alone, and never `pgdrill-sim`. Every wait in it has a bound, no
//! adapter keeps state between two calls, and no error shows a credential.

pub mod clock;
pub mod command;
pub mod data_directory;
pub mod etcd;
pub mod files;
pub mod http;
pub mod juju;
pub mod kubernetes;
pub mod lock;
pub mod notes;
pub mod patroni;
pub mod pebble;
pub mod pgbackrest;
pub mod s3;
#[cfg(test)]
mod stub;
mod template;
mod trust;
mod wire;
