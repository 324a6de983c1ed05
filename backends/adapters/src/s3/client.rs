//! A client for the settings of one call.

use std::{net::IpAddr, sync::OnceLock, time::Duration};

use aws_sdk_s3::{
    Client, Config,
    config::{
        BehaviorVersion, Credentials, IdentityCache, Region, RequestChecksumCalculation,
        ResponseChecksumValidation, StalledStreamProtectionConfig,
    },
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns};
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use pgdrill_core::{PortErrorKind, S3Settings, UriStyle};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use super::{REGION, S3Limits, S3Route, failure::Failed};

/// The longest pause between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// A client that knows nothing but what it is given: neither the environment nor files nor a proxy.
pub(super) fn connect(
    s3: &S3Settings,
    limits: &S3Limits,
    route: Option<&S3Route>,
) -> Result<Client, Failed> {
    let context = TlsContext::builder().with_trust_store(trust(s3)?).build();
    let context = context.map_err(|error| refused(error.to_string()))?;
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(context);
    let routed = route.and_then(|route| Some((route, route.endpoint(&s3.endpoint)?)));
    let (http, endpoint) = match routed {
        Some((route, endpoint)) => (http.build_with_resolver(Fixed(route.to.ip())), endpoint),
        None => (http.build_https(), s3.endpoint.to_string()),
    };
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

/// Every name is at this address: the names of one endpoint, with and without a bucket before it.
#[derive(Debug, Clone, Copy)]
struct Fixed(IpAddr);

impl ResolveDns for Fixed {
    fn resolve_dns<'a>(&'a self, _name: &'a str) -> DnsFuture<'a> {
        DnsFuture::ready(Ok(vec![self.0]))
    }
}

/// The given chain alone, where there is one: as the backup tool does. The HTTP client panics on a chain
/// that it can't read, so the chain is read here first.
fn trust(s3: &S3Settings) -> Result<TrustStore, Failed> {
    let Some(chain) = s3.tls_ca_chain.as_deref() else {
        return Ok(TrustStore::empty().with_native_roots(has_public_authorities()));
    };
    let unreadable = || refused("`tls-ca-chain` holds no certificate that can be read".into());
    let mut readable = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(chain.as_bytes()) {
        let certificate = certificate.map_err(|_| unreadable())?;
        readable.add(certificate).map_err(|_| unreadable())?;
    }
    if readable.is_empty() {
        return Err(unreadable());
    }
    Ok(TrustStore::empty().with_pem_certificate(chain))
}

/// Whether this machine knows public authorities. Asked once: they are read from many files, and a
/// debug build of the HTTP client panics where there is none.
fn has_public_authorities() -> bool {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    *KNOWN.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs().certs;
        RootCertStore::empty().add_parsable_certificates(found).0 > 0
    })
}

fn refused(cause: String) -> Failed {
    Failed { kind: PortErrorKind::Refused, code: None, cause }
}
