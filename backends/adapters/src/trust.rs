//! TLS with whom somebody named as trusted, and no other.

use std::sync::Arc;

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
    server::ParsedCertificate,
};

/// A client that trusts the certificates of this chain, PEM, alone: as authorities, and each as a server's own.
pub(crate) fn trusting(chain: &str) -> Result<ClientConfig, String> {
    let mut authorities = RootCertStore::empty();
    let mut given = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(chain.as_bytes()) {
        let certificate = certificate.map_err(|why| why.to_string())?;
        authorities.add(certificate.clone()).map_err(|why| why.to_string())?;
        given.push(certificate);
    }
    if given.is_empty() {
        return Err("it holds no certificate".to_owned());
    }
    let by_authority =
        WebPkiServerVerifier::builder_with_provider(Arc::new(authorities), provider()).build();
    let by_authority = by_authority.map_err(|why| why.to_string())?;
    let verifier = Arc::new(AsGiven { given, by_authority });
    let config = with_versions()?.dangerous().with_custom_certificate_verifier(verifier);
    Ok(config.with_no_client_auth())
}

/// A client that trusts these authorities.
pub(crate) fn trusting_all(authorities: Arc<RootCertStore>) -> Result<ClientConfig, String> {
    Ok(with_versions()?.with_root_certificates(authorities).with_no_client_auth())
}

fn with_versions() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, String> {
    let config = ClientConfig::builder_with_provider(provider());
    config.with_safe_default_protocol_versions().map_err(|why| why.to_string())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Takes what an authority signed, and a server's certificate that was itself given, though it calls itself an authority:
/// `openssl req -x509` makes such ones, and OpenSSL, so pgBackRest and Python, take them. Rustls refuses them all.
#[derive(Debug)]
struct AsGiven {
    given: Vec<CertificateDer<'static>>,
    by_authority: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for AsGiven {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.by_authority.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verified {
            // It is told of this only once it has held the time against the certificate: one that has expired is refused
            // as such. The name comes after it.
            Err(error) if is_of_an_authority(&error) && self.given.contains(end_entity) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_authority.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_authority.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.by_authority.supported_verify_schemes()
    }
}

/// Whether a server's certificate was refused for being an authority's, and for nothing else.
fn is_of_an_authority(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(other)) = error else { return false };
    matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}
