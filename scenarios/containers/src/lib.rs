//! Plans on real parts in containers: PostgreSQL under Patroni, pgBackRest, etcd and an S3 server, with Juju
//! simulated by the same code as in memory.

mod bucket;
mod faults;
mod given;
mod kept;
mod lanes;
mod look;
mod observe;
mod place;
mod raise;
mod report;
mod seen;
mod under_way;

use std::sync::Arc;

use pgdrill_containers::{
    Authority, Images, Leftovers, Pace, Profile, Purpose, S3Server, Setup, Stage, Topology, clear,
    images::{Image, ImageRef, Progress, ensure},
};
use pgdrill_core::Diagnostic;

pub use self::{
    bucket::Bucket,
    kept::{Kept, NotDone, Say, check_parameters, clean, down},
    lanes::{Done, Ended, Ran, Reuse, usual_lanes},
    place::ContainersPlace,
    raise::{Free, Wanted},
    report::{reach_text, topology_text},
    seen::{BackupThere, PartSeen, TopologySeen, UnitThere},
};

/// The S3 server, and an authority that did not sign its certificate.
#[derive(Debug)]
pub struct Server {
    /// The server.
    pub s3: S3Server,
    /// The chain of the other authority.
    pub other_chain: String,
}

/// The S3 server and the images that every cluster of a run uses.
pub struct Containers {
    stage: Stage,
    server: Arc<Server>,
    authority: Arc<Authority>,
    images: Images,
    pace: Pace,
}

impl Containers {
    /// Clears what dead runs left, has the images, and starts the S3 server.
    ///
    /// # Errors
    ///
    /// No engine answers, an image can't be had, or the server does not come up. Nothing is left running.
    pub async fn set_up(
        profile: Profile,
        purpose: Purpose,
        pace: Pace,
        progress: &dyn Progress,
    ) -> Setup<Self> {
        let stage = Stage::set(purpose).await?;
        let set_up = async {
            clear(stage.docker(), Leftovers::OfDeadRuns).await?;
            let images = images(progress).await?;
            let authority = Authority::new("pgdrill");
            let authority = authority.map_err(|error| boxed("the authority", &error))?;
            let other = Authority::new("nobody's");
            let other = other.map_err(|error| boxed("the authority", &error))?;
            let s3 = S3Server::start(profile, &stage, &authority, progress).await?;
            let server = Server { s3, other_chain: other.chain().to_owned() };
            Ok((images, Arc::new(authority), Arc::new(server)))
        };
        match set_up.await {
            Ok((images, authority, server)) => Ok(Self { stage, server, authority, images, pace }),
            Err(complaint) => {
                // The complaint says why; that nothing could be cleared away either adds nothing to it.
                let _ = stage.strike().await;
                Err(complaint)
            }
        }
    }

    /// The S3 server.
    #[must_use]
    pub fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// A new cluster of this many units, on a stage of its own.
    ///
    /// # Errors
    ///
    /// A part does not come up; nothing of it is left.
    pub async fn raise(&self, units: u32) -> Setup<Topology> {
        let stage = Stage::set(Purpose::Run).await?;
        let (images, authority) = (self.images.clone(), Arc::clone(&self.authority));
        let gate = self.server.s3.gate();
        let raised =
            Topology::raise(stage.clone(), images, authority, &gate, units.max(1), self.pace).await;
        if raised.is_err() {
            let _ = stage.strike().await;
        }
        raised
    }

    /// The S3 server is gone, with everything in it.
    ///
    /// # Errors
    ///
    /// The engine did not remove it.
    pub async fn take_down(&self) -> Setup<()> {
        self.stage.strike().await
    }
}

async fn images(progress: &dyn Progress) -> Setup<Images> {
    let have = |kind: Image| async move {
        let image: Result<ImageRef, _> = ensure(kind, progress).await;
        image.map_err(|error| error.diagnostic())
    };
    Ok(Images { unit: have(Image::Unit).await?, etcd: have(Image::Etcd).await? })
}

fn boxed(place: &str, error: &dyn std::fmt::Display) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(place, error.to_string()))
}
