//! The configuration files that the adapters write, read back.

use pgdrill_core::{
    S3Settings,
    ports::{ClusterSettings, RepositorySettings, RestoreSource, UnitId},
};

use super::shared::SharedState;

/// The settings in a `pgbackrest.conf`; or what is wrong with it.
pub(super) fn repository(shared: &SharedState, text: &str) -> Result<RepositorySettings, String> {
    let get = |key: &str| {
        text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(str::to_owned)
    };
    let sections = text.lines().filter_map(|line| line.strip_prefix('[')?.strip_suffix(']'));
    let stanza = sections.into_iter().find(|name| *name != "global").ok_or("there is no stanza")?;
    let s3 = match get("repo1-s3-region") {
        None => None,
        Some(region) => {
            let settings = shared.settings(&region);
            let settings = settings.ok_or_else(|| format!("nobody knows the region {region}"))?;
            for (key, value) in [
                ("repo1-s3-key", settings.access_key.expose()),
                ("repo1-s3-key-secret", settings.secret_key.expose()),
            ] {
                if get(key).as_deref() != Some(value) {
                    return Err(format!("{key} is not what the relation says"));
                }
            }
            if settings.tls_ca_chain.is_some() != get("repo1-storage-ca-file").is_some() {
                return Err("repo1-storage-ca-file is not what the relation says".into());
            }
            let (bucket, path) = (get("repo1-s3-bucket"), get("repo1-path"));
            let (bucket, path) = bucket.zip(path).ok_or("there is no bucket or no path")?;
            Some(S3Settings { bucket: bucket.into(), path: path.into(), ..settings })
        }
    };
    let hosts = text.lines().filter_map(|line| {
        let (key, host) = line.split_once('=')?;
        (key.starts_with("pg") && key.ends_with("-host")).then_some(host)
    });
    let tls_peers = hosts.filter_map(SharedState::unit_of).map(UnitId).collect();
    Ok(RepositorySettings { s3, stanza: stanza.into(), tls_peers })
}

/// The settings in a `patroni.yml`, and what a server that runs on it says: its mark and archive command. Or
/// what is wrong with it.
pub(super) fn cluster(text: &str) -> Result<(ClusterSettings, String), String> {
    let get = |key: &str| {
        let value = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(": "));
        value.and_then(|value| serde_json::from_str::<String>(value).ok())
    };
    let word = |command: &str, option: &str| {
        command.split(' ').find_map(|word| word.strip_prefix(option)).map(str::to_owned)
    };
    let archive = get("archive_command").ok_or("there is no archive_command")?;
    let mark = get("pgdrill.settings").ok_or("there is no mark")?;
    let rejects = text.lines().any(|line| line.trim() == "- host all all all reject");
    if rejects == mark.starts_with("on:") {
        return Err("its mark and its pg_hba differ".into());
    }
    let restore = match get("command") {
        None => None,
        Some(command) => {
            let (label, stanza) = (word(&command, "--set="), word(&command, "--stanza="));
            let both = label.zip(stanza).ok_or("its restore names no backup")?;
            Some(RestoreSource { label: both.0, stanza: both.1 })
        }
    };
    let archive_stanza = word(&archive, "--stanza=").map(Into::into);
    let says = format!("{mark}|{archive}");
    Ok((ClusterSettings { archive_stanza, accepts_connections: !rejects, restore }, says))
}
