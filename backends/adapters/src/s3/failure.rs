//! What a failed request means.

use std::error::Error;

use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
use pgdrill_core::{PortErrorKind, S3Settings};

/// A failed request.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) kind: PortErrorKind,
    /// The server's own word for it.
    pub(super) code: Option<String>,
    pub(super) cause: String,
}

impl Failed {
    pub(super) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        let failed = |kind| Self { kind, code: None, cause: chain(error) };
        match error {
            SdkError::TimeoutError(_) => failed(PortErrorKind::TimedOut),
            SdkError::DispatchFailure(dispatch) if dispatch.is_timeout() => {
                failed(PortErrorKind::TimedOut)
            }
            SdkError::DispatchFailure(_) => failed(PortErrorKind::Unreachable),
            SdkError::ResponseError(_) => failed(PortErrorKind::Malformed),
            SdkError::ServiceError(answer) => {
                let status = answer.raw().status().as_u16();
                Self::answered(status, answer.err().code(), answer.err().message())
            }
            SdkError::ConstructionFailure(_) | _ => failed(PortErrorKind::Refused),
        }
    }

    fn answered(status: u16, code: Option<&str>, message: Option<&str>) -> Self {
        let kind = match status {
            401 | 403 => PortErrorKind::Denied,
            404 => PortErrorKind::NotFound,
            _ => PortErrorKind::Refused,
        };
        let mut cause = status.to_string();
        for part in [code, message].into_iter().flatten() {
            cause.push(' ');
            cause.extend(part.chars().take(200));
        }
        Self { kind, code: code.map(str::to_owned), cause }
    }
}

/// An error with everything that led to it, each part once.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let part = source.to_string();
        if !words.contains(&part) && words.len() + part.len() < 500 {
            words.push_str(": ");
            words.push_str(&part);
        }
        next = source.source();
    }
    words
}

/// A text without the credentials, should a server have repeated them.
pub(super) fn without_secrets(mut text: String, s3: &S3Settings) -> String {
    for secret in [&s3.access_key, &s3.secret_key] {
        if !secret.expose().is_empty() {
            text = text.replace(secret.expose(), "***");
        }
    }
    text
}
