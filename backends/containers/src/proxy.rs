//! The way from one topology to the S3 server, which can be closed, made to hang, and opened again.

use std::net::{Ipv4Addr, SocketAddr};

use testcontainers::bollard::{
    Docker,
    models::{EndpointSettings, NetworkConnectRequest},
};

use super::{
    authority::TlsIdentity,
    container::Container,
    order::order,
    stage::{ContainerFile, ContainerSpec, EngineResult, Stage, complaint},
};
use crate::images::{self, Image, Progress};
use pgdrill_adapters::s3::S3Route;

const READY: &str = "pgdrill: the proxy is open";

/// Where a proxy leads, and under which name it stands on its own stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxySpec {
    /// The host name of the S3 server as its clients know it. The proxy has it on its stage.
    pub host: String,
    /// The port that clients use.
    pub port: u16,
    /// The real server.
    pub to: ProxyTarget,
    /// Where clients can't call the real server by the name in its certificate: the proxy ends TLS and begins it again.
    pub renames: Option<Renames>,
}

/// The server to which a proxy leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyTarget {
    /// A container on a stage.
    Container {
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

/// What a proxy needs that speaks TLS itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renames {
    /// The certificate for the name that clients use.
    pub identity: TlsIdentity,
    /// The name or address in the real server's certificate.
    pub name: String,
    /// The chain of the authority that signed the real server's certificate.
    pub ca_chain: String,
}

/// A relay of TCP connections in front of an S3 server. TLS is between the two ends: the proxy reads nothing.
///
/// What a topology does to its proxy no other topology notices. As it stands on the network of the server, too, the
/// server's stage is taken down after the proxy's.
#[derive(Debug, Clone)]
pub struct Proxy {
    docker: Docker,
    container: Container,
    host: String,
    port: u16,
}

impl Proxy {
    /// An open proxy.
    ///
    /// # Errors
    ///
    /// Its image can't be had, or its container does not come up.
    pub async fn start(
        stage: &Stage,
        spec: &ProxySpec,
        progress: &dyn Progress,
    ) -> EngineResult<Self> {
        let image = images::ensure(Image::Proxy, progress).await;
        let image = image.map_err(|error| complaint("the proxy's image", &error.to_string()))?;
        let to = match &spec.to {
            ProxyTarget::Container { name, port, .. } => format!("{name}:{port}"),
            ProxyTarget::Address(address) => address.to_string(),
            ProxyTarget::ThisHost(port) => format!("{}:{port}", host_of(stage).await?),
        };
        let mut environment =
            vec![("PROXY_TO".to_owned(), to), ("PROXY_PORT".to_owned(), spec.port.to_string())];
        let mut files = Vec::new();
        if let Some(renames) = &spec.renames {
            environment.push(("PROXY_NAME".to_owned(), renames.name.clone()));
            files = renames.files();
        }
        let container = ContainerSpec {
            image: image.to_string(),
            host: spec.host.clone(),
            ready: READY.to_owned(),
            files,
            environment,
            ports: vec![spec.port],
            ..ContainerSpec::default()
        };
        let proxy = Self {
            docker: stage.docker().clone(),
            container: stage.start(&container).await?,
            host: spec.host.clone(),
            port: spec.port,
        };
        match &spec.to {
            ProxyTarget::Container { stage: other, .. } if other != stage.name() => {
                proxy.join(other).await?;
            }
            ProxyTarget::Container { .. } | ProxyTarget::Address(_) | ProxyTarget::ThisHost(_) => {}
        }
        Ok(proxy)
    }

    /// The proxy that an earlier process started here, as it was left.
    ///
    /// # Errors
    ///
    /// There is none.
    pub async fn again(stage: &Stage, host: &str, port: u16) -> EngineResult<Self> {
        let container = stage.container(host).await?;
        Ok(Self { docker: stage.docker().clone(), container, host: host.to_owned(), port })
    }

    /// The way from this process through the proxy.
    #[must_use]
    pub fn route(&self) -> S3Route {
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, self.container.port(self.port)));
        S3Route { host: self.host.clone(), to }
    }

    /// The container.
    #[must_use]
    pub const fn container(&self) -> &Container {
        &self.container
    }

    /// Connections are passed on.
    ///
    /// # Errors
    ///
    /// The container does not run or does not obey.
    pub async fn open(&self) -> EngineResult<()> {
        self.order("open").await
    }

    /// Connections are refused, and those that were open are cut. Through the published port, the engine takes the
    /// connection and closes it at once.
    ///
    /// # Errors
    ///
    /// The container does not run or does not obey.
    pub async fn close(&self) -> EngineResult<()> {
        self.order("close").await
    }

    /// Connections are taken and nobody answers. Those that were open stand still, and go on when it is opened.
    ///
    /// # Errors
    ///
    /// The container does not run or does not obey.
    pub async fn hang(&self) -> EngineResult<()> {
        self.order("hang").await
    }

    async fn order(&self, what: &str) -> EngineResult<()> {
        order(&self.docker, &self.container, &["proxy", what]).await.map(drop)
    }

    async fn join(&self, network: &str) -> EngineResult<()> {
        let request = NetworkConnectRequest {
            container: self.container.id().to_owned(),
            endpoint_config: Some(EndpointSettings::default()),
        };
        self.docker.connect_network(network, request).await.map_err(|error| {
            complaint(
                self.container.name(),
                &format!("does not join the network {network}: {error}"),
            )
        })
    }
}

impl Renames {
    fn files(&self) -> Vec<ContainerFile> {
        let file = |name: &str, content: &str, mode: u32| ContainerFile {
            path: format!("/run/proxy/{name}"),
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

/// The address under which the containers of a stage reach the machine on which the engine runs.
pub(super) async fn host_of(stage: &Stage) -> EngineResult<Ipv4Addr> {
    let network = stage.docker().inspect_network(stage.name(), None).await;
    let network = network.map_err(|error| complaint(stage.name(), &error.to_string()))?;
    let configs = network.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
    let gateway = configs.into_iter().find_map(|config| config.gateway?.parse().ok());
    gateway.ok_or_else(|| complaint(stage.name(), "the network has no gateway"))
}
