//! HTTP for Amazon's client, which lets nobody say whom TLS trusts but by a list of authorities.

use std::{
    error::Error,
    fmt,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
    vec,
};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        http::{
            HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector,
            http_client_fn,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
    },
};
use aws_smithy_types::{body::SdkBody, retry::ErrorKind};
use hyper::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        self, Client,
        connect::{
            HttpConnector as TcpConnector,
            dns::{GaiResolver, Name},
        },
    },
    rt::TokioExecutor,
};
use rustls::ClientConfig;
use tower_service::Service;

type Tls = HttpsConnector<TcpConnector<Resolver>>;
type Later<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// A client that trusts whom the configuration does. Each connection, TLS included, takes no longer than this.
pub(super) fn client(tls: ClientConfig, resolver: Resolver, connect: Duration) -> SharedHttpClient {
    let mut tcp = TcpConnector::new_with_resolver(resolver);
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
    let connector = Bounded { connector: https.wrap_connector(tcp), bound: connect };
    let exchange = Exchange(Client::builder(TokioExecutor::new()).build(connector));
    let shared = SharedHttpConnector::new(exchange);
    http_client_fn(move |_, _| shared.clone())
}

/// Requests and their answers.
#[derive(Debug)]
struct Exchange(Client<Bounded, SdkBody>);

impl HttpConnector for Exchange {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => {
                return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
            }
        };
        let answer = self.0.request(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await.map_err(failed)?.map(SdkBody::from_body_1_x);
            HttpResponse::try_from(answer)
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// What a failure is to whoever decides whether to try again.
fn failed(error: legacy::Error) -> ConnectorError {
    let causes = || std::iter::successors(error.source(), |&cause| cause.source());
    if causes().any(|cause| cause.is::<TooSlow>()) {
        return ConnectorError::timeout(error.into());
    }
    let by_http = causes().find_map(|cause| cause.downcast_ref::<hyper::Error>());
    if by_http.is_some_and(hyper::Error::is_incomplete_message) {
        return ConnectorError::other(error.into(), Some(ErrorKind::TransientError));
    }
    let is_cut = by_http.is_some_and(|error| error.is_closed() || error.is_canceled());
    if error.is_connect() || is_cut || causes().any(|cause| cause.is::<io::Error>()) {
        return ConnectorError::io(error.into());
    }
    ConnectorError::other(error.into(), None)
}

/// Where names lead.
#[derive(Debug, Clone)]
pub(super) enum Resolver {
    /// Where this machine says.
    System(GaiResolver),
    /// All to this address: the names of one endpoint, with and without a bucket before it.
    Fixed(IpAddr),
}

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Later<Self::Response, Self::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        match self {
            Self::System(resolver) => resolver.poll_ready(context),
            Self::Fixed(_) => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, name: Name) -> Self::Future {
        match self {
            Self::System(resolver) => {
                let found = resolver.call(name);
                Box::pin(async move { Ok(found.await?.collect::<Vec<_>>().into_iter()) })
            }
            Self::Fixed(address) => {
                let found = vec![SocketAddr::new(*address, 0)];
                Box::pin(async move { Ok(found.into_iter()) })
            }
        }
    }
}

/// Connections that are there in time.
#[derive(Debug, Clone)]
struct Bounded {
    connector: Tls,
    bound: Duration,
}

impl Service<Uri> for Bounded {
    type Response = <Tls as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = Later<Self::Response, Self::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let (connecting, bound) = (self.connector.call(to), self.bound);
        Box::pin(async move {
            tokio::time::timeout(bound, connecting).await.map_err(|_| TooSlow(bound))?
        })
    }
}

/// A connection that was not there in time.
#[derive(Debug)]
struct TooSlow(Duration);

impl fmt::Display for TooSlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no connection within {:?}", self.0)
    }
}

impl Error for TooSlow {}
