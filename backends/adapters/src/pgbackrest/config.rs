//! The tool's configuration file.

use minijinja::context;
use pgdrill_core::{S3Settings, UriStyle, ports::RepositorySettings};

use super::{PgBackRestLimits, PgBackRestPaths};
use crate::template;

const TEMPLATE: &str = include_str!("pgbackrest.conf.jinja");
/// The region when none is given: the tool wants one, and servers without regions accept this.
const REGION: &str = "us-east-1";

/// The files that a configuration consists of.
pub(super) struct RenderedPgBackRest {
    /// The configuration.
    pub(super) text: String,
    /// The chain to which it refers: its path and content.
    pub(super) authority: Option<(String, String)>,
}

/// The configuration; or why there can be none, in words that hold no value.
pub(super) fn render(
    paths: &PgBackRestPaths,
    limits: &PgBackRestLimits,
    settings: &RepositorySettings,
) -> Result<RenderedPgBackRest, String> {
    refuse_line_breaks(settings)?;
    if paths.tls.is_none() && !settings.tls_peers.is_empty() {
        return Err("there are peers to reach by TLS, and no certificate to show them".into());
    }
    let chain = settings.s3.as_ref().and_then(|s3| s3.tls_ca_chain.as_deref());
    let authority = chain.map(|chain| {
        let path =
            format!("{}/pgbackrest-s3-ca-{:016x}.crt", paths.authorities, template::digest(chain));
        (path, format!("{chain}\n"))
    });
    let peers: Vec<String> = settings.tls_peers.iter().map(|&peer| paths.host(peer)).collect();
    let s3 = settings.s3.as_ref().map(|s3| {
        context! {
            bucket => s3.bucket.as_ref(),
            path => s3.path.as_ref(),
            endpoint => s3.endpoint.as_ref(),
            region => s3.region.as_deref().unwrap_or(REGION),
            uri_style => match s3.uri_style { UriStyle::Host => "host", UriStyle::Path => "path" },
            key => s3.access_key.expose(),
            key_secret => s3.secret_key.expose(),
            ca_file => authority.as_ref().map(|(path, _)| path),
        }
    });
    let tls = paths.tls.as_ref().map(|tls| {
        let mut names = vec![paths.host(paths.unit)];
        for name in peers.iter().chain(&tls.common_names) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        context! {
            authority => &tls.authority, certificate => &tls.certificate, key => &tls.key,
            port => tls.port, names,
        }
    });
    let database = &paths.database;
    let database = context! {
        data => &database.data, socket => &database.socket, port => database.port,
        user => &database.user,
    };
    let whole = context! {
        s3, tls, peers, database, stanza => settings.stanza.as_ref(), processes => paths.processes,
        io_timeout => limits.io.as_secs().max(1), archive_timeout => limits.archive.as_secs().max(1),
    };
    let text = template::render(TEMPLATE, whole)?;
    Ok(RenderedPgBackRest { text, authority })
}

/// A value with a line break would become a setting of its own.
fn refuse_line_breaks(settings: &RepositorySettings) -> Result<(), String> {
    let mut values = vec![("stanza", settings.stanza.as_ref())];
    if let Some(S3Settings {
        bucket,
        access_key,
        secret_key,
        endpoint,
        path,
        region,
        uri_style: _,
        tls_ca_chain: _,
    }) = &settings.s3
    {
        values.extend([
            ("bucket", bucket.as_ref()),
            ("access-key", access_key.expose()),
            ("secret-key", secret_key.expose()),
            ("endpoint", endpoint.as_ref()),
            ("path", path.as_ref()),
            ("region", region.as_deref().unwrap_or_default()),
        ]);
    }
    match values.iter().find(|(_, value)| value.contains(char::is_control)) {
        Some((name, _)) => Err(format!("`{name}` contains a line break or another control code")),
        None => Ok(()),
    }
}
