//! What the DCS remembers of the previous cluster.

use async_trait::async_trait;

use super::PortResult;

/// The record of the previous cluster, which would keep a restored one from bootstrapping.
#[async_trait]
pub trait ClusterRecord: Send + Sync {
    /// Nothing of the previous cluster is remembered; what was gone already counts. After an error part
    /// of it may be gone.
    async fn remove(&self) -> PortResult<()>;
}
