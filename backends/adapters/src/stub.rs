//! A small HTTP server for tests: it answers as a test asks, and remembers what it was asked.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// One request, as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    /// The head, in lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// What becomes of a request.
pub(crate) enum Reply {
    Answer(u16, String),
    /// Nothing, on a connection that stays open.
    Hang,
    /// The connection is closed.
    HangUp,
}

/// A server that lives as long as this value.
pub(crate) struct Stub {
    pub(crate) address: SocketAddr,
    /// The certificate of a TLS server, which is its own authority.
    pub(crate) certificate: String,
    requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stub {
    pub(crate) async fn plain(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(None, String::new(), answer).await
    }

    pub(crate) async fn tls(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let (acceptor, certificate) = authority();
        Self::start(Some(acceptor), certificate, answer).await
    }

    /// With a certificate that somebody issued.
    pub(crate) async fn with(
        acceptor: TlsAcceptor,
        chain: String,
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start(Some(acceptor), chain, answer).await
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("whole").clone()
    }

    #[expect(clippy::disallowed_methods, reason = "a server must run beside its client")]
    async fn start(
        tls: Option<TlsAcceptor>,
        certificate: String,
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let requests = Arc::default();
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, seen, answer) = (tls.clone(), Arc::clone(&seen), Arc::clone(&answer));
                tokio::spawn(async move {
                    let _ = match tls {
                        None => serve(stream, &seen, &*answer).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, &seen, &*answer).await,
                            Err(error) => Err(error),
                        },
                    };
                });
            }
        });
        Self { address, certificate, requests, task }
    }
}

/// A new certificate for `localhost`, and a server that shows it.
pub(crate) fn authority() -> (TlsAcceptor, String) {
    issued(&["localhost"])
}

/// A new certificate for these names, its own authority, and a server that shows it.
pub(crate) fn issued(names: &[&str]) -> (TlsAcceptor, String) {
    made(names, |_| {})
}

/// A new certificate for these names, its own authority, and a server that shows it. `change` sets what else the
/// certificate says.
pub(crate) fn made(
    names: &[&str],
    change: impl FnOnce(&mut CertificateParams),
) -> (TlsAcceptor, String) {
    let key = KeyPair::generate().expect("a key");
    let mut parameters = parameters(names);
    change(&mut parameters);
    let certificate = parameters.self_signed(&key).expect("signed");
    (showing(&certificate, &key), certificate.pem())
}

/// A server with a certificate that an authority signed.
pub(crate) struct Signed {
    pub(crate) acceptor: TlsAcceptor,
    /// The authority's own certificate.
    pub(crate) authority: String,
}

/// A server for this name, with an authority of its own.
pub(crate) fn signed(name: &str) -> Signed {
    let key = KeyPair::generate().expect("a key");
    let mut root = parameters(&[]);
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = root.self_signed(&key).expect("signed").pem();
    let issuer = Issuer::new(root, key);
    let own = KeyPair::generate().expect("a key");
    let certificate = parameters(&[name]).signed_by(&own, &issuer).expect("signed");
    Signed { acceptor: showing(&certificate, &own), authority }
}

fn parameters(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    CertificateParams::new(names).expect("names")
}

fn showing(certificate: &Certificate, key: &KeyPair) -> TlsAcceptor {
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .expect("a certificate");
    TlsAcceptor::from(Arc::new(config))
}

/// Serves one request.
async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    seen: &Mutex<Vec<Request>>,
    answer: &(impl Fn(&Request) -> Reply + ?Sized),
) -> io::Result<()> {
    let mut bytes = Vec::new();
    let at = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    };
    let head = String::from_utf8_lossy(&bytes[..at]).into_owned();
    let lower = head.to_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
    let mut body = bytes[at + 4..].to_vec();
    while body.len() < length && stream.read_buf(&mut body).await? > 0 {}
    let mut words = head.split_whitespace().map(str::to_owned);
    let method = words.next().unwrap_or_default();
    let request = Request { target: words.next().unwrap_or_default(), head: lower, body, method };
    seen.lock().expect("whole").push(request.clone());
    match answer(&request) {
        Reply::Answer(status, content) => {
            let content = if request.method == "HEAD" { String::new() } else { content };
            let length = content.len();
            let reply = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{content}"
            );
            stream.write_all(reply.as_bytes()).await?;
            stream.shutdown().await
        }
        Reply::Hang => std::future::pending().await,
        Reply::HangUp => Ok(()),
    }
}
