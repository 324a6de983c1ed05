//! The authority that signs the rehearsals' certificates, and another.

use std::sync::{Arc, OnceLock};

use rcgen::{CertificateParams, KeyPair};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

/// A server's TLS, the certificate that it shows, and one that another server would show.
pub(super) struct StandAuthority {
    pub(super) acceptor: TlsAcceptor,
    pub(super) chain: String,
    pub(super) other_chain: String,
}

/// The authority of this process, made once.
pub(super) fn authority() -> Result<&'static StandAuthority, String> {
    static MADE: OnceLock<Result<StandAuthority, String>> = OnceLock::new();
    MADE.get_or_init(make).as_ref().map_err(Clone::clone)
}

fn make() -> Result<StandAuthority, String> {
    let words = |why: rcgen::Error| why.to_string();
    let names = || vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let (key, other_key) =
        (KeyPair::generate().map_err(words)?, KeyPair::generate().map_err(words)?);
    let certificate = CertificateParams::new(names()).and_then(|it| it.self_signed(&key));
    let certificate = certificate.map_err(words)?;
    let other = CertificateParams::new(names()).and_then(|it| it.self_signed(&other_key));
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|why| why.to_string())?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .map_err(|why| why.to_string())?;
    let (acceptor, chain) = (TlsAcceptor::from(Arc::new(config)), certificate.pem());
    Ok(StandAuthority { acceptor, chain, other_chain: other.map_err(words)?.pem() })
}
