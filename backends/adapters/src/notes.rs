//! What is worth knowing and is no failure.

use async_trait::async_trait;

use crate::{command::CommandRunner, juju::JujuUnit};

/// Where an adapter says what is worth knowing and is no failure.
#[async_trait]
pub trait Notes: Send + Sync {
    /// Whoever looks for it finds the text, as far as that can be had: nothing depends on it.
    async fn note(&self, text: &str);
}

#[async_trait]
impl<R: CommandRunner> Notes for JujuUnit<R> {
    /// A warning in Juju's log.
    async fn note(&self, text: &str) {
        let _ = self.log("WARNING", text).await;
    }
}
