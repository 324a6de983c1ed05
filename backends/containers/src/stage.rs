//! A network of its own, and the containers on it.

use std::{
    net::{Ipv4Addr, TcpListener},
    slice,
    time::Duration,
};

use pgdrill_core::Diagnostic;
use testcontainers::{
    ContainerRequest, CopyTargetOptions, GenericImage, ImageExt as _,
    bollard::{
        Docker,
        errors::Error,
        models::{HostConfig, NetworkCreateRequest, PortBinding},
    },
    core::{IntoContainerPort as _, WaitFor},
    runners::AsyncRunner as _,
};

use super::{
    container::Container,
    reaper::{self, Cleared, Owner},
};
use crate::images;

/// What a request to the engine comes to: what was asked for, or one complaint that says what, where and what to do.
pub type EngineResult<T> = Result<T, Box<Diagnostic>>;

/// How long a container may take until it says that it is ready.
const READY: Duration = Duration::from_secs(180);
/// How often another port of this host is tried when somebody took the one that was free a moment ago.
const PORTS_TRIED: usize = 5;

/// What the containers of a stage are for, which decides who clears them away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// For one run of a process: they go with it, or with the next run if it was killed.
    Run,
    /// For whoever asked for them, until that person takes them down.
    Persistent,
}

impl Purpose {
    /// The word in the label.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Persistent => "kept",
        }
    }
}

/// A network of its own and every container on it, all with the label `pgdrill`.
#[derive(Debug, Clone)]
pub struct Stage {
    docker: Docker,
    name: String,
    labels: Vec<(String, String)>,
}

/// A file that a container finds when it starts.
#[derive(Debug, Clone)]
pub struct ContainerFile {
    /// Its path in the container.
    pub path: String,
    /// Its content.
    pub content: Vec<u8>,
    /// Its permissions, as `0o600`; it belongs to root.
    pub mode: u32,
}

/// A container that is to be started.
#[derive(Debug, Clone, Default)]
pub struct ContainerSpec {
    /// The image, as `name:tag`; it is on the engine already.
    pub image: String,
    /// The host name under which the other containers reach it.
    pub host: String,
    /// The line on standard output by which it says that it is ready; empty when it does not say.
    pub ready: String,
    /// What it finds when it starts.
    pub files: Vec<ContainerFile>,
    /// Its environment. It holds no credential: everybody who may ask the engine can read it.
    pub environment: Vec<(String, String)>,
    /// The arguments of its entry point; the image's own if there are none.
    pub arguments: Vec<String>,
    /// Ports that this process reaches, each by a port of 127.0.0.1 that stays the same for as long as the
    /// container is there.
    pub ports: Vec<u16>,
}

impl Stage {
    /// A network of its own, with nothing on it yet.
    ///
    /// # Errors
    ///
    /// No engine answers, it is too old, or it makes no network.
    pub async fn set(purpose: Purpose) -> EngineResult<Self> {
        let name = format!("pgdrill-{}", reaper::fresh_name(&Owner::this_process()));
        Self::named(name, purpose).await
    }

    /// A network of its own under this name, which nobody else may have.
    pub(super) async fn named(name: String, purpose: Purpose) -> EngineResult<Self> {
        let Self { docker, name, labels } = Self::again(&name, purpose).await?;
        let request = NetworkCreateRequest {
            name: name.clone(),
            labels: Some(labels.iter().cloned().collect()),
            ..NetworkCreateRequest::default()
        };
        docker.create_network(request).await.map_err(|error| {
            let hint =
                "`pgdrill clean` removes networks that were left; `docker network ls` shows all";
            engine_refused("make a network", &error, Some(hint))
        })?;
        Ok(Self { docker, name, labels })
    }

    /// A stage that an earlier process set, by its name.
    ///
    /// # Errors
    ///
    /// No engine answers.
    pub async fn again(name: &str, purpose: Purpose) -> EngineResult<Self> {
        let docker = images::engine().await.map_err(|error| error.diagnostic())?;
        let labels = reaper::labels(purpose, name, &Owner::this_process());
        Ok(Self { docker, name: name.to_owned(), labels })
    }

    /// What everything on it bears.
    pub(super) fn labels(&self) -> &[(String, String)] {
        &self.labels
    }

    /// The engine on which it is.
    #[must_use]
    pub const fn docker(&self) -> &Docker {
        &self.docker
    }

    /// Its name, which is the network's and begins those of its containers.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Starts a container and returns once it says that it is ready.
    ///
    /// # Errors
    ///
    /// It can't be made or started, or does not say so in time. What was begun stays on the stage.
    pub async fn start(&self, spec: &ContainerSpec) -> EngineResult<Container> {
        let name = format!("{}-{}", self.name, spec.host);
        for attempt in 1.. {
            let ports = free_ports(&spec.ports).map_err(|error| {
                complaint(&spec.host, &format!("no port of 127.0.0.1 is free: {error}"))
            })?;
            let started = self.request(spec, &name, &ports).start().await;
            let error = match started {
                Ok(container) => {
                    let id = container.id().to_owned();
                    // Containers are removed by their labels, all at once, whichever process started them.
                    std::mem::forget(container);
                    let (docker, network) = (self.docker.clone(), self.name.clone());
                    return Ok(Container { docker, network, id, name, ports });
                }
                Err(error) => error.to_string(),
            };
            if !tells_port_taken(&error) || attempt == PORTS_TRIED {
                return Err(refused(&spec.host, &spec.image, &error));
            }
            let removed = reaper::remove(&self.docker, slice::from_ref(&name)).await;
            removed.map_err(|error| refused(&spec.host, &spec.image, &error.to_string()))?;
        }
        Err(complaint(&spec.host, "was never tried"))
    }

    fn request(
        &self,
        spec: &ContainerSpec,
        name: &str,
        ports: &[(u16, u16)],
    ) -> ContainerRequest<GenericImage> {
        let (image, tag) = spec.image.rsplit_once(':').unwrap_or((&spec.image, "latest"));
        let mut image = GenericImage::new(image, tag);
        for &(port, _) in ports {
            image = image.with_exposed_port(port.tcp());
        }
        let bindings: Vec<(String, Option<Vec<PortBinding>>)> =
            ports.iter().map(|&(port, on_host)| binding(port, on_host)).collect();
        let mut request = image
            .with_wait_for(if spec.ready.is_empty() {
                WaitFor::Nothing
            } else {
                WaitFor::message_on_stdout(&spec.ready)
            })
            .with_network(&self.name)
            .with_container_name(name)
            .with_hostname(&spec.host)
            .with_startup_timeout(READY)
            .with_labels(self.labels.clone())
            .with_host_config_modifier(move |config: &mut HostConfig| {
                config.publish_all_ports = Some(false);
                config.port_bindings = Some(bindings.iter().cloned().collect());
                // A look-up that nobody answers takes 30 s otherwise, and a primary that was cut off stays
                // writable for as long.
                let options = ["timeout:1", "attempts:1", "ndots:0"].map(str::to_owned);
                config.dns_options = Some(options.to_vec());
            });
        if !spec.arguments.is_empty() {
            request = request.with_cmd(spec.arguments.clone());
        }
        for (key, value) in &spec.environment {
            request = request.with_env_var(key, value);
        }
        for file in &spec.files {
            let target = CopyTargetOptions::new(&file.path).with_mode(file.mode);
            request = request.with_copy_to(target, file.content.clone());
        }
        request
    }

    /// The container with this host name that an earlier process started here.
    ///
    /// # Errors
    ///
    /// There is none.
    pub async fn container(&self, host: &str) -> EngineResult<Container> {
        let name = format!("{}-{host}", self.name);
        let inspected = self.docker.inspect_container(&name, None).await;
        let inspected = inspected.map_err(|error| {
            complaint(&name, &format!("is not there: {error}"))
                .hint("`pgdrill down`, then `pgdrill up`")
        })?;
        let bindings = inspected.host_config.and_then(|config| config.port_bindings);
        let ports = bindings.unwrap_or_default().into_iter().filter_map(|(port, on_host)| {
            let port = port.split_once('/').map_or(&*port, |(port, _)| port).parse().ok()?;
            let on_host = on_host?.into_iter().next()?.host_port?.parse().ok()?;
            Some((port, on_host))
        });
        Ok(Container {
            docker: self.docker.clone(),
            network: self.name.clone(),
            id: inspected.id.unwrap_or_default(),
            ports: ports.collect(),
            name,
        })
    }

    /// Removes every container, with its data, and the network.
    ///
    /// # Errors
    ///
    /// The engine did not remove all of them.
    pub async fn take_down(&self) -> EngineResult<()> {
        self.clear().await.map(drop)
    }

    /// Removes everything that is on it, and the network; what was removed.
    ///
    /// # Errors
    ///
    /// The engine did not remove all of them.
    pub async fn clear(&self) -> EngineResult<Cleared> {
        reaper::clear_stage(&self.docker, &self.name).await
    }

    /// Takes it down, together with what the engine was still being asked for by somebody who went away.
    ///
    /// # Errors
    ///
    /// The engine did not remove all of them.
    pub async fn take_down_for_good(&self) -> EngineResult<()> {
        reaper::until_nothing_comes(|| self.clear()).await.map(drop)
    }
}

/// A complaint about a container, with the place at which to look.
pub(super) fn complaint(place: &str, what: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(place, what))
}

/// The engine did not do this; a hint for when it said why, as of an engine that says nothing another is needed.
pub(super) fn engine_refused(what: &str, error: &Error, hint: Option<&str>) -> Box<Diagnostic> {
    let place = "the container engine";
    if matches!(error, Error::RequestTimeoutError) {
        let hint = "it is stuck if `docker network ls` gets no answer either, which Docker before 20.10.27 can come to: \
                    start it again, then `pgdrill clean` removes what was left";
        return complaint(place, &format!("gave no answer when asked to {what}")).hint(hint);
    }
    let complaint = complaint(place, &format!("did not {what}: {error}"));
    match hint {
        Some(hint) => complaint.hint(hint),
        None => complaint,
    }
}

trait Hint {
    fn hint(self, hint: &str) -> Self;
}

impl Hint for Box<Diagnostic> {
    fn hint(self, hint: &str) -> Self {
        Self::new((*self).hint(hint))
    }
}

fn tells_port_taken(error: &str) -> bool {
    error.contains("port is already allocated") || error.contains("address already in use")
}

fn refused(host: &str, image: &str, error: &str) -> Box<Diagnostic> {
    let place = format!("{host}, from {image}");
    let hint = if images::tells_no_disk(error) {
        "the engine has no room: `pgdrill clean`, or `docker system df`"
    } else if tells_port_taken(error) {
        "whichever free port of 127.0.0.1 is chosen, something else has it by then: `ss -ltnp` shows what"
    } else {
        "`docker logs` of the container tells more; `pgdrill clean` removes it"
    };
    complaint(&place, &format!("the container does not come up: {error}")).hint(hint)
}

fn binding(port: u16, on_host: u16) -> (String, Option<Vec<PortBinding>>) {
    let binding = PortBinding {
        host_ip: Some(Ipv4Addr::LOCALHOST.to_string()),
        host_port: Some(on_host.to_string()),
    };
    (format!("{port}/tcp"), Some(vec![binding]))
}

/// A port of this host for each of these, free a moment ago.
fn free_ports(ports: &[u16]) -> std::io::Result<Vec<(u16, u16)>> {
    let held: std::io::Result<Vec<(u16, TcpListener)>> = ports
        .iter()
        .map(|&port| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map(|held| (port, held)))
        .collect();
    held?.iter().map(|(port, held)| Ok((*port, held.local_addr()?.port()))).collect()
}
