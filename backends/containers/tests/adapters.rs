//! The adapters with the real servers, in containers. Needs a container engine:
//! `cargo test -p pgdrill-containers --features engine-tests --test adapters`.
#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a test may panic, shows what it does and how long that took"
)]

#[path = "adapters/cluster.rs"]
mod cluster;
#[path = "adapters/commands.rs"]
mod commands;
#[path = "adapters/files.rs"]
mod files;
#[path = "images/fixture.rs"]
mod fixture;
#[path = "adapters/services.rs"]
mod services;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use pgdrill_adapters::command::Invocation;
use pgdrill_containers::ContainerExec;
use pgdrill_containers::images::{Image, Quiet, ensure};

use self::fixture::{Container, TestStage};

/// Far more than anything here takes.
const LONG: Duration = Duration::from_secs(60);

/// Runs on a stage of that name, and takes it down whatever happens.
async fn on_stage(name: &str, play: impl AsyncFnOnce(&TestStage)) {
    let stage = TestStage::set("adapters-test", name).await;
    let played = AssertUnwindSafe(play(&stage)).catch_unwind().await;
    stage.take_down().await;
    if let Err(panic) = played {
        std::panic::resume_unwind(panic);
    }
}

/// A unit in which nothing runs yet.
async fn unit(stage: &TestStage, name: &str) -> Container {
    let image = ensure(Image::Unit, &Quiet).await.unwrap_or_else(|error| panic!("{error}"));
    stage.start(&image, name, "the supervisor is ready", &[]).await
}

fn exec(stage: &TestStage, container: &Container) -> ContainerExec {
    ContainerExec::new(stage.docker.clone(), container.0.id())
}

fn shell(script: &str) -> Invocation {
    Invocation {
        argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
        user: None,
        stdin: None,
        timeout: LONG,
    }
}
