//! The certificate authority of one run, and what it signs.

use std::fmt;

use pgdrill_core::Secret;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// The longest common name that a certificate may bear.
const LONGEST_NAME: usize = 64;

/// An authority that exists for one run. Two of them are two authorities, whatever their names.
pub struct Authority {
    name: String,
    chain: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsIdentity {
    /// The certificate alone: its authority is no part of it.
    pub certificate: String,
    /// The key, PKCS #8.
    pub key: Secret,
}

/// Why there is no certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityError(String);

impl fmt::Display for AuthorityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n   at: the certificate authority of this run", self.0)
    }
}

impl std::error::Error for AuthorityError {}

impl From<rcgen::Error> for AuthorityError {
    fn from(error: rcgen::Error) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Authority {
    /// A new authority with a key of its own.
    ///
    /// # Errors
    ///
    /// No key can be made, or the name is no name.
    pub fn new(name: &str) -> Result<Self, AuthorityError> {
        let (params, key) = (authority(name)?, KeyPair::generate()?);
        let chain = params.self_signed(&key)?.pem();
        Ok(Self { name: name.to_owned(), chain, issuer: Issuer::new(params, key) })
    }

    /// An authority that was made before, from its name, chain and key: it signs as it did then.
    ///
    /// # Errors
    ///
    /// The key can't be read.
    pub fn known(name: &str, chain: &str, key: &Secret) -> Result<Self, AuthorityError> {
        let key = KeyPair::from_pem(key.expose())?;
        let issuer = Issuer::new(authority(name)?, key);
        Ok(Self { name: name.to_owned(), chain: chain.to_owned(), issuer })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its own certificate, PEM: what those who are to trust it are given.
    #[must_use]
    pub fn chain(&self) -> &str {
        &self.chain
    }

    /// Its key, PKCS #8 as PEM.
    #[must_use]
    pub fn key(&self) -> Secret {
        Secret::new(self.issuer.key().serialize_pem())
    }

    /// A certificate for a server or a client, with these host names and addresses. The first is its common name,
    /// too: pgBackRest's TLS server knows its clients by that.
    ///
    /// # Errors
    ///
    /// There is no name, or one that a certificate can't bear.
    pub fn issue(&self, names: &[&str]) -> Result<TlsIdentity, AuthorityError> {
        let Some(common) = names.first() else {
            return Err(AuthorityError("a certificate for nobody was asked for".to_owned()));
        };
        let alternative: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(alternative)?;
        named(&mut params, common)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        // Strict clients, Python's among them, want to know which key signed.
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(TlsIdentity { certificate, key: Secret::new(key.serialize_pem()) })
    }
}

/// The parameters of an authority's certificate. One name gives the same ones each time: an authority that is known
/// again signs under the same subject.
fn authority(name: &str) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::new(Vec::new())?;
    named(&mut params, name)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn named(params: &mut CertificateParams, name: &str) -> Result<(), AuthorityError> {
    if name.is_empty() || name.len() > LONGEST_NAME {
        let bound = format!("1 to {LONGEST_NAME} bytes are allowed");
        return Err(AuthorityError(format!("`{name}` can't be a common name: {bound}")));
    }
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::{
        ClientConfig, RootCertStore, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    };
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    use super::*;

    fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(pem.as_bytes()).map(|one| one.expect("PEM")).collect()
    }

    /// What a client that trusts `trusted` thinks of a server with this identity under `name`.
    async fn meet(identity: &TlsIdentity, trusted: &Authority, name: &str) -> Result<(), String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::from_pem_slice(identity.key.expose().as_bytes()).expect("a key");
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(certificates(&identity.certificate), key)
            .expect("they belong together");
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates(trusted.chain()));
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let (near, far) = tokio::io::duplex(1 << 16);
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let accepting = TlsAcceptor::from(Arc::new(server)).accept(far);
        let connecting = TlsConnector::from(Arc::new(client)).connect(name, near);
        let (connected, _) = tokio::join!(connecting, accepting);
        connected.map(drop).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn what_it_issues_is_trusted_under_its_names_and_no_other() {
        let ours = Authority::new("pgdrill").expect("made");
        let identity = ours.issue(&["s3.drill", "*.s3.drill", "127.0.0.1"]).expect("issued");
        for name in ["s3.drill", "drill.s3.drill", "127.0.0.1"] {
            meet(&identity, &ours, name).await.expect(name);
        }
        for name in ["drill", "a.b.s3.drill", "127.0.0.2"] {
            let refused = meet(&identity, &ours, name).await.expect_err(name);
            assert!(refused.contains("not valid for name"), "{name}: {refused}");
        }
        // Another authority of the same name is another.
        let other = Authority::new("pgdrill").expect("made");
        assert_ne!(ours.chain(), other.chain());
        let refused = meet(&identity, &other, "s3.drill").await.expect_err("not trusted");
        assert!(refused.contains("invalid peer certificate"), "{refused}");
    }

    #[tokio::test]
    async fn an_authority_that_is_known_again_signs_for_those_who_trust_it() {
        let ours = Authority::new("pgdrill").expect("made");
        let again = Authority::known(ours.name(), ours.chain(), &ours.key()).expect("known");
        let identity = again.issue(&["unit-0"]).expect("issued");
        meet(&identity, &ours, "unit-0").await.expect("trusted");
        let broken = Secret::new("-----BEGIN PRIVATE KEY-----");
        Authority::known("pgdrill", ours.chain(), &broken).expect_err("no key");
    }

    #[test]
    fn no_key_is_shown_and_no_name_is_cut() {
        let ours = Authority::new("pgdrill").expect("made");
        let identity = ours.issue(&["unit-0"]).expect("issued");
        assert!(!format!("{ours:?} {identity:?}").contains("PRIVATE"));
        assert!(ours.issue(&[]).is_err());
        let error = ours.issue(&[&"x".repeat(65)]).expect_err("too long");
        assert!(error.to_string().contains("1 to 64 bytes"), "{error}");
    }
}
