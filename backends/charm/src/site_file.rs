//! Where this charm has its files and servers, as far as it is not as usual.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use pgdrill_core::ports::Identity;
use serde::{Deserialize, Serialize};

use crate::{Environment, Site, bounded::read_text};

/// The variable that names the file.
pub const FILE: &str = "PGDRILL_SITE";

/// What a charm, or a rehearsal, has elsewhere than usual.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct SiteFile {
    /// The peer relation.
    pub peers: Option<String>,
    /// The relation with the S3 settings.
    pub s3: Option<String>,
    /// The socket of the workload container's supervisor.
    pub pebble: Option<PathBuf>,
    /// The hosts of units; `{unit}` stands for the number.
    pub hosts: Option<String>,
    /// The port of every member's REST API.
    pub api_port: Option<u16>,
    /// The folder of the database's programs.
    pub programs: Option<String>,
    /// The file that holds the charm's own template of `patroni.yml`.
    pub patroni_template: Option<PathBuf>,
    /// The host of the Kubernetes API.
    pub kubernetes_host: Option<String>,
    /// Its port.
    pub kubernetes_port: Option<u16>,
    /// The folder of the pod's service account.
    pub kubernetes_account: Option<PathBuf>,
    /// How long one request to Patroni, S3 or Kubernetes may take, in milliseconds.
    pub request_ms: Option<u64>,
}

/// The site of the unit that the environment describes.
///
/// # Errors
///
/// The file that it names can't be read or understood.
pub fn site(identity: &Identity, environment: &Environment) -> Result<Site, String> {
    let mut site = Site::of_charm(identity);
    if let Some(host) = environment.get("KUBERNETES_SERVICE_HOST") {
        site.kubernetes.host.clone_from(host);
    }
    let port = environment.get("KUBERNETES_SERVICE_PORT").and_then(|port| port.parse().ok());
    site.kubernetes.port = port.unwrap_or(site.kubernetes.port);
    let Some(path) = environment.get(FILE) else { return Ok(site) };
    let text = read_text(Path::new(path)).map_err(|why| format!("{path}: {why}"))?;
    let file: SiteFile = serde_json::from_str(&text).map_err(|why| format!("{path}: {why}"))?;
    if let Some(template) = &file.patroni_template {
        let text = read_text(template);
        let text =
            text.map_err(|why| format!("{path}: patroni-template: {}: {why}", template.display()));
        site.patroni_template = Some(text?);
    }
    change(&mut site, file);
    Ok(site)
}

fn change(site: &mut Site, file: SiteFile) {
    fn set<T>(place: &mut T, value: Option<T>) {
        if let Some(value) = value {
            *place = value;
        }
    }
    set(&mut site.names.peers, file.peers);
    set(&mut site.names.s3, file.s3);
    set(&mut site.pebble, file.pebble);
    set(&mut site.hosts, file.hosts);
    set(&mut site.api_port, file.api_port);
    set(&mut site.programs, file.programs);
    set(&mut site.kubernetes.host, file.kubernetes_host);
    set(&mut site.kubernetes.port, file.kubernetes_port);
    set(&mut site.kubernetes.account, file.kubernetes_account);
    if let Some(limit) = file.request_ms.map(Duration::from_millis) {
        site.patroni_limits.request = limit;
        site.kubernetes.limit = limit;
        site.s3_limits.attempt = limit;
        site.s3_limits.attempts = 1;
    }
}
