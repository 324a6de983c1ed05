//! Plans on real servers in containers: PostgreSQL under Patroni, pgBackRest, etcd and an S3 server, with Juju
//! simulated by the same code as in memory.

mod bucket;
mod facts;
mod given;
mod look;
mod midway;
mod observe;
mod persisted;
mod raise;
mod repository;
mod seen;
mod testbed;
mod under_way;
mod workers;

use std::sync::Arc;

use pgdrill_containers::{
    Authority, Choice, EngineResult, Images, Pace, Profile, Purpose, ReapScope, S3Server, Stage,
    Topology, clear,
    images::{Image, ImageRef, Progress, ensure},
};
use pgdrill_core::Diagnostic;

pub use self::{
    bucket::TestBucket,
    persisted::{Notify, PersistedTopology, clean, down},
    raise::{FreeName, Wanted},
    testbed::ContainersTestbed,
    workers::{OnRunEnd, Reuse, RunEnded, RunOnCluster, default_workers},
};

/// The S3 server, and an authority that did not sign its certificate.
#[derive(Debug)]
pub struct SharedS3 {
    /// The server.
    pub s3: S3Server,
    /// The chain of the other authority.
    pub other_chain: String,
}

/// The S3 server and the images that every cluster of a run uses.
pub struct Containers {
    stage: Stage,
    server: Arc<SharedS3>,
    authority: Arc<Authority>,
    images: Images,
    pace: Pace,
    chosen: String,
}

impl Containers {
    /// Clears what dead runs left, has the images, and starts the S3 server that was asked for, or else the first that can
    /// be had.
    ///
    /// # Errors
    ///
    /// No engine answers, an image can't be had, or the server does not come up. Nothing is left running.
    pub async fn set_up(
        asked: Option<Profile>,
        purpose: Purpose,
        pace: Pace,
        progress: &dyn Progress,
    ) -> EngineResult<Self> {
        asked.map_or(Ok(()), Profile::check_given)?;
        let stage = Stage::set(purpose).await?;
        let set_up = async {
            clear(stage.docker(), ReapScope::OfDeadRuns).await?;
            let images = images(progress).await?;
            let authority = Authority::new("pgdrill");
            let authority = authority.map_err(|error| boxed("the authority", &error))?;
            let other = Authority::new("nobody's");
            let other = other.map_err(|error| boxed("the authority", &error))?;
            let choice = Choice::make(asked, &stage, &authority, progress).await?;
            let chosen = choice.to_string();
            let server = SharedS3 { s3: choice.server, other_chain: other.chain().to_owned() };
            Ok((images, Arc::new(authority), Arc::new(server), chosen))
        };
        match set_up.await {
            Ok((images, authority, server, chosen)) => {
                Ok(Self { stage, server, authority, images, pace, chosen })
            }
            Err(complaint) => {
                // The complaint says why; that nothing could be cleared away either adds nothing to it.
                let _ = stage.take_down().await;
                Err(complaint)
            }
        }
    }

    /// Which S3 server it is, and why none before it.
    #[must_use]
    pub fn chosen(&self) -> &str {
        &self.chosen
    }

    /// The S3 server.
    #[must_use]
    pub fn server(&self) -> &Arc<SharedS3> {
        &self.server
    }

    /// A new cluster of this many units, on a stage of its own.
    ///
    /// # Errors
    ///
    /// A container does not come up; nothing of it is left.
    pub async fn raise(&self, units: u32) -> EngineResult<Topology> {
        let stage = Stage::set(Purpose::Run).await?;
        let (images, authority) = (self.images.clone(), Arc::clone(&self.authority));
        let proxy = self.server.s3.proxy();
        let raised =
            Topology::raise(stage.clone(), images, authority, &proxy, units.max(1), self.pace)
                .await;
        if raised.is_err() {
            let _ = stage.take_down().await;
        }
        raised
    }

    /// The S3 server is gone, with everything in it.
    ///
    /// # Errors
    ///
    /// The engine did not remove it.
    pub async fn take_down(&self) -> EngineResult<()> {
        self.stage.take_down().await
    }
}

async fn images(progress: &dyn Progress) -> EngineResult<Images> {
    let have = |kind: Image| async move {
        let image: Result<ImageRef, _> = ensure(kind, progress).await;
        image.map_err(|error| error.diagnostic())
    };
    Ok(Images { unit: have(Image::Unit).await?, etcd: have(Image::Etcd).await? })
}

fn boxed(testbed: &str, error: &dyn std::fmt::Display) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(testbed, error.to_string()))
}
