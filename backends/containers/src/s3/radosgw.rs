//! Ceph's gateway, from an image that is built here.

use pgdrill_core::UriStyle;
use testcontainers::bollard::Docker;

use super::{
    Facts, HOST, Means, NAME, OWN, PORT, Profile, S3Server, User, container_proxy, container_route,
    file, foreign_chain, server_identity,
};
use crate::{
    authority::Authority,
    container::Container,
    order::order,
    stage::{ContainerSpec, EngineResult, Stage},
};

const READY: &str = "pgdrill: the S3 server is ready";
const OTHER: &str = "somebody-else";
/// Whom no policy binds.
pub(super) const ADMIN: &str = "administrator";

pub(super) async fn start(
    stage: &Stage,
    authority: &Authority,
    image: &str,
) -> EngineResult<S3Server> {
    let identity = server_identity(authority)?;
    let own = User::of(authority, OWN);
    let users = [(OTHER, ""), (ADMIN, " admin")].map(|(name, right)| {
        let user = User::of(authority, name);
        format!("{name} {} {}{right}\n", user.access_key.expose(), user.secret_key.expose())
    });
    let container = ContainerSpec {
        image: image.to_owned(),
        host: NAME.to_owned(),
        ready: READY.to_owned(),
        files: vec![
            file("tls.crt", &identity.certificate, 0o644),
            file("tls.key", identity.key.expose(), 0o600),
            file("access-key", own.access_key.expose(), 0o600),
            file("secret-key", own.secret_key.expose(), 0o600),
            file("users", &users.concat(), 0o600),
        ],
        ports: vec![PORT],
        ..ContainerSpec::default()
    };
    server(stage, authority, stage.start(&container).await?)
}

pub(super) async fn again(stage: &Stage, authority: &Authority) -> EngineResult<S3Server> {
    server(stage, authority, stage.container(NAME).await?)
}

fn server(stage: &Stage, authority: &Authority, container: Container) -> EngineResult<S3Server> {
    let own = User::of(authority, OWN);
    let facts = Facts {
        host: HOST.to_owned(),
        port: PORT,
        access_key: own.access_key,
        secret_key: own.secret_key,
        ca_chain: Some(authority.chain().to_owned()),
        uri_style: UriStyle::Path,
        region: None,
    };
    let route = container_route(&container);
    let user = |name: &str| facts.admin(&User::of(authority, name), Some(&route));
    Ok(S3Server {
        profile: Profile::Radosgw,
        proxy: container_proxy(stage, &container),
        relay: None,
        admin: user(ADMIN)?,
        own: user(OWN)?,
        other: Some(user(OTHER)?),
        means: Means::Radosgw(Box::new(Gateway {
            docker: stage.docker().clone(),
            container: container.clone(),
        })),
        other_chain: foreign_chain()?,
        route: Some(route),
        container: Some(container),
        facts,
    })
}

/// The gateway's own container.
#[derive(Debug, Clone)]
pub(super) struct Gateway {
    docker: Docker,
    container: Container,
}

impl Gateway {
    /// A bucket changes hands. To its owner the gateway reports that a key is missing before it asks the policy, so a
    /// bucket that denies everything must not be the hooks' own.
    pub(super) async fn give(&self, bucket: &str, to: &str) -> EngineResult<()> {
        let (bucket, to) = (format!("--bucket={bucket}"), format!("--uid={to}"));
        let command = ["radosgw-admin", "bucket", "link", &bucket, &to];
        order(&self.docker, &self.container, &command).await.map(drop)
    }
}
