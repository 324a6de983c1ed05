//! The way from one topology to the S3 server, which can be closed, made to hang, and opened again.

use std::net::{Ipv4Addr, SocketAddr};

use testcontainers::bollard::{
    Docker,
    models::{EndpointSettings, NetworkConnectRequest},
};

use super::{
    authority::Identity,
    order::order,
    part::Part,
    stage::{PartFile, PartSpec, Setup, Stage, complaint},
};
use crate::images::{self, Image, Progress};
use pgdrill_adapters::s3::Route;

const READY: &str = "pgdrill: the gate is open";

/// Where a gate leads, and under which name it stands on its own stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateSpec {
    /// The host name of the S3 server as its clients know it. The gate has it on its stage.
    pub host: String,
    /// The port that clients use.
    pub port: u16,
    /// The real server.
    pub to: GateTo,
    /// Where clients can't call the real server by the name in its certificate: the gate ends TLS and begins it anew.
    pub renames: Option<Renames>,
}

/// The server to which a gate leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateTo {
    /// A container on a stage.
    Part {
        /// Its name.
        name: String,
        /// The port on which it listens.
        port: u16,
        /// The stage.
        stage: String,
    },
    /// Anything that a container reaches by its address.
    Address(SocketAddr),
    /// A port of the machine on which the engine runs.
    ThisHost(u16),
}

/// What a gate needs that speaks TLS itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renames {
    /// The certificate for the name that clients use.
    pub identity: Identity,
    /// The name or address in the real server's certificate.
    pub name: String,
    /// The chain of the authority that signed the real server's certificate.
    pub ca_chain: String,
}

/// A relay of TCP connections in front of an S3 server. TLS is between the two ends: the gate reads nothing.
///
/// What a topology does to its gate no other topology notices. As it stands on the network of the server, too, the
/// server's stage is struck after the gate's.
#[derive(Debug, Clone)]
pub struct Gate {
    docker: Docker,
    part: Part,
    host: String,
    port: u16,
}

impl Gate {
    /// An open gate.
    ///
    /// # Errors
    ///
    /// Its image can't be had, or its container does not come up.
    pub async fn start(stage: &Stage, spec: &GateSpec, progress: &dyn Progress) -> Setup<Self> {
        let image = images::ensure(Image::Gate, progress).await;
        let image = image.map_err(|error| complaint("the gate's image", &error.to_string()))?;
        let to = match &spec.to {
            GateTo::Part { name, port, .. } => format!("{name}:{port}"),
            GateTo::Address(address) => address.to_string(),
            GateTo::ThisHost(port) => format!("{}:{port}", host_of(stage).await?),
        };
        let mut environment =
            vec![("GATE_TO".to_owned(), to), ("GATE_PORT".to_owned(), spec.port.to_string())];
        let mut files = Vec::new();
        if let Some(renames) = &spec.renames {
            environment.push(("GATE_NAME".to_owned(), renames.name.clone()));
            files = renames.files();
        }
        let part = PartSpec {
            image: image.to_string(),
            host: spec.host.clone(),
            ready: READY.to_owned(),
            files,
            environment,
            ports: vec![spec.port],
            ..PartSpec::default()
        };
        let gate = Self {
            docker: stage.docker().clone(),
            part: stage.start(&part).await?,
            host: spec.host.clone(),
            port: spec.port,
        };
        match &spec.to {
            GateTo::Part { stage: other, .. } if other != stage.name() => gate.join(other).await?,
            GateTo::Part { .. } | GateTo::Address(_) | GateTo::ThisHost(_) => {}
        }
        Ok(gate)
    }

    /// The gate that an earlier process started here, as it was left.
    ///
    /// # Errors
    ///
    /// There is none.
    pub async fn again(stage: &Stage, host: &str, port: u16) -> Setup<Self> {
        let part = stage.part(host).await?;
        Ok(Self { docker: stage.docker().clone(), part, host: host.to_owned(), port })
    }

    /// The way from this process through the gate.
    #[must_use]
    pub fn route(&self) -> Route {
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, self.part.port(self.port)));
        Route { host: self.host.clone(), to }
    }

    /// The container.
    #[must_use]
    pub const fn part(&self) -> &Part {
        &self.part
    }

    /// Connections are passed on.
    ///
    /// # Errors
    ///
    /// The container does not run or does not obey.
    pub async fn open(&self) -> Setup<()> {
        self.order("open").await
    }

    /// Connections are refused, and those that were open are cut. Through the published port, the engine takes the
    /// connection and closes it at once.
    ///
    /// # Errors
    ///
    /// The container does not run or does not obey.
    pub async fn close(&self) -> Setup<()> {
        self.order("close").await
    }

    /// Connections are taken and nobody answers. Those that were open stand still, and go on when it is opened.
    ///
    /// # Errors
    ///
    /// The container does not run or does not obey.
    pub async fn hang(&self) -> Setup<()> {
        self.order("hang").await
    }

    async fn order(&self, what: &str) -> Setup<()> {
        order(&self.docker, &self.part, &["gate", what]).await.map(drop)
    }

    async fn join(&self, network: &str) -> Setup<()> {
        let request = NetworkConnectRequest {
            container: self.part.id().to_owned(),
            endpoint_config: Some(EndpointSettings::default()),
        };
        self.docker.connect_network(network, request).await.map_err(|error| {
            complaint(self.part.name(), &format!("does not join the network {network}: {error}"))
        })
    }
}

impl Renames {
    fn files(&self) -> Vec<PartFile> {
        let file = |name: &str, content: &str, mode: u32| PartFile {
            path: format!("/run/gate/{name}"),
            content: content.as_bytes().to_vec(),
            mode,
        };
        vec![
            file("tls.crt", &self.identity.certificate, 0o644),
            file("tls.key", self.identity.key.expose(), 0o600),
            file("ca.crt", &self.ca_chain, 0o644),
        ]
    }
}

/// The address under which the parts of a stage reach the machine on which the engine runs.
pub(super) async fn host_of(stage: &Stage) -> Setup<Ipv4Addr> {
    let network = stage.docker().inspect_network(stage.name(), None).await;
    let network = network.map_err(|error| complaint(stage.name(), &error.to_string()))?;
    let configs = network.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
    let gateway = configs.into_iter().find_map(|config| config.gateway?.parse().ok());
    gateway.ok_or_else(|| complaint(stage.name(), "the network has no gateway"))
}
