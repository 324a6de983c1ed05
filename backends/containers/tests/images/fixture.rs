//! The containers of the test: started with a label, spoken to by exec, removed whatever happens.

use std::time::Duration;

use futures_util::future::BoxFuture;
use pgdrill_containers::images::ImageRef;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use testcontainers::bollard::Docker;
use testcontainers::bollard::models::NetworkCreateRequest;
use testcontainers::bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, RemoveContainerOptionsBuilder,
};
use testcontainers::core::client::docker_client_instance;
use testcontainers::core::logs::LogFrame;
use testcontainers::core::logs::consumer::LogConsumer;
use testcontainers::core::{ExecCommand, IntoContainerPort as _, WaitFor};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{
    ContainerAsync, ContainerRequest, CopyTargetOptions, GenericImage, ImageExt as _,
};

const LABEL: &str = "pgdrill";
const PROCESS: &str = "pgdrill.process";
const STAGE: &str = "pgdrill.stage";

/// What a command in a container did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i64,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// What it wrote, if it succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.stdout, self.stderr);
        self.stdout
    }
}

/// A started container.
pub(crate) struct Container(pub(crate) ContainerAsync<GenericImage>);

impl Container {
    pub(crate) async fn run(&self, command: &[&str]) -> Ran {
        let mut result = self
            .0
            .exec(ExecCommand::new(command.iter().copied()))
            .await
            .expect("the engine takes it");
        let stdout = result.stdout_to_vec().await.expect("it can be read");
        let stderr = result.stderr_to_vec().await.expect("it can be read");
        let code = result.exit_code().await.expect("the engine knows").expect("it has ended");
        Ran {
            code,
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        }
    }

    /// As the database's user.
    pub(crate) async fn as_postgres(&self, command: &[&str]) -> Ran {
        self.run(&[&["chpst", "-u", "postgres:postgres"], command].concat()).await
    }
}

/// What a container says, shown if the test fails.
struct Spoken(String);

impl LogConsumer for Spoken {
    fn accept<'a>(&'a self, frame: &'a LogFrame) -> BoxFuture<'a, ()> {
        Box::pin(async move { print!("{}: {}", self.0, String::from_utf8_lossy(frame.bytes())) })
    }
}

/// The network that the containers share, and every container with this test's labels.
pub(crate) struct TestStage {
    pub(crate) docker: Docker,
    owner: &'static str,
    network: String,
}

impl TestStage {
    /// What a killed run left is cleared first; another run's containers are left alone.
    pub(crate) async fn set(owner: &'static str, name: &str) -> Self {
        let docker = docker_client_instance().await.expect("an engine answers");
        let ended = |process: &str| !std::path::Path::new(&format!("/proc/{process}")).exists();
        clear(&docker, owner, PROCESS, ended).await;
        let network = format!("pgdrill-{name}-{}", std::process::id());
        let stage = Self { docker, owner, network };
        let request = NetworkCreateRequest {
            name: stage.network.clone(),
            labels: Some(
                stage.labels().into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
            ),
            ..NetworkCreateRequest::default()
        };
        stage.docker.create_network(request).await.expect("a network can be made");
        stage
    }

    fn labels(&self) -> [(&'static str, String); 3] {
        let process = std::process::id().to_string();
        [(LABEL, self.owner.to_owned()), (PROCESS, process), (STAGE, self.network.clone())]
    }

    pub(crate) async fn start(
        &self,
        image: &ImageRef,
        name: &str,
        ready: &str,
        files: &[(&str, &str, u32)],
    ) -> Container {
        let mut request: ContainerRequest<GenericImage> =
            GenericImage::new(image.name(), image.tag())
                .with_exposed_port(8008.tcp())
                .with_exposed_port(5432.tcp())
                .with_exposed_port(2379.tcp())
                .with_wait_for(WaitFor::message_on_stdout(ready))
                .with_network(&self.network)
                .with_container_name(format!("{}-{name}", self.network))
                .with_hostname(name)
                .with_log_consumer(Spoken(name.to_owned()))
                .with_startup_timeout(Duration::from_secs(180))
                .with_labels(self.labels());
        for (path, text, mode) in files {
            let target = CopyTargetOptions::new(*path).with_mode(*mode);
            request = request.with_copy_to(target, text.as_bytes().to_vec());
        }
        Container(request.start().await.expect("it starts and says that it is ready"))
    }

    /// How the other containers reach the one that was started under this name.
    pub(crate) fn host(&self, name: &str) -> String {
        format!("{}-{name}", self.network)
    }

    /// Nothing of this run is left.
    pub(crate) async fn take_down(self) {
        clear(&self.docker, self.owner, STAGE, |stage| stage == self.network).await;
    }
}

/// Removes what has the owner's label, and another one of which `of` says so.
async fn clear(docker: &Docker, owner: &str, label: &str, of: impl Fn(&str) -> bool) {
    let filters = std::collections::BTreeMap::from([("label", vec![format!("{LABEL}={owner}")])]);
    let filters = filters.into_iter().collect();
    let listed = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let ours = |labels: Option<std::collections::HashMap<String, String>>| {
        labels.and_then(|labels| labels.get(label).map(|value| of(value))).unwrap_or(false)
    };
    for container in docker.list_containers(Some(listed)).await.expect("the engine lists") {
        if let (true, Some(id)) = (ours(container.labels), container.id) {
            let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
            let _ = docker.remove_container(&id, Some(options)).await;
        }
    }
    let listed = ListNetworksOptionsBuilder::default().filters(&filters).build();
    for network in docker.list_networks(Some(listed)).await.expect("the engine lists") {
        if let (true, Some(id)) = (ours(network.labels), network.id) {
            let _ = docker.remove_network(&id).await;
        }
    }
}

/// Waits until a question is answered with yes.
pub(crate) async fn until<F: Future<Output = bool>>(
    bound: Duration,
    what: &str,
    mut ask: impl FnMut() -> F,
) {
    let waiting = async {
        while !ask().await {
            pause().await;
        }
    };
    tokio::time::timeout(bound, waiting)
        .await
        .unwrap_or_else(|_| panic!("not within {bound:?}: {what}"));
}

#[expect(
    clippy::disallowed_methods,
    reason = "the servers are other processes; they are asked again until they are so far"
)]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// A certificate authority, and a certificate of it with its key.
pub(crate) struct Tls {
    pub(crate) authority: String,
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Tls {
    pub(crate) fn of(host: &str) -> Self {
        let authority_key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Without a name of its own it would bear the certificate's, which would then look self-signed.
        params.distinguished_name.push(DnType::CommonName, "pgdrill images test");
        let authority = params.self_signed(&authority_key).expect("it signs itself");
        let issuer = Issuer::new(params, authority_key);
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![host.to_owned()]).expect("a host name");
        let certificate = params.signed_by(&key, &issuer).expect("it is signed");
        Self {
            authority: authority.pem(),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}
