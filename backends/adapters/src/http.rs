//! Plain HTTP requests, each with a bound.

use std::{error::Error, io, time::Duration};

use pgdrill_core::{PortError, PortErrorKind};
use reqwest::{Client, Method, redirect::Policy};

/// The largest answer that is read.
const LARGEST: usize = 8 << 20;
/// How a connection ends that the other end has closed.
const CUT: [io::ErrorKind; 3] =
    [io::ErrorKind::ConnectionReset, io::ErrorKind::ConnectionAborted, io::ErrorKind::BrokenPipe];

/// Why a request has no answer.
#[derive(Debug)]
pub struct NoAnswer {
    /// Its kind, as a port reports it.
    pub kind: PortErrorKind,
    /// Whether the machine answered that nobody listens there.
    pub is_refused: bool,
    /// Whether a connection was taken, and closed before anything was answered.
    pub is_cut: bool,
    cause: String,
}

impl NoAnswer {
    /// The error of this port's operation.
    #[must_use]
    pub fn at(self, port: &'static str, operation: &'static str) -> PortError {
        PortError::new(self.kind, port, operation, self.cause)
    }

    fn of(url: &str, error: &reqwest::Error) -> Self {
        let (mut is_refused, mut is_cut) = (false, false);
        let mut cause = format!("{url}: {error}");
        let mut next = error.source();
        while let Some(source) = next {
            cause = format!("{url}: {source}");
            let io = source.downcast_ref::<io::Error>();
            is_refused |= io.is_some_and(|io| io.kind() == io::ErrorKind::ConnectionRefused);
            let is_reset = io.is_some_and(|io| CUT.contains(&io.kind()));
            let http = source.downcast_ref::<hyper::Error>();
            // Closed after the request was written, or before.
            let is_closed =
                |http: &hyper::Error| http.is_incomplete_message() || http.is_canceled();
            is_cut |= is_reset || http.is_some_and(is_closed);
            next = source.source();
        }
        let kind =
            if error.is_timeout() { PortErrorKind::TimedOut } else { PortErrorKind::Unreachable };
        // What fails once the answer has begun is no request any more.
        is_cut &= error.is_request();
        Self { kind, is_refused, is_cut, cause }
    }
}

/// The status and content with which the server answers within the limit. No proxy is used and no
/// redirection followed.
///
/// # Errors
///
/// Nobody answers, or not within the limit.
pub async fn request(
    method: Method,
    url: &str,
    body: Option<Vec<u8>>,
    limit: Duration,
) -> Result<(u16, Vec<u8>), NoAnswer> {
    let exchange = async {
        let client = Client::builder().no_proxy().redirect(Policy::none()).build()?;
        let mut request = client.request(method, url);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let mut answer = request.send().await?;
        let mut content = Vec::new();
        while let Some(block) = answer.chunk().await? {
            content.extend_from_slice(&block);
            if content.len() > LARGEST {
                break;
            }
        }
        Ok::<_, reqwest::Error>((answer.status().as_u16(), content))
    };
    match tokio::time::timeout(limit, exchange).await {
        Ok(answer) => answer.map_err(|error| NoAnswer::of(url, &error)),
        Err(_) => Err(NoAnswer {
            kind: PortErrorKind::TimedOut,
            is_refused: false,
            is_cut: false,
            cause: format!("{url}: no answer within {limit:?}"),
        }),
    }
}
