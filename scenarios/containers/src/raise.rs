//! Bringing up a topology that stays.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
};

use futures_util::FutureExt as _;
use pgdrill_containers::{
    Authority, Choice, Claim, EngineResult, Pace, PersistentStore, Profile, Topology, claim,
    images::Progress, new_persistent_stage, persistent_stage,
};
use pgdrill_core::{Diagnostic, counted};
use pgdrill_scenarios::TopologyError;
use pgdrill_sim::{Given, S3Given, StanzaGiven};

use super::{
    ContainersTestbed, boxed,
    bucket::TestBucket,
    images,
    persisted::{Notify, PersistedTopology, server},
};

/// The topology that somebody asks for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// How many units it is to have.
    pub units: u32,
    /// Whether the units are to hold TLS material.
    pub tls: bool,
    /// Its S3 server; the first that can be had unless one is asked for.
    pub s3: Option<Profile>,
}

/// A name that nothing is up under, and that no other process uses meanwhile.
pub struct FreeName {
    name: String,
    claim: Claim,
}

impl FreeName {
    /// Waits until no other process works under this name, and sees that nothing is up.
    ///
    /// # Errors
    ///
    /// No engine answers, or something is up.
    pub async fn wait_for(name: &str, say: Notify<'_>) -> Result<Self, TopologyError> {
        let claim = claim(name, say).await?;
        if PersistentStore::find(&persistent_stage(name).await?).await?.is_some() {
            return Err(TopologyError::is_up(name));
        }
        Ok(Self { name: name.to_owned(), claim })
    }

    /// Everything that was begun under the name is gone, whatever was still on its way.
    ///
    /// # Errors
    ///
    /// The engine did not remove all of it.
    pub async fn take_down(&self) -> EngineResult<()> {
        persistent_stage(&self.name).await?.take_down_for_good().await
    }

    /// Brings a topology up, as the hooks themselves would have left it: with an S3 relation and a stanza.
    ///
    /// # Errors
    ///
    /// A container does not come up; nothing of it is left.
    pub async fn raise(
        &self,
        wanted: &Wanted,
        progress: &dyn Progress,
        say: Notify<'_>,
    ) -> Result<PersistedTopology, TopologyError> {
        let raising = AssertUnwindSafe(self.try_to_raise(wanted, progress, say)).catch_unwind();
        let raised = raising.await.unwrap_or_else(|_| {
            let what = Diagnostic::error("bringing the topology up", "it panicked");
            Err(TopologyError::Failed(Box::new(what)))
        });
        if raised.is_err() {
            // The complaint says why; that something could not be removed either adds nothing to it.
            let _ = self.take_down().await;
        }
        raised
    }

    async fn try_to_raise(
        &self,
        wanted: &Wanted,
        progress: &dyn Progress,
        say: Notify<'_>,
    ) -> Result<PersistedTopology, TopologyError> {
        wanted.s3.map_or(Ok(()), Profile::check_given)?;
        let stage = new_persistent_stage(&self.name).await?;
        let images = images(progress).await?;
        let authority = Authority::new("pgdrill");
        let authority = Arc::new(authority.map_err(|error| boxed("the authority", &error))?);
        let asked = wanted.s3.map_or_else(String::new, |profile| format!(" ({})", profile.name()));
        say(&format!("starting the S3 server{asked}"));
        let choice = Choice::make(wanted.s3, &stage, &authority, progress).await?;
        if wanted.s3.is_none() {
            say(&format!("S3: {choice}"));
        }
        let s3 = choice.server;
        if s3.is_relayed() {
            let what = "containers reach the S3 server only by way of a process that goes on, and `up` does not";
            let hint = "let the server listen on an address that containers reach, and see that no firewall is between";
            return Err(TopologyError::wrong(&s3.facts().endpoint(), what, hint));
        }
        let units = wanted.units.max(1);
        say(&format!("starting PostgreSQL under Patroni on {}", counted(units as usize, "unit")));
        let etcd = images.etcd.clone();
        let (on, by) = (stage.clone(), Arc::clone(&authority));
        let topology = Topology::raise(on, images, by, &s3.proxy(), units, Pace::REAL).await?;
        say("creating the bucket and the stanza");
        let given = Given {
            units,
            tls: wanted.tls,
            s3: Some(S3Given::default()),
            stanza: StanzaGiven::Initialised,
            ..Given::default()
        };
        let bucket = TestBucket::fresh(&server(&s3));
        let testbed = ContainersTestbed::make_with(Arc::new(topology), bucket, &given).await;
        let mut persisted = PersistedTopology {
            name: self.name.clone(),
            testbed: testbed.map_err(TopologyError::prevented)?,
            s3,
            faults: Mutex::default(),
            authority,
            store: None,
            saved: Mutex::default(),
            claim: None,
        };
        let state = persisted.state()?;
        persisted.store = Some(PersistentStore::make(&stage, &self.name, &etcd, &state).await?);
        Ok(persisted)
    }

    /// Gives the name back, to be used by others.
    pub fn release(self) {
        drop(self.claim);
    }
}
