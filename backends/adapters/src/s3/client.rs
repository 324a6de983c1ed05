//! A client for the settings of one call.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_sdk_s3::{
    Client, Config,
    config::{
        BehaviorVersion, Credentials, IdentityCache, Region, RequestChecksumCalculation,
        ResponseChecksumValidation, StalledStreamProtectionConfig,
    },
};
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use hyper_util::client::legacy::connect::dns::GaiResolver;
use pgdrill_core::{PortErrorKind, S3Settings, UriStyle};
use rustls::{ClientConfig, RootCertStore};

use super::{
    REGION, S3Limits, S3Route,
    connector::{self, Resolver},
    failure::Failed,
};
use crate::trust;

/// The longest pause between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// A client that knows nothing but what it is given: neither the environment nor files nor a proxy.
pub(super) fn connect(
    s3: &S3Settings,
    limits: &S3Limits,
    route: Option<&S3Route>,
) -> Result<Client, Failed> {
    let routed = route.and_then(|route| Some((route, route.endpoint(&s3.endpoint)?)));
    let (resolver, endpoint) = match routed {
        Some((route, endpoint)) => (Resolver::Fixed(route.to.ip()), endpoint),
        None => (Resolver::System(GaiResolver::new()), s3.endpoint.to_string()),
    };
    let http = connector::client(tls(s3)?, resolver, limits.connect);
    let credentials = Credentials::builder()
        .access_key_id(s3.access_key.expose())
        .secret_access_key(s3.secret_key.expose())
        .provider_name("relation")
        .build();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(limits.connect)
        .operation_attempt_timeout(limits.attempt)
        .operation_timeout(limits.call)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(limits.attempts.max(1))
        .with_initial_backoff(PAUSE)
        .with_max_backoff(PAUSE);
    let region = s3.region.as_deref().unwrap_or(REGION);
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(endpoint)
        .region(Region::new(region.to_owned()))
        .credentials_provider(credentials)
        .identity_cache(IdentityCache::no_cache())
        .force_path_style(s3.uri_style == UriStyle::Path)
        // Servers other than Amazon's refuse the checksums that newer clients add to every request.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .timeout_config(timeouts)
        .retry_config(retries)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(http)
        .build();
    Ok(Client::from_conf(config))
}

/// The given chain alone, where there is one: as the backup tool does. Otherwise the authorities that this machine knows.
fn tls(s3: &S3Settings) -> Result<ClientConfig, Failed> {
    let Some(chain) = s3.tls_ca_chain.as_deref() else {
        return trust::trusting_all(public_authorities()).map_err(refused);
    };
    let unreadable = |_| refused("`tls-ca-chain` holds no certificate that can be read".into());
    trust::trusting(chain).map_err(unreadable)
}

/// Asked once: they are read from many files.
fn public_authorities() -> Arc<RootCertStore> {
    static KNOWN: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        let mut known = RootCertStore::empty();
        known.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(known)
    });
    Arc::clone(known)
}

fn refused(cause: String) -> Failed {
    Failed { kind: PortErrorKind::Refused, code: None, cause }
}
