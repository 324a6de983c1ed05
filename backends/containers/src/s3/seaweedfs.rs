//! SeaweedFS, from its own image or from one that is built here of the same version.

use pgdrill_core::UriStyle;
use serde_json::json;

use super::{
    Facts, HOST, Means, NAME, OWN, PORT, Profile, S3Server, User, awake, container_proxy,
    container_route, file, foreign_chain, server_identity,
};
use crate::{
    authority::Authority,
    container::Container,
    stage::{ContainerSpec, EngineResult, Stage},
};

pub(super) async fn start(
    stage: &Stage,
    authority: &Authority,
    image: &str,
) -> EngineResult<S3Server> {
    let identity = server_identity(authority)?;
    let own = User::of(authority, OWN);
    let users = json!({"identities": [{
        "name": OWN,
        "credentials": [{
            "accessKey": own.access_key.expose(),
            "secretKey": own.secret_key.expose(),
        }],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }]});
    let arguments = [
        "server",
        "-dir=/data",
        "-ip.bind=0.0.0.0",
        "-master.volumeSizeLimitMB=64",
        // It would tell its makers about itself otherwise.
        "-master.telemetry=false",
        "-volume.max=0",
        "-s3",
        "-s3.port=443",
        "-s3.port.https=0",
        "-s3.cert.file=/run/s3/tls.crt",
        "-s3.key.file=/run/s3/tls.key",
        "-s3.config=/run/s3/s3.json",
    ];
    // Some versions of the image leave the root user before they read their files.
    let container = ContainerSpec {
        image: image.to_owned(),
        host: NAME.to_owned(),
        files: vec![
            file("tls.crt", &identity.certificate, 0o644),
            file("tls.key", identity.key.expose(), 0o644),
            file("s3.json", &users.to_string(), 0o644),
        ],
        arguments: arguments.map(str::to_owned).to_vec(),
        ports: vec![PORT],
        ..ContainerSpec::default()
    };
    let server = server(stage, authority, stage.start(&container).await?)?;
    awake(&server, &[&own]).await?;
    Ok(server)
}

pub(super) async fn again(stage: &Stage, authority: &Authority) -> EngineResult<S3Server> {
    server(stage, authority, stage.container(NAME).await?)
}

fn server(stage: &Stage, authority: &Authority, container: Container) -> EngineResult<S3Server> {
    let own = User::of(authority, OWN);
    let facts = Facts {
        host: HOST.to_owned(),
        port: PORT,
        access_key: own.access_key.clone(),
        secret_key: own.secret_key.clone(),
        ca_chain: Some(authority.chain().to_owned()),
        uri_style: UriStyle::Path,
        region: None,
    };
    let route = container_route(&container);
    Ok(S3Server {
        profile: Profile::Seaweedfs,
        proxy: container_proxy(stage, &container),
        relay: None,
        admin: facts.admin(&own, Some(&route))?,
        own: facts.admin(&own, Some(&route))?,
        other: None,
        means: Means::Owner,
        other_chain: foreign_chain()?,
        route: Some(route),
        container: Some(container),
        facts,
    })
}
