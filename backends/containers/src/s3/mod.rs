//! A real S3 server, whichever it is, and what a test needs of it.

mod choice;
mod external;
mod minio;
mod policy;
mod preflight;
mod profile;
mod radosgw;
mod seaweedfs;
mod states;

use std::{
    borrow::Cow,
    fmt,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use pgdrill_core::{Diagnostic, PortError, PortErrorKind, S3Problem, S3Relation, Secret, UriStyle};
use sha2::{Digest as _, Sha256};

use super::{
    authority::{Authority, TlsIdentity},
    container::Container,
    proxy::{ProxySpec, ProxyTarget},
    relay::Relay,
    stage::{ContainerFile, EngineResult, Stage, complaint},
};
use crate::images::{Progress, Quiet};
use pgdrill_adapters::s3::{S3Admin, S3Limits, S3Route, S3Store};

pub use choice::Choice;
pub use external::External;
pub use profile::Profile;
use states::Means;

/// The host name of a server that runs in a container, as its clients know it.
pub const HOST: &str = "s3.drill";
/// The port on which it is reached.
const PORT: u16 = 443;
/// Its own host name on its stage. The name that clients know belongs to their proxies.
const NAME: &str = "s3-server";
/// The hooks' user, where users have names.
const OWN: &str = "pgdrill";
/// How long a server that does not say so may take until it is ready, and the pause between two questions.
const AWAKE: (Duration, Duration) = (Duration::from_secs(90), Duration::from_millis(200));

/// Why something about the S3 server is not as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmet {
    /// This server can't do it, for this reason.
    Unable(String),
    /// It can, and it did not work.
    Broken(Box<Diagnostic>),
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unable(reason) => f.write_str(reason),
            Self::Broken(diagnostic) => diagnostic.fmt(f),
        }
    }
}

impl std::error::Error for Unmet {}

impl From<PortError> for Unmet {
    fn from(error: PortError) -> Self {
        Self::Broken(complaint("the S3 server", &error.to_string()))
    }
}

impl From<Box<Diagnostic>> for Unmet {
    fn from(diagnostic: Box<Diagnostic>) -> Self {
        Self::Broken(diagnostic)
    }
}

/// A running S3 server, and its users.
#[derive(Debug, Clone)]
pub struct S3Server {
    profile: Profile,
    facts: Facts,
    proxy: ProxySpec,
    /// Without it containers would not reach the server.
    relay: Option<Arc<Relay>>,
    /// Where it is for this process.
    route: Option<S3Route>,
    container: Option<Container>,
    /// Whom no policy binds, where there is such a user; otherwise the hooks' own user.
    admin: S3Admin,
    /// The hooks' user.
    own: S3Admin,
    /// Somebody else.
    other: Option<S3Admin>,
    means: Means,
    /// The chain of an authority that signed nothing here.
    other_chain: String,
}

/// What a client of the server must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The host name, which the server's certificate bears.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The access key of the hooks' user.
    pub access_key: Secret,
    /// Its secret key.
    pub secret_key: Secret,
    /// The chain of the authority that signed the server's certificate; `None`: a public one did.
    pub ca_chain: Option<String>,
    /// How requests name their bucket.
    pub uri_style: UriStyle,
    /// The region that the server wants to hear.
    pub region: Option<String>,
}

impl Facts {
    /// The endpoint.
    #[must_use]
    pub fn endpoint(&self) -> String {
        let is_v6 = self.host.contains(':');
        let host = if is_v6 { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == PORT {
            format!("https://{host}")
        } else {
            format!("https://{host}:{}", self.port)
        }
    }

    /// The relation's data for a bucket, as far as the server decides it.
    #[must_use]
    pub fn relation(&self, bucket: &str) -> S3Relation {
        let text = |text: &str| Some(Cow::from(text.to_owned()));
        S3Relation {
            bucket: text(bucket),
            access_key: Some(self.access_key.clone()),
            secret_key: Some(self.secret_key.clone()),
            endpoint: text(&self.endpoint()),
            path: None,
            region: self.region.as_deref().and_then(text),
            uri_style: text(match self.uri_style {
                UriStyle::Path => "path",
                UriStyle::Host => "host",
            }),
            tls_ca_chain: self.ca_chain.as_deref().and_then(text),
            names_no_secret: false,
        }
    }

    /// Buckets of this server, by this user.
    fn admin(&self, user: &User, route: Option<&S3Route>) -> EngineResult<S3Admin> {
        let store = S3Store::new(S3Limits::default());
        let store = match route {
            Some(route) => store.by(route.clone()),
            None => store,
        };
        self.admin_by(user, store)
    }

    fn admin_by(&self, user: &User, store: S3Store) -> EngineResult<S3Admin> {
        let relation = S3Relation {
            access_key: Some(user.access_key.clone()),
            secret_key: Some(user.secret_key.clone()),
            ..self.relation("any")
        };
        let settings = pgdrill_core::S3Settings::from_relation(&relation).map_err(|problem| {
            let what = match problem {
                S3Problem::Missing(missing) => format!("has no {}", missing.join(", ")),
                S3Problem::Unusable { parameter, why } => format!("its {parameter} {why}"),
            };
            complaint("the S3 server", &what)
        })?;
        Ok(S3Admin::new(store, settings))
    }
}

/// A user of the server.
#[derive(Debug, Clone)]
struct User {
    access_key: Secret,
    secret_key: Secret,
}

impl User {
    /// The keys that whoever holds the authority's key can derive again. Both say `canary`, so that one that leaks
    /// is seen.
    fn of(authority: &Authority, name: &str) -> Self {
        let derive = |what: &str| -> String {
            let key = authority.key();
            let digest = Sha256::digest(format!("{}\n{name}\n{what}", key.expose()));
            digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
        };
        let access_key = format!("canary{}", &derive("access")[..14]);
        let secret_key = format!("canary{}", derive("secret"));
        Self { access_key: Secret::new(access_key), secret_key: Secret::new(secret_key) }
    }
}

impl S3Server {
    /// A server of this profile, ready, with its users: it keeps what is put there. Containers go on the stage.
    ///
    /// # Errors
    ///
    /// It can't be had, does not come up, or does not do what it must.
    pub async fn start(
        profile: Profile,
        stage: &Stage,
        authority: &Authority,
        progress: &dyn Progress,
    ) -> EngineResult<Self> {
        if profile == Profile::External {
            let external = External::from_environment()?;
            return Self::external(&external, stage, authority, progress).await;
        }
        let started = async {
            let image = choice::image(profile, progress).await?;
            let server = match profile {
                Profile::Minio => minio::start(stage, authority, &image).await?,
                Profile::Seaweedfs => seaweedfs::start(stage, authority, &image).await?,
                Profile::Radosgw | Profile::External => {
                    radosgw::start(stage, authority, &image).await?
                }
            };
            // The first object also takes longer than those after it: SeaweedFS answers before it has a place for one.
            let (place, bucket) = (server.facts.endpoint(), format!("preflight-{}", stage.name()));
            preflight::check(&server.own, &place, &bucket).await.map_err(|complaint| {
                let place = format!("the S3 server, {}", profile.name());
                Box::new(Diagnostic::error(&place, complaint.what))
            })?;
            Ok(server)
        };
        started.await.map_err(|complaint: Box<Diagnostic>| match &complaint.hint {
            Some(_) => complaint,
            None => Box::new((*complaint).hint("choose another server with --s3")),
        })
    }

    /// A server that somebody else runs. It is asked first whether it is as it must be, and whether containers on the
    /// stage reach it; if only this process does, it passes their connections on for as long as this value lives.
    ///
    /// # Errors
    ///
    /// One complaint: which part of what was given is wrong, and what to do.
    pub async fn external(
        external: &External,
        stage: &Stage,
        authority: &Authority,
        progress: &dyn Progress,
    ) -> EngineResult<Self> {
        external::start(external, stage, authority, progress).await
    }

    /// The server that an earlier process started on this stage with this authority.
    ///
    /// # Errors
    ///
    /// It is not there.
    pub async fn again(
        profile: Profile,
        stage: &Stage,
        authority: &Authority,
    ) -> EngineResult<Self> {
        match profile {
            Profile::Radosgw => radosgw::again(stage, authority).await,
            Profile::Minio => minio::again(stage, authority).await,
            Profile::Seaweedfs => seaweedfs::again(stage, authority).await,
            Profile::External => {
                let external = External::from_environment()?;
                Self::external(&external, stage, authority, &Quiet).await
            }
        }
    }

    /// Which server it is.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// What its clients must know.
    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The chain of an authority that did not sign the server's certificate.
    #[must_use]
    pub fn other_chain(&self) -> &str {
        &self.other_chain
    }

    /// The container, if it runs in one.
    #[must_use]
    pub const fn container(&self) -> Option<&Container> {
        self.container.as_ref()
    }

    /// The way from this process to the server past every proxy; `None`: its name leads there.
    #[must_use]
    pub const fn route(&self) -> Option<&S3Route> {
        self.route.as_ref()
    }

    /// Whether containers reach the server only by way of this process, for as long as it lives.
    #[must_use]
    pub const fn is_relayed(&self) -> bool {
        self.relay.is_some()
    }

    /// A proxy that leads to this server, on whichever stage it is started.
    #[must_use]
    pub fn proxy(&self) -> ProxySpec {
        self.proxy.clone()
    }
}

/// A file in the folder that every server's container has for what it is given.
fn file(name: &str, content: &str, mode: u32) -> ContainerFile {
    ContainerFile { path: format!("/run/s3/{name}"), content: content.as_bytes().to_vec(), mode }
}

/// The certificate of a server in a container: for the name that clients use, with a bucket before it or not, for its
/// own, and for what it is called within the container.
fn server_identity(authority: &Authority) -> EngineResult<TlsIdentity> {
    let wildcard = format!("*.{HOST}");
    let identity = authority.issue(&[HOST, &wildcard, NAME, "localhost", "127.0.0.1"]);
    identity.map_err(|error| complaint("the S3 server", &error.to_string()))
}

/// The way from this process to a server in a container.
fn container_route(container: &Container) -> S3Route {
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, container.port(PORT)));
    S3Route { host: HOST.to_owned(), to }
}

/// A proxy to a server in a container.
fn container_proxy(stage: &Stage, container: &Container) -> ProxySpec {
    let (name, stage) = (container.name().to_owned(), stage.name().to_owned());
    let to = ProxyTarget::Container { name, port: PORT, stage };
    ProxySpec { host: HOST.to_owned(), port: PORT, to, renames: None }
}

/// Returns once the server answers its administrator.
#[expect(
    clippy::disallowed_methods,
    reason = "the server says it to nobody: it is asked again until it answers"
)]
async fn awake(server: &S3Server, users: &[&User]) -> EngineResult<()> {
    let (bound, pause) = AWAKE;
    let name = server.container.as_ref().map_or("the S3 server", Container::name);
    let answered = async {
        while server.admin.has_bucket("pgdrill-preflight").await.is_err() {
            if let Some(container) = &server.container
                && !container.is_running().await?
            {
                let said = without_keys(container.last_words().await, users);
                return Err(complaint(
                    name,
                    &format!("the S3 server has ended before it answered: {said}"),
                ));
            }
            tokio::time::sleep(pause).await;
        }
        Ok(())
    };
    tokio::time::timeout(bound, answered).await.unwrap_or_else(|_| {
        Err(complaint(name, &format!("the S3 server does not answer within {bound:?}")))
    })
}

/// A text of a server, which may repeat what it was given.
fn without_keys(mut text: String, users: &[&User]) -> String {
    for key in users.iter().flat_map(|user| [&user.access_key, &user.secret_key]) {
        text = text.replace(key.expose(), "***");
    }
    text
}

/// The chain of an authority that signs nothing.
fn foreign_chain() -> EngineResult<String> {
    let other = Authority::new("an authority that signed nothing");
    let other = other.map_err(|error| complaint("the other authority", &error.to_string()))?;
    Ok(other.chain().to_owned())
}

/// Whether a server refused a request as it refuses those who may not.
fn is_denied<T>(answer: &Result<T, PortError>) -> bool {
    answer.as_ref().is_err_and(|error| error.kind() == PortErrorKind::Denied)
}
