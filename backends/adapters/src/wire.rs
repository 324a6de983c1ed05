//! One HTTP exchange over a connection that someone else made: a Unix socket or TLS.

use std::{error::Error, future::poll_fn, pin::pin, task::Poll, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, body::Body as _, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// The largest answer that is read.
const LARGEST: usize = 16 << 20;

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct HttpAnswer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

/// Why an exchange came to nothing.
#[derive(Debug)]
pub(crate) enum NoExchange {
    /// The connection ended, or what came is no HTTP.
    Broken(String),
    /// It took longer than this.
    TimedOut(Duration),
    /// The answer has more than this many bytes.
    TooLarge(usize),
}

/// Sends a request over `stream` and reads the answer, both within the limit.
pub(crate) async fn exchange<S>(
    stream: S,
    request: Request<Full<Bytes>>,
    limit: Duration,
) -> Result<HttpAnswer, NoExchange>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    match tokio::time::timeout(limit, unlimited(stream, request)).await {
        Ok(answer) => answer,
        Err(_) => Err(NoExchange::TimedOut(limit)),
    }
}

async fn unlimited<S>(stream: S, request: Request<Full<Bytes>>) -> Result<HttpAnswer, NoExchange>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
    let mut connection = pin!(connection);
    let mut work = pin!(async move {
        let mut answer = sender.send_request(request).await?;
        let (status, mut body) = (answer.status().as_u16(), Vec::new());
        let content_type = answer.headers().get("content-type");
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        while !answer.body().is_end_stream() && body.len() <= LARGEST {
            let Some(frame) = answer.body_mut().frame().await else { break };
            if let Ok(data) = frame?.into_data() {
                body.extend_from_slice(&data);
            }
        }
        Ok::<_, hyper::Error>(HttpAnswer { status, content_type, body })
    });
    let mut is_open = true;
    // The connection moves only while it is polled, so both are, until the answer is whole.
    poll_fn(|context| {
        if is_open && pin!(&mut connection).poll(context).is_ready() {
            is_open = false;
        }
        match work.as_mut().poll(context) {
            Poll::Ready(Ok(answer)) if answer.body.len() > LARGEST => {
                Poll::Ready(Err(NoExchange::TooLarge(LARGEST)))
            }
            Poll::Ready(answer) => Poll::Ready(answer.map_err(|error| broken(&error))),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

fn broken(error: &dyn Error) -> NoExchange {
    NoExchange::Broken(words(error))
}

/// An error and what led to it, each once.
pub(crate) fn words(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let part = source.to_string();
        if !text.contains(&part) {
            text = format!("{text}: {part}");
        }
        next = source.source();
    }
    text
}
