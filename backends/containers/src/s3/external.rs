//! A server that somebody else runs: any endpoint, with credentials from the environment.

use std::{
    fs::File,
    io::{self, Read as _},
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use pgdrill_core::{Diagnostic, PortErrorKind, Secret, UriStyle};

use super::{Facts, HOST, Means, PORT, Profile, S3Server, User, foreign_chain, preflight};
use crate::{
    authority::Authority,
    images::Progress,
    proxy::{Proxy, ProxySpec, ProxyTarget, Renames, host_of},
    relay::Relay,
    stage::{EngineResult, Stage, complaint},
};
use pgdrill_adapters::s3::{S3Admin, S3Route, S3Store};

const PLACE: &str = "the environment";
const ENDPOINT: &str = "PGDRILL_S3_ENDPOINT";
/// The longest chain of authorities that is read, in bytes.
const MAX_CHAIN: u64 = 4 * 1024 * 1024;
/// The proxy that is asked whether containers reach the server.
const PROBE: &str = "s3-probe";

/// A server that somebody else runs, as the environment describes it:
///
/// | variable | what it says |
/// |---|---|
/// | `PGDRILL_S3_ENDPOINT` | `https://HOST` or `https://HOST:PORT`; an IPv6 address in brackets |
/// | `PGDRILL_S3_ACCESS_KEY`, `PGDRILL_S3_SECRET_KEY` | the user of the hooks, who may make and remove buckets |
/// | `PGDRILL_S3_OTHER_ACCESS_KEY`, `PGDRILL_S3_OTHER_SECRET_KEY` | somebody else, if there is one |
/// | `PGDRILL_S3_REGION` | the region, if the server wants one |
/// | `PGDRILL_S3_CA_FILE` | the authority of its certificate, PEM, unless it is a public one |
/// | `PGDRILL_S3_URI_STYLE` | `path`, unless it is `host` |
#[derive(Debug, Clone)]
pub struct External {
    host: String,
    port: u16,
    user: User,
    other: Option<User>,
    region: Option<String>,
    ca_chain: Option<String>,
    uri_style: UriStyle,
}

impl External {
    /// What the environment of this process says.
    ///
    /// # Errors
    ///
    /// One complaint about all variables that are missing, or about the one that can't be read.
    #[expect(clippy::disallowed_methods, reason = "credentials come from the environment alone")]
    pub fn from_environment() -> EngineResult<Self> {
        Self::read(&|name| std::env::var(name).ok())
    }

    /// What these variables say.
    ///
    /// # Errors
    ///
    /// One complaint about all variables that are missing, or about the one that can't be read.
    pub fn read(get: &dyn Fn(&str) -> Option<String>) -> EngineResult<Self> {
        let get = |name: &str| {
            let value = get(&format!("PGDRILL_S3_{name}")).unwrap_or_default();
            Some(value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let required = ["ENDPOINT", "ACCESS_KEY", "SECRET_KEY"];
        let missing: Vec<String> = required
            .into_iter()
            .filter(|name| get(name).is_none())
            .map(|name| format!("PGDRILL_S3_{name}"))
            .collect();
        let (Some(endpoint), Some(user), true) =
            (get("ENDPOINT"), user(get("ACCESS_KEY"), get("SECRET_KEY")), missing.is_empty())
        else {
            let what =
                format!("the external S3 server is not given: {} missing", missing.join(", "));
            return Err(wrong(PLACE, &what, "set them, or choose another server with --s3"));
        };
        let (host, port) = parse(&endpoint)?;
        let other = match (get("OTHER_ACCESS_KEY"), get("OTHER_SECRET_KEY")) {
            (None, None) => None,
            (access_key @ Some(_), secret_key @ Some(_)) => self::user(access_key, secret_key),
            (given, _) => {
                let lacking = if given.is_some() { "SECRET" } else { "ACCESS" };
                let what = format!(
                    "half of another user is given: PGDRILL_S3_OTHER_{lacking}_KEY is missing"
                );
                return Err(wrong(PLACE, &what, "give both keys of that user, or none"));
            }
        };
        let ca_chain = match get("CA_FILE") {
            None => None,
            Some(path) => Some(chain(&path).map_err(|cause| {
                let what = format!("the file of PGDRILL_S3_CA_FILE can't be read: {cause}");
                wrong(&path, &what, "give the chain of the authority that signed the certificate")
            })?),
        };
        let uri_style = match get("URI_STYLE").as_deref() {
            None | Some("path") => UriStyle::Path,
            Some("host") => UriStyle::Host,
            Some(other) => {
                let what = format!("PGDRILL_S3_URI_STYLE is `{other}`");
                return Err(wrong(PLACE, &what, "it is `path` or `host`"));
            }
        };
        Ok(Self { host, port, user, other, region: get("REGION"), ca_chain, uri_style })
    }

    fn facts(&self) -> Facts {
        Facts {
            host: self.host.clone(),
            port: self.port,
            access_key: self.user.access_key.clone(),
            secret_key: self.user.secret_key.clone(),
            ca_chain: self.ca_chain.clone(),
            uri_style: self.uri_style,
            region: self.region.clone(),
        }
    }

    /// A container means itself by this name, or can't know that an address is elsewhere.
    fn must_be_renamed(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok()
    }
}

fn user(access_key: Option<String>, secret_key: Option<String>) -> Option<User> {
    Some(User { access_key: Secret::new(access_key?), secret_key: Secret::new(secret_key?) })
}

/// A chain of authorities, of which no more is read than one can have.
fn chain(path: &str) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_CHAIN + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_CHAIN {
        return Err(io::Error::other(format!("it has more than {MAX_CHAIN} bytes")));
    }
    Ok(text)
}

fn wrong(place: &str, what: &str, hint: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(place, what).hint(hint))
}

/// The host and the port of an endpoint. No complaint repeats it, as it may hold what is secret.
fn parse(endpoint: &str) -> EngineResult<(String, u16)> {
    if endpoint.contains('@') {
        let what = "the S3 endpoint holds a user or a password";
        let hint = "give the keys in PGDRILL_S3_ACCESS_KEY and PGDRILL_S3_SECRET_KEY alone";
        return Err(wrong(ENDPOINT, what, hint));
    }
    if endpoint.starts_with("http://") {
        let what = "the S3 endpoint is one of plain http";
        let hint = "give one that begins with https://: pgBackRest before 2.58 speaks nothing else";
        return Err(wrong(ENDPOINT, what, hint));
    }
    let malformed = || {
        let hint = "it is https://HOST or https://HOST:PORT, without a path; an IPv6 address stands in brackets";
        wrong(ENDPOINT, "the S3 endpoint can't be read", hint)
    };
    let rest = endpoint.strip_prefix("https://").ok_or_else(malformed)?.trim_end_matches('/');
    let (host, port) = match rest.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((address, rest))) => {
            let address: Ipv6Addr = address.parse().map_err(|_| malformed())?;
            let port = rest.strip_prefix(':');
            if port.is_none() && !rest.is_empty() {
                return Err(malformed());
            }
            (address.to_string(), port)
        }
        Some(None) => return Err(malformed()),
        None => {
            let (host, port) = match rest.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (rest, None),
            };
            let is_odd = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
            if host.is_empty() || host.contains(is_odd) {
                return Err(malformed());
            }
            (host.to_ascii_lowercase(), port)
        }
    };
    let port = port.map_or(Ok(PORT), str::parse).map_err(|_| malformed())?;
    if port == 0 { Err(malformed()) } else { Ok((host, port)) }
}

pub(super) async fn start(
    given: &External,
    stage: &Stage,
    authority: &Authority,
    progress: &dyn Progress,
) -> EngineResult<S3Server> {
    let direct = given.facts();
    let endpoint = direct.endpoint();
    let bucket = User::of(authority, "preflight").access_key.expose().to_lowercase();
    let bucket = format!("pgdrill-preflight-{bucket}");
    preflight::check(&hasty(&direct, &given.user, None)?, &endpoint, &bucket).await?;
    if let Some(other) = &given.other {
        let (own, other) = (hasty(&direct, &given.user, None)?, hasty(&direct, other, None)?);
        preflight::check(&other, &endpoint, &bucket).await?;
        preflight::keeps_apart(&own, &other, &endpoint, &bucket).await?;
    }
    let (facts, renames) = presented(given, authority)?;
    let proxy =
        |to| ProxySpec { host: facts.host.clone(), port: facts.port, to, renames: renames.clone() };
    let (proxy, relay) = reached(given, stage, &facts, &proxy, progress).await?;
    Ok(S3Server {
        profile: Profile::External,
        admin: direct.admin(&given.user, None)?,
        own: direct.admin(&given.user, None)?,
        other: given.other.as_ref().map(|other| direct.admin(other, None)).transpose()?,
        proxy,
        relay: relay.map(Arc::new),
        route: None,
        container: None,
        means: Means::Owner,
        other_chain: foreign_chain()?,
        facts,
    })
}

fn hasty(facts: &Facts, user: &User, route: Option<S3Route>) -> EngineResult<S3Admin> {
    let store = S3Store::new(preflight::LIMITS);
    let store = match route {
        Some(route) => store.by(route),
        None => store,
    };
    facts.admin_by(user, store)
}

/// What clients in containers are given, and how a proxy makes it true.
fn presented(given: &External, authority: &Authority) -> EngineResult<(Facts, Option<Renames>)> {
    let direct = given.facts();
    if !given.must_be_renamed() {
        return Ok((direct, None));
    }
    let Some(ca_chain) = given.ca_chain.clone() else {
        let what =
            "containers can't call the S3 server by this name, and nobody is asked to trust it";
        let hint =
            "give its authority in PGDRILL_S3_CA_FILE, or an endpoint with a host name of its own";
        return Err(wrong(&direct.endpoint(), what, hint));
    };
    let wildcard = format!("*.{HOST}");
    let identity = authority.issue(&[HOST, &wildcard]);
    let identity = identity.map_err(|error| complaint("the S3 server", &error.to_string()))?;
    let renames = Renames { identity, name: given.host.clone(), ca_chain };
    let facts = Facts {
        host: HOST.to_owned(),
        port: PORT,
        ca_chain: Some(authority.chain().to_owned()),
        uri_style: UriStyle::Path,
        ..direct
    };
    Ok((facts, Some(renames)))
}

/// The proxy by which containers reach the server: by its address, or by this process.
async fn reached(
    given: &External,
    stage: &Stage,
    facts: &Facts,
    proxy: &dyn Fn(ProxyTarget) -> ProxySpec,
    progress: &dyn Progress,
) -> EngineResult<(ProxySpec, Option<Relay>)> {
    let direct = proxy(address(given).await?);
    let Err(first) = probe(given, stage, facts, &direct, progress).await else {
        return Ok((direct, None));
    };
    let on = host_of(stage).await?;
    let relay = Relay::start(on, &given.host, given.port).await;
    let relay = relay.map_err(|error| {
        wrong(
            &given.facts().endpoint(),
            &format!("containers do not reach the S3 server ({first}), nor this process: {error}"),
            "let the server listen on an address that containers reach",
        )
    })?;
    // It listens on the gateway of this stage's network alone. That is this machine, which every other network reaches, too;
    // a gateway of theirs would be an address at which nobody listens.
    let by_relay = proxy(ProxyTarget::Address(SocketAddr::from((on, relay.port()))));
    match probe(given, stage, facts, &by_relay, progress).await {
        Ok(()) => Ok((by_relay, Some(relay))),
        Err(second) => Err(wrong(
            &given.facts().endpoint(),
            &format!(
                "containers do not reach the S3 server: {first}; by way of this process: {second}"
            ),
            "let the server listen on an address that containers reach, and see that no firewall is between",
        )),
    }
}

/// Where the server is for containers. What is on the loopback here is on another one there.
async fn address(given: &External) -> EngineResult<ProxyTarget> {
    let found = tokio::net::lookup_host((&*given.host, given.port)).await;
    let found: Vec<SocketAddr> = found
        .map_err(|error| complaint(&given.host, &format!("has no address: {error}")))?
        .collect();
    let address = found.iter().find(|address| address.is_ipv4()).or(found.first());
    match address {
        Some(address) if address.ip().is_loopback() => Ok(ProxyTarget::ThisHost(given.port)),
        Some(address) => Ok(ProxyTarget::Address(*address)),
        None => Err(complaint(&given.host, "has no address")),
    }
}

/// Why not, in words, if a container does not reach the server.
async fn probe(
    given: &External,
    stage: &Stage,
    facts: &Facts,
    spec: &ProxySpec,
    progress: &dyn Progress,
) -> Result<(), String> {
    let probe = ProxySpec { host: PROBE.to_owned(), ..spec.clone() };
    let proxy = Proxy::start(stage, &probe, progress).await.map_err(|error| error.what)?;
    let route = S3Route { host: facts.host.clone(), to: proxy.route().to };
    let asked = async {
        let user = hasty(facts, &given.user, Some(route)).map_err(|error| error.what)?;
        match user.has_bucket("pgdrill-preflight").await {
            Ok(_) => Ok(()),
            // It was asked and answered: that is all that is to be known.
            Err(error) if error.kind() == PortErrorKind::Denied => Ok(()),
            Err(error) => Err(error.cause().to_owned()),
        }
    };
    let asked = asked.await;
    proxy.container().remove().await.map_err(|error| error.what)?;
    asked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> EngineResult<External> {
        External::read(&|name| {
            let name = name.strip_prefix("PGDRILL_S3_")?;
            pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    const KEYS: [(&str, &str); 2] =
        [("ACCESS_KEY", "canary-access"), ("SECRET_KEY", "canary-secret")];

    #[test]
    fn the_environment_is_read_and_shows_no_key() {
        let whole = [&KEYS[..], &[("ENDPOINT", " https://S3.example:9000/ "), ("REGION", "eu")]];
        let external = given(&whole.concat()).expect("complete");
        assert!(!format!("{external:?}").contains("canary"));
        let facts = external.facts();
        assert_eq!(facts.endpoint(), "https://s3.example:9000");
        assert_eq!((facts.uri_style, facts.region.as_deref()), (UriStyle::Path, Some("eu")));
        assert!(external.other.is_none() && !external.must_be_renamed());
        for endpoint in [
            "https://localhost:1",
            "https://127.0.0.1",
            "https://10.0.0.1:444",
            "https://[::1]:9000",
            "https://[fd00::a]",
        ] {
            let external = given(&[&KEYS[..], &[("ENDPOINT", endpoint)]].concat());
            let external = external.expect(endpoint);
            assert!(external.must_be_renamed(), "{endpoint}");
            assert_eq!(external.facts().endpoint(), endpoint);
        }
    }

    #[test]
    fn what_is_wrong_is_reported_with_what_to_do() {
        let reported = |pairs: &[(&str, &str)]| given(pairs).expect_err("wrong").to_string();
        let missing = reported(&[("ACCESS_KEY", "x"), ("SECRET_KEY", " ")]);
        assert!(
            missing.contains("PGDRILL_S3_ENDPOINT, PGDRILL_S3_SECRET_KEY missing"),
            "{missing}"
        );
        for (endpoint, words) in [
            ("http://s3.example", "plain http"),
            ("s3.example", "https://HOST"),
            ("https://", "https://HOST"),
            ("https://s3.example:port", "https://HOST"),
            ("https://s3.example/below", "https://HOST"),
            ("https://s3.example?key=canary", "https://HOST"),
            ("https://::1:9000", "in brackets"),
            ("https://[::1:9000", "in brackets"),
            ("https://[::1]9000", "in brackets"),
            ("https://[s3.example]:9000", "in brackets"),
            ("https://canary:canary@s3.example", "holds a user or a password"),
            ("https://canary:can/ary@s3.example:9000/x", "holds a user or a password"),
            ("http://canary@s3.example", "holds a user or a password"),
            ("canary:canary@s3.example", "holds a user or a password"),
        ] {
            let error = reported(&[&KEYS[..], &[("ENDPOINT", endpoint)]].concat());
            assert!(error.contains(words) && error.contains("hint:"), "{endpoint}: {error}");
            assert!(!error.contains("canary"), "{error}");
        }
        let endpoint = ("ENDPOINT", "https://s3.example");
        let style = reported(&[&KEYS[..], &[endpoint, ("URI_STYLE", "sideways")]].concat());
        assert!(style.contains("`sideways`") && style.contains("`path` or `host`"), "{style}");
        for (half, lacking) in [("OTHER_ACCESS_KEY", "SECRET"), ("OTHER_SECRET_KEY", "ACCESS")] {
            let error = reported(&[&KEYS[..], &[endpoint, (half, "canary")]].concat());
            let expected = format!("PGDRILL_S3_OTHER_{lacking}_KEY is missing");
            assert!(error.contains(&expected) && !error.contains("canary"), "{error}");
        }
        let file = reported(&[&KEYS[..], &[endpoint, ("CA_FILE", "/nowhere/ca.crt")]].concat());
        assert!(file.contains("PGDRILL_S3_CA_FILE") && file.contains("/nowhere/ca.crt"), "{file}");
    }
}
