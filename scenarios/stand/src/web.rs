//! An HTTP server that answers as it is asked to, or not at all.

use std::{future::Future, io};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// One request, read to its end.
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) authorization: String,
    pub(super) body: Bytes,
}

/// What becomes of a request.
pub(super) enum HttpReply {
    /// A status and a text.
    Answer(u16, Vec<u8>),
    /// Nothing, on a connection that stays open.
    Hang,
    /// The connection is closed.
    HangUp,
}

/// Serves one connection.
pub(super) async fn serve<S, A, F>(stream: S, answer: A)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Asked) -> F + Send,
    F: Future<Output = HttpReply> + Send,
{
    let answer = &answer;
    let service = service_fn(|request: Request<Incoming>| async move {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let authorization = head.headers.get("authorization").and_then(|it| it.to_str().ok());
        let asked = Asked {
            method: head.method.to_string(),
            path: unescaped(head.uri.path()),
            authorization: authorization.unwrap_or_default().to_owned(),
            body,
        };
        match answer(asked).await {
            HttpReply::Answer(status, text) => {
                let mut response = Response::new(Full::new(Bytes::from(text)));
                *response.status_mut() = StatusCode::from_u16(status).map_err(io::Error::other)?;
                Ok(response)
            }
            HttpReply::Hang => std::future::pending().await,
            HttpReply::HangUp => Err(io::Error::other("asked to hang up")),
        }
    });
    // A client that goes away is no failure of the server's.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

fn unescaped(path: &str) -> String {
    let (mut out, mut rest) = (Vec::new(), path);
    while let Some((before, after)) = rest.split_once('%') {
        out.extend_from_slice(before.as_bytes());
        let Some(byte) = after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) else {
            break;
        };
        out.push(byte);
        rest = after.get(2..).unwrap_or_default();
    }
    out.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&out).into_owned()
}
