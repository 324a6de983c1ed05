//! What is handed to a dispatch from outside.

use std::sync::Arc;

use async_trait::async_trait;
use pgdrill_adapters::clock::SystemClock;
use pgdrill_core::{Amendments, Ports, Probe, ports::Clock};

/// What is attached to a dispatch: its clock, who watches it, and the amendments in force.
#[async_trait]
pub trait Attachment: Send + Sync {
    /// The clock that hooks read.
    fn clock(&self) -> Arc<dyn Clock>;

    /// The amendments in force.
    fn amendments(&self) -> Amendments;

    /// Who is notified of every shape.
    fn probe(&self) -> Option<&dyn Probe>;

    /// The ports that hooks are given in place of these, such as the same ones observed.
    fn ports(&self, ports: Ports) -> Ports;

    /// The probe ended the firing; `line` is what would report it in Juju's log.
    async fn died(&self, line: &str);
}

/// Nothing is attached: the system's clock, every amendment, nobody watches.
pub struct Production {
    clock: Arc<SystemClock>,
}

impl Production {
    pub(crate) fn new() -> Self {
        Self { clock: Arc::new(SystemClock::new()) }
    }
}

#[async_trait]
impl Attachment for Production {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock) as _
    }

    fn amendments(&self) -> Amendments {
        Amendments::all()
    }

    fn probe(&self) -> Option<&dyn Probe> {
        None
    }

    fn ports(&self, ports: Ports) -> Ports {
        ports
    }

    async fn died(&self, _line: &str) {}
}
