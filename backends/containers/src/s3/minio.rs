//! MinIO, from its own image. Written from its documentation: it was not run where this was written, as no registry of
//! images was reached there.

use pgdrill_core::UriStyle;
use serde_json::json;
use testcontainers::bollard::Docker;

use super::{
    Facts, HOST, Means, NAME, OWN, PORT, Profile, S3Server, User, awake, container_proxy,
    container_route, file, foreign_chain, policy::PolicyPurpose, server_identity,
};
use crate::{
    authority::Authority,
    container::Container,
    order::order,
    stage::{ContainerSpec, EngineResult, Stage},
};

/// The root user: no policy binds it.
const ROOT: &str = "root";
/// The server's own client, which is in its image.
const CLIENT: &str = r#"mc() { command mc --quiet --config-dir /run/s3/mc admin "$@"; }
user=$(cat /run/s3/access-key)
"#;
const ADD_USER: &str = r#"mc user add drill "$user" "$(cat /run/s3/secret-key)" &&
mc policy attach drill readwrite --user "$user""#;
/// Its arguments: the policy's name and the policy.
const ATTACH: &str = r#"printf %s "$2" > "/tmp/$1.json" &&
mc policy create drill "$1" "/tmp/$1.json" && mc policy attach drill "$1" --user "$user""#;
/// Its argument: the policy's name.
const DETACH: &str = r#"mc policy detach drill "$1" --user "$user" && mc policy rm drill "$1""#;
/// Says the names of all policies.
const LIST: &str = "mc policy ls drill";

pub(super) async fn start(
    stage: &Stage,
    authority: &Authority,
    image: &str,
) -> EngineResult<S3Server> {
    let identity = server_identity(authority)?;
    let (own, root) = (User::of(authority, OWN), User::of(authority, ROOT));
    let client = json!({"version": "10", "aliases": {"drill": {
        "url": "https://127.0.0.1",
        "accessKey": root.access_key.expose(),
        "secretKey": root.secret_key.expose(),
        "api": "S3v4",
        "path": "on",
    }}});
    let container = ContainerSpec {
        image: image.to_owned(),
        host: NAME.to_owned(),
        files: vec![
            // The server writes into this folder.
            file("certs/public.crt", &identity.certificate, 0o644),
            file("certs/private.key", identity.key.expose(), 0o600),
            file("root-user", root.access_key.expose(), 0o600),
            file("root-password", root.secret_key.expose(), 0o600),
            file("access-key", own.access_key.expose(), 0o600),
            file("secret-key", own.secret_key.expose(), 0o600),
            file("mc/config.json", &client.to_string(), 0o600),
            file("mc/certs/CAs/ca.crt", authority.chain(), 0o644),
        ],
        environment: vec![
            ("MINIO_ROOT_USER_FILE".to_owned(), "/run/s3/root-user".to_owned()),
            ("MINIO_ROOT_PASSWORD_FILE".to_owned(), "/run/s3/root-password".to_owned()),
        ],
        arguments: ["server", "--address", ":443", "--certs-dir", "/run/s3/certs", "/data"]
            .map(str::to_owned)
            .to_vec(),
        ports: vec![PORT],
        ..ContainerSpec::default()
    };
    let container = stage.start(&container).await?;
    let server = server(stage, authority, container)?;
    awake(&server, &[&own, &root]).await?;
    if let Means::Minio(users) = &server.means {
        users.run(ADD_USER, &[]).await?;
    }
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
        profile: Profile::Minio,
        proxy: container_proxy(stage, &container),
        relay: None,
        admin: facts.admin(&User::of(authority, ROOT), Some(&route))?,
        own: facts.admin(&own, Some(&route))?,
        other: None,
        means: Means::Minio(Box::new(Users {
            docker: stage.docker().clone(),
            container: container.clone(),
        })),
        other_chain: foreign_chain()?,
        route: Some(route),
        container: Some(container),
        facts,
    })
}

/// The users of the server and their policies. A bucket's own policy binds only those who show no key, and buckets
/// have no owners: what is refused, is refused to the hooks' user.
#[derive(Debug, Clone)]
pub(super) struct Users {
    docker: Docker,
    container: Container,
}

impl Users {
    /// What is refused in a bucket, if anything is.
    pub(super) async fn purpose(&self, bucket: &str) -> EngineResult<Option<PolicyPurpose>> {
        let listed = self.run(LIST, &[]).await?;
        let named = |purpose: &&PolicyPurpose| {
            let name = name(**purpose, bucket);
            listed.split_whitespace().any(|word| word == name)
        };
        Ok(PolicyPurpose::ALL.iter().find(named).copied())
    }

    pub(super) async fn refuse(
        &self,
        bucket: &str,
        purpose: PolicyPurpose,
        policy: &str,
    ) -> EngineResult<()> {
        self.run(ATTACH, &[&name(purpose, bucket), policy]).await.map(drop)
    }

    pub(super) async fn lift(&self, bucket: &str, purpose: PolicyPurpose) -> EngineResult<()> {
        self.run(DETACH, &[&name(purpose, bucket)]).await.map(drop)
    }

    async fn run(&self, script: &str, arguments: &[&str]) -> EngineResult<String> {
        let script = [CLIENT, script].concat();
        let command = [&["sh", "-c", &*script, "sh"], arguments].concat();
        order(&self.docker, &self.container, &command).await
    }
}

/// No bucket has an underscore in its name.
fn name(purpose: PolicyPurpose, bucket: &str) -> String {
    format!("{}_{bucket}", purpose.id())
}
